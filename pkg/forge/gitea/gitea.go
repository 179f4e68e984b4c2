// Package gitea opens, finds, refreshes and closes pull requests on Gitea and
// Forgejo servers (Codeberg is one), by their REST API.
//
// A draft is a title that begins with "WIP: ". A label that the repository does
// not have is created first, as GitHub and GitLab do by themselves.
//
// Two traps: the list of pull requests ignores a filter by head, so answers are
// filtered here. And the server opens a pull request without any commits in it,
// so the caller must know that there is a change.
package gitea

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/forge/internal/rest"
)

const (
	draftPrefix = "WIP: "
	perPage     = 50 // the most that servers give by default
	maxPages    = 100
	labelColour = "#ededed" // GitHub's for a label that nobody gave a colour
)

// Options say how to reach the API.
type Options struct {
	APIURL    string            // root of the API, as "https://gitea.acme.example/api/v1"
	Token     string            // an access token with the scope write:repository
	UserAgent string            // default: "tagbump"
	Transport http.RoundTripper // default: http.DefaultTransport
	Log       func(format string, args ...any)
}

// A Client speaks for one repository. It may be used by several goroutines.
type Client struct {
	api         *rest.Client
	owner, repo string
}

// New returns a client for the repository owner/repo and asks nobody yet.
func New(owner, repo string, opts Options) (*Client, error) {
	if owner == "" || repo == "" || strings.Contains(owner+repo, "/") {
		return nil, fmt.Errorf("%q is not the name of a repository: %w", owner+"/"+repo, forge.ErrInvalid)
	}
	header := http.Header{}
	token := strings.TrimSpace(opts.Token)
	if token != "" {
		header.Set("Authorization", "token "+token)
	}
	api, err := rest.New(rest.Options{
		APIURL: opts.APIURL, Header: header, Secrets: []string{token},
		UserAgent: opts.UserAgent, Transport: opts.Transport, Log: opts.Log, Explain: explain,
	})
	return &Client{api, owner, repo}, err
}

// A pull is what the API tells of a pull request.
type pull struct {
	Number    int     `json:"number"`
	HTMLURL   string  `json:"html_url"`
	Title     string  `json:"title"`
	Body      string  `json:"body"`
	State     string  `json:"state"`
	Merged    bool    `json:"merged"`
	Head      branch  `json:"head"`
	Base      branch  `json:"base"`
	Labels    []label `json:"labels"`
	Reviewers []user  `json:"requested_reviewers"`
	Assignees []user  `json:"assignees"`
}

type branch struct {
	Ref    string `json:"ref"`
	SHA    string `json:"sha"`
	RepoID int    `json:"repo_id"`
}

type label struct {
	ID   int    `json:"id"`
	Name string `json:"name"`
}

type user struct {
	Login string `json:"login"`
}

func (p pull) pullRequest() forge.PullRequest {
	return forge.PullRequest{
		Number: p.Number, URL: p.HTMLURL, State: p.state(),
		Draft: strings.HasPrefix(p.Title, draftPrefix), Title: strings.TrimPrefix(p.Title, draftPrefix),
		Body: p.Body, Head: p.Head.Ref, Base: p.Base.Ref,
	}
}

func (p pull) state() forge.State {
	switch {
	case p.Merged:
		return forge.Merged
	case p.State == "open":
		return forge.Open
	}
	return forge.Closed
}

// Check returns nil: the forge has all that a proposal can ask for.
func (c *Client) Check(forge.Proposal) error { return nil }

// Open returns the open pull requests into base, the newest first, without those from
// forks.
func (c *Client) Open(ctx context.Context, base string) ([]forge.PullRequest, error) {
	where := c.owner + "/" + c.repo + ": open pull requests into " + base
	var open []forge.PullRequest
	for page := 1; page <= maxPages; page++ {
		list, err := c.list(ctx, where, "open", page)
		if err != nil {
			return nil, err
		}
		for _, p := range list {
			if p.State == "open" && p.Base.Ref == base && p.Head.RepoID == p.Base.RepoID {
				open = append(open, p.pullRequest())
			}
		}
		if len(list) == 0 { // a server may give fewer than asked for
			return open, nil
		}
	}
	return nil, &rest.Error{Where: where, Why: fmt.Sprintf("over %d pages", maxPages), Kind: forge.ErrInvalid}
}

