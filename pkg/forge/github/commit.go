package github

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/forge"
)

const (
	createCommit = `mutation Commit($commit: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $commit) { commit { oid } }
}`
	createBranchAndCommit = `mutation BranchAndCommit($branch: CreateRefInput!, $commit: CreateCommitOnBranchInput!) {
  createRef(input: $branch) { ref { name } }
  createCommitOnBranch(input: $commit) { commit { oid } }
}`
	moveBranches = `mutation Move($moves: UpdateRefsInput!) {
  updateRefs(input: $moves) { clientMutationId }
}`
	tipQuery = `query Tip($owner: String!, $name: String!, $ref: String!) {
  repository(owner: $owner, name: $name) {
    id
    ref(qualifiedName: $ref) { target { oid ... on Commit { message parents(first: 1) { nodes { oid } } } } }
  }
}`
)

// noCommit is the commit of a branch that does not exist.
const noCommit = "0000000000000000000000000000000000000000"

// Tip returns the commit at the tip of branch, "" when there is no such branch. The first
// call after a [Client.Find] that told it asks nobody: whoever commits to the branch does so
// by compare and swap.
func (c *Client) Tip(ctx context.Context, branch string) (string, error) {
	if told := c.found; told != nil && told.branch == branch {
		c.found = nil
		return told.tip, nil
	}
	at, err := c.tip(ctx, branch)
	return at.Oid, err
}

// A tipAnswer is the commit at a branch's tip.
type tipAnswer struct {
	Oid, Message string
	Parents      struct{ Nodes []struct{ Oid string } }
}

func (c *Client) tip(ctx context.Context, branch string) (tipAnswer, error) {
	var answer struct {
		Repository struct {
			ID  string
			Ref struct{ Target tipAnswer }
		}
	}
	variables := map[string]any{"owner": c.owner, "name": c.repo, "ref": "refs/heads/" + branch}
	err := c.repeat(ctx, c.at(branch), c.graphQL(tipQuery, variables, &answer))
	if err == nil {
		c.repositoryID = answer.Repository.ID
	}
	return answer.Repository.Ref.Target, err
}

// Commit makes a commit on top of commit.Parent the tip of commit.Branch and returns
// its hash. Tree has the files that were read of the parent. It is one request, whatever the
// number of files; starting a branch anew is two, so that an open pull request of the
// branch never sees it without the change, which would close it.
//
// A branch that is not at commit.Old is forge.ErrMoved. A branch that takes no such
// commit is forge.ErrRefused. A file that is executable is refused: GitHub would
// take the permission away.
func (c *Client) Commit(ctx context.Context, tree *files.Tree, commit forge.Change) (string, error) {
	for name := range commit.Files {
		if file, _ := tree.File(name); file.Executable {
			return "", fault.Errorf(fault.Failed, "%s: %s: is executable, and GitHub's API would take that away: %w", c.at(commit.Branch), name, forge.ErrInvalid).
				WithHint("commit by git: --commit-via git")
		}
	}
	switch commit.Old {
	case commit.Parent:
		return c.commitOn(ctx, commit)
	case "":
		return c.commitOnNew(ctx, commit)
	}
	return c.restart(ctx, commit)
}

// commitOn adds a commit to a branch. When the answer was lost, a look decides.
func (c *Client) commitOn(ctx context.Context, commit forge.Change) (string, error) {
	for attempt := 1; ; attempt++ {
		var made commitAnswer
		err := c.once(ctx, c.at(commit.Branch), c.graphQL(createCommit, map[string]any{"commit": c.input(commit)}, &made))
		var lost *failure
		if !errors.As(err, &lost) || !lost.ambiguous || attempt == maxAttempts {
			return made.CreateCommitOnBranch.Commit.Oid, err
		}
		if err := c.pause(ctx, lost, backoff.Pause(attempt)); err != nil {
			return "", err
		}
		at, err := c.tip(ctx, commit.Branch)
		switch {
		case err != nil:
			return "", err
		case len(at.Parents.Nodes) > 0 && at.Parents.Nodes[0].Oid == commit.Parent && strings.TrimSpace(at.Message) == strings.TrimSpace(commit.Message):
			return at.Oid, nil
		case at.Oid != commit.Parent:
			return "", &failure{where: c.at(commit.Branch), why: "the branch has moved", kind: forge.ErrMoved}
		}
	}
}

type commitAnswer struct {
	CreateCommitOnBranch struct{ Commit struct{ Oid string } }
}

func (c *Client) input(commit forge.Change) map[string]any {
	additions := make([]map[string]any, 0, len(commit.Files))
	for _, name := range slices.Sorted(maps.Keys(commit.Files)) {
		additions = append(additions, map[string]any{"path": name, "contents": base64.StdEncoding.EncodeToString(commit.Files[name])})
	}
	headline, body, _ := strings.Cut(strings.TrimSpace(commit.Message), "\n")
	return map[string]any{
		"branch":          map[string]any{"repositoryNameWithOwner": c.owner + "/" + c.repo, "branchName": commit.Branch},
		"expectedHeadOid": commit.Parent,
		"message":         map[string]any{"headline": headline, "body": strings.TrimSpace(body)},
		"fileChanges":     map[string]any{"additions": additions},
	}
}

// commitOnNew makes the branch and the commit in one request.
func (c *Client) commitOnNew(ctx context.Context, commit forge.Change) (string, error) {
	var made commitAnswer
	variables := map[string]any{
		"branch": map[string]any{"repositoryId": c.repositoryID, "name": "refs/heads/" + commit.Branch, "oid": commit.Parent},
		"commit": c.input(commit),
	}
	err := c.once(ctx, c.at(commit.Branch), c.graphQL(createBranchAndCommit, variables, &made))
	return made.CreateCommitOnBranch.Commit.Oid, err
}

// restart makes a commit on top of the parent the tip of a branch that is elsewhere. It
// is made on a branch of its own first.
func (c *Client) restart(ctx context.Context, commit forge.Change) (string, error) {
	aside := commit
	aside.Branch, aside.Old = fmt.Sprintf("%s-%.8s", commit.Branch, commit.Parent), ""
	made, err := c.commitOnNew(ctx, aside)
	if err != nil {
		return "", err
	}
	move := map[string]any{"moves": map[string]any{"repositoryId": c.repositoryID, "refUpdates": []any{
		map[string]any{"name": "refs/heads/" + commit.Branch, "beforeOid": commit.Old, "afterOid": made, "force": true},
		map[string]any{"name": "refs/heads/" + aside.Branch, "beforeOid": made, "afterOid": noCommit, "force": true},
	}}}
	if err := c.repeat(ctx, c.at(commit.Branch), c.graphQL(moveBranches, move, nil)); err != nil {
		drop := map[string]any{"moves": map[string]any{"repositoryId": c.repositoryID, "refUpdates": []any{
			map[string]any{"name": "refs/heads/" + aside.Branch, "beforeOid": made, "afterOid": noCommit, "force": true},
		}}}
		return "", errors.Join(err, c.repeat(ctx, c.at(aside.Branch), c.graphQL(moveBranches, drop, nil)))
	}
	return made, nil
}
