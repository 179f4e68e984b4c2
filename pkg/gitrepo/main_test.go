package gitrepo_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tagbump/tagbump/pkg/gitrepo"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// killedURL has a copy of this test be the update that is killed.
const killedURL = "TAGBUMP_TEST_UPDATE"

func TestMain(m *testing.M) {
	if url := os.Getenv(killedURL); url != "" {
		if err := update(context.Background(), url, gitrepo.Options{Token: os.Getenv("TAGBUMP_TEST_TOKEN")}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	shared.end()
	templates.end()
	os.Exit(code)
}

// templates are repositories that tests copy: git init and fast-import take most of the
// time of a test that only needs a repository.
var templates templateCache

type templateCache struct {
	mu   sync.Mutex
	dir  string
	made map[string]string // folder by content
}

// repoOf is testenv.MustRepo, from a copy when there was one with the same files.
func repoOf(t *testing.T, dir string, files map[string]string) *testenv.GitRepo {
	t.Helper()
	template, err := templates.get(files)
	if err == nil {
		err = os.CopyFS(dir, os.DirFS(template))
	}
	if err != nil {
		t.Fatal(err)
	}
	return &testenv.GitRepo{Dir: dir}
}

func (c *templateCache) get(files map[string]string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := fmt.Sprint(files) // prints maps sorted
	if dir, ok := c.made[key]; ok {
		return dir, nil
	}
	if c.dir == "" {
		dir, err := os.MkdirTemp("", "repos")
		if err != nil {
			return "", err
		}
		c.dir, c.made = dir, map[string]string{}
	}
	dir := filepath.Join(c.dir, fmt.Sprint(len(c.made)))
	repo, err := testenv.NewGitRepo(dir, files)
	if err != nil {
		return "", err
	}
	if _, err := repo.Git("config", "core.fsync", "none"); err != nil {
		return "", err
	}
	for _, sample := range []string{"hooks", "description", "info"} {
		_ = os.RemoveAll(filepath.Join(dir, sample))
	}
	c.made[key] = dir
	return dir, os.Mkdir(filepath.Join(dir, "hooks"), 0o755)
}

func (c *templateCache) end() {
	if c.dir != "" {
		_ = os.RemoveAll(c.dir)
	}
}

// shared is the sshd of the tests that do not need one of their own.
var shared sshServer

type sshServer struct {
	once   sync.Once
	server *testenv.SSHServer
	dir    string
	err    error
}

func sharedSSH(t *testing.T) *testenv.SSHServer {
	t.Helper()
	if testenv.FindSSHD() == "" {
		t.Skip("sshd is not installed (apt-get install openssh-server)")
	}
	shared.once.Do(shared.start)
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.server
}

func (s *sshServer) start() {
	if s.dir, s.err = os.MkdirTemp("", "sshd"); s.err == nil {
		s.server, s.err = testenv.ServeSSH(s.dir, testenv.SSHOptions{})
	}
}

func (s *sshServer) end() {
	if s.server != nil {
		_ = s.server.Close()
	}
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
}
