package testenv

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// GitHubOptions describe the one repository that a GitHub knows.
type GitHubOptions struct {
	Owner, Repo string
	Token       string // that must be sent; "" refuses every request
	Prefix      string // of every path, as GitHub Enterprise has "/api/v3"; default none

	// Tip returns the hash that a branch points at, and whether it exists.
	Tip func(branch string) (hash string, ok bool)

	// Formerly is an earlier "owner/repo", from which requests are redirected.
	Formerly string
}

// A GitHub is a fake of GitHub's REST API for the pull requests of one private
// repository. Its answers, error texts included, follow GitHub's documentation.
// It merges nothing; branches live where Tip looks.
type GitHub struct {
	// Before, when set, sees every request first and returns true when it has
	// answered it. It may change the request, as a server does that ignores a
	// parameter. Set it before the first request.
	Before func(http.ResponseWriter, *http.Request) bool

	opts     GitHubOptions
	routes   *http.ServeMux
	mu       sync.Mutex
	pulls    []*GitHubPull // by number, from 1
	requests []GitHubRequest
}

// A GitHubPull is one pull request as the fake holds it.
type GitHubPull struct {
	Number      int
	State       string // "open" or "closed"
	Title, Body string
	Head, Base  string // branches
	HeadOwner   string // another than the repository's owner for a fork
	Labels      []string
}

// A GitHubRequest is one request as it came in, without its token.
type GitHubRequest struct {
	Method, Path, Query, Body string
	UserAgent                 string
}

// NewGitHub returns a GitHub without pull requests.
func NewGitHub(opts GitHubOptions) *GitHub {
	g := &GitHub{opts: opts, routes: http.NewServeMux()}
	for _, root := range []string{"/repos/" + opts.Owner + "/" + opts.Repo, "/repositories/1"} {
		g.routes.HandleFunc("GET "+root+"/{$}", g.getRepository)
		g.routes.HandleFunc("GET "+root, g.getRepository)
		g.routes.HandleFunc("GET "+root+"/pulls", g.listPulls)
		g.routes.HandleFunc("POST "+root+"/pulls", g.createPull)
		g.routes.HandleFunc("PATCH "+root+"/pulls/{number}", g.editPull)
		g.routes.HandleFunc("POST "+root+"/issues/{number}/labels", g.addLabels)
	}
	if opts.Formerly != "" {
		g.routes.HandleFunc("/repos/"+opts.Formerly+"/", g.redirectMoved)
		g.routes.HandleFunc("/repos/"+opts.Formerly, g.redirectMoved)
	}
	g.routes.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { githubNotFound(w) })
	return g
}

// Listen serves g on a loopback port until stop is called, and returns the API's
// root, with the prefix and without a slash at its end.
func (g *GitHub) Listen() (apiURL string, stop func() error, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("github: %w", err)
	}
	server := &http.Server{Handler: g, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(listener) //nolint:errcheck // it ends with ErrServerClosed
	return "http://" + listener.Addr().String() + g.opts.Prefix, server.Close, nil
}

// Add opens a pull request, whatever its branches are, and returns its number.
func (g *GitHub) Add(pull GitHubPull) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.add(pull).Number
}

func (g *GitHub) add(pull GitHubPull) *GitHubPull {
	pull.Number = len(g.pulls) + 1
	if pull.State == "" {
		pull.State = "open"
	}
	if pull.HeadOwner == "" {
		pull.HeadOwner = g.opts.Owner
	}
	g.pulls = append(g.pulls, &pull)
	return &pull
}

// Close closes the pull request of that number, as a person does.
func (g *GitHub) Close(number int) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	pull := g.byNumber(strconv.Itoa(number))
	if pull == nil {
		return fmt.Errorf("github: no pull request #%d", number)
	}
	pull.State = "closed"
	return nil
}

// Pulls returns all pull requests by number, closed ones too.
func (g *GitHub) Pulls() []GitHubPull {
	g.mu.Lock()
	defer g.mu.Unlock()
	pulls := make([]GitHubPull, len(g.pulls))
	for i, pull := range g.pulls {
		pulls[i] = *pull
		pulls[i].Labels = slices.Clone(pull.Labels)
	}
	return pulls
}

// Requests returns what was asked so far, in order.
func (g *GitHub) Requests() []GitHubRequest {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.requests)
}

