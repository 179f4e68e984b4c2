package servers

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// proposing returns a repository in which pull requests are opened, and the environment of
// a run that does so.
func (g gitea) proposing() (url string, env map[string]string) {
	g.t.Helper()
	url, _ = g.repo()
	return url, map[string]string{"TAGBUMP_TOKEN": g.token, "GITEA_SERVER_URL": g.url}
}

// comments returns the comments of a pull request.
func (g gitea) comments(url string, number int) string {
	g.t.Helper()
	var list []struct{ Body string }
	g.call(http.MethodGet, fmt.Sprintf("/repos%s/issues/%d/comments", g.path(url), number), nil, &list)
	var texts []string
	for _, comment := range list {
		texts = append(texts, comment.Body)
	}
	return strings.Join(texts, "\n")
}

func (g gitea) checkPulls(url, want string) {
	g.t.Helper()
	if got := g.pulls(url); got != want {
		g.t.Errorf("pull requests:\n%swant\n%s", got, want)
	}
}

func TestGiteaSuperseded(t *testing.T) {
	g := openGitea(t)
	url, env := g.proposing()
	run(t, env, update("acme/web:v1.1.0", url, "--pr")...).check(t, "a pull request", 0, `opened pull request #1`)
	run(t, env, update("acme/web:v1.2.0", url, "--pr", "--pr-branch", "deploy/web")...).check(t, "another branch", 0, `closed pull request #1 \(superseded by #2\)`)
	g.checkPulls(url, "2 open web v1.0.0 → v1.2.0\n1 closed web v1.0.0 → v1.1.0\n")
	if said := g.comments(url, 1); !strings.HasPrefix(said, "Superseded by #2: "+g.url) {
		t.Errorf("the comment is %q", said)
	}
}

func TestGiteaClosedByAPerson(t *testing.T) {
	g := openGitea(t)
	url, env := g.proposing()
	run(t, env, update("acme/web:v1.1.0", url, "--pr")...).check(t, "a pull request", 0, `opened pull request #1`)
	g.call(http.MethodPatch, "/repos"+g.path(url)+"/pulls/1", map[string]any{"state": "closed"}, nil)
	run(t, env, update("acme/web:v1.1.0", url, "--pr")...).check(t, "the same again", 4, `pull request #1 .* was closed without a merge`)
	run(t, env, update("acme/web:v1.2.0", url, "--pr")...).check(t, "a newer tag", 0, `opened pull request #2`)
}

// TestGiteaSquashMerge holds that the trailers survive a merge that makes one commit of
// title and description, as Gitea's page fills them in, and that the next run has nothing
// to do.
func TestGiteaSquashMerge(t *testing.T) {
	g := openGitea(t)
	url, env := g.proposing()
	run(t, env, update("acme/web:v1.1.0", url, "--pr")...).check(t, "a pull request", 0, `opened pull request #1`)
	var pull struct {
		Body      string
		Mergeable bool
	}
	for range 50 { // Gitea finds out in the background whether it can be merged
		if g.call(http.MethodGet, "/repos"+g.path(url)+"/pulls/1", nil, &pull); pull.Mergeable {
			break
		}
	}
	g.call(http.MethodPost, "/repos"+g.path(url)+"/pulls/1/merge", map[string]any{"Do": "squash", "MergeMessageField": pull.Body, "delete_branch_after_merge": true}, nil)
	run(t, env, update("acme/web:v1.1.0", url, "--pr")...).check(t, "the same again", 0, `nothing to do`)
	run(t, env, "history", "acme/web", "--repo", url).check(t, "history", 0, `v1\.1\.0`)
	var commits []struct{ Commit struct{ Message string } }
	g.call(http.MethodGet, "/repos"+g.path(url)+"/commits?limit=1", nil, &commits)
	if message := commits[0].Commit.Message; !strings.Contains(message, "\nTagbump-Image: acme/web:v1.1.0") {
		t.Errorf("the merge says:\n%s", message)
	}
	run(t, env, update("acme/web:v1.2.0", url, "--pr")...).check(t, "a newer tag", 0, `opened pull request #2`)
}

func TestGiteaProtectedBranchIsProposedTo(t *testing.T) {
	g := openGitea(t)
	url, env := g.proposing()
	g.call(http.MethodPost, "/repos"+g.path(url)+"/branch_protections", map[string]any{"branch_name": "main", "enable_push": false}, nil)
	run(t, env, update("acme/web:v1.1.0", url, "--pr=auto")...).check(t, "--pr=auto", 0, `opened pull request #1`)
	run(t, env, update("acme/web:v1.1.0", url, "--pr=auto")...).check(t, "again", 0, `already open: pull request #1`)
}

