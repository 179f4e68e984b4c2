package bump

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/policy"
)

// A Choice is how a tag was chosen, for those who ask why.
type Choice struct {
	Policy     string   // as policy.Policy describes itself
	Candidates []string // that could be chosen, the best one first

	tags    []string // that the registry listed
	by      *policy.Policy
	dropped []policy.Drop // by something else than the policy
}

// Tags is how many tags the registry listed.
func (c *Choice) Tags() int { return len(c.tags) }

// Drops returns the tags that could not be chosen, and why each could not.
func (c *Choice) Drops() []policy.Drop { return append(c.by.Drops(c.tags), c.dropped...) }

// chooseByPolicy picks one of all tags. Only the order "newest" needs more than
// their names: the creation time of every candidate, for a partial answer could
// hide the newest.
func (r Runner) chooseByPolicy(ctx context.Context, img Image) (string, *Choice, error) {
	tags, err := r.Registry.TagsWithPrefix(ctx, img.Repository, img.Policy.Prefix())
	if err != nil {
		return "", nil, err
	}
	choice := &Choice{Policy: img.Policy.String(), tags: tags, by: img.Policy}
	candidates := img.Policy.Candidates(tags)
	if len(candidates) == 0 {
		return "", choice, fmt.Errorf("%s: %w", img.Repository, img.Policy.NoMatch(tags))
	}
	if img.Policy.NeedsTimes() {
		if candidates, err = r.byTime(ctx, img, candidates, choice); err != nil {
			return "", choice, err
		}
	}
	choice.Candidates = tagsOf(candidates)
	return candidates[0].Tag, choice, nil
}

// byTime sorts candidates by when their images were created, the newest first.
func (r Runner) byTime(ctx context.Context, img Image, candidates []policy.Candidate, choice *Choice) ([]policy.Candidate, error) {
	if img.NewestOf > 0 && len(candidates) > img.NewestOf {
		choice.drop(candidates[img.NewestOf:], fmt.Sprintf("not among the last %d by name", img.NewestOf))
		candidates = candidates[:img.NewestOf]
	}
	created, err := r.Registry.Times(ctx, img.Repository, tagsOf(candidates))
	if err != nil {
		return nil, err
	}
	isNoImage := func(c policy.Candidate) bool { _, isImage := created[c.Tag]; return !isImage }
	images := slices.DeleteFunc(slices.Clone(candidates), isNoImage)
	choice.drop(slices.DeleteFunc(slices.Clone(candidates), func(c policy.Candidate) bool { return !isNoImage(c) }), "not a container image")
	if len(images) == 0 {
		return nil, fmt.Errorf("%s: %s: %w (%d candidates, and none is an image)", img.Repository, img.Policy, policy.ErrNoMatch, len(candidates))
	}
	newest, err := img.Policy.Newest(images, created)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", img.Repository, err)
	}
	return newest, nil
}

func (c *Choice) drop(candidates []policy.Candidate, why string) {
	for _, candidate := range candidates {
		c.dropped = append(c.dropped, policy.Drop{Tag: candidate.Tag, Why: why})
	}
}

func tagsOf(candidates []policy.Candidate) []string {
	tags := make([]string, len(candidates))
	for i, candidate := range candidates {
		tags[i] = candidate.Tag
	}
	return tags
}

// The pauses between two looks for an image of a revision.
const (
	firstLook = 2 * time.Second
	lastLook  = 10 * time.Second
)

// chooseByRevision finds the image that was built from a commit: the first, in the
// policy's order, or by name where there is no policy. It asks again, as long as
// img.Wait says, for tags that were not there before.
func (r Runner) chooseByRevision(ctx context.Context, img Image) (string, *Choice, error) {
	order := img.Policy
	if order == nil {
		var err error
		if order, err = policy.New(policy.Rule{Order: policy.Natural}); err != nil {
			return "", nil, err
		}
	}
	search := revisionSearch{runner: r, img: img, order: order, seen: map[string]bool{}}
	waiting := r.progress(fmt.Sprintf("%s: an image of commit %s", img.Repository, img.Revision), img.Wait)
	start := time.Now()
	for pause := firstLook; ; pause = min(pause*3/2, lastLook) {
		tag, choice, err := search.look(ctx)
		if tag != "" || err != nil {
			return tag, choice, err
		}
		left := img.Wait - time.Since(start)
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

// look goes once through the candidates that are new; no tag is no error.
func (s revisionSearch) look(ctx context.Context) (string, *Choice, error) {
	tags, err := s.runner.Registry.TagsWithPrefix(ctx, s.img.Repository, s.order.Prefix())
	if err != nil {
		return "", nil, err
	}
	candidates := tagsOf(s.order.Candidates(tags))
	fresh := slices.DeleteFunc(slices.Clone(candidates), func(tag string) bool { return s.seen[tag] })
	tag, found, err := s.runner.Registry.First(ctx, s.img.Repository, fresh, func(info image.Info) bool {
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
