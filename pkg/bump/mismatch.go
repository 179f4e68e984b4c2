package bump

import (
	"fmt"
	"slices"

	"github.com/tagbump/tagbump/pkg/fault"
)

// OnMismatch says what to do with a given tag that the image's policy does not
// permit.
type OnMismatch int

// Answers to such a tag; the zero value is the safe one.
const (
	FailOnMismatch OnMismatch = iota
	SkipOnMismatch
	AllowMismatch
)

// A mismatchError says that a given tag is not one of the image's policy. Its kind
// is fault.Guard.
type mismatchError struct {
	repository, tag string
	policy, why     string
}

func (e mismatchError) Error() string {
	return fmt.Sprintf("%s: tag %q is not one of its policy (%s): %s", e.repository, e.tag, e.policy, e.why)
}

func (mismatchError) Unwrap() error { return fault.Guard }

// Hint names the ways on.
func (mismatchError) Hint() string {
	return "give --on-mismatch skip to build other tags in the same job, or --on-mismatch allow to write this one"
}

// permitted divides the images into those to go on with and those whose given tag
// the policy does not permit, which are skipped; with FailOnMismatch such a tag is
// an error.
func (req Request) permitted() (images []Image, skipped []ImageOutcome, err error) {
	if req.OnMismatch == AllowMismatch {
		return req.Images, nil, nil
	}
	for _, img := range req.Images {
		given, isGiven := img.Source.(Given)
		if !isGiven || img.Policy == nil {
			images = append(images, img)
			continue
		}
		why, ok := img.Policy.Permits(given.Tag)
		switch {
		case ok:
			images = append(images, img)
		case req.OnMismatch == FailOnMismatch:
			return nil, nil, mismatchError{img.Repository, given.Tag, img.Policy.String(), why}
		default:
			resolved := Resolved{Repository: img.Repository, Tag: given.Tag, Source: SourceTag}
			skipped = append(skipped, ImageOutcome{Resolved: resolved, State: Mismatched})
		}
	}
	return slices.Clip(images), skipped, nil
}
