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
		if err != nil {
			failed = append(failed, err)
			continue
		}
		found = true
		kept, skipped, err := r.withoutNewer(ctx, req, at.Tree, one, places.Targets)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		for _, target := range kept {
			all = append(all, plan.Want{Target: target, Ref: wantedRef(req, one)})
		}
		state := Current
		if len(skipped) > 0 {
			state = Stale
		}
		r.tellLeft(one.Repository, places.Left)
		images = append(images, ImageOutcome{Resolved: one, State: state, Skipped: skipped, Left: places.Left})
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
