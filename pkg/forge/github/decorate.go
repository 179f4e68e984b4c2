package github

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/go-github/v60/github"

	"github.com/tagbump/tagbump/pkg/forge"
)

// Decorate adds p's labels, reviewers and assignees that pr does not have, and asks
// for the merge if p wants that. A reviewer "org/team" is a team. Whoever has
// reviewed already is not asked again.
func (c *Client) Decorate(ctx context.Context, pr forge.PullRequest, p forge.Proposal) error {
	if len(p.Labels)+len(p.Reviewers)+len(p.Assignees) > 0 {
		if err := c.complete(ctx, pr, p); err != nil {
			return err
		}
	}
	if p.AutoMerge {
		return c.autoMerge(ctx, pr.Number)
	}
	return nil
}

// complete adds the missing labels, reviewers and assignees.
func (c *Client) complete(ctx context.Context, pr forge.PullRequest, p forge.Proposal) error {
	has, err := c.known(ctx, pr.Number)
	if err != nil {
		return err
	}
	if err := c.label(ctx, pr.Number, forge.Missing(p.Labels, labelNames(has.Labels))); err != nil {
		return err
	}
	if err := c.assign(ctx, pr.Number, forge.Missing(p.Assignees, logins(has.Assignees))); err != nil {
		return err
	}
	missing := forge.Missing(p.Reviewers, append(logins(has.RequestedReviewers), teams(p.Reviewers, has.RequestedTeams)...))
	if len(missing) > 0 && pr.Reused {
		reviewed, err := c.reviewed(ctx, pr.Number)
		if err != nil {
			return err
		}
		missing = forge.Missing(missing, reviewed)
	}
	return c.askReview(ctx, pr.Number, missing)
}

func labelNames(labels []*github.Label) []string {
	names := make([]string, len(labels))
	for i, label := range labels {
		names[i] = label.GetName()
	}
	return names
}

func logins(users []*github.User) []string {
	names := make([]string, len(users))
	for i, user := range users {
		names[i] = user.GetLogin()
	}
	return names
}

// teams returns those of reviewers that are teams and are asked already. GitHub
// names a team without its organization.
func teams(reviewers []string, asked []*github.Team) []string {
	var found []string
	for _, reviewer := range reviewers {
		_, slug, isTeam := strings.Cut(reviewer, "/")
		for _, team := range asked {
			if isTeam && strings.EqualFold(team.GetSlug(), slug) {
				found = append(found, reviewer)
			}
		}
	}
	return found
}

func (c *Client) label(ctx context.Context, number int, missing []string) error {
	if len(missing) == 0 {
		return nil
	}
	return c.repeat(ctx, c.part(number, "labels", missing), func(ctx context.Context) error {
		_, _, err := c.api.Issues.AddLabelsToIssue(ctx, c.owner, c.repo, number, missing)
		return err
	})
}

// assign checks the answer: GitHub leaves out, without a word, whoever may not push.
func (c *Client) assign(ctx context.Context, number int, missing []string) error {
	if len(missing) == 0 {
		return nil
	}
	var issue *github.Issue
	err := c.repeat(ctx, c.part(number, "assignees", missing), func(ctx context.Context) (err error) {
		issue, _, err = c.api.Issues.AddAssignees(ctx, c.owner, c.repo, number, missing)
		return err
	})
	if err != nil {
		return err
	}
	if left := forge.Missing(missing, logins(issue.Assignees)); len(left) > 0 {
		return &failure{
			where: c.part(number, "assignees", left), why: "GitHub did not assign them", kind: forge.ErrInvalid,
			hint: "only users who may write to the repository can be assigned",
		}
	}
	return nil
}

// reviewed returns who has reviewed the pull request: GitHub takes them off the list
// of those who are asked.
func (c *Client) reviewed(ctx context.Context, number int) (names []string, err error) {
	err = c.repeat(ctx, c.numbered(number)+": reviews", func(ctx context.Context) error {
		reviews, _, err := c.api.PullRequests.ListReviews(ctx, c.owner, c.repo, number, &github.ListOptions{PerPage: 100})
		names = nil
		for _, review := range reviews {
			names = append(names, review.GetUser().GetLogin())
		}
		return err
	})
	return names, err
}

func (c *Client) askReview(ctx context.Context, number int, missing []string) error {
	if len(missing) == 0 {
		return nil
	}
	var asked github.ReviewersRequest
	for _, name := range missing {
		if _, slug, isTeam := strings.Cut(name, "/"); isTeam {
			asked.TeamReviewers = append(asked.TeamReviewers, slug)
		} else {
			asked.Reviewers = append(asked.Reviewers, name)
		}
	}
	return c.repeat(ctx, c.part(number, "reviewers", missing), func(ctx context.Context) error {
		_, _, err := c.api.PullRequests.RequestReviewers(ctx, c.owner, c.repo, number, asked)
		return err
	})
}

func (c *Client) part(number int, what string, names []string) string {
	return fmt.Sprintf("%s: %s %s", c.numbered(number), what, strings.Join(names, ", "))
}
