package testenv

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A gitHub is a fake of GitHub's REST and GraphQL APIs.
type gitHub struct {
	*Forge
	owner, repo string
}

// NewGitHub returns a GitHub that holds one repository without pull requests.
func NewGitHub(opts ForgeOptions) *Forge {
	owner, repo, _ := strings.Cut(opts.Path, "/")
	g := &gitHub{newForge(opts, opts.Prefix), owner, repo}
	g.admits = g.admit
	handle := func(method, path string, answer http.HandlerFunc) {
		for _, root := range []string{"/repos/" + opts.Path, "/repositories/1"} {
			g.routes.HandleFunc(method+" "+opts.Prefix+root+path, answer)
		}
	}
	handle("GET", "/{$}", g.getRepository)
	handle("GET", "", g.getRepository)
	handle("GET", "/branches/{branch}", g.getBranch)
	handle("GET", "/pulls", g.listPulls)
	handle("POST", "/pulls", g.createPull)
	handle("GET", "/compare/{basehead}", g.compare)
	handle("GET", "/pulls/{number}", g.getPull)
	handle("PATCH", "/pulls/{number}", g.editPull)
	handle("GET", "/pulls/{number}/reviews", g.listReviews)
	handle("POST", "/pulls/{number}/requested_reviewers", g.requestReviewers)
	handle("POST", "/issues/{number}/labels", g.addLabels)
	handle("POST", "/issues/{number}/assignees", g.addAssignees)
	handle("POST", "/issues/{number}/comments", g.addComment)
	handle("GET", "/installation", g.findInstallation)
	g.routes.HandleFunc("POST "+opts.Prefix+"/app/installations/7/access_tokens", g.createToken)
	handle("GET", "/git/trees/{sha}", g.getTree)
	handle("GET", "/git/blobs/{sha}", g.getBlob)
	handle("GET", "/commits", g.listCommits)
	graphQL := "/graphql"
	if opts.Prefix == "/api/v3" {
		graphQL = "/api/graphql"
	}
	g.routes.HandleFunc("POST "+graphQL, g.graphQL)
	if opts.Formerly != "" {
		g.routes.HandleFunc(opts.Prefix+"/repos/"+opts.Formerly+"/", g.redirectMoved)
		g.routes.HandleFunc(opts.Prefix+"/repos/"+opts.Formerly, g.redirectMoved)
	}
	g.routes.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { githubNotFound(w) })
	g.handler = g.routes
	return g.Forge
}

// githubMediaType matches what GitHub takes, the names of past previews included.
var githubMediaType = regexp.MustCompile(`^(\*/\*|application/(\*|json|vnd\.github(\.v3|\.[a-z-]+-preview)?\+json|vnd\.github\.v3\.raw))$`)

func githubAccepts(header string) bool {
	return header == "" || slices.ContainsFunc(strings.Split(header, ","), func(part string) bool {
		mediaType, _, _ := strings.Cut(part, ";")
		return githubMediaType.MatchString(strings.TrimSpace(mediaType))
	})
}

// admit checks what GitHub checks of every request, and answers those that fail.
func (g *gitHub) admit(w http.ResponseWriter, r *http.Request) bool {
	header := w.Header()
	header.Set("X-GitHub-Media-Type", "github.v3; format=json")
	header.Set("X-RateLimit-Limit", "5000")
	header.Set("X-RateLimit-Remaining", "4999")
	header.Set("X-RateLimit-Reset", "4102444800")
	header.Set("X-RateLimit-Resource", "core")
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
	case isAppPath(r.URL.Path):
		return g.admitApp(w, authorization)
	case authorization == "":
		githubNotFound(w) // the repository is private
	case g.opts.Token == "" || authorization != "Bearer "+g.opts.Token && authorization != "token "+g.opts.Token:
		githubProblem(w, http.StatusUnauthorized, "Bad credentials")
	default:
		return true
	}
	return false
}

