// Package bitbucket opens, finds, refreshes and closes pull requests on Bitbucket
// Cloud, by its REST API (version 2.0).
//
// Bitbucket Cloud has no labels, no assignees and no auto-merge by API: a proposal
// that asks for them is refused before anything is opened.
//
// Two traps: an API token of a person is sent with that person's e-mail address,
// a repository's or workspace's access token alone. And a second request to open
// the same pull request changes the first one instead of failing.
package bitbucket

import (
	"context"
	"encoding/base64"
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
)

const (
	defaultAPIURL = "https://api.bitbucket.org/2.0"
	perPage       = 50 // the most that the API gives
	maxPages      = 20
)

// Options say how to reach the API. The zero value is bitbucket.org without a token.
type Options struct {
	APIURL    string            // root of the API; default: "https://api.bitbucket.org/2.0"
	Username  string            // the e-mail address of an API token's owner; "" for an access token
	Token     string            // with the scopes pullrequest:write and repository:write
	UserAgent string            // default: "tagbump"
	Transport http.RoundTripper // default: http.DefaultTransport
	Log       func(format string, args ...any)
}

// A Client speaks for one repository. It may be used by several goroutines.
type Client struct {
	api             *rest.Client
	workspace, repo string
}

// New returns a client for the repository workspace/repo and asks nobody yet.
func New(workspace, repo string, opts Options) (*Client, error) {
	if workspace == "" || repo == "" || strings.Contains(workspace+repo, "/") {
		return nil, fmt.Errorf("%q is not the name of a repository: %w", workspace+"/"+repo, forge.ErrInvalid)
	}
	if opts.APIURL == "" {
		opts.APIURL = defaultAPIURL
	}
	header := http.Header{}
	token, secrets := strings.TrimSpace(opts.Token), []string(nil)
	switch username := strings.TrimSpace(opts.Username); {
	case token == "":
	case username == "":
		header.Set("Authorization", "Bearer "+token)
		secrets = []string{token}
	default:
		pair := base64.StdEncoding.EncodeToString([]byte(username + ":" + token))
		header.Set("Authorization", "Basic "+pair)
		secrets = []string{token, pair}
	}
	api, err := rest.New(rest.Options{
		APIURL: opts.APIURL, Header: header, Secrets: secrets,
		UserAgent: opts.UserAgent, Transport: opts.Transport, Log: opts.Log, Explain: explain,
	})
	return &Client{api, workspace, repo}, err
}

// A pull is what the API tells of a pull request.
type pull struct {
	ID          int       `json:"id"`
	Title       string    `json:"title"`
	Description string    `json:"description"`
	State       string    `json:"state"`
	Draft       bool      `json:"draft"`
	Source      end       `json:"source"`
	Destination end       `json:"destination"`
	Reviewers   []account `json:"reviewers"`
	Links       struct {
		HTML struct {
			Href string `json:"href"`
		} `json:"html"`
	} `json:"links"`
}

type end struct {
	Branch struct {
		Name string `json:"name"`
	} `json:"branch"`
	Repository struct {
		FullName string `json:"full_name"`
	} `json:"repository"`
}

type account struct {
	UUID      string `json:"uuid"`
	AccountID string `json:"account_id"`
	Nickname  string `json:"nickname"`
}

func (p pull) pullRequest() forge.PullRequest {
	return forge.PullRequest{
		Number: p.ID, URL: p.Links.HTML.Href, State: p.state(), Draft: p.Draft, Title: p.Title, Body: p.Description,
		Head: p.Source.Branch.Name, Base: p.Destination.Branch.Name,
	}
}

func (p pull) state() forge.State {
	switch p.State {
	case "OPEN":
		return forge.Open
	case "MERGED":
		return forge.Merged
	}
	return forge.Closed // "DECLINED", and "SUPERSEDED" of a time when branches were replaced
}

