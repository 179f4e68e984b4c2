package servers

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// sshFlags let the key into the server.
func sshFlags(s *testenv.SSHServer, key string) []string {
	return []string{"--ssh-key", key, "--ssh-known-hosts", s.KnownHosts}
}

func TestOpenSSH(t *testing.T) {
	s := testenv.StartSSH(t, testenv.SSHOptions{})
	repo := newRepo(t)
	oneBump(t, repo, s.RepoURL(repo.Dir), nil, sshFlags(s, s.Key)...)
}

func TestOpenSSHTakesACrowd(t *testing.T) {
	slow(t)
	s := testenv.StartSSH(t, testenv.SSHOptions{})
	repo := newRepo(t)
	crowd(t, repo, s.RepoURL(repo.Dir), nil, sshFlags(s, s.Key)...)
}

// TestOpenSSHUserIsShown holds that an ssh user, who is no secret, does not turn
// the names of files and branches into REDACTED.
func TestOpenSSHUserIsShown(t *testing.T) {
	s := testenv.StartSSH(t, testenv.SSHOptions{})
	repo := newRepo(t)
	got := run(t, nil, update("acme/argo:v2", s.RepoURL(repo.Dir), append(sshFlags(s, s.Key), "--file", "argocd/"+s.User+"-app.yaml")...)...)
	if s.User == "root" {
		got.check(t, "a file with the user's name", 0, `argocd/root-app\.yaml:2`)
	}
	got.checkSilent(t, "a file with the user's name", "REDACTED")
}

