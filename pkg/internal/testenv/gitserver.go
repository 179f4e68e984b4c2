package testenv

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"net/http/cgi"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// TB is the part of testing.TB that the wrappers use, so that this package can
// be part of a program, too.
type TB interface {
	Helper()
	TempDir() string
	Cleanup(func())
	Fatalf(format string, args ...any)
	Skip(args ...any)
}

// A GitServer is git's own http-backend behind a loopback port. Every directory
// below its root is a repository that may be read and pushed to with the token.
type GitServer struct {
	URL   string // "http://127.0.0.1:1234"
	Root  string // where the repositories are
	Token string // any user name with this password; "" lets everybody in

	mu       sync.Mutex
	requests []GitRequest
	before   func(http.ResponseWriter, *http.Request) bool
	server   *http.Server
	backend  cgi.Handler
}

// A GitRequest is what the server was asked.
type GitRequest struct {
	Method, URI, Protocol string
	Code                  int
	In, Out               int64 // bytes of the bodies
}

// ServeGit starts a GitServer for the repositories in root. Close ends it.
func ServeGit(root, token string) (*GitServer, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s, err := ServeGitOn(listener, root, token)
	if err != nil {
		_ = listener.Close()
	}
	return s, err
}

// ServeGitOn is ServeGit on a listener of the caller's, which may add latency.
func ServeGitOn(listener net.Listener, root, token string) (*GitServer, error) {
	execPath, err := Git(root, "--exec-path")
	if err != nil {
		return nil, err
	}
	s := &GitServer{URL: "http://" + listener.Addr().String(), Root: root, Token: token}
	s.backend = cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(execPath), "git-http-backend"),
		Env: append(isolation(root),
			"GIT_PROJECT_ROOT="+root, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=tagbump",
			"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"),
		InheritEnv: []string{"PATH"},
		Stderr:     io.Discard,
		Logger:     log.New(io.Discard, "", 0), // clients hang up on purpose
	}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.server.Serve(listener) }()
	return s, nil
}

// StartGit is ServeGit for a test, in a new directory and with a token.
func StartGit(t TB) *GitServer {
	t.Helper()
	s, err := ServeGit(t.TempDir(), "correct-horse-battery")
	if err != nil {
		t.Fatalf("git server: %v", err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Close ends the server and its connections.
func (s *GitServer) Close() error { return s.server.Close() }

// Before has f answer every request first; when it returns true the request is
// done. Nil takes it away.
func (s *GitServer) Before(f func(http.ResponseWriter, *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = f
}

// Requests lists what was asked since the last call of Forget.
func (s *GitServer) Requests() []GitRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]GitRequest(nil), s.requests...)
}

// Forget empties the list of Requests.
func (s *GitServer) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

// ServeHTTP answers one request of git's smart http.
func (s *GitServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	counted := &countingWriter{ResponseWriter: w, code: http.StatusOK}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	// CGI needs the length, also of what came in chunks.
	r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.requests = append(s.requests, GitRequest{r.Method, r.URL.RequestURI(), r.Header.Get("Git-Protocol"), counted.code, int64(len(body)), counted.n})
	}()
	s.mu.Lock()
	before := s.before
	s.mu.Unlock()
	if before != nil && before(counted, r) {
		return
	}
	if !s.mayEnter(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		http.Error(counted, "Authentication failed", http.StatusUnauthorized)
		return
	}
	s.backend.ServeHTTP(counted, r)
}

// Backend lets git answer a request, without a look at the credentials.
func (s *GitServer) Backend(w http.ResponseWriter, r *http.Request) { s.backend.ServeHTTP(w, r) }

func (s *GitServer) mayEnter(r *http.Request) bool {
	_, password, _ := r.BasicAuth()
	return s.Token == "" || password == s.Token
}

type countingWriter struct {
	http.ResponseWriter
	code int
	n    int64
}

func (c *countingWriter) WriteHeader(code int) {
	c.code = code
	c.ResponseWriter.WriteHeader(code)
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.n += int64(n)
	return n, err
}

func (c *countingWriter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// Repo makes a bare repository of that name with one commit on main.
func (s *GitServer) Repo(name string, files map[string]string) (*GitRepo, error) {
	return NewGitRepo(filepath.Join(s.Root, name), files)
}

// RepoURL is the repository's URL, without credentials.
func (s *GitServer) RepoURL(name string) string { return s.URL + "/" + name }

// BasicAuth is the value of an Authorization header that the server takes.
func (s *GitServer) BasicAuth() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte("x-access-token:"+s.Token))
}

// A GitRepo is a bare repository on disk, handled by the git executable.
type GitRepo struct{ Dir string }

// NewGitRepo makes a bare repository at dir, whose main has one commit with
// files. A name that ends in "*" is made executable, without the star; a content
// that begins with "symlink:" makes a symbolic link. No files: no commit.
func NewGitRepo(dir string, files map[string]string) (*GitRepo, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	r := &GitRepo{dir}
	if _, err := r.Git("init", "-q", "--bare", "-b", "main", "."); err != nil {
		return nil, err
	}
	if err := r.configure("[http]\n\treceivepack = true\n[uploadpack]\n\tallowFilter = true\n\tallowAnySHA1InWant = true\n[gc]\n\tauto = 0\n"); err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return r, nil
	}
	_, err := r.Commit("main", "first", files)
	return r, err
}

