package testenv

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// An SSHServer is OpenSSH's sshd on a loopback port, for one user and one key.
type SSHServer struct {
	Addr       string // "127.0.0.1:1234"
	User       string
	Key        string // the private key's file
	KnownHosts string // a file with one line: the server's ed25519 key
	HostKey    string // the same key, as in authorized_keys
	dir        string
	cmd        *exec.Cmd
	exited     chan struct{}
}

// sshdPaths are where sshd may be.
var sshdPaths = []string{"/usr/sbin/sshd", "/usr/local/sbin/sshd", "/sbin/sshd"}

// FindSSHD returns the path of sshd, or "" when it is not installed.
func FindSSHD() string {
	for _, path := range sshdPaths {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return ""
}

// SSHOptions vary a server.
type SSHOptions struct {
	// HostKeys are the types of its keys ("ed25519", "ecdsa", "rsa"); ed25519 must
	// be among them. Default: ed25519 alone.
	HostKeys []string
	// Version0 has the server refuse GIT_PROTOCOL, so that git speaks its version 0.
	// Default: version 2.
	Version0 bool
}

// ServeSSH starts an sshd with its files in dir.
func ServeSSH(dir string, opts SSHOptions) (*SSHServer, error) {
	if len(opts.HostKeys) == 0 {
		opts.HostKeys = []string{"ed25519"}
	}
	sshd := FindSSHD()
	if sshd == "" {
		return nil, fmt.Errorf("sshd: not found in %s", strings.Join(sshdPaths, ", "))
	}
	s := &SSHServer{User: os.Getenv("USER"), dir: dir, Key: filepath.Join(dir, "id_ed25519"), KnownHosts: filepath.Join(dir, "known_hosts")}
	if name, err := exec.Command("id", "-un").Output(); err == nil {
		s.User = strings.TrimSpace(string(name))
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s.Addr = net.JoinHostPort("127.0.0.1", port)
	config, err := s.write(port, opts)
	if err != nil {
		return nil, err
	}
	_ = os.MkdirAll("/run/sshd", 0o755)
	s.cmd = exec.Command(sshd, "-D", "-e", "-f", config)
	log, err := os.Create(filepath.Join(dir, "sshd.log"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	s.cmd.Stderr = log
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	s.exited = make(chan struct{})
	go func() {
		_ = s.cmd.Wait()
		close(s.exited)
	}()
	return s, s.await()
}

// StartSSH is ServeSSH for a test, which is skipped when there is no sshd.
func StartSSH(t TB, opts SSHOptions) *SSHServer {
	t.Helper()
	if FindSSHD() == "" {
		t.Skip("sshd is not installed (apt-get install openssh-server)")
	}
	s, err := ServeSSH(t.TempDir(), opts)
	if err != nil {
		t.Fatalf("sshd: %v", err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Close ends sshd.
func (s *SSHServer) Close() error {
	_ = s.cmd.Process.Kill()
	<-s.exited
	return nil
}

// RepoURL is the ssh URL of a repository on this machine.
func (s *SSHServer) RepoURL(dir string) string {
	return "ssh://" + s.User + "@" + s.Addr + dir
}

// AddKey lets a new key in, which runs command instead of the shell, and returns
// the private key's file. An empty command runs what the client asks for.
func (s *SSHServer) AddKey(name, command string) (string, error) {
	file := filepath.Join(s.dir, "id_"+name)
	public, err := writeKey(file)
	if err != nil {
		return "", err
	}
	if command != "" {
		public = fmt.Sprintf("command=%q,restrict %s", command, public)
	}
	list, err := os.OpenFile(filepath.Join(s.dir, "authorized_keys"), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	_, err = list.WriteString(public)
	return file, errors.Join(err, list.Close())
}

func (s *SSHServer) write(port string, opts SSHOptions) (string, error) {
	public, err := writeKey(s.Key)
	if err != nil {
		return "", err
	}
	accept := "AcceptEnv GIT_PROTOCOL"
	if opts.Version0 {
		accept = ""
	}
	config := strings.Join([]string{
		"Port " + port, "ListenAddress 127.0.0.1", "PidFile none", "UsePAM no", "StrictModes no",
		"PasswordAuthentication no", "KbdInteractiveAuthentication no", "PermitRootLogin yes",
		"AuthorizedKeysFile " + filepath.Join(s.dir, "authorized_keys"),
		accept, "MaxStartups 200:30:300", "MaxSessions 200", "PrintMotd no",
		"SetEnv HOME=" + s.dir, "",
	}, "\n")
	for _, kind := range opts.HostKeys {
		file := filepath.Join(s.dir, "host_"+kind)
		if out, err := exec.Command("ssh-keygen", "-q", "-t", kind, "-N", "", "-f", file).CombinedOutput(); err != nil {
			return "", fmt.Errorf("ssh-keygen: %w: %s", err, out)
		}
		config += "HostKey " + file + "\n"
	}
	hostKey, err := os.ReadFile(filepath.Join(s.dir, "host_ed25519.pub"))
	if err != nil {
		return "", err
	}
	s.HostKey = strings.TrimSpace(string(hostKey))
	files := map[string]string{
		"authorized_keys": public,
		"known_hosts":     fmt.Sprintf("[127.0.0.1]:%s %s\n", port, s.HostKey),
		".gitconfig":      "[safe]\n\tdirectory = *\n",
		"sshd_config":     config,
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	return filepath.Join(s.dir, "sshd_config"), nil
}

// writeKey makes an ed25519 key pair and returns the public line.
func writeKey(path string) (string, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", err
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		return "", err
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		return "", err
	}
	return string(ssh.MarshalAuthorizedKey(key)), nil
}

func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer func() { _ = listener.Close() }()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, err
}

// await returns once this sshd takes connections. That something answers is not
// enough: another process may have taken the port since it was free.
func (s *SSHServer) await() error {
	deadline := time.After(20 * time.Second)
	for {
		if s.greets() {
			return nil
		}
		select {
		case <-s.exited:
			return s.failed("has ended")
		case <-deadline:
			_ = s.Close()
			return s.failed("does not answer")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *SSHServer) failed(how string) error {
	log, _ := os.ReadFile(filepath.Join(s.dir, "sshd.log"))
	return fmt.Errorf("sshd %s: %s", how, log)
}

func (s *SSHServer) greets() bool {
	conn, err := net.DialTimeout("tcp", s.Addr, time.Second)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
	banner := make([]byte, 4)
	_, err = io.ReadFull(conn, banner)
	return err == nil && string(banner) == "SSH-"
}
