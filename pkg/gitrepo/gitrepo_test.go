package gitrepo_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/gitrepo"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

var chart = map[string]string{
	"README.md":              "# charts\n",
	"web/values.yaml":        "image:\r\n  tag: \"1.0\" # keep\r\n",
	"web/templates/_x.tpl":   "{{ define }}\n",
	"web/templates/dep.yaml": "image: acme/web:1.0\n",
	"web/run.yaml*":          "#!/bin/sh\n",
	"web/link.yaml":          "symlink:values.yaml",
	"api/values.yaml":        "tag: 1.0\n",
}

var someone = gitrepo.Signature{Name: "Tag Bump", Email: "bump@example.com", When: time.Unix(1700000000, 0).In(time.FixedZone("", 19800))}

func commitOf(files map[string]string) gitrepo.Commit {
	c := gitrepo.Commit{Message: "web: 1.1", Author: someone, Files: map[string][]byte{}}
	for name, content := range files {
		c.Files[name] = []byte(content)
	}
	return c
}

// a place is one way to reach one repository.
type place struct {
	repo *testenv.GitRepo
	url  string
	opts gitrepo.Options
}

// places gives the same repository over each transport.
func places(_ *testing.T, files map[string]string) map[string]func(*testing.T) place {
	return map[string]func(*testing.T) place{
		"http": func(t *testing.T) place {
			s := testenv.StartGit(t)
			return place{repoOf(t, filepath.Join(s.Root, "x.git"), files), s.RepoURL("x.git"), gitrepo.Options{Token: s.Token}}
		},
		"ssh": func(t *testing.T) place {
			s := sharedSSH(t)
			repo := repoOf(t, filepath.Join(t.TempDir(), "it's x.git"), files)
			return place{repo, s.RepoURL(repo.Dir), gitrepo.Options{SSHKey: s.Key, KnownHosts: s.KnownHosts}}
		},
		"path": func(t *testing.T) place {
			repo := repoOf(t, filepath.Join(t.TempDir(), "x.git"), files)
			return place{repo, repo.Dir, gitrepo.Options{}}
		},
	}
}

func everywhere(t *testing.T, files map[string]string, f func(t *testing.T, p place)) {
	t.Helper()
	for name, make := range places(t, files) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, make(t))
		})
	}
}

