package github

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-github/v60/github"

	"github.com/tagbump/tagbump/pkg/forge"
)

// listAttempts bounds how often the list is asked for a pull request that exists,
// by the forge's own words, and is not in it yet.
const listAttempts = 3

// Propose opens or refreshes the pull request for p, see [forge.Propose].
func (c *Client) Propose(ctx context.Context, p forge.Proposal) (forge.PullRequest, error) {
	return forge.Propose(ctx, c, p)
}

// Find returns the open pull request from the branch head to the branch base of
// the same repository, and whether it exists. Pull requests from forks do not count.
func (c *Client) Find(ctx context.Context, head, base string) (forge.PullRequest, bool, error) {
	found, moved, err := c.find(ctx, c.owner, head, base)
	if err == nil && found == nil && moved {
		found, err = c.findMoved(ctx, head, base)
	}
	if err != nil || found == nil {
		return forge.PullRequest{}, false, err
	}
	c.keep(found)
	return pullRequest(found), true, nil
}

// findMoved is Find for a repository that has moved: the list's filter must name
// the owner of today.
func (c *Client) findMoved(ctx context.Context, head, base string) (*github.PullRequest, error) {
	owner, err := c.currentOwner(ctx)
	if err != nil || strings.EqualFold(owner, c.owner) {
		return nil, err
	}
	found, _, err := c.find(ctx, owner, head, base)
	return found, err
}

// find returns the open pull request from owner's branch head to base, or nil. It
// also reports whether the repository has moved.
func (c *Client) find(ctx context.Context, owner, head, base string) (found *github.PullRequest, moved bool, err error) {
	opts := &github.PullRequestListOptions{State: "open", Head: owner + ":" + head, Base: base}
	opts.PerPage = 100
	opts.Page = 1
	for range maxPages {
		page, resp, err := c.list(ctx, c.pair(head, base), opts)
		if err != nil {
			return nil, false, err
		}
		moved = resp.Request.URL.Path != c.api.BaseURL.Path+c.repoPath()+"/pulls"
		for _, pull := range page {
			if connects(pull, head, base) {
				return pull, moved, nil
			}
		}
		if resp.NextPage <= opts.Page {
			return nil, moved, nil
		}
		opts.Page = resp.NextPage
	}
	return nil, false, &failure{
		where: c.pair(head, base),
		why:   fmt.Sprintf("not among the first %d pages of open pull requests", maxPages),
		kind:  forge.ErrInvalid,
	}
}

func (c *Client) list(ctx context.Context, where string, opts *github.PullRequestListOptions) (pulls []*github.PullRequest, resp *github.Response, err error) {
	err = c.repeat(ctx, where, func(ctx context.Context) (err error) {
		pulls, resp, err = c.api.PullRequests.List(ctx, c.owner, c.repo, opts)
		return err
	})
	return pulls, resp, err
}

// connects reports whether pull is open and leads from head to base in one
// repository. The forge's own filter is not enough: Gitea ignores the head, and a
// fork's branch may have the same name. The repositories are compared by their
// names in the answer, because the repository may have moved.
func connects(pull *github.PullRequest, head, base string) bool {
	from, to := pull.GetHead(), pull.GetBase()
	return pull.GetState() == "open" && from.GetRef() == head && to.GetRef() == base &&
		from.GetRepo() != nil && strings.EqualFold(from.GetRepo().GetFullName(), to.GetRepo().GetFullName())
}

func (c *Client) repoPath() string { return "repos/" + c.owner + "/" + c.repo }

func (c *Client) currentOwner(ctx context.Context) (string, error) {
	var repo *github.Repository
	err := c.repeat(ctx, c.owner+"/"+c.repo, func(ctx context.Context) (err error) {
		repo, _, err = c.api.Repositories.Get(ctx, c.owner, c.repo)
		return err
	})
	return repo.GetOwner().GetLogin(), err
}

