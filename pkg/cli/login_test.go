package cli

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// A login is a way in which access to a git server or a forge can be given or be
// wrong: the exit code, and what stderr says, in this order.
type login struct {
	name string
	env  []string // NAME=VALUE
	args []string // after those that name the repository
	repo string   // default: the server's own
	code int
	says []string
}

const (
	rightToken = "tok-0123456789abcdef"
	wrongToken = "tok-fedcba9876543210"
)

// check runs update with a login and compares. No token may ever be shown.
func (l login) check(t *testing.T, repo string, more ...string) {
	t.Helper()
	t.Run(l.name, func(t *testing.T) {
		env := map[string]string{"HOME": t.TempDir()}
		for _, pair := range l.env {
			name, value, _ := strings.Cut(pair, "=")
			env[name] = value
		}
		if l.repo != "" {
			repo = l.repo
		}
		args := append([]string{"update", "acme/web:1.4.0", "--no-verify", "--file", "values.yaml"}, more...)
		args = append(args, l.args...)
		if repo != "" {
			args = append(args, "--repo", repo)
		}
		var stdout, stderr bytes.Buffer
		code := Run(context.Background(), Env{
			Args: args, Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr, Dir: env["DIR"],
			Getenv: func(name string) string { return env[name] }, Now: time.Now,
		})
		if code != l.code {
			t.Errorf("code %d, want %d:\n%s", code, l.code, &stderr)
		}
		rest := stderr.String()
		for _, want := range l.says {
			_, after, found := strings.Cut(rest, want)
			if !found {
				t.Errorf("stderr lacks %q:\n%s", want, &stderr)
				break
			}
			rest = after
		}
		for _, secret := range []string{rightToken, wrongToken} {
			if strings.Contains(stdout.String()+stderr.String(), secret) {
				t.Errorf("a token is shown:\n%s%s", &stdout, &stderr)
			}
		}
	})
}

// served is a repository with one file that names acme/web, behind a token; "" lets
// everybody in.
func served(t *testing.T, token string) (*testenv.GitServer, string) {
	t.Helper()
	root := t.TempDir()
	server, err := testenv.ServeGit(root, token)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	if _, err := server.Repo("charts.git", map[string]string{"values.yaml": "image: acme/web:1.3.0\n"}); err != nil {
		t.Fatal(err)
	}
	return server, filepath.Join(root, "charts.git")
}

func TestLoginsAtAGitServer(t *testing.T) {
	server, _ := served(t, rightToken)
	url := server.RepoURL("charts.git")
	withUser := strings.Replace(url, "://", "://org@", 1)
	project := t.TempDir()
	writeFile(t, filepath.Join(project, ".tagbump.yaml"), "repository: "+url+"\n")
	for _, l := range []login{
		{name: "the right token", env: []string{"TAGBUMP_TOKEN=" + rightToken}},
		{name: "with a line end", env: []string{"TAGBUMP_TOKEN=" + rightToken + "\n"}},
		{name: "with a CR LF", env: []string{"TAGBUMP_TOKEN=" + rightToken + "\r\n"}},
		{name: "with blanks around", env: []string{"TAGBUMP_TOKEN=  " + rightToken + " "}},
		{name: "and a user name", env: []string{"TAGBUMP_TOKEN=" + rightToken, "TAGBUMP_USERNAME=ci\n"}},
		{name: "and a user name in the URL", repo: withUser, env: []string{"TAGBUMP_TOKEN=" + rightToken}},
		{name: "none", code: 6, says: []string{"401", "hint: no token is set: TAGBUMP_TOKEN"}},
		{name: "a blank one", env: []string{"TAGBUMP_TOKEN= "}, code: 6, says: []string{"401", "hint: no token is set: TAGBUMP_TOKEN"}},
		{name: "CircleCI's word for none", env: []string{"TAGBUMP_TOKEN=<nil>"}, code: 6, says: []string{"401", "hint: no token is set: TAGBUMP_TOKEN"}},
		{name: "a wrong one", env: []string{"TAGBUMP_TOKEN=" + wrongToken}, code: 6, says: []string{"401", "hint: the server refused the token in TAGBUMP_TOKEN"}},
		{name: "a wrong one with a user", env: []string{"TAGBUMP_TOKEN=" + wrongToken, "TAGBUMP_USERNAME=ci"}, code: 6, says: []string{"the token in TAGBUMP_TOKEN", `"ci"`}},
		{name: "GitHub's at another server", env: []string{"GITHUB_TOKEN=" + rightToken}, code: 6, says: []string{"hint: no token is set: TAGBUMP_TOKEN; GITHUB_TOKEN is sent to its own forge only"}},
		{name: "GitLab's at another server", env: []string{"GITLAB_TOKEN=" + rightToken}, code: 6, says: []string{"GITLAB_TOKEN is sent to its own forge only"}},
		{name: "a wrong one of this GitHub", env: []string{"GITHUB_SERVER_URL=" + server.URL, "GITHUB_TOKEN=" + wrongToken}, code: 6, says: []string{"refused the token in GITHUB_TOKEN"}},
		{name: "the right one of this GitHub", env: []string{"GITHUB_SERVER_URL=" + server.URL, "GH_TOKEN=" + rightToken}},
		{name: "a wrong one of this GitLab", env: []string{"CI_SERVER_HOST=127.0.0.1", "GITLAB_TOKEN=" + wrongToken}, code: 6, says: []string{"refused the token in GITLAB_TOKEN"}},
		{name: "TAGBUMP_TOKEN beats the forge's", env: []string{"CI_SERVER_HOST=127.0.0.1", "GITLAB_TOKEN=" + wrongToken, "TAGBUMP_TOKEN=" + rightToken}},
		{name: "a password in the URL", repo: strings.Replace(url, "://", "://ci:"+rightToken+"@", 1), code: 2, says: []string{"has credentials in it", "hint: set TAGBUMP_TOKEN"}},
		{name: "another user in the URL", repo: withUser, env: []string{"TAGBUMP_TOKEN=" + rightToken, "TAGBUMP_USERNAME=ci"}, code: 2, says: []string{`user name "ci" is given`}},
		{
			name: "the host is named by the project file only", repo: "-", env: []string{"DIR=" + project, "TAGBUMP_TOKEN=" + rightToken}, code: 6,
			says: []string{"warning: TAGBUMP_TOKEN is not sent to 127.0.0.1, which only the project file names", "401", "hint: ", "set TAGBUMP_TOKEN_HOST=127.0.0.1"},
		},
		{name: "and by TAGBUMP_TOKEN_HOST", repo: "-", env: []string{"DIR=" + project, "TAGBUMP_TOKEN=" + rightToken, "TAGBUMP_TOKEN_HOST=127.0.0.1"}},
		{name: "and by TAGBUMP_REPO", repo: "-", env: []string{"DIR=" + project, "TAGBUMP_TOKEN=" + rightToken, "TAGBUMP_REPO=" + url}},
		{
			name: "TAGBUMP_TOKEN_HOST is another", env: []string{"TAGBUMP_TOKEN=" + rightToken, "TAGBUMP_TOKEN_HOST=git.example"}, code: 6,
			says: []string{"warning: TAGBUMP_TOKEN is for git.example, by TAGBUMP_TOKEN_HOST, and not sent to 127.0.0.1", "401"},
		},
	} {
		repo := url
		if l.repo == "-" {
			l.repo, repo = "", ""
		}
		l.check(t, repo, "--dry-run")
	}
}

