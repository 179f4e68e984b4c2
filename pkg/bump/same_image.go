package bump

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/plan"
)

// checkSameImage holds that a promotion across registries promotes an image and not
// only its tag: under each name of a registry that targets write, the tag must be the
// image that has been resolved. Places that have the tag already are not asked about.
func (r Runner) checkSameImage(ctx context.Context, img Image, one Resolved, targets []plan.Target) error {
	if _, promoted := img.Source.(FromEnvironment); !promoted || img.Unverified {
		return nil
	}
	asked := []string{image.Canonical(img.Repository)}
	for _, target := range targets {
		name := target.Current.Repository
		if !namesRegistry(name) || target.Current.Tag == one.Tag || slices.Contains(asked, image.Canonical(name)) {
			continue
		}
		asked = append(asked, image.Canonical(name))
		there := image.Ref{Repository: name, Tag: one.Tag}
		info, err := r.Registry.InspectFor(ctx, there, img.Platforms)
		if err != nil {
			return fmt.Errorf("%s:%d: %w", target.File, target.Line, err)
		}
		if info.Digest != one.Digest {
			return otherImageError{there, info.Digest, one}
		}
	}
	return nil
}

// namesRegistry reports whether a name begins with a registry's host: a short name in a
// file may be anybody's.
func namesRegistry(name string) bool {
	host, _, found := strings.Cut(name, "/")
	return found && (strings.ContainsAny(host, ".:") || host == "localhost")
}

// otherImageError says that a tag is one image in the registry that it comes from and
// another one in the registry that it is promoted to.
type otherImageError struct {
	ref    image.Ref
	digest string
	from   Resolved
}

func (e otherImageError) Error() string {
	return fmt.Sprintf("%s is %s, and %s, which is promoted, is %s", e.ref, e.digest, e.from.ref(), e.from.Digest)
}

func (e otherImageError) Unwrap() error { return fault.NotFound }

// Hint says how the image gets there.
func (e otherImageError) Hint() string {
	return "copy the image with all of its platforms (crane copy, skopeo copy --all), so that its digest stays"
}
