package bump

import (
	"context"

	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/image"
)

// A Pending is a tag that an open pull request of tagbump would set.
type Pending struct {
	Environment string // "" when the pull request names none
	Ref         image.Ref
	PullRequest forge.PullRequest
}

// Pending returns the tags that open pull requests into a branch would set. The forge
// is asked once.
func (r Runner) Pending(ctx context.Context, branch string) ([]Pending, error) {
	open, err := r.Forge.Open(ctx, branch)
	if err != nil {
		return nil, err
	}
	var all []Pending
	for _, pr := range open {
		said := parseMark(pr.Body)
		for _, ref := range said.images {
			all = append(all, Pending{said.environment, ref, pr})
		}
	}
	return all, nil
}
