package gitlab

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/forge/internal/rest"
	"github.com/tagbump/tagbump/pkg/record"
)

// commitAttempts bounds how often a commit is asked for whose answer is lost.
const commitAttempts = 3

// Tip returns the commit at the tip of branch, "" when there is no such branch.
func (c *Client) Tip(ctx context.Context, branch string) (string, error) {
	at, err := c.branch(ctx, branch)
	return at.ID, err
}

// Commit makes a commit on top of commit.Parent the tip of commit.Branch and returns its
// hash. It is one request, whatever the number of files; starting a branch anew is two.
//
// GitLab has no compare and swap of a branch. A commit to a branch names the last commit
// of each file instead, and GitLab refuses it when one of the files has changed since: a
// commit to other files that lands meanwhile stays, and is below the new one. A branch
// that starts anew is looked at right before.
//
// A branch or a file that has moved is forge.ErrMoved. A branch that takes no such commit
// is forge.ErrRefused. A file with CR LF is refused: many GitLab servers would store it with
// LF, since they run git with core.autocrlf=input.
func (c *Client) Commit(ctx context.Context, _ *files.Tree, commit forge.Change) (string, error) {
	for _, name := range slices.Sorted(maps.Keys(commit.Files)) {
		if bytes.Contains(commit.Files[name], []byte("\r\n")) {
			return "", fault.Errorf(fault.Failed, "%s: %s: has lines that end in CR LF, of which GitLab's API can make LF: %w", c.at(commit.Branch), name, forge.ErrInvalid).
				WithHint("commit by git: --commit-via git")
		}
	}
	body, err := c.input(commit)
	if err != nil {
		return "", err
	}
	if commit.Old != "" && commit.Old != commit.Parent {
		at, err := c.branch(ctx, commit.Branch)
		if err != nil {
			return "", err
		}
		if at.ID != commit.Old {
			return "", c.moved(commit)
		}
	}
	made, err := c.commit(ctx, commit, body)
	if err != nil {
		return "", err
	}
	return made.ID, c.checkParent(ctx, commit, made)
}

// input returns the body of the request.
func (c *Client) input(commit forge.Change) (map[string]any, error) {
	body := map[string]any{"branch": commit.Branch, "commit_message": commit.Message}
	onTop := commit.Old == commit.Parent
	if !onTop {
		body["start_sha"] = commit.Parent
	}
	if !onTop && commit.Old != "" {
		body["force"] = true
	}
	if commit.Author != "" {
		author, err := record.ParseAuthor(commit.Author)
		if err != nil {
			return nil, err
		}
		body["author_name"], body["author_email"] = author.Name, author.Email
	}
	actions := make([]map[string]any, 0, len(commit.Files))
	for _, name := range slices.Sorted(maps.Keys(commit.Files)) {
		action := map[string]any{"action": "update", "file_path": name, "encoding": "base64", "content": base64.StdEncoding.EncodeToString(commit.Files[name])}
		if onTop {
			action["last_commit_id"] = c.lastCommit(commit.Parent, name)
		}
		actions = append(actions, action)
	}
	body["actions"] = actions
	return body, nil
}

// lastCommit returns the latest commit that changed a file, seen from a commit that was
// read.
func (c *Client) lastCommit(commit, name string) string {
	if known := c.snapshots[commit]; known != nil && known.Entries[name] != nil {
		return known.Entries[name].Changed
	}
	return commit // which GitLab refuses, unless it changed the file
}

// commit sends the request. When the answer was lost, a look decides.
func (c *Client) commit(ctx context.Context, commit forge.Change, body map[string]any) (commitAnswer, error) {
	for attempt := 1; ; attempt++ {
		var made commitAnswer
		err := c.api.Do(ctx, rest.Request{
			Where: c.at(commit.Branch), Method: http.MethodPost, Path: c.path("/repository/commits"), Body: body, Repetition: rest.Once,
		}, &made)
		var refused *rest.Error
		if !errors.As(err, &refused) {
			return made, err
		}
		if !refused.Lost() || attempt == commitAttempts {
			return made, explainCommit(refused)
		}
		if err := c.api.Pause(ctx, refused, refused.Delay(attempt)); err != nil {
			return made, err
		}
		at, err := c.branch(ctx, commit.Branch)
		switch {
		case err != nil:
			return made, err
		case at.parent() == commit.Parent && strings.TrimSpace(at.Message) == strings.TrimSpace(commit.Message):
			return at, nil
		case at.ID != commit.Old:
			return made, c.moved(commit)
		}
	}
}

