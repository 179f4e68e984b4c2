package worktree

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tagbump/tagbump/pkg/fault"
)

// A Change is a commit to make.
type Change struct {
	Files   map[string][]byte // whole new contents of existing files, by name
	Message string
	Author  string // "Name <email>"; default: git's own
}

// A FollowError says that a commit was pushed, and that the checkout does not have
// it.
type FollowError struct {
	err error
}

// Error says why the checkout did not follow.
func (e *FollowError) Error() string {
	return "was pushed, but the checkout could not follow: " + e.err.Error()
}

// Unwrap returns git's error.
func (e *FollowError) Unwrap() error { return e.err }

// Hint returns the next step.
func (e *FollowError) Hint() string { return "git pull --ff-only" }

// Save makes a commit of the change on top of HEAD, and pushes it when the
// checkout reaches [ToUpstream]. It returns the commit's hash. What is changed or
// staged beside stays as it is.
//
// The commit is made out of sight, in git's object store, with the hooks
// pre-commit, prepare-commit-msg and commit-msg; they see the change in the index.
// It is then pushed, by name and only if the remote's branch is where it was; and
// at last one git command, which an interrupt does not reach, moves the branch,
// the index and the files. So at any moment, also after kill -9, the checkout is
// as before or as after; and it is as before when the push fails. When the push
// succeeds and the checkout cannot follow, the error is a [*FollowError].
func (c *Checkout) Save(ctx context.Context, change Change) (string, error) {
	old, err := c.clean(ctx, slices.Collect(maps.Keys(change.Files)))
	if err != nil {
		return "", err
	}
	commit, err := c.compose(ctx, old, change)
	if err != nil {
		return "", c.dir.explain(err)
	}
	if c.reach == ToUpstream {
		if err := c.push(ctx, commit); err != nil {
			return "", err
		}
	}
	if err := ctx.Err(); err != nil && c.reach == ToBranch {
		return "", c.dir.explain(err)
	}
	if err := c.follow(commit); err != nil {
		if c.reach == ToUpstream {
			return commit, c.dir.explain(&FollowError{err})
		}
		return "", c.dir.explain(fault.As(fault.Refused, err))
	}
	c.head, c.unpushed = commit, nil
	if c.reach == ToUpstream {
		c.tip = commit
	}
	_ = c.hook(ctx, c.git, "post-commit") // as in git commit, its result does not count
	return commit, nil
}

// compose makes the commit's objects with the help of an index of its own.
func (c *Checkout) compose(ctx context.Context, old map[string]entry, change Change) (string, error) {
	dir, err := os.MkdirTemp("", "tagbump-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	aside := c.git.with("GIT_INDEX_FILE="+filepath.Join(dir, "index"), "GIT_EDITOR=:")
	if _, err := aside.out(ctx, "read-tree", c.head); err != nil {
		return "", err
	}
	if err := c.stageIn(ctx, aside, old, change.Files); err != nil {
		return "", err
	}
	if err := c.hook(ctx, aside, "pre-commit"); err != nil {
		return "", err
	}
	tree, err := aside.out(ctx, "write-tree")
	if err != nil {
		return "", err
	}
	message, err := c.message(ctx, aside, filepath.Join(dir, "COMMIT_EDITMSG"), change.Message)
	if err != nil {
		return "", err
	}
	return c.commitTree(ctx, tree, message, change.Author)
}

// stageIn puts the new contents into the index of aside.
func (c *Checkout) stageIn(ctx context.Context, aside git, old map[string]entry, contents map[string][]byte) error {
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(contents)) {
		real, err := c.dir.resolve(name)
		if err != nil {
			return err
		}
		full := c.prefix + real
		hash, err := aside.pipe(ctx, string(contents[name]), "hash-object", "-w", "--stdin", "--path="+full)
		if err != nil {
			return err
		}
		fmt.Fprintf(&lines, "%s %s\t%s\x00", old[full].mode, hash, full)
	}
	_, err := aside.pipe(ctx, lines.String(), "update-index", "-z", "--index-info")
	return err
}

// message runs the hooks that may change or refuse a message.
func (c *Checkout) message(ctx context.Context, aside git, file, message string) (string, error) {
	if err := os.WriteFile(file, []byte(message), 0o600); err != nil {
		return "", err
	}
	if err := c.hook(ctx, aside, "prepare-commit-msg", file, "message"); err != nil {
		return "", err
	}
	if err := c.hook(ctx, aside, "commit-msg", file); err != nil {
		return "", err
	}
	final, err := os.ReadFile(file)
	return string(final), err
}

// hook runs a hook if there is one. A hook that fails refuses the change.
func (c *Checkout) hook(ctx context.Context, in git, name string, args ...string) error {
	file, err := c.git.out(ctx, "rev-parse", "--git-path", "hooks/"+name)
	if err != nil {
		return err
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(c.git.dir, file)
	}
	if _, err := os.Stat(file); err != nil {
		return nil //nolint:nilerr // there is no such hook
	}
	_, err = in.out(ctx, slices.Concat([]string{"hook", "run", "--ignore-missing", name, "--"}, args)...)
	if failed := new(gitError); errors.As(err, &failed) {
		failed.verb = "hook " + name
		return fault.As(fault.Refused, err)
	}
	return err
}

func (c *Checkout) commitTree(ctx context.Context, tree, message, author string) (string, error) {
	args := []string{"commit-tree", tree, "-p", c.head, "-F", "-"}
	if sign, _ := c.git.out(ctx, "config", "--type=bool", "commit.gpgSign"); sign == "true" {
		args = append(args, "-S")
	}
	name, email := splitAuthor(author)
	committer := c.git
	if name != "" {
		committer = c.git.with("GIT_AUTHOR_NAME="+name, "GIT_AUTHOR_EMAIL="+email)
	}
	return committer.pipe(ctx, strings.TrimRight(message, "\n")+"\n", args...)
}

// splitAuthor cuts "Name <email>".
func splitAuthor(author string) (name, email string) {
	name, rest, _ := strings.Cut(author, "<")
	email, _, _ = strings.Cut(rest, ">")
	return strings.TrimSpace(name), strings.TrimSpace(email)
}

// push sends the commit to the upstream, if that has not moved. An error may
// hide a success: the answer was lost, or the program was interrupted. So the
// remote has the last word.
func (c *Checkout) push(ctx context.Context, commit string) error {
	_, err := c.git.out(ctx, "push", "--quiet", "--no-follow-tags", "--recurse-submodules=no",
		"--force-with-lease="+c.upstream.ref+":"+c.tip, c.upstream.remote, commit+":"+c.upstream.ref)
	if err == nil {
		return nil
	}
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if tip, errTip := c.remoteTip(asking); errTip == nil && tip == commit {
		return nil
	}
	if ctx.Err() != nil {
		return c.dir.explain(ctx.Err())
	}
	return c.remoteError(err)
}

// follow moves the branch, the index and the files from HEAD to the commit.
func (c *Checkout) follow(commit string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	// A hook must not stop this step: those of a commit have run.
	cmd := c.git.with("GIT_REFLOG_ACTION=tagbump").command(ctx, "", "-c", "core.hooksPath="+os.DevNull, "-c", "merge.verifySignatures=false",
		"-c", "merge.autoStash=false", "-c", "gc.auto=0", "merge", "--ff-only", "--quiet", "--no-stat", commit)
	detach(cmd)
	_, err := run(cmd)
	return err
}
