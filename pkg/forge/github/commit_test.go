package github_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/forge/github"
	"github.com/tagbump/tagbump/pkg/forge/internal/forgetest"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// byAPI is a client of a fake over a real git repository.
type byAPI struct {
	*github.Client
	hub    *testenv.Forge
	repo   *testenv.GitRepo
	hubURL string
}

func open(t *testing.T, change func(*testenv.ForgeOptions)) byAPI {
	t.Helper()
	repo := testenv.MustRepo(t, filepath.Join(t.TempDir(), "charts.git"), forgetest.Repository())
	opts := testenv.ForgeOptions{Path: "acme/charts", Token: forgetest.Token, Prefix: "/api/v3", Git: repo}
	if change != nil {
		change(&opts)
	}
	hub, apiURL := testenv.StartGitHub(t, opts)
	client, err := github.New("acme", "charts", github.Options{APIURL: apiURL, Token: forgetest.Token, Log: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	return byAPI{client, hub, repo, apiURL}
}

func (b byAPI) read(t *testing.T, globs ...string) *files.Tree {
	t.Helper()
	tree, err := b.Read(t.Context(), "", "", files.MustSelect(globs...))
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// calls returns the requests, by the names of the GraphQL operations.
func (b byAPI) calls() string {
	var calls []string
	for _, request := range b.hub.Requests() {
		var document struct{ Query string }
		if json.Unmarshal([]byte(request.Body), &document) == nil && document.Query != "" {
			name, _, _ := strings.Cut(document.Query, "(")
			calls = append(calls, name)
			continue
		}
		calls = append(calls, request.Method+" "+strings.TrimPrefix(request.Path, "/api/v3/repos/acme/charts"))
	}
	return strings.Join(calls, ", ")
}

func (b byAPI) commit(tree *files.Tree, change map[string]string) forge.Change {
	commit := forge.Change{Branch: tree.Branch(), Old: tree.Tip(), Parent: tree.Tip(), Message: "bump web\n\nTagbump-Image: acme/web:1.4\n", Files: map[string][]byte{}}
	for name, content := range change {
		commit.Files[name] = []byte(content)
	}
	return commit
}

func TestACommitCostsTwoRequestsWhateverTheNumberOfFiles(t *testing.T) {
	b := open(t, nil)
	selection, err := files.MustSelect("web/values.yaml", "web/values-windows.yaml").WithContext("web/Chart.yaml", "web/helmfile*.yaml", "helmfile*.yaml", "gone/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	tree, err := b.Read(t.Context(), "", "", selection)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.ReplaceAll(forgetest.CRLF, "1.3", "1.4")
	hash, err := b.Commit(t.Context(), tree, b.commit(tree, map[string]string{"web/values.yaml": "a: 1\n", "web/values-windows.yaml": changed}))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := b.repo.File("main", "web/values-windows.yaml"); err != nil || got != changed {
		t.Errorf("%q, %v", got, err)
	}
	if tip, _ := b.repo.Tip("main"); tip != hash {
		t.Errorf("the commit is said to be %s, and is %s", hash, tip)
	}
	message, _ := b.repo.Git("log", "-1", "--format=%B", "main")
	if want := "bump web\n\nTagbump-Image: acme/web:1.4"; strings.TrimSpace(message) != want {
		t.Errorf("message %q", message)
	}
	if got, want := b.calls(), "query Look, query Texts, mutation Commit"; got != want {
		t.Errorf("asked: %s", got) // helmfile.yaml is known by a pattern only, and so is read second
	}

	b = open(t, nil)
	tree = b.read(t, "web/values.yaml", "web/values-windows.yaml", "helmfile.yaml")
	if _, err := b.Commit(t.Context(), tree, b.commit(tree, map[string]string{"web/values.yaml": "a: 1\n", "helmfile.yaml": "b: 1\n"})); err != nil {
		t.Fatal(err)
	}
	if got, want := b.calls(), "query Look, mutation Commit"; got != want {
		t.Errorf("asked: %s", got)
	}
}

// TestFilesAreReadByteForByte holds that a text that GraphQL has changed, cut or does
// not have is read by REST.
func TestFilesAreReadByteForByte(t *testing.T) {
	b := open(t, nil)
	want := map[string]string{"web/values-windows.yaml": forgetest.CRLF, "bom.yaml": forgetest.BOM, "latin.yaml": forgetest.Latin, "long.yaml": forgetest.Long}
	tree := b.read(t, "web/values-windows.yaml", "bom.yaml", "latin.yaml", "long.yaml")
	for name, content := range want {
		if got, _ := tree.File(name); string(got.Data) != content {
			t.Errorf("%s: %.60q, want %.60q", name, got.Data, content)
		}
	}
	for name, content := range want {
		want[name] = strings.ReplaceAll(content, "1.3", "1.4")
	}
	if _, err := b.Commit(t.Context(), tree, b.commit(tree, want)); err != nil {
		t.Fatal(err)
	}
	for name, content := range want {
		if got, _ := b.repo.File("main", name); got != content {
			t.Errorf("committed %s: %.60q, want %.60q", name, got, content)
		}
	}
}

// TestATextThatIsNotTheFileIsFound takes REST's word away too.
func TestATextThatIsNotTheFileIsFound(t *testing.T) {
	b := open(t, nil)
	b.hub.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/git/blobs/") {
			return false
		}
		fmt.Fprint(w, "something else")
		return true
	}
	_, err := b.Read(t.Context(), "", "", files.MustSelect("bom.yaml"))
	if want := "acme/charts: main: bom.yaml: GitHub's answer is not the file's content, by its hash: the forge cannot grant the request"; errorText(err) != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestPatternsThatSpanFoldersCostAListing(t *testing.T) {
	b := open(t, nil)
	tree := b.read(t, "**/*.yaml")
	if _, found := tree.File("docs/deep/er/x.yaml"); !found {
		t.Error("a file in a folder is missing")
	}
	for _, name := range []string{"link.yaml", "lfs.yaml"} {
		if _, found := tree.File(name); found {
			t.Errorf("%s is among the files", name)
		}
	}
	if got, want := b.calls(), "query Look, GET /git/trees/"+tree.Tip()+", query Texts, "; !strings.HasPrefix(got, want) {
		t.Errorf("asked: %s", got)
	}
	before := len(b.hub.Requests())
	if _, err := b.Read(t.Context(), tree.Branch(), tree.Tip(), files.MustSelect("web/*.yaml")); err != nil || len(b.hub.Requests()) != before {
		t.Errorf("%v; what is known was asked again: %s", err, b.calls())
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	forgetest.RunUnreadable(t, func(t *testing.T) forgetest.Reader { return open(t, nil) })
}

func TestACommitThatIsRefused(t *testing.T) {
	b := open(t, nil)
	tree := b.read(t, "web/values.yaml", "run.yaml")
	change := map[string]string{"web/values.yaml": "a: 1\n"}
	if _, err := b.repo.Commit("main", "theirs", map[string]string{"other.yaml": "x: 1\n"}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Commit(t.Context(), tree, b.commit(tree, change)); !errors.Is(err, forge.ErrMoved) {
		t.Errorf("a branch that has moved: %v", err)
	}
	if log, _ := b.repo.Log("main"); log[0] != "theirs" {
		t.Errorf("the branch has %q", log)
	}

	b = open(t, nil)
	tree = b.read(t, "run.yaml")
	_, err := b.Commit(t.Context(), tree, b.commit(tree, map[string]string{"run.yaml": "a: 1\n"}))
	if want := "acme/charts: main: run.yaml: is executable, and GitHub's API would take that away: the forge cannot grant the request"; errorText(err) != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}

	b = open(t, func(opts *testenv.ForgeOptions) { opts.Protected = "main" })
	tree = b.read(t, "web/values.yaml")
	_, err = b.Commit(t.Context(), tree, b.commit(tree, change))
	if want := "acme/charts: main: Repository rule violations found; Changes must be made through a pull request."; errorText(err) != want || !errors.Is(err, forge.ErrRefused) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if hint := err.(interface{ Hint() string }).Hint(); hint != "propose the change: --pr" {
		t.Errorf("hint %q", hint)
	}
}

// TestALostAnswerToACommitIsLookedUp drops the connection after the commit was made,
// and before it.
func TestALostAnswerToACommitIsLookedUp(t *testing.T) {
	for name, made := range map[string]bool{"after": true, "before": false} {
		b := open(t, nil)
		tree := b.read(t, "web/values.yaml")
		commit := b.commit(tree, map[string]string{"web/values.yaml": "a: 1\n"})
		lost := false
		b.hub.Before = func(w http.ResponseWriter, r *http.Request) bool {
			if lost || !strings.Contains(lastBody(b.hub), "mutation Commit") {
				return false
			}
			lost = true
			if made {
				if _, err := b.repo.Commit("main", commit.Message, map[string]string{"web/values.yaml": "a: 1\n"}); err != nil {
					t.Error(err)
				}
			}
			panic(http.ErrAbortHandler)
		}
		hash, err := b.Commit(t.Context(), tree, commit)
		log, _ := b.repo.Log("main")
		if tip, _ := b.repo.Tip("main"); err != nil || hash != tip || len(log) != 2 {
			t.Errorf("%s: %s, %v; the branch has %q", name, hash, err, log)
		}
	}
}

func lastBody(hub *testenv.Forge) string {
	requests := hub.Requests()
	return requests[len(requests)-1].Body
}

func TestANewBranchAndOneThatStartsAnew(t *testing.T) {
	b := open(t, nil)
	tree := b.read(t, "web/values.yaml")
	commit := b.commit(tree, map[string]string{"web/values.yaml": "a: 1\n"})
	commit.Branch, commit.Old = "tagbump/web", ""
	first, err := b.Commit(t.Context(), tree, commit)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Commit(t.Context(), tree, commit); !errors.Is(err, forge.ErrMoved) {
		t.Errorf("made twice: %v", err)
	}
	if _, err := b.repo.Commit("main", "theirs", map[string]string{"other.yaml": "x: 1\n"}); err != nil {
		t.Fatal(err)
	}
	tree = b.read(t, "web/values.yaml")
	again := b.commit(tree, map[string]string{"web/values.yaml": "a: 2\n"})
	again.Branch, again.Old = "tagbump/web", first
	second, err := b.Commit(t.Context(), tree, again)
	if err != nil {
		t.Fatal(err)
	}
	if log, _ := b.repo.Log("tagbump/web"); log[0] != "bump web" || log[1] != "theirs" {
		t.Errorf("the branch has %q", log)
	}
	if _, err := b.Commit(t.Context(), tree, again); err == nil {
		t.Error("a branch that is elsewhere was moved")
	}
	refs, _ := b.repo.Git("for-each-ref", "--format=%(refname:short)")
	if tip, _ := b.repo.Tip("tagbump/web"); tip != second || strings.Fields(refs)[0] != "main" || len(strings.Fields(refs)) != 2 {
		t.Errorf("tip %s, want %s; branches: %s", tip, second, refs)
	}
	if err := b.repo.Fsck(); err != nil {
		t.Error(err)
	}
}

// TestAPullRequestByTheAPICostsFourRequests holds the requests of a whole run: the files
// with the latest commits, the open and closed pull requests, branch and commit, and the new pull request.
func TestAPullRequestByTheAPICostsFourRequests(t *testing.T) {
	b := open(t, nil)
	client, err := github.New("acme", "charts", github.Options{APIURL: b.hubURL, Token: forgetest.Token, Recent: 50})
	if err != nil {
		t.Fatal(err)
	}
	selection := files.MustSelect("web/values.yaml", "web/values-windows.yaml", "helmfile.yaml")
	tree, err := client.Read(t.Context(), "", "", selection)
	if err != nil {
		t.Fatal(err)
	}
	if entries, err := client.Log(t.Context(), tree.Tip(), nil, 50); err != nil || len(entries) != 1 || entries[0].Message != "first" || entries[0].Author != "Else <else@example.com>" || entries[0].When.IsZero() {
		t.Errorf("%+v, %v", entries, err)
	}
	const head = "tagbump/web"
	found, err := forge.Find(t.Context(), client, head, "main")
	if err != nil || len(found.Open) > 0 || found.Last != nil {
		t.Errorf("%+v, %v", found, err)
	}
	old, err := client.Tip(t.Context(), head)
	if err != nil || old != "" {
		t.Errorf("%q, %v", old, err)
	}
	commit := b.commit(tree, map[string]string{"web/values.yaml": "a: 1\n", "web/values-windows.yaml": "a: 1\n", "helmfile.yaml": "a: 1\n"})
	commit.Branch, commit.Old = head, old
	made, err := client.Commit(t.Context(), tree, commit)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := forge.Start(t.Context(), client, forge.Proposal{Base: "main", Head: head, Title: "bump web"}); err != nil {
		t.Fatal(err)
	}
	if got, want := b.calls(), "query Look, query Find, mutation BranchAndCommit, POST /pulls"; got != want {
		t.Errorf("asked: %s", got)
	}
	if tip, err := client.Tip(t.Context(), head); err != nil || tip != made {
		t.Errorf("the tip afterwards: %s, %v, want %s", tip, err, made)
	}
}

// TestFindByGraphQL holds that it finds the same as the two lists of REST.
func TestFindByGraphQL(t *testing.T) {
	const head = "tagbump/web"
	pull := testenv.ForgePull{Head: head, Base: "main", Title: "web", Body: "text"}
	other, fork, next := pull, pull, pull
	other.Head, fork.Fork, next.Base = "tagbump/api", true, "next"
	for _, test := range []struct {
		name  string
		pulls []testenv.ForgePull
		end   func(*testenv.Forge, int) error // of all
	}{
		{"none", nil, nil},
		{"open", []testenv.ForgePull{other, pull, fork, next}, nil},
		{"closed, and a fork's after it", []testenv.ForgePull{other, pull, fork}, (*testenv.Forge).Close},
		{"merged", []testenv.ForgePull{other, pull}, (*testenv.Forge).Merge},
		{"over a page", slices.Repeat([]testenv.ForgePull{other}, 101), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := open(t, nil)
			for _, pull := range test.pulls {
				number := b.hub.Add(pull)
				if test.end == nil {
					continue
				}
				if err := test.end(b.hub, number); err != nil {
					t.Fatal(err)
				}
			}
			want, err := forge.FindEach(t.Context(), b.Client, head, "main")
			if err != nil {
				t.Fatal(err)
			}
			b.read(t, "web/values.yaml")
			got, err := forge.Find(t.Context(), b.Client, head, "main")
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
			}
		})
	}
}

func TestTheLogOfFiles(t *testing.T) {
	b := open(t, nil)
	for _, name := range []string{"web/values.yaml", "bom.yaml", "web/values.yaml"} {
		if _, err := b.repo.Commit("main", "change "+name, map[string]string{name: "# " + fmt.Sprint(len(b.calls())) + name}); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := b.Log(t.Context(), "main", []string{"web/values.yaml"}, 5)
	if err != nil || len(entries) != 2 || entries[0].Message != "change web/values.yaml" || entries[0].Author != "Else <else@example.com>" {
		t.Errorf("%+v, %v", entries, err)
	}
	if all, err := b.Log(t.Context(), "main", nil, 3); err != nil || len(all) != 3 {
		t.Errorf("%+v, %v", all, err)
	}
}
