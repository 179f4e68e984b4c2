package cli

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/config"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/internal/smallfile"
	"github.com/tagbump/tagbump/pkg/policy"
	"github.com/tagbump/tagbump/pkg/wire"
)

// An imageReader makes the images of a request from arguments, flags and the
// project file.
type imageReader struct {
	world       wire.World
	project     project
	tags        tagFlags
	platforms   []string // default: the project file's
	unverified  bool
	environment string // whose names the images have; "" is any
	// source says where the tag of an image comes from; nil when nothing says.
	source func(img bump.Image, tag string) (bump.Source, error)
}

// all returns the images that args name, else all of the project file.
func (r imageReader) all(args []string) ([]bump.Image, error) {
	optional := len(args) == 0
	if optional {
		args = r.project.ImageNames()
	}
	if len(args) == 0 {
		return nil, fault.Errorf(fault.Usage, "no image is named, and %s", r.project.lacks("images")).
			WithHint("name the image; or list it under images: in %s, which tagbump init writes", config.FileName)
	}
	images := make([]bump.Image, len(args))
	for i, arg := range args {
		img, err := r.one(arg)
		if err != nil && i > 0 && isTagAlone(args[i-1], arg) {
			return nil, fault.Errorf(fault.Usage, "%q is read as an image", arg).WithHint("did you mean %s:%s?", args[i-1], arg)
		}
		if err != nil {
			return nil, err
		}
		img.Optional = optional
		images[i] = img
	}
	return images, nil
}

// isTagAlone reports whether an argument looks like the tag of the one before it.
func isTagAlone(before, arg string) bool {
	ref, err := image.Parse(before)
	return err == nil && ref.Tag == "" && ref.Digest == "" && image.CheckTag(arg) == nil && (arg == "latest" || strings.ContainsAny(arg, "0123456789"))
}

// one returns the image of one argument, IMAGE[:TAG][@DIGEST].
func (r imageReader) one(arg string) (bump.Image, error) {
	img, ref, err := r.configured(arg)
	if err != nil {
		return img, err
	}
	img = img.In(r.environment)
	if img.Digest, err = r.digest(ref); err != nil {
		return img, err
	}
	if img.Source, err = r.source(img, ref.Tag); err != nil {
		return img, err
	}
	return img, withFlag(img.Check())
}

// configured returns the image of an argument as the flags and the project file
// describe it, without a source, and the argument as a reference.
func (r imageReader) configured(arg string) (bump.Image, image.Ref, error) {
	ref, err := r.reference(arg)
	if err != nil {
		return bump.Image{}, ref, err
	}
	entry, known := r.project.Image(ref.Repository)
	if _, is := r.project.Environments[arg]; is && !known {
		return bump.Image{}, ref, fault.Errorf(fault.Usage, "%q is an environment of %s, and not an image", arg, r.project.file).WithHint("--env %s", arg)
	}
	img := imageOf(ref.Repository, entry)
	img.Platforms, img.Revision, img.Unverified = r.platforms, r.tags.revision, r.unverified
	if len(img.Platforms) == 0 {
		img.Platforms = entry.Platforms
	}
	if img.Policy, err = r.policy(entry, known); err != nil {
		return img, ref, fault.Errorf(fault.Usage, "%s: %w", ref.Repository, err)
	}
	return img, ref, nil
}

// imageOf returns an image as the project file describes it, without a policy.
func imageOf(repository string, entry config.Image) bump.Image {
	return bump.Image{Repository: repository, As: entry.As, AsIn: entry.AsIn, Paths: entry.Paths}
}

// reference reads an argument, with the tag of --tag.
func (r imageReader) reference(arg string) (image.Ref, error) {
	ref, err := image.Parse(arg)
	tag := r.tags.tag
	switch {
	case err != nil:
		return ref, fault.As(fault.Usage, err)
	case ref.Digest != "" && ref.Tag == "":
		return ref, fault.Errorf(fault.Usage, "%s: a digest names no tag", arg).
			WithHint("IMAGE:TAG@DIGEST checks that the tag points at the digest")
	case ref.Tag != "" && tag != "" && ref.Tag != tag:
		return ref, fault.Errorf(fault.Usage, "%s and --tag %s contradict each other", arg, tag)
	case ref.Tag == "" && tag != "":
		ref.Tag = tag
		if err := image.CheckTag(tag); err != nil {
			wrong := fault.Errorf(fault.Usage, "--tag: %w", err)
			if whole, err := image.Parse(tag); err == nil && whole.Tag != "" {
				return ref, wrong.WithHint("--tag takes the tag alone: %s", whole.Tag)
			}
			return ref, wrong
		}
	}
	return ref, nil
}

