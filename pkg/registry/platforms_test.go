package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// entry is one member of an index, as JSON; fields are further ones.
func entry(digest, platform, fields string) string {
	os, arch, _ := strings.Cut(platform, "/")
	arch, variant, _ := strings.Cut(arch, "/")
	text := fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":1`, ociManifestType, digest)
	if platform != "" {
		text += fmt.Sprintf(`,"platform":{"os":%q,"architecture":%q,"variant":%q}`, os, arch, variant)
	}
	return text + fields + "}"
}

// pushIndex files an index of the given members as 1.0.0.
func pushIndex(t *testing.T, reg *testenv.Registry, members ...string) {
	t.Helper()
	index := `{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[` + strings.Join(members, ",") + `]}`
	if err := reg.PushManifest("acme/web", "1.0.0", "application/vnd.oci.image.index.v1+json", []byte(index)); err != nil {
		t.Fatal(err)
	}
}

// gone makes the registry forget manifests, which it still lists.
func gone(digests ...string) mishap {
	return func(w http.ResponseWriter, r *http.Request) bool {
		for _, digest := range digests {
			if strings.HasSuffix(r.URL.Path, "/manifests/"+digest) {
				status(404, `{"errors":[{"code":"MANIFEST_UNKNOWN"}]}`)(w, r)
				return true
			}
		}
		return false
	}
}

func TestEveryWantedPlatformCanBePulled(t *testing.T) {
	reg := start(t, testenv.RegistryOptions{})
	digests := map[string]string{}
	var members []string
	for i, platform := range []string{"linux/amd64", "linux/arm64", "linux/arm/v7", "windows/amd64"} {
		digests[platform] = push(t, reg, testenv.Image{Platforms: []string{platform}, Created: built.Add(time.Duration(i) * time.Hour)})
		members = append(members, entry(digests[platform], platform, ""))
	}
	pushIndex(t, reg, members...)
	for _, test := range []struct {
		name     string
		gone     []string
		wanted   []string
		requests int // ping, index, manifest and config of one image, and a HEAD for each further platform
		want     string
	}{
		{"none asked for", nil, nil, 4, ""},
		{"one", nil, []string{"linux/arm64"}, 4, ""},
		{"three", nil, []string{"linux/arm64", "linux/amd64", "linux/arm/v7"}, 6, ""},
		{"one twice", nil, []string{"linux/arm64", "linux/arm64/v8"}, 4, ""},
		{"one that is not in the index", nil, []string{"linux/arm64", "linux/s390x"}, 4, ""},
		{"the first is gone", []string{"linux/arm64"}, []string{"linux/arm64", "linux/amd64"}, 0, "the image for linux/arm64 is missing in the registry: " + digests["linux/arm64"]},
		{"the second is gone", []string{"linux/arm64"}, []string{"linux/amd64", "linux/arm64"}, 0, "the image for linux/arm64 is missing in the registry: " + digests["linux/arm64"]},
		{"one that nobody wants is gone", []string{"windows/amd64"}, []string{"linux/amd64", "linux/arm64"}, 5, ""},
		{"none asked for, the first is gone", []string{"linux/amd64"}, nil, 5, ""},
		{"none asked for, all are gone", []string{"linux/amd64", "linux/arm64", "linux/arm/v7", "windows/amd64"}, nil, 0, "the image for windows/amd64 is missing in the registry: " + digests["windows/amd64"]},
	} {
		t.Run(test.name, func(t *testing.T) {
			var lost []string
			for _, platform := range test.gone {
				lost = append(lost, digests[platform])
			}
			reg.SetFault(gone(lost...))
			reg.ResetRequests()
			got, err := client(t, reg, keys{}).InspectFor(context.Background(), image.Ref{Repository: reg.Host + "/acme/web", Tag: "1.0.0"}, test.wanted)
			if test.want != "" {
				if want := reg.Host + "/acme/web:1.0.0: " + test.want; !errors.Is(err, ErrNotFound) || err.Error() != want || fault.HintOf(err) == "" {
					t.Errorf("got %v, want %s and a hint", err, want)
				}
				return
			}
			if err != nil || len(got.Platforms) != 4 {
				t.Fatalf("%+v, %v", got, err)
			}
			if n := len(reg.Requests()); n != test.requests {
				t.Errorf("%d requests, want %d: %q", n, test.requests, reg.Requests())
			}
		})
	}
}

func TestARegistryWithoutHEADIsAskedForPlatformsWithGET(t *testing.T) {
	reg := start(t, testenv.RegistryOptions{})
	push(t, reg, testenv.Image{Platforms: []string{"linux/amd64", "linux/arm64"}}, "1.0.0")
	reg.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
		return r.Method == http.MethodHead && on("/manifests/", status(405, ""))(w, r)
	})
	_, err := client(t, reg, keys{}).InspectFor(context.Background(), image.Ref{Repository: reg.Host + "/acme/web", Tag: "1.0.0"}, []string{"linux/amd64", "linux/arm64"})
	if err != nil {
		t.Error(err)
	}
}

