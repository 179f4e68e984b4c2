// Package gitlab opens, finds, refreshes and closes merge requests on gitlab.com
// and on GitLab servers of one's own, by its REST API (version 4). It also reads and
// commits files by the API alone, without git.
//
// A project is named by its whole path, subgroups included. A draft is a title
// that begins with "Draft: ". The API wants users by number, so reviewers and
// assignees are looked up by name first.
//
// Two traps: for a project that a token may not see, GitLab says "404 Project Not
// Found" and not "forbidden". And a job's token (CI_JOB_TOKEN) may push by git where the
// project allows it, but may neither open merge requests nor commit by the API.
package gitlab

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/forge/internal/rest"
	"github.com/tagbump/tagbump/pkg/forge/internal/snapshot"
)

const (
	defaultAPIURL = "https://gitlab.com/api/v4"
	draftPrefix   = "Draft: "
	perPage       = 100
	maxPages      = 100
	comparedMost  = 100 // files that a comparison lists for sure
)

// Options say how to reach the API. The zero value is gitlab.com without a token.
type Options struct {
	APIURL    string            // root of the API, as "https://gitlab.acme.example/api/v4"; default: gitlab.com's
	Token     string            // a personal, project or group access token with the scope "api"
	UserAgent string            // default: "tagbump"
	Transport http.RoundTripper // default: http.DefaultTransport
	Log       func(format string, args ...any)
}

// A Client speaks for one project. Several goroutines may use it for merge requests; its
// commits are for one at a time.
type Client struct {
	api       *rest.Client
	project   string
	snapshots map[string]*snapshot.Snapshot // of the commits that were read
}

// New returns a client for the project at path, as "group/subgroup/name", and
// asks nobody yet.
func New(path string, opts Options) (*Client, error) {
	if parts := strings.Split(path, "/"); len(parts) < 2 || slices.Contains(parts, "") {
		return nil, fault.Errorf(fault.Usage, "%q is not the path of a GitLab project, GROUP/PROJECT", path)
	}
	if opts.APIURL == "" {
		opts.APIURL = defaultAPIURL
	}
	header := http.Header{}
	token := strings.TrimSpace(opts.Token)
	if token != "" {
		header.Set("PRIVATE-TOKEN", token)
	}
	api, err := rest.New(rest.Options{
		APIURL: opts.APIURL, Header: header, Secrets: []string{token},
		UserAgent: opts.UserAgent, Transport: opts.Transport, Log: opts.Log, Explain: explain,
	})
	return &Client{api: api, project: path}, err
}

// A mergeRequest is what the API tells of one.
type mergeRequest struct {
	IID             int      `json:"iid"`
	WebURL          string   `json:"web_url"`
	Title           string   `json:"title"`
	Description     string   `json:"description"`
	State           string   `json:"state"`
	SourceBranch    string   `json:"source_branch"`
	TargetBranch    string   `json:"target_branch"`
	SourceProjectID int      `json:"source_project_id"`
	TargetProjectID int      `json:"target_project_id"`
	SHA             string   `json:"sha"`
	Labels          []string `json:"labels"`
	Reviewers       []user   `json:"reviewers"`
	Assignees       []user   `json:"assignees"`
	AutoMerge       bool     `json:"merge_when_pipeline_succeeds"`
}

type user struct {
	ID       int    `json:"id"`
	Username string `json:"username"`
}

func (m mergeRequest) pullRequest() forge.PullRequest {
	return forge.PullRequest{
		Number: m.IID, URL: m.WebURL, State: m.state(),
		Draft: strings.HasPrefix(m.Title, draftPrefix), Title: strings.TrimPrefix(m.Title, draftPrefix),
		Body: m.Description, Head: m.SourceBranch, Base: m.TargetBranch,
	}
}

func (m mergeRequest) state() forge.State {
	switch m.State {
	case "opened":
		return forge.Open
	case "merged":
		return forge.Merged
	}
	return forge.Closed
}

// Check returns nil: the forge has all that a proposal can ask for.
func (c *Client) Check(forge.Proposal) error { return nil }

// Open returns the open merge requests into base, the newest first, without those from
// forks.
func (c *Client) Open(ctx context.Context, base string) ([]forge.PullRequest, error) {
	where := c.project + ": open merge requests into " + base
	var open []forge.PullRequest
	for page := 1; page <= maxPages; page++ {
		list, err := c.listRequests(ctx, where, url.Values{"state": {"opened"}, "target_branch": {base}}, page)
		if err != nil {
			return nil, err
		}
		for _, m := range list {
			if m.State == "opened" && m.TargetBranch == base && m.SourceProjectID == m.TargetProjectID {
				open = append(open, m.pullRequest())
			}
		}
		if len(list) < perPage {
			return open, nil
		}
	}
	return nil, &rest.Error{Where: where, Why: fmt.Sprintf("over %d", maxPages*perPage), Kind: forge.ErrInvalid}
}