// Create opens a pull request. When its answer leaves open whether one exists now,
// it gives the forge the time to list it before it returns the error.
func (c *Client) Create(ctx context.Context, p forge.Proposal) (forge.PullRequest, error) {
	made, err := c.post(ctx, p)
	if err == nil {
		c.keep(made)
		return pullRequest(made), nil
	}
	var refusal *failure
	if !errors.As(err, &refusal) {
		return forge.PullRequest{}, err
	}
	switch {
	case refusal.duplicate:
		err = errors.Join(err, c.awaitListed(ctx, refusal, p))
	case refusal.ambiguous:
		err = errors.Join(err, c.pause(ctx, refusal, backoff.Pause(1)))
	}
	if ctx.Err() != nil {
		return forge.PullRequest{}, err
	}
	return forge.PullRequest{}, refusal
}

func (c *Client) post(ctx context.Context, p forge.Proposal) (*github.PullRequest, error) {
	asked := &github.NewPullRequest{Title: &p.Title, Head: &p.Head, Base: &p.Base, Body: &p.Body}
	if p.Draft {
		asked.Draft = &p.Draft
	}
	var made *github.PullRequest
	err := c.once(ctx, c.pair(p.Head, p.Base), func(ctx context.Context) (err error) {
		made, _, err = c.api.PullRequests.Create(ctx, c.owner, c.repo, asked)
		return err
	})
	if err == nil && made.GetNumber() == 0 {
		err = &failure{where: c.pair(p.Head, p.Base), why: "the answer names no pull request", kind: forge.ErrInvalid, hint: apiURLHint}
	}
	return made, err
}

// awaitListed waits until the pull request that refusal speaks of is listed: the
// list may lag behind.
func (c *Client) awaitListed(ctx context.Context, refusal *failure, p forge.Proposal) error {
	for attempt := 1; attempt < listAttempts; attempt++ {
		if _, found, err := c.Find(ctx, p.Head, p.Base); found || err != nil {
			return err
		}
		if err := c.pause(ctx, refusal, backoff.Pause(attempt)); err != nil {
			return err
		}
	}
	return nil
}

// Edit sets the title and the body.
func (c *Client) Edit(ctx context.Context, number int, p forge.Proposal) error {
	return c.edit(ctx, number, &github.PullRequest{Title: &p.Title, Body: &p.Body})
}

func (c *Client) edit(ctx context.Context, number int, change *github.PullRequest) error {
	return c.repeat(ctx, c.numbered(number), func(ctx context.Context) error {
		_, _, err := c.api.PullRequests.Edit(ctx, c.owner, c.repo, number, change)
		return err
	})
}

// Close closes the pull request, with a comment unless that is empty.
func (c *Client) Close(ctx context.Context, number int, comment string) error {
	if comment != "" {
		err := c.once(ctx, c.numbered(number)+": comment", func(ctx context.Context) error {
			_, _, err := c.api.Issues.CreateComment(ctx, c.owner, c.repo, number, &github.IssueComment{Body: &comment})
			return err
		})
		if err != nil {
			return err
		}
	}
	return c.edit(ctx, number, &github.PullRequest{State: github.String("closed")})
}

// keep remembers what an answer says of pull, for known.
func (c *Client) keep(pull *github.PullRequest) { c.answers.Store(pull.GetNumber(), pull) }

// known returns the pull request as this client last saw it. It asks for one that it
// has not seen.
func (c *Client) known(ctx context.Context, number int) (pull *github.PullRequest, err error) {
	if seen, ok := c.answers.Load(number); ok {
		return seen.(*github.PullRequest), nil
	}
	err = c.repeat(ctx, c.numbered(number), func(ctx context.Context) (err error) {
		pull, _, err = c.api.PullRequests.Get(ctx, c.owner, c.repo, number)
		return err
	})
	return pull, err
}

func pullRequest(pull *github.PullRequest) forge.PullRequest {
	return forge.PullRequest{
		Number: pull.GetNumber(), URL: pull.GetHTMLURL(), Title: pull.GetTitle(), Body: pull.GetBody(),
		Head: pull.GetHead().GetRef(), Base: pull.GetBase().GetRef(),
	}
}

// pair names a pull request that has no number yet, for errors.
func (c *Client) pair(head, base string) string {
	return fmt.Sprintf("%s/%s: pull request %s → %s", c.owner, c.repo, head, base)
}

func (c *Client) numbered(number int) string {
	return fmt.Sprintf("%s/%s: pull request #%d", c.owner, c.repo, number)
}
