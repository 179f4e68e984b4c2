package bump

import (
	"context"
	"errors"
	"fmt"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/policy"
)

// fresh returns the targets whose deployed tag is not newer than the resolved
// one; what to do with the others is req.OnStale's to say.
func (r Runner) fresh(ctx context.Context, req Request, resolved *ImageReport, targets []plan.Target) ([]plan.Target, error) {
	if req.OnStale == Allow {
		return targets, nil
	}
	var kept []plan.Target
	for _, target := range targets {
		age, err := r.compare(ctx, req.image(resolved.Repository), *resolved, target.Current)
		if err != nil {
			return nil, err
		}
		switch stale := (staleError{target, *resolved, age.by}); {
		case age.order >= 0:
			kept = append(kept, target)
		case req.OnStale == Fail:
			return nil, stale
		default:
			r.log("%v, passed over", stale)
			resolved.Skipped = append(resolved.Skipped, target)
		}
	}
	return kept, nil
}

// An age says how a resolved tag stands to a deployed one: before it (negative),
// behind it, or neither, and by what that was found out.
type age struct {
	order int
	by    string // "its name", "its time of creation"
}

// compare finds out which of two tags is newer: by the policy where both tags are
// of it, else by when the images were created. Where neither tells, it says so, and
// they count as equal. A registry that is not available is an error, since nobody
// knows then whether production is rolled back.
func (r Runner) compare(ctx context.Context, img Image, resolved ImageReport, deployed image.Ref) (age, error) {
	if deployed.Tag == resolved.Tag || deployed.Tag == "" && deployed.Digest == "" {
		return age{}, nil
	}
	if img.Policy != nil {
		if order, comparable := img.Policy.Compare(resolved.Tag, deployed.Tag); comparable {
			return age{order, "by name"}, nil
		}
	}
	if img.Unverified {
		r.log("%s: whether %s is newer than the deployed %s is not known, since the registry is not asked", img.Repository, resolved.Tag, tagOf(deployed))
		return age{}, nil
	}
	return r.compareTimes(ctx, img, resolved, deployed)
}

func (r Runner) compareTimes(ctx context.Context, img Image, resolved ImageReport, deployed image.Ref) (age, error) {
	unknown := func(why string) (age, error) {
		r.log("%s: whether %s is newer than the deployed %s is not known: %s", img.Repository, resolved.Tag, tagOf(deployed), why)
		return age{}, nil
	}
	deployed.Repository = img.Repository
	info, err := r.Registry.InspectFor(ctx, deployed, img.platform())
	switch {
	case errors.Is(err, image.ErrNotFound), errors.Is(err, image.ErrNoImage):
		return unknown("the registry does not have the deployed one")
	case err != nil:
		return age{}, fmt.Errorf("looking up the deployed tag: %w", err)
	case info.Digest == resolved.Digest:
		return age{}, nil
	case !policy.Known(info.Created), !policy.Known(resolved.Created):
		return unknown("an image does not say when it was created")
	}
	return age{resolved.Created.Compare(info.Created), "by its time of creation"}, nil
}

// tagOf is how people call a deployed image: by its tag, if it has one.
func tagOf(deployed image.Ref) string {
	if deployed.Tag == "" {
		return deployed.Digest
	}
	return deployed.Tag
}

// staleError says that a newer tag than the wanted one is deployed.
type staleError struct {
	target   plan.Target
	resolved ImageReport
	by       string
}

func (e staleError) Error() string {
	text := fmt.Sprintf("%s:%d: %s: %s is older than the deployed %s",
		e.target.File, e.target.Line, e.resolved.Repository, e.resolved.Tag, tagOf(e.target.Current))
	if e.by == "by name" {
		return text
	}
	return text + ", " + e.by
}

func (e staleError) Unwrap() error { return ErrStale }

// Hint names the way to go back on purpose.
func (e staleError) Hint() string { return "to go back on purpose, give --on-stale allow" }