// ServeHTTP answers one request as GitHub would.
func (g *GitHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := g.record(r); err != nil {
		githubProblem(w, http.StatusBadRequest, "Problems reading the request")
		return
	}
	header := w.Header()
	header.Set("X-GitHub-Media-Type", "github.v3; format=json")
	header.Set("X-RateLimit-Limit", "5000")
	header.Set("X-RateLimit-Remaining", "4999")
	header.Set("X-RateLimit-Reset", "4102444800")
	header.Set("X-RateLimit-Resource", "core")
	if g.Before != nil && g.Before(w, r) {
		return
	}
	if !g.admits(w, r) {
		return
	}
	http.StripPrefix(g.opts.Prefix, g.routes).ServeHTTP(w, r)
}

func (g *GitHub) record(r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	g.mu.Lock()
	defer g.mu.Unlock()
	g.requests = append(g.requests, GitHubRequest{
		Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Body: string(body), UserAgent: r.UserAgent(),
	})
	return nil
}

// githubMediaType matches what GitHub takes, the names of past previews included.
var githubMediaType = regexp.MustCompile(`^(\*/\*|application/(\*|json|vnd\.github(\.v3|\.[a-z-]+-preview)?\+json))$`)

func githubAccepts(header string) bool {
	return header == "" || slices.ContainsFunc(strings.Split(header, ","), func(part string) bool {
		mediaType, _, _ := strings.Cut(part, ";")
		return githubMediaType.MatchString(strings.TrimSpace(mediaType))
	})
}

