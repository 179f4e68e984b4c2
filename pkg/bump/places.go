package bump

import (
	"context"
	"errors"
	"fmt"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/plan"
)

// A scene is a tree and the index of its files, which all images share.
type scene struct {
	Tree
	index *plan.Index
}

func newScene(tree Tree) (scene, error) {
	index, err := plan.Scan(tree, plan.ScanOptions{})
	return scene{tree, index}, err
}

// A place says where to look for images in a tree.
type place struct {
	environment string // for messages
	files       files.Selection
	path        keypath.Path // the key; zero finds it by the image's name
}

func (req Request) place() place { return place{req.To, req.Files, req.Path} }

// targets finds where an image is written. An image that is not in the files is
// an absentError.
func (s scene) targets(where place, repository string) ([]plan.Target, error) {
	options := plan.FindOptions{Files: where.files}
	if !where.path.IsZero() {
		options.Paths = []keypath.Path{where.path}
	}
	places, err := s.index.Find(repository, options)
	if errors.Is(err, plan.ErrNoTarget) {
		return nil, absentError{repository, where.environment, err}
	}
	return places.Targets, err
}

// An absentError says that an image is not in the files.
type absentError struct {
	repository, environment string
	err                     error
}

func (e absentError) Error() string {
	if e.environment == "" {
		return e.err.Error()
	}
	return e.environment + ": " + e.err.Error()
}

func (e absentError) Unwrap() error { return e.err }

func isAbsent(err error) bool { return errors.As(err, new(absentError)) }

func noImageError(environment string) error {
	return fmt.Errorf("none of the images is in the files%s: %w", of(environment), plan.ErrNoTarget)
}

func of(environment string) string {
	if environment == "" {
		return ""
	}
	return " of " + environment
}

// wants returns what each place of every image in the files should hold: the
// resolved reference, unless the place has a newer tag. The outcomes say which
// images are missing or stale.
func (r Runner) wants(ctx context.Context, req Request, at scene, resolved []Resolved) ([]ImageOutcome, []plan.Want, error) {
	var images []ImageOutcome
	var all []plan.Want
	found := false
	for _, one := range resolved {
		targets, err := at.targets(req.place(), one.Repository)
		if isAbsent(err) && req.image(one.Repository).Optional {
			images = append(images, ImageOutcome{Resolved: one, State: Missing})
			continue
		}
		if err != nil {
			return images, nil, err
		}
		found = true
		kept, skipped, err := r.withoutNewer(ctx, req, at.Tree, one, targets)
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
