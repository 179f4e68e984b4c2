package bump

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/policy"
	"github.com/tagbump/tagbump/pkg/safetext"
)

// revisionLabel names the source commit of an image (OCI image spec, annotations).
const revisionLabel = "org.opencontainers.image.revision"

// The pauses between two looks for an image of a revision.
const (
	firstLook = 2 * time.Second
	lastLook  = 10 * time.Second
)

// ByRevision is the source that looks for the image that was built from the
// commit img.Revision: the first in the policy's order, or by name without a
// policy.
type ByRevision struct {
	Wait time.Duration // how long to look for the image; default: look once
}

func (ByRevision) check(img Image) error {
	if img.Revision == "" {
		return &FieldError{FieldSource, img.Repository, "the commit to look for is empty"}
	}
	return needsRegistry(img)
}

func (b ByRevision) resolve(ctx context.Context, r Runner, img Image) (Resolved, error) {
	tag, choice, err := b.choose(ctx, r, img)
	return Resolved{Repository: img.Repository, Tag: tag, Source: SourceRevision, Choice: choice}, err
}

// choose looks through all tags, and again through those that are new, until
// b.Wait has passed.
func (b ByRevision) choose(ctx context.Context, r Runner, img Image) (string, *Choice, error) {
	order := img.Policy
	if order == nil {
		var err error
		if order, err = policy.New(policy.Rule{Order: policy.Natural}); err != nil {
			return "", nil, err
		}
	}
	search := revisionSearch{runner: r, img: img, order: order, seen: map[string]bool{}}
	waiting := r.progress(fmt.Sprintf("%s: an image of commit %s", img.Repository, img.Revision), b.Wait)
	start := time.Now()
	for pause := firstLook; ; pause = min(pause*3/2, lastLook) {
		tag, choice, err := search.look(ctx)
		if tag != "" || err != nil {
			return tag, choice, err
		}
		left := b.Wait - time.Since(start)
		if left <= 0 {
			return "", choice, noRevisionError{img, choice}
		}
		waiting(time.Since(start))
		if err := r.sleep(ctx, min(pause, left)); err != nil {
			return "", nil, err
		}
	}
}

// A revisionSearch remembers the tags at which it has looked.
type revisionSearch struct {
	runner Runner
	img    Image
	order  *policy.Policy
	seen   map[string]bool
}

// look goes once through the candidates that are new. It returns "" when none fits.
func (s revisionSearch) look(ctx context.Context) (string, *Choice, error) {
	tags, err := s.runner.Registry.TagsWithPrefix(ctx, s.img.Repository, s.order.Prefix())
	if err != nil {
		return "", nil, err
	}
	candidates := tagsOf(s.order.Candidates(tags))
	unseen := slices.DeleteFunc(slices.Clone(candidates), func(tag string) bool { return s.seen[tag] })
	tag, found, err := s.runner.Registry.First(ctx, s.img.Repository, unseen, func(info image.Info) bool {
		return sameRevision(info.Labels[revisionLabel], s.img.Revision)
	})
	if err != nil {
		return "", nil, err
	}
	choice := &Choice{Policy: "revision " + s.img.Revision, tags: tags, by: s.order}
	if found {
		choice.Candidates = []string{tag}
		return tag, choice, nil
	}
	for _, tag := range candidates {
		s.seen[tag] = true
	}
	choice.Candidates = candidates
	return "", choice, nil
}

// noRevisionError says that no image was built from a commit.
type noRevisionError struct {
	img    Image
	choice *Choice
}

func (e noRevisionError) Error() string {
	return fmt.Sprintf("%s: no image is of commit %s (%d images of %d tags were looked at)",
		e.img.Repository, e.img.Revision, len(e.choice.Candidates), e.choice.Tags())
}

func (e noRevisionError) Unwrap() error { return policy.ErrNoMatch }

// Hint says where the commit has to be written.
func (e noRevisionError) Hint() string { return revisionError{}.Hint() }

// shortRevision is the shortest that a commit may be abbreviated to.
const shortRevision = 7

// sameRevision compares commits, either of which may be abbreviated.
func sameRevision(a, b string) bool {
	a, b = strings.ToLower(a), strings.ToLower(b)
	if min(len(a), len(b)) < shortRevision {
		return a == b
	}
	return strings.HasPrefix(a, b) || strings.HasPrefix(b, a)
}

// revisionError says that an image was built from another commit.
type revisionError struct {
	ref         image.Ref
	has, wanted string
}

func (e revisionError) Error() string {
	if e.has == "" {
		return fmt.Sprintf("%s: does not say which commit it was built from (wanted %s)", e.ref, e.wanted)
	}
	return fmt.Sprintf("%s: built from commit %s, not %s", e.ref, safetext.Cut(safetext.Line(e.has), 64), e.wanted)
}

func (e revisionError) Unwrap() error { return policy.ErrNoMatch }

// Hint says where the commit has to be written.
func (e revisionError) Hint() string {
	return "the build has to set the label, as in docker build --label " + revisionLabel + "=$CIRCLE_SHA1"
}
