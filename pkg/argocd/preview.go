package argocd

import (
	"context"
	"errors"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/rollout"
)

// A Difference lists how a commit changes the rendered manifests of an application.
type Difference struct {
	ID   ID
	Text string // as of [rollout.Difference]
}

// Differences compares the rendered manifests of a push's applications at its commit and at
// another one: the named applications, else those that are found. The commit need not be
// on their branch. It changes nothing, and the right "applications, get" is enough. The
// error tells of the applications that are missing in the result.
func (w Waiter) Differences(ctx context.Context, push Push, base string) ([]Difference, error) {
	ids := w.Named
	if len(ids) == 0 {
		var err error
		if ids, err = w.Client.Find(ctx, push, w.Project); err != nil {
			return nil, err
		}
	}
	var all []Difference
	var failed error
	for _, id := range ids {
		text, err := w.Client.difference(ctx, id, push, base)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		all = append(all, Difference{id, text})
	}
	return all, failed
}

func (c *Client) difference(ctx context.Context, id ID, push Push, base string) (string, error) {
	app, err := c.Application(ctx, id)
	if err != nil {
		return "", err
	}
	sources := rollout.SourcesOf(app, push.Repository, push.Branch)
	if len(sources) == 0 {
		return "", fault.Errorf(fault.NotFound, "%s does not follow %s of %s", id, push.Branch, push.Repository)
	}
	var rendered [2][]string
	for i, commit := range []string{base, push.Commit} {
		at := Revisions{}
		for _, source := range sources {
			at[source] = commit
		}
		if rendered[i], err = c.Manifests(ctx, id, app, at); err != nil {
			return "", err
		}
	}
	return rollout.Difference(rendered[0], rendered[1])
}
