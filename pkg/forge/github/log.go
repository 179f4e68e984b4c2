package github

import (
	"cmp"
	"context"
	"time"

	"github.com/google/go-github/v60/github"

	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/record"
)

// A recentLog is the history of a commit as a Read brought it along.
type recentLog struct {
	tip     string
	entries []forge.LogEntry // the newest first
	whole   bool             // there are no older ones
}

// take reads the answer's history of tip, of which most commits were asked for.
func (l *recentLog) take(tip string, most int, answer jsonValue) error {
	var history struct {
		Nodes []struct {
			Oid, Message  string
			CommittedDate time.Time
			Author        struct{ Name, Email string }
		}
	}
	if err := answer.into(&history); err != nil {
		return err
	}
	*l = recentLog{tip: tip, whole: len(history.Nodes) < most}
	for _, commit := range history.Nodes {
		l.entries = append(l.entries, forge.LogEntry{
			Hash: commit.Oid, Message: commit.Message, When: commit.CommittedDate, Author: record.Author(commit.Author).String(),
		})
	}
	return nil
}

// knows reports whether the latest most commits up to commit are in l.
func (l *recentLog) knows(commit string, most int) bool {
	return commit == l.tip && (l.whole || len(l.entries) >= most)
}

// Log returns the latest commits up to commit that changed one of the named files, the
// newest first; without names, all commits. Each name costs a request. Commits that a Read
// has brought along cost none.
func (c *Client) Log(ctx context.Context, commit string, names []string, most int) ([]forge.LogEntry, error) {
	if len(names) == 0 && c.latest.knows(commit, most) {
		return c.latest.entries[:min(most, len(c.latest.entries))], nil
	}
	return forge.LogOfEach(names, most, func(name string) ([]forge.LogEntry, error) { return c.logOf(ctx, commit, name, most) })
}

func (c *Client) logOf(ctx context.Context, commit, name string, most int) ([]forge.LogEntry, error) {
	var entries []forge.LogEntry
	opts := &github.CommitsListOptions{SHA: commit, Path: name}
	opts.PerPage = cmp.Or(min(most, 100), 100)
	for opts.Page = 1; opts.Page != 0 && len(entries) < most; {
		err := c.repeat(ctx, c.at(""), func(ctx context.Context) error {
			page, resp, err := c.api.Repositories.ListCommits(ctx, c.owner, c.repo, opts)
			if err != nil {
				return err
			}
			for _, found := range page {
				author := found.GetCommit().GetAuthor()
				entries = append(entries, forge.LogEntry{
					Hash: found.GetSHA(), Message: found.GetCommit().GetMessage(), When: found.GetCommit().GetCommitter().GetDate().Time,
					Author: record.Author{Name: author.GetName(), Email: author.GetEmail()}.String(),
				})
			}
			opts.Page = resp.NextPage
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return entries, nil
}
