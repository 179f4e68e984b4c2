package bump

import (
	"context"
	"fmt"
	"time"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/image"
)

// A Source says which tag an image should get: [Given], [ByPolicy], [ByRevision]
// [FromEnvironment] or [FromHistory].
type Source interface {
	// check returns a FieldError when the source cannot work for img.
	check(img Image) error
	// resolve finds the tag. What the registry says about it is filled in later.
	resolve(ctx context.Context, r Runner, img Image) (Resolved, error)
}

// A treeSource is a Source that takes tags from the repository's files, and so is
// asked again for each tree.
type treeSource interface {
	Source
	// selection is the files that the source reads.
	selection() files.Selection
	// resolveIn finds the tag in a tree. An image that is not in the files is
	// an absentError.
	resolveIn(ctx context.Context, r Runner, at scene, img Image) (Resolved, error)
}

func isTreeSource(s Source) bool {
	_, ok := s.(treeSource)
	return ok
}

// Given is the source of a tag that is known.
type Given struct {
	Tag  string
	Wait time.Duration // how long to wait for the tag to appear; default: do not wait
}

func (g Given) check(img Image) error {
	if g.Tag == "" {
		return &FieldError{FieldSource, img.Repository, "the given tag is empty"}
	}
	if g.Wait > 0 {
		return needsRegistry(img)
	}
	return nil
}

func (g Given) resolve(ctx context.Context, r Runner, img Image) (Resolved, error) {
	resolved := Resolved{Repository: img.Repository, Tag: g.Tag, Source: SourceTag}
	if g.Wait <= 0 {
		return resolved, nil
	}
	ref := image.Ref{Repository: img.Repository, Tag: g.Tag}
	return resolved, r.Registry.WaitForTag(ctx, ref, g.Wait, r.progress(ref.String(), g.Wait))
}

// progress tells now and then that something is still waited for.
func (r Runner) progress(what string, patience time.Duration) func(soFar time.Duration) {
	const often = 10 * time.Second
	var next time.Duration
	return func(soFar time.Duration) {
		if soFar >= next {
			r.log("%s: not there yet, waiting (%s of %s)", what, soFar.Round(time.Second), patience)
			next += often
		}
	}
}

// Resolve finds the tag that img should have, by its source, and what the tag
// points at. The registry must have the image, for every platform asked for.
// img.Source must not need a tree.
//
// A look-up that fails ends in an error, never in the next best tag.
func (r Runner) Resolve(ctx context.Context, img Image) (Resolved, error) {
	if err := img.Check(); err != nil {
		return Resolved{Repository: img.Repository}, err
	}
	resolved, err := img.Source.resolve(ctx, r, img)
	if err != nil {
		return resolved, err
	}
	return r.verified(ctx, img, resolved)
}

// verified looks the tag up and fills in what the registry says about it.
func (r Runner) verified(ctx context.Context, img Image, resolved Resolved) (Resolved, error) {
	if img.Unverified {
		if resolved.Digest = img.Digest; resolved.Past != nil {
			resolved.Digest = resolved.Past.Digest
		}
		return resolved, nil
	}
	where := resolved.ref()
	info, err := r.Registry.InspectFor(ctx, where, img.Platforms)
	if err != nil {
		return resolved, err
	}
	if err := image.CheckPlatforms(info, img.Platforms); err != nil {
		return resolved, fmt.Errorf("%s: %w", where, err)
	}
	if img.Digest != "" && img.Digest != info.Digest {
		return resolved, fault.Errorf(fault.NotFound, "%s: the registry has %s, not %s", where, info.Digest, img.Digest).
			WithHint("the tag was pushed again, or the digest is of another build")
	}
	resolved.Digest, resolved.Platforms, resolved.Created = info.Digest, info.Platforms, info.Created
	resolved.Revision = info.Labels[revisionLabel]
	if img.Revision != "" && !sameRevision(resolved.Revision, img.Revision) {
		return resolved, revisionError{where, resolved.Revision, img.Revision}
	}
	return resolved, nil
}