// admits checks what GitHub checks of every request, and answers those that fail.
func (g *GitHub) admits(w http.ResponseWriter, r *http.Request) bool {
	accept := r.Header.Get("Accept")
	version := r.Header.Get("X-GitHub-Api-Version")
	authorization := r.Header.Get("Authorization")
	switch {
	case r.UserAgent() == "":
		githubProblem(w, http.StatusForbidden, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header (https://docs.github.com/rest/overview/resources-in-the-rest-api#user-agent-required). Check https://developer.github.com for other possible causes.")
	case !githubAccepts(accept):
		githubProblem(w, http.StatusUnsupportedMediaType, "Unsupported 'Accept' header: '"+accept+"'. Must accept 'application/json'.")
	case version != "" && version != "2022-11-28":
		githubProblem(w, http.StatusBadRequest, "The 'X-GitHub-Api-Version' header value is not a supported version.")
	case authorization == "":
		githubNotFound(w) // the repository is private
	case g.opts.Token == "" || authorization != "Bearer "+g.opts.Token && authorization != "token "+g.opts.Token:
		githubProblem(w, http.StatusUnauthorized, "Bad credentials")
	default:
		return true
	}
	return false
}

func (g *GitHub) redirectMoved(w http.ResponseWriter, r *http.Request) {
	status := http.StatusMovedPermanently
	if r.Method != http.MethodGet {
		status = http.StatusTemporaryRedirect
	}
	to := url.URL{Path: g.opts.Prefix + "/repositories/1" + strings.TrimPrefix(r.URL.Path, "/repos/"+g.opts.Formerly), RawQuery: r.URL.RawQuery}
	w.Header().Set("Location", to.String())
	githubAnswer(w, status, map[string]any{
		"message": "Moved Permanently", "url": "http://" + r.Host + to.String(),
		"documentation_url": "https://docs.github.com/rest/guides/best-practices-for-using-the-rest-api#follow-redirects",
	})
}

func (g *GitHub) getRepository(w http.ResponseWriter, _ *http.Request) {
	githubAnswer(w, http.StatusOK, githubRepository(g.opts.Owner, g.opts.Repo))
}

func (g *GitHub) listPulls(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var matching []any
	for _, pull := range slices.Backward(g.pulls) { // newest first
		if pull.matches(r.URL.Query()) {
			matching = append(matching, g.render(pull, r))
		}
	}
	size := githubNumber(r, "per_page", 30, 100)
	page := githubNumber(r, "page", 1, 1<<30)
	last := max((len(matching)+size-1)/size, 1)
	g.link(w, r, page, last)
	from := min((page-1)*size, len(matching))
	answer := matching[from:min(from+size, len(matching))]
	githubAnswer(w, http.StatusOK, append([]any{}, answer...))
}

func (p *GitHubPull) matches(query url.Values) bool {
	state := query.Get("state")
	if state == "" {
		state = "open"
	}
	if state != "all" && state != p.State {
		return false
	}
	if base := query.Get("base"); base != "" && base != p.Base {
		return false
	}
	owner, branch, ok := strings.Cut(query.Get("head"), ":") // without an owner, GitHub ignores it
	return !ok || strings.EqualFold(owner, p.HeadOwner) && branch == p.Head
}

// link sets the Link header, whose addresses name the repository by its id.
func (g *GitHub) link(w http.ResponseWriter, r *http.Request, page, last int) {
	var links []string
	add := func(rel string, number int) {
		query := r.URL.Query()
		query.Set("page", strconv.Itoa(number))
		links = append(links, fmt.Sprintf(`<http://%s%s/repositories/1/pulls?%s>; rel=%q`, r.Host, g.opts.Prefix, query.Encode(), rel))
	}
	if page > 1 {
		add("prev", page-1)
	}
	if page < last {
		add("next", page+1)
		add("last", last)
	}
	if page > 1 {
		add("first", 1)
	}
	if links != nil {
		w.Header().Set("Link", strings.Join(links, ", "))
	}
}

func (g *GitHub) createPull(w http.ResponseWriter, r *http.Request) {
	var asked struct{ Title, Head, Base, Body string }
	if !githubDecode(w, r, &asked) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	pull := GitHubPull{Title: asked.Title, Body: asked.Body, Head: asked.Head, Base: asked.Base}
	if owner, branch, ok := strings.Cut(pull.Head, ":"); ok && strings.EqualFold(owner, g.opts.Owner) {
		pull.Head = branch
	}
	if problems := g.refuse(pull); problems != nil {
		githubInvalid(w, problems)
		return
	}
	githubAnswer(w, http.StatusCreated, g.render(g.add(pull), r))
}

// refuse returns GitHub's errors for a pull request that it would not open.
func (g *GitHub) refuse(pull GitHubPull) []any {
	for _, field := range []struct{ name, value string }{{"title", pull.Title}, {"head", pull.Head}, {"base", pull.Base}} {
		if field.value == "" {
			return []any{map[string]string{"resource": "PullRequest", "code": "missing_field", "field": field.name}}
		}
	}
	if problems := githubTexts(pull.Title, pull.Body); problems != nil {
		return problems
	}
	base, ok := g.opts.Tip(pull.Base)
	if !ok {
		return []any{map[string]string{"resource": "PullRequest", "field": "base", "code": "invalid"}}
	}
	head, ok := g.opts.Tip(pull.Head)
	if !ok {
		return []any{map[string]string{"resource": "PullRequest", "field": "head", "code": "invalid"}}
	}
	if head == base {
		return githubCustom(fmt.Sprintf("No commits between %s and %s", pull.Base, pull.Head))
	}
	for _, other := range g.pulls {
		if other.State == "open" && other.HeadOwner == g.opts.Owner && other.Head == pull.Head && other.Base == pull.Base {
			return githubCustom(fmt.Sprintf("A pull request already exists for %s:%s.", g.opts.Owner, pull.Head))
		}
	}
	return nil
}

func githubTexts(title, body string) []any {
	switch {
	case utf8.RuneCountInString(title) > 256:
		return githubCustom("title is too long (maximum is 256 characters)")
	case utf8.RuneCountInString(body) > 65536:
		return githubCustom("body is too long (maximum is 65536 characters)")
	}
	return nil
}

func (g *GitHub) editPull(w http.ResponseWriter, r *http.Request) {
	var asked struct{ Title, Body, State *string }
	if !githubDecode(w, r, &asked) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	pull := g.byNumber(r.PathValue("number"))
	if pull == nil {
		githubNotFound(w)
		return
	}
	edited := *pull
	githubSet(&edited.Title, asked.Title)
	githubSet(&edited.Body, asked.Body)
	githubSet(&edited.State, asked.State)
	if edited.Title == "" {
		githubInvalid(w, []any{map[string]string{"resource": "PullRequest", "code": "missing_field", "field": "title"}})
		return
	}
	if problems := githubTexts(edited.Title, edited.Body); problems != nil {
		githubInvalid(w, problems)
		return
	}
	if edited.State != "open" && edited.State != "closed" {
		githubInvalid(w, []any{map[string]string{"resource": "PullRequest", "code": "invalid", "field": "state"}})
		return
	}
	*pull = edited
	githubAnswer(w, http.StatusOK, g.render(pull, r))
}

func (g *GitHub) addLabels(w http.ResponseWriter, r *http.Request) {
	labels, ok := githubLabels(w, r)
	if !ok {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	pull := g.byNumber(r.PathValue("number"))
	if pull == nil {
		githubNotFound(w)
		return
	}
	for _, label := range labels {
		if !slices.ContainsFunc(pull.Labels, func(has string) bool { return strings.EqualFold(has, label) }) {
			pull.Labels = append(pull.Labels, label)
		}
	}
	githubAnswer(w, http.StatusOK, githubLabelObjects(pull.Labels))
}

// githubLabels reads both documented forms: {"labels": […]} and the bare array.
func githubLabels(w http.ResponseWriter, r *http.Request) ([]string, bool) {
	var raw json.RawMessage
	if !githubDecode(w, r, &raw) {
		return nil, false
	}
	var object struct{ Labels []string }
	if json.Unmarshal(raw, &object.Labels) != nil && json.Unmarshal(raw, &object) != nil {
		githubProblem(w, http.StatusUnprocessableEntity, "Invalid request.\n\nFor 'links/0/schema', expected array or object.")
		return nil, false
	}
	return object.Labels, true
}

func (g *GitHub) byNumber(text string) *GitHubPull {
	number, err := strconv.Atoi(text)
	if err != nil || number < 1 || number > len(g.pulls) {
		return nil
	}
	return g.pulls[number-1]
}

func (g *GitHub) render(pull *GitHubPull, r *http.Request) map[string]any {
	repository := g.opts.Owner + "/" + g.opts.Repo
	return map[string]any{
		"url":      fmt.Sprintf("http://%s%s/repos/%s/pulls/%d", r.Host, g.opts.Prefix, repository, pull.Number),
		"html_url": fmt.Sprintf("http://%s/%s/pull/%d", r.Host, repository, pull.Number),
		"id":       1000 + pull.Number,
		"number":   pull.Number,
		"state":    pull.State,
		"locked":   false,
		"draft":    false,
		"title":    pull.Title,
		"body":     githubNullable(pull.Body),
		"user":     map[string]any{"login": "tagbump-bot", "id": 2, "type": "Bot"},
		"labels":   githubLabelObjects(pull.Labels),
		"head":     g.side(pull.HeadOwner, pull.Head),
		"base":     g.side(g.opts.Owner, pull.Base),
	}
}

func (g *GitHub) side(owner, branch string) map[string]any {
	hash, _ := g.opts.Tip(branch)
	return map[string]any{
		"label": owner + ":" + branch, "ref": branch, "sha": hash,
		"user": map[string]any{"login": owner},
		"repo": githubRepository(owner, g.opts.Repo),
	}
}

func githubRepository(owner, repo string) map[string]any {
	return map[string]any{
		"id": 1, "name": repo, "full_name": owner + "/" + repo, "private": true,
		"owner": map[string]any{"login": owner}, "default_branch": "main",
	}
}

func githubLabelObjects(names []string) []any {
	objects := []any{}
	for i, name := range names {
		objects = append(objects, map[string]any{"id": i + 1, "name": name, "color": "ededed", "default": false})
	}
	return objects
}

func githubNullable(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func githubSet(field, value *string) {
	if value != nil {
		*field = *value
	}
}

func githubNumber(r *http.Request, name string, fallback, most int) int {
	number, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil || number < 1 {
		return fallback
	}
	return min(number, most)
}

func githubDecode(w http.ResponseWriter, r *http.Request, into any) bool {
	if err := json.NewDecoder(r.Body).Decode(into); err != nil {
		githubProblem(w, http.StatusBadRequest, "Problems parsing JSON")
		return false
	}
	return true
}

func githubCustom(message string) []any {
	return []any{map[string]string{"resource": "PullRequest", "code": "custom", "message": message}}
}

func githubInvalid(w http.ResponseWriter, problems []any) {
	githubAnswer(w, http.StatusUnprocessableEntity, map[string]any{
		"message": "Validation Failed", "errors": problems,
		"documentation_url": "https://docs.github.com/rest/pulls/pulls#create-a-pull-request", "status": "422",
	})
}

func githubNotFound(w http.ResponseWriter) { githubProblem(w, http.StatusNotFound, "Not Found") }

func githubProblem(w http.ResponseWriter, status int, message string) {
	githubAnswer(w, status, map[string]any{
		"message": message, "documentation_url": "https://docs.github.com/rest", "status": strconv.Itoa(status),
	})
}

func githubAnswer(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(answer) //nolint:errcheck // the client has gone
}
