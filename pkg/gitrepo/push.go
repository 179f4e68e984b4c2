package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/gitrepo/internal/object"
	"github.com/tagbump/tagbump/pkg/gitrepo/internal/wire"
	"github.com/tagbump/tagbump/pkg/internal/httpx"
)

// Push makes a commit on top of base and moves the branch to it, if the branch is where c
// says. It returns the commit's hash, as 40 hex digits.
//
// ErrMoved means that the branch is elsewhere: Read again, and change the new files.
// ErrRefused means that the server does not want the commit, and why. When an answer is
// lost, the branch itself tells whether the push landed; the commit is reported once it is
// the branch's tip or an ancestor of it. What a server says beside its report (hooks do,
// after the push) is passed to Options.Progress.
func (r *Repo) Push(ctx context.Context, base *files.Tree, c Commit) (string, error) {
	u, err := r.prepare(base, c)
	if err != nil {
		return "", r.wrap(firstOf(c.Branch, base.Branch()), err)
	}
	if err := r.land(ctx, u); err != nil {
		return "", r.wrap(u.Branch, err)
	}
	for _, o := range u.Objects {
		_, _ = r.picker.Store.Add(o.Object) // spares the next Read a request; a full store does not
	}
	return u.New.String(), nil
}

func (r *Repo) prepare(base *files.Tree, c Commit) (wire.Update, error) {
	u := wire.Update{Branch: firstOf(c.Branch, base.Branch()), Old: plumbing.NewHash(base.Tip())}
	if err := checkBranch(u.Branch); err != nil {
		return u, err
	}
	if u.Branch != base.Branch() {
		if c.Old != "" && !plumbing.IsHash(c.Old) {
			return u, fmt.Errorf("%q is not the hash of a commit", c.Old)
		}
		u.Old = plumbing.NewHash(c.Old)
	}
	objects, err := compose(r.picker.Store, base, c)
	if err != nil {
		return u, err
	}
	u.Objects = objects
	u.New = objects[len(objects)-1].Hash()
	return u, nil
}

// pushTries bounds how often the same commit is offered while the branch is where it
// should be: the server holds a lock, or the connection broke.
const pushTries = 5

// pauses space out the tries of a push.
var pauses = httpx.Backoff{First: 75 * time.Millisecond}

// land pushes until the branch's place gives an answer.
func (r *Repo) land(ctx context.Context, u wire.Update) error {
	for try := 1; ; try++ {
		remark, pushErr := r.remote.Push(ctx, u)
		if pushErr == nil {
			r.pass(remark)
			return nil
		}
		if errors.Is(pushErr, ErrAuth) || errors.Is(pushErr, ErrNotFound) {
			return pushErr
		}
		landed, err := r.judge(ctx, u, pushErr)
		if landed || err != nil {
			return err
		}
		if whole, hadDeltas := u.Whole(); hadDeltas && isUnpackError(pushErr) {
			u = whole
			continue
		}
		if try == pushTries || !isTransient(pushErr) {
			return refused(pushErr)
		}
		if err := wire.Sleep(ctx, pauses.Pause(try)); err != nil {
			return err
		}
	}
}

// pass passes on what the server said beside its report.
func (r *Repo) pass(remark string) {
	for line := range strings.Lines(remark) {
		if line = httpx.Line(line, 500); line != "" {
			r.progress("remote: %s", line)
		}
	}
}

// judge reads where the branch is after a push that did not end well. Without an error,
// and with landed false, the branch is where it was before the push.
func (r *Repo) judge(ctx context.Context, u wire.Update, pushErr error) (landed bool, err error) {
	at, err := r.find(ctx, u)
	if err != nil {
		return false, wire.Because(ErrUnavailable, pushErr, "it is not known whether commit %s was pushed (%v)", u.New, err)
	}
	switch {
	case at.Tip == u.New:
		return true, nil
	case at.Tip == u.Old:
		return false, nil
	case r.descends(ctx, at.Tip, u.New):
		return true, nil
	case at.Tip.IsZero():
		return false, wire.Fail(ErrMoved, "the branch is gone")
	case u.Old.IsZero():
		return false, wire.Fail(ErrMoved, "the branch exists already, at %s", at.Tip)
	}
	return false, wire.Fail(ErrMoved, "the branch has moved to %s", at.Tip)
}

// find looks for the branch. A server may hide its name (transfer.hideRefs) and still
// show it as HEAD: such a branch is not gone.
func (r *Repo) find(ctx context.Context, u wire.Update) (wire.Ref, error) {
	at, err := r.remote.Refs(ctx, u.Branch)
	if err != nil || !at.Tip.IsZero() || u.Old.IsZero() {
		return at, err
	}
	if head, err := r.remote.Refs(ctx, ""); err == nil && head.Branch == u.Branch {
		return head, nil
	}
	return at, nil
}

const (
	// searchDepth is how far below a new tip a commit of ours is looked for.
	searchDepth = 100
	// searchBudget is the most bytes that this may cost.
	searchBudget = 4 << 20
)

// descends reports whether commit is seen among tip's nearest ancestors. Only what was
// seen counts: any trouble on the way means no.
func (r *Repo) descends(ctx context.Context, tip, commit plumbing.Hash) bool {
	if tip.IsZero() {
		return false
	}
	history := object.NewStore()
	req := wire.Request{Wants: []plumbing.Hash{tip}, Depth: searchDepth, Filter: "tree:0", Budget: searchBudget}
	if r.picker.SendsAll() {
		req.Filter = "" // commits come first in a pack
		req.Enough = func(id plumbing.Hash) bool { return id == commit }
	}
	_ = r.remote.Fetch(ctx, req, history)
	return history.Has(commit)
}

// isUnpackError reports whether the server could not read the pack, as some cannot when
// it has deltas on objects that they have.
func isUnpackError(err error) bool {
	var no *wire.Rejection
	return errors.As(err, &no) && no.InUnpack()
}

// isTransient reports whether the same push may succeed a moment later.
func isTransient(err error) bool {
	var no *wire.Rejection
	if errors.As(err, &no) {
		return no.IsTransient()
	}
	return errors.Is(err, ErrUnavailable)
}

// refused turns a rejection into words and a hint.
func refused(err error) error {
	var no *wire.Rejection
	switch {
	case errors.Is(err, wire.ErrDeclined):
		return wire.Because(ErrRefused, err, "the push was refused")
	case !errors.As(err, &no):
		return err
	case isProtection(no):
		return wire.Because(ErrRefused, no, "the push was refused").WithHint("the branch is protected; open a pull request instead: --pr")
	case wire.MeansDenied(no.Remote) && !isHook(no):
		return wire.Because(ErrAuth, no, "the push was refused").WithHint("the user of the token or key may not write to this repository")
	}
	return wire.Because(ErrRefused, no, "the push was refused")
}

// isHook reports whether a hook of the repository said no: its words are its own, and say
// nothing about access.
func isHook(no *wire.Rejection) bool { return strings.Contains(no.Status, "hook declined") }

// isProtection knows the words of the forges' branch rules.
func isProtection(no *wire.Rejection) bool {
	text := strings.ToLower(no.Status + " " + no.Remote)
	for _, word := range []string{"protected", "gh006", "gh013", "pull request", "merge request", "rule violations"} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}
