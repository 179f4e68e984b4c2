// Command scene prints what a terminal shows of a run of tagbump in the example
// testdata/examples/environments, with the registry ghcr.io and the repository at
// servers of this process, 300 ms away. The command pictures draws it.
//
//	go run ./pkg/internal/pictures/scene status
//	go run ./pkg/internal/pictures/scene -working update ghcr.io/acme/checkout --env staging --push
//
// With -working, it is first the screen while the run was under way, which ends with what
// the run waits for.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/tagbump/tagbump/pkg/cli"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

const (
	example = "testdata/examples/environments"
	away    = 300 * time.Millisecond
)

var began = time.Date(2026, 5, 4, 9, 30, 0, 0, time.UTC)

// tags are those of the image, with their age in hours.
var tags = map[string]int{"2.2.5": 900, "2.3.0": 410, "2.4.0": 78, "2.4.1": 3}

func main() {
	log.SetFlags(0)
	log.SetPrefix("scene: ")
	working := flag.Bool("working", false, "print first the screen while the run was under way")
	flag.Parse()
	dir, err := os.MkdirTemp("", "scene-")
	if err != nil {
		log.Fatal(err)
	}
	screen, err := run(dir, flag.Args(), *working)
	_ = os.RemoveAll(dir)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(screen)
}

// run returns the screen, which begins with the command line.
func run(dir string, args []string, working bool) (string, error) {
	shop := filepath.Join(dir, "shop")
	if err := makeShop(shop); err != nil {
		return "", err
	}
	registry, err := newRegistry()
	if err != nil {
		return "", err
	}
	defer registry.Close()
	var shown terminal
	code := cli.Run(context.Background(), cli.Env{
		Args: args, Stdout: &shown, Stderr: &shown, Dir: shop, Getenv: func(string) string { return "" },
		Now: func() time.Time { return began }, Transport: slow{registry.Host},
		Terminal: cli.Terminal{Out: true, Err: true, Width: 80},
	})
	if code != 0 || working && shown.waiting == "" {
		return "", fmt.Errorf("exit code %d, and the screen is %q", code, shown.text())
	}
	command := "$ tagbump " + strings.Join(args, " ") + "\n"
	if working {
		return command + shown.waiting + "\n\n" + command + shown.text(), nil
	}
	return command + shown.text(), nil
}

// makeShop makes a checkout of the example, whose staging was set some days after
// production.
func makeShop(dir string) error {
	values := filepath.Join(dir, "checkout", "values-staging.yaml")
	if err := os.CopyFS(dir, os.DirFS(example)); err != nil {
		return err
	}
	newer, err := os.ReadFile(values)
	if err != nil {
		return err
	}
	older := bytes.Replace(newer, []byte("2.4.0"), []byte("2.3.0"), 1)
	return errors.Join(
		git(dir, "", "", "init", "--quiet", "--initial-branch=main"),
		commit(dir, values, older, "Grace Hopper", "2026-04-18T15:02:00Z"),
		commit(dir, values, newer, "Ada Lovelace", "2026-05-01T11:40:00Z"),
	)
}

// commit commits every file of a checkout, with one of them changed.
func commit(dir, file string, text []byte, author, when string) error {
	if err := os.WriteFile(file, text, 0o644); err != nil {
		return err
	}
	return errors.Join(git(dir, author, when, "add", "."), git(dir, author, when, "commit", "--quiet", "--message=checkout", "--date="+when))
}

func git(dir, author, when string, args ...string) error {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME="+author,
		"GIT_AUTHOR_EMAIL=x@acme.example", "GIT_COMMITTER_NAME=x", "GIT_COMMITTER_EMAIL=x@acme.example", "GIT_COMMITTER_DATE="+when)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("git %q: %w: %s", args, err, out)
	}
	return nil
}

// newRegistry starts a registry that has the example's image.
func newRegistry() (*testenv.Registry, error) {
	registry, err := testenv.NewRegistry(testenv.RegistryOptions{})
	if err != nil {
		return nil, err
	}
	for tag, hours := range tags {
		if err == nil {
			created := began.Add(-time.Duration(hours) * time.Hour)
			_, err = registry.Push("acme/checkout", testenv.Image{Created: created, Platforms: []string{"linux/amd64", "linux/arm64"}}, tag)
		}
	}
	return registry, err
}

// slow sends every request to one registry, which is far away.
type slow struct{ host string }

func (s slow) RoundTrip(req *http.Request) (*http.Response, error) {
	time.Sleep(away)
	req = req.Clone(req.Context())
	req.URL.Scheme, req.URL.Host, req.Host = "http", s.host, s.host
	return http.DefaultTransport.RoundTrip(req)
}

// A terminal keeps what it shows. It knows the two controls of a line that is drawn
// again: back to the line's begin, and erase to its end.
type terminal struct {
	mu      sync.Mutex
	lines   bytes.Buffer
	line    string
	waiting string // the screen with the last line that was drawn and erased again
}

func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, part := range strings.Split(string(p), "\r") {
		if i > 0 {
			t.line = ""
		}
		part = strings.TrimSuffix(part, "\x1b[K")
		if end := strings.LastIndexByte(part, '\n') + 1; end > 0 {
			t.lines.WriteString(t.line + part[:end])
			t.line, part = "", part[end:]
		}
		t.line += part
	}
	if strings.Contains(t.line, "…") {
		t.waiting = t.lines.String() + t.line
	}
	return len(p), nil
}

func (t *terminal) text() string { return t.lines.String() + t.line }
