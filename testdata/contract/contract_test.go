// Package contract holds what tagbump sends to GitHub, and what the tests' fake of GitHub
// answers, against GitHub's own descriptions: the OpenAPI description of its REST API
// and the schema of its GraphQL API. make contract gets both from npm.
package contract_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/forge/access"
	"github.com/tagbump/tagbump/pkg/forge/github"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

const token = "ghp_of-the-tests"

// An exchange is a request, and the answer to it.
type exchange struct {
	method, url string
	header      http.Header
	body        []byte
	status      int
	answered    http.Header
	answer      []byte
}

func (e exchange) String() string { return e.method + " " + e.url }

// A recorder is a transport that keeps what it carries.
type recorder struct{ exchanges []exchange }

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	e := exchange{method: req.Method, url: req.URL.String(), header: req.Header.Clone()}
	if req.Body != nil {
		var err error
		if e.body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		req.Body = io.NopCloser(bytes.NewReader(e.body))
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if e.answer, err = io.ReadAll(resp.Body); err != nil {
		return nil, err
	}
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(e.answer))
	e.status, e.answered = resp.StatusCode, resp.Header.Clone()
	r.exchanges = append(r.exchanges, e)
	return resp, nil
}

// A session is a fake GitHub and a client of it whose requests are kept.
type session struct {
	*recorder
	*github.Client
	hub    *testenv.Forge
	repo   *testenv.GitRepo
	apiURL string
	key    string // of the App
}