// TestOpenSSHSaysNoOnce holds that a service which ends with words has answered:
// the words are shown, with the right exit code, and nothing is tried again.
func TestOpenSSHSaysNoOnce(t *testing.T) {
	s := testenv.StartSSH(t, testenv.SSHOptions{})
	repo := newRepo(t)
	for name, test := range map[string]struct {
		command string
		code    int
		said    string
	}{
		"nologin":       {"echo 'This account is currently not available.'; exit 1", 6, "This account is currently not available"},
		"norepo":        {"echo 'Gitea: Cannot find repository: ci/nosuch' >&2; exit 1", 5, "Cannot find repository: ci/nosuch"},
		"readonly":      {"echo 'Deploy Key: 7:ro is not authorized to write to ci/charts.' >&2; exit 1", 6, "is not authorized to write"},
		"archived":      {"echo 'Repo: ci/charts is archived.' >&2; exit 1", 8, "is archived"},
		"invalidrepo":   {"echo 'Error: invalid repo' >&2; exit 1", 5, "invalid repo"},
		"unauthorized":  {"echo 'Error: you are not authorized to do this' >&2; exit 1", 6, "you are not authorized"},
		"nogit":         {"echo 'bash: line 1: git-upload-pack: command not found' >&2; exit 127", 1, "command not found"},
		"gitlab":        {"printf 'remote: ERROR: The project you were looking for could not be found or you do not have permission to view it.\\n' >&2; exit 1", 5, "could not be found"},
		"onlytheoutput": {"echo Welcome to the machine; exit 0", 1, "Welcome to the machine"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := filepath.Join(t.TempDir(), "service")
			if err := os.WriteFile(program, []byte("#!/bin/sh\n"+test.command+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			key, err := s.AddKey(name, program)
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			got := run(t, nil, update("acme/web:v2.0.0", s.RepoURL(repo.Dir), sshFlags(s, key)...)...)
			got.check(t, name, test.code, test.said)
			got.checkSilent(t, name, "trying again", "try again")
			if took := time.Since(start); took > 15*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// TestOpenSSHNeverLosesTheWords makes the same refused exchange many times: what
// the service says must not depend on which of its streams ends first.
func TestOpenSSHNeverLosesTheWords(t *testing.T) {
	s := testenv.StartSSH(t, testenv.SSHOptions{})
	times := 10
	if os.Getenv("SERVERS") != "" {
		times = 200
	}
	for i := range times {
		got := run(t, nil, update("acme/web:v2.0.0", s.RepoURL("/nowhere/charts.git"), sshFlags(s, s.Key)...)...)
		got.check(t, fmt.Sprint("exchange ", i), 5, "'/nowhere/charts.git'")
		got.checkSilent(t, fmt.Sprint("exchange ", i), "trying again", "in the middle of an answer")
		if t.Failed() {
			return
		}
	}
}

// TestOpenSSHHooks holds what hooks of the server do to a push.
func TestOpenSSHHooks(t *testing.T) {
	s := testenv.StartSSH(t, testenv.SSHOptions{})
	repo := newRepo(t)
	url, flags := s.RepoURL(repo.Dir), sshFlags(s, s.Key)
	hook := func(name, script string) {
		t.Helper()
		if err := repo.Hook(name, "#!/bin/sh\n"+script+"\n"); err != nil {
			t.Fatal(err)
		}
	}
	hook("post-receive", "echo 'View it at https://git.example/charts/1'")
	run(t, nil, update("acme/web:v1.1.0", url, flags...)...).check(t, "a hook that speaks", 0, "https://git.example/charts/1")
	hook("pre-receive", "sleep 2")
	run(t, nil, update("acme/web:v1.2.0", url, flags...)...).check(t, "a slow hook", 0, "pushed")
	hook("pre-receive", "echo 'no releases on a Friday'; exit 1")
	run(t, nil, update("acme/web:v1.3.0", url, flags...)...).check(t, "a hook that refuses", 8, "no releases on a Friday")
}

// TestOpenSSHHiddenBranches holds that a branch which may not be moved is refused,
// and is not taken for one that moves all the time.
func TestOpenSSHHiddenBranches(t *testing.T) {
	s := testenv.StartSSH(t, testenv.SSHOptions{})
	repo := newRepo(t)
	if _, err := repo.Git("config", "transfer.hideRefs", "refs/heads"); err != nil {
		t.Fatal(err)
	}
	got := run(t, nil, update("acme/web:v2.0.0", s.RepoURL(repo.Dir), sshFlags(s, s.Key)...)...)
	if got.code == 0 {
		t.Errorf("pushed to a hidden branch\n%s", got.shown())
	}
	got.checkSilent(t, "hidden branches", "has moved")
}

const gitoliteConf = `
repo team/shop/charts
    RW+ main = ci
    - main = tester
    RW = tester
    R = reader
`

func TestGitolite(t *testing.T) {
	g := testenv.StartGitolite(t, gitoliteConf, "ci", "reader", "tester", "stranger")
	repo := g.Repo("team/shop/charts")
	if _, err := repo.Commit("main", "first", charts); err != nil {
		t.Fatal(err)
	}
	if _, err := repo.Git("symbolic-ref", "HEAD", "refs/heads/main"); err != nil {
		t.Fatal(err)
	}
	flags := func(user string) []string { return sshFlags(g.SSH, g.Key(user)) }
	oneBump(t, repo, g.URL("team/shop/charts"), nil, flags("ci")...)
	for _, test := range []struct {
		what, user, repo string
		code             int
		said             string
	}{
		{"may only read", "reader", "team/shop/charts", 6, "DENIED by fallthru"},
		{"may not move this branch", "tester", "team/shop/charts", 8, "DENIED by refs/heads/main"},
		{"may do nothing", "stranger", "team/shop/charts", 6, "DENIED by fallthru"},
		{"no such repository", "ci", "team/shop/chart", 6, "DENIED by fallthru"},
	} {
		got := run(t, nil, update("acme/api:v2.0.0", g.URL(test.repo), flags(test.user)...)...)
		got.check(t, test.what, test.code, test.said)
		got.checkSilent(t, test.what, "trying again")
	}
}

func TestGitoliteTakesACrowd(t *testing.T) {
	slow(t)
	g := testenv.StartGitolite(t, gitoliteConf, "ci")
	repo := g.Repo("team/shop/charts")
	if _, err := repo.Commit("main", "first", charts); err != nil {
		t.Fatal(err)
	}
	if _, err := repo.Git("symbolic-ref", "HEAD", "refs/heads/main"); err != nil {
		t.Fatal(err)
	}
	crowd(t, repo, g.URL("team/shop/charts"), nil, sshFlags(g.SSH, g.Key("ci"))...)
}