// closedPages is how far back a pull request that is not open any more is looked for.
const closedPages = 4

// Closed returns the latest pull request from head to base that is not open any more,
// if it is among the latest ones of the repository.
func (c *Client) Closed(ctx context.Context, head, base string) (forge.PullRequest, bool, error) {
	for page := 1; page <= closedPages; page++ {
		list, err := c.list(ctx, c.pair(head, base), "closed", page)
		if err != nil || len(list) == 0 {
			return forge.PullRequest{}, false, err
		}
		for _, p := range list {
			if p.State == "closed" && p.Head.Ref == head && p.Base.Ref == base && p.Head.RepoID == p.Base.RepoID {
				return p.pullRequest(), true, nil
			}
		}
	}
	return forge.PullRequest{}, false, nil
}

func (c *Client) list(ctx context.Context, where, state string, page int) (list []pull, err error) {
	query := url.Values{"state": {state}, "limit": {strconv.Itoa(perPage)}, "page": {strconv.Itoa(page)}}
	err = c.do(ctx, where, http.MethodGet, "/pulls", query, nil, &list)
	return list, err
}

// Compare returns what head has since it left base.
func (c *Client) Compare(ctx context.Context, base, head string) (forge.Comparison, error) {
	var answer struct {
		Total   int `json:"total_commits"`
		Commits []struct {
			SHA     string `json:"sha"`
			Parents []struct {
				SHA string `json:"sha"`
			} `json:"parents"`
			Commit struct {
				Message string `json:"message"`
				Author  struct {
					Name string `json:"name"`
				} `json:"author"`
			} `json:"commit"`
			Files []struct {
				Name string `json:"filename"`
			} `json:"files"`
		} `json:"commits"`
	}
	path := "/compare/" + url.PathEscape(base) + "..." + url.PathEscape(head)
	if err := c.do(ctx, c.pair(head, base), http.MethodGet, path, nil, nil, &answer); err != nil {
		return forge.Comparison{}, err
	}
	found := forge.Comparison{Cut: len(answer.Commits) < answer.Total}
	for _, commit := range answer.Commits {
		one := forge.Commit{Hash: commit.SHA, Author: commit.Commit.Author.Name, Message: commit.Commit.Message}
		for _, parent := range commit.Parents {
			one.Parents = append(one.Parents, parent.SHA)
		}
		found.Commits = append(found.Commits, one)
		for _, file := range commit.Files {
			found.Files = append(found.Files, file.Name)
		}
	}
	found.Files = forge.SortedNames(found.Files)
	return found, nil
}

// Create opens a pull request. It returns the one of another job that was opened at the
// same time and before this one.
func (c *Client) Create(ctx context.Context, p forge.Proposal) (forge.PullRequest, error) {
	var made pull
	err := c.api.Do(ctx, rest.Request{
		Where: c.pair(p.Head, p.Base), Method: http.MethodPost, Path: c.path("/pulls"), Repetition: rest.Once,
		Body: map[string]any{"head": p.Head, "base": p.Base, "title": titleOf(p, p.Draft), "body": p.Body},
	}, &made)
	if err == nil && made.Number == 0 {
		err = fmt.Errorf("%s: the answer names no pull request: %w", c.pair(p.Head, p.Base), forge.ErrInvalid)
	}
	if err != nil {
		return forge.PullRequest{}, err
	}
	return c.oldest(ctx, made.pullRequest())
}

