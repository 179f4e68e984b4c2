package bump

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/plan"
)

// propose brings the plan onto a branch of its own and opens a pull request, or
// finds the ones that an earlier run left.
//
// The branch's name comes from the content, so the same request finds the same
// branch. It is never forced over somebody's commits: what an open pull request
// already holds is left alone, and only a left-over branch without one, which
// nobody looks at, is started anew (by compare and swap, like every push).
func (r Runner) propose(ctx context.Context, req Request, tree Tree, p proposal, outcome Outcome) (Outcome, error) {
	outcome.Head = branchName(outcome)
	tip, err := r.Repo.Tip(ctx, outcome.Head)
	if err != nil {
		return outcome, err
	}
	_, open, err := r.Forge.Find(ctx, outcome.Head, tree.Branch())
	if err != nil {
		return outcome, err
	}
	commit := Commit{Branch: outcome.Head, Old: tip, Files: contents(outcome.Plan), Message: outcome.Message}
	var saved Saved
	if tip != "" && open {
		saved, err = r.complete(ctx, req, p, commit)
	} else {
		saved, err = r.Repo.Save(ctx, tree, commit)
	}
	if err != nil {
		return outcome, err
	}
	outcome.State, outcome.Commit = saved.State, saved.Commit
	pr, err := r.Forge.Propose(ctx, forge.Proposal{Base: tree.Branch(), Head: outcome.Head, Title: p.title, Body: body(outcome)})
	if err != nil {
		return outcome, err
	}
	outcome.State, outcome.PullRequest = Proposed, &pr
	return outcome, nil
}

// A proposal is what a pull request asks for, apart from the commit.
type proposal struct {
	wants   []plan.Want
	further []plan.Assignment
	title   string
}

// plan makes the proposal's changes anew in another tree.
func (p proposal) plan(at scene) (*plan.Plan, error) {
	made, err := at.index.Plan(p.wants)
	if err != nil {
		return nil, err
	}
	made, _, err = at.index.Assign(made, p.further)
	return made, err
}

// complete adds what is missing to the branch of an open pull request: nothing,
// unless somebody changed it since.
func (r Runner) complete(ctx context.Context, req Request, p proposal, commit Commit) (Saved, error) {
	at, err := r.read(ctx, Revision{Branch: commit.Branch}, req.selection(), req.setFiles())
	if err != nil {
		return Saved{}, err
	}
	missing, err := p.plan(at)
	if err != nil {
		if errors.Is(err, plan.ErrNoTarget) || errors.Is(err, fs.ErrNotExist) {
			return Saved{}, fmt.Errorf("%s: the branch of the open pull request has changed: %w", commit.Branch, err)
		}
		return Saved{}, err
	}
	if missing.Empty() {
		return Saved{}, nil
	}
	commit.Old, commit.Files = at.Tip(), contents(missing)
	return r.Repo.Save(ctx, at.Tree, commit)
}

// branchName names the branch of a change: tagbump/web-1.2.3-1a2b3c4d. The last
// part is a hash over the base branch and every change, so that other content
// gets another branch.
func branchName(outcome Outcome) string {
	hash := sha256.New()
	fmt.Fprintf(hash, "%s\x00", outcome.Branch)
	for _, change := range outcome.Changes() {
		fmt.Fprintf(hash, "%s\x00%s\x00%s\x00%s\x00", change.Target.File, change.Target.Path, change.Old, change.New)
	}
	images := outcome.changedImages()
	what := fmt.Sprintf("%d-images", len(images))
	if len(images) == 1 {
		what = image.BaseName(images[0].Repository) + "-" + images[0].Tag
	}
	return fmt.Sprintf("tagbump/%s-%x", refSafe(what), hash.Sum(nil)[:4])
}

var unsafeInRef = regexp.MustCompile(`[^A-Za-z0-9_.-]+|\.{2,}`)

// refSafe spells s so that git takes it as part of a branch's name
// (git-check-ref-format): no "..", no "@{", no blanks.
func refSafe(s string) string {
	return strings.Trim(unsafeInRef.ReplaceAllString(s, "-"), ".-")
}
