package testenv

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// NewGitLab returns a fake of GitLab's REST API (version 4) without merge requests.
func NewGitLab(opts ForgeOptions) *Forge {
	f := newForge(opts, "/api/v4")
	f.admits = func(w http.ResponseWriter, r *http.Request) bool {
		token := r.Header.Get("PRIVATE-TOKEN")
		if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
			token = bearer
		}
		if opts.Token == "" || token != opts.Token {
			gitlabProblem(w, http.StatusUnauthorized, "401 Unauthorized")
			return false
		}
		return true
	}
	route := func(method, path string, handle func(http.ResponseWriter, *http.Request)) {
		f.routes.HandleFunc(method+" /projects/{project}"+path, func(w http.ResponseWriter, r *http.Request) {
			f.mu.Lock()
			defer f.mu.Unlock()
			if r.PathValue("project") != opts.Path {
				gitlabProblem(w, http.StatusNotFound, "404 Project Not Found")
				return
			}
			if r.PathValue("number") != "" && f.pull(r) == nil {
				gitlabProblem(w, http.StatusNotFound, "404 Not found")
				return
			}
			handle(w, r)
		})
	}
	route("GET", "/merge_requests", f.gitlabList)
	route("POST", "/merge_requests", f.gitlabCreate)
	route("GET", "/repository/compare", f.gitlabCompare)
	route("GET", "/merge_requests/{number}", func(w http.ResponseWriter, r *http.Request) {
		answerJSON(w, http.StatusOK, f.gitlabMergeRequest(f.pull(r)))
	})
	route("PUT", "/merge_requests/{number}", f.gitlabEdit)
	route("PUT", "/merge_requests/{number}/merge", f.gitlabMerge)
	route("POST", "/merge_requests/{number}/notes", f.gitlabNote)
	route("GET", "", func(w http.ResponseWriter, _ *http.Request) {
		answerJSON(w, http.StatusOK, map[string]any{"id": 7, "path_with_namespace": opts.Path, "default_branch": "main"})
	})
	route("GET", "/repository/branches/{branch}", f.gitlabBranch)
	route("GET", "/repository/tree", f.gitlabTree)
	route("GET", "/repository/files/{file}", f.gitlabFile)
	route("GET", "/repository/commits", f.gitlabCommits)
	route("POST", "/repository/commits", f.gitlabCommit)
	f.routes.HandleFunc("GET /users", func(w http.ResponseWriter, r *http.Request) {
		answerJSON(w, http.StatusOK, f.gitlabUsers([]string{r.URL.Query().Get("username")}))
	})
	f.routes.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		answerJSON(w, http.StatusNotFound, map[string]string{"error": "404 Not Found"})
	})
	return f
}

func gitlabProblem(w http.ResponseWriter, status int, message any) {
	answerJSON(w, status, map[string]any{"message": message})
}

func (f *Forge) gitlabUsers(names []string) []map[string]any {
	users := []map[string]any{}
	for _, name := range names {
		if id := f.userNumber(name); id > 0 {
			users = append(users, map[string]any{"id": id, "username": f.userNames([]int{id})[0], "state": "active"})
		}
	}
	return users
}

func (f *Forge) gitlabMergeRequest(pull *ForgePull) map[string]any {
	state, source := "closed", 7
	if pull.Open {
		state = "opened"
	}
	if pull.Merged {
		state = "merged"
	}
	if pull.Fork {
		source = 8
	}
	tip, _ := f.opts.Tip(pull.Head)
	return map[string]any{
		"id": 1000 + pull.Number, "iid": pull.Number, "project_id": 7, "source_project_id": source, "target_project_id": 7,
		"title": pull.Title, "description": pull.Body, "state": state, "source_branch": pull.Head, "target_branch": pull.Base,
		"sha": tip, "labels": append([]string{}, pull.Labels...), "draft": strings.HasPrefix(pull.Title, "Draft: "),
		"reviewers": f.gitlabUsers(pull.Reviewers), "assignees": f.gitlabUsers(pull.Assignees),
		"merge_when_pipeline_succeeds": pull.AutoMerge,
		"web_url":                      fmt.Sprintf("https://gitlab.example/%s/-/merge_requests/%d", f.opts.Path, pull.Number),
	}
}

func (f *Forge) gitlabList(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	matching := []map[string]any{}
	for _, pull := range slices.Backward(f.pulls) { // newest first
		m := f.gitlabMergeRequest(pull)
		if gitlabMatches(query, "state", m["state"]) && gitlabMatches(query, "source_branch", pull.Head) && gitlabMatches(query, "target_branch", pull.Base) {
			matching = append(matching, m)
		}
	}
	answerJSON(w, http.StatusOK, page(r, matching, "per_page", 100))
}

