package bump

import (
	"context"
	"errors"
	"fmt"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/safetext"
)

// wants returns what each place of every image in the files should hold: the
// resolved reference, unless the place has a newer tag. The outcomes say which
// images are missing or stale.
func (r Runner) wants(ctx context.Context, req Request, at scene, resolved []Resolved) ([]ImageOutcome, []plan.Want, error) {
	var images []ImageOutcome
	var all []plan.Want
	var failed []error // all of them are told, not only the first
	found := false
	for _, one := range resolved {
		img := req.image(one.Repository)
		places, err := at.find(req.place(), img)
		if isAbsent(err) && req.Add && !img.Optional {
			target, err := at.addition(req.place(), img)
			if err != nil {
				failed = append(failed, err)
				continue
			}
			found = true
			all = append(all, plan.Want{Target: target, Ref: wantedRef(req, one), Add: true})
			images = append(images, ImageOutcome{Resolved: one, Left: places.Left})
			continue
		}
		if isAbsent(err) && img.Optional {
			images = append(images, ImageOutcome{Resolved: one, State: Missing, Left: places.Left})
			continue
		}
		if err == nil {
			err = req.checkEnvironments(one, places.Targets)
		}
		if err == nil {
			err = r.checkSameImage(ctx, img, one, places.Targets)
		}
		if err != nil {
			failed = append(failed, err)
			continue
		}
		found = true
		kept, outcome, err := r.guarded(ctx, req, at, one, places)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		for _, target := range kept {
			all = append(all, plan.Want{Target: target, Ref: wantedAt(req, one, target)})
		}
		r.tellLeft(one.Repository, places.Left)
		images = append(images, outcome)
	}
	if len(failed) > 0 {
		return images, nil, errors.Join(failed...)
	}
	if !found {
		return images, nil, noImageError(req.To)
	}
	return images, all, nil
}

func wantedRef(req Request, resolved Resolved) image.Ref {
	ref := image.Ref{Repository: resolved.Repository, Tag: resolved.Tag}
	if req.PinDigest {
		ref.Digest = resolved.Digest
	}
	return ref
}

// wantedAt is wantedRef at a place. Going back never leaves a digest beside the tag that
// is not the tag's.
func wantedAt(req Request, resolved Resolved, target plan.Target) image.Ref {
	ref := wantedRef(req, resolved)
	if resolved.Past != nil && (target.Current.Digest != "" || resolved.Past.Digest != "") {
		ref.Digest = resolved.Digest
	}
	return ref
}

// guarded divides the places of an image into those to change and those that are left,
// because a newer tag is there or the wanted one was rolled back.
func (r Runner) guarded(ctx context.Context, req Request, at scene, one Resolved, places plan.Places) ([]plan.Target, ImageOutcome, error) {
	outcome := ImageOutcome{Resolved: one, State: Current, Left: places.Left}
	if req.OnStale == Allow || one.Past != nil {
		return places.Targets, outcome, nil
	}
	kept, skipped, err := r.withoutNewer(ctx, req, at.Tree, one, places.Targets)
	if err != nil {
		return nil, outcome, err
	}
	if outcome.Skipped = skipped; len(skipped) > 0 {
		outcome.State = Stale
	}
	back, err := r.rolledBack(ctx, req, at, one, kept)
	switch {
	case err != nil:
		return nil, outcome, err
	case back == nil:
		return kept, outcome, nil
	case req.OnStale == Fail:
		return nil, outcome, rolledBackError{one, req.To, *back}
	}
	r.log("%v, passed over", rolledBackError{one, req.To, *back})
	outcome.State, outcome.RolledBack = RolledBack, back
	outcome.Skipped = append(outcome.Skipped, kept...)
	return nil, outcome, nil
}

// tellLeft says which places name the image and are left, a line for each reason.
func (r Runner) tellLeft(repository string, left []plan.Left) {
	var reasons []string
	byReason := map[string][]plan.Left{}
	for _, one := range left {
		if byReason[one.Reason] == nil {
			reasons = append(reasons, one.Reason)
		}
		byReason[one.Reason] = append(byReason[one.Reason], one)
	}
	for _, reason := range reasons {
		first, more := byReason[reason][0], ""
		if n := len(byReason[reason]) - 1; n > 0 {
			more = fmt.Sprintf(" (and %d more)", n)
		}
		where := first.File
		if first.Line > 0 {
			where = fmt.Sprintf("%s:%d", first.File, first.Line)
		}
		r.log("%s: left as it is: %s%s: %s", repository, safetext.Line(where), more, safetext.Line(reason))
	}
}
