package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// sshRemote keeps one connection. Each refs starts git-upload-pack on a channel
// of its own, because a running one may answer from what it has cached; the
// fetches that follow use the same process.
type sshRemote struct {
	addr    address
	options Options
	client  *ssh.Client
	upload  *sshProcess
}

func newSSHRemote(addr address, opts Options) (*sshRemote, error) {
	if opts.HostKey != "" && opts.KnownHosts != "" {
		return nil, fmt.Errorf("%s: a known_hosts file and a pinned host key are given; one decides", addr)
	}
	return &sshRemote{addr: addr, options: opts}, nil
}

// An sshProcess is a git service on the server's side of a channel.
type sshProcess struct {
	ch     ssh.Channel
	in     *packetReader
	caps   capabilities
	stderr *tail
	done   chan struct{} // the server closed the channel
}

// tail keeps the beginning of what a server says on stderr.
type tail struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := 16<<10 - t.text.Len(); room > 0 {
		t.text.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// start runs a service. Neither environment nor command is waited for: a refusal
// shows in what the service says, or does not.
func (r *sshRemote) start(ctx context.Context, service string) (*sshProcess, error) {
	if err := r.connect(ctx); err != nil {
		return nil, err
	}
	ch, requests, err := r.client.OpenChannel("session", nil)
	if err != nil {
		return nil, network(ctx, err)
	}
	p := &sshProcess{ch: ch, in: newPacketReader(ch), stderr: &tail{}, done: make(chan struct{})}
	go func() {
		ssh.DiscardRequests(requests)
		close(p.done)
	}()
	go func() { _, _ = io.Copy(p.stderr, ch.Stderr()) }()
	if service == uploadPack {
		_, err = ch.SendRequest("env", false, ssh.Marshal(struct{ Name, Value string }{"GIT_PROTOCOL", "version=2"}))
	}
	if err == nil {
		_, err = ch.SendRequest("exec", false, ssh.Marshal(struct{ Command string }{service + " " + quote(r.addr.path)}))
	}
	return p, network(ctx, err)
}

// quote is git's sq_quote: what a shell on the server reads as one word.
func quote(s string) string {
	return "'" + strings.NewReplacer("'", `'\''`, "!", `'\!'`).Replace(s) + "'"
}

// explain says why a service gave no answer: its own words on stderr count most.
func (p *sshProcess) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil || !errors.Is(noEOF(err), io.ErrUnexpectedEOF) {
		return network(ctx, err)
	}
	select {
	case <-p.done:
	case <-time.After(2 * time.Second):
	}
	said := words(p.stderr.String())
	lower := strings.ToLower(said)
	switch {
	case said == "":
		return network(ctx, err)
	case strings.Contains(lower, "read only") || strings.Contains(lower, "denied") || strings.Contains(lower, "not allowed"):
		return fail(ErrAuth, "the server says: %s", said).withHint("this SSH key may read but not write; add it with write access, or use another")
	case strings.Contains(lower, "not found") || strings.Contains(lower, "not appear to be a git repository") || strings.Contains(lower, "does not exist"):
		return fail(ErrNotFound, "no such repository: the server says: %s", said)
	}
	return fail(ErrUnavailable, "the server says: %s", said)
}

func (r *sshRemote) refs(ctx context.Context, branch string) (ref, error) {
	defer r.guard(ctx)()
	if r.upload != nil {
		_ = r.upload.ch.Close()
	}
	p, err := r.start(ctx, uploadPack)
	if err != nil {
		return ref{}, err
	}
	r.upload = p
	if p.caps, err = readGreeting(p.in); err != nil {
		return ref{}, p.explain(ctx, err)
	}
	if _, err := p.ch.Write(lsRefs(branch)); err != nil {
		return ref{}, p.explain(ctx, err)
	}
	found, err := readRefs(p.in, branch)
	if err != nil {
		return found, p.explain(ctx, err)
	}
	return found, nil
}

func (r *sshRemote) fetch(ctx context.Context, req fetchRequest, s *store) error {
	defer r.guard(ctx)()
	if !r.upload.caps.filter {
		req.filter = ""
	}
	if _, err := r.upload.ch.Write(fetchCommand(req)); err != nil {
		return r.upload.explain(ctx, err)
	}
	if err := readFetch(r.upload.in, req, s); err != nil {
		return r.upload.explain(ctx, err)
	}
	return nil
}

func (r *sshRemote) push(ctx context.Context, u update) error {
	defer r.guard(ctx)()
	p, err := r.start(ctx, receivePack)
	if err != nil {
		return err
	}
	defer func() { _ = p.ch.Close() }()
	if err := skipAdvertisement(p.in); err != nil {
		return p.explain(ctx, err)
	}
	if _, err := p.ch.Write(pushCommand(u)); err != nil {
		return p.explain(ctx, err)
	}
	_ = p.ch.CloseWrite()
	if err := readReport(p.in.r, u.branch); err != nil {
		return p.explain(ctx, err)
	}
	return nil
}

// skipAdvertisement reads over the refs that receive-pack lists: the command
// says where the branch must stand.
func skipAdvertisement(p *packetReader) error {
	for {
		kind, _, err := p.next()
		if err != nil {
			return noEOF(err)
		}
		if kind == flushPacket {
			return nil
		}
	}
}

