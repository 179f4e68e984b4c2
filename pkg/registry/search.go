package registry

import (
	"context"

	"github.com/tagbump/tagbump/pkg/image"
)

// First returns the first of tags whose image fits, in the order of tags; found is
// false when none does. It looks at one, then at two, four, eight at a time: a search
// that ends soon costs little, and a long one is not slow. Tags that cannot be
// deployed, or that the registry does not have any more, do not fit. Any other
// failure, before the first that fits, is an error.
func (c *Client) First(ctx context.Context, repository string, tags []string, fits func(image.Info) bool) (tag string, found bool, err error) {
	type answer struct {
		fits bool
		err  error
	}
	for size := 1; len(tags) > 0; size = min(2*size, jobs) {
		batch := tags[:min(size, len(tags))]
		tags = tags[len(batch):]
		answers, err := forEach(ctx, batch, func(ctx context.Context, tag string) (answer, error) {
			info, err := c.Inspect(ctx, image.Ref{Repository: repository, Tag: tag})
			return answer{err == nil && fits(info), err}, nil
		})
		if err != nil {
			return "", false, err
		}
		for _, tag := range batch {
			if got := answers[tag]; got.fits || ignoreLost(got.err) != nil {
				return tag, got.fits, got.err
			}
		}
	}
	return "", false, nil
}
