package servers

import (
	"net/http"
	"path/filepath"
	"testing"

	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// startHTTP serves repositories with git's http-backend. The environment that it
// returns has the token.
func startHTTP(t *testing.T) (*testenv.GitServer, map[string]string) {
	t.Helper()
	s := testenv.StartGit(t)
	return s, map[string]string{"TAGBUMP_TOKEN": s.Token}
}

// served makes a repository of the charts on the server.
func served(t *testing.T, s *testenv.GitServer, name string) *testenv.GitRepo {
	t.Helper()
	return testenv.MustRepo(t, filepath.Join(s.Root, name), charts)
}

func TestHTTPBackend(t *testing.T) {
	s, env := startHTTP(t)
	repo := served(t, s, "team/shop/charts.git")
	oneBump(t, repo, s.RepoURL("team/shop/charts.git"), env)
}

func TestHTTPBackendTakesACrowd(t *testing.T) {
	slow(t)
	s, env := startHTTP(t)
	repo := served(t, s, "charts.git")
	crowd(t, repo, s.RepoURL("charts.git"), env)
}

func TestHTTPBackendSaysNo(t *testing.T) {
	s, env := startHTTP(t)
	served(t, s, "charts.git")
	if _, err := testenv.NewGitRepo(filepath.Join(s.Root, "empty.git"), nil); err != nil {
		t.Fatal(err)
	}
	sha256 := testenv.GitRepo{Dir: filepath.Join(s.Root, "sha256.git")}
	if _, err := testenv.Git(s.Root, "init", "-q", "--bare", "-b", "main", "--object-format=sha256", "sha256.git"); err != nil {
		t.Fatal(err)
	}
	if _, err := sha256.Commit("main", "first", charts); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		what, repo string
		env        map[string]string
		flags      []string
		code       int
		said       string
	}{
		{"wrong token", "charts.git", map[string]string{"TAGBUMP_TOKEN": "wrong-horse"}, nil, 6, "TAGBUMP_TOKEN"},
		{"no token", "charts.git", nil, nil, 6, "TAGBUMP_TOKEN"},
		{"a token of another forge", "charts.git", map[string]string{"GITHUB_TOKEN": s.Token}, nil, 6, "TAGBUMP_TOKEN"},
		{"no such repository", "other.git", env, nil, 5, "no such repository"},
		{"no such branch", "charts.git", env, []string{"--branch", "release"}, 5, "release"},
		{"no commit", "empty.git", env, nil, 5, "empty.git"},
		{"another hash", "sha256.git", env, nil, 1, "(?i)sha-?256"},
	} {
		got := run(t, test.env, update("acme/web:v2.0.0", s.RepoURL(test.repo), test.flags...)...)
		got.check(t, test.what, test.code, test.said)
		got.checkSilent(t, test.what, "trying again", s.Token)
	}
}

// TestDumbHTTP holds that a server of plain files is named as what it is: it can be
// read from by git, and cannot be pushed to.
func TestDumbHTTP(t *testing.T) {
	s, env := startHTTP(t)
	repo := served(t, s, "charts.git")
	if _, err := repo.Git("update-server-info"); err != nil {
		t.Fatal(err)
	}
	plain := http.FileServer(http.Dir(s.Root))
	s.Before(func(w http.ResponseWriter, r *http.Request) bool {
		plain.ServeHTTP(w, r)
		return true
	})
	got := run(t, env, update("acme/web:v2.0.0", s.RepoURL("charts.git"))...)
	got.check(t, "dumb http", 1, "dumb")
	got.checkSilent(t, "dumb http", "trying again")
}

// TestHTTPBackendHooks holds what hooks of the server do to a push.
func TestHTTPBackendHooks(t *testing.T) {
	s, env := startHTTP(t)
	repo := served(t, s, "charts.git")
	if err := repo.Hook("post-receive", "#!/bin/sh\necho 'Create a pull request: https://git.example/new'\n"); err != nil {
		t.Fatal(err)
	}
	run(t, env, update("acme/web:v1.1.0", s.RepoURL("charts.git"))...).check(t, "a hook that speaks", 0, "https://git.example/new")
	if err := repo.Hook("update", "#!/bin/sh\necho \"$1 is frozen\"; exit 1\n"); err != nil {
		t.Fatal(err)
	}
	run(t, env, update("acme/web:v1.2.0", s.RepoURL("charts.git"))...).check(t, "a hook that refuses", 8, "refs/heads/main is frozen")
}
