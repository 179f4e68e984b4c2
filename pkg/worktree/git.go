package worktree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// Errors of a checkout's git.
var (
	// ErrDirty is in the chain when a file has changes that are not committed.
	ErrDirty = errors.New("has uncommitted changes")
	// ErrRefused is in the chain when a hook or the remote refuses.
	ErrRefused = errors.New("refused")
)

// CheckClean returns an error that wraps [ErrDirty] if one of the files has
// changes that a commit of it would take along.
//
// In a checkout the user's own git does the work, with its hooks, signing and
// credentials: it is the user's repository, and git knows its settings best.
func (d *Dir) CheckClean(ctx context.Context, names []string) error {
	out, err := d.git(ctx, "", append([]string{"status", "--porcelain", "--untracked-files=all", "--"}, names...)...)
	if err != nil {
		return err
	}
	if line, _, _ := strings.Cut(out, "\n"); line != "" {
		return fmt.Errorf("%s: %s %w", d.name, line[min(len(line), 3):], ErrDirty)
	}
	return nil
}

// Commit commits the named files, and nothing else that is changed or staged, on
// the branch that is checked out, and returns the commit's hash. The author,
// "Name <email>", is "" for git's own.
func (d *Dir) Commit(ctx context.Context, names []string, message, author string) (hash string, err error) {
	args := []string{"commit", "--quiet", "--file=-"}
	if author != "" {
		args = append(args, "--author="+author)
	}
	args = append(append(args, "--only", "--"), names...)
	if _, err := d.git(ctx, message, args...); err != nil {
		return "", fmt.Errorf("%w (%w)", err, ErrRefused)
	}
	out, err := d.git(ctx, "", "rev-parse", "HEAD")
	return strings.TrimSpace(out), err
}

// Push pushes the branch that is checked out to where git is set to push it. A
// remote that has moved on, or refuses, is [ErrRefused]; the commit stays.
func (d *Dir) Push(ctx context.Context) error {
	if _, err := d.git(ctx, "", "push", "--quiet"); err != nil {
		return fmt.Errorf("%w (%w)", err, ErrRefused)
	}
	return nil
}

// git runs git in the folder. Its error is git's own words.
func (d *Dir) git(ctx context.Context, stdin string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir, cmd.Stdin = d.name, strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err == nil {
		return stdout.String(), nil
	}
	if errors.As(err, new(*exec.ExitError)) {
		said := strings.TrimSpace(stderr.String())
		if said == "" {
			said = strings.TrimSpace(stdout.String())
		}
		err = errors.New(strings.ReplaceAll(said, "\n", "; "))
	}
	return "", fmt.Errorf("%s: git %s: %w", d.name, args[0], err)
}
