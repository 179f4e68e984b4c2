package gitrepo_test

import (
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/gitrepo"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

func TestAnUnusualTreeStaysAsItIsButForTheOneFile(t *testing.T) {
	t.Parallel()
	everywhere(t, chart, func(t *testing.T, p place) {
		file := put(t, p.repo, "blob", "tag: 1\n")
		dir := put(t, p.repo, "tree", entry("100664", "group.yaml", file)+entry("100755", "run", file))
		// Directories sort as if their names ended in a slash: a.b stands before a.
		root := put(t, p.repo, "tree", entry("100644", "a.b", file)+entry("40000", "a", dir)+entry("120000", "link", file)+entry("160000", "module", strings.Repeat("01", 20)))
		commit := put(t, p.repo, "commit", "tree "+root+"\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nodd\n")
		must(p.repo.Git("update-ref", "refs/heads/odd", commit))(t)

		r := open(t, p)
		tree := read(t, r, "odd", "a/group.yaml")
		hash := must(r.Push(t.Context(), tree, commitOf(map[string]string{"a/group.yaml": "tag: 2\n"})))(t)

		changed := put(t, p.repo, "blob", "tag: 2\n")
		newDir := put(t, p.repo, "tree", entry("100664", "group.yaml", changed)+entry("100755", "run", file))
		want := put(t, p.repo, "tree", entry("100644", "a.b", file)+entry("40000", "a", newDir)+entry("120000", "link", file)+entry("160000", "module", strings.Repeat("01", 20)))
		if got := strings.TrimSpace(must(p.repo.Git("rev-parse", hash+"^{tree}"))(t)); got != want {
			t.Errorf("the tree is %s, want %s", got, want)
		}
	})
}

// entry is a line of a raw tree.
func entry(mode, name, id string) string {
	raw, err := hex.DecodeString(id)
	if err != nil {
		panic(err)
	}
	return mode + " " + name + "\x00" + string(raw)
}

// put writes an object as it is, and returns its id.
func put(t *testing.T, repo *testenv.GitRepo, kind, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "object")
	writeFile(t, path, content)
	return strings.TrimSpace(must(repo.Git("hash-object", "--literally", "-w", "-t", kind, path))(t))
}

func TestFilesWhoseTextIsElsewhereAreRefusedByNameAndSkippedByPattern(t *testing.T) {
	t.Parallel()
	special := map[string]string{
		"lfs.yaml":   "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
		"crypt.yaml": "\x00GITCRYPT\x00\x01\x02",
		"sops.yaml":  "tag: ENC[AES256_GCM,data:x]\n",
		"big.bin":    strings.Repeat("0123456789abcdef", 600_000),
	}
	everywhere(t, special, func(t *testing.T, p place) {
		r := open(t, p)
		tests := []struct {
			glob string
			kind error
			text string
		}{
			{"lfs.yaml", gitrepo.ErrNoFile, "lfs.yaml: is an LFS pointer, and its text is not in the repository"},
			{"crypt.yaml", gitrepo.ErrNoFile, "crypt.yaml: is encrypted by git-crypt"},
			{"big.bin", gitrepo.ErrUnsupported, "big.bin: has 9600000 bytes, and 8388608 is the most"},
		}
		for _, test := range tests {
			_, err := r.Read(t.Context(), gitrepo.Revision{Branch: "main"}, files.MustSelect(test.glob))
			if !errors.Is(err, test.kind) || !strings.HasSuffix(err.Error(), ": "+test.text) {
				t.Errorf("got %v, want %s", err, test.text)
			}
		}
		if got := strings.Join(names(t, read(t, r, "main")), " "); got != "sops.yaml" {
			t.Errorf("the pattern gave %s", got)
		}
	})
}

func TestASHA256RepositoryIsRefusedByName(t *testing.T) {
	t.Parallel()
	everywhere(t, nil, func(t *testing.T, p place) {
		if err := os.RemoveAll(p.repo.Dir); err != nil {
			t.Fatal(err)
		}
		must(testenv.Git(filepath.Dir(p.repo.Dir), "init", "-q", "--bare", "-b", "main", "--object-format=sha256", p.repo.Dir))(t)
		must(p.repo.Commit("main", "first", map[string]string{"a.yaml": "a: b\n"}))(t)
		_, err := open(t, p).Read(t.Context(), gitrepo.Revision{Branch: "main"}, files.Selection{})
		if !errors.Is(err, gitrepo.ErrUnsupported) || !strings.HasSuffix(err.Error(), "is a SHA-256 repository, which is not supported") {
			t.Errorf("got %v", err)
		}
	})
}