func TestAnswersOfAGitServerToALogin(t *testing.T) {
	server, _ := served(t, rightToken)
	url := server.RepoURL("charts.git")
	token := []string{"TAGBUMP_TOKEN=" + rightToken}
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, _, sent := r.BasicAuth(); sent {
			t.Error("the token was sent to another host")
		}
		w.WriteHeader(http.StatusUnauthorized)
	}))
	defer elsewhere.Close()
	status := func(code int, header ...string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(code)
			return true
		}
	}
	for _, test := range []struct {
		login
		answer func(http.ResponseWriter, *http.Request) bool
	}{
		{login{name: "forbidden", env: token, code: 6, says: []string{"403", "the token in TAGBUMP_TOKEN", "may lack the right to write"}}, status(403)},
		{login{name: "not found", env: token, code: 5, says: []string{"no such repository", "the token in TAGBUMP_TOKEN"}}, status(404)},
		{login{name: "not found without a token", code: 5, says: []string{"no such repository", "no token"}}, status(404)},
		{login{name: "a sign-in page", env: token, code: 6, says: []string{"sign-in page", "the token in TAGBUMP_TOKEN"}}, status(203, "Content-Type", "text/html")},
		{
			login{name: "a redirect to a server that wants another", env: token, code: 6, says: []string{"redirects to", "was not sent there"}},
			status(302, "Location", strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1)+"/charts.git/info/refs?service=git-upload-pack"),
		},
	} {
		server.Before(test.answer)
		test.check(t, url, "--dry-run")
	}
	server.Before(func(w http.ResponseWriter, r *http.Request) bool {
		return strings.Contains(r.URL.RawQuery+r.URL.Path, "git-receive-pack") && status(403)(w, r)
	})
	login{name: "a token that may read and not write", env: token, code: 6, says: []string{"403", "the token in TAGBUMP_TOKEN", "may lack the right to write"}}.check(t, url)
}

