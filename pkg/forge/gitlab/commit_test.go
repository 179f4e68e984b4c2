package gitlab_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/forge/gitlab"
	"github.com/tagbump/tagbump/pkg/forge/internal/forgetest"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// byAPI is a client of a fake over a real git repository.
type byAPI struct {
	*gitlab.Client
	lab  *testenv.Forge
	repo *testenv.GitRepo
}

func withFiles(t *testing.T, change func(*testenv.ForgeOptions)) byAPI {
	t.Helper()
	repo := testenv.MustRepo(t, filepath.Join(t.TempDir(), "charts.git"), forgetest.Repository())
	opts := testenv.ForgeOptions{Path: forgetest.Path, Token: forgetest.Token, Git: repo, Compare: func(base, head string) testenv.ForgeComparison {
		found, err := repo.Compare(base, head)
		if err != nil {
			t.Error(err)
		}
		return found
	}}
	if change != nil {
		change(&opts)
	}
	lab := testenv.NewGitLab(opts)
	return byAPI{open(t, lab, forgetest.Path), lab, repo}
}

func (b byAPI) read(t *testing.T, globs ...string) *files.Tree {
	t.Helper()
	tree, err := b.Read(t.Context(), "", "", files.MustSelect(globs...))
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// calls returns the requests, without the project's path.
func (b byAPI) calls() string {
	var calls []string
	for _, request := range b.lab.Requests() {
		_, path, _ := strings.Cut(request.Path, "/projects/"+forgetest.Path)
		calls = append(calls, request.Method+" "+path)
	}
	return strings.Join(calls, "\n")
}

func change(tree *files.Tree, contents map[string]string) forge.Change {
	commit := forge.Change{Branch: tree.Branch(), Old: tree.Tip(), Parent: tree.Tip(), Message: "bump web\n\nTagbump-Image: acme/web:1.4\n", Files: map[string][]byte{}}
	for name, content := range contents {
		commit.Files[name] = []byte(content)
	}
	return commit
}

// TestCallsOfACommit holds what a push costs: the branch, each folder, each file, and one
// commit.
func TestCallsOfACommit(t *testing.T) {
	b := withFiles(t, nil)
	tree, err := b.Read(t.Context(), "main", "", files.MustSelect("web/values.yaml", "helmfile.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	commit := change(tree, map[string]string{"web/values.yaml": "a: 1\n", "helmfile.yaml": "b: 1\n"})
	commit.Author = "Ada <ada@acme.example>"
	hash, err := b.Commit(t.Context(), tree, commit)
	if err != nil {
		t.Fatal(err)
	}
	if tip, _ := b.repo.Tip("main"); tip != hash {
		t.Errorf("the commit is said to be %s, and is %s", hash, tip)
	}
	told, _ := b.repo.Git("log", "-1", "--format=%an <%ae>%n%B", "main")
	if want := "Ada <ada@acme.example>\nbump web\n\nTagbump-Image: acme/web:1.4\n\n"; told != want {
		t.Errorf("the commit says %q, want %q", told, want)
	}
	if changed, _ := b.repo.Git("diff", "--name-only", tree.Tip(), hash); changed != "helmfile.yaml\nweb/values.yaml\n" {
		t.Errorf("changed: %q", changed)
	}
	calls := strings.Split(b.calls(), "\n")
	slices.Sort(calls) // some of them are made at once
	want := []string{
		"GET /repository/branches/main", "GET /repository/files/helmfile.yaml", "GET /repository/files/web/values.yaml",
		"GET /repository/tree", "GET /repository/tree", "POST /repository/commits",
	}
	if !slices.Equal(calls, want) {
		t.Errorf("asked:\n%s", b.calls())
	}
}

// TestFilesAreReadAndCommittedByteForByte compares the commit with the one that git makes.
func TestFilesAreReadAndCommittedByteForByte(t *testing.T) {
	b := withFiles(t, nil)
	contents := map[string]string{"bom.yaml": forgetest.BOM, "latin.yaml": forgetest.Latin, "long.yaml": forgetest.Long, "run.yaml": "image: acme/web:1.3\n", "a b/ü#?.yaml": "a: 1\n"}
	tree := b.read(t, "bom.yaml", "latin.yaml", "long.yaml", "run.yaml", "empty.yaml", "a b/ü#[?].yaml", "web/values-windows.yaml")
	for name, content := range contents {
		if got, _ := tree.File(name); string(got.Data) != content {
			t.Errorf("%s: %.60q, want %.60q", name, got.Data, content)
		}
	}
	if got, _ := tree.File("web/values-windows.yaml"); string(got.Data) != forgetest.CRLF {
		t.Errorf("CR LF was read as %q", got.Data)
	}
	byGit := map[string]string{}
	for name, content := range contents {
		contents[name] = strings.ReplaceAll(content, "1", "2")
		byGit[name] = contents[name]
	}
	byGit["run.yaml*"] = byGit["run.yaml"]
	delete(byGit, "run.yaml")
	hash, err := b.Commit(t.Context(), tree, change(tree, contents))
	if err != nil {
		t.Fatal(err)
	}
	other := testenv.MustRepo(t, filepath.Join(t.TempDir(), "other.git"), forgetest.Repository())
	if _, err := other.Commit("main", "by git", byGit); err != nil {
		t.Fatal(err)
	}
	want, _ := other.Git("rev-parse", "main^{tree}")
	if got, _ := b.repo.Git("rev-parse", hash+"^{tree}"); got != want {
		t.Errorf("the tree is %s, and by git %s", got, want)
	}
}

func TestAFileWithCRLFIsRefused(t *testing.T) {
	b := withFiles(t, nil)
	tree := b.read(t, "web/values-windows.yaml")
	before := len(b.lab.Requests())
	_, err := b.Commit(t.Context(), tree, change(tree, map[string]string{"web/values-windows.yaml": forgetest.CRLF}))
	if want := "acme/charts: main: web/values-windows.yaml: has lines that end in CR LF, of which GitLab's API can make LF: the forge cannot grant the request"; errorText(err) != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if len(b.lab.Requests()) != before {
		t.Error("GitLab was asked")
	}
}

// TestATextThatIsNotTheFileIsFound answers with another text than the hash is of.
func TestATextThatIsNotTheFileIsFound(t *testing.T) {
	b := withFiles(t, nil)
	b.lab.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "bom.yaml") {
			return false
		}
		fmt.Fprintf(w, `{"content":"eA==","blob_id":%q}`, strings.Repeat("0", 40))
		return true
	}
	_, err := b.Read(t.Context(), "", "", files.MustSelect("bom.yaml"))
	if want := "acme/charts: main: bom.yaml: GitLab's answer is not the file's content, by its hash: the forge cannot grant the request"; errorText(err) != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestPatternsCostListings(t *testing.T) {
	b := withFiles(t, nil)
	selection, err := files.MustSelect("web/values*.yaml").WithContext("web/Chart.yaml", "gone/*.yaml", "gone/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	tree, err := b.Read(t.Context(), "", "", selection)
	if err != nil {
		t.Fatal(err)
	}
	if names := fmt.Sprint(names(t, tree)); names != "[web/Chart.yaml web/values-windows.yaml web/values.yaml]" {
		t.Errorf("read %s", names)
	}
	whole := b.read(t, "**/*.yaml")
	if _, found := whole.File("docs/deep/er/x.yaml"); !found {
		t.Error("a file in a folder is missing")
	}
	for _, name := range []string{"link.yaml", "lfs.yaml"} {
		if _, found := whole.File(name); found {
			t.Errorf("%s is among the files", name)
		}
	}
	before := len(b.lab.Requests())
	if _, err := b.Read(t.Context(), tree.Branch(), tree.Tip(), files.MustSelect("web/*.yaml")); err != nil || len(b.lab.Requests()) != before {
		t.Errorf("%v; what is known was asked again:\n%s", err, b.calls())
	}
}

// TestLongListings reads a repository of more than one page.
func TestLongListings(t *testing.T) {
	contents := map[string]string{}
	for i := range 130 {
		contents[fmt.Sprintf("apps/%03d.yaml", i)] = fmt.Sprintf("n: %d\n", i)
	}
	repo := testenv.MustRepo(t, filepath.Join(t.TempDir(), "charts.git"), contents)
	lab := testenv.NewGitLab(testenv.ForgeOptions{Path: forgetest.Path, Token: forgetest.Token, Git: repo})
	tree, err := open(t, lab, forgetest.Path).Read(t.Context(), "", "", files.MustSelect("apps/*9.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if found := names(t, tree); len(found) != 13 || !slices.Contains(found, "apps/129.yaml") {
		t.Errorf("%d files: %v", len(found), found)
	}
}

func TestFilesThatCannotBeRead(t *testing.T) {
	forgetest.RunUnreadable(t, func(t *testing.T) forgetest.Reader { return withFiles(t, nil) })
	b := withFiles(t, nil)
	gone := strings.Repeat("0", 40)
	if _, err := b.Read(t.Context(), "", gone, files.MustSelect("web/values.yaml")); errorText(err) != "acme/charts: web/values.yaml: no such file" {
		t.Errorf("a commit that does not exist: %v", err)
	}
	if _, err := open(t, b.lab, "acme/other").Tip(t.Context(), "main"); !errors.Is(err, forge.ErrNotFound) {
		t.Errorf("the tip in another project: %v", err)
	}
}

func TestACommitThatIsRefused(t *testing.T) {
	const ours = "web/values.yaml"
	for _, test := range []struct {
		name   string
		change func(*testenv.ForgeOptions)
		theirs string // a file that somebody else changes meanwhile
		want   string
		kind   error
	}{
		{"the file has changed", nil, ours, "acme/charts: main: HTTP 400: The file has changed since you started editing it: web/values.yaml", forge.ErrMoved},
		{"another file has changed", nil, "other.yaml", "<nil>", nil},
		{"the branch is protected", func(opts *testenv.ForgeOptions) { opts.Protected = "main" }, "", "acme/charts: main: HTTP 403: 403 Forbidden - You are not allowed to push into this branch", forge.ErrRefused},
		{"the file changes in the same moment", func(opts *testenv.ForgeOptions) { opts.Racing = true }, ours, "", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := withFiles(t, test.change)
			tree := b.read(t, ours)
			if test.theirs != "" {
				if _, err := b.repo.Commit("main", "theirs", map[string]string{test.theirs: "x: 1\n"}); err != nil {
					t.Fatal(err)
				}
			}
			theirs, _ := b.repo.Tip("main")
			made, err := b.Commit(t.Context(), tree, change(tree, map[string]string{ours: "a: 1\n"}))
			if want := test.want; want != "" && (errorText(err) != want || test.kind != nil && !errors.Is(err, test.kind)) {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			if want := fmt.Sprintf("acme/charts: main: web/values.yaml: commit %.10s changed it in the same moment, and commit %.10s, which is on top of it, has taken that back", theirs, made); test.want == "" && errorText(err) != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			if tip, _ := b.repo.Tip("main"); test.kind != nil && tip != theirs {
				t.Error("the branch has moved")
			}
		})
	}
}

// TestAPushRuleRefuses holds that any other refusal is one of the branch.
func TestAPushRuleRefuses(t *testing.T) {
	b := withFiles(t, nil)
	tree := b.read(t, "web/values.yaml")
	b.lab.Before = func(w http.ResponseWriter, r *http.Request) bool {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"message":"Commit message does not follow the pattern 'JIRA-\\d+'"}`)
		return true
	}
	_, err := b.Commit(t.Context(), tree, change(tree, map[string]string{"web/values.yaml": "a: 1\n"}))
	if want := `acme/charts: main: HTTP 400: Commit message does not follow the pattern 'JIRA-\d+'`; errorText(err) != want || !errors.Is(err, forge.ErrRefused) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestANewBranchAndOneThatStartsAnew(t *testing.T) {
	b := withFiles(t, nil)
	tree := b.read(t, "web/values.yaml")
	commit := change(tree, map[string]string{"web/values.yaml": "a: 1\n"})
	commit.Branch, commit.Old = "tagbump/web", ""
	first, err := b.Commit(t.Context(), tree, commit)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Commit(t.Context(), tree, commit); !errors.Is(err, forge.ErrMoved) {
		t.Errorf("made twice: %v", err)
	}
	if _, err := b.repo.Commit("main", "theirs", map[string]string{"web/values.yaml": "x: 1\n"}); err != nil {
		t.Fatal(err)
	}
	tree = b.read(t, "web/values.yaml")
	again := change(tree, map[string]string{"web/values.yaml": "a: 2\n"})
	again.Branch, again.Old = "tagbump/web", first
	second, err := b.Commit(t.Context(), tree, again)
	if err != nil {
		t.Fatal(err)
	}
	if log, _ := b.repo.Log("tagbump/web"); len(log) != 3 || log[0] != "bump web" || log[1] != "theirs" {
		t.Errorf("the branch has %q", log)
	}
	if _, err := b.Commit(t.Context(), tree, again); !errors.Is(err, forge.ErrMoved) {
		t.Errorf("a branch that is elsewhere was moved: %v", err)
	}
	if tip, _ := b.repo.Tip("tagbump/web"); tip != second {
		t.Errorf("tip %s, want %s", tip, second)
	}
}

// TestALostAnswerToACommitIsLookedUp drops the connection after the commit was made,
// before it, and after somebody else's.
func TestALostAnswerToACommitIsLookedUp(t *testing.T) {
	const ours = "bump web\n\nTagbump-Image: acme/web:1.4\n"
	for name, message := range map[string]string{"after": ours, "before": "", "theirs": "theirs"} {
		b := withFiles(t, nil)
		tree := b.read(t, "web/values.yaml")
		lost := false
		b.lab.Before = func(w http.ResponseWriter, r *http.Request) bool {
			if lost || r.Method != http.MethodPost {
				return false
			}
			lost = true
			if message != "" {
				if _, err := b.repo.Commit("main", message, map[string]string{"web/values.yaml": "a: 1\n"}); err != nil {
					t.Error(err)
				}
			}
			panic(http.ErrAbortHandler)
		}
		hash, err := b.Commit(t.Context(), tree, change(tree, map[string]string{"web/values.yaml": "a: 1\n"}))
		log, _ := b.repo.Log("main")
		tip, _ := b.repo.Tip("main")
		if message == "theirs" {
			if !errors.Is(err, forge.ErrMoved) {
				t.Errorf("%s: %v", name, err)
			}
		} else if err != nil || hash != tip {
			t.Errorf("%s: %s, %v", name, hash, err)
		}
		if len(log) != 2 {
			t.Errorf("%s: the branch has %q", name, log)
		}
	}
}

func TestTheLogOfFiles(t *testing.T) {
	b := withFiles(t, nil)
	for _, name := range []string{"web/values.yaml", "bom.yaml", "web/values.yaml"} {
		if _, err := b.repo.Commit("main", "change "+name, map[string]string{name: fmt.Sprint("# ", len(b.calls()), name)}); err != nil {
			t.Fatal(err)
		}
		b.read(t, name)
	}
	entries, err := b.Log(t.Context(), "main", []string{"web/values.yaml"}, 5)
	if err != nil || len(entries) != 3 || entries[0].Message != "change web/values.yaml" || entries[0].Author != "Else <else@example.com>" || entries[0].When.IsZero() {
		t.Errorf("%+v, %v", entries, err)
	}
	if all, err := b.Log(t.Context(), "", nil, 3); err != nil || len(all) != 3 {
		t.Errorf("%+v, %v", all, err)
	}
}

// TestTheBodyOfACommit holds what GitLab is sent.
func TestTheBodyOfACommit(t *testing.T) {
	b := withFiles(t, nil)
	tree := b.read(t, "web/values.yaml")
	if _, err := b.Commit(t.Context(), tree, change(tree, map[string]string{"web/values.yaml": "a: 1\n"})); err != nil {
		t.Fatal(err)
	}
	requests := b.lab.Requests()
	var got map[string]any
	if err := json.Unmarshal([]byte(requests[len(requests)-1].Body), &got); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprint(map[string]any{
		"branch": "main", "commit_message": "bump web\n\nTagbump-Image: acme/web:1.4\n",
		"actions": []any{map[string]any{"action": "update", "file_path": "web/values.yaml", "encoding": "base64", "content": "YTogMQo=", "last_commit_id": tree.Tip()}},
	})
	if fmt.Sprint(got) != want {
		t.Errorf("got  %v\nwant %s", got, want)
	}
}

// names lists the files of a tree.
func names(t *testing.T, tree *files.Tree) (all []string) {
	t.Helper()
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			all = append(all, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func errorText(err error) string { return fmt.Sprint(err) }
