package registry

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// timesOf returns when each image was created.
func timesOf(infos map[string]image.Info) map[string]time.Time {
	times := map[string]time.Time{}
	for tag, info := range infos {
		times[tag] = info.Created
	}
	return times
}

func TestInspectAllReadsEachImageOnce(t *testing.T) {
	reg := start(t, testenv.RegistryOptions{})
	push(t, reg, testenv.Image{Created: built}, "a", "b", "c", "d")
	push(t, reg, testenv.Image{Created: built.Add(time.Hour), Platforms: []string{"linux/amd64", "linux/arm64"}}, "e")
	push(t, reg, testenv.Image{}, "f")
	got, err := client(t, reg, keys{}).InspectAll(context.Background(), reg.Host+"/acme/web", []string{"a", "b", "c", "d", "e", "f"})
	want := map[string]time.Time{"a": built, "b": built, "c": built, "d": built, "e": built.Add(time.Hour), "f": {}}
	if err != nil || !maps.EqualFunc(timesOf(got), want, time.Time.Equal) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	if n := reg.Count("GET", "/blobs/"); n != 3 {
		t.Errorf("%d configs were asked for, want 3", n)
	}
}

func TestInspectAllLeavesOutWhatIsNotAnImage(t *testing.T) {
	reg := start(t, testenv.RegistryOptions{})
	push(t, reg, testenv.Image{Created: built}, "a")
	const chart = `{"schemaVersion":2,"config":{"mediaType":"application/vnd.cncf.helm.config.v1+json","digest":"CONFIG","size":2},"layers":[]}`
	pushText(t, reg, ociManifestType, chart, "{}") // as 1.0.0
	cache := `{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:` + strings.Repeat("a", 64) + `","size":1}]}`
	if err := reg.PushManifest("acme/web", "buildcache", "application/vnd.oci.image.manifest.v1+json", []byte(cache)); err != nil {
		t.Fatal(err)
	}
	for _, tags := range [][]string{{"a", "1.0.0", "buildcache"}, {"1.0.0", "buildcache", "a"}} {
		got, err := client(t, reg, keys{}).InspectAll(context.Background(), reg.Host+"/acme/web", tags)
		if want := map[string]time.Time{"a": built}; err != nil || !maps.EqualFunc(timesOf(got), want, time.Time.Equal) {
			t.Errorf("got %v, %v; want %v", got, err, want)
		}
	}
}

func TestASearchLooksNoFurtherThanItHasTo(t *testing.T) {
	tags := manyTags(40)
	revision := func(want string) func(image.Info) bool {
		return func(info image.Info) bool { return info.Labels["org.opencontainers.image.revision"] == want }
	}
	for _, test := range []struct {
		revision string
		want     string
		pulls    int
	}{
		{"pr-000000", "pr-000000", 1},
		{"pr-000002", "pr-000002", 3},
		{"pr-000039", "pr-000039", 40},
		{"none", "", 40},
	} {
		reg := start(t, testenv.RegistryOptions{})
		for _, tag := range tags {
			push(t, reg, testenv.Image{Labels: map[string]string{"org.opencontainers.image.revision": tag}}, tag)
		}
		got, found, err := client(t, reg, keys{}).First(context.Background(), reg.Host+"/acme/web", tags, revision(test.revision))
		if err != nil || got != test.want || found != (test.want != "") {
			t.Errorf("%s: got %q, %v, %v", test.revision, got, found, err)
		}
		if n := reg.Count("GET", "/manifests/"); n != test.pulls {
			t.Errorf("%s: %d pulls, want %d", test.revision, n, test.pulls)
		}
	}
	reg := start(t, testenv.RegistryOptions{Fault: on("/manifests/b", status(500, ""))})
	push(t, reg, testenv.Image{}, "a", "b", "c")
	_, _, err := client(t, reg, keys{}).First(context.Background(), reg.Host+"/acme/web", []string{"a", "b", "c"}, revision("none"))
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable: what cannot be seen might be it", err)
	}
}

// limited counts GETs of manifests against a quota, and says 429 in plain text behind it, as Docker Hub does.
func limited(quota int64, announced bool) mishap {
	var pulls atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/manifests/") {
			return false
		}
		if r.Method == http.MethodGet {
			pulls.Add(1)
		}
		if announced {
			w.Header().Set("RateLimit-Remaining", fmt.Sprintf("%d;w=21600", max(0, quota-pulls.Load())))
		}
		if r.Method == http.MethodGet && pulls.Load() > quota {
			w.WriteHeader(http.StatusTooManyRequests)
			fmt.Fprint(w, "You have reached your unauthenticated pull rate limit.")
			return true
		}
		return false
	}
}