func (c *Client) moved(commit forge.Change) error {
	return &rest.Error{Where: c.at(commit.Branch), Why: "the branch has moved", Kind: forge.ErrMoved}
}

// explainCommit gives a refusal of a commit its kind. GitLab's status for nearly all of
// them is 400.
func explainCommit(refused *rest.Error) error {
	says := func(words string) bool { return strings.Contains(refused.Why, words) }
	switch {
	case says("has changed since you started editing it"), says("already exists. Switch to that branch"), says("Please refresh and try again"):
		refused.Kind = forge.ErrMoved
	case says("not allowed to push into this branch"):
		refused.Kind, refused.Advice = forge.ErrRefused, "propose the change: --pr"
	case refused.Status == http.StatusBadRequest:
		refused.Kind = forge.ErrRefused // by a hook or a push rule
	}
	return refused
}

// checkParent returns an error for a commit that is on top of another one which landed in the same
// moment and changed one of its files: GitLab checks the files before it makes the commit.
func (c *Client) checkParent(ctx context.Context, commit forge.Change, made commitAnswer) error {
	if made.ID == "" {
		return &rest.Error{Where: c.at(commit.Branch), Why: "the answer names no commit", Kind: forge.ErrInvalid}
	}
	below := made.parent()
	if below == commit.Parent || commit.Old != commit.Parent {
		return nil
	}
	between, err := c.Compare(ctx, commit.Parent, below)
	if err != nil {
		return err
	}
	for _, name := range between.Files {
		if _, ours := commit.Files[name]; ours {
			return fault.Errorf(fault.Failed, "%s: %s: commit %.10s changed it in the same moment, and commit %.10s, which is on top of it, has taken that back", c.at(commit.Branch), name, below, made.ID).
				WithHint("look at both commits; to commit with compare and swap: --commit-via git")
		}
	}
	return nil
}

// Log returns the latest commits up to commit that changed one of the named files, the
// newest first; without names, all commits. Each name costs a request.
func (c *Client) Log(ctx context.Context, commit string, names []string, most int) ([]forge.LogEntry, error) {
	return forge.LogOfEach(names, most, func(name string) ([]forge.LogEntry, error) { return c.logOf(ctx, commit, name, most) })
}

func (c *Client) logOf(ctx context.Context, commit, name string, most int) ([]forge.LogEntry, error) {
	query := url.Values{"per_page": {strconv.Itoa(cmp.Or(min(most, perPage), perPage))}}
	if commit != "" {
		query.Set("ref_name", commit)
	}
	if name != "" {
		query.Set("path", name)
	}
	var entries []forge.LogEntry
	for page := 1; len(entries) < most; page++ {
		query.Set("page", strconv.Itoa(page))
		var found []commitAnswer
		if err := c.do(ctx, c.project, http.MethodGet, "/repository/commits", query, nil, &found); err != nil {
			return nil, err
		}
		for _, one := range found {
			when, err := time.Parse(time.RFC3339, one.Committed)
			if err != nil {
				return nil, &rest.Error{Where: c.project, Why: fmt.Sprintf("commit %.10s has no date", one.ID), Kind: forge.ErrInvalid}
			}
			entries = append(entries, forge.LogEntry{
				Hash: one.ID, Message: one.Message, When: when, Author: record.Author{Name: one.AuthorName, Email: one.AuthorEmail}.String(),
			})
		}
		if len(found) < min(most, perPage) {
			break
		}
	}
	return entries, nil
}
