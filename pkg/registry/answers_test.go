package registry

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// pushText files a manifest of the given text as 1.0.0. CONFIG stands for the digest of config.
func pushText(t *testing.T, reg *testenv.Registry, mediaType, manifest, config string) {
	t.Helper()
	digest, err := reg.PushBlob("acme/web", []byte(config))
	if err == nil {
		err = reg.PushManifest("acme/web", "1.0.0", mediaType, []byte(strings.ReplaceAll(manifest, "CONFIG", digest)))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func inspect100(t *testing.T, reg *testenv.Registry) (image.Info, error) {
	t.Helper()
	return client(t, reg, keys{}).Inspect(context.Background(), image.Ref{Repository: reg.Host + "/acme/web", Tag: "1.0.0"})
}

const single = `{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"CONFIG","size":1},"layers":[]}`

func TestADigestIsComputedAndNotBelieved(t *testing.T) {
	const body = `{"schemaVersion":2,"manifests":[]}`
	reg := start(t, testenv.RegistryOptions{})
	push(t, reg, testenv.Image{}, "1.0.0")
	c := client(t, reg, keys{})
	reg.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Docker-Content-Digest", "sha256:"+strings.Repeat("0", 64))
		return on("/manifests/", page("application/json", body))(w, r)
	})
	at, err := c.parseRef(image.Ref{Repository: reg.Host + "/acme/web", Tag: "1.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	_, got, err := c.manifest(context.Background(), at)
	if want := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(body))); err != nil || got != want {
		t.Errorf("digest %s, %v; want %s", got, err, want)
	}
}

func TestTheMediaTypeComesFromTheBody(t *testing.T) {
	for _, test := range []struct{ name, mediaType, manifest string }{
		{"image as text", "text/plain", single},
		{"image without a type", "", single},
	} {
		reg := start(t, testenv.RegistryOptions{})
		pushText(t, reg, test.mediaType, test.manifest, `{"os":"linux","architecture":"arm64"}`)
		got, err := inspect100(t, reg)
		if err != nil || !slices.Equal(got.Platforms, []string{"linux/arm64"}) {
			t.Errorf("%s: %v, %v", test.name, got.Platforms, err)
		}
	}
}

func TestTimesThatPeopleWrite(t *testing.T) {
	for _, test := range []struct {
		config string
		want   time.Time
	}{
		{`{"os":"linux","architecture":"arm64","created":"2024-06-15T12:30:00Z"}`, built},
		{`{"os":"linux","architecture":"arm64","created":"2024-06-15T14:30:00.000+02:00"}`, built},
		{`{"os":"linux","architecture":"arm64","created":"","config":{"Labels":{"org.opencontainers.image.created":"2024-06-15T12:30:00Z"}}}`, built},
		{`{"os":"linux","architecture":"arm64","created":"1970-01-01T00:00:00Z","config":{"Labels":{"org.opencontainers.image.created":"2024-06-15T12:30:00Z"}}}`, built},
		{`{"os":"linux","architecture":"arm64","created":"0001-01-01T00:00:00Z"}`, time.Time{}},
		{`{"os":"linux","architecture":"arm64","created":"yesterday"}`, time.Time{}},
		{`{"os":"linux","architecture":"arm64"}`, time.Time{}},
	} {
		reg := start(t, testenv.RegistryOptions{})
		pushText(t, reg, ociManifestType, single, test.config)
		got, err := inspect100(t, reg)
		if err != nil || !got.Created.Equal(test.want) {
			t.Errorf("%s: created %v, %v; want %v", test.config, got.Created, err, test.want)
		}
	}
}

const ociManifestType = "application/vnd.oci.image.manifest.v1+json"

func TestACommitInTheAnnotationsIsALabelToo(t *testing.T) {
	reg := start(t, testenv.RegistryOptions{})
	pushText(t, reg, ociManifestType, strings.Replace(single, `"layers"`, `"annotations":{"a":"of the manifest","b":"of the manifest"},"layers"`, 1),
		`{"os":"linux","architecture":"arm64","config":{"Labels":{"b":"of the config"}}}`)
	got, err := inspect100(t, reg)
	if want := map[string]string{"a": "of the manifest", "b": "of the config"}; err != nil || !maps.Equal(got.Labels, want) {
		t.Errorf("labels %v, %v; want %v", got.Labels, err, want)
	}
}

