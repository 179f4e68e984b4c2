package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// The shop of the measurement: so many images in so many environments, each server
// this far away.
const (
	manyImages  = 40
	distance    = 40 * time.Millisecond
	mostRounds  = 12               // git requests for one reading, the project file included
	mostWaiting = 10 * time.Second // 2 s is the aim; a machine under load is slower
)

// TestStatusOfManyImages asks for 40 images in 3 environments with the registry and
// the git server 40 ms away. It counts the requests to both: the repository is read
// once, and each image costs 7 requests: the tags, and the manifests and configs of its
// three tags, of which one is the newest. How to log in is asked once.
func TestStatusOfManyImages(t *testing.T) {
	reg, err := testenv.NewRegistry(testenv.RegistryOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reg.Close)
	git := testenv.StartGit(t)
	far := testenv.LinkOptions{RTT: distance, Handshake: 1}
	registry := testenv.StartLink(t, reg.Host, far)
	if _, err := git.Repo("shop.git", manyCharts(t, reg, registry.Addr)); err != nil {
		t.Fatal(err)
	}
	reg.ResetRequests()
	link := testenv.StartLink(t, strings.TrimPrefix(git.URL, "http://"), far)
	var out strings.Builder
	env := Env{
		Args: []string{"status", "--repo", "http://" + link.Addr + "/shop.git"}, Stdout: &out, Stderr: io.Discard, Now: time.Now,
		Getenv: func(name string) string {
			if name == "TAGBUMP_TOKEN" {
				return git.Token
			}
			return ""
		},
	}
	start := time.Now()
	if code := Run(context.Background(), env); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, out.String())
	}
	took := time.Since(start)
	lines, asked, rounds := strings.Count(out.String(), "2 behind"), len(reg.Requests()), len(git.Requests())
	t.Logf("%d images, 3 environments: %v, %d requests to the registry, %d to git", manyImages, took.Round(10*time.Millisecond), asked, rounds)
	if lines != manyImages || asked > 7*manyImages+1 || rounds > mostRounds || took > mostWaiting {
		t.Errorf("%d of %d images are 2 behind in production; %d requests to the registry, %d to git, %v", lines, manyImages, asked, rounds, took)
	}
}

// manyCharts pushes three tags of each image, and returns a repository that has one
// of them in each environment.
func manyCharts(t *testing.T, reg *testenv.Registry, host string) map[string]string {
	t.Helper()
	project := "images:\n"
	files := map[string]string{}
	for i := range manyImages {
		name := fmt.Sprintf("acme/app%02d", i)
		for n, tag := range []string{"1.0.0", "1.1.0", "1.2.0"} {
			if _, err := reg.Push(name, testenv.Image{Created: time.Date(2026, 1, n+1, 0, 0, 0, 0, time.UTC)}, tag); err != nil {
				t.Fatal(err)
			}
		}
		project += fmt.Sprintf("  %s/%s: {semver: '>=1'}\n", host, name)
		for environment, tag := range map[string]string{"dev": "1.2.0", "staging": "1.1.0", "production": "1.0.0"} {
			files[fmt.Sprintf("apps/%s/%s.yaml", environment, name[5:])] = fmt.Sprintf("image: %s/%s:%s\n", host, name, tag)
		}
	}
	files[".tagbump.yaml"] = project + "environments:\n  dev: {files: ['apps/dev/**']}\n  staging: {files: ['apps/staging/**']}\n  production: {files: ['apps/production/**']}\n"
	return files
}
