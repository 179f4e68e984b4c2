package cli

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-git/go-billy/v5/memfs"
	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-billy/v5/util"
	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"
	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	ggcrremote "github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/spf13/cobra"
)

// demoFiles are the GitOps repository of the demo.
//
//go:embed all:demo
var demoFiles embed.FS

const (
	demoImage = "haoict/send2ereader"
	demoRepo  = "helm-charts.git"
)

// demoTags are the tags of the image, as its real pipeline writes them: the
// branch, then the UTC minute of the build.
var demoTags = []string{
	"latest", "master-202405280914", "master-202406121130", "master-202406151225",
	"master-202406151230", "drag-and-drop-202406160815",
}

func newDemo(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "Show the whole job on an embedded registry and repository",
		Long: `Demo starts a registry on a loopback port and makes a git repository in a temporary
folder, then runs the real update on them: as a dry run, for real, and once more.
It needs no network, no credentials and no git, and leaves nothing behind.`,
		Example: "  tagbump demo",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runDemo(cmd.Context(), *env) },
	}
}

func runDemo(ctx context.Context, env Env) (err error) {
	dir, err := os.MkdirTemp("", "tagbump-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	hub, err := startDemoRegistry(ctx)
	if err != nil {
		return err
	}
	defer hub.Close()
	repo, err := makeDemoRepo(filepath.Join(dir, demoRepo), env.Now())
	if err != nil {
		return err
	}
	d := demo{env: env, repo: repo}
	d.env.Dir, d.env.Transport, d.env.Getenv = dir, hub.transport(), func(string) string { return "" }
	return d.play(ctx)
}

// A demo plays commands as a person would type them.
type demo struct {
	env  Env
	repo *git.Repository
}

func (d demo) play(ctx context.Context) error {
	update := []string{"update", demoImage, "--repo", demoRepo, "--env", "production"}
	d.tell("CI has pushed a new image. The registry has these tags of %s:\n  %s", demoImage, strings.Join(demoTags, "  "))
	d.tell("Argo CD deploys what %s holds: a chart with a literal image in a template.\nWhat would change?", demoRepo)
	if err := d.run(ctx, append(update, "--dry-run")...); err != nil {
		return err
	}
	d.tell("Good. Commit and push it:")
	start := time.Now()
	if err := d.run(ctx, update...); err != nil {
		return err
	}
	took := time.Since(start)
	if err := d.showCommit(); err != nil {
		return err
	}
	d.tell("Run it again, as a re-run CI job would:")
	if err := d.run(ctx, update...); err != nil {
		return err
	}
	d.tell("One commit, one file, one line, in %d ms; every other byte is as it was.\nNow yours: tagbump update --help", took.Milliseconds())
	return nil
}

func (d demo) tell(format string, args ...any) {
	fmt.Fprintf(d.env.Stdout, format+"\n\n", args...)
}

// run shows and runs one command; its output is the real one.
func (d demo) run(ctx context.Context, args ...string) error {
	fmt.Fprintf(d.env.Stdout, "$ tagbump %s\n", strings.Join(args, " "))
	env := d.env
	env.Args, env.Stderr = args, env.Stdout
	if code := Run(ctx, env); code != exitDone {
		return fmt.Errorf("demo: tagbump %s: exit code %d", strings.Join(args, " "), code)
	}
	_, err := fmt.Fprintln(d.env.Stdout)
	return err
}

// showCommit prints the commit that the update has made, as git log --stat does.
func (d demo) showCommit() error {
	head, err := d.repo.Head()
	if err != nil {
		return err
	}
	commit, err := d.repo.CommitObject(head.Hash())
	if err != nil {
		return err
	}
	stats, err := commit.Stats()
	if err != nil {
		return err
	}
	fmt.Fprintf(d.env.Stdout, "$ git log -1 --stat\n%s%s\n", commit, stats)
	return nil
}

// makeDemoRepo makes a bare repository of the embedded files, without git.
func makeDemoRepo(dir string, now time.Time) (*git.Repository, error) {
	storage := filesystem.NewStorage(osfs.New(dir), cache.NewObjectLRUDefault())
	repo, err := git.InitWithOptions(storage, memfs.New(), git.InitOptions{DefaultBranch: plumbing.NewBranchReferenceName("main")})
	if err != nil {
		return nil, err
	}
	worktree, err := repo.Worktree()
	if err != nil {
		return nil, err
	}
	err = fs.WalkDir(demoFiles, "demo", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := demoFiles.ReadFile(file)
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(file, "demo/")
		if err := util.WriteFile(worktree.Filesystem, name, content, 0o644); err != nil {
			return err
		}
		_, err = worktree.Add(name)
		return err
	})
	if err != nil {
		return nil, err
	}
	person := &object.Signature{Name: "Ada", Email: "ada@example.com", When: now.Add(-72 * time.Hour)}
	if _, err := worktree.Commit("add the chart of send2ereader\n", &git.CommitOptions{Author: person}); err != nil {
		return nil, err
	}
	settings, err := repo.Config()
	if err != nil {
		return nil, err
	}
	settings.Core.IsBare, settings.Core.Worktree = true, ""
	return repo, repo.SetConfig(settings)
}

// A demoRegistry is a real registry on a loopback port.
type demoRegistry struct {
	listener net.Listener
	server   *http.Server
}

func startDemoRegistry(ctx context.Context) (*demoRegistry, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	quiet := log.New(io.Discard, "", 0)
	hub := &demoRegistry{listener, &http.Server{Handler: ggcr.New(ggcr.Logger(quiet)), ErrorLog: quiet, ReadHeaderTimeout: 10 * time.Second}}
	go func() { _ = hub.server.Serve(listener) }()
	for i, tag := range demoTags {
		if err := hub.push(ctx, tag, i); err != nil {
			hub.Close()
			return nil, err
		}
	}
	return hub, nil
}

func (hub *demoRegistry) Close() { _ = hub.server.Close() }

// push stores an image of one build: its number makes it differ from the others.
func (hub *demoRegistry) push(ctx context.Context, tag string, build int) error {
	image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
		OS: "linux", Architecture: "arm64",
		Created: v1.Time{Time: time.Date(2024, 6, 1, 0, build, 0, 0, time.UTC)},
		RootFS:  v1.RootFS{Type: "layers"},
	})
	if err != nil {
		return err
	}
	ref, err := name.NewTag(fmt.Sprintf("%s/%s:%s", hub.listener.Addr(), demoImage, tag), name.Insecure)
	if err != nil {
		return err
	}
	return ggcrremote.Write(ref, image, ggcrremote.WithContext(ctx))
}

// transport carries requests for any registry to this one.
func (hub *demoRegistry) transport() http.RoundTripper {
	return redirected{hub.listener.Addr().String(), &http.Transport{}}
}

type redirected struct {
	address string
	next    http.RoundTripper
}

func (r redirected) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.URL.Scheme, req.URL.Host = "http", r.address
	return r.next.RoundTrip(req)
}
