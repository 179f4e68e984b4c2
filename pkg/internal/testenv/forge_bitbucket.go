package testenv

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// NewBitbucket returns a fake of Bitbucket Cloud's REST API (version 2.0) without
// pull requests.
func NewBitbucket(opts ForgeOptions) *Forge {
	f := newForge(opts, "/2.0")
	f.admits = func(w http.ResponseWriter, r *http.Request) bool {
		username, password, basic := r.BasicAuth()
		right := basic && opts.Username != "" && username == opts.Username && password == opts.Token ||
			opts.Username == "" && r.Header.Get("Authorization") == "Bearer "+opts.Token
		if opts.Token == "" || !right {
			bitbucketProblem(w, http.StatusUnauthorized, "Token is invalid, expired, or not supported for this endpoint.")
			return false
		}
		return true
	}
	route := func(method, path string, handle func(http.ResponseWriter, *http.Request)) {
		f.routes.HandleFunc(method+" /repositories/{workspace}/{repo}"+path, func(w http.ResponseWriter, r *http.Request) {
			f.mu.Lock()
			defer f.mu.Unlock()
			name := r.PathValue("workspace") + "/" + r.PathValue("repo")
			if !strings.EqualFold(name, opts.Path) {
				bitbucketProblem(w, http.StatusNotFound, "You may not have access to this repository or it no longer exists in this workspace. If you think this repository exists and you have access, make sure you are authenticated.")
				return
			}
			if r.PathValue("number") != "" && f.pull(r) == nil {
				bitbucketProblem(w, http.StatusNotFound, "Pull request not found")
				return
			}
			handle(w, r)
		})
	}
	route("GET", "/pullrequests", f.bitbucketList)
	route("POST", "/pullrequests", f.bitbucketCreate)
	route("GET", "/commits", f.bitbucketCommits)
	route("GET", "/diffstat/{spec}", f.bitbucketDiffstat)
	route("GET", "/pullrequests/{number}", func(w http.ResponseWriter, r *http.Request) {
		answerJSON(w, http.StatusOK, f.bitbucketPull(f.pull(r)))
	})
	route("PUT", "/pullrequests/{number}", f.bitbucketEdit)
	route("POST", "/pullrequests/{number}/comments", f.bitbucketComment)
	route("POST", "/pullrequests/{number}/decline", func(w http.ResponseWriter, r *http.Request) {
		f.pull(r).Open = false
		answerJSON(w, http.StatusOK, f.bitbucketPull(f.pull(r)))
	})
	f.routes.HandleFunc("GET /workspaces/{workspace}/members", func(w http.ResponseWriter, r *http.Request) {
		members := []map[string]any{}
		for _, name := range opts.Users {
			members = append(members, map[string]any{"type": "workspace_membership", "user": f.bitbucketUser(name)})
		}
		bitbucketPage(w, r, members, 100)
	})
	f.routes.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		bitbucketProblem(w, http.StatusNotFound, "Resource not found")
	})
	return f
}

func bitbucketProblem(w http.ResponseWriter, status int, message string) {
	answerJSON(w, status, map[string]any{"type": "error", "error": map[string]any{"message": message}})
}

func bitbucketPage(w http.ResponseWriter, r *http.Request, all []map[string]any, most int) {
	values := page(r, all, "pagelen", most)
	answer := map[string]any{"values": values, "pagelen": most, "size": len(all)}
	if len(values) > 0 && len(values) < len(all) && fmt.Sprint(values[len(values)-1]) != fmt.Sprint(all[len(all)-1]) {
		answer["next"] = "https://api.bitbucket.example" + r.URL.Path + "?page=next"
	}
	answerJSON(w, http.StatusOK, answer)
}

func (f *Forge) bitbucketUser(name string) map[string]any {
	return map[string]any{"type": "user", "uuid": bitbucketUUID(f.userNumber(name)), "account_id": fmt.Sprintf("557058:%d", f.userNumber(name)), "nickname": name}
}

func bitbucketUUID(number int) string {
	return fmt.Sprintf("{00000000-0000-4000-8000-%012d}", number)
}

func (f *Forge) bitbucketPull(pull *ForgePull) map[string]any {
	state, source := "DECLINED", f.opts.Path
	if pull.Open {
		state = "OPEN"
	}
	if pull.Merged {
		state = "MERGED"
	}
	if pull.Fork {
		source = "someone/fork"
	}
	reviewers := []map[string]any{}
	for _, name := range pull.Reviewers {
		reviewers = append(reviewers, f.bitbucketUser(name))
	}
	end := func(branch, repository string) map[string]any {
		return map[string]any{"branch": map[string]any{"name": branch}, "repository": map[string]any{"type": "repository", "full_name": repository}}
	}
	return map[string]any{
		"type": "pullrequest", "id": pull.Number, "title": pull.Title, "description": pull.Body, "state": state, "draft": pull.Draft,
		"source": end(pull.Head, source), "destination": end(pull.Base, f.opts.Path), "reviewers": reviewers,
		"links": map[string]any{"html": map[string]any{"href": fmt.Sprintf("https://bitbucket.example/%s/pull-requests/%d", f.opts.Path, pull.Number)}},
	}
}

