package bump

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/plan"
)

// wants returns what each place of every image in the files should hold: the
// resolved reference, unless the place has a newer tag. The outcomes say which
// images are missing or stale.
func (r Runner) wants(ctx context.Context, req Request, tree Tree, resolved []Resolved) ([]ImageOutcome, []plan.Want, error) {
	var images []ImageOutcome
	var all []plan.Want
	found := false
	for _, one := range resolved {
		targets, err := r.targets(req.To, req.Files, req.Path, req.image(one.Repository), tree)
		if err != nil {
			return images, nil, err
		}
		if len(targets) == 0 {
			images = append(images, ImageOutcome{Resolved: one, State: Missing})
			continue
		}
		found = true
		kept, skipped, err := r.withoutNewer(ctx, req, tree, one, targets)
		if err != nil {
			return images, nil, err
		}
		for _, target := range kept {
			all = append(all, plan.Want{Target: target, Ref: wantedRef(req, one)})
		}
		state := Current
		if len(skipped) > 0 {
			state = Stale
		}
		images = append(images, ImageOutcome{Resolved: one, State: state, Skipped: skipped})
	}
	if !found {
		return images, nil, fmt.Errorf("none of the images is in the files%s: %w", of(req.To), plan.ErrNoTarget)
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

// targets finds where img is written in those files of the tree that globs
// match. An optional image may be nowhere.
func (r Runner) targets(environment string, globs []string, path keypath.Path, img Image, tree fs.FS) ([]plan.Target, error) {
	found, err := find(tree, path, img.Repository)
	if errors.Is(err, plan.ErrNoTarget) && img.Optional {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var targets []plan.Target
	for _, target := range found {
		if matchesAny(globs, target.File) {
			targets = append(targets, target)
		}
	}
	if len(targets) == 0 && !img.Optional {
		return nil, fmt.Errorf("%s is not in the files%s: %w", img.Repository, of(environment), plan.ErrNoTarget)
	}
	return targets, nil
}

func find(tree fs.FS, path keypath.Path, repository string) ([]plan.Target, error) {
	if !path.IsZero() {
		return plan.At(tree, path, repository)
	}
	return plan.Find(tree, repository)
}

func matchesAny(globs []string, file string) bool {
	for _, glob := range globs {
		if doublestar.MatchUnvalidated(glob, file) {
			return true
		}
	}
	return len(globs) == 0
}

// image is the request's image of that repository.
func (req Request) image(repository string) Image {
	for _, img := range req.Images {
		if image.SameRepository(img.Repository, repository) {
			return img
		}
	}
	return Image{Repository: repository}
}
