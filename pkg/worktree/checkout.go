package worktree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
)

// ErrDirty is in the chain when a file is not the same on disk, in the index and
// in HEAD.
var ErrDirty = fault.New(fault.Failed, "has uncommitted changes")

// Reach says how far a change of a checkout is to go.
type Reach int

// The reaches of a change.
const (
	ToBranch   Reach = iota // it is committed on the branch that is checked out
	ToUpstream              // and pushed to the branch's upstream
)

// A Checkout is a folder in a git checkout whose state allows a commit, or a push.
// It uses the user's own git, with its hooks, signing and credentials: it is the
// user's repository, and git knows its settings best.
type Checkout struct {
	dir      *Dir
	reach    Reach
	git      git    // in the top folder of the checkout
	prefix   string // of the folder in the checkout: "" or "charts/"
	branch   string
	head     string // the commit
	upstream upstream
	tip      string   // of the upstream
	unpushed []Commit // of earlier runs, the oldest first
}

// An upstream is the branch of a remote that a branch follows.
type upstream struct {
	remote string // "origin"
	ref    string // "refs/heads/main", as the remote calls it
}

// String is "origin/main".
func (u upstream) String() string { return u.remote + "/" + strings.TrimPrefix(u.ref, "refs/heads/") }

// Checkout looks at the checkout that the folder is in, and refuses a state in
// which a change could not reach its end: no repository, a detached HEAD, a rebase, merge,
// cherry-pick, revert or bisect in progress, no commit. For [ToUpstream], the
// branch must have an upstream in a remote, and the remote, which is asked, must
// have the commit that is checked out, or lack only commits of tagbump, see
// [Checkout.Unpushed]: a push could otherwise publish commits that somebody has kept
// back, or would be refused.
func (d *Dir) Checkout(ctx context.Context, reach Reach) (*Checkout, error) {
	if !isBelowRepository(d.name) {
		return nil, fault.Errorf(fault.Usage, "%s: not a git checkout, so there is nothing to commit to", d.name).
			WithHint("leave --commit and --push out to change only the files; or give --repo URL, which needs no checkout")
	}
	c := &Checkout{dir: d, reach: reach, git: newGit(d.name)}
	out, err := c.git.out(ctx, "rev-parse", "--show-toplevel", "--absolute-git-dir")
	if err != nil {
		return nil, d.explain(err)
	}
	top, gitDir, _ := strings.Cut(out, "\n")
	if c.prefix, err = c.git.out(ctx, "rev-parse", "--show-prefix"); err != nil {
		return nil, d.explain(err)
	}
	c.git.dir = filepath.FromSlash(top)
	if err := c.lookAtHead(ctx, gitDir); err != nil {
		return nil, err
	}
	if reach == ToUpstream {
		err = c.lookAtUpstream(ctx)
	}
	return c, err
}

// operations are what leaves HEAD, the index or the files in a state between, and
// the files in git's folder that tell of them.
var operations = []struct{ file, name, abort string }{
	{"rebase-merge", "a rebase", "git rebase --continue or --abort"},
	{"rebase-apply", "a rebase or git am", "git rebase --continue or --abort"},
	{"MERGE_HEAD", "a merge", "git merge --continue or --abort"},
	{"CHERRY_PICK_HEAD", "a cherry-pick", "git cherry-pick --continue or --abort"},
	{"REVERT_HEAD", "a revert", "git revert --continue or --abort"},
	{"sequencer", "a cherry-pick or revert", "git cherry-pick --continue or --abort"},
	{"BISECT_LOG", "a bisect", "git bisect reset"},
}

func (c *Checkout) lookAtHead(ctx context.Context, gitDir string) error {
	for _, operation := range operations {
		if _, err := os.Lstat(filepath.Join(filepath.FromSlash(gitDir), operation.file)); err == nil {
			return c.refuse(operation.abort, "%s is in progress", operation.name)
		}
	}
	branch, err := c.git.out(ctx, "symbolic-ref", "--quiet", "HEAD")
	if err != nil {
		return c.refuse("git switch BRANCH; or give --repo URL and --branch, which need no checkout", "HEAD is detached: a commit would be on no branch")
	}
	c.branch = strings.TrimPrefix(branch, "refs/heads/")
	if c.head, err = c.git.out(ctx, "rev-parse", "--verify", "--quiet", "HEAD^{commit}"); err != nil {
		return c.refuse("", "%s has no commit yet", c.branch)
	}
	return nil
}

func (c *Checkout) lookAtUpstream(ctx context.Context) error {
	if err := c.findUpstream(ctx); err != nil {
		return err
	}
	var err error
	if c.tip, err = c.remoteTip(ctx); err != nil {
		return c.remoteError(err)
	}
	if c.tip == c.head {
		return nil
	}
	if err := c.checkParted(ctx); err != nil {
		return err
	}
	return c.takeUnpushed(ctx)
}

// remoteTip asks the remote for the upstream's commit, "" where it has no such
// branch.
func (c *Checkout) remoteTip(ctx context.Context) (string, error) {
	out, err := c.git.out(ctx, "ls-remote", "--quiet", c.upstream.remote, c.upstream.ref)
	if err != nil {
		return "", err
	}
	for line := range strings.SplitSeq(out, "\n") {
		if hash, ref, _ := strings.Cut(line, "\t"); ref == c.upstream.ref {
			return hash, nil
		}
	}
	return "", nil
}