// bitbucketFilter is the part of Bitbucket's query language that clients use here.
var bitbucketFilter = regexp.MustCompile(`^(?:source\.branch\.name = "((?:[^"\\]|\\.)*)" AND )?destination\.branch\.name = "((?:[^"\\]|\\.)*)"$`)

func (f *Forge) bitbucketList(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	filter := bitbucketFilter.FindStringSubmatch(query.Get("q"))
	if filter == nil || query.Get("sort") != "-created_on" {
		bitbucketProblem(w, http.StatusBadRequest, "Invalid query: "+query.Get("q"))
		return
	}
	matching := []map[string]any{}
	for _, pull := range slices.Backward(f.pulls) {
		rendered := f.bitbucketPull(pull)
		if slices.Contains(query["state"], rendered["state"].(string)) && (filter[1] == "" || pull.Head == filter[1]) && pull.Base == filter[2] {
			matching = append(matching, rendered)
		}
	}
	bitbucketPage(w, r, matching, 50)
}

func (f *Forge) bitbucketCommits(w http.ResponseWriter, r *http.Request) {
	commits := []map[string]any{}
	for _, commit := range f.opts.Compare(r.URL.Query().Get("exclude"), r.URL.Query().Get("include")).Commits {
		parents := []map[string]any{}
		for _, parent := range commit.Parents {
			parents = append(parents, map[string]any{"type": "commit", "hash": parent})
		}
		commits = append(commits, map[string]any{
			"type": "commit", "hash": commit.Hash, "message": commit.Message, "parents": parents,
			"author": map[string]any{"type": "author", "raw": commit.Author + " <someone@acme.example>"},
		})
	}
	bitbucketPage(w, r, commits, 100)
}

func (f *Forge) bitbucketDiffstat(w http.ResponseWriter, r *http.Request) {
	head, base, ok := strings.Cut(r.PathValue("spec"), "..")
	if !ok || r.URL.Query().Get("topic") != "true" {
		bitbucketProblem(w, http.StatusNotFound, "Resource not found")
		return
	}
	files := []map[string]any{}
	for _, name := range f.opts.Compare(base, head).Files {
		side := map[string]any{"type": "commit_file", "path": name}
		files = append(files, map[string]any{"type": "diffstat", "status": "modified", "old": side, "new": side})
	}
	bitbucketPage(w, r, files, 500)
}

type bitbucketEnd struct {
	Branch struct{ Name string }
}

// bitbucketCreate changes the open pull request of the same branches instead of
// refusing, as Bitbucket does.
func (f *Forge) bitbucketCreate(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Source, Destination bitbucketEnd
		Title, Description  string
		Close               bool `json:"close_source_branch"`
		Draft               bool
	}
	if err := decodeJSON(r, &asked); err != nil {
		bitbucketProblem(w, http.StatusBadRequest, err.Error())
		return
	}
	head, base := asked.Source.Branch.Name, asked.Destination.Branch.Name
	if _, ok := f.opts.Tip(head); !ok || asked.Title == "" {
		answerJSON(w, http.StatusBadRequest, map[string]any{"type": "error", "error": map[string]any{
			"message": "Bad request", "fields": map[string][]string{"source": {"branch not found: " + head}},
		}})
		return
	}
	if from, _ := f.opts.Tip(head); from == f.tip(base) {
		bitbucketProblem(w, http.StatusBadRequest, "There are no changes to be pulled")
		return
	}
	pull := f.openOne(head, base)
	if pull == nil {
		pull = f.add(ForgePull{Head: head, Base: base, Draft: asked.Draft})
	}
	pull.Title, pull.Body = asked.Title, asked.Description
	answerJSON(w, http.StatusCreated, f.bitbucketPull(pull))
}

func (f *Forge) tip(branch string) string {
	tip, _ := f.opts.Tip(branch)
	return tip
}

func (f *Forge) bitbucketEdit(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Title       string
		Description *string
		Reviewers   *[]struct{ UUID string }
	}
	if err := decodeJSON(r, &asked); err != nil || asked.Title == "" {
		bitbucketProblem(w, http.StatusBadRequest, "title: This field is required.")
		return
	}
	pull := f.pull(r)
	pull.Title = asked.Title
	if asked.Description != nil {
		pull.Body = *asked.Description
	}
	if asked.Reviewers != nil {
		pull.Reviewers = nil
		for _, reviewer := range *asked.Reviewers {
			for _, name := range f.opts.Users {
				if bitbucketUUID(f.userNumber(name)) == reviewer.UUID {
					pull.Reviewers = append(pull.Reviewers, name)
				}
			}
		}
	}
	answerJSON(w, http.StatusOK, f.bitbucketPull(pull))
}

func (f *Forge) bitbucketComment(w http.ResponseWriter, r *http.Request) {
	var asked struct{ Content struct{ Raw string } }
	if err := decodeJSON(r, &asked); err != nil || asked.Content.Raw == "" {
		bitbucketProblem(w, http.StatusBadRequest, "content: This field is required.")
		return
	}
	pull := f.pull(r)
	pull.Comments = append(pull.Comments, asked.Content.Raw)
	answerJSON(w, http.StatusCreated, map[string]any{"id": len(pull.Comments)})
}
