package github

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-github/v60/github"

	"github.com/tagbump/tagbump/pkg/forge"
)

// createAttempts bounds how often one pull request is asked for.
const createAttempts = 3

// find returns the open pull request from head to base, or nil.
func (c *Client) find(ctx context.Context, head, base string) (*github.PullRequest, error) {
	found, moved, err := c.findAs(ctx, c.owner, head, base)
	if err != nil || found != nil || !moved {
		return found, err
	}
	owner, err := c.currentOwner(ctx)
	if err != nil || strings.EqualFold(owner, c.owner) {
		return nil, err
	}
	found, _, err = c.findAs(ctx, owner, head, base)
	return found, err
}

// findAs is find for a repository whose branches belong to owner. It also reports
// whether the repository has moved: then the filter named the old owner.
func (c *Client) findAs(ctx context.Context, owner, head, base string) (found *github.PullRequest, moved bool, err error) {
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

// create opens the pull request for p. When the forge's answer does not tell
// whether one exists now, of this run or another, it looks.
func (c *Client) create(ctx context.Context, p forge.Proposal) (*github.PullRequest, origin, error) {
	lost := false // an answer was lost, so a pull request that is found may be this run's
	for attempt := 1; ; attempt++ {
		made, err := c.post(ctx, p)
		if err == nil {
			return made, openedNow, nil
		}
		var refusal *failure
		if !errors.As(err, &refusal) || !refusal.undecided() {
			return nil, wasOpen, err
		}
		lost = lost || refusal.ambiguous
		found, findErr := c.find(ctx, p.Head, p.Base)
		switch {
		case findErr != nil:
			c.log("%v", findErr)
			return nil, wasOpen, err
		case found != nil && lost && same(found, p):
			return found, openedNow, nil
		case found != nil:
			return found, wasOpen, nil
		case attempt == createAttempts || !refusal.transient() && !refusal.duplicate:
			return nil, wasOpen, err
		}
		if waitErr := c.pause(ctx, refusal, backoff.Pause(attempt)); waitErr != nil {
			return nil, wasOpen, waitErr
		}
	}
}

func (c *Client) post(ctx context.Context, p forge.Proposal) (*github.PullRequest, error) {
	var made *github.PullRequest
	err := c.once(ctx, c.pair(p.Head, p.Base), func(ctx context.Context) (err error) {
		made, _, err = c.api.PullRequests.Create(ctx, c.owner, c.repo, &github.NewPullRequest{
			Title: &p.Title, Head: &p.Head, Base: &p.Base, Body: &p.Body,
		})
		return err
	})
	if err == nil && made.GetNumber() == 0 {
		err = &failure{where: c.pair(p.Head, p.Base), why: "the answer names no pull request", kind: forge.ErrInvalid, hint: apiURLHint}
	}
	return made, err
}

// refresh gives pull the title and body of p unless it has them.
func (c *Client) refresh(ctx context.Context, pull *github.PullRequest, p forge.Proposal) error {
	if same(pull, p) {
		return nil
	}
	return c.repeat(ctx, c.numbered(pull.GetNumber()), func(ctx context.Context) error {
		_, _, err := c.api.PullRequests.Edit(ctx, c.owner, c.repo, pull.GetNumber(), &github.PullRequest{Title: &p.Title, Body: &p.Body})
		return err
	})
}

func same(pull *github.PullRequest, p forge.Proposal) bool {
	return forge.SameText(forge.PullRequest{Title: pull.GetTitle(), Body: pull.GetBody()}, p)
}

// label adds those of labels that pull lacks. Labels that differ only in case are
// one label for GitHub.
func (c *Client) label(ctx context.Context, pull *github.PullRequest, labels []string) error {
	missing := missingLabels(pull, labels)
	if len(missing) == 0 {
		return nil
	}
	where := fmt.Sprintf("%s: labels %s", c.numbered(pull.GetNumber()), strings.Join(missing, ", "))
	return c.repeat(ctx, where, func(ctx context.Context) error {
		_, _, err := c.api.Issues.AddLabelsToIssue(ctx, c.owner, c.repo, pull.GetNumber(), missing)
		return err
	})
}

func missingLabels(pull *github.PullRequest, labels []string) []string {
	has := make([]string, len(pull.Labels))
	for i, label := range pull.Labels {
		has[i] = label.GetName()
	}
	return forge.Missing(labels, has)
}