// tagSource says where the tag of an image comes from by tagFlags; nil when they
// do not say.
func (f tagFlags) source(img bump.Image, tag string) (bump.Source, error) {
	switch {
	case f.newestOf > 0 && (tag != "" || f.revision != ""):
		return nil, fault.Errorf(fault.Usage, "--newest-of %d goes with --order newest, not with a given tag or commit", f.newestOf)
	case tag != "":
		return bump.Given{Tag: tag, Wait: f.wait}, nil
	case f.revision != "":
		return bump.ByRevision{Wait: f.wait}, nil
	case f.wait > 0:
		return nil, fault.Errorf(fault.Usage, "--wait-for-tag: it is not known for which tag of %s to wait", img.Repository).
			WithHint("give %s:TAG, or --revision", img.Repository)
	case img.Policy != nil:
		return bump.ByPolicy{NewestOf: f.newestOf}, nil
	}
	return nil, nil
}

// flagsOf says how the command line calls the fields of a request.
var flagsOf = map[bump.Field]struct{ flag, hint string }{
	bump.FieldSource:     {"", "give IMAGE:TAG, or --semver, or --match and --order, or list the image in " + config.FileName},
	bump.FieldPath:       {"--path: ", "run tagbump once for each image"},
	bump.FieldPinDigest:  {"--pin-digest with --no-verify: ", "give IMAGE:TAG@DIGEST, or leave out one of the flags"},
	bump.FieldNewestOf:   {"--newest-of: ", "give --order newest, or leave the flag out"},
	bump.FieldUnverified: {"--no-verify: ", "give IMAGE:TAG, or leave the flag out"},
}

// withFlag puts the flag that is meant in front of a field error of a request.
func withFlag(err error) error {
	wrong := new(bump.FieldError)
	if !errors.As(err, &wrong) {
		return err
	}
	known := flagsOf[wrong.Field]
	return fault.Errorf(fault.Usage, "%s%w", known.flag, wrong).WithHint("%s", known.hint)
}

// policy is the flags' policy if there is any, else the project file's.
func (r imageReader) policy(configured config.Image, known bool) (*policy.Policy, error) {
	p := r.tags.policy
	rule := policy.Rule{Semver: p.semver, Match: p.match, Extract: p.extract, Order: p.order}
	if !p.given() {
		rule = configured.Rule
		if !known || rule == (policy.Rule{}) {
			return nil, nil
		}
	}
	return policy.New(rule)
}

// digest is what the tag must point at: by the argument, or by --digest-file.
func (r imageReader) digest(ref image.Ref) (string, error) {
	file := r.tags.digestFile
	if file == "" {
		return ref.Digest, nil
	}
	text, err := r.world.ReadFlag("--digest-file", file, smallfile.Text)
	if err != nil {
		return "", err
	}
	digest, err := digestIn(text)
	switch {
	case err != nil:
		return "", fault.Errorf(fault.Usage, "--digest-file: %s: %w", file, err).
			WithHint("kaniko and buildah write it with --digest-file, docker buildx with --metadata-file")
	case ref.Digest != "" && ref.Digest != digest:
		return "", fault.Errorf(fault.Usage, "%s and --digest-file (%s) contradict each other", ref, digest)
	}
	return digest, nil
}

// errNoDigest leaves out what a file says: it may be a key that was named by mistake.
var errNoDigest = errors.New("the file does not hold a digest (sha256: and 64 hexadecimal digits)")

// digestIn reads what builders write: the digest alone, a reference that ends with
// it, or the metadata of docker buildx.
func digestIn(text []byte) (string, error) {
	var metadata struct {
		Digest string `json:"containerimage.digest"`
	}
	digest := strings.TrimSpace(string(text))
	if err := json.Unmarshal(text, &metadata); err == nil {
		digest = metadata.Digest
	}
	digest = digest[strings.LastIndexByte(digest, '@')+1:]
	if image.CheckDigest(digest) != nil {
		return "", errNoDigest
	}
	return digest, nil
}