func (f *Forge) gitlabCompare(w http.ResponseWriter, r *http.Request) {
	found := f.opts.Compare(r.URL.Query().Get("from"), r.URL.Query().Get("to"))
	commits, diffs := []map[string]any{}, []map[string]any{}
	for _, commit := range slices.Backward(found.Commits) {
		title, _, _ := strings.Cut(commit.Message, "\n")
		commits = append(commits, map[string]any{
			"id": commit.Hash, "short_id": commit.Hash[:8], "parent_ids": commit.Parents, "title": title, "message": commit.Message,
			"author_name": commit.Author, "author_email": "someone@acme.example",
		})
	}
	for _, name := range found.Files {
		diffs = append(diffs, map[string]any{"old_path": name, "new_path": name, "a_mode": "100644", "b_mode": "100644", "diff": "@@ -1 +1 @@\n"})
	}
	answerJSON(w, http.StatusOK, map[string]any{"commits": commits, "diffs": diffs, "compare_timeout": false, "compare_same_ref": false})
}

func gitlabMatches(query url.Values, name string, value any) bool {
	return query.Get(name) == "" || query.Get(name) == value
}

func (f *Forge) gitlabCreate(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Source string `json:"source_branch"`
		Target string `json:"target_branch"`
		Title  string `json:"title"`
		Body   string `json:"description"`
		Remove bool   `json:"remove_source_branch"`
	}
	if err := decodeJSON(r, &asked); err != nil {
		answerJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	for _, field := range []struct{ name, value string }{{"source_branch", asked.Source}, {"target_branch", asked.Target}, {"title", asked.Title}} {
		if field.value == "" {
			answerJSON(w, http.StatusBadRequest, map[string]string{"error": field.name + " is missing"})
			return
		}
	}
	if _, ok := f.opts.Tip(asked.Source); !ok {
		gitlabProblem(w, http.StatusConflict, []string{fmt.Sprintf("Source branch %q does not exist", asked.Source)})
		return
	}
	if open := f.openOne(asked.Source, asked.Target); open != nil {
		gitlabProblem(w, http.StatusConflict, []string{fmt.Sprintf("Another open merge request already exists for this source branch: !%d", open.Number)})
		return
	}
	pull := f.add(ForgePull{Title: asked.Title, Body: asked.Body, Head: asked.Source, Base: asked.Target})
	answerJSON(w, http.StatusCreated, f.gitlabMergeRequest(pull))
}

func (f *Forge) gitlabEdit(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Title     *string `json:"title"`
		Body      *string `json:"description"`
		AddLabels string  `json:"add_labels"`
		Reviewers *[]int  `json:"reviewer_ids"`
		Assignees *[]int  `json:"assignee_ids"`
		Event     string  `json:"state_event"`
	}
	if err := decodeJSON(r, &asked); err != nil {
		answerJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	pull := f.pull(r)
	if asked.Title != nil {
		pull.Title = *asked.Title
	}
	if asked.Body != nil {
		pull.Body = *asked.Body
	}
	if asked.AddLabels != "" {
		pull.Labels = append(pull.Labels, strings.Split(asked.AddLabels, ",")...)
	}
	if asked.Reviewers != nil {
		pull.Reviewers = f.userNames(*asked.Reviewers)
	}
	if asked.Assignees != nil {
		pull.Assignees = f.userNames(*asked.Assignees)
	}
	if asked.Event == "close" {
		pull.Open = false
	}
	answerJSON(w, http.StatusOK, f.gitlabMergeRequest(pull))
}

func (f *Forge) gitlabMerge(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		SHA    string `json:"sha"`
		Auto   bool   `json:"auto_merge"`
		When   bool   `json:"merge_when_pipeline_succeeds"`
		Remove bool   `json:"should_remove_source_branch"`
	}
	pull := f.pull(r)
	tip, _ := f.opts.Tip(pull.Head)
	switch err := decodeJSON(r, &asked); {
	case err != nil:
		answerJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
	case !pull.Open, strings.HasPrefix(pull.Title, "Draft: "), !asked.Auto && !asked.When:
		gitlabProblem(w, http.StatusMethodNotAllowed, "405 Method Not Allowed")
	case asked.SHA != tip:
		gitlabProblem(w, http.StatusConflict, "SHA does not match HEAD of source branch")
	default:
		pull.AutoMerge = true
		answerJSON(w, http.StatusOK, f.gitlabMergeRequest(pull))
	}
}

func (f *Forge) gitlabNote(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Body string `json:"body"`
	}
	if err := decodeJSON(r, &asked); err != nil || asked.Body == "" {
		answerJSON(w, http.StatusBadRequest, map[string]string{"error": "body is missing"})
		return
	}
	pull := f.pull(r)
	pull.Comments = append(pull.Comments, asked.Body)
	answerJSON(w, http.StatusCreated, map[string]any{"id": len(pull.Comments), "body": asked.Body})
}
