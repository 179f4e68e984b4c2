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

// Check returns nil: GitHub has all that a proposal can ask for.
func (c *Client) Check(forge.Proposal) error { return nil }

// Open returns the open pull requests into base, the newest first, without those from
// forks.
func (c *Client) Open(ctx context.Context, base string) ([]forge.PullRequest, error) {
	where := fmt.Sprintf("%s/%s: open pull requests into %s", c.owner, c.repo, base)
	opts := &github.PullRequestListOptions{State: "open", Base: base}
	opts.PerPage = 100
	opts.Page = 1
	var open []forge.PullRequest
	for range maxPages {
		page, resp, err := c.list(ctx, where, opts)
		if err != nil {
			return nil, err
		}
		for _, pull := range page {
			if pull.GetState() == "open" && pull.GetBase().GetRef() == base && isOwn(pull) {
				c.keep(pull)
				open = append(open, pullRequest(pull))
			}
		}
		if resp.NextPage <= opts.Page {
			return open, nil
		}
		opts.Page = resp.NextPage
	}
	return nil, &failure{where: where, why: fmt.Sprintf("over %d pages", maxPages), kind: forge.ErrInvalid}
}

// Closed returns the latest pull request from head to base that is not open any more.
func (c *Client) Closed(ctx context.Context, head, base string) (forge.PullRequest, bool, error) {
	found, moved, err := c.closed(ctx, c.owner, head, base)
	if err == nil && found == nil && moved {
		found, err = c.closedMoved(ctx, head, base)
	}
	if err != nil || found == nil {
		return forge.PullRequest{}, false, err
	}
	return pullRequest(found), true, nil
}

// closedMoved is Closed for a repository that has moved: the list's filter must name
// the owner of today.
func (c *Client) closedMoved(ctx context.Context, head, base string) (*github.PullRequest, error) {
	owner, err := c.currentOwner(ctx)
	if err != nil || strings.EqualFold(owner, c.owner) {
		return nil, err
	}
	found, _, err := c.closed(ctx, owner, head, base)
	return found, err
}

// closed returns the latest pull request from owner's branch head to base that is not
// open any more, or nil. It also reports whether the repository has moved. The forge's
// own filter is not enough: a fork's branch may have the same name, and some servers
// ignore the head.
func (c *Client) closed(ctx context.Context, owner, head, base string) (found *github.PullRequest, moved bool, err error) {
	opts := &github.PullRequestListOptions{State: "closed", Head: owner + ":" + head, Base: base}
	opts.PerPage = 100
	page, resp, err := c.list(ctx, c.pair(head, base), opts)
	if err != nil {
		return nil, false, err
	}
	for _, pull := range page {
		if pull.GetState() == "closed" && pull.GetHead().GetRef() == head && pull.GetBase().GetRef() == base && isOwn(pull) {
			return pull, false, nil
		}
	}
	return nil, resp.Request.URL.Path != c.api.BaseURL.Path+c.repoPath()+"/pulls", nil
}

// Compare returns what head has since it left base.
func (c *Client) Compare(ctx context.Context, base, head string) (forge.Comparison, error) {
	var answer *github.CommitsComparison
	err := c.repeat(ctx, c.pair(head, base), func(ctx context.Context) (err error) {
		answer, _, err = c.api.Repositories.CompareCommits(ctx, c.owner, c.repo, base, head, &github.ListOptions{PerPage: comparedCommits})
		return err
	})
	if err != nil {
		return forge.Comparison{}, err
	}
	found := forge.Comparison{Cut: len(answer.Commits) < answer.GetTotalCommits() || len(answer.Files) >= comparedFiles}
	for _, commit := range answer.Commits {
		one := forge.Commit{Hash: commit.GetSHA(), Author: commit.GetCommit().GetAuthor().GetName(), Message: commit.GetCommit().GetMessage()}
		for _, parent := range commit.Parents {
			one.Parents = append(one.Parents, parent.GetSHA())
		}
		found.Commits = append(found.Commits, one)
	}
	for _, file := range answer.Files {
		found.Files = append(found.Files, file.GetFilename(), file.GetPreviousFilename())
	}
	found.Files = forge.SortedNames(found.Files)
	return found, nil
}

// comparedCommits is how many commits of a comparison are asked for, comparedFiles how
// many files the API lists at most.
const comparedCommits, comparedFiles = 100, 300

func (c *Client) list(ctx context.Context, where string, opts *github.PullRequestListOptions) (pulls []*github.PullRequest, resp *github.Response, err error) {
	err = c.repeat(ctx, where, func(ctx context.Context) (err error) {
		pulls, resp, err = c.api.PullRequests.List(ctx, c.owner, c.repo, opts)
		return err
	})
	return pulls, resp, err
}

// isOwn reports whether pull is from a branch of the repository itself. The names are
// those of the answer, because the repository may have moved.
func isOwn(pull *github.PullRequest) bool {
	from, to := pull.GetHead().GetRepo(), pull.GetBase().GetRepo()
	return from != nil && strings.EqualFold(from.GetFullName(), to.GetFullName())
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
		open, err := c.Open(ctx, p.Base)
		if _, listed := forge.From(open, p.Head); listed || err != nil {
			return err
		}
		if err := c.pause(ctx, refusal, backoff.Pause(attempt)); err != nil {
			return err
		}
	}
	return nil
}

// Edit gives pr the title and the body of p.
func (c *Client) Edit(ctx context.Context, pr forge.PullRequest, p forge.Proposal) error {
	return c.edit(ctx, pr.Number, &github.PullRequest{Title: &p.Title, Body: &p.Body})
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
		Number: pull.GetNumber(), URL: pull.GetHTMLURL(), State: stateOf(pull), Draft: pull.GetDraft(),
		Title: pull.GetTitle(), Body: pull.GetBody(), Head: pull.GetHead().GetRef(), Base: pull.GetBase().GetRef(),
	}
}

func stateOf(pull *github.PullRequest) forge.State {
	switch {
	case pull.MergedAt != nil:
		return forge.Merged
	case pull.GetState() == "closed":
		return forge.Closed
	}
	return forge.Open
}

// pair names a pull request that has no number yet, for errors.
func (c *Client) pair(head, base string) string {
	return fmt.Sprintf("%s/%s: pull request %s → %s", c.owner, c.repo, head, base)
}

func (c *Client) numbered(number int) string {
	return fmt.Sprintf("%s/%s: pull request #%d", c.owner, c.repo, number)
}
