package bump

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/record"
	"github.com/tagbump/tagbump/pkg/safetext"
)

// examine looks at a branch that exists already. It returns an error that wraps
// ErrTouched when the branch holds a commit or a change that tagbump did not write, and
// otherwise whether it holds the plan already and can be merged as it is.
//
// A commit's message can be forged, so the content decides: the branch and the commit of
// the base that it was made on must be equal once this run's changes are made in both.
func (r Runner) examine(ctx context.Context, req Request, at scene, p proposal, outcome Outcome, tip string) (current bool, err error) {
	diff, err := r.Forge.Compare(ctx, at.Tip(), tip)
	if err != nil {
		return false, err
	}
	if isOfBase(diff) {
		return false, nil // nothing to lose
	}
	if err := writtenByUs(outcome.Head, diff); err != nil {
		return false, err
	}
	root, err := r.read(ctx, Revision{Branch: at.Branch(), Commit: diff.Root()}, req.selection(), at.needs)
	if err != nil {
		return false, err
	}
	head, err := r.read(ctx, Revision{Branch: outcome.Head, Commit: tip}, req.selection(), at.needs)
	if err != nil {
		return false, err
	}
	changed, missing, err := p.leveled(root, head)
	if err != nil {
		return false, touchedError{outcome.Head, err.Error()}
	}
	for _, name := range diff.Files {
		before, after, err := changed.both(name)
		if err != nil || !bytes.Equal(before, after) {
			return false, touchedError{outcome.Head, "it changes " + safetext.Line(name) + " in another way than this run does"}
		}
	}
	return missing.Empty() && sameFiles(outcome.Plan, root, at), nil
}

// writtenByUs returns an error that wraps ErrTouched when a commit of the branch is not
// tagbump's, or not all of them are known. A merge of the base into the branch, as a
// button of the forge makes it, does not count.
func writtenByUs(branch string, diff forge.Comparison) error {
	if isOfBase(diff) {
		return nil
	}
	if diff.Cut || diff.Root() == "" {
		return touchedError{branch, "it holds more commits or files than the forge lists"}
	}
	for _, commit := range diff.Commits {
		if message := record.Parse(commit.Message); len(message.Images) == 0 && len(commit.Parents) < 2 {
			return touchedError{branch, fmt.Sprintf("commit %.10s by %s: %s", safetext.Line(commit.Hash), safetext.Line(commit.Author), message.Subject())}
		}
	}
	return nil
}

// isOfBase reports whether all of a branch is in its base. A push of the same change in
// the same second makes the same commit.
func isOfBase(diff forge.Comparison) bool {
	return len(diff.Commits) == 0 && len(diff.Files) == 0 && !diff.Cut
}

// A touchedError says what somebody else did to a branch.
type touchedError struct{ branch, what string }

func (e touchedError) Error() string {
	return fmt.Sprintf("%s: %v: %s", e.branch, ErrTouched, e.what)
}

func (e touchedError) Unwrap() error { return ErrTouched }

// Hint names the ways to go on.
func (e touchedError) Hint() string {
	return "nothing was changed; merge or close its pull request and delete the branch, or give --pr-branch NAME"
}

// leveled are two trees in which the same changes are made.
type leveled struct {
	root, head           scene
	rootFiles, headFiles map[string][]byte
}

// leveled makes the proposal's changes in both trees, and also returns those that head
// lacks.
func (p proposal) leveled(root, head scene) (both leveled, missing *plan.Plan, err error) {
	inRoot, err := p.plan(root)
	if err != nil {
		return leveled{}, nil, err
	}
	if missing, err = p.plan(head); err != nil {
		return leveled{}, nil, err
	}
	return leveled{root, head, contents(inRoot), contents(missing)}, missing, nil
}

// both returns the file of both trees. A file that was not read is an error.
func (l leveled) both(name string) (root, head []byte, err error) {
	root, rootErr := contentOf(l.root, l.rootFiles, name)
	head, headErr := contentOf(l.head, l.headFiles, name)
	return root, head, errors.Join(rootErr, headErr)
}

func contentOf(tree fs.FS, changed map[string][]byte, name string) ([]byte, error) {
	if content, isChanged := changed[name]; isChanged {
		return content, nil
	}
	return fs.ReadFile(tree, name)
}

// sameFiles reports whether the files of the plan are the same in both trees: then a
// branch that was made on one of them can be merged into the other.
func sameFiles(p *plan.Plan, a, b fs.FS) bool {
	for _, file := range p.Files {
		before, err := fs.ReadFile(a, file.Name)
		after, err2 := fs.ReadFile(b, file.Name)
		if err != nil || err2 != nil || !bytes.Equal(before, after) {
			return false
		}
	}
	return true
}