// Closed returns the latest merge request from head to base that is not open any more.
func (c *Client) Closed(ctx context.Context, head, base string) (forge.PullRequest, bool, error) {
	list, err := c.listRequests(ctx, c.pair(head, base), url.Values{"source_branch": {head}, "target_branch": {base}}, 1)
	for _, m := range list {
		if m.State != "opened" && m.SourceBranch == head && m.TargetBranch == base && m.SourceProjectID == m.TargetProjectID {
			return m.pullRequest(), true, nil
		}
	}
	return forge.PullRequest{}, false, err
}

func (c *Client) listRequests(ctx context.Context, where string, query url.Values, page int) (list []mergeRequest, err error) {
	query.Set("per_page", strconv.Itoa(perPage))
	query.Set("page", strconv.Itoa(page))
	err = c.do(ctx, where, http.MethodGet, "/merge_requests", query, nil, &list)
	return list, err
}

// Compare returns what head has since it left base.
func (c *Client) Compare(ctx context.Context, base, head string) (forge.Comparison, error) {
	var answer struct {
		Commits []struct {
			ID         string   `json:"id"`
			ParentIDs  []string `json:"parent_ids"`
			AuthorName string   `json:"author_name"`
			Message    string   `json:"message"`
		} `json:"commits"`
		Diffs []struct {
			OldPath string `json:"old_path"`
			NewPath string `json:"new_path"`
		} `json:"diffs"`
		Timeout bool `json:"compare_timeout"`
	}
	query := url.Values{"from": {base}, "to": {head}}
	if err := c.do(ctx, c.pair(head, base), http.MethodGet, "/repository/compare", query, nil, &answer); err != nil {
		return forge.Comparison{}, err
	}
	found := forge.Comparison{Cut: answer.Timeout || len(answer.Diffs) >= comparedMost}
	for _, commit := range answer.Commits {
		found.Commits = append(found.Commits, forge.Commit{Hash: commit.ID, Parents: commit.ParentIDs, Author: commit.AuthorName, Message: commit.Message})
	}
	for _, diff := range answer.Diffs {
		found.Files = append(found.Files, diff.OldPath, diff.NewPath)
	}
	found.Files = forge.SortedNames(found.Files)
	return found, nil
}

// Create opens a merge request. The branch is removed when it is merged.
func (c *Client) Create(ctx context.Context, p forge.Proposal) (forge.PullRequest, error) {
	var made mergeRequest
	err := c.api.Do(ctx, rest.Request{
		Where: c.pair(p.Head, p.Base), Method: http.MethodPost, Path: c.path("/merge_requests"), Repetition: rest.Once,
		Body: map[string]any{
			"source_branch": p.Head, "target_branch": p.Base, "title": titleOf(p, p.Draft), "description": p.Body,
			"remove_source_branch": true,
		},
	}, &made)
	if err == nil && made.IID == 0 {
		err = fmt.Errorf("%s: the answer names no merge request: %w", c.pair(p.Head, p.Base), forge.ErrInvalid)
	}
	return made.pullRequest(), err
}

// Edit sets the title and the description. A draft stays a draft.
func (c *Client) Edit(ctx context.Context, pr forge.PullRequest, p forge.Proposal) error {
	return c.put(ctx, pr.Number, map[string]any{"title": titleOf(p, pr.Draft), "description": p.Body})
}

func titleOf(p forge.Proposal, draft bool) string {
	if draft && !strings.HasPrefix(p.Title, draftPrefix) {
		return draftPrefix + p.Title
	}
	return p.Title
}

// Decorate adds labels, reviewers and assignees, and asks for the merge when the
// pipeline has succeeded.
func (c *Client) Decorate(ctx context.Context, pr forge.PullRequest, p forge.Proposal) error {
	if len(p.Labels)+len(p.Reviewers)+len(p.Assignees) == 0 && !p.AutoMerge {
		return nil
	}
	is, err := c.get(ctx, pr.Number)
	if err != nil {
		return err
	}
	change := map[string]any{}
	if labels := forge.Missing(p.Labels, is.Labels); len(labels) > 0 {
		change["add_labels"] = strings.Join(labels, ",")
	}
	if err := c.addUsers(ctx, change, "reviewer_ids", p.Reviewers, is.Reviewers); err != nil {
		return err
	}
	if err := c.addUsers(ctx, change, "assignee_ids", p.Assignees, is.Assignees); err != nil {
		return err
	}
	if len(change) > 0 {
		if err := c.put(ctx, pr.Number, change); err != nil {
			return err
		}
	}
	if !p.AutoMerge || is.AutoMerge {
		return nil
	}
	return c.autoMerge(ctx, is)
}