// TestGiteaOtherPullRequests holds that the list's filter, which Gitea ignores, is not
// relied on: a person's pull requests are not taken for ours.
func TestGiteaOtherPullRequests(t *testing.T) {
	g := openGitea(t)
	url, mirror := g.repo()
	env := map[string]string{"TAGBUMP_TOKEN": g.token, "GITEA_SERVER_URL": g.url}
	for _, branch := range []string{"fix", "tagbump/main/web2"} {
		if _, err := mirror.Git("branch", branch, "main"); err != nil {
			t.Fatal(err)
		}
		if _, err := mirror.Commit(branch, "a person's", map[string]string{filepath.Base(branch) + ".md": "by hand\n"}); err != nil {
			t.Fatal(err)
		}
		if _, err := mirror.Git("push", "-q", g.withToken(url), branch); err != nil {
			t.Fatal(err)
		}
		g.call(http.MethodPost, "/repos"+g.path(url)+"/pulls", map[string]any{"title": "by hand", "head": branch, "base": "main"}, nil)
	}
	run(t, env, update("acme/web:v1.1.0", url, "--pr")...).check(t, "a pull request", 0, `opened pull request #3`)
	run(t, env, update("acme/web:v1.2.0", url, "--pr")...).check(t, "a newer tag", 0, `updated pull request #3`)
	g.checkPulls(url, "3 open web v1.0.0 → v1.2.0\n2 open by hand\n1 open by hand\n")
}

// TestGiteaLooks opens a draft with labels, and asks for an auto-merge, which Gitea takes
// or refuses, but the pull request is open.
func TestGiteaLooks(t *testing.T) {
	g := openGitea(t)
	url, env := g.proposing()
	run(t, env, update("acme/web:v1.1.0", url, "--pr", "--draft", "--label", "deploy", "--label", "Web", "--title", "OPS-1 @"+g.user+" {{.Tag}}", "--body", "Ticket: #7\n\n{{.Changes}}")...).
		check(t, "a draft", 0, `opened pull request #1`)
	var pull struct {
		Title, Body string
		Labels      []struct{ Name string }
	}
	g.call(http.MethodGet, "/repos"+g.path(url)+"/pulls/1", nil, &pull)
	if pull.Title != "WIP: OPS-1 @"+g.user+" v1.1.0" || len(pull.Labels) != 2 || !strings.HasPrefix(pull.Body, "Ticket: #7\n") {
		t.Errorf("%+v", pull)
	}
	run(t, env, update("acme/api:v1.1.0", url, "--pr", "--auto-merge")...).check(t, "auto-merge", 0, `opened pull request #2`)
	run(t, env, update("acme/web:v1.2.0", url, "--pr", "--reviewer", "nobody-of-this-name")...).check(t, "a reviewer that does not exist", 5, `nobody-of-this-name`)
}

// TestGiteaWithoutRights uses tokens that may not open pull requests. They need the owner's
// password, in GITEA_PASSWORD.
func TestGiteaWithoutRights(t *testing.T) {
	g := openGitea(t)
	password := os.Getenv("GITEA_PASSWORD")
	if password == "" {
		t.Skip("GITEA_PASSWORD is not set")
	}
	url, env := g.proposing()
	env["TAGBUMP_TOKEN"] = g.scoped(password, "read:repository")
	run(t, env, update("acme/web:v1.1.0", url, "--pr")...).check(t, "a token that reads", 6, `(?s)403.*hint: `)
	g.checkPulls(url, "")
	env["TAGBUMP_TOKEN"] = g.scoped(password, "write:repository")
	run(t, env, update("acme/web:v1.1.0", url, "--pr")...).check(t, "the least token", 0, `opened pull request #1`)
	run(t, env, update("acme/web:v1.1.0", url, "--pr", "--label", "deploy")...).check(t, "a label without the scope", 6, `(?s)403.*write:issue`)
}

// scoped makes a token with one scope.
func (g gitea) scoped(password, scope string) string {
	g.t.Helper()
	g.basic = base64.StdEncoding.EncodeToString([]byte(g.user + ":" + password))
	var made struct {
		Token string `json:"sha1"`
	}
	name := fmt.Sprintf("tagbump-%s-%s", strings.ReplaceAll(scope, ":", "-"), filepath.Base(g.t.TempDir()))
	g.call(http.MethodPost, "/users/"+g.user+"/tokens", map[string]any{"name": name, "scopes": []string{scope}}, &made)
	return made.Token
}
