package servers

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// A pusher is a registry that images can be put into.
type pusher interface {
	Push(repository string, img testenv.Image, tags ...string) (digest string, err error)
}

func TestDockerRegistry(t *testing.T) {
	r, err := testenv.StartDockerRegistry(t.TempDir())
	if errors.Is(err, testenv.ErrNotInstalled) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	resolveTags(t, r, r.Host, "shop/web")
}

// TestZot asks a zot at ZOT_URL, into which anybody may push.
func TestZot(t *testing.T) {
	address := os.Getenv("ZOT_URL")
	if address == "" {
		t.Skip("ZOT_URL is not set")
	}
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	r := &testenv.DockerRegistry{Host: parsed.Host}
	resolveTags(t, r, r.Host, fmt.Sprintf("tagbump/%d", time.Now().UnixNano()))
}

// resolveTags holds the choice of tags in a registry.
func resolveTags(t *testing.T, r pusher, host, repository string) {
	t.Helper()
	push := func(created time.Time, platforms []string, tags ...string) {
		t.Helper()
		if _, err := r.Push(repository, testenv.Image{Created: created, Platforms: platforms}, tags...); err != nil {
			t.Fatal(err)
		}
	}
	day := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	both := []string{"linux/amd64", "linux/arm64"}
	push(day, both, "1.9.0")
	push(day.Add(time.Hour), both, "1.10.0", "stable")
	push(day.Add(2*time.Hour), []string{"linux/amd64"}, "1.11.0")
	push(day.Add(3*time.Hour), both, "2.0.0-rc.1", "nightly")
	for i := range 30 {
		push(day.Add(time.Duration(-i)*time.Hour), both[:1], fmt.Sprintf("build-%d", i))
	}
	image := host + "/" + repository
	for _, test := range []struct {
		what string
		args []string
		code int
		said string
	}{
		{"the newest release", []string{image, "--semver", "*"}, 0, `^1\.11\.0\tsha256:`},
		{"the newest of a range", []string{image, "--semver", "<1.11"}, 0, `^1\.10\.0\tsha256:`},
		{"numbers", []string{image, "--match", `^build-(\d+)$`, "--extract", "$1", "--order", "numerical"}, 0, `^build-29\tsha256:`},
		{"the newest by time", []string{image, "--match", `^build-`, "--order", "newest"}, 0, `^build-0\tsha256:`},
		{"a tag", []string{image + ":stable"}, 0, `^stable\tsha256:`},
		{"a platform that is missing", []string{image, "--semver", ">=1.11", "--platform", "linux/arm64"}, 5, "linux/arm64"},
		{"no such tag", []string{image + ":3.0.0"}, 5, "3.0.0"},
		{"no such repository", []string{image + "x", "--semver", "*"}, 5, repository + "x"},
		{"no tag in the range", []string{image, "--semver", ">5"}, 5, "no tag matches"},
	} {
		run(t, nil, append([]string{"resolve"}, test.args...)...).check(t, test.what, test.code, test.said)
	}
	go func() {
		time.Sleep(300 * time.Millisecond)
		_, _ = r.Push(repository, testenv.Image{Created: day}, "4.0.0")
	}()
	run(t, nil, "resolve", image+":4.0.0", "--wait-for-tag", "20s").check(t, "a tag that comes later", 0, `^4\.0\.0\tsha256:`)
}
