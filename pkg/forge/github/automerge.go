package github

import (
	"context"
	"errors"
	"strings"
)

// GraphQL documents: the REST API cannot turn auto-merge on.
const (
	mergeStateQuery = `query MergeState($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    viewerDefaultMergeMethod
    pullRequest(number: $number) { id headRefOid autoMergeRequest { enabledAt } }
  }
}`
	enableAutoMerge = `mutation EnableAutoMerge($input: EnablePullRequestAutoMergeInput!) {
  enablePullRequestAutoMerge(input: $input) { pullRequest { number } }
}`
	mergePullRequest = `mutation Merge($input: MergePullRequestInput!) {
  mergePullRequest(input: $input) { pullRequest { number } }
}`
)

// mergeState is the answer to mergeStateQuery.
type mergeState struct {
	Repository struct {
		ViewerDefaultMergeMethod string
		PullRequest              struct {
			ID               string
			HeadRefOid       string
			AutoMergeRequest *struct{ EnabledAt string }
		}
	}
}

// autoMerge asks GitHub to merge the pull request as soon as its rules allow. GitHub
// refuses that for one whose rules allow it now, which is then merged.
func (c *Client) autoMerge(ctx context.Context, number int) error {
	where := c.numbered(number) + ": auto-merge"
	var state mergeState
	variables := map[string]any{"owner": c.owner, "name": c.repo, "number": number}
	if err := c.repeat(ctx, where, c.graphQL(mergeStateQuery, variables, &state)); err != nil {
		return err
	}
	pull := state.Repository.PullRequest
	if pull.AutoMergeRequest != nil {
		return nil
	}
	input := map[string]any{"input": map[string]any{
		"pullRequestId": pull.ID, "expectedHeadOid": pull.HeadRefOid,
		"mergeMethod": state.Repository.ViewerDefaultMergeMethod,
	}}
	err := c.repeat(ctx, where, c.graphQL(enableAutoMerge, input, nil))
	if isMergeable(err) {
		c.log("%s: nothing to wait for, merging now", c.numbered(number))
		return c.once(ctx, c.numbered(number)+": merge", c.graphQL(mergePullRequest, input, nil))
	}
	return err
}

// isMergeable reports whether GitHub refused auto-merge because the pull request can
// be merged at once. Unstable means that a check has failed that nothing requires.
func isMergeable(err error) bool {
	var refusal *failure
	if !errors.As(err, &refusal) {
		return false
	}
	return strings.Contains(refusal.why, "is in clean status") || strings.Contains(refusal.why, "is in unstable status")
}