func TestArtifactsInAnIndexAreLeftOut(t *testing.T) {
	reg := start(t, testenv.RegistryOptions{})
	arm := push(t, reg, testenv.Image{Platforms: []string{"linux/arm64"}, Created: built})
	nameless := push(t, reg, testenv.Image{Platforms: []string{"linux/riscv64"}})
	empty, err := reg.PushBlob("acme/web", []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	signature := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":%q,"size":2},"layers":[]}`, ociManifestType, empty)
	signed := digestOf([]byte(signature))
	if err := reg.PushManifest("acme/web", signed, ociManifestType, []byte(signature)); err != nil {
		t.Fatal(err)
	}
	for name, members := range map[string][]string{
		"by their type":                {entry(arm, "linux/arm64", ""), entry(signed, "", `,"artifactType":"application/vnd.example.signature"`)},
		"by their type, with platform": {entry(signed, "linux/arm64", `,"artifactType":"text/spdx"`), entry(arm, "linux/arm64", "")},
		"by their config":              {entry(signed, "", ""), entry(arm, "linux/arm64", "")},
		"an attestation":               {entry(arm, "linux/arm64", ""), entry(signed, "linux/arm64", `,"annotations":{"vnd.docker.reference.type":"attestation-manifest"}`)},
		"an image that says its type":  {entry(arm, "linux/arm64", `,"artifactType":"application/vnd.oci.image.config.v1+json"`)},
	} {
		pushIndex(t, reg, members...)
		got, err := inspect100(t, reg)
		if want := []string{"linux/arm64"}; err != nil || !slices.Equal(got.Platforms, want) || !got.Created.Equal(built) {
			t.Errorf("%s: %+v, %v; want %q", name, got, err, want)
		}
	}
	pushIndex(t, reg, entry(nameless, "", ""), entry(signed, "", ""))
	if got, err := inspect100(t, reg); err != nil || !slices.Equal(got.Platforms, []string{"linux/riscv64"}) {
		t.Errorf("an image without a platform beside an artifact: %+v, %v", got, err)
	}
	pushIndex(t, reg, entry(signed, "", ""))
	if _, err := inspect100(t, reg); !errors.Is(err, ErrNoImage) || !strings.HasSuffix(err.Error(), ": not a container image: an index without images") {
		t.Errorf("artifacts only: %v", err)
	}
}

func TestAnIndexOfThousandsWithoutPlatformsIsNotWalked(t *testing.T) {
	reg := start(t, testenv.RegistryOptions{})
	var members []string
	for i := range maxUnnamed + 1 {
		members = append(members, entry(fmt.Sprintf("sha256:%064x", i), "", ""))
	}
	reg.SetFault(on("/manifests/1.0.0", page("application/vnd.oci.image.index.v1+json", `{"schemaVersion":2,"manifests":[`+strings.Join(members, ",")+`]}`)))
	_, err := inspect100(t, reg)
	if want := reg.Host + "/acme/web:1.0.0: not a container image: an index of 65 images without a platform"; !errors.Is(err, ErrNoImage) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if n := len(reg.Requests()); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}

func TestASurveyLeavesOutWhatCannotBePulled(t *testing.T) {
	reg := start(t, testenv.RegistryOptions{})
	amd := push(t, reg, testenv.Image{Platforms: []string{"linux/amd64"}, Created: built})
	arm := push(t, reg, testenv.Image{Platforms: []string{"linux/arm64"}, Created: built.Add(time.Hour)})
	pushIndex(t, reg, entry(amd, "linux/amd64", ""), entry(arm, "linux/arm64", ""))
	push(t, reg, testenv.Image{Created: built.Add(2 * time.Hour)}, "0.9.0")
	reg.ListTags("acme/web", []string{"0.8.0", "0.9.0", "1.0.0"})
	tags := []string{"0.9.0", "1.0.0"}
	for name, test := range map[string]struct {
		gone []string
		want string
	}{
		"all images are there":    {nil, "map[0.9.0:2024-06-15 14:30:00 +0000 UTC 1.0.0:2024-06-15 12:30:00 +0000 UTC]"},
		"one platform is gone":    {[]string{amd}, "map[0.9.0:2024-06-15 14:30:00 +0000 UTC 1.0.0:2024-06-15 13:30:00 +0000 UTC]"},
		"both platforms are gone": {[]string{amd, arm}, "map[0.9.0:2024-06-15 14:30:00 +0000 UTC]"},
	} {
		for _, quota := range []bool{false, true} {
			reg.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
				if quota {
					w.Header().Set("RateLimit-Remaining", "100;w=21600")
				}
				return gone(test.gone...)(w, r)
			})
			got, err := client(t, reg, keys{}).InspectAll(context.Background(), reg.Host+"/acme/web", tags)
			if text := fmt.Sprint(timesOf(got)); err != nil || text != test.want {
				t.Errorf("%s, quota %v: %s, %v; want %s", name, quota, text, err, test.want)
			}
		}
	}
	// 0.8.0 is listed and does not exist: it might be the newest.
	for _, quota := range []bool{false, true} {
		reg.SetFault(func(w http.ResponseWriter, _ *http.Request) bool {
			if quota {
				w.Header().Set("RateLimit-Remaining", "100;w=21600")
			}
			return false
		})
		_, err := client(t, reg, keys{}).InspectAll(context.Background(), reg.Host+"/acme/web", append(tags, "0.8.0"))
		if want := reg.Host + "/acme/web:0.8.0: no such tag"; !errors.Is(err, ErrNotFound) || err.Error() != want {
			t.Errorf("a tag that does not exist, quota %v: %v; want %s", quota, err, want)
		}
	}
	reg.SetFault(gone(amd, arm))
	tag, found, err := client(t, reg, keys{}).First(context.Background(), reg.Host+"/acme/web", []string{"1.0.0", "0.8.0", "0.9.0"}, func(image.Info) bool { return true })
	if tag != "0.9.0" || !found || err != nil {
		t.Errorf("First: %s, %v, %v; want 0.9.0", tag, found, err)
	}
}
