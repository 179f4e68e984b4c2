package servers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// A gitea is the API of a Gitea, with an administrator's token.
type gitea struct {
	t          *testing.T
	url, token string
	user       string
	basic      string // name and password in base64, which go before the token
}

// openGitea returns the Gitea that the environment names.
func openGitea(t *testing.T) gitea {
	t.Helper()
	g := gitea{t: t, url: strings.TrimRight(os.Getenv("GITEA_URL"), "/"), token: os.Getenv("GITEA_TOKEN")}
	if g.url == "" || g.token == "" {
		t.Skip("GITEA_URL and GITEA_TOKEN are not set")
	}
	var me struct {
		Login string `json:"login"`
	}
	g.call(http.MethodGet, "/user", nil, &me)
	g.user = me.Login
	return g
}

// call makes a request of the API and decodes the answer into result, if not nil.
func (g gitea) call(method, path string, body, result any) {
	g.t.Helper()
	content, err := json.Marshal(body)
	if err != nil {
		g.t.Fatal(err)
	}
	req, err := http.NewRequest(method, g.url+"/api/v1"+path, bytes.NewReader(content))
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("Authorization", "token "+g.token)
	if g.basic != "" {
		req.Header.Set("Authorization", "Basic "+g.basic)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= http.StatusBadRequest {
		g.t.Fatalf("gitea: %s %s: %s %s", method, path, resp.Status, text)
	}
	if result != nil {
		if err := json.Unmarshal(text, result); err != nil {
			g.t.Fatalf("gitea: %s %s: %v: %s", method, path, err, text)
		}
	}
}

// repo makes a repository of the charts, which is deleted after the test, and
// returns its URL and a mirror of it on disk.
func (g gitea) repo() (url string, mirror *testenv.GitRepo) {
	g.t.Helper()
	name := fmt.Sprintf("tagbump-%d", time.Now().UnixNano())
	g.call(http.MethodPost, "/user/repos", map[string]any{"name": name, "private": true, "default_branch": "main"}, nil)
	g.t.Cleanup(func() { g.call(http.MethodDelete, "/repos/"+g.user+"/"+name, nil, nil) })
	url = g.url + "/" + g.user + "/" + name + ".git"
	mirror = testenv.MustRepo(g.t, filepath.Join(g.t.TempDir(), "mirror.git"), charts)
	withToken := g.withToken(url)
	if _, err := mirror.Git("remote", "add", "--mirror=fetch", "gitea", withToken); err != nil {
		g.t.Fatal(err)
	}
	if _, err := mirror.Git("push", "-q", withToken, "main"); err != nil {
		g.t.Fatal(err)
	}
	g.awaitPulls(url)
	return url, mirror
}

// awaitPulls waits until pull requests can be asked for: after the first push into an
// empty repository, Gitea answers 404 until its queue has seen the push.
func (g gitea) awaitPulls(url string) {
	g.t.Helper()
	for range 100 {
		req, err := http.NewRequest(http.MethodGet, g.url+"/api/v1/repos"+g.path(url)+"/pulls", nil)
		if err != nil {
			g.t.Fatal(err)
		}
		req.Header.Set("Authorization", "token "+g.token)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			g.t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	g.t.Fatalf("gitea: %s has no pull requests after 10 s", url)
}

func (g gitea) withToken(url string) string {
	return strings.Replace(url, "://", "://"+g.user+":"+g.token+"@", 1)
}

func (g gitea) env() map[string]string { return map[string]string{"TAGBUMP_TOKEN": g.token} }

func TestGitea(t *testing.T) {
	g := openGitea(t)
	url, mirror := g.repo()
	before, _ := mirror.Tip("main")
	run(t, g.env(), update("acme/web:v1.1.0", url, "--dry-run")...).check(t, "dry run", 0, `(?m)^\+  tag: v1\.1\.0$`)
	run(t, g.env(), update("acme/web:v1.1.0", url)...).check(t, "push", 0, "pushed")
	run(t, g.env(), update("acme/web:v1.1.0", url)...).check(t, "again", 0, "nothing to do")
	if _, err := mirror.Git("fetch", "-q", "gitea"); err != nil {
		t.Fatal(err)
	}
	if stat, err := mirror.Git("diff", "--numstat", before, "main"); err != nil || stat != "1\t1\tapps/web/values.yaml\n" {
		t.Errorf("changed %q, %v", stat, err)
	}
	run(t, nil, update("acme/web:v1.2.0", url)...).check(t, "no token", 6, "TAGBUMP_TOKEN")
	run(t, map[string]string{"TAGBUMP_TOKEN": "0123456789abcdef"}, update("acme/web:v1.2.0", url)...).check(t, "wrong token", 6, "TAGBUMP_TOKEN")
	run(t, g.env(), update("acme/web:v1.2.0", strings.TrimSuffix(url, ".git")+"x")...).check(t, "no such repository", 5, "no such repository")
}

func TestGiteaProtectedBranch(t *testing.T) {
	g := openGitea(t)
	url, _ := g.repo()
	path := strings.TrimSuffix(strings.TrimPrefix(url, g.url), ".git")
	g.call(http.MethodPost, "/repos"+path+"/branch_protections", map[string]any{"branch_name": "main", "enable_push": false}, nil)
	run(t, g.env(), update("acme/web:v1.1.0", url)...).check(t, "a protected branch", 8, `hint: .*--pr`)
}

// pulls returns the repository's pull requests as lines "NUMBER STATE TITLE", the newest
// first.
func (g gitea) pulls(url string) string {
	g.t.Helper()
	var list []struct {
		Number       int
		State, Title string
	}
	g.call(http.MethodGet, "/repos"+g.path(url)+"/pulls?state=all&sort=newest", nil, &list)
	var lines strings.Builder
	for _, pull := range list {
		fmt.Fprintf(&lines, "%d %s %s\n", pull.Number, pull.State, pull.Title)
	}
	return lines.String()
}

func (g gitea) path(url string) string {
	return strings.TrimSuffix(strings.TrimPrefix(url, g.url), ".git")
}

// TestGiteaPullRequest opens a pull request, refreshes it for a newer tag, and keeps a
// person's commit.
func TestGiteaPullRequest(t *testing.T) {
	g := openGitea(t)
	url, mirror := g.repo()
	env := map[string]string{"TAGBUMP_TOKEN": g.token, "GITEA_SERVER_URL": g.url}
	run(t, env, update("acme/web:v1.1.0", url, "--pr", "--label", "deploy", "--assignee", g.user)...).check(t, "a pull request", 0, `pull request #1`)
	run(t, env, update("acme/web:v1.1.0", url, "--pr")...).check(t, "again", 0, `pull request #1`)
	run(t, env, update("acme/web:v1.2.0", url, "--pr")...).check(t, "a newer tag", 0, `pull request #1`)
	if got, want := g.pulls(url), "1 open web v1.0.0 → v1.2.0\n"; got != want {
		t.Errorf("pull requests:\n%swant\n%s", got, want)
	}
	var pull struct{ Head struct{ Ref string } }
	g.call(http.MethodGet, "/repos"+g.path(url)+"/pulls/1", nil, &pull)
	if _, err := mirror.Git("fetch", "-q", "gitea"); err != nil {
		t.Fatal(err)
	}
	if _, err := mirror.Commit(pull.Head.Ref, "a person's", map[string]string{"apps/web/README.md": "by hand\n"}); err != nil {
		t.Fatal(err)
	}
	if _, err := mirror.Git("push", "-q", g.withToken(url), pull.Head.Ref); err != nil {
		t.Fatal(err)
	}
	run(t, env, update("acme/web:v1.3.0", url, "--pr")...).check(t, "a person's commit on the branch", 4, `changes of somebody else: commit [0-9a-f]+ by Else`)
}

// TestGiteaLandedOtherwise holds that a pull request is closed when a push has made its
// change.
func TestGiteaLandedOtherwise(t *testing.T) {
	g := openGitea(t)
	url, _ := g.repo()
	env := map[string]string{"TAGBUMP_TOKEN": g.token, "GITEA_SERVER_URL": g.url}
	run(t, env, update("acme/web:v1.1.0", url, "--pr")...).check(t, "a pull request", 0, `pull request #1`)
	run(t, env, update("acme/web:v1.1.0", url)...).check(t, "a push", 0, `pushed`)
	run(t, env, update("acme/web:v1.1.0", url, "--pr")...).check(t, "nothing to propose", 0, `nothing to do`)
	if got, want := g.pulls(url), "1 closed web v1.0.0 → v1.1.0\n"; got != want {
		t.Errorf("pull requests:\n%swant\n%s", got, want)
	}
}

// TestGiteaTwoJobsAtOnce holds that one pull request stays open: Gitea makes two.
func TestGiteaTwoJobsAtOnce(t *testing.T) {
	g := openGitea(t)
	url, _ := g.repo()
	env := map[string]string{"TAGBUMP_TOKEN": g.token, "GITEA_SERVER_URL": g.url}
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			run(t, env, update("acme/web:v1.1.0", url, "--pr")...).check(t, "one of two", 0, `pull request #1`)
		})
	}
	both.Wait()
	if got := g.pulls(url); strings.Count(got, " open ") != 1 || !strings.HasSuffix(got, "1 open web v1.0.0 → v1.1.0\n") {
		t.Errorf("pull requests:\n%s", got)
	}
}