// oldest returns the oldest open pull request between the branches of made, and closes
// made if that is another one. Gitea 1.26 opens two for two requests at once.
func (c *Client) oldest(ctx context.Context, made forge.PullRequest) (forge.PullRequest, error) {
	open, err := c.Open(ctx, made.Base)
	if err != nil {
		return forge.PullRequest{}, err
	}
	first := made
	for _, pr := range open {
		if pr.Head == made.Head && pr.Number < first.Number {
			first = pr
		}
	}
	if first.Number == made.Number {
		return made, nil
	}
	first.Reused = true
	return first, c.Close(ctx, made.Number, fmt.Sprintf("#%d was opened at the same time.", first.Number))
}

// Edit sets the title and the body. A draft stays a draft.
func (c *Client) Edit(ctx context.Context, pr forge.PullRequest, p forge.Proposal) error {
	return c.patch(ctx, pr.Number, map[string]any{"title": titleOf(p, pr.Draft), "body": p.Body})
}

func titleOf(p forge.Proposal, draft bool) string {
	if draft && !strings.HasPrefix(p.Title, draftPrefix) {
		return draftPrefix + p.Title
	}
	return p.Title
}

// Decorate adds labels, reviewers and assignees, and asks for the merge when the
// checks have succeeded.
func (c *Client) Decorate(ctx context.Context, pr forge.PullRequest, p forge.Proposal) error {
	if len(p.Labels)+len(p.Reviewers)+len(p.Assignees) == 0 && !p.AutoMerge {
		return nil
	}
	is, err := c.get(ctx, pr.Number)
	if err != nil {
		return err
	}
	if err := c.addLabels(ctx, is, p.Labels); err != nil {
		return err
	}
	if missing := forge.Missing(p.Reviewers, loginsOf(is.Reviewers)); len(missing) > 0 {
		path := fmt.Sprintf("/pulls/%d/requested_reviewers", is.Number)
		if err := c.do(ctx, c.numbered(is.Number)+": reviewers", http.MethodPost, path, nil, map[string]any{"reviewers": missing}, nil); err != nil {
			return err
		}
	}
	has := loginsOf(is.Assignees)
	if missing := forge.Missing(p.Assignees, has); len(missing) > 0 {
		if err := c.patch(ctx, is.Number, map[string]any{"assignees": append(has, missing...)}); err != nil {
			return err
		}
	}
	if !p.AutoMerge {
		return nil
	}
	return c.autoMerge(ctx, is)
}

func loginsOf(users []user) []string {
	logins := make([]string, len(users))
	for i, u := range users {
		logins[i] = u.Login
	}
	return logins
}

// addLabels adds the labels that is does not have; the API wants their numbers.
func (c *Client) addLabels(ctx context.Context, is pull, wanted []string) error {
	has := make([]string, len(is.Labels))
	for i, l := range is.Labels {
		has[i] = l.Name
	}
	missing := forge.Missing(wanted, has)
	if len(missing) == 0 {
		return nil
	}
	known, err := c.labels(ctx)
	if err != nil {
		return err
	}
	var ids []int
	for _, name := range missing {
		id, found := known[strings.ToLower(name)]
		if !found {
			if id, err = c.createLabel(ctx, name); err != nil {
				return err
			}
		}
		ids = append(ids, id)
	}
	path := fmt.Sprintf("/issues/%d/labels", is.Number)
	return c.do(ctx, c.numbered(is.Number)+": labels", http.MethodPost, path, nil, map[string]any{"labels": ids}, nil)
}

// labels returns the numbers of the repository's labels by name in lower case.
func (c *Client) labels(ctx context.Context) (map[string]int, error) {
	known := map[string]int{}
	for page := 1; page <= maxPages; page++ {
		var list []label
		query := url.Values{"limit": {strconv.Itoa(perPage)}, "page": {strconv.Itoa(page)}}
		if err := c.do(ctx, c.owner+"/"+c.repo+": labels", http.MethodGet, "/labels", query, nil, &list); err != nil {
			return nil, err
		}
		if len(list) == 0 {
			break
		}
		for _, l := range list {
			known[strings.ToLower(l.Name)] = l.ID
		}
	}
	return known, nil
}