func TestAnIndexThatNamesNoPlatformsIsLookedInto(t *testing.T) {
	reg := start(t, testenv.RegistryOptions{})
	var members []string
	for _, platform := range []string{"linux/arm64", "linux/amd64"} {
		digest := push(t, reg, testenv.Image{Platforms: []string{platform}})
		members = append(members, fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":1}`, ociManifestType, digest))
	}
	attestation := push(t, reg, testenv.Image{Platforms: []string{"unknown/unknown"}})
	members = append(members, fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":1,"platform":{"os":"unknown","architecture":"unknown"}}`, ociManifestType, attestation))
	pushText(t, reg, "text/plain", `{"schemaVersion":2,"manifests":[`+strings.Join(members, ",")+`]}`, "{}")
	got, err := inspect100(t, reg)
	if want := []string{"linux/arm64", "linux/amd64"}; err != nil || !slices.Equal(got.Platforms, want) {
		t.Errorf("platforms %q, %v; want %q", got.Platforms, err, want)
	}
}

func TestTheWantedImageOfAnIndexSaysWhen(t *testing.T) {
	reg := start(t, testenv.RegistryOptions{})
	old := push(t, reg, testenv.Image{Platforms: []string{"linux/amd64"}, Created: built})
	young := push(t, reg, testenv.Image{Platforms: []string{"linux/arm64"}, Created: built.Add(time.Hour)})
	pushText(t, reg, "application/vnd.oci.image.index.v1+json", fmt.Sprintf(
		`{"schemaVersion":2,"manifests":[{"mediaType":%q,"digest":%q,"size":1,"platform":{"os":"linux","architecture":"amd64"}},{"mediaType":%[1]q,"digest":%[3]q,"size":1,"platform":{"os":"linux","architecture":"arm64"}}]}`,
		ociManifestType, old, young,
	), "{}")
	for platform, want := range map[string]time.Time{"": built, "linux/amd64": built, "linux/arm64/v8": built.Add(time.Hour), "windows/amd64": built} {
		got, err := client(t, reg, keys{}).InspectFor(context.Background(), image.Ref{Repository: reg.Host + "/acme/web", Tag: "1.0.0"}, []string{platform})
		if err != nil || !got.Created.Equal(want) {
			t.Errorf("%q: created %v, %v; want %v", platform, got.Created, err, want)
		}
	}
}

// go-containerregistry takes a registry at 127.0.0.1 for http, and refused the https link to its second page.
func TestATLSRegistryOnAPrivateAddressHasASecondPage(t *testing.T) {
	reg := start(t, testenv.RegistryOptions{TLS: true})
	reg.ListTags("acme/web", manyTags(2500))
	for name, header := range map[string]string{
		"relative":         "",
		"absolute https":   `<https://HOST/v2/acme/web/tags/list?last=x>; rel="next"`,
		"absolute http":    `<http://HOST/v2/acme/web/tags/list?last=x>; rel="next"`,
		"without the port": `<https://127.0.0.1/v2/acme/web/tags/list?last=x>; rel="next"`,
		"previous first":   `<https://HOST/v2/acme/web/tags/list>; rel="prev", <https://HOST/v2/acme/web/tags/list?last=x>; rel=next`,
	} {
		t.Run(name, func(t *testing.T) {
			want := 2500
			reg.SetFault(nil)
			if header != "" {
				want = 2
				reg.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
					if !strings.HasSuffix(r.URL.Path, "/tags/list") {
						return false
					}
					if r.URL.Query().Get("last") == "x" {
						fmt.Fprint(w, `{"tags":["second"]}`)
						return true
					}
					w.Header().Set("Link", strings.ReplaceAll(header, "HOST", reg.Host))
					fmt.Fprint(w, `{"tags":["first"]}`)
					return true
				})
			}
			got, err := client(t, reg, keys{}).TagsWithPrefix(context.Background(), reg.Host+"/acme/web", "")
			if err != nil || len(got) != want {
				t.Errorf("%d tags, %v; want %d", len(got), err, want)
			}
		})
	}
}

func TestACertificateThatIsNotTrusted(t *testing.T) {
	reg := start(t, testenv.RegistryOptions{TLS: true})
	c, err := New(Options{Keychain: keys{}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.TagsWithPrefix(context.Background(), reg.Host+"/acme/web", "")
	want := reg.Host + "/acme/web: the registry's certificate is not trusted: x509: certificate signed by unknown authority"
	if !errors.Is(err, ErrUnavailable) || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestNobodyListens(t *testing.T) {
	reg := start(t, testenv.RegistryOptions{})
	reg.Close()
	_, err := client(t, reg, keys{}).TagsWithPrefix(context.Background(), reg.Host+"/acme/web", "")
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(fmt.Sprint(err), "connection refused") {
		t.Errorf("got %v", err)
	}
}

func TestTheCallersTimeEndsABackOff(t *testing.T) {
	reg := start(t, testenv.RegistryOptions{Fault: on("/tags/", busyFor("30"))})
	c, err := New(Options{Keychain: keys{}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	begun := time.Now()
	_, err = c.TagsWithPrefix(ctx, reg.Host+"/acme/web", "")
	if !errors.Is(err, ErrUnavailable) || time.Since(begun) > time.Second {
		t.Errorf("after %s: %v; want ErrUnavailable at once", time.Since(begun), err)
	}
}

func TestRefusedTagsAndRepositoriesMakeNoRequest(t *testing.T) {
	reg := start(t, testenv.RegistryOptions{})
	c := client(t, reg, keys{})
	for _, ref := range []image.Ref{
		{Repository: reg.Host + "/Acme/web", Tag: "1"},
		{Repository: reg.Host + "/acme/web", Tag: "a b"},
		{Repository: reg.Host + "/acme/web"},
		{Repository: reg.Host + "/acme/web", Digest: "sha256:12"},
	} {
		if _, err := c.Inspect(context.Background(), ref); !errors.Is(err, image.ErrInvalid) {
			t.Errorf("%s: %v; want ErrInvalid", ref, err)
		}
	}
	if n := len(reg.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
}
