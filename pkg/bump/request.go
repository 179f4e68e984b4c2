package bump

import (
	"fmt"
	"slices"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/placeholder"
	"github.com/tagbump/tagbump/pkg/policy"
	"github.com/tagbump/tagbump/pkg/record"
)

// A Request is everything that one run is asked to do.
type Request struct {
	Images    []Image
	Branch    string          // default: the repository's HEAD
	Files     files.Selection // the files to change; default: every manifest
	Path      keypath.Path    // the key to change; default: found by the image's name
	To        string          // the name of the environment, for messages
	PinDigest bool            // write the digest beside the tag
	OnStale   OnStale         // default: Fail
	Publish   Publish         // default: Preview

	// All permits to change places of several environments, or with several tags,
	// although the request names neither an environment nor files.
	All        bool
	OnMismatch OnMismatch // default: FailOnMismatch

	Sets    []Set            // further values that change with an image
	Add     bool             // put an image that is missing into the files' kustomization
	Message placeholder.Text // of the commit, over MessagePlaceholders; default: the subject and the changes

	Proposal Proposal // how a pull request looks

	Provenance record.Provenance // goes into the commit's trailers; default: nothing is known
}

// An Image is one image to bring up to date.
type Image struct {
	Repository string
	As         []string // how the files also write the repository: a mirror, a short name
	// AsIn is how the files of an environment write the repository, where it has names
	// of its own instead of As: it may pull from a registry of its own. See [Image.In].
	AsIn map[string][]string

	Paths      []keypath.Path // the keys of the tag, in files that do not name the image; default: found by name
	Source     Source         // says which tag the image should get
	Digest     string         // what the tag must point at; "" is not checked
	Policy     *policy.Policy // which tags are allowed, and which of two is newer; nil when nothing says
	Platforms  []string       // which the image must have; none by default
	Revision   string         // the source commit that the image's label must name; "" is not checked
	Unverified bool           // do not ask the registry
	Optional   bool           // pass over the image where it is not in the files

	general []string // the names outside of any environment, once In has chosen others
}

// mainPlatform returns the platform whose time and labels count: the first that is
// asked for, or none.
func (img Image) mainPlatform() []string { return img.Platforms[:min(1, len(img.Platforms))] }

// Publish says how a plan reaches the branch.
type Publish int

// Ways to publish; the zero value changes nothing.
const (
	Preview Publish = iota
	Save            // as far as the Repo goes: files, a commit, or a push
	Propose         // push to a branch of its own and open a pull request
)

// OnStale says what to do when the wanted tag is older than the deployed one.
type OnStale int

// Answers to a stale tag; the zero value is the safe one.
const (
	Fail OnStale = iota
	Skip
	Allow
)

// A Field is the part of a Request that a [FieldError] is about.
type Field int

// The fields that can be wrong.
const (
	FieldImages Field = iota
	FieldSource
	FieldPath
	FieldPinDigest
	FieldNewestOf
	FieldUnverified
)

// A FieldError says which field of a request is wrong, and why. It wraps
// [ErrConflict].
type FieldError struct {
	Field Field
	Image string // the repository; "" when the request as a whole is meant
	Why   string
}

func (e *FieldError) Error() string {
	if e.Image == "" {
		return e.Why
	}
	return e.Image + ": " + e.Why
}

// Unwrap returns ErrConflict.
func (e *FieldError) Unwrap() error { return ErrConflict }

// Check returns a [FieldError] when the request contradicts itself.
func (req Request) Check() error {
	if len(req.Images) == 0 {
		return &FieldError{FieldImages, "", "no image is named"}
	}
	if !req.Path.IsZero() && len(req.Images) > 1 {
		return &FieldError{FieldPath, "", fmt.Sprintf("one path (%s) cannot hold %d images", req.Path, len(req.Images))}
	}
	for i, img := range req.Images {
		named := func(other Image) bool { return image.SameRepository(other.Repository, img.Repository) }
		if slices.ContainsFunc(req.Images[:i], named) {
			return &FieldError{FieldImages, img.Repository, "is named twice"}
		}
		if err := img.Check(); err != nil {
			return err
		}
		if req.PinDigest && img.Unverified && img.Digest == "" {
			return &FieldError{FieldPinDigest, img.Repository, "a digest cannot be pinned without asking the registry"}
		}
	}
	return nil
}

// Check returns a [FieldError] when the image's fields contradict each other.
func (img Image) Check() error {
	if img.Source == nil {
		return &FieldError{FieldSource, img.Repository, "no tag is given, and nothing says how to choose one"}
	}
	if img.Unverified && img.Revision != "" {
		return &FieldError{FieldUnverified, img.Repository, "the image's commit cannot be checked without asking the registry"}
	}
	return img.Source.check(img)
}

// needsRegistry refuses an unverified image whose source asks the registry.
func needsRegistry(img Image) error {
	if img.Unverified {
		return &FieldError{FieldUnverified, img.Repository, "without a tag the registry must be asked"}
	}
	return nil
}

// selection is the files that the run reads.
func (req Request) selection() files.Selection {
	all := req.Files
	for _, img := range req.Images {
		if source, ok := img.Source.(treeSource); ok {
			all = all.Union(source.selection())
		}
	}
	return all
}

// image returns the request's image of that repository.
func (req Request) image(repository string) Image {
	for _, img := range req.Images {
		if image.SameRepository(img.Repository, repository) {
			return img
		}
	}
	return Image{Repository: repository}
}
