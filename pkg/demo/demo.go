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

// repair is the tag that CI pushes in the second act.
const repair = "master-202406151305"

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
		return nil, fmt.Errorf("cannot make a folder in %s, the place for temporary files (TMPDIR)", os.TempDir())
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
//
// A command that a guard refuses returns [ErrRefused].
type Command func(ctx context.Context, args []string) error

// ErrRefused is the error of a command that a guard has refused.
var ErrRefused = errors.New("refused")

// Play tells the story on out, with commands that run executes: one bump, which fits
// on a screen.
func (b *Bed) Play(ctx context.Context, out io.Writer, run Command) error {
	p := player{b, out, run}
	return p.bump(ctx)
}

// PlayFull tells the whole story: the bump, its commit, the same job once more, a
// late job that is refused, the way back, and the promotion of a repaired build.
func (b *Bed) PlayFull(ctx context.Context, out io.Writer, run Command) error {
	p := player{b, out, run}
	if err := p.bump(ctx); err != nil {
		return err
	}
	if err := p.later(ctx); err != nil {
		return err
	}
	return p.back(ctx)
}

// A player types commands as a person would.
type player struct {
	bed     *Bed
	out     io.Writer
	command Command
}

// update is the command of the demo.
var update = updateOf("production")

func updateOf(environment string) []string {
	return []string{"update", imageName, "--repo", repoName, "--env", environment}
}

func (p player) bump(ctx context.Context) error {
	p.tell("CI has pushed master-202406151230. Argo CD deploys what helm-charts.git says.")
	if err := p.run(ctx, append(slices.Clone(update), "-n")...); err != nil {
		return err
	}
	start := time.Now()
	if err := p.run(ctx, update...); err != nil {
		return err
	}
	p.tell("Pushed in %d ms; every other byte is as it was. More: tagbump demo --full", time.Since(start).Milliseconds())
	return nil
}

// later is what happens to the first bump afterwards.
func (p player) later(ctx context.Context) error {
	if err := p.showCommit(); err != nil {
		return err
	}
	p.tell("The job is run again, as CI does:")
	if err := p.run(ctx, update...); err != nil {
		return err
	}
	old := slices.Clone(update)
	old[1] += ":master-202406121130"
	p.tell("A slow job comes late, with an older tag:")
	if err := p.run(ctx, old...); !errors.Is(err, ErrRefused) {
		return fmt.Errorf("an older tag is not refused: %w", err)
	}
	_, err := fmt.Fprintln(p.out)
	return err
}

// back is the second act: the bump was a bad one.
func (p player) back(ctx context.Context) error {
	p.tell("The new one is bad. Back to what was there before:")
	if err := p.run(ctx, "rollback", "--repo", repoName, "--env", "production"); err != nil {
		return err
	}
	p.tell("The nightly job must not bring it again:")
	if err := p.run(ctx, update...); !errors.Is(err, ErrRefused) {
		return fmt.Errorf("a tag that was rolled back is not refused: %w", err)
	}
	p.bed.hub.push(repair)
	p.tell("\nCI has pushed a repair, %s. Staging gets it first:", repair)
	if err := p.run(ctx, updateOf("staging")...); err != nil {
		return err
	}
	p.tell("It works there. Production gets what staging has:")
	if err := p.run(ctx, "promote", "--repo", repoName, "--to", "production"); err != nil {
		return err
	}
	if err := p.run(ctx, "status", imageName, "--repo", repoName); err != nil {
		return err
	}
	p.tell("Now yours, in a checkout of your repository: tagbump init")
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