// checkParted refuses a branch that lacks something of its upstream.
func (c *Checkout) checkParted(ctx context.Context) error {
	if c.tip == "" {
		return c.refuse("git push "+c.upstream.remote+" "+c.branch, "%s does not exist", c.upstream)
	}
	out, err := c.git.out(ctx, "rev-list", "--left-right", "--count", c.tip+"..."+c.head)
	if err != nil { // the remote's commit is not in this repository
		return c.refuse("git pull --rebase; or give --repo URL, which needs no checkout", "%s has moved to %.10s, which %s does not have", c.upstream, c.tip, c.branch)
	}
	switch behind, ahead, _ := strings.Cut(out, "\t"); {
	case behind == "0":
		return nil
	case ahead == "0":
		return c.refuse("git pull --ff-only; or give --repo URL, which needs no checkout", "%s is behind %s", c.branch, c.upstream)
	}
	return c.refuse("git pull --rebase; or give --repo URL, which needs no checkout", "%s and %s have parted", c.branch, c.upstream)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// Branch returns the branch that is changed: "main", or "origin/main" when the
// change goes to the upstream.
func (c *Checkout) Branch() string {
	if c.reach == ToUpstream {
		return c.upstream.String()
	}
	return c.branch
}

// Head returns the hash of the commit that is checked out.
func (c *Checkout) Head() string { return c.head }

// Read is [Dir.Read] of the files that git tracks: others cannot be committed.
func (c *Checkout) Read(ctx context.Context, selection files.Selection) (fs.FS, error) {
	folder := "."
	if c.prefix != "" {
		folder = c.prefix
	}
	out, err := c.git.out(ctx, "ls-files", "-z", "--", folder)
	if err != nil {
		return nil, c.dir.explain(err)
	}
	var tracked []string
	for full := range strings.SplitSeq(out, "\x00") {
		if name := strings.TrimPrefix(full, c.prefix); name != "" {
			tracked = append(tracked, name)
		}
	}
	return c.dir.read(selection, newNameSet(tracked))
}

// Check returns an error that wraps [ErrDirty] if one of the files is not the same
// on disk, in the index and in HEAD: a commit of it would take somebody's own
// changes along. It compares contents, so that an index entry that is marked as
// unchanged hides nothing.
func (c *Checkout) Check(ctx context.Context, names []string) error {
	_, err := c.clean(ctx, names)
	return err
}

// An entry is a file of a commit or of the index.
type entry struct{ mode, hash string }

// clean is Check. It returns the files' entries in HEAD by their full names.
func (c *Checkout) clean(ctx context.Context, names []string) (map[string]entry, error) {
	all, err := c.fullNames(names)
	if err != nil {
		return nil, err
	}
	committed, err := c.entries(ctx, all, "ls-tree", "-z", c.head)
	if err != nil {
		return nil, err
	}
	staged, err := c.entries(ctx, all, "ls-files", "-z", "--stage")
	if err != nil {
		return nil, err
	}
	out, err := c.git.out(ctx, slices.Concat([]string{"hash-object", "--"}, all)...)
	if err != nil {
		return nil, c.dir.explain(err)
	}
	onDisk := strings.Split(out, "\n")
	for i, name := range all {
		head, known := committed[name]
		if !known || staged[name] != head || onDisk[i] != head.hash {
			return nil, fault.Errorf(fault.Failed, "%s: %w", filepath.Join(c.git.dir, filepath.FromSlash(name)), ErrDirty).
				WithHint("commit or stash them; or give --repo URL, which needs no checkout")
		}
	}
	return committed, nil
}

// fullNames returns the names of files as git has them: from the top, without
// links, sorted, each once.
func (c *Checkout) fullNames(names []string) ([]string, error) {
	var all []string
	for _, name := range names {
		real, err := c.dir.resolve(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path.Join(c.dir.name, name), reason(err))
		}
		all = append(all, c.prefix+real)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// entries returns the entries of the files that args, ls-tree or ls-files
// --stage, list.
func (c *Checkout) entries(ctx context.Context, full []string, args ...string) (map[string]entry, error) {
	out, err := c.git.out(ctx, slices.Concat(args, []string{"--"}, full)...)
	if err != nil {
		return nil, c.dir.explain(err)
	}
	entries := map[string]entry{}
	for line := range strings.SplitSeq(out, "\x00") {
		about, name, found := strings.Cut(line, "\t")
		fields := strings.Fields(about) // MODE blob HASH, or MODE HASH STAGE
		switch {
		case !found || len(fields) != 3:
		case fields[1] == "blob":
			entries[name] = entry{fields[0], fields[2]}
		default:
			entries[name] = entry{fields[0], fields[1]}
		}
	}
	return entries, nil
}

// refuse is the error of a state that a change must not meet.
func (c *Checkout) refuse(hint, format string, args ...any) error {
	return fault.Errorf(fault.Refused, "%s: %s", c.dir.name, fmt.Sprintf(format, args...)).WithHint("%s", hint)
}

// remoteError gives an error of the remote its kind.
func (c *Checkout) remoteError(err error) error {
	failed := new(gitError)
	if !errors.As(err, &failed) {
		return c.dir.explain(err)
	}
	return fault.As(failed.classify(), fmt.Errorf("%s: %s: %w", c.dir.name, c.upstream, err))
}

// explain names the folder.
func (d *Dir) explain(err error) error { return fmt.Errorf("%s: %w", d.name, err) }
