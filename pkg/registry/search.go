package registry

import (
	"context"
	"errors"

	"github.com/tagbump/tagbump/pkg/image"
)

// First returns the first of tags whose image fits, in the order of tags; found is
// false when none does. It looks at one, then at two, four, eight at a time, so that a
// search that ends soon costs little and one that does not is not slow. Tags that name no
// image do not fit; any other look-up that fails, before the first that fits, is an error.
func (c *Client) First(ctx context.Context, repository string, tags []string, fits func(image.Info) bool) (tag string, found bool, err error) {
	for size := 1; len(tags) > 0; size = min(2*size, jobs) {
		batch := tags[:min(size, len(tags))]
		tags = tags[len(batch):]
		answers, err := all(ctx, batch, func(ctx context.Context, tag string) (answer, error) {
			info, err := c.Inspect(ctx, image.Ref{Repository: repository, Tag: tag})
			return answer{err == nil && fits(info), err}, nil
		})
		if err != nil {
			return "", false, err
		}
		for _, tag := range batch {
			switch got := answers[tag]; {
			case got.fits:
				return tag, true, nil
			case got.err != nil && !errors.Is(got.err, ErrNoImage):
				return "", false, got.err
			}
		}
	}
	return "", false, nil
}

// An answer is what First finds of one tag.
type answer struct {
	fits bool
	err  error
}