// addUsers puts the numbers of all users into change: those that are there, since
// the API replaces the list, and those that are missing.
func (c *Client) addUsers(ctx context.Context, change map[string]any, key string, wanted []string, has []user) error {
	ids, names := make([]int, 0, len(has)+len(wanted)), make([]string, 0, len(has))
	for _, u := range has {
		ids, names = append(ids, u.ID), append(names, u.Username)
	}
	missing := forge.Missing(wanted, names)
	if len(missing) == 0 {
		return nil
	}
	for _, name := range missing {
		id, err := c.userID(ctx, name)
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	change[key] = ids
	return nil
}

func (c *Client) userID(ctx context.Context, name string) (int, error) {
	var users []user
	where := fmt.Sprintf("%s: user %q", c.project, name)
	err := c.api.Do(ctx, rest.Request{Where: where, Method: http.MethodGet, Path: "/users", Query: url.Values{"username": {name}}}, &users)
	if err != nil {
		return 0, err
	}
	for _, u := range users {
		if strings.EqualFold(u.Username, name) {
			return u.ID, nil
		}
	}
	return 0, &rest.Error{Where: where, Why: "GitLab knows no such user", Kind: forge.ErrNotFound}
}

// autoMerge sends both spellings of the option: auto_merge is new in GitLab 17.11,
// and the other one is what older servers read.
func (c *Client) autoMerge(ctx context.Context, m mergeRequest) error {
	err := c.api.Do(ctx, rest.Request{
		Where: c.numbered(m.IID) + ": auto-merge", Method: http.MethodPut, Path: c.path(fmt.Sprintf("/merge_requests/%d/merge", m.IID)),
		Body: map[string]any{"sha": m.SHA, "auto_merge": true, "merge_when_pipeline_succeeds": true, "should_remove_source_branch": true},
	}, nil)
	return err
}

// Close closes the merge request, with a comment unless that is empty.
func (c *Client) Close(ctx context.Context, number int, comment string) error {
	if comment != "" {
		err := c.api.Do(ctx, rest.Request{
			Where: c.numbered(number), Method: http.MethodPost, Path: c.path(fmt.Sprintf("/merge_requests/%d/notes", number)),
			Body: map[string]any{"body": comment}, Repetition: rest.Once,
		}, nil)
		if err != nil {
			return err
		}
	}
	return c.put(ctx, number, map[string]any{"state_event": "close"})
}

func (c *Client) get(ctx context.Context, number int) (m mergeRequest, err error) {
	err = c.do(ctx, c.numbered(number), http.MethodGet, fmt.Sprintf("/merge_requests/%d", number), nil, nil, &m)
	return m, err
}

func (c *Client) put(ctx context.Context, number int, change map[string]any) error {
	return c.do(ctx, c.numbered(number), http.MethodPut, fmt.Sprintf("/merge_requests/%d", number), nil, change, nil)
}

// do sends a request below the project that does the same twice as once.
func (c *Client) do(ctx context.Context, where, method, path string, query url.Values, body map[string]any, into any) error {
	req := rest.Request{Where: where, Method: method, Path: c.path(path), Query: query}
	if body != nil {
		req.Body = body
	}
	return c.api.Do(ctx, req, into)
}

func (c *Client) path(below string) string { return "/projects/" + url.PathEscape(c.project) + below }

func (c *Client) pair(head, base string) string {
	return fmt.Sprintf("%s: merge request %s → %s", c.project, head, base)
}

func (c *Client) numbered(number int) string {
	return fmt.Sprintf("%s: merge request !%d", c.project, number)
}

// explain reads GitLab's forms of an error: {"message": text, list or object},
// {"error": text, "error_description": text}.
func explain(status int, _ http.Header, body []byte) (text, hint string) {
	var answer struct {
		Message     json.RawMessage `json:"message"`
		Error       string          `json:"error"`
		Description string          `json:"error_description"`
	}
	_ = json.Unmarshal(body, &answer) // a page that is not JSON has no words to show
	text = strings.Join(messages(answer.Message), "; ")
	if text == "" {
		text = strings.Trim(answer.Error+": "+answer.Description, ": ")
	}
	switch {
	case answer.Error == "insufficient_scope":
		hint = "the token needs the scope api"
	case status == http.StatusUnauthorized:
		hint = "check that the token in TAGBUMP_TOKEN, or else GITLAB_TOKEN, is still valid; a job's CI_JOB_TOKEN may not open merge requests"
	case status == http.StatusForbidden:
		hint = "the token needs the scope api, and its user at least the role Developer"
	case status == http.StatusNotFound:
		hint = "GitLab answers the same for a project that the token may not see"
	case status == http.StatusMethodNotAllowed:
		hint = "the merge request is open; GitLab merges it only when its rules allow"
	}
	return text, hint
}

// messages returns the texts of a message, whatever its shape, in a fixed order.
func messages(raw json.RawMessage) []string {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}
	}
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return list
	}
	var fields map[string][]string
	if json.Unmarshal(raw, &fields) != nil {
		return nil
	}
	var all []string
	for field, texts := range fields {
		for _, text := range texts {
			all = append(all, field+" "+text)
		}
	}
	slices.Sort(all)
	return all
}
