package bump

import (
	"context"
	"fmt"
	"slices"

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

// ByPolicy is the source that lets the image's policy choose among all tags of
// the registry.
type ByPolicy struct {
	NewestOf int // with an order by time: look at so many tags only, the last by name; default: all
}

func (b ByPolicy) check(img Image) error {
	if img.Policy == nil {
		return &FieldError{FieldSource, img.Repository, "no tag is given, and nothing says how to choose one"}
	}
	if b.NewestOf != 0 && !img.Policy.NeedsTimes() {
		return &FieldError{FieldNewestOf, img.Repository, fmt.Sprintf("only the order newest looks at the newest %d", b.NewestOf)}
	}
	return needsRegistry(img)
}

func (b ByPolicy) resolve(ctx context.Context, r Runner, img Image) (Resolved, error) {
	tag, choice, err := b.choose(ctx, r, img)
	return Resolved{Repository: img.Repository, Tag: tag, Source: SourcePolicy, Choice: choice}, err
}

// Choose lets the policy of img choose among all tags of the registry. The best
// candidate is the first one of the choice; it is not looked up.
func (r Runner) Choose(ctx context.Context, img Image) (*Choice, error) {
	source := ByPolicy{}
	if err := source.check(img); err != nil {
		return nil, err
	}
	_, choice, err := source.choose(ctx, r, img)
	return choice, err
}

// choose picks one of all tags. More than their names is needed for the order
// "newest", which compares the creation time of every candidate because a partial
// answer could hide the newest, and for tags that tie in their order.
func (b ByPolicy) choose(ctx context.Context, r Runner, img Image) (string, *Choice, error) {
	tags, err := r.Registry.TagsWithPrefix(ctx, img.Repository, img.Policy.Prefix())
	if err != nil {
		return "", nil, err
	}
	choice := &Choice{Policy: img.Policy.String(), tags: tags, by: img.Policy}
	candidates := img.Policy.Candidates(tags)
	if len(candidates) == 0 {
		return "", choice, fmt.Errorf("%s: %w", img.Repository, img.Policy.NoMatch(tags))
	}
	if b.NewestOf > 0 && len(candidates) > b.NewestOf {
		choice.drop(candidates[b.NewestOf:], fmt.Sprintf("not among the last %d by name", b.NewestOf))
		candidates = candidates[:b.NewestOf]
	}
	if undecided := img.Policy.Undecided(candidates); len(undecided) > 1 {
		newest, err := byTime(ctx, r, img, undecided, choice)
		if err != nil {
			return "", choice, err
		}
		candidates = append(newest, without(candidates, undecided)...)
	}
	choice.Candidates = tagsOf(candidates)
	r.warnOverlooked(img, tags, candidates[0].Tag)
	return candidates[0].Tag, choice, nil
}

// warnOverlooked names the tags that look newer than the chosen one although the
// policy cannot read them.
func (r Runner) warnOverlooked(img Image, tags []string, chosen string) {
	newer := img.Policy.Overlooked(tags, chosen)
	if len(newer) == 0 {
		return
	}
	more := ""
	if len(newer) > 1 {
		more = fmt.Sprintf(" (and %d more)", len(newer)-1)
	}
	r.log("%s: %s%s looks newer than the chosen %s, but %s cannot read it", img.Repository, newer[0], more, chosen, img.Policy)
}

// byTime sorts candidates by the creation of their images, the newest first.
func byTime(ctx context.Context, r Runner, img Image, candidates []policy.Candidate, choice *Choice) ([]policy.Candidate, error) {
	infos, err := r.Registry.InspectAll(ctx, img.Repository, tagsOf(candidates))
	if err != nil {
		return nil, err
	}
	isNoImage := func(c policy.Candidate) bool { _, isImage := infos[c.Tag]; return !isImage }
	images := slices.DeleteFunc(slices.Clone(candidates), isNoImage)
	choice.drop(slices.DeleteFunc(slices.Clone(candidates), func(c policy.Candidate) bool { return !isNoImage(c) }), "not a container image")
	if len(images) == 0 {
		return nil, fmt.Errorf("%s: %s: %w (%d candidates, none of them an image)", img.Repository, img.Policy, policy.ErrNoMatch, len(candidates))
	}
	newest, err := img.Policy.Newest(images, infos)
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

// without returns the candidates that are not among others.
func without(candidates, others []policy.Candidate) []policy.Candidate {
	left := make(map[string]bool, len(others))
	for _, other := range others {
		left[other.Tag] = true
	}
	return slices.DeleteFunc(slices.Clone(candidates), func(c policy.Candidate) bool { return left[c.Tag] })
}

func tagsOf(candidates []policy.Candidate) []string {
	tags := make([]string, len(candidates))
	for i, candidate := range candidates {
		tags[i] = candidate.Tag
	}
	return tags
}
