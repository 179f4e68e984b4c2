package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/tagbump/tagbump/pkg/files"

	"github.com/tagbump/tagbump/pkg/internal/httpx"
)

// Push makes a commit on top of base and moves the branch to it, if the branch
// stands where c says. It returns the commit's id, as 40 hex digits.
//
// ErrMoved means that the branch stands elsewhere: Read again, and change the
// new files. ErrRefused means that the server does not want the commit, and why.
// When an answer is lost, the branch itself tells whether the push landed; a
// commit is reported once it is the branch's tip or below it.
func (r *Repo) Push(ctx context.Context, base *files.Tree, c Commit) (string, error) {
	u, err := r.prepare(base, c)
	if err != nil {
		return "", r.wrap(firstOf(c.Branch, base.Branch()), err)
	}
	if err := r.land(ctx, u); err != nil {
		return "", r.wrap(u.branch, err)
	}
	for _, o := range u.objects {
		r.store.add(o.gitObject)
	}
	return u.new.String(), nil
}

func (r *Repo) prepare(base *files.Tree, c Commit) (update, error) {
	u := update{branch: firstOf(c.Branch, base.Branch()), old: plumbing.NewHash(base.Tip())}
	if err := checkBranch(u.branch); err != nil {
		return u, err
	}
	if u.branch != base.Branch() {
		if c.Old != "" && !plumbing.IsHash(c.Old) {
			return u, fmt.Errorf("%q is not the id of a commit", c.Old)
		}
		u.old = plumbing.NewHash(c.Old)
	}
	objects, err := r.compose(base, c)
	if err != nil {
		return u, err
	}
	u.objects = objects
	u.new = objects[len(objects)-1].hash()
	return u, nil
}

// pushTries bounds how often the same commit is offered while the branch stands
// where it should: the server holds a lock, or the connection broke.
const pushTries = 5

// land pushes until the branch's state gives an answer.
func (r *Repo) land(ctx context.Context, u update) error {
	for try := 1; ; try++ {
		pushErr := r.remote.push(ctx, u)
		if pushErr == nil {
			return nil
		}
		if errors.Is(pushErr, ErrAuth) || errors.Is(pushErr, ErrNotFound) {
			return pushErr
		}
		landed, err := r.judge(ctx, u, pushErr)
		if landed || err != nil {
			return err
		}
		if thick, was := u.whole(); was && isUnpackError(pushErr) {
			u = thick
			continue
		}
		if try == pushTries || !passing(pushErr) {
			return refused(pushErr)
		}
		if err := sleep(ctx, httpx.Backoff{First: 75 * time.Millisecond}.Pause(try)); err != nil {
			return err
		}
	}
}

// judge reads where the branch stands after a push that did not end well. No
// commit landed and no error: the branch is as it was before.
func (r *Repo) judge(ctx context.Context, u update, pushErr error) (landed bool, err error) {
	at, err := r.refs(ctx, u.branch)
	if err != nil {
		return false, because(ErrUnavailable, pushErr, "it is not known whether commit %s was pushed (%v)", u.new, err)
	}
	switch {
	case at.tip == u.new:
		return true, nil
	case at.tip == u.old:
		return false, nil
	case r.descends(ctx, at.tip, u.new):
		return true, nil
	case at.tip.IsZero():
		return false, fail(ErrMoved, "the branch is gone")
	case u.old.IsZero():
		return false, fail(ErrMoved, "the branch exists already, at %s", at.tip)
	}
	return false, fail(ErrMoved, "the branch has moved to %s", at.tip)
}

// historyDepth is how far below a new tip a commit of ours is looked for.
const historyDepth = 100

// descends reports whether commit is seen among tip's nearest ancestors. Only
// first-hand knowledge counts: any trouble on the way means no.
func (r *Repo) descends(ctx context.Context, tip, commit plumbing.Hash) bool {
	history := newStore()
	req := fetchRequest{wants: []plumbing.Hash{tip}, depth: historyDepth, filter: "tree:0", budget: haveBudget}
	if r.rung >= stream {
		req.filter = "" // commits come first in a pack
		req.enough = func(id plumbing.Hash) bool { return id == commit }
	}
	_ = r.remote.fetch(ctx, req, history)
	return history.has(commit)
}

// isUnpackError reports whether the server could not read the pack, as some
// cannot when it holds deltas on what they have.
func isUnpackError(err error) bool {
	var no *rejection
	return errors.As(err, &no) && strings.HasPrefix(no.status, "unpack")
}

// passing reports whether the same push may succeed a moment later.
func passing(err error) bool {
	var no *rejection
	if errors.As(err, &no) {
		return strings.Contains(no.status, "lock") || strings.Contains(no.status, "failed to update ref")
	}
	return errors.Is(err, ErrUnavailable)
}

// refused turns a rejection into words and a hint.
func refused(err error) error {
	var no *rejection
	if errors.Is(err, errDeclined) {
		return because(ErrRefused, err, "the push was refused")
	}
	if !errors.As(err, &no) {
		return err
	}
	f := because(ErrRefused, no, "the push was refused")
	if isProtection(no) {
		f.hint = "the branch is protected; open a pull request instead: --pr"
	}
	return f
}

// isProtection knows the words of the forges' branch rules.
func isProtection(no *rejection) bool {
	text := strings.ToLower(no.status + " " + no.remote)
	for _, word := range []string{"protected", "gh006", "gh013", "pull request", "merge request", "rule violations"} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}