func TestLoginsAtAnSSHServer(t *testing.T) {
	server := testenv.StartSSH(t, testenv.SSHOptions{})
	_, dir := served(t, rightToken)
	url := server.RepoURL(dir)
	keys := t.TempDir()
	other := filepath.Join(keys, "other")
	text := readFile(t, server.Key)
	writeFile(t, filepath.Join(keys, "garbage"), "not a key\n")
	writeFile(t, filepath.Join(keys, "empty_hosts"), "# nobody\n")
	copyOtherKey(t, other)
	trust := []string{"--ssh-known-hosts", server.KnownHosts}
	with := func(args ...string) []string { return append(args, trust...) }
	for _, l := range []login{
		{name: "the right key", args: with("--ssh-key", server.Key)},
		{name: "the right key as text", args: trust, env: []string{"TAGBUMP_SSH_KEY=" + text}},
		{name: "no key", args: trust, code: 6, says: []string{"hint: "}},
		{name: "an agent that is not there", args: trust, env: []string{"SSH_AUTH_SOCK=" + filepath.Join(keys, "gone")}, code: 6, says: []string{"hint: "}},
		{name: "another key", args: with("--ssh-key", other), code: 6, says: []string{other}},
		{name: "a key that is not there", args: with("--ssh-key", filepath.Join(keys, "gone")), code: 6, says: []string{"gone", "no such file"}},
		{name: "a file that is not a key", args: with("--ssh-key", filepath.Join(keys, "garbage")), code: 6, says: []string{"garbage", "is not a private key"}},
		{name: "a server that nobody knows", args: []string{"--ssh-key", server.Key, "--ssh-known-hosts", filepath.Join(keys, "empty_hosts")}, code: 6, says: []string{"hint: ", "ssh-keyscan"}},
		{name: "the pinned key of another server", args: []string{"--ssh-key", server.Key, "--ssh-host-key", readFile(t, other+".pub")}, code: 6, says: []string{"key"}},
		{name: "no known_hosts at all", args: []string{"--ssh-key", server.Key}, code: 6, says: []string{"hint: "}},
	} {
		l.check(t, url, "--dry-run")
	}
}

func TestLoginsAtAForge(t *testing.T) {
	server, dir := served(t, "")
	url := server.URL + "/acme/charts.git"
	if err := os.Mkdir(filepath.Join(filepath.Dir(dir), "acme"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := server.Repo(filepath.Join("acme", "charts.git"), map[string]string{"values.yaml": "image: acme/web:1.3.0\n"}); err != nil {
		t.Fatal(err)
	}
	repo := testenv.GitRepo{Dir: filepath.Join(filepath.Dir(dir), "acme", "charts.git")}
	tip := func(branch string) (string, bool) {
		hash, err := repo.Tip(branch)
		return strings.TrimSpace(hash), err == nil && hash != ""
	}
	const apiToken = "ghp_0123456789abcdefABCDEF0123456789abcd"
	var answer func(http.ResponseWriter, *http.Request) bool
	hub := testenv.NewGitHub(testenv.ForgeOptions{Path: "acme/charts", Token: apiToken, Tip: tip})
	hub.Before = func(w http.ResponseWriter, r *http.Request) bool { return answer != nil && answer(w, r) }
	api, stop, err := hub.Listen()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stop() }()
	refuse := func(status int, body string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
			return true
		}
	}
	for _, test := range []struct {
		login
		answer func(http.ResponseWriter, *http.Request) bool
	}{
		{login: login{name: "none", env: []string{"GITHUB_API_URL=" + api}, code: 6, says: []string{"a pull request needs a token", "hint: set GITHUB_TOKEN, GH_TOKEN or TAGBUMP_TOKEN"}}},
		{login: login{name: "GitLab's", env: []string{"GITHUB_API_URL=" + api, "GITLAB_TOKEN=" + rightToken}, code: 6, says: []string{"a pull request needs a token", "GITLAB_TOKEN is sent to its own forge only"}}},
		{login: login{name: "the git server's", env: []string{"GITHUB_API_URL=" + api, "TAGBUMP_TOKEN=" + rightToken}, code: 6, says: []string{"401", "the token in TAGBUMP_TOKEN"}}},
		{
			login:  login{name: "without permission", env: []string{"GITHUB_API_URL=" + api, "TAGBUMP_TOKEN=" + rightToken}, code: 6, says: []string{"403", "the token in TAGBUMP_TOKEN", "hint: ", "pull requests"}},
			answer: refuse(403, `{"message":"Resource not accessible by personal access token","documentation_url":"https://docs.github.com/rest"}`),
		},
		{
			login:  login{name: "for a repository that it may not see", env: []string{"GITHUB_API_URL=" + api, "TAGBUMP_TOKEN=" + rightToken}, code: 5, says: []string{"404", "the token in TAGBUMP_TOKEN", "hint: "}},
			answer: refuse(404, `{"message":"Not Found"}`),
		},
		{login: login{name: "a host of no forge", env: []string{"TAGBUMP_TOKEN=" + rightToken}, code: 2, says: []string{"a pull request at 127.0.0.1", "hint: "}}},
		{login: login{name: "an API that is not a URL", env: []string{"GITHUB_API_URL=ghe.example", "TAGBUMP_TOKEN=" + rightToken}, code: 2, says: []string{"ghe.example"}}},
	} {
		answer = test.answer
		test.check(t, url, "--pr")
	}
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// copyOtherKey writes a new key that no server takes, and name.pub.
func copyOtherKey(t *testing.T, name string) {
	t.Helper()
	stranger := testenv.StartSSH(t, testenv.SSHOptions{})
	writeFile(t, name, readFile(t, stranger.Key))
	writeFile(t, name+".pub", stranger.HostKey)
}
