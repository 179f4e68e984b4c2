package bump

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/plan"
)

// checkSameImage holds that a promotion across registries promotes an image and not
// only its tag: under the name that it is promoted from, and under each name of a
// registry that targets write, the tag must be the image that has been resolved. Places
// that have the tag already are not asked about.
func (r Runner) checkSameImage(ctx context.Context, img Image, one Resolved, targets []plan.Target) error {
	source, promoted := img.Source.(FromEnvironment)
	if !promoted {
		return nil
	}
	asked := []string{image.Canonical(img.Repository)}
	other := func(name string) bool {
		known := !namesRegistry(name) || slices.Contains(asked, image.Canonical(name))
		asked = append(asked, image.Canonical(name))
		return !known
	}
	changes := slices.DeleteFunc(slices.Clone(targets), func(target plan.Target) bool { return target.Current.Tag == one.Tag })
	if from := img.In(source.Name).Repository; len(changes) > 0 && other(from) {
		if err := r.holdSame(ctx, img, one, image.Ref{Repository: from, Tag: one.Tag}); err != nil {
			return err
		}
	}
	for _, target := range changes {
		if name := target.Current.Repository; other(name) {
			if err := r.holdSame(ctx, img, one, image.Ref{Repository: name, Tag: one.Tag}); err != nil {
				return fmt.Errorf("%s:%d: %w", target.File, target.Line, err)
			}
		}
	}
	return nil
}

// holdSame holds that a reference in another registry is the image that was resolved.
func (r Runner) holdSame(ctx context.Context, img Image, one Resolved, there image.Ref) error {
	if img.Unverified {
		r.log("%s and %s: not checked to be the same image", there, one.ref())
		return nil
	}
	info, err := r.Registry.InspectFor(ctx, there, img.Platforms)
	if err == nil && info.Digest != one.Digest {
		err = otherImageError{there, info.Digest, one}
	}
	return err
}

// namesRegistry reports whether a name begins with a registry's host: a short name in a
// file may be anybody's.
func namesRegistry(name string) bool {
	host, _, found := strings.Cut(name, "/")
	return found && (strings.ContainsAny(host, ".:") || host == "localhost")
}

// howToCopy says how an image gets into another registry.
const howToCopy = "copy the image with all of its platforms (crane copy, skopeo copy --all), so that its digest stays"

// promoted adds to an error of the registry that an image is promoted to where it is
// promoted from.
func promoted(img Image, err error) error {
	source, isPromotion := img.Source.(FromEnvironment)
	from := img.In(source.Name).Repository
	if !isPromotion || !errors.Is(err, fault.NotFound) || image.SameRepository(from, img.Repository) {
		return err
	}
	return fault.Errorf(fault.NotFound, "%w (promoted from %s)", err, from).WithHint("%s", howToCopy)
}

// otherImageError says that a tag is one image in one registry and another one in the
// other.
type otherImageError struct {
	ref    image.Ref
	digest string
	one    Resolved
}

func (e otherImageError) Error() string {
	return fmt.Sprintf("%s is %s, and %s is %s, which is another image", e.ref, e.digest, e.one.ref(), e.one.Digest)
}

func (e otherImageError) Unwrap() error { return fault.NotFound }

// Hint says how the image gets there.
func (e otherImageError) Hint() string { return howToCopy }