func open(t *testing.T, p place) *gitrepo.Repo {
	t.Helper()
	r, err := gitrepo.Open(p.url, p.opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func read(t *testing.T, r *gitrepo.Repo, branch string, globs ...string) *files.Tree {
	t.Helper()
	tree, err := r.Read(t.Context(), gitrepo.Revision{Branch: branch}, files.MustSelect(globs...))
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func names(t *testing.T, tree fs.FS) []string {
	t.Helper()
	var all []string
	err := fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestReadGivesExactlyTheFilesThatGlobsMatch(t *testing.T) {
	tests := []struct {
		globs []string
		want  string
	}{
		{nil, "api/values.yaml web/run.yaml web/templates/_x.tpl web/templates/dep.yaml web/values.yaml"},
		{[]string{"web/values.yaml"}, "web/values.yaml"},
		{[]string{"*/values.yaml"}, "api/values.yaml web/values.yaml"},
		{[]string{"web/**/*.yaml"}, "web/run.yaml web/templates/dep.yaml web/values.yaml"},
		{[]string{"{api,web/templates}/*.yaml"}, "api/values.yaml web/templates/dep.yaml"},
		{[]string{"**/none.yaml"}, ""},
		{[]string{"./README.md", "api/*"}, "README.md api/values.yaml"},
	}
	everywhere(t, chart, func(t *testing.T, p place) {
		r := open(t, p)
		for _, test := range tests {
			if r.Scheme() != "ssh" { // each new Repo there is a new connection
				r = open(t, p)
			}
			tree := read(t, r, "", test.globs...)
			if got := strings.Join(names(t, tree), " "); got != test.want {
				t.Errorf("%q: got %s, want %s", test.globs, got, test.want)
			}
			if tip := must(p.repo.Tip("main"))(t); tree.Branch() != "main" || tree.Tip() != tip {
				t.Errorf("stands at %s %s, want main %s", tree.Branch(), tree.Tip(), tip)
			}
		}
	})
}

func TestAFileURLIsAPath(t *testing.T) {
	t.Parallel()
	p := places(t, chart)["path"](t)
	p.url = "file://" + p.url
	r := open(t, p)
	hash := must(r.Push(t.Context(), read(t, r, "main", "api/*"), commitOf(map[string]string{"api/values.yaml": "tag: 2\n"})))(t)
	if tip := must(p.repo.Tip("main"))(t); tip != hash {
		t.Errorf("main is at %s, want %s", tip, hash)
	}
}

func TestTreeIsAFileSystem(t *testing.T) {
	t.Parallel()
	p := places(t, chart)["path"](t)
	tree := read(t, open(t, p), "main", "web/*.yaml", "web/templates/*")
	if err := fstest.TestFS(tree, "web/values.yaml", "web/run.yaml", "web/templates/_x.tpl"); err != nil {
		t.Error(err)
	}
}

func TestPushChangesOneLineAndKeepsModes(t *testing.T) {
	everywhere(t, chart, func(t *testing.T, p place) {
		r := open(t, p)
		tree := read(t, r, "main", "web/*.yaml")
		before := tree.Tip()
		hash, err := r.Push(t.Context(), tree, commitOf(map[string]string{
			"web/values.yaml": "image:\r\n  tag: \"1.1\" # keep\r\n",
			"web/run.yaml":    "#!/bin/bash\n",
		}))
		if err != nil {
			t.Fatal(err)
		}
		if tip := must(p.repo.Tip("main"))(t); tip != hash {
			t.Fatalf("main is at %s, and Push said %s", tip, hash)
		}
		const raw = ":100755 100755 M\tweb/run.yaml\n:100644 100644 M\tweb/values.yaml\n"
		diff := must(p.repo.Git("diff-tree", "-r", "--format=", before, hash))(t)
		if got := withoutIDs(diff); got != raw {
			t.Errorf("diff-tree:\n%swant:\n%s", got, raw)
		}
		const header = "Tag Bump <bump@example.com> 2023-11-15T03:43:20+05:30\nTag Bump <bump@example.com> 2023-11-15T03:43:20+05:30\nweb: 1.1\n\n"
		if got := must(p.repo.Git("log", "-1", "--format=%an <%ae> %aI%n%cn <%ce> %cI%n%B", hash))(t); got != header {
			t.Errorf("commit:\n%s\nwant:\n%s", got, header)
		}
		if parents := must(p.repo.Git("log", "-1", "--format=%P", hash))(t); strings.TrimSpace(parents) != before {
			t.Errorf("parents %s, want %s", parents, before)
		}
		if err := p.repo.Fsck(); err != nil {
			t.Error(err)
		}
	})
}

// withoutIDs takes the object ids out of a raw diff.
func withoutIDs(raw string) string {
	var out strings.Builder
	for line := range strings.Lines(raw) {
		fields := strings.SplitN(line, " ", 5)
		out.WriteString(fields[0] + " " + fields[1] + " " + fields[4])
	}
	return out.String()
}

func TestSecondPushFollowsTheFirst(t *testing.T) {
	everywhere(t, chart, func(t *testing.T, p place) {
		r := open(t, p)
		for _, tag := range []string{"1.1", "1.2", "1.3"} {
			tree := read(t, r, "main", "api/values.yaml")
			if _, err := r.Push(t.Context(), tree, commitOf(map[string]string{"api/values.yaml": "tag: " + tag + "\n"})); err != nil {
				t.Fatal(err)
			}
		}
		if got := len(must(p.repo.Log("main"))(t)); got != 4 {
			t.Errorf("%d commits, want 4", got)
		}
		if got := must(p.repo.File("main", "api/values.yaml"))(t); got != "tag: 1.3\n" {
			t.Errorf("the file holds %q", got)
		}
	})
}

func TestPushToAMovedBranchIsErrMovedAndDropsNothing(t *testing.T) {
	everywhere(t, chart, func(t *testing.T, p place) {
		r := open(t, p)
		tree := read(t, r, "main", "api/values.yaml")
		else1 := must(p.repo.Commit("main", "else", map[string]string{"api/values.yaml": "tag: 9\n"}))(t)
		_, err := r.Push(t.Context(), tree, commitOf(map[string]string{"api/values.yaml": "tag: 2\n"}))
		if !errors.Is(err, gitrepo.ErrMoved) {
			t.Fatalf("got %v, want ErrMoved", err)
		}
		if tip := must(p.repo.Tip("main"))(t); tip != else1 {
			t.Errorf("main is at %s, want %s", tip, else1)
		}
		again := read(t, r, "main", "api/values.yaml")
		if got := string(must(fs.ReadFile(again, "api/values.yaml"))(t)); got != "tag: 9\n" {
			t.Errorf("the new tip's file holds %q", got)
		}
		if _, err := r.Push(t.Context(), again, commitOf(map[string]string{"api/values.yaml": "tag: 2\n"})); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(must(p.repo.Log("main"))(t), ","); got != "web: 1.1,else,first" {
			t.Errorf("log %s", got)
		}
	})
}

func TestPushToANewBranch(t *testing.T) {
	t.Parallel()
	everywhere(t, chart, func(t *testing.T, p place) {
		r := open(t, p)
		tree := read(t, r, "main", "api/values.yaml")
		c := commitOf(map[string]string{"api/values.yaml": "tag: 2\n"})
		c.Branch = "bump/api"
		first, err := r.Push(t.Context(), tree, c)
		if err != nil {
			t.Fatal(err)
		}
		if tip := must(r.Tip(t.Context(), "bump/api"))(t); tip != first {
			t.Errorf("the branch is at %q, want %q", tip, first)
		}
		c.Message = "another"
		if _, err := r.Push(t.Context(), tree, c); !errors.Is(err, gitrepo.ErrMoved) {
			t.Errorf("a branch that exists: got %v, want ErrMoved", err)
		}
		c.Old = first
		second, err := r.Push(t.Context(), tree, c)
		if err != nil {
			t.Fatal(err)
		}
		if tip := must(p.repo.Tip("bump/api"))(t); tip != second {
			t.Errorf("the branch is at %q, want %q", tip, second)
		}
		if tip := must(p.repo.Tip("main"))(t); tip != tree.Tip() {
			t.Errorf("main moved to %s", tip)
		}
	})
}

func TestBranchesAreThoseThatBeginAlike(t *testing.T) {
	everywhere(t, chart, wantBranches)
}

// TestBranchesOfAnOldServer holds that of all the refs that a version 0 server lists, the
// same are kept.
func TestBranchesOfAnOldServer(t *testing.T) {
	t.Parallel()
	web := testenv.StartGit(t)
	web.Before(version0)
	repo := repoOf(t, filepath.Join(web.Root, "x.git"), chart)
	wantBranches(t, place{repo, web.RepoURL("x.git"), gitrepo.Options{Token: web.Token}})
	if testing.Short() {
		return
	}
	s := testenv.StartSSH(t, testenv.SSHOptions{Version0: true})
	repo = repoOf(t, filepath.Join(t.TempDir(), "x.git"), chart)
	wantBranches(t, place{repo, s.RepoURL(repo.Dir), gitrepo.Options{SSHKey: s.Key, KnownHosts: s.KnownHosts}})
}

func wantBranches(t *testing.T, p place) {
	t.Helper()
	for _, branch := range []string{"release/1.5", "release/1.4", "releases"} {
		must(p.repo.Git("branch", branch, "main"))(t)
	}
	must(p.repo.Git("tag", "release/tag", "main"))(t)
	r := open(t, p)
	for prefix, want := range map[string]string{
		"":         "main release/1.4 release/1.5 releases",
		"release":  "release/1.4 release/1.5 releases",
		"release/": "release/1.4 release/1.5",
		"main":     "main",
		"mainly":   "",
		"HEAD":     "",
		"main\n":   "",
	} {
		if got := strings.Join(must(r.Branches(t.Context(), prefix))(t), " "); got != want {
			t.Errorf("%q: %q, want %q", prefix, got, want)
		}
	}
	if tip := must(r.Tip(t.Context(), "main"))(t); tip == "" {
		t.Error("a branch is not found after a list")
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	everywhere(t, chart, func(t *testing.T, p place) {
		r := open(t, p)
		tests := []struct {
			branch string
			globs  []string
			kind   error
			text   string
		}{
			{"nowhere", nil, gitrepo.ErrNotFound, "nowhere: no such branch"},
			{"mai", nil, gitrepo.ErrNotFound, "mai: no such branch"},
			{"main", []string{"web/none.yaml"}, gitrepo.ErrNoFile, "main: web/none.yaml: no such file"},
			{"main", []string{"web"}, gitrepo.ErrNoFile, "main: web: is a directory"},
			{"main", []string{"web/link.yaml"}, gitrepo.ErrNoFile, "main: web/link.yaml: is a symbolic link, which is not followed"},
			{"main", []string{"README.md/x"}, gitrepo.ErrNoFile, "main: README.md/x: no such file: README.md is a file"},
		}
		for _, test := range tests {
			_, err := r.Read(t.Context(), gitrepo.Revision{Branch: test.branch}, files.MustSelect(test.globs...))
			if !errors.Is(err, test.kind) || err.Error() != r.String()+": "+test.text {
				t.Errorf("%s %s:\n got %v\nwant %s: %s", test.branch, test.globs, err, r, test.text)
			}
		}
		if tip, err := r.Tip(t.Context(), "nowhere"); tip != "" || err != nil {
			t.Errorf("Tip: %q, %v", tip, err)
		}
	})
}

func TestAMissingRepositoryIsErrNotFound(t *testing.T) {
	everywhere(t, chart, func(t *testing.T, p place) {
		p.url = strings.TrimSuffix(p.url, "x.git") + "y.git"
		if _, err := open(t, p).Read(t.Context(), gitrepo.Revision{Branch: "main"}, files.Selection{}); !errors.Is(err, gitrepo.ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
	})
}

func TestAnEmptyRepositoryIsErrNotFound(t *testing.T) {
	everywhere(t, nil, func(t *testing.T, p place) {
		_, err := open(t, p).Read(t.Context(), gitrepo.Revision{Branch: ""}, files.Selection{})
		if !errors.Is(err, gitrepo.ErrNotFound) || !strings.Contains(err.Error(), "has no default branch: it is empty") {
			t.Errorf("got %v", err)
		}
	})
}

func TestAHookIsFinalAndInTheServersWords(t *testing.T) {
	const hook = "#!/bin/sh\necho 'error: GH006: Protected branch update failed for refs/heads/main.'\nexit 1\n"
	for _, transport := range []string{"http", "ssh"} {
		t.Run(transport, func(t *testing.T) {
			p := places(t, chart)[transport](t)
			if err := p.repo.Hook("pre-receive", hook); err != nil {
				t.Fatal(err)
			}
			r := open(t, p)
			tree := read(t, r, "main", "api/values.yaml")
			_, err := r.Push(t.Context(), tree, commitOf(map[string]string{"api/values.yaml": "tag: 2\n"}))
			want := r.String() + ": main: the push was refused: pre-receive hook declined (remote: error: GH006: Protected branch update failed for refs/heads/main.)"
			if !errors.Is(err, gitrepo.ErrRefused) || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			var hinted interface{ Hint() string }
			if !errors.As(err, &hinted) || !strings.Contains(hinted.Hint(), "--pr") {
				t.Errorf("no hint of --pr in %v", err)
			}
		})
	}
}

func TestAHeldLockIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"http", "path"} {
		t.Run(transport, func(t *testing.T) {
			p := places(t, chart)[transport](t)
			t.Parallel()
			lock := filepath.Join(p.repo.Dir, "refs/heads/main.lock")
			writeFile(t, lock, "")
			r := open(t, p)
			tree := read(t, r, "main", "api/values.yaml")
			c := commitOf(map[string]string{"api/values.yaml": "tag: 2\n"})
			if _, err := r.Push(t.Context(), tree, c); !errors.Is(err, gitrepo.ErrRefused) {
				t.Fatalf("a lock that stays: got %v, want ErrRefused", err)
			}
			removeFile(t, lock)
			if _, err := r.Push(t.Context(), tree, c); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestATokenIsNeverShown(t *testing.T) {
	s := testenv.StartGit(t)
	repoOf(t, filepath.Join(s.Root, "x.git"), chart)
	const wrong = "ghp_wrongwrongwrong"
	echo := func(w http.ResponseWriter, r *http.Request) bool {
		_, password, _ := r.BasicAuth()
		user, _, _ := r.BasicAuth()
		http.Error(w, "bad credentials: "+user+" "+password+" "+r.Header.Get("Authorization"), http.StatusUnauthorized)
		return true
	}
	s.Before(echo)
	urls := map[string]gitrepo.Options{
		s.RepoURL("x.git"): {Token: wrong},
		strings.Replace(s.RepoURL("x.git"), "://", "://someone:"+wrong+"@", 1): {},
		strings.Replace(s.RepoURL("x.git"), "://", "://"+wrong+"@", 1):         {},
	}
	for url, opts := range urls {
		r, err := gitrepo.Open(url, opts)
		if err != nil {
			t.Fatal(err)
		}
		_, err = r.Read(t.Context(), gitrepo.Revision{Branch: "main"}, files.Selection{})
		if !errors.Is(err, gitrepo.ErrAuth) {
			t.Errorf("got %v, want ErrAuth", err)
		}
		var hinted interface{ Hint() string }
		if !errors.As(err, &hinted) || hinted.Hint() == "" {
			t.Errorf("no hint in %v", err)
		}
		if all := err.Error() + hinted.Hint() + r.String(); strings.Contains(all, wrong) || strings.Contains(all, "Basic Z") {
			t.Errorf("a secret is in %s", all)
		}
	}
}

func TestATokenStaysWithItsHost(t *testing.T) {
	t.Parallel()
	here, there := testenv.StartGit(t), testenv.StartGit(t)
	there.Token = ""
	repoOf(t, filepath.Join(there.Root, "x.git"), chart)
	var mu sync.Mutex
	var seen []string
	there.Before(func(_ http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.Header.Get("Authorization"))
		return false
	})
	here.Before(func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, there.URL+r.URL.RequestURI(), http.StatusMovedPermanently)
		return true
	})
	r := must(gitrepo.Open(here.RepoURL("x.git"), gitrepo.Options{Token: "ghp_onlyforhere"}))(t)
	read(t, r, "main", "README.md")
	if len(seen) == 0 || slices.ContainsFunc(seen, func(s string) bool { return s != "" }) {
		t.Errorf("the other host was sent %q", seen)
	}
}

func TestThreePushersAtOnceAllLand(t *testing.T) {
	everywhere(t, chart, func(t *testing.T, p place) {
		if testing.Short() && p.opts.SSHKey != "" {
			t.Skip("slow")
		}
		var wg sync.WaitGroup
		for _, name := range []string{"a", "b", "c"} {
			wg.Go(func() { pushUntilItLands(t, p, name) })
		}
		wg.Wait()
		log := must(p.repo.Log("main"))(t)
		slices.Sort(log)
		if got := strings.Join(log, ","); got != "a,b,c,first" {
			t.Errorf("commits %s", got)
		}
		content := must(p.repo.File("main", "README.md"))(t)
		if len(content) != len("# charts\n")+3 {
			t.Errorf("the file holds %q", content)
		}
		if err := p.repo.Fsck(); err != nil {
			t.Error(err)
		}
	})
}

func pushUntilItLands(t *testing.T, p place, name string) {
	r, err := gitrepo.Open(p.url, p.opts)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = r.Close() }()
	for range 50 {
		tree, err := r.Read(t.Context(), gitrepo.Revision{Branch: "main"}, files.MustSelect("README.md"))
		if err != nil {
			t.Error(err)
			return
		}
		old, _ := fs.ReadFile(tree, "README.md")
		c := commitOf(map[string]string{"README.md": string(old) + name})
		c.Message = name
		if _, err = r.Push(t.Context(), tree, c); err == nil {
			return
		}
		if !errors.Is(err, gitrepo.ErrMoved) {
			t.Errorf("%s: %v", name, err)
			return
		}
	}
	t.Errorf("%s: never landed", name)
}

func TestAnEndedContextEndsTheCall(t *testing.T) {
	everywhere(t, chart, func(t *testing.T, p place) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := open(t, p).Read(ctx, gitrepo.Revision{Branch: "main"}, files.Selection{}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want context.Canceled", err)
		}
	})
}
