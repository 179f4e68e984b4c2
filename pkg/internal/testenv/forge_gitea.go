package testenv

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// NewGitea returns a fake of Gitea's REST API (version 1) without pull requests.
// Its texts are those of a real Gitea 1.26.
func NewGitea(opts ForgeOptions) *Forge {
	f := newForge(opts, "/api/v1")
	f.admits = func(w http.ResponseWriter, r *http.Request) bool {
		if opts.Token == "" || r.Header.Get("Authorization") != "token "+opts.Token {
			giteaProblem(w, http.StatusUnauthorized, "invalid username, password or token")
			return false
		}
		return true
	}
	route := func(method, path string, handle func(http.ResponseWriter, *http.Request)) {
		f.routes.HandleFunc(method+" /repos/{owner}/{repo}"+path, func(w http.ResponseWriter, r *http.Request) {
			f.mu.Lock()
			defer f.mu.Unlock()
			known := strings.EqualFold(r.PathValue("owner")+"/"+r.PathValue("repo"), opts.Path)
			if !known || r.PathValue("number") != "" && f.pull(r) == nil {
				giteaProblem(w, http.StatusNotFound, "The target couldn't be found.")
				return
			}
			handle(w, r)
		})
	}
	route("GET", "/pulls", f.giteaList)
	route("POST", "/pulls", f.giteaCreate)
	route("GET", "/compare/{basehead}", f.giteaCompare)
	route("GET", "/pulls/{number}", func(w http.ResponseWriter, r *http.Request) {
		answerJSON(w, http.StatusOK, f.giteaPull(f.pull(r)))
	})
	route("PATCH", "/pulls/{number}", f.giteaEdit)
	route("POST", "/pulls/{number}/requested_reviewers", f.giteaReviewers)
	route("POST", "/pulls/{number}/merge", f.giteaMerge)
	route("GET", "/labels", func(w http.ResponseWriter, r *http.Request) {
		answerJSON(w, http.StatusOK, page(r, f.giteaLabels(f.labels), "limit", 50))
	})
	route("POST", "/labels", f.giteaCreateLabel)
	route("POST", "/issues/{number}/labels", f.giteaAddLabels)
	route("POST", "/issues/{number}/comments", f.giteaComment)
	f.routes.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		giteaProblem(w, http.StatusNotFound, "The target couldn't be found.")
	})
	return f
}

func giteaProblem(w http.ResponseWriter, status int, message string) {
	answerJSON(w, status, map[string]string{"message": message, "url": "https://gitea.example/api/swagger"})
}

func (f *Forge) giteaPull(pull *ForgePull) map[string]any {
	state, headRepo := "closed", 1
	if pull.Open {
		state = "open"
	}
	if pull.Fork {
		headRepo = 2
	}
	users := func(names []string) []map[string]any {
		list := []map[string]any{}
		for _, name := range names {
			list = append(list, map[string]any{"id": f.userNumber(name), "login": name})
		}
		return list
	}
	branch := func(name string, repo int) map[string]any {
		tip, _ := f.opts.Tip(name)
		return map[string]any{"label": name, "ref": name, "sha": tip, "repo_id": repo}
	}
	return map[string]any{
		"id": 1000 + pull.Number, "number": pull.Number, "title": pull.Title, "body": pull.Body, "state": state, "merged": pull.Merged,
		"draft": strings.HasPrefix(pull.Title, "WIP: "), "labels": f.giteaLabels(pull.Labels),
		"requested_reviewers": users(pull.Reviewers), "assignees": users(pull.Assignees),
		"head": branch(pull.Head, headRepo), "base": branch(pull.Base, 1),
		"html_url": fmt.Sprintf("https://gitea.example/%s/pulls/%d", f.opts.Path, pull.Number),
	}
}

func (f *Forge) giteaLabels(names []string) []map[string]any {
	labels := []map[string]any{}
	for _, name := range names {
		labels = append(labels, map[string]any{"id": f.labelNumber(name), "name": name, "color": "ededed"})
	}
	return labels
}

// giteaList ignores a filter by head, as Gitea does.
func (f *Forge) giteaList(w http.ResponseWriter, r *http.Request) {
	matching := []map[string]any{}
	for _, pull := range slices.Backward(f.pulls) {
		if rendered := f.giteaPull(pull); r.URL.Query().Get("state") == rendered["state"] {
			matching = append(matching, rendered)
		}
	}
	answerJSON(w, http.StatusOK, page(r, matching, "limit", 50))
}

func (f *Forge) giteaCompare(w http.ResponseWriter, r *http.Request) {
	base, head, ok := strings.Cut(r.PathValue("basehead"), "...")
	if !ok {
		giteaProblem(w, http.StatusNotFound, "The target couldn't be found.")
		return
	}
	commits := []map[string]any{}
	for _, commit := range f.opts.Compare(base, head).Commits {
		parents, files := []map[string]any{}, []map[string]any{}
		for _, parent := range commit.Parents {
			parents = append(parents, map[string]any{"sha": parent})
		}
		for _, name := range commit.Files {
			files = append(files, map[string]any{"filename": name, "status": "modified"})
		}
		commits = append(commits, map[string]any{
			"sha": commit.Hash, "parents": parents, "files": files,
			"commit": map[string]any{"message": commit.Message, "author": map[string]any{"name": commit.Author, "email": "someone@acme.example"}},
		})
	}
	answerJSON(w, http.StatusOK, map[string]any{"total_commits": len(commits), "commits": commits})
}

