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
func (r Runner) propose(ctx context.Context, req Request, tree Tree, wants []plan.Want, report *Report) error {
	report.Head = branchName(report)
	tip, err := r.Repo.Tip(ctx, report.Head)
	if err != nil {
		return err
	}
	_, open, err := r.Forge.Find(ctx, report.Head, tree.Branch())
	if err != nil {
		return err
	}
	commit := Commit{Branch: report.Head, Old: tip, Files: contents(report.Plan), Message: report.Message}
	if tip != "" && open {
		report.Commit, err = r.complete(ctx, req, wants, commit)
	} else {
		report.Commit, err = r.Repo.Save(ctx, tree, commit)
	}
	if err != nil {
		return err
	}
	pr, err := r.Forge.Propose(ctx, forge.Proposal{Base: tree.Branch(), Head: report.Head, Title: subjectOf(report.Message), Body: body(report)})
	if err != nil {
		return err
	}
	report.PullRequest = &pr
	return nil
}

// complete adds what is missing to the branch of an open pull request: nothing,
// unless somebody changed it since.
func (r Runner) complete(ctx context.Context, req Request, wants []plan.Want, commit Commit) (string, error) {
	tree, err := r.Repo.Read(ctx, commit.Branch, req.globs())
	if err != nil {
		return "", err
	}
	missing, err := plan.Make(tree, wants)
	if err != nil {
		if errors.Is(err, plan.ErrNoTarget) || errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("%s: the branch of the open pull request has changed: %w", commit.Branch, err)
		}
		return "", err
	}
	if missing.Empty() {
		return "", nil
	}
	commit.Old, commit.Files = tree.Tip(), contents(missing)
	return r.Repo.Save(ctx, tree, commit)
}

// branchName names the branch of a change: tagbump/web-1.2.3-1a2b3c4d. The last
// part is a hash over the base branch and every change, so that other content
// gets another branch.
func branchName(report *Report) string {
	hash := sha256.New()
	fmt.Fprintf(hash, "%s\x00", report.Branch)
	for _, change := range report.Changes() {
		fmt.Fprintf(hash, "%s\x00%s\x00%s\x00%s\x00", change.Target.File, change.Target.Path, change.Old, change.New)
	}
	images := report.changedImages()
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