func (c *Client) createLabel(ctx context.Context, name string) (int, error) {
	var made label
	err := c.api.Do(ctx, rest.Request{
		Where: fmt.Sprintf("%s/%s: label %q", c.owner, c.repo, name), Method: http.MethodPost, Path: c.path("/labels"),
		Body: map[string]any{"name": name, "color": labelColour}, Repetition: rest.Once,
	}, &made)
	return made.ID, err
}

// autoMerge asks for a merge as soon as the checks have succeeded. The commit is
// named, so that nothing else is merged. A merge that is scheduled already is an
// answer 409, and is right.
func (c *Client) autoMerge(ctx context.Context, is pull) error {
	err := c.api.Do(ctx, rest.Request{
		Where: c.numbered(is.Number) + ": auto-merge", Method: http.MethodPost, Path: c.path(fmt.Sprintf("/pulls/%d/merge", is.Number)),
		Body:       map[string]any{"Do": "merge", "merge_when_checks_succeed": true, "head_commit_id": is.Head.SHA, "delete_branch_after_merge": true},
		Repetition: rest.Once,
	}, nil)
	if refusal, ok := err.(*rest.Error); ok && refusal.Status == http.StatusConflict {
		return nil
	}
	return err
}

// Close closes the pull request, with a comment unless that is empty.
func (c *Client) Close(ctx context.Context, number int, comment string) error {
	if comment != "" {
		err := c.api.Do(ctx, rest.Request{
			Where: c.numbered(number), Method: http.MethodPost, Path: c.path(fmt.Sprintf("/issues/%d/comments", number)),
			Body: map[string]any{"body": comment}, Repetition: rest.Once,
		}, nil)
		if err != nil {
			return err
		}
	}
	return c.patch(ctx, number, map[string]any{"state": "closed"})
}

func (c *Client) get(ctx context.Context, number int) (p pull, err error) {
	err = c.do(ctx, c.numbered(number), http.MethodGet, fmt.Sprintf("/pulls/%d", number), nil, nil, &p)
	return p, err
}

func (c *Client) patch(ctx context.Context, number int, change map[string]any) error {
	return c.do(ctx, c.numbered(number), http.MethodPatch, fmt.Sprintf("/pulls/%d", number), nil, change, nil)
}

// do sends a request below the repository that does the same twice as once.
func (c *Client) do(ctx context.Context, where, method, path string, query url.Values, body map[string]any, into any) error {
	req := rest.Request{Where: where, Method: method, Path: c.path(path), Query: query}
	if body != nil {
		req.Body = body
	}
	return c.api.Do(ctx, req, into)
}

func (c *Client) path(below string) string {
	return "/repos/" + url.PathEscape(c.owner) + "/" + url.PathEscape(c.repo) + below
}

func (c *Client) pair(head, base string) string {
	return fmt.Sprintf("%s/%s: pull request %s → %s", c.owner, c.repo, head, base)
}

func (c *Client) numbered(number int) string {
	return fmt.Sprintf("%s/%s: pull request #%d", c.owner, c.repo, number)
}

// explain reads {"message": text, "url": where the API is described}.
func explain(status int, _ http.Header, body []byte) (text, hint string) {
	var answer struct {
		Message string `json:"message"`
	}
	_ = json.Unmarshal(body, &answer) // a page that is not JSON has no words to show
	switch status {
	case http.StatusUnauthorized:
		hint = "check that the token in TAGBUMP_TOKEN, or else GITEA_TOKEN, is still valid"
	case http.StatusForbidden:
		hint = "the token needs the scope write:repository (and write:issue for labels and comments)"
	case http.StatusNotFound:
		hint = "the server answers the same for a repository that the token may not see"
	case http.StatusMethodNotAllowed:
		hint = "the pull request is open; the server merges it only when its rules allow"
	}
	return answer.Message, hint
}
