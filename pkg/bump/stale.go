package bump

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/policy"
	"github.com/tagbump/tagbump/pkg/record"
	"github.com/tagbump/tagbump/pkg/safetext"
)

// withoutNewer divides targets into those to change and those that are skipped
// because they hold a newer tag; with OnStale Fail such a target is an error.
func (r Runner) withoutNewer(ctx context.Context, req Request, tree Tree, resolved Resolved, targets []plan.Target) (kept, skipped []plan.Target, err error) {
	for _, target := range targets {
		age, err := r.compare(ctx, req, tree, resolved, target.Current)
		if err != nil {
			return nil, nil, err
		}
		switch stale := (staleError{target, resolved, age}); {
		case age.order >= 0:
			kept = append(kept, target)
		case req.OnStale == Fail:
			return nil, nil, stale
		default:
			r.log("%v, passed over", stale)
			skipped = append(skipped, target)
		}
	}
	return kept, skipped, nil
}

// An age compares a resolved tag with the deployed one.
type age struct {
	order    int  // negative when the resolved tag is older, 0 when equal or unknown
	known    bool // something tells
	evidence evidence
	detail   string // of the evidence, for messages
}

// Evidence is how it was found out which of two tags is newer.
type evidence int

const (
	byName evidence = iota
	byCreation
	byPipeline
)

// compare finds out which of two tags is newer: by the policy where both tags are
// of it, else by the creation of the images, else by their names if both are dotted
// versions, else by the numbers of the pipelines that set them. Where nothing tells,
// it says so, and they count as equal. A registry that is not available is an error,
// because the run might roll back production.
func (r Runner) compare(ctx context.Context, req Request, tree Tree, resolved Resolved, deployed image.Ref) (age, error) {
	if deployed.Tag == resolved.Tag || deployed.Tag == "" && deployed.Digest == "" {
		return age{}, nil
	}
	img := req.image(resolved.Repository)
	if img.Policy != nil {
		if order, comparable := img.Policy.Compare(resolved.Tag, deployed.Tag); comparable {
			return age{order: order, known: true, evidence: byName}, nil
		}
	}
	found, unknown, err := r.compareTimes(ctx, img, resolved, deployed)
	if err != nil || unknown == "" {
		return found, err
	}
	if order, ok := policy.CompareVersions(resolved.Tag, deployed.Tag); ok {
		return age{order: order, known: true, evidence: byName}, nil
	}
	found, known, err := r.comparePipelines(ctx, req, tree, image.Ref{Repository: img.Repository, Tag: deployed.Tag})
	if err != nil || known {
		return found, err
	}
	r.log("%s: whether %s is newer than the deployed %s is not known: %s", img.Repository, resolved.Tag, tagOf(deployed), unknown)
	return age{}, nil
}

// compareTimes compares when the images were created; unknown says why it cannot.
func (r Runner) compareTimes(ctx context.Context, img Image, resolved Resolved, deployed image.Ref) (found age, unknown string, err error) {
	if img.Unverified {
		return age{}, "the registry is not asked", nil
	}
	deployed.Repository = img.Repository
	info, err := r.Registry.InspectFor(ctx, deployed, img.mainPlatform())
	switch {
	case errors.Is(err, fault.NotFound):
		return age{}, "the registry does not have the deployed one", nil
	case errors.Is(err, image.ErrInvalid): // a file may hold anything
		return age{}, "the deployed one is not an image reference", nil
	case err != nil:
		return age{}, "", fmt.Errorf("looking up the deployed tag: %w", err)
	case info.Digest == resolved.Digest:
		return age{known: true}, "", nil
	case info.Created.IsZero(), resolved.Created.IsZero():
		return age{}, "an image does not say when it was created", nil
	case info.Created.Equal(resolved.Created):
		return age{}, "both images say the same time of creation", nil
	}
	return age{order: resolved.Created.Compare(info.Created), known: true, evidence: byCreation}, "", nil
}

// historyDepth is how many commits are searched for the one that set a tag.
const historyDepth = 200

// comparePipelines compares this run's pipeline number with the one in the
// commit that set the deployed tag.
func (r Runner) comparePipelines(ctx context.Context, req Request, tree Tree, deployed image.Ref) (found age, known bool, err error) {
	if req.Provenance.Pipeline == 0 || deployed.Tag == "" {
		return age{}, false, nil
	}
	commits, err := r.Repo.Log(ctx, Revision{tree.Branch(), tree.Tip()}, nil, historyDepth)
	if err != nil {
		return age{}, false, fmt.Errorf("looking for the commit that set %s: %w", deployed, err)
	}
	for _, info := range commits {
		commit := record.Parse(info.Message)
		if number := commit.Pipeline; number > 0 && commit.Sets(deployed) {
			return age{
				order: cmp.Compare(req.Provenance.Pipeline, number), known: true, evidence: byPipeline,
				detail: fmt.Sprintf("%d, deployed %d", req.Provenance.Pipeline, number),
			}, true, nil
		}
	}
	return age{}, false, nil
}

// tagOf is how people call a deployed image: by its tag, if it has one.
func tagOf(deployed image.Ref) string {
	if deployed.Tag == "" {
		return deployed.Digest
	}
	return safetext.Line(deployed.Tag)
}

// staleError says that a newer tag than the wanted one is deployed.
type staleError struct {
	target   plan.Target
	resolved Resolved
	age      age
}

func (e staleError) Error() string {
	text := fmt.Sprintf("%s:%d: %s: %s is older than the deployed %s",
		e.target.File, e.target.Line, e.resolved.Repository, e.resolved.Tag, tagOf(e.target.Current))
	switch e.age.evidence {
	case byCreation:
		return text + ", by its time of creation"
	case byPipeline:
		return fmt.Sprintf("%s, by its pipeline (%s)", text, e.age.detail)
	}
	return text
}

func (e staleError) Unwrap() error { return ErrStale }

// Hint names the way to go back on purpose.
func (e staleError) Hint() string {
	return "give --on-stale skip to pass over it and change the others, or --on-stale allow to go back on purpose"
}
