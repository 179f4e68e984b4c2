package gitrepo_test

import (
	"context"
	"fmt"
	"os"
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
	os.Exit(code)
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