// TestALimitOfAMinuteIsNoQuota holds that a limit which a short wait ends stops nobody.
func TestALimitOfAMinuteIsNoQuota(t *testing.T) {
	reg := start(t, testenv.RegistryOptions{Fault: func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("RateLimit-Remaining", "1;w=60")
		return false
	}})
	for i, tag := range []string{"1.0", "1.1", "1.2"} {
		push(t, reg, testenv.Image{Created: built.Add(time.Duration(i) * time.Minute)}, tag)
	}
	got, err := client(t, reg, keys{}).InspectAll(context.Background(), reg.Host+"/acme/web", []string{"1.0", "1.1", "1.2"})
	if err != nil || len(got) != 3 {
		t.Errorf("%d times, %v; want 3", len(got), err)
	}
}

func TestAQuotaIsNeverAGuess(t *testing.T) {
	const images = 60
	tags := manyTags(images)
	for _, test := range []struct {
		name      string
		quota     int64
		announced bool
		pulls     int // the most that may be spent
		want      string
	}{
		{"enough", 200, false, images, ""},
		{"enough, announced", 200, true, images, ""},
		{"too little", 20, false, 20 + 2*jobs, "the registry's rate limit is reached: 429 Too Many Requests (2 tries)"},
		{"too little, announced", 20, true, 0, "HOST/acme/web: the registry's quota is too small to compare the times of all images: 60 images, and 20 pulls left"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			reg := start(t, testenv.RegistryOptions{})
			for i, tag := range tags {
				push(t, reg, testenv.Image{Created: built.Add(time.Duration(i) * time.Minute)}, tag)
			}
			reg.SetFault(limited(test.quota, test.announced))
			got, err := client(t, reg, keys{}).InspectAll(context.Background(), reg.Host+"/acme/web", tags)
			if test.want == "" {
				if err != nil || len(got) != images {
					t.Errorf("%d times, %v; want %d", len(got), err, images)
				}
			} else if !errors.Is(err, ErrUnavailable) || !strings.HasSuffix(err.Error(), strings.ReplaceAll(test.want, "HOST", reg.Host)) {
				t.Errorf("got %v; want %s", err, test.want)
			}
			if n := reg.Count("GET", "/manifests/"); n > test.pulls {
				t.Errorf("%d pulls, want at most %d", n, test.pulls)
			}
		})
	}
}

func TestWaitForATag(t *testing.T) {
	for _, test := range []struct {
		name       string
		repository string
		missing    int64 // how many looks find nothing
		patience   time.Duration
		fault      mishap
		want       string
		class      error
	}{
		{"there at once", "acme/web", 0, 0, nil, "", nil},
		{"there in a moment", "acme/web", 2, 10 * time.Second, nil, "", nil},
		{"never", "acme/web", 1000, 300 * time.Millisecond, nil, "HOST/acme/web:1.0.0: no such tag: waited 300ms", ErrNotFound},
		{"not waited for", "acme/web", 1000, 0, nil, "HOST/acme/web:1.0.0: no such tag", ErrNotFound},
		{"no repository", "acme/none", 0, 300 * time.Millisecond, nil, "HOST/acme/none:1.0.0: no such repository: waited 300ms", ErrNotFound},
		{"forbidden is not waited for", "acme/web", 0, time.Hour, on("/manifests/", status(403, "")), "HOST/acme/web:1.0.0: the registry forbids anonymous access", ErrAuth},
		{"an error is not waited for", "acme/web", 0, time.Hour, on("/manifests/", status(500, "")), "HOST/acme/web:1.0.0: the registry is out of order: 500 Internal Server Error (2 tries)", ErrUnavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			reg := start(t, testenv.RegistryOptions{})
			push(t, reg, testenv.Image{}, "1.0.0")
			fault := test.fault
			if fault == nil {
				fault = times(test.missing, on("/acme/web/manifests/", status(404, `{"errors":[{"code":"MANIFEST_UNKNOWN"}]}`)))
			}
			reg.SetFault(fault)
			looks := 0
			err := client(t, reg, keys{}).WaitForTag(context.Background(), image.Ref{Repository: reg.Host + "/" + test.repository, Tag: "1.0.0"},
				test.patience, func(time.Duration) { looks++ })
			want := strings.ReplaceAll(test.want, "HOST", reg.Host)
			switch {
			case test.class == nil && err != nil:
				t.Error(err)
			case test.class != nil && (!errors.Is(err, test.class) || err.Error() != want):
				t.Errorf("got  %v\nwant %s", err, want)
			}
			if test.name == "there in a moment" && looks != int(test.missing) {
				t.Errorf("told %d times that it waits, want %d", looks, test.missing)
			}
		})
	}
}