// isOwn reports whether the pull request is from a branch of the repository itself.
func (p pull) isOwn() bool {
	return strings.EqualFold(p.Source.Repository.FullName, p.Destination.Repository.FullName)
}

// Check returns an error of the kind fault.Usage for a proposal with labels, assignees
// or auto-merge.
func (c *Client) Check(p forge.Proposal) error {
	var what string
	switch {
	case len(p.Labels) > 0:
		what = "labels"
	case len(p.Assignees) > 0:
		what = "assignees"
	case p.AutoMerge:
		what = "auto-merge"
	default:
		return nil
	}
	return fault.Errorf(fault.Usage, "%s: Bitbucket Cloud has no %s: %w", c.pair(p.Head, p.Base), what, forge.ErrInvalid)
}

// Open returns the open pull requests into base, the newest first, without those from
// forks.
func (c *Client) Open(ctx context.Context, base string) ([]forge.PullRequest, error) {
	where := c.workspace + "/" + c.repo + ": open pull requests into " + base
	var open []forge.PullRequest
	for page := 1; page <= maxPages; page++ {
		list, more, err := c.list(ctx, where, url.Values{"state": {"OPEN"}, "q": {"destination.branch.name = " + literal(base)}}, page)
		if err != nil {
			return nil, err
		}
		for _, p := range list {
			if p.State == "OPEN" && p.Destination.Branch.Name == base && p.isOwn() {
				open = append(open, p.pullRequest())
			}
		}
		if !more {
			return open, nil
		}
	}
	return nil, &rest.Error{Where: where, Why: fmt.Sprintf("over %d", maxPages*perPage), Kind: forge.ErrInvalid}
}

// Closed returns the latest pull request from head to base that is not open any more.
func (c *Client) Closed(ctx context.Context, head, base string) (forge.PullRequest, bool, error) {
	filter := fmt.Sprintf("source.branch.name = %s AND destination.branch.name = %s", literal(head), literal(base))
	list, _, err := c.list(ctx, c.pair(head, base), url.Values{"state": {"MERGED", "DECLINED", "SUPERSEDED"}, "q": {filter}}, 1)
	for _, p := range list {
		if p.State != "OPEN" && p.Source.Branch.Name == head && p.Destination.Branch.Name == base && p.isOwn() {
			return p.pullRequest(), true, nil
		}
	}
	return forge.PullRequest{}, false, err
}

// list returns one page of pull requests, the newest first, and whether there are more.
func (c *Client) list(ctx context.Context, where string, query url.Values, page int) (list []pull, more bool, err error) {
	var answer struct {
		Values []pull `json:"values"`
		Next   string `json:"next"`
	}
	query.Set("sort", "-created_on")
	query.Set("pagelen", strconv.Itoa(perPage))
	query.Set("page", strconv.Itoa(page))
	err = c.do(ctx, where, http.MethodGet, "/pullrequests", query, nil, &answer)
	return answer.Values, answer.Next != "", err
}

// comparedMost is how many commits or files a comparison asks for.
const comparedMost = 100