func (r *GitRepo) configure(text string) error {
	f, err := os.OpenFile(filepath.Join(r.Dir, "config"), os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// MustRepo is NewGitRepo for a test.
func MustRepo(t TB, dir string, files map[string]string) *GitRepo {
	t.Helper()
	r, err := NewGitRepo(dir, files)
	if err != nil {
		t.Fatalf("git repository: %v", err)
	}
	return r
}

// Commit writes files on top of branch, which is made when it is missing, and
// returns the new commit. Names and contents are as in NewGitRepo.
func (r *GitRepo) Commit(branch, message string, files map[string]string) (string, error) {
	var stream bytes.Buffer
	fmt.Fprintf(&stream, "commit refs/heads/%s\ncommitter Else <else@example.com> %d +0000\ndata %d\n%s\n", branch, time.Now().Unix(), len(message), message)
	if tip, _ := r.Tip(branch); tip != "" {
		fmt.Fprintf(&stream, "from %s\n", tip)
	}
	for name, content := range files {
		mode := "100644"
		if bare, is := strings.CutSuffix(name, "*"); is {
			mode, name = "100755", bare
		}
		if target, is := strings.CutPrefix(content, "symlink:"); is {
			mode, content = "120000", target
		}
		fmt.Fprintf(&stream, "M %s inline %s\ndata %d\n%s\n", mode, name, len(content), content)
	}
	if _, err := runGit(r.Dir, &stream, "fast-import", "--quiet"); err != nil {
		return "", err
	}
	return r.Tip(branch)
}

// Tip is the commit that branch stands at, or "" when there is no such branch.
//
// A fake forge asks for it with each pull request that it lists, so where one look at
// git's files tells, git is not started.
func (r *GitRepo) Tip(branch string) (string, error) {
	refs := filepath.Join(r.Dir, "refs", "heads")
	if tip, err := os.ReadFile(filepath.Join(refs, filepath.FromSlash(branch))); err == nil {
		return strings.TrimSpace(string(tip)), nil
	}
	_, noPack := os.Stat(filepath.Join(r.Dir, "packed-refs"))
	if _, err := os.Stat(refs); err == nil && errors.Is(noPack, fs.ErrNotExist) {
		return "", nil
	}
	out, err := r.Git("for-each-ref", "--format=%(objectname)", "refs/heads/"+branch)
	return strings.TrimSpace(out), err
}

// File is the content of a file at the branch's tip.
func (r *GitRepo) File(branch, path string) (string, error) {
	return r.Git("cat-file", "blob", "refs/heads/"+branch+":"+path)
}

// Log lists the branch's subjects, newest first.
func (r *GitRepo) Log(branch string) ([]string, error) {
	out, err := r.Git("log", "--format=%s", "refs/heads/"+branch)
	return strings.Split(strings.TrimSpace(out), "\n"), err
}

// DiffStat is `git diff --stat` from one commit to another, without a colour.
func (r *GitRepo) DiffStat(from, to string) (string, error) {
	return r.Git("diff", "--no-color", "--stat", from, to)
}

// Hook installs an executable hook.
func (r *GitRepo) Hook(name, script string) error {
	return os.WriteFile(filepath.Join(r.Dir, "hooks", name), []byte(script), 0o755)
}

// Fsck lets git check every object and link.
func (r *GitRepo) Fsck() error {
	_, err := r.Git("fsck", "--full", "--strict", "--no-dangling")
	return err
}

// Git runs git in the repository.
func (r *GitRepo) Git(args ...string) (string, error) { return runGit(r.Dir, nil, args...) }

// Git runs the git executable in dir, with nobody's configuration.
func Git(dir string, args ...string) (string, error) { return runGit(dir, nil, args...) }

func runGit(dir string, stdin io.Reader, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir, cmd.Stdin, cmd.WaitDelay = dir, stdin, 5*time.Second // git's children may live on
	cmd.Env = append(isolation(dir), "PATH="+os.Getenv("PATH"))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), errors.Join(fmt.Errorf("git %s: %w", strings.Join(args, " "), err), errors.New(stderr.String()))
	}
	return stdout.String(), nil
}

// isolation keeps the user's and the machine's git configuration out.
func isolation(home string) []string {
	return []string{
		"HOME=" + home, "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=Else", "GIT_AUTHOR_EMAIL=else@example.com", "GIT_COMMITTER_NAME=Else", "GIT_COMMITTER_EMAIL=else@example.com",
		"LC_ALL=C",
	}
}

// HasGPG reports whether gpg is installed.
func HasGPG() bool {
	_, err := exec.LookPath("gpg")
	return err == nil
}

// GPGVerify lets git verify a commit's signature with the armoured public key in
// keyFile. Home is an empty directory for gpg.
func GPGVerify(home, keyFile string, r *GitRepo, commit string) error {
	if err := os.Chmod(home, 0o700); err != nil {
		return err
	}
	for _, args := range [][]string{{"gpg", "--batch", "--quiet", "--import", keyFile}, {"git", "-C", r.Dir, "verify-commit", commit}} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = append(isolation(home), "PATH="+os.Getenv("PATH"), "GNUPGHOME="+home)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", args[0], err, out)
		}
	}
	return nil
}
