package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/image"
)

// Undecided returns the candidates among which only times of creation can tell
// the best one, see [Policy.Newest]: all where the policy's order is by time, else
// the best one and those that tie with it. candidates must be sorted, as
// [Policy.Candidates] returns them.
func (p *Policy) Undecided(candidates []Candidate) []Candidate {
	if p.NeedsTimes() {
		return candidates
	}
	largest := map[string]string{} // of the tags that differ in numbers only
	var undecided []Candidate
	for _, c := range candidates {
		if c.rank != candidates[0].rank {
			break
		}
		shape, key := shapeOf(c.Tag), NaturalKey(c.Tag)
		if first, seen := largest[shape]; seen && key != first {
			continue // sorted behind a larger number
		}
		largest[shape] = key
		undecided = append(undecided, c)
	}
	return undecided
}

// Newest sorts candidates by when their images were created, the newest first.
// images has what the registry says of each tag; its Digest and Created count.
//
// The error is [ErrNoTime] when the newest image cannot be told: an image does
// not say when it was created (the newest might be that one), or two different
// images were created at the newest time, as builds with one SOURCE_DATE_EPOCH
// are. Several tags of one image need no time. Of these the tag comes first that
// is least likely to be moved to another image, see [Steadier].
func (p *Policy) Newest(candidates []Candidate, images map[string]image.Info) ([]Candidate, error) {
	sorted := slices.Clone(candidates)
	slices.SortStableFunc(sorted, func(a, b Candidate) int {
		one, other := images[a.Tag], images[b.Tag]
		return cmp.Or(
			other.Created.Compare(one.Created),
			strings.Compare(one.Digest, other.Digest),
			Steadier(b.Tag, a.Tag),
			compare(&b, &a),
		)
	})
	next := slices.IndexFunc(sorted, func(c Candidate) bool {
		return images[c.Tag].Digest == "" || images[c.Tag].Digest != images[sorted[0].Tag].Digest
	})
	if len(sorted) < 2 || next < 0 {
		return sorted, nil // one image: nothing to compare
	}
	var timeless []string
	for _, c := range candidates {
		if images[c.Tag].Created.IsZero() {
			timeless = append(timeless, c.Tag)
		}
	}
	if len(timeless) > 0 {
		return nil, fmt.Errorf("tag %s: %w (and for %d of %d tags in all)", timeless[0], ErrNoTime, len(timeless), len(candidates))
	}
	first, second := sorted[0].Tag, sorted[max(next, 1)].Tag
	if newest := images[first].Created; newest.Equal(images[second].Created) {
		return nil, fmt.Errorf("tags %s and %s: %w: two different images say %s", first, second, ErrNoTime, newest.Format("2006-01-02T15:04:05Z"))
	}
	return sorted, nil
}

// Steadier compares two tags of one image by how likely they are to stay with
// it: positive when a is the steadier one, 0 when neither is. The tag with more
// digits is: 1.4.2 stays, while 1.4, main and latest move on with the next build.
func Steadier(a, b string) int {
	count := func(tag string) (n int) {
		for _, run := range digits.FindAllString(tag, -1) {
			n += len(run)
		}
		return n
	}
	return cmp.Compare(count(a), count(b))
}