// Compare returns what head has since it left base.
func (c *Client) Compare(ctx context.Context, base, head string) (forge.Comparison, error) {
	var commits struct {
		Values []struct {
			Hash    string `json:"hash"`
			Message string `json:"message"`
			Author  struct {
				Raw string `json:"raw"` // "NAME <EMAIL>"
			} `json:"author"`
			Parents []struct {
				Hash string `json:"hash"`
			} `json:"parents"`
		} `json:"values"`
		Next string `json:"next"`
	}
	where := c.pair(head, base)
	query := url.Values{"include": {head}, "exclude": {base}, "pagelen": {strconv.Itoa(comparedMost)}}
	if err := c.do(ctx, where, http.MethodGet, "/commits", query, nil, &commits); err != nil {
		return forge.Comparison{}, err
	}
	var files struct {
		Values []struct {
			Old, New *struct {
				Path string `json:"path"`
			}
		} `json:"values"`
		Next string `json:"next"`
	}
	path := "/diffstat/" + url.PathEscape(head) + ".." + url.PathEscape(base)
	query = url.Values{"topic": {"true"}, "pagelen": {strconv.Itoa(comparedMost)}}
	if err := c.do(ctx, where, http.MethodGet, path, query, nil, &files); err != nil {
		return forge.Comparison{}, err
	}
	found := forge.Comparison{Cut: commits.Next != "" || files.Next != ""}
	for _, commit := range commits.Values {
		author, _, _ := strings.Cut(commit.Author.Raw, " <")
		one := forge.Commit{Hash: commit.Hash, Author: author, Message: commit.Message}
		for _, parent := range commit.Parents {
			one.Parents = append(one.Parents, parent.Hash)
		}
		found.Commits = append(found.Commits, one)
	}
	for _, file := range files.Values {
		for _, side := range []*struct {
			Path string `json:"path"`
		}{file.Old, file.New} {
			if side != nil {
				found.Files = append(found.Files, side.Path)
			}
		}
	}
	found.Files = forge.SortedNames(found.Files)
	return found, nil
}

