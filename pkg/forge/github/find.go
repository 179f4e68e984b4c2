package github

import (
	"context"

	"github.com/tagbump/tagbump/pkg/forge"
)

const findQuery = `query Find($owner: String!, $name: String!, $base: String!, $head: String!, $ref: String!, $newest: IssueOrder!) {
  repository(owner: $owner, name: $name) {
    ref(qualifiedName: $ref) { target { oid } }
    open: pullRequests(states: [OPEN], baseRefName: $base, first: 100, orderBy: $newest) {
      pageInfo { hasNextPage }
      nodes { number url title body state isDraft isCrossRepository headRefName baseRefName }
    }
    past: pullRequests(states: [CLOSED, MERGED], baseRefName: $base, headRefName: $head, first: 100, orderBy: $newest) {
      nodes { number url title body state isDraft isCrossRepository headRefName baseRefName }
    }
  }
}`

// A foundTip is the tip of a branch; "" when there is no such branch.
type foundTip struct{ branch, tip string }

// A pullAnswer is a pull request as GraphQL has it.
type pullAnswer struct {
	Number                     int
	URL, Title, Body, State    string
	IsDraft, IsCrossRepository bool
	HeadRefName, BaseRefName   string
}

func (p pullAnswer) pullRequest() forge.PullRequest {
	states := map[string]forge.State{"OPEN": forge.Open, "MERGED": forge.Merged, "CLOSED": forge.Closed}
	return forge.PullRequest{
		Number: p.Number, URL: p.URL, State: states[p.State], Draft: p.IsDraft,
		Title: p.Title, Body: p.Body, Head: p.HeadRefName, Base: p.BaseRefName,
	}
}

// Find returns the open pull requests into base, and the latest from head to base that is
// not open any more. A client that has read files does so in one request, which also
// tells the tip of head.
func (c *Client) Find(ctx context.Context, head, base string) (forge.Found, error) {
	if c.repositoryID == "" {
		return forge.FindEach(ctx, c, head, base)
	}
	var answer struct {
		Repository struct {
			Ref  *struct{ Target struct{ Oid string } }
			Open struct {
				PageInfo struct{ HasNextPage bool }
				Nodes    []pullAnswer
			}
			Past struct{ Nodes []pullAnswer }
		}
	}
	variables := map[string]any{
		"owner": c.owner, "name": c.repo, "base": base, "head": head, "ref": "refs/heads/" + head,
		"newest": map[string]string{"field": "CREATED_AT", "direction": "DESC"},
	}
	if err := c.repeat(ctx, c.pair(head, base), c.graphQL(findQuery, variables, &answer)); err != nil {
		return forge.Found{}, err
	}
	repository := answer.Repository
	if repository.Open.PageInfo.HasNextPage {
		return forge.FindEach(ctx, c, head, base)
	}
	var found forge.Found
	for _, pull := range repository.Open.Nodes {
		if !pull.IsCrossRepository {
			found.Open = append(found.Open, pull.pullRequest())
		}
	}
	for _, pull := range repository.Past.Nodes {
		if !pull.IsCrossRepository && found.Last == nil {
			last := pull.pullRequest()
			found.Last = &last
		}
	}
	if _, isOpen := forge.From(found.Open, head); isOpen {
		found.Last = nil
	}
	c.found = &foundTip{branch: head}
	if repository.Ref != nil {
		c.found.tip = repository.Ref.Target.Oid
	}
	return found, nil
}
