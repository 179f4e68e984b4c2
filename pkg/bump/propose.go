package bump

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
	"github.com/tagbump/tagbump/pkg/placeholder"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/safetext"
)

// A Proposal says how a pull request looks. The zero Proposal has the default branch,
// title and body.
type Proposal struct {
	Head        string           // the branch; default: tagbump/ENVIRONMENT/IMAGES
	Title, Body placeholder.Text // over MessagePlaceholders; default: what changes
	Repository  string           // how people name the repository on a command line; "" leaves it out

	Labels, Reviewers, Assignees []string
	Draft, AutoMerge             bool
}

// ErrDeclined says that a person closed the pull request with the same content, or that
// one with newer content is open.
var ErrDeclined = fault.New(fault.Guard, "another pull request decides")

// ErrTouched says that a branch holds something that tagbump did not write.
var ErrTouched = fault.New(fault.Guard, "the branch holds changes of somebody else")

// A proposal is what a pull request asks for, apart from the commit.
type proposal struct {
	wants   []plan.Want
	further []plan.Assignment
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

// propose brings the plan onto a branch of its own and opens a pull request, or
// refreshes the one that is open.
//
// There is one pull request for an environment and a set of images: its branch has a
// name that does not depend on the tags, so a newer tag finds it again. The branch is
// made anew on the newest base, by compare and swap, if it holds nothing but what
// tagbump wrote; otherwise nothing is changed. A forge that refuses the pull request
// leaves a branch behind, which the next run uses.
func (r Runner) propose(ctx context.Context, req Request, at scene, p proposal, outcome Outcome) (Outcome, error) {
	known, err := forge.Find(ctx, r.Forge, req.head(outcome), at.Branch())
	if err != nil {
		return outcome, err
	}
	pr, found := forge.From(known.Open, req.head(outcome))
	if found && !outcome.mark(req).sharesImages(parseMark(pr.Body)) {
		// Another image of the same short name has that branch.
		req.Proposal.Head = req.head(outcome) + "-" + hashOf(req.repositories())
		if known, err = forge.Find(ctx, r.Forge, req.Proposal.Head, at.Branch()); err != nil {
			return outcome, err
		}
		pr, found = forge.From(known.Open, req.Proposal.Head)
	}
	outcome.Head = req.head(outcome)
	asked, err := r.asked(ctx, req, at, outcome)
	if err != nil {
		return outcome, err
	}
	if err := forge.Check(r.Forge, asked); err != nil {
		return outcome, err
	}
	decided, merged, err := r.decided(ctx, req, at, outcome, pr, known.Last)
	if err != nil {
		return outcome, err
	}
	if decided != nil {
		outcome.State, outcome.PullRequest = Declined, decided
		return outcome, nil
	}
	if outcome.Commit, err = r.bring(ctx, req, at, p, outcome, merged); err != nil {
		return outcome, err
	}
	if outcome.Commit != "" {
		outcome.State = Pushed
	}
	end := tail(req, outcome)
	asked.Body = r.withRenderings(ctx, at, outcome, asked.Body, renderedLimit-len(end)) + end
	if found {
		pr, err = forge.Refresh(ctx, r.Forge, pr, asked)
	} else {
		pr, err = forge.Start(ctx, r.Forge, asked)
	}
	if pr.Number == 0 {
		return outcome, err
	}
	outcome.State, outcome.PullRequest = Proposed, &pr
	outcome.Closed = r.supersede(ctx, req, at, outcome, known.Open)
	return outcome, err
}

// decided returns the pull request by which people or a newer run have decided already:
// one that proposes a newer tag, or one with the same content that a person closed. With
// OnStale Fail that is an error, with Allow it does not count. It also reports whether
// the last pull request from the branch was merged. Pr is the open one, or zero; last is
// the latest that is not open any more, or nil.
func (r Runner) decided(ctx context.Context, req Request, at scene, outcome Outcome, pr forge.PullRequest, last *forge.PullRequest) (decided *forge.PullRequest, merged bool, err error) {
	why := ""
	switch {
	case last == nil:
		if why, err = r.newer(ctx, req, at, outcome, parseMark(pr.Body)); err != nil {
			return nil, false, err
		}
	case last.State == forge.Merged:
		return nil, true, nil
	case outcome.mark(req).sameTags(parseMark(last.Body)):
		pr, why = *last, "was closed without a merge"
	}
	if why == "" || req.OnStale == Allow {
		return nil, false, nil
	}
	problem := decidedError{pr, why}
	if req.OnStale == Fail {
		return nil, false, problem
	}
	r.log("%v, passed over", problem)
	return &pr, false, nil
}

// newer says which tag of the open pull request is newer than the resolved one, "" when
// none is.
func (r Runner) newer(ctx context.Context, req Request, at scene, outcome Outcome, open mark) (string, error) {
	for _, img := range outcome.changedImages() {
		tag := open.tagOf(img.Repository)
		if tag == "" {
			continue
		}
		age, err := r.compare(ctx, req, at.Tree, img.Resolved, image.Ref{Repository: img.Repository, Tag: tag})
		if err != nil {
			return "", err
		}
		if age.order < 0 {
			return fmt.Sprintf("proposes %s %s, which is newer than %s", img.Repository, tag, img.Tag), nil
		}
	}
	return "", nil
}

// A decidedError says which pull request decides, and why.
type decidedError struct {
	pr  forge.PullRequest
	why string
}

func (e decidedError) Error() string {
	return fmt.Sprintf("pull request #%d (%s) %s", e.pr.Number, safetext.Line(e.pr.URL), e.why)
}

func (e decidedError) Unwrap() error { return ErrDeclined }

// Hint names the ways to go on.
func (e decidedError) Hint() string {
	return "--on-stale allow proposes it all the same, --on-stale skip ends without an error"
}

// bring makes the branch hold the plan and nothing else, and returns the commit that it
// made, "" when the branch holds the plan already. A branch that was merged may be
// thrown away, whatever it holds.
func (r Runner) bring(ctx context.Context, req Request, at scene, p proposal, outcome Outcome, merged bool) (string, error) {
	tip, err := r.Repo.Tip(ctx, outcome.Head)
	if err != nil {
		return "", err
	}
	if tip != "" && !merged {
		current, err := r.examine(ctx, req, at, p, outcome, tip)
		if err != nil || current {
			return "", err
		}
	}
	saved, err := r.Repo.Save(ctx, at.Tree, Commit{Branch: outcome.Head, Old: tip, Files: contents(outcome.Plan), Message: outcome.Message})
	return saved.Commit, err
}

// supersede closes the other pull requests that tagbump opened for the same environment
// and for none but images that this one changes. What cannot be closed is logged: the
// pull request of this run is open, and that counts.
func (r Runner) supersede(ctx context.Context, req Request, at scene, outcome Outcome, open []forge.PullRequest) []forge.PullRequest {
	ours := outcome.mark(req)
	return r.closeAll(ctx, at, open, func(other forge.PullRequest, theirs mark) string {
		if other.Number == outcome.PullRequest.Number || !ours.covers(theirs) {
			return ""
		}
		return fmt.Sprintf("Superseded by #%d: %s", outcome.PullRequest.Number, outcome.PullRequest.URL)
	})
}

// retire closes the pull requests whose change the base has already, in another way.
func (r Runner) retire(ctx context.Context, req Request, at scene, outcome Outcome) (Outcome, error) {
	open, err := r.Forge.Open(ctx, at.Branch())
	if err != nil {
		return outcome, err
	}
	outcome.Closed = r.closeAll(ctx, at, open, func(_ forge.PullRequest, theirs mark) string {
		if !r.overtaken(ctx, req, at, outcome, theirs) {
			return ""
		}
		return fmt.Sprintf("%s has this change already, or a newer one, at %s. Closed, because nothing is left to merge.",
			safetext.Code(at.Branch()), at.Tip())
	})
	return outcome, nil
}

// overtaken reports whether each image of the mark has that tag or a newer one in the
// base.
func (r Runner) overtaken(ctx context.Context, req Request, at scene, outcome Outcome, theirs mark) bool {
	if theirs.environment != req.To || len(theirs.images) == 0 {
		return false
	}
	for _, ref := range theirs.images {
		i := slices.IndexFunc(outcome.Images, func(img ImageOutcome) bool { return image.SameRepository(img.Repository, ref.Repository) })
		if i < 0 || outcome.Images[i].State != Current {
			return false
		}
		if outcome.Images[i].Tag == ref.Tag {
			continue
		}
		if age, err := r.compare(ctx, req, at.Tree, outcome.Images[i].Resolved, ref); err != nil || age.order <= 0 {
			return false
		}
	}
	return true
}

// closeAll closes those of open that tagbump wrote and for which why returns a comment.
// One that holds the commits of a person stays open.
func (r Runner) closeAll(ctx context.Context, at scene, open []forge.PullRequest, why func(forge.PullRequest, mark) string) []forge.PullRequest {
	var closed []forge.PullRequest
	for _, other := range open {
		theirs := parseMark(other.Body)
		if theirs.isZero() {
			continue
		}
		comment := why(other, theirs)
		if comment == "" {
			continue
		}
		diff, err := r.Forge.Compare(ctx, at.Branch(), other.Head)
		if err == nil {
			err = writtenByUs(other.Head, diff)
		}
		if err == nil {
			err = r.close(ctx, other, comment)
		}
		if err != nil {
			r.log("pull request #%d (%s) stays open: %v", other.Number, safetext.Line(other.URL), err)
			continue
		}
		closed = append(closed, other)
	}
	return closed
}

// close closes a pull request. Its mark goes first: one that still has a mark was closed
// by a person.
func (r Runner) close(ctx context.Context, pr forge.PullRequest, comment string) error {
	if err := r.Forge.Edit(ctx, pr, forge.Proposal{Title: pr.Title, Body: unmarked(pr.Body)}); err != nil {
		return err
	}
	return r.Forge.Close(ctx, pr.Number, comment)
}

// head returns the name of the pull request's branch: tagbump/production/web. The last
// part names the images that the run was asked for, so that it stays the same
// when one of them changes.
func (req Request) head(outcome Outcome) string {
	if req.Proposal.Head != "" {
		return req.Proposal.Head
	}
	scope := req.To
	if scope == "" {
		scope = outcome.Branch
	}
	return fmt.Sprintf("tagbump/%s/%s", refSafe(scope), refSafe(req.imageSet()))
}

// imageSet is a short name for the images of the request: "web", "web-and-2-more-1a2b3c4d".
func (req Request) imageSet() string {
	all := req.repositories()
	name := image.BaseName(all[0])
	if len(all) == 1 {
		return name
	}
	return fmt.Sprintf("%s-and-%d-more-%s", name, len(all)-1, hashOf(all))
}

// repositories returns the images of the request, sorted, in one spelling.
func (req Request) repositories() []string {
	var all []string
	for _, img := range req.Images {
		all = append(all, image.Canonical(img.Repository))
	}
	slices.Sort(all)
	return all
}

func hashOf(names []string) string {
	hash := sha256.Sum256([]byte(strings.Join(names, "\x00")))
	return fmt.Sprintf("%x", hash[:4])
}

var unsafeInRef = lazyregexp.New(`[^A-Za-z0-9_.-]+|\.{2,}`)

// refSafe spells s so that git takes it as part of a branch's name
// (git-check-ref-format): no "..", no "@{", no blanks, and no ".lock" at its end.
func refSafe(s string) string {
	s = strings.Trim(unsafeInRef.ReplaceAllString(s, "-"), ".-")
	return strings.TrimSuffix(s, ".lock")
}