// literal spells a text for the API's filters.
func literal(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// Create opens a pull request. The branch is removed when it is merged.
func (c *Client) Create(ctx context.Context, p forge.Proposal) (forge.PullRequest, error) {
	branch := func(name string) map[string]any { return map[string]any{"branch": map[string]any{"name": name}} }
	var made pull
	err := c.api.Do(ctx, rest.Request{
		Where: c.pair(p.Head, p.Base), Method: http.MethodPost, Path: c.path("/pullrequests"), Repetition: rest.Once,
		Body: map[string]any{
			"source": branch(p.Head), "destination": branch(p.Base), "title": p.Title, "description": p.Body,
			"close_source_branch": true, "draft": p.Draft,
		},
	}, &made)
	if err == nil && made.ID == 0 {
		err = fmt.Errorf("%s: the answer names no pull request: %w", c.pair(p.Head, p.Base), forge.ErrInvalid)
	}
	return made.pullRequest(), err
}

// Edit sets the title and the description.
func (c *Client) Edit(ctx context.Context, pr forge.PullRequest, p forge.Proposal) error {
	return c.put(ctx, pr.Number, map[string]any{"title": p.Title, "description": p.Body})
}

// Decorate adds reviewers: by nickname, account id, or UUID in braces.
func (c *Client) Decorate(ctx context.Context, pr forge.PullRequest, p forge.Proposal) error {
	if len(p.Reviewers) == 0 {
		return nil
	}
	var is pull
	if err := c.do(ctx, c.numbered(pr.Number), http.MethodGet, fmt.Sprintf("/pullrequests/%d", pr.Number), nil, nil, &is); err != nil {
		return err
	}
	wanted := slices.DeleteFunc(slices.Clone(p.Reviewers), func(name string) bool {
		return slices.ContainsFunc(is.Reviewers, func(a account) bool { return a.is(name) })
	})
	if len(wanted) == 0 {
		return nil
	}
	members, err := c.members(ctx)
	if err != nil {
		return err
	}
	reviewers := make([]map[string]any, 0, len(is.Reviewers)+len(wanted)) // the API replaces the list
	for _, a := range is.Reviewers {
		reviewers = append(reviewers, map[string]any{"uuid": a.UUID})
	}
	for _, name := range wanted {
		i := slices.IndexFunc(members, func(a account) bool { return a.is(name) })
		if i < 0 {
			return fmt.Errorf("%s: reviewer %q: no such member of the workspace %s: %w", c.numbered(is.ID), name, c.workspace, forge.ErrNotFound)
		}
		reviewers = append(reviewers, map[string]any{"uuid": members[i].UUID})
	}
	return c.put(ctx, is.ID, map[string]any{"title": is.Title, "reviewers": reviewers})
}

func (a account) is(name string) bool {
	return a.UUID == name || a.AccountID == name || strings.EqualFold(a.Nickname, name)
}

func (c *Client) members(ctx context.Context) ([]account, error) {
	var all []account
	for page := 1; page <= maxPages; page++ {
		var answer struct {
			Values []struct {
				User account `json:"user"`
			} `json:"values"`
			Next string `json:"next"`
		}
		err := c.api.Do(ctx, rest.Request{
			Where: c.workspace + ": members", Method: http.MethodGet, Path: "/workspaces/" + url.PathEscape(c.workspace) + "/members",
			Query: url.Values{"pagelen": {"100"}, "page": {strconv.Itoa(page)}},
		}, &answer)
		if err != nil {
			return nil, err
		}
		for _, member := range answer.Values {
			all = append(all, member.User)
		}
		if answer.Next == "" {
			break
		}
	}
	return all, nil
}

// Close declines the pull request, with a comment unless that is empty.
func (c *Client) Close(ctx context.Context, number int, comment string) error {
	below := fmt.Sprintf("/pullrequests/%d", number)
	if comment != "" {
		err := c.api.Do(ctx, rest.Request{
			Where: c.numbered(number), Method: http.MethodPost, Path: c.path(below + "/comments"), Repetition: rest.Once,
			Body: map[string]any{"content": map[string]any{"raw": comment}},
		}, nil)
		if err != nil {
			return err
		}
	}
	return c.api.Do(ctx, rest.Request{
		Where: c.numbered(number), Method: http.MethodPost, Path: c.path(below + "/decline"), Repetition: rest.Once,
	}, nil)
}

func (c *Client) put(ctx context.Context, number int, change map[string]any) error {
	return c.do(ctx, c.numbered(number), http.MethodPut, fmt.Sprintf("/pullrequests/%d", number), nil, change, nil)
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
	return "/repositories/" + url.PathEscape(c.workspace) + "/" + url.PathEscape(c.repo) + below
}

func (c *Client) pair(head, base string) string {
	return fmt.Sprintf("%s/%s: pull request %s → %s", c.workspace, c.repo, head, base)
}

func (c *Client) numbered(number int) string {
	return fmt.Sprintf("%s/%s: pull request #%d", c.workspace, c.repo, number)
}

// explain reads {"type": "error", "error": {"message": text, "detail": text, "fields": {...}}}.
func explain(status int, _ http.Header, body []byte) (text, hint string) {
	var answer struct {
		Error struct {
			Message string              `json:"message"`
			Detail  json.RawMessage     `json:"detail"` // a text, or an object with what is missing
			Fields  map[string][]string `json:"fields"`
		} `json:"error"`
	}
	_ = json.Unmarshal(body, &answer) // a page that is not JSON has no words to show
	parts := []string{answer.Error.Message}
	var detail string
	if json.Unmarshal(answer.Error.Detail, &detail) == nil {
		parts = append(parts, detail)
	}
	fields := make([]string, 0, len(answer.Error.Fields))
	for field, texts := range answer.Error.Fields {
		fields = append(fields, field+": "+strings.Join(texts, ", "))
	}
	slices.Sort(fields)
	parts = slices.DeleteFunc(append(parts, fields...), func(part string) bool { return part == "" })
	var scopes struct {
		Required []string `json:"required"`
	}
	switch {
	case json.Unmarshal(answer.Error.Detail, &scopes) == nil && len(scopes.Required) > 0:
		hint = "the token needs the scopes " + strings.Join(scopes.Required, ", ")
	case status == http.StatusUnauthorized:
		hint = "check BITBUCKET_TOKEN; an API token also needs its owner's e-mail address in BITBUCKET_EMAIL"
	case status == http.StatusForbidden:
		hint = "the token needs the scopes pullrequest:write and repository:write"
	case status == http.StatusNotFound:
		hint = "Bitbucket answers the same for a repository that the token may not see"
	}
	return strings.Join(parts, ": "), hint
}