// CircleCI's checkout writes url.insteadOf into ~/.gitconfig, which sends an
// https push over ssh with a read-only key.
func TestTheUsersGitConfigurationChangesNothing(t *testing.T) {
	p := places(t, chart)["http"](t)
	home := t.TempDir()
	writeFile(t, filepath.Join(home, ".gitconfig"), "[url \"ssh://git@nowhere.invalid\"]\n\tinsteadOf = http://127.0.0.1\n[http]\n\tproxy = http://127.0.0.1:1\n[user]\n\tname = Wrong\n")
	t.Setenv("HOME", home)
	t.Setenv("GIT_CONFIG_COUNT", "1")
	t.Setenv("GIT_CONFIG_KEY_0", "http.extraHeader")
	t.Setenv("GIT_CONFIG_VALUE_0", "Authorization: Basic d3Jvbmc=")
	t.Setenv("PATH", filepath.Join(home, "no-git-here"))
	r := open(t, p)
	hash := must(r.Push(t.Context(), read(t, r, "main", "api/*"), commitOf(map[string]string{"api/values.yaml": "tag: 2\n"})))(t)
	if tip := must(r.Tip(t.Context(), "main"))(t); tip != hash {
		t.Errorf("main is at %s, want %s", tip, hash)
	}
}

func TestAServersCertificateMustBeTrusted(t *testing.T) {
	t.Parallel()
	s := testenv.StartGit(t)
	repoOf(t, filepath.Join(s.Root, "x.git"), chart)
	secure := httptest.NewTLSServer(s)
	t.Cleanup(secure.Close)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	r := must(gitrepo.Open(secure.URL+"/x.git", gitrepo.Options{Token: s.Token, CABundle: certificateOf(secure)}))(t)
	read(t, r, "main", "README.md")
	_, err := must(gitrepo.Open(secure.URL+"/x.git", gitrepo.Options{Token: s.Token}))(t).Read(t.Context(), gitrepo.Revision{Branch: "main"}, files.Selection{})
	if !errors.Is(err, gitrepo.ErrUnavailable) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an unknown certificate: got %v", err)
	}
	if _, err := gitrepo.Open(secure.URL+"/x.git", gitrepo.Options{CABundle: []byte("none")}); err == nil {
		t.Error("a bundle without certificates was taken")
	}
}