func (g *gitHub) redirectMoved(w http.ResponseWriter, r *http.Request) {
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

func (g *gitHub) getRepository(w http.ResponseWriter, _ *http.Request) {
	githubAnswer(w, http.StatusOK, githubRepository(g.owner, g.repo))
}

func (g *gitHub) getBranch(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("branch")
	tip, exists := g.opts.Tip(name)
	if !exists {
		githubProblem(w, http.StatusNotFound, "Branch not found")
		return
	}
	githubAnswer(w, http.StatusOK, map[string]any{
		"name": name, "commit": map[string]any{"sha": tip}, "protected": name == g.opts.Protected,
	})
}

func (g *gitHub) listPulls(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var matching []any
	for _, pull := range slices.Backward(g.pulls) { // newest first
		if g.matches(pull, r.URL.Query()) {
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

func (g *gitHub) matches(p *ForgePull, query url.Values) bool {
	state := query.Get("state")
	if state == "" {
		state = "open"
	}
	if state != "all" && state != githubState(p) {
		return false
	}
	if base := query.Get("base"); base != "" && base != p.Base {
		return false
	}
	owner, branch, ok := strings.Cut(query.Get("head"), ":") // without an owner, GitHub ignores it
	return !ok || strings.EqualFold(owner, g.headOwner(p)) && branch == p.Head
}

func githubState(p *ForgePull) string {
	if p.Open {
		return "open"
	}
	return "closed"
}

func (g *gitHub) headOwner(p *ForgePull) string {
	if p.Fork {
		return "mallory"
	}
	return g.owner
}

// link sets the Link header, whose addresses name the repository by its id.
func (g *gitHub) link(w http.ResponseWriter, r *http.Request, page, last int) {
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

// mergedAt is null as long as the pull request is not merged.
func mergedAt(pull *ForgePull) any {
	if pull.Merged {
		return "2024-06-15T12:30:00Z"
	}
	return nil
}

func (g *gitHub) compare(w http.ResponseWriter, r *http.Request) {
	base, head, ok := strings.Cut(r.PathValue("basehead"), "...")
	if !ok {
		githubNotFound(w)
		return
	}
	found := g.opts.Compare(base, head)
	commits, files := []any{}, []any{}
	for _, commit := range slices.Backward(found.Commits) {
		parents := []any{}
		for _, parent := range commit.Parents {
			parents = append(parents, map[string]any{"sha": parent})
		}
		author := map[string]any{"name": commit.Author, "email": "someone@acme.example", "date": "2024-06-15T12:30:00Z"}
		commits = append(commits, map[string]any{
			"sha": commit.Hash, "parents": parents, "commit": map[string]any{"message": commit.Message, "author": author, "committer": author},
		})
	}
	for _, name := range found.Files {
		files = append(files, map[string]any{"filename": name, "status": "modified"})
	}
	githubAnswer(w, http.StatusOK, map[string]any{
		"status": "ahead", "ahead_by": len(commits), "total_commits": len(commits), "commits": commits, "files": files,
	})
}

func (g *gitHub) createPull(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Title, Head, Base, Body string
		Draft                   bool
	}
	if !githubDecode(w, r, &asked) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	pull := ForgePull{Title: asked.Title, Body: asked.Body, Head: asked.Head, Base: asked.Base, Draft: asked.Draft}
	if owner, branch, ok := strings.Cut(pull.Head, ":"); ok && strings.EqualFold(owner, g.owner) {
		pull.Head = branch
	}
	if problems := g.refuse(pull); problems != nil {
		githubInvalid(w, problems)
		return
	}
	githubAnswer(w, http.StatusCreated, g.render(g.add(pull), r))
}

// refuse returns GitHub's errors for a pull request that it would not open.
func (g *gitHub) refuse(pull ForgePull) []any {
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
	if g.openOne(pull.Head, pull.Base) != nil {
		return githubCustom(fmt.Sprintf("A pull request already exists for %s:%s.", g.owner, pull.Head))
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

func (g *gitHub) editPull(w http.ResponseWriter, r *http.Request) {
	var asked struct{ Title, Body, State *string }
	if !githubDecode(w, r, &asked) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	pull := g.pull(r)
	if pull == nil {
		githubNotFound(w)
		return
	}
	edited, state := *pull, githubState(pull)
	githubSet(&edited.Title, asked.Title)
	githubSet(&edited.Body, asked.Body)
	githubSet(&state, asked.State)
	if edited.Title == "" {
		githubInvalid(w, []any{map[string]string{"resource": "PullRequest", "code": "missing_field", "field": "title"}})
		return
	}
	if problems := githubTexts(edited.Title, edited.Body); problems != nil {
		githubInvalid(w, problems)
		return
	}
	if state != "open" && state != "closed" {
		githubInvalid(w, []any{map[string]string{"resource": "PullRequest", "code": "invalid", "field": "state"}})
		return
	}
	edited.Open = state == "open"
	*pull = edited
	githubAnswer(w, http.StatusOK, g.render(pull, r))
}

func (g *gitHub) getPull(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	pull := g.pull(r)
	if pull == nil {
		githubNotFound(w)
		return
	}
	githubAnswer(w, http.StatusOK, g.render(pull, r))
}

// listReviews answers with those of the users who have reviewed.
func (g *gitHub) listReviews(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	pull := g.pull(r)
	if pull == nil {
		githubNotFound(w)
		return
	}
	reviews := []any{}
	for i, user := range githubUsers(pull.Reviewed) {
		reviews = append(reviews, map[string]any{"id": i + 1, "user": user, "state": "APPROVED"})
	}
	githubAnswer(w, http.StatusOK, reviews)
}

func (g *gitHub) requestReviewers(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Reviewers     []string
		TeamReviewers []string `json:"team_reviewers"`
	}
	if !githubDecode(w, r, &asked) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	pull := g.pull(r)
	if pull == nil {
		githubNotFound(w)
		return
	}
	for _, name := range asked.Reviewers {
		if g.userNumber(name) == 0 {
			githubProblem(w, http.StatusUnprocessableEntity, "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the "+g.opts.Path+" repository.")
			return
		}
	}
	pull.Reviewers = addNames(pull.Reviewers, append(asked.Reviewers, asked.TeamReviewers...))
	githubAnswer(w, http.StatusCreated, g.render(pull, r))
}

// addAssignees leaves out, as GitHub does, whoever may not write.
func (g *gitHub) addAssignees(w http.ResponseWriter, r *http.Request) {
	var asked struct{ Assignees []string }
	if !githubDecode(w, r, &asked) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	pull := g.pull(r)
	if pull == nil {
		githubNotFound(w)
		return
	}
	known := slices.DeleteFunc(asked.Assignees, func(name string) bool { return g.userNumber(name) == 0 })
	pull.Assignees = addNames(pull.Assignees, known)
	githubAnswer(w, http.StatusCreated, g.render(pull, r))
}

func (g *gitHub) addComment(w http.ResponseWriter, r *http.Request) {
	var asked struct{ Body string }
	if !githubDecode(w, r, &asked) {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	pull := g.pull(r)
	if pull == nil {
		githubNotFound(w)
		return
	}
	pull.Comments = append(pull.Comments, asked.Body)
	githubAnswer(w, http.StatusCreated, map[string]any{"id": len(pull.Comments), "body": asked.Body})
}

// addNames returns names and those of more that it lacks; case does not count.
func addNames(names, more []string) []string {
	for _, name := range more {
		if !slices.ContainsFunc(names, func(has string) bool { return strings.EqualFold(has, name) }) {
			names = append(names, name)
		}
	}
	return names
}

func (g *gitHub) addLabels(w http.ResponseWriter, r *http.Request) {
	labels, ok := githubLabels(w, r)
	if !ok {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	pull := g.pull(r)
	if pull == nil {
		githubNotFound(w)
		return
	}
	pull.Labels = addNames(pull.Labels, labels)
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

func (g *gitHub) render(pull *ForgePull, r *http.Request) map[string]any {
	repository := g.opts.Path
	return map[string]any{
		"url":      fmt.Sprintf("http://%s%s/repos/%s/pulls/%d", r.Host, g.opts.Prefix, repository, pull.Number),
		"html_url": fmt.Sprintf("https://github.example/%s/pull/%d", repository, pull.Number),
		"id":       1000 + pull.Number,
		"number":   pull.Number,
		"state":    githubState(pull),
		"locked":   false, "merged_at": mergedAt(pull),
		"draft":               pull.Draft,
		"title":               pull.Title,
		"body":                githubNullable(pull.Body),
		"user":                map[string]any{"login": "tagbump-bot", "id": 2, "type": "Bot"},
		"labels":              githubLabelObjects(pull.Labels),
		"head":                g.side(g.headOwner(pull), pull.Head),
		"base":                g.side(g.owner, pull.Base),
		"assignees":           githubUsers(pull.Assignees),
		"requested_reviewers": githubUsers(pull.Reviewers),
		"requested_teams":     []any{},
	}
}

func (g *gitHub) side(owner, branch string) map[string]any {
	hash, _ := g.opts.Tip(branch)
	return map[string]any{
		"label": owner + ":" + branch, "ref": branch, "sha": hash,
		"user": map[string]any{"login": owner},
		"repo": githubRepository(owner, g.repo),
	}
}

func githubRepository(owner, repo string) map[string]any {
	return map[string]any{
		"id": 1, "name": repo, "full_name": owner + "/" + repo, "private": true,
		"owner": map[string]any{"login": owner}, "default_branch": "main",
		"permissions": map[string]any{"admin": false, "push": true, "pull": true},
	}
}

func githubUsers(names []string) []any {
	users := []any{}
	for i, name := range names {
		users = append(users, map[string]any{"login": name, "id": 101 + i, "type": "User"})
	}
	return users
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
	if err := decodeJSON(r, into); err != nil {
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
