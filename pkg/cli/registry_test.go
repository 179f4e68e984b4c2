package cli

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// builds is a registry with n images of acme/web: 1.0.0, 1.0.1 …, each a minute younger
// than the one before, on arm64 but for the last, which is on amd64 as well.
func builds(t *testing.T, n int) *testenv.Registry {
	t.Helper()
	reg, err := testenv.NewRegistry(testenv.RegistryOptions{})
	if err != nil {
		panic(err) // not always on the test's own goroutine
	}
	t.Cleanup(reg.Close)
	for i := range n {
		img := testenv.Image{Platforms: []string{"linux/arm64"}, Created: time.Date(2024, 6, 15, 12, i, 0, 0, time.UTC)}
		if i == n-1 {
			img.Platforms = append(img.Platforms, "linux/amd64")
		}
		if _, err := reg.Push("acme/web", img, fmt.Sprintf("1.0.%d", i)); err != nil {
			panic(err)
		}
	}
	return reg
}

// policies are the ways to choose, which all agree on the last build.
var policies = map[string]string{
	"match":     `--match ^1\.0\.(\d+)$ --extract $1 --order numerical`,
	"semver":    "--semver ~1.0",
	"natural":   "--order natural",
	"newest":    "--order newest",
	"newest of": "--order newest --newest-of 5",
}

// resolve runs the command and returns its exit code and output.
func resolve(image, flags string) (code int, stdout, stderr string) {
	var out, talk bytes.Buffer
	code = Run(context.Background(), Env{
		Args:   append([]string{"resolve", image}, strings.Fields(flags)...),
		Stdin:  strings.NewReader(""),
		Stdout: &out, Stderr: &talk,
		Getenv: func(string) string { return "" },
		Now:    time.Now,
		Dir:    "/nonexistent",
	})
	return code, out.String(), talk.String()
}

// TestABadDayIsALoudNo holds what the whole command makes of each kind of failure, at the
// very tag that should be chosen: the right exit code, and never an older tag.
func TestABadDayIsALoudNo(t *testing.T) {
	const last = "1.0.9"
	var waiters sync.WaitGroup
	defer waiters.Wait()
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
	}
	for name, fault := range map[string]struct {
		answer http.HandlerFunc
		code   int
		text   string
	}{
		"rate limit":   {status(429), 7, "the registry's rate limit is reached"},
		"server error": {status(500), 7, "the registry is out of order: 500"},
		"bad gateway":  {status(502), 7, "the registry is out of order: 502"},
		"unauthorized": {status(401), 6, "the registry wants a log-in"},
		"forbidden":    {status(403), 6, "the registry forbids anonymous access"},
		"vanished":     {status(404), 5, "no such tag"},
		"a web page":   {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, 7, "a web page came instead"},
		"nonsense":     {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "{") }, 7, "is not JSON"},
		"a rate limit of an hour": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "3600")
			w.WriteHeader(429)
		}, 7, "it asks to come back in 1h0m0s"},
		"reset": {func(w http.ResponseWriter, _ *http.Request) {
			if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
				_ = conn.(*net.TCPConn).SetLinger(0)
				_ = conn.Close()
			}
		}, 7, "cannot reach the registry"},
		"truncated": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, "{")
		}, 7, "cannot reach the registry"},
	} {
		for kind, flags := range policies {
			waiters.Go(func() { // the cases mostly wait, so they do it at the same time
				reg := builds(t, 10)
				reg.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
					if !strings.HasSuffix(r.URL.Path, "/manifests/"+last) {
						return false
					}
					fault.answer(w, r)
					return true
				})
				code, stdout, stderr := resolve(reg.Host+"/acme/web", flags)
				if code != fault.code || stdout != "" || !strings.Contains(stderr, fault.text) {
					t.Errorf("%s, %s: exit code %d, want %d\nstdout: %s\nstderr: %s", name, kind, code, fault.code, stdout, stderr)
				}
			})
		}
	}
}

func TestAMissingPlatformIsALoudNo(t *testing.T) {
	reg := builds(t, 10)
	for kind, flags := range policies {
		code, stdout, stderr := resolve(reg.Host+"/acme/web", flags+" --platform linux/s390x")
		if code != 5 || stdout != "" || !strings.Contains(stderr, "1.0.9: linux/s390x: no such platform (it has linux/arm64, linux/amd64)") {
			t.Errorf("%s: exit code %d\nstdout: %s\nstderr: %s", kind, code, stdout, stderr)
		}
	}
}

// TestAPullQuotaIsNeverAGuess has a thousand images and a hundred pulls, as Docker Hub
// gives them: a peer chose an image five days older then, and said that all was well.
func TestAPullQuotaIsNeverAGuess(t *testing.T) {
	const images, quota = 1000, 100
	reg := builds(t, images)
	for _, announced := range []bool{false, true} {
		for kind, want := range map[string]struct{ code, pulls int }{
			"match":     {exitDone, 3},
			"semver":    {exitDone, 3},
			"natural":   {exitDone, 3},
			"newest of": {exitDone, 10},
			"newest":    {7, 400},
		} {
			t.Run(fmt.Sprintf("%s/announced %v", kind, announced), func(t *testing.T) {
				var pulls atomic.Int64
				reg.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
					if !strings.Contains(r.URL.Path, "/manifests/") {
						return false
					}
					if r.Method == http.MethodGet {
						pulls.Add(1)
					}
					if announced {
						w.Header().Set("RateLimit-Remaining", fmt.Sprintf("%d;w=21600", max(0, quota-pulls.Load())))
					}
					if r.Method != http.MethodGet || pulls.Load() <= quota {
						return false
					}
					w.WriteHeader(http.StatusTooManyRequests)
					fmt.Fprint(w, "You have reached your unauthenticated pull rate limit.")
					return true
				})
				code, stdout, stderr := resolve(reg.Host+"/acme/web", policies[kind])
				if code != want.code || code == exitDone && !strings.HasPrefix(stdout, "1.0.999\t") || code != exitDone && stdout != "" {
					t.Errorf("exit code %d, want %d\nstdout: %s\nstderr: %s", code, want.code, stdout, stderr)
				}
				if n := int(pulls.Load()); n > want.pulls || announced && n > quota {
					t.Errorf("%d pulls, want at most %d", n, want.pulls)
				}
			})
		}
	}
}