func start(t *testing.T) session {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	s := session{recorder: &recorder{}, key: encode("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))}
	s.repo = testenv.MustRepo(t, filepath.Join(t.TempDir(), "charts.git"), map[string]string{
		"web/values.yaml": "image:\n  tag: \"1.3\"\n", "deep/er/values.yaml": "tag: \"1.3\"\r\n", "bom.yaml": "\ufefftag: \"1.3\"\n",
	})
	s.hub, s.apiURL = testenv.StartGitHub(t, testenv.ForgeOptions{
		Path: "acme/charts", Token: token, Git: s.repo, Users: []string{"ada", "bob"},
		App: encode("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&key.PublicKey)),
		Compare: func(base, head string) testenv.ForgeComparison {
			return testenv.ForgeComparison{
				Commits: []testenv.ForgeCommit{{Hash: strings.Repeat("b", 40), Author: "Ada", Message: "bump", Parents: []string{strings.Repeat("a", 40)}}},
				Files:   []string{"web/values.yaml"},
			}
		},
	})
	s.Client, err = github.New("acme", "charts", s.options())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s session) options() github.Options {
	return github.Options{APIURL: s.apiURL, Token: token, Transport: s.recorder, Recent: 50}
}

// pullRequests opens one, refreshes it, opens its successor, closes the first with a
// comment, and asks for all that decorates the second.
func (s session) pullRequests(t *testing.T) {
	for _, branch := range []string{"tagbump/production/web", "tagbump/web-1.5"} {
		if _, err := s.repo.Commit(branch, "bump", map[string]string{"web/values.yaml": "# " + branch}); err != nil {
			t.Fatal(err)
		}
	}
	first := forge.Proposal{Base: "main", Head: "tagbump/production/web", Title: "web: 1.3 → 1.4", Body: "A body.\n", Draft: true}
	opened := s.propose(t, first)
	first.Title = "web: 1.3 → 1.4.1"
	s.propose(t, first)
	second := forge.Proposal{
		Base: "main", Head: "tagbump/web-1.5", Title: "web: 1.3 → 1.5", AutoMerge: true,
		Labels: []string{"deploy"}, Reviewers: []string{"ada", "acme/platform"}, Assignees: []string{"bob"},
	}
	s.propose(t, second)
	second.Reviewers = []string{"bob"}
	s.propose(t, second) // it was open, so who has reviewed is asked
	_, err := s.Compare(t.Context(), "main", "tagbump/production/web")
	try(t, err)
	try(t, s.Close(t.Context(), opened.Number, "Superseded by #2."))
	_, _, err = s.Closed(t.Context(), "tagbump/production/web", "main")
	try(t, err)
	fresh, err := github.New("acme", "charts", s.options())
	try(t, err)
	try(t, fresh.Decorate(t.Context(), forge.PullRequest{Number: 2}, second)) // which it has not seen
	third := forge.Proposal{Base: "main", Head: "tagbump/production/web", Title: "at once", AutoMerge: true}
	s.hub.Before = answerGraphQL("EnableAutoMerge", `{"data":{"enablePullRequestAutoMerge":null},"errors":[{"type":"UNPROCESSABLE","message":"Pull request Pull request is in clean status"}]}`)
	s.propose(t, third) // and is merged
	s.hub.Before = nil
}

// answerGraphQL answers the named operation.
func answerGraphQL(operation, answer string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		body, err := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if err != nil || !strings.Contains(string(body), operation+"(") {
			return false
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		io.WriteString(w, answer) //nolint:errcheck // the client has gone
		return true
	}
}

func (s session) propose(t *testing.T, p forge.Proposal) forge.PullRequest {
	t.Helper()
	open, err := s.Open(t.Context(), p.Base)
	try(t, err)
	pr, found := forge.From(open, p.Head)
	if found {
		pr, err = forge.Refresh(t.Context(), s.Client, pr, p)
	} else {
		pr, err = forge.Start(t.Context(), s.Client, p)
	}
	try(t, err)
	return pr
}

// commits reads files and commits them: on the branch, on a new branch, and on one that
// starts anew; and reads the history.
func (s session) commits(t *testing.T) {
	for _, globs := range [][]string{{"web/values.yaml", "bom.yaml", "web/values*.yaml"}, {"**/*.yaml"}} {
		client, err := github.New("acme", "charts", s.options())
		try(t, err)
		_, err = client.Read(t.Context(), "", "", files.MustSelect(globs...))
		try(t, err)
	}
	for _, branch := range []string{"main", "tagbump/new", "tagbump/new"} {
		tree, err := s.Read(t.Context(), "main", "", files.MustSelect("web/values.yaml"))
		try(t, err)
		_, err = s.Find(t.Context(), branch, "next")
		try(t, err)
		old, err := s.Tip(t.Context(), branch)
		try(t, err)
		if branch == "main" {
			_, err = s.Tip(t.Context(), branch) // which no Find has told
			try(t, err)
		}
		_, err = s.Client.Commit(t.Context(), tree, forge.Change{
			Branch: branch, Old: old, Parent: tree.Tip(), Message: "bump web\n\nTagbump-Image: acme/web:1.4\n",
			Files: map[string][]byte{"web/values.yaml": []byte("# " + old)},
		})
		try(t, err)
		if branch != "main" {
			_, err := s.repo.Commit("main", "theirs", map[string]string{"other.yaml": "x: " + old})
			try(t, err)
		}
	}
	tip, err := s.Tip(t.Context(), "main")
	try(t, err)
	_, err = s.Log(t.Context(), tip, []string{"web/values.yaml"}, 5)
	try(t, err)
}

// logIn asks for an App's token, and for what a token may do.
func (s session) logIn(t *testing.T) {
	_, err := github.App{ID: "1234", Key: s.key}.Token(t.Context(), "acme", "charts", github.Options{APIURL: s.apiURL, Transport: s.recorder})
	try(t, err)
	rights, err := access.GitHub(t.Context(), access.Options{APIURL: s.apiURL, Token: token, Repository: "acme/charts", Transport: s.recorder}, "main")
	if try(t, err); rights.Err("main") != nil {
		t.Error(rights.Err("main"))
	}
}

func try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestContract plays all that tagbump does with GitHub.
func TestContract(t *testing.T) {
	s := start(t)
	s.pullRequests(t)
	s.commits(t)
	s.logIn(t)
	rest, graph := loadREST(t), loadGraphQL(t)
	kinds := map[string]int{}
	for _, e := range s.exchanges {
		kind, problems := rest.check, []error(nil)
		if strings.HasSuffix(e.url, "/graphql") {
			kind = graph.check
		}
		name, problems := kind(e)
		kinds[name]++
		for _, problem := range problems {
			t.Errorf("%s: %v\nsent %s\ngot  %.400s", name, problem, e.body, e.answer)
		}
	}
	for _, name := range everyKind {
		if kinds[name] == 0 {
			t.Errorf("%s: was never sent", name)
		}
		delete(kinds, name)
	}
	for name := range kinds {
		t.Errorf("%s: is missing in the list", name)
	}
	t.Logf("%d requests of %d kinds", len(s.exchanges), len(everyKind))
}

// everyKind is all that tagbump asks GitHub for: operations of the REST API by their
// paths, and of the GraphQL API by the names of its documents.
var everyKind = []string{
	"GET /repos/{owner}/{repo}",
	"GET /repos/{owner}/{repo}/branches/{branch}",
	"GET /repos/{owner}/{repo}/pulls",
	"POST /repos/{owner}/{repo}/pulls",
	"GET /repos/{owner}/{repo}/pulls/{pull_number}",
	"PATCH /repos/{owner}/{repo}/pulls/{pull_number}",
	"GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews",
	"POST /repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers",
	"POST /repos/{owner}/{repo}/issues/{issue_number}/labels",
	"POST /repos/{owner}/{repo}/issues/{issue_number}/assignees",
	"POST /repos/{owner}/{repo}/issues/{issue_number}/comments",
	"GET /repos/{owner}/{repo}/compare/{basehead}",
	"GET /repos/{owner}/{repo}/git/trees/{tree_sha}",
	"GET /repos/{owner}/{repo}/git/blobs/{file_sha}",
	"GET /repos/{owner}/{repo}/commits",
	"GET /repos/{owner}/{repo}/installation",
	"POST /app/installations/{installation_id}/access_tokens",
	"MergeState", "EnableAutoMerge", "Merge",
	"Look", "Texts", "Find", "Tip", "Commit", "BranchAndCommit", "Move",
}

// TestWrongRequestsAreFound plants what GitHub would refuse.
func TestWrongRequestsAreFound(t *testing.T) {
	rest, graph := loadREST(t), loadGraphQL(t)
	const pulls, root = "POST /repos/acme/charts/pulls", "https://api.github.com"
	commit := func(input string) string {
		return `{"query":"mutation Commit($commit: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $commit) { commit { oid } } }","variables":{"commit":` + input + `}}`
	}
	for name, test := range map[string]struct{ call, body, answer string }{
		"a base is missing":          {pulls, `{"title":"t","head":"h"}`, `{}`},
		"a field of a wrong type":    {pulls, `{"title":"t","head":"h","base":"b","draft":"yes"}`, `{}`},
		"an unknown field":           {pulls, `{"title":"t","head":"h","base":"b","lables":["x"]}`, `{}`},
		"an unknown state":           {"PATCH /repos/acme/charts/pulls/1", `{"state":"merged"}`, `{}`},
		"a number that is a word":    {"PATCH /repos/acme/charts/pulls/one", `{"state":"closed"}`, `{}`},
		"an unknown path":            {"GET /repos/acme/charts/pullrequests", ``, `{}`},
		"a wrong method":             {"PUT /repos/acme/charts/pulls/1", `{}`, `{}`},
		"an unknown parameter":       {"GET /repos/acme/charts/pulls?target=main", ``, `[]`},
		"a parameter out of range":   {"GET /repos/acme/charts/pulls?state=merged", ``, `[]`},
		"an unknown permission":      {"POST /app/installations/7/access_tokens", `{"permissions":{"contents":"push"}}`, `{}`},
		"an answer of a wrong type":  {"GET /repos/acme/charts/pulls/1", ``, `{"number":"1"}`},
		"an answer that is no list":  {"GET /repos/acme/charts/pulls", ``, `{}`},
		"an unknown GraphQL field":   {"POST /graphql", `{"query":"query Q { repository(owner: \"a\", name: \"b\") { identity } }"}`, `{"data":{}}`},
		"an unknown GraphQL type":    {"POST /graphql", `{"query":"mutation M($i: CommitInput!) { createCommitOnBranch(input: $i) { commit { oid } } }","variables":{"i":{}}}`, `{"data":{}}`},
		"an input field is missing":  {"POST /graphql", commit(`{"branch":{},"message":{"headline":"h"}}`), `{"data":{"createCommitOnBranch":null}}`},
		"an unknown input field":     {"POST /graphql", commit(`{"branch":{},"message":{"headline":"h"},"expectedHeadOid":"a","author":"Ada"}`), `{"data":{"createCommitOnBranch":null}}`},
		"a GraphQL answer lacks one": {"POST /graphql", `{"query":"query Q { repository(owner: \"a\", name: \"b\") { id } }"}`, `{"data":{"repository":{}}}`},
		"a GraphQL null":             {"POST /graphql", `{"query":"query Q { repository(owner: \"a\", name: \"b\") { id } }"}`, `{"data":{"repository":{"id":null}}}`},
	} {
		method, path, _ := strings.Cut(test.call, " ")
		e := exchange{
			method: method, url: root + path, body: []byte(test.body), status: http.StatusOK, answer: []byte(test.answer),
			header: http.Header{"Content-Type": {"application/json"}}, answered: http.Header{"Content-Type": {"application/json"}},
		}
		if method == "POST" && path != "/graphql" {
			e.status = http.StatusCreated
		}
		check := rest.check
		if path == "/graphql" {
			check = graph.check
		}
		if _, problems := check(e); len(problems) == 0 {
			t.Errorf("%s: is not found", name)
		}
	}
}