// giteaCreate opens a pull request without commits, too, as Gitea does.
func (f *Forge) giteaCreate(w http.ResponseWriter, r *http.Request) {
	var asked struct{ Head, Base, Title, Body string }
	if err := decodeJSON(r, &asked); err != nil || asked.Title == "" {
		giteaProblem(w, http.StatusUnprocessableEntity, "[Title]: Required")
		return
	}
	for _, branch := range []string{asked.Head, asked.Base} {
		if _, ok := f.opts.Tip(branch); !ok {
			giteaProblem(w, http.StatusNotFound, "The target couldn't be found.")
			return
		}
	}
	if open := f.openOne(asked.Head, asked.Base); open != nil && !f.opts.Racing {
		giteaProblem(w, http.StatusConflict, fmt.Sprintf("pull request already exists for these targets [id: %d, issue_id: %d, head_repo_id: 1, base_repo_id: 1, head_branch: %s, base_branch: %s]",
			open.Number, open.Number, open.Head, open.Base))
		return
	}
	pull := f.add(ForgePull{Title: asked.Title, Body: asked.Body, Head: asked.Head, Base: asked.Base})
	answerJSON(w, http.StatusCreated, f.giteaPull(pull))
}

func (f *Forge) giteaEdit(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Title     *string   `json:"title"`
		Body      *string   `json:"body"`
		State     string    `json:"state"`
		Assignees *[]string `json:"assignees"`
	}
	if err := decodeJSON(r, &asked); err != nil {
		giteaProblem(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	pull := f.pull(r)
	if asked.Assignees != nil {
		if !f.giteaKnows(w, *asked.Assignees) {
			return
		}
		pull.Assignees = *asked.Assignees
	}
	if asked.Title != nil {
		pull.Title = *asked.Title
	}
	if asked.Body != nil {
		pull.Body = *asked.Body
	}
	if asked.State == "closed" {
		pull.Open = false
	}
	answerJSON(w, http.StatusCreated, f.giteaPull(pull))
}

func (f *Forge) giteaKnows(w http.ResponseWriter, names []string) bool {
	for _, name := range names {
		if f.userNumber(name) == 0 {
			giteaProblem(w, http.StatusUnprocessableEntity, fmt.Sprintf("user does not exist [uid: 0, name: %s]", name))
			return false
		}
	}
	return true
}

func (f *Forge) giteaReviewers(w http.ResponseWriter, r *http.Request) {
	var asked struct{ Reviewers []string }
	if err := decodeJSON(r, &asked); err != nil {
		giteaProblem(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	if f.giteaKnows(w, asked.Reviewers) {
		f.pull(r).Reviewers = append(f.pull(r).Reviewers, asked.Reviewers...)
		answerJSON(w, http.StatusCreated, []any{})
	}
}

func (f *Forge) giteaMerge(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Do     string
		When   bool   `json:"merge_when_checks_succeed"`
		Commit string `json:"head_commit_id"`
		Delete bool   `json:"delete_branch_after_merge"`
	}
	pull := f.pull(r)
	tip, _ := f.opts.Tip(pull.Head)
	switch err := decodeJSON(r, &asked); {
	case err != nil:
		giteaProblem(w, http.StatusUnprocessableEntity, err.Error())
	case strings.HasPrefix(pull.Title, "WIP: "):
		giteaProblem(w, http.StatusMethodNotAllowed, "Work in progress PRs cannot be merged")
	case asked.Commit != tip, !asked.When, asked.Do != "merge":
		giteaProblem(w, http.StatusMethodNotAllowed, "Please try again later")
	case pull.AutoMerge:
		giteaProblem(w, http.StatusConflict, fmt.Sprintf("pull request already scheduled to auto merge when checks succeed [pull_id: %d]", pull.Number))
	default:
		pull.AutoMerge = true
		w.WriteHeader(http.StatusCreated)
	}
}

func (f *Forge) giteaCreateLabel(w http.ResponseWriter, r *http.Request) {
	var asked struct{ Name, Color string }
	if err := decodeJSON(r, &asked); err != nil || asked.Name == "" || !strings.HasPrefix(asked.Color, "#") {
		giteaProblem(w, http.StatusUnprocessableEntity, "[Name]: Required, [Color]: Required")
		return
	}
	f.labels = append(f.labels, asked.Name)
	answerJSON(w, http.StatusCreated, f.giteaLabels([]string{asked.Name})[0])
}

func (f *Forge) giteaAddLabels(w http.ResponseWriter, r *http.Request) {
	var asked struct{ Labels []int }
	if err := decodeJSON(r, &asked); err != nil {
		giteaProblem(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	pull := f.pull(r)
	for _, id := range asked.Labels {
		if id < 1 || id > len(f.labels) {
			giteaProblem(w, http.StatusUnprocessableEntity, fmt.Sprintf("label does not exist [label_id: %d]", id))
			return
		}
		pull.Labels = append(pull.Labels, f.labels[id-1])
	}
	answerJSON(w, http.StatusOK, f.giteaLabels(pull.Labels))
}

func (f *Forge) giteaComment(w http.ResponseWriter, r *http.Request) {
	var asked struct{ Body string }
	if err := decodeJSON(r, &asked); err != nil || asked.Body == "" {
		giteaProblem(w, http.StatusUnprocessableEntity, "[Body]: Required")
		return
	}
	pull := f.pull(r)
	pull.Comments = append(pull.Comments, asked.Body)
	answerJSON(w, http.StatusCreated, map[string]any{"id": len(pull.Comments), "body": asked.Body})
}
