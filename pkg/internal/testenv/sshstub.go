package testenv

import (
	"crypto/ed25519"
	"crypto/rand"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
)

// An SSHStub is an ssh server for one key that answers every command with fixed words and
// the status 1, as forges do that refuse a repository.
type SSHStub struct {
	Addr    string
	Key     string // the private key's file; the public one is beside it, with ".pub"
	HostKey string // as in authorized_keys

	mu             sync.Mutex
	stdout, stderr string
	sessions       int
}

// StartSSHStub runs an SSHStub until the test ends.
func StartSSHStub(t TB) *SSHStub {
	t.Helper()
	s := &SSHStub{Key: filepath.Join(t.TempDir(), "id_ed25519")}
	config, err := s.config()
	if err != nil {
		t.Fatalf("ssh stub: %v", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("ssh stub: %v", err)
	}
	s.Addr = listener.Addr().String()
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go s.serve(conn, config)
		}
	}()
	return s
}

// Say sets what the server answers from now on.
func (s *SSHStub) Say(stdout, stderr string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stdout, s.stderr = stdout, stderr
}

// Sessions returns how many commands were run.
func (s *SSHStub) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions
}

func (s *SSHStub) config() (*ssh.ServerConfig, error) {
	line, err := writeKey(s.Key)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(s.Key+".pub", []byte(line), 0o600); err != nil {
		return nil, err
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	host, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return nil, err
	}
	s.HostKey = strings.TrimSpace(string(ssh.MarshalAuthorizedKey(host.PublicKey())))
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(ssh.MarshalAuthorizedKey(key)) != line {
			return nil, os.ErrPermission
		}
		return nil, nil
	}}
	config.AddHostKey(host)
	return config, nil
}

func (s *SSHStub) serve(conn net.Conn, config *ssh.ServerConfig) {
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		_ = conn.Close()
		return
	}
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		channel, requests, err := offered.Accept()
		if err != nil {
			return
		}
		go s.session(channel, requests)
	}
}

func (s *SSHStub) session(channel ssh.Channel, requests <-chan *ssh.Request) {
	for request := range requests {
		if request.WantReply {
			_ = request.Reply(true, nil)
		}
		if request.Type != "exec" {
			continue
		}
		s.mu.Lock()
		s.sessions++
		stdout, stderr := s.stdout, s.stderr
		s.mu.Unlock()
		_, _ = io.WriteString(channel, stdout)
		_, _ = io.WriteString(channel.Stderr(), stderr)
		_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{1}))
		_ = channel.Close()
	}
}