// guard breaks the connection when ctx ends, because a channel cannot wait with
// a deadline. It returns what ends the watch.
func (r *sshRemote) guard(ctx context.Context) func() {
	stop := context.AfterFunc(ctx, func() { _ = r.close() })
	return func() { stop() }
}

func (r *sshRemote) close() error {
	if r.client == nil {
		return nil
	}
	return r.client.Close()
}

func (r *sshRemote) connect(ctx context.Context) error {
	if r.client != nil {
		return nil
	}
	host := r.addr.host
	if _, _, err := net.SplitHostPort(host); err != nil {
		host = net.JoinHostPort(strings.Trim(host, "[]"), "22")
	}
	config, err := r.config(host)
	if err != nil {
		return err
	}
	conn, err := (&net.Dialer{Timeout: config.Timeout}).DialContext(ctx, "tcp", host)
	if err != nil {
		return network(ctx, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	_ = conn.SetDeadline(time.Now().Add(config.Timeout))
	c, channels, requests, err := ssh.NewClientConn(conn, host, config)
	if err != nil {
		_ = conn.Close()
		return r.handshakeError(ctx, err)
	}
	_ = conn.SetDeadline(time.Time{})
	r.client = ssh.NewClient(c, channels, requests)
	return nil
}

func (r *sshRemote) config(host string) (*ssh.ClientConfig, error) {
	config := &ssh.ClientConfig{User: firstOf(r.addr.user, "git"), Timeout: 30 * time.Second}
	if err := r.trust(config, host); err != nil {
		return nil, err
	}
	auth, err := r.auth()
	config.Auth = []ssh.AuthMethod{auth}
	return config, err
}

// trust sets whom the server may be. The algorithms must follow what is known of
// it: else a server with several keys offers one that the file does not have,
// which looks like a changed key.
func (r *sshRemote) trust(config *ssh.ClientConfig, host string) error {
	switch {
	case r.options.HostKey != "":
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(r.options.HostKey))
		if err != nil {
			return fail(ErrAuth, "the pinned host key is not a public key (as in authorized_keys)")
		}
		config.HostKeyCallback = ssh.FixedHostKey(key)
		config.HostKeyAlgorithms = algorithmsOf(key.Type())
		return nil
	case r.options.KnownHosts == "":
		return fail(ErrAuth, "no known_hosts file and no pinned host key: the server cannot be told from another")
	}
	known, err := knownhosts.NewDB(r.options.KnownHosts)
	if err != nil {
		return because(ErrAuth, err, "known_hosts")
	}
	config.HostKeyCallback = known.HostKeyCallback()
	config.HostKeyAlgorithms = known.HostKeyAlgorithms(host)
	return nil
}

func algorithmsOf(keyType string) []string {
	if keyType == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSA}
	}
	return []string{keyType}
}

func (r *sshRemote) auth() (ssh.AuthMethod, error) {
	if r.options.SSHKey != "" {
		signer, err := readKey(r.options.SSHKey, r.options.SSHKeyPassphrase)
		return ssh.PublicKeys(signer), err
	}
	if r.options.SSHAgentSocket == "" {
		return nil, fail(ErrAuth, "no SSH key and no agent").withHint("name a key file, or start an agent (SSH_AUTH_SOCK)")
	}
	return ssh.PublicKeysCallback(func() ([]ssh.Signer, error) {
		conn, err := net.Dial("unix", r.options.SSHAgentSocket)
		if err != nil {
			return nil, fmt.Errorf("the SSH agent: %w", err)
		}
		return agent.NewClient(conn).Signers()
	}), nil
}

func readKey(path, passphrase string) (ssh.Signer, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, because(ErrAuth, err, "the SSH key")
	}
	if passphrase != "" {
		signer, err := ssh.ParsePrivateKeyWithPassphrase(pem, []byte(passphrase))
		if err != nil {
			return nil, because(ErrAuth, err, "the SSH key %s", path)
		}
		return signer, nil
	}
	signer, err := ssh.ParsePrivateKey(pem)
	var locked *ssh.PassphraseMissingError
	if errors.As(err, &locked) {
		return nil, fail(ErrAuth, "the SSH key %s: is encrypted, and no passphrase was given", path)
	}
	if err != nil {
		return nil, because(ErrAuth, err, "the SSH key %s", path)
	}
	return signer, nil
}

func (r *sshRemote) handshakeError(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return network(ctx, err)
	case knownhosts.IsHostKeyChanged(err) || strings.Contains(err.Error(), "host key mismatch"):
		return fail(ErrAuth, "the server's host key is not the one that is known: this may be an attack, or a new key")
	case knownhosts.IsHostUnknown(err):
		return fail(ErrAuth, "the server's host key is not in %s", r.options.KnownHosts).withHint("add it once you have checked it: ssh-keyscan %s", r.addr.host)
	case strings.Contains(err.Error(), "unable to authenticate"):
		return fail(ErrAuth, "the server takes no key that was offered").withHint("user %q was tried with %s", firstOf(r.addr.user, "git"), r.keySource())
	}
	return network(ctx, err)
}

func (r *sshRemote) keySource() string {
	if r.options.SSHKey != "" {
		return "the key " + r.options.SSHKey
	}
	return "the keys of the agent"
}