// certificateOf returns a server's own certificate, as PEM.
func certificateOf(s *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

// After a lost race one request brings all that is new: refs, objects, push.
func TestALostRaceCostsThreeRequestsMore(t *testing.T) {
	t.Parallel()
	s := testenv.StartGit(t)
	repo := repoOf(t, filepath.Join(s.Root, "x.git"), deep())
	r := open(t, place{repo, s.RepoURL("x.git"), gitrepo.Options{Token: s.Token}})
	read(t, r, "main", target)
	must(repo.Commit("main", "else", map[string]string{target: "tag: \"1.5\"\n"}))(t)
	s.Forget()
	tree := read(t, r, "main", target)
	if got := string(must(fs.ReadFile(tree, target))(t)); got != "tag: \"1.5\"\n" {
		t.Errorf("the file holds %q", got)
	}
	must(r.Push(t.Context(), tree, commitOf(map[string]string{target: "tag: \"2\"\n"})))(t)
	if got := s.Requests(); len(got) != 3 {
		t.Errorf("%d requests, want 3: %v", len(got), got)
	}
}

// A revert names objects that never were here, although they are below the old
// tip; a force push drops the old tip.
func TestARewrittenBranchIsReadWhole(t *testing.T) {
	t.Parallel()
	everywhere(t, deep(), func(t *testing.T, p place) {
		first := must(p.repo.Tip("main"))(t)
		must(p.repo.Commit("main", "second", map[string]string{target: "tag: \"1.5\"\n"}))(t)
		r := open(t, p)
		read(t, r, "main", target)
		must(p.repo.Git("update-ref", "refs/heads/main", first))(t)
		must(p.repo.Commit("main", "forced", map[string]string{"new.yaml": "a: b\n"}))(t)
		tree := read(t, r, "main", target, "new.yaml", "apps/team-0/**")
		if got := string(must(fs.ReadFile(tree, target))(t)); got != "# 1 2\ntag: \"1.0\"\n" {
			t.Errorf("the file holds %q", got)
		}
		if got := len(names(t, tree)); got != 10 {
			t.Errorf("%d files, want 10", got)
		}
	})
}

func TestACheckoutIsReadAndItsBranchIsNotMoved(t *testing.T) {
	t.Parallel()
	repo := repoOf(t, filepath.Join(t.TempDir(), "x.git"), chart)
	work := filepath.Join(t.TempDir(), "work")
	must(testenv.Git(filepath.Dir(repo.Dir), "clone", "-q", repo.Dir, work))(t)
	r := must(gitrepo.Open(work, gitrepo.Options{}))(t)
	tree := read(t, r, "", "api/*")
	_, err := r.Push(t.Context(), tree, commitOf(map[string]string{"api/values.yaml": "tag: 2\n"}))
	if !errors.Is(err, gitrepo.ErrRefused) || !strings.HasSuffix(err.Error(), "the push was refused: the branch is checked out there") {
		t.Errorf("got %v", err)
	}
	c := commitOf(map[string]string{"api/values.yaml": "tag: 2\n"})
	c.Branch = "other"
	must(r.Push(t.Context(), tree, c))(t)
}

func TestAPathWithHooksIsRefused(t *testing.T) {
	t.Parallel()
	p := places(t, chart)["path"](t)
	if err := p.repo.Hook("post-receive", "#!/bin/sh\n"); err != nil {
		t.Fatal(err)
	}
	r := open(t, p)
	_, err := r.Push(t.Context(), read(t, r, "main", "api/*"), commitOf(map[string]string{"api/values.yaml": "tag: 2\n"}))
	if !errors.Is(err, gitrepo.ErrRefused) || !strings.HasSuffix(err.Error(), "it has a post-receive hook, and hooks run only when pushed to through ssh or http") {
		t.Errorf("got %v", err)
	}
}

func TestAPatternOverEverythingCostsFewRequests(t *testing.T) {
	t.Parallel()
	s := testenv.StartGit(t)
	repoOf(t, filepath.Join(s.Root, "x.git"), deep())
	tests := []struct {
		globs    []string
		files    int
		requests int
	}{
		{nil, 24, 2},
		{[]string{"apps/**/prod/*.yaml"}, 12, 3},
		{[]string{"apps/*/svc-1/envs/prod/values.yaml"}, 3, 4},
	}
	for _, test := range tests {
		s.Forget()
		r := must(gitrepo.Open(s.RepoURL("x.git"), gitrepo.Options{Token: s.Token}))(t)
		if got := len(names(t, read(t, r, "main", test.globs...))); got != test.files {
			t.Errorf("%s: %d files, want %d", test.globs, got, test.files)
		}
		if got := len(s.Requests()); got != test.requests {
			t.Errorf("%s: %d requests, want %d", test.globs, got, test.requests)
		}
	}
}

func TestARenamedRepositoryIsFollowed(t *testing.T) {
	t.Parallel()
	s := testenv.StartGit(t)
	repo := repoOf(t, filepath.Join(s.Root, "new.git"), chart)
	s.Before(func(w http.ResponseWriter, r *http.Request) bool {
		rest, old := strings.CutPrefix(r.URL.RequestURI(), "/old.git")
		if old {
			http.Redirect(w, r, "/new.git"+rest, http.StatusMovedPermanently)
		}
		return old
	})
	r := open(t, place{repo, s.RepoURL("old.git"), gitrepo.Options{Token: s.Token}})
	hash := must(r.Push(t.Context(), read(t, r, "main", "api/*"), commitOf(map[string]string{"api/values.yaml": "tag: 2\n"})))(t)
	if tip := must(repo.Tip("main"))(t); tip != hash {
		t.Errorf("main is at %s, want %s", tip, hash)
	}
}

func TestASiteThatIsNoGitServerIsNamed(t *testing.T) {
	t.Parallel()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>welcome</html>") }))
	t.Cleanup(site.Close)
	_, err := must(gitrepo.Open(site.URL+"/x", gitrepo.Options{}))(t).Read(t.Context(), gitrepo.Revision{Branch: "main"}, files.Selection{})
	if !errors.Is(err, gitrepo.ErrNotFound) || !strings.HasSuffix(err.Error(), ": there is no git repository at this URL (it answers, but not as git does)") {
		t.Errorf("got %v", err)
	}
}

// A process of its own: Go reads the proxy's variables once.
func TestAProxyOfTheEnvironmentIsUsed(t *testing.T) {
	t.Parallel()
	s := testenv.StartGit(t)
	repo := repoOf(t, filepath.Join(s.Root, "x.git"), deep())
	cmd := exec.Command(must(os.Executable())(t))
	cmd.Env = append(os.Environ(), killedURL+"=http://git.example.invalid/x.git", "TAGBUMP_TEST_TOKEN="+s.Token, "HTTP_PROXY="+s.URL, "http_proxy="+s.URL, "NO_PROXY=", "no_proxy=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got := strings.Join(must(repo.Log("main"))(t), ","); got != "web: 1.1,first" {
		t.Errorf("commits %s", got)
	}
}
