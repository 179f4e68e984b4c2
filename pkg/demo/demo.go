// Package demo holds a registry and a GitOps repository that need nothing from
// outside, and the story that `tagbump demo` tells with them.
//
// The registry answers in this process, without a network; the repository is a real
// bare one in a temporary folder, made without git. [Bed.Play] runs the program's own
// commands on both, so what a person sees is what the program prints. One trap:
// every registry's name leads to the demo's registry through [Bed.Transport],
// Docker Hub's too.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/storage/filesystem"
)

const (
	imageName = "haoict/send2ereader"
	repoName  = "helm-charts.git"
)

// tags are the tags of the image, as its real pipeline writes them: the
// branch, then the UTC minute of the build.
var tags = []string{
	"latest", "master-202405280914", "master-202406121130", "master-202406151225",
	"master-202406151230", "drag-and-drop-202406160815",
}

// sortedTags is the order in which a registry lists them.
func sortedTags() []string { return slices.Sorted(slices.Values(tags)) }

// A Bed is the registry and the repository of one demo.
type Bed struct {
	dir  string
	hub  *hub
	repo *filesystem.Storage
}

// Start makes a bed. Its only commit is three days older than now.
func Start(ctx context.Context, now time.Time) (bed *Bed, err error) {
	dir, err := os.MkdirTemp("", "tagbump-demo-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	repo, err := makeRepository(filepath.Join(dir, repoName), now)
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return &Bed{dir, newHub(), repo}, nil
}

// Close stops the registry and removes the folder.
func (b *Bed) Close() error {
	b.hub.close()
	return os.RemoveAll(b.dir)
}

// Dir is the folder that holds the repository.
func (b *Bed) Dir() string { return b.dir }

// Repository is the path of the repository.
func (b *Bed) Repository() string { return filepath.Join(b.dir, repoName) }

// Transport answers requests for any registry as the demo's.
func (b *Bed) Transport() http.RoundTripper { return b.hub }

// A Command runs one command line of tagbump in the bed's folder, with its
// transport, and prints what it prints to the demo's output.
type Command func(ctx context.Context, args []string) error

// Play tells the story on out, with commands that run executes.
func (b *Bed) Play(ctx context.Context, out io.Writer, run Command) error {
	p := player{b, out, run}
	return p.play(ctx)
}

// A player types commands as a person would.
type player struct {
	bed     *Bed
	out     io.Writer
	command Command
}

func (p player) play(ctx context.Context) error {
	update := []string{"update", imageName, "--repo", repoName, "--env", "production"}
	p.tell("CI has pushed a new image. The registry has these tags of %s:\n  %s", imageName, strings.Join(tags, "  "))
	p.tell("Argo CD deploys what %s holds: a chart with a literal image in a template.\nWhat would change?", repoName)
	if err := p.run(ctx, append(update, "--dry-run")...); err != nil {
		return err
	}
	p.tell("Good. Commit and push it:")
	start := time.Now()
	if err := p.run(ctx, update...); err != nil {
		return err
	}
	took := time.Since(start)
	if err := p.showCommit(); err != nil {
		return err
	}
	p.tell("Run it again, as a CI job that is run again would:")
	if err := p.run(ctx, update...); err != nil {
		return err
	}
	p.tell("One commit, one file, one line, in %d ms; every other byte is as it was.\nNow yours: tagbump update --help", took.Milliseconds())
	return nil
}

func (p player) tell(format string, args ...any) {
	fmt.Fprintf(p.out, format+"\n\n", args...)
}

// run shows and runs one command; its output is the real one.
func (p player) run(ctx context.Context, args ...string) error {
	line := "tagbump " + strings.Join(args, " ")
	fmt.Fprintf(p.out, "$ %s\n", line)
	if err := p.command(ctx, args); err != nil {
		return fmt.Errorf("%s: %w", line, err)
	}
	_, err := fmt.Fprintln(p.out)
	return err
}

// showCommit prints the newest commit, as git log --stat does.
func (p player) showCommit() error {
	commit, err := newest(p.bed.repo)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "$ git log -1 --stat\n%s\n", commit)
	return nil
}
