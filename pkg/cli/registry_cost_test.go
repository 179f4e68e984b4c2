package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// A counted registry tells what it was asked.
type counted interface {
	Requests() []string
}

// TestWhatAResolvedTagCosts counts the requests of the whole command, at Debian's
// docker-registry and at one that hands out tokens. The number of tags does not matter,
// but for the pages of the list: docker-registry 2.8 has one, the other one per thousand.
func TestWhatAResolvedTagCosts(t *testing.T) {
	for _, tags := range []int{10, 1500} {
		t.Run(fmt.Sprintf("docker-registry with %d tags", min(tags, 50)), func(t *testing.T) {
			proxy := debianRegistry(t, min(tags, 50)) // more take long to push, and are one page as well
			checkCosts(t, proxy.Host, proxy, proxy.Reset, 0, 1)
		})
		t.Run(fmt.Sprintf("tokens and %d tags", tags), func(t *testing.T) {
			reg := tokenRegistry(t, tags)
			checkCosts(t, reg.Host, reg, reg.ResetRequests, 1, (tags+999)/1000)
		})
	}
}

// tokenRegistry has images of acme/web and, with one index, of acme/multi.
func tokenRegistry(t *testing.T, tags int) *testenv.Registry {
	t.Helper()
	reg, err := testenv.NewRegistry(testenv.RegistryOptions{Bearer: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reg.Close)
	pushBuilds(t, reg.Push, tags)
	return reg
}

func debianRegistry(t *testing.T, tags int) *testenv.Proxy {
	t.Helper()
	reg, err := testenv.StartDockerRegistry(t.TempDir())
	if errors.Is(err, testenv.ErrNotInstalled) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reg.Close)
	proxy, err := testenv.NewProxy(reg.Host, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	pushBuilds(t, reg.Push, tags)
	return proxy
}

// pushBuilds pushes acme/web and acme/multi: 1.0.0, 1.0.1 …, of which the last is of its own image.
func pushBuilds(t *testing.T, push func(repository string, img testenv.Image, tags ...string) (string, error), tags int) {
	t.Helper()
	var names []string
	for i := range tags - 1 {
		names = append(names, fmt.Sprintf("1.0.%d", i))
	}
	for repository, platforms := range map[string][]string{"acme/web": {"linux/arm64"}, "acme/multi": {"linux/amd64", "linux/arm64", "linux/arm/v7"}} {
		old := testenv.Image{Platforms: platforms, Created: time.Date(2024, 6, 15, 12, 30, 0, 0, time.UTC)}
		young := testenv.Image{
			Platforms: platforms, Created: old.Created.Add(time.Hour),
			Labels: map[string]string{"org.opencontainers.image.revision": "0123456789"},
		}
		_, err := push(repository, old, names...)
		if err == nil {
			_, err = push(repository, young, fmt.Sprintf("1.0.%d", tags-1))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// checkCosts resolves in every way that looks at one image, each time with its platform,
// its time and its labels. A login is 1 where a token has to be fetched.
func checkCosts(t *testing.T, host string, asked counted, reset func(), login, pages int) {
	t.Helper()
	ways := map[string]string{
		"match":    `--match ^1\.0\.(\d+)$ --extract $1 --order numerical`,
		"semver":   "--semver ~1.0",
		"natural":  "--order natural",
		"revision": "--revision 0123456789",
	}
	for repository, index := range map[string]int{"acme/web": 0, "acme/multi": 1} {
		look := 1 + login + 2 + index // ping, token, manifest and config, the manifest in an index
		for way, flags := range ways {
			want := look + pages
			if way == "revision" {
				want += 2 + index // looked at to find it, and again to report it
			}
			reset()
			resolveAt(t, host+"/"+repository, flags)
			if n := len(asked.Requests()); n != want {
				t.Errorf("%s of %s: %d requests, want %d: %q", way, repository, n, want, asked.Requests())
			}
		}
		reset()
		resolveAt(t, host+"/"+repository+":1.0.9", "")
		if n := len(asked.Requests()); n != look {
			t.Errorf("tag of %s: %d requests, want %d: %q", repository, n, look, asked.Requests())
		}
		if n := len(slices.DeleteFunc(asked.Requests(), func(r string) bool { return !strings.HasPrefix(r, "GET /v2/"+repository+"/manifests/") })); n != 1+index {
			t.Errorf("tag of %s: %d pulls, want %d", repository, n, 1+index)
		}
	}
}

func resolveAt(t *testing.T, image, flags string) {
	t.Helper()
	code, stdout, stderr := resolve(image, flags+" --platform linux/arm64 -o json")
	if code != exitDone || !strings.Contains(stdout, `"created"`) || !strings.Contains(stdout, `"linux/arm64"`) {
		t.Fatalf("%s %s: exit code %d\n%s%s", image, flags, code, stdout, stderr)
	}
}
