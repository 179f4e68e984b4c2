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
	"sync/atomic"
	"time"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/tagbump/tagbump/pkg/giturl"
	"github.com/tagbump/tagbump/pkg/internal/httpx"
)

// sshRemote keeps one connection. Each refs starts git-upload-pack on a channel
// of its own, because a running one may answer from what it has cached; the
// fetches that follow use the same process, in version 2.
type sshRemote struct {
	addr    giturl.Address
	options Options
	client  atomic.Pointer[ssh.Client]
	upload  *sshProcess  // with an answer still to give; nil when there is none
	caps    capabilities // as the last greeting said
	met     bool         // there was a greeting
	watch   *watch       // of what is under way
}

func newSSHRemote(addr giturl.Address, opts Options) (*sshRemote, error) {
	if opts.HostKey != "" && opts.KnownHosts != "" {
		return nil, fmt.Errorf("%s: a known_hosts file and a pinned host key are given; one decides", addr)
	}
	return &sshRemote{addr: addr, options: opts}, nil
}

// An sshProcess is a git service on the server's side of a channel.
type sshProcess struct {
	ch      ssh.Channel
	in      *packetReader
	greeted bool
	stderr  *tail
	done    chan struct{} // all of stderr has been read
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
	ch, requests, err := r.channel(ctx)
	if err != nil {
		return nil, err
	}
	p := &sshProcess{ch: ch, stderr: &tail{}, done: make(chan struct{})}
	p.in = newPacketReader(&heard{ch, r})
	go ssh.DiscardRequests(requests)
	go func() {
		_, _ = io.Copy(p.stderr, ch.Stderr())
		close(p.done)
	}()
	if service == uploadPack && !r.caps.v0 {
		_, err = ch.SendRequest("env", false, ssh.Marshal(struct{ Name, Value string }{"GIT_PROTOCOL", "version=2"}))
	}
	if err == nil {
		_, err = ch.SendRequest("exec", false, ssh.Marshal(struct{ Command string }{service + " " + quote(r.addr.Path)}))
	}
	return p, network(ctx, err)
}

// channel opens a session, on a new connection when the old one is gone.
func (r *sshRemote) channel(ctx context.Context) (ssh.Channel, <-chan *ssh.Request, error) {
	if client := r.client.Load(); client != nil {
		if ch, requests, err := client.OpenChannel("session", nil); err == nil {
			return ch, requests, nil
		}
		r.drop()
	}
	client, err := r.connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	r.client.Store(client)
	ch, requests, err := client.OpenChannel("session", nil)
	return ch, requests, network(ctx, err)
}

// heard tells the watch that the server is alive.
type heard struct {
	r      io.Reader
	remote *sshRemote
}

func (h *heard) Read(p []byte) (int, error) {
	n, err := h.r.Read(p)
	if n > 0 && h.remote.watch != nil {
		h.remote.watch.touch()
	}
	return n, err
}

// quote is git's sq_quote: what a shell on the server reads as one word.
func quote(s string) string {
	return "'" + strings.NewReplacer("'", `'\''`, "!", `'\!'`).Replace(s) + "'"
}

// explain says why a service gave no answer: its own words on stderr count most.
func (r *sshRemote) explain(ctx context.Context, p *sshProcess, err error) error {
	if ctx.Err() != nil || !errors.Is(noEOF(err), io.ErrUnexpectedEOF) && !errors.Is(err, errDeclined) {
		return network(ctx, err)
	}
	said := p.lastWords()
	lower := strings.ToLower(said)
	switch {
	case said == "" && errors.As(err, new(serverError)):
		return err
	case said == "" && errors.Is(err, errDeclined):
		return err
	case said == "":
		return because(ErrUnavailable, errors.New("the connection ended in the middle of an answer"), "")
	case errors.Is(err, errDeclined):
		return because(errDeclined, serverError(said), "")
	case strings.Contains(lower, "read only") || strings.Contains(lower, "denied") || strings.Contains(lower, "not allowed"):
		return because(ErrAuth, serverError(said), "").withHint("the server knew %s; it may be a deploy key that may only read, or belong to another repository", r.keySource())
	case strings.Contains(lower, "not found") || strings.Contains(lower, "not appear to be a git repository") || strings.Contains(lower, "does not exist"):
		return because(ErrNotFound, serverError(said), "no such repository").withHint("a private repository looks like this to those who may not see it; the server knew %s", r.keySource())
	}
	return because(ErrUnavailable, serverError(said), "")
}

// lastWords waits for the end of a service that has stopped answering, and
// returns what it said on stderr.
func (p *sshProcess) lastWords() string {
	select {
	case <-p.done:
	case <-time.After(2 * time.Second):
	}
	return httpx.Line(p.stderr.String(), longestWords)
}

func (r *sshRemote) refs(ctx context.Context, branch string) (ref, error) {
	ctx, end := r.begin(ctx)
	defer end()
	r.hangUp()
	p, err := r.start(ctx, uploadPack)
	if err != nil {
		return ref{}, err
	}
	r.upload = p
	found, err := r.ask(p, branch)
	if err != nil {
		r.hangUp()
		return found, r.explain(ctx, p, err)
	}
	if r.caps.v0 && !p.greeted { // it took no notice of GIT_PROTOCOL
		return r.refs(ctx, branch)
	}
	return found, nil
}

// ask sends ls-refs along with the start, without waiting for the greeting that
// allows it. A server of version 0 must then be started anew: p stays ungreeted.
func (r *sshRemote) ask(p *sshProcess, branch string) (ref, error) {
	old := r.caps.v0
	if !old {
		_, _ = p.ch.Write(lsRefs(branch)) // what is wrong shows in the answer
	}
	g, err := readGreeting(p.in, branch)
	if err != nil {
		return ref{}, err
	}
	r.caps, r.met = g.caps, true
	switch {
	case !g.caps.v0:
		p.greeted = true
		return readRefs(p.in, branch)
	case old:
		p.greeted = true
		return g.branches.at(branch)
	}
	return ref{}, nil
}

// capabilities returns what the last greeting said. It asks for one when there was none
// yet; that the repository may have no default branch does not matter here.
func (r *sshRemote) capabilities(ctx context.Context) (capabilities, error) {
	if !r.met {
		if _, err := r.refs(ctx, ""); err != nil && !r.met {
			return r.caps, err
		}
	}
	return r.caps, nil
}

func (r *sshRemote) fetch(ctx context.Context, req fetchRequest, s *store) error {
	if _, err := r.capabilities(ctx); err != nil {
		return err
	}
	ctx, end := r.begin(ctx)
	defer end()
	p := r.upload
	if p == nil {
		var err error
		if p, err = r.start(ctx, uploadPack); err != nil {
			return err
		}
		r.upload = p
	}
	err := r.exchange(p, req, s)
	if err != nil || r.caps.v0 {
		r.hangUp()
	}
	if err != nil {
		return r.explain(ctx, p, err)
	}
	return nil
}

func (r *sshRemote) exchange(p *sshProcess, req fetchRequest, s *store) error {
	_, _ = p.ch.Write(fetchCommand(r.caps, req)) // what is wrong shows in the answer
	if !p.greeted {
		if _, err := readGreeting(p.in, ""); err != nil {
			return err
		}
		p.greeted = true
	}
	return readFetch(p.in, r.caps, req, s)
}

// hangUp ends the running git-upload-pack; the connection stays.
func (r *sshRemote) hangUp() {
	if r.upload != nil {
		_ = r.upload.ch.Close()
		r.upload = nil
	}
}

func (r *sshRemote) push(ctx context.Context, u update) error {
	ctx, end := r.begin(ctx)
	defer end()
	p, err := r.start(ctx, receivePack)
	if err != nil {
		return err
	}
	defer func() { _ = p.ch.Close() }()
	go func() { // both sides may have more to say than fits into the channel
		_, _ = p.ch.Write(pushCommand(u))
		_ = p.ch.CloseWrite()
	}()
	err = skipAdvertisement(p.in)
	if err == nil {
		err = readReport(p.in.r, u.branch)
	}
	if err != nil {
		return r.explain(ctx, p, err)
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

// begin breaks the connection when ctx ends or the server falls silent, because
// a channel cannot wait with a deadline. It returns what ends the watch.
func (r *sshRemote) begin(ctx context.Context) (context.Context, func()) {
	ctx, watch := watched(ctx, r.options.timeout())
	r.watch = watch
	stop := context.AfterFunc(ctx, func() {
		if client := r.client.Load(); client != nil {
			_ = client.Close()
		}
	})
	return ctx, func() {
		stop()
		watch.stop()
	}
}

// drop forgets the connection.
func (r *sshRemote) drop() {
	r.upload = nil
	if client := r.client.Swap(nil); client != nil {
		_ = client.Close()
	}
}

func (r *sshRemote) close() error {
	r.drop()
	return nil
}

func (r *sshRemote) connect(ctx context.Context) (*ssh.Client, error) {
	host := net.JoinHostPort(r.addr.Host, firstOf(r.addr.Port, "22"))
	config, err := r.config(host)
	if err != nil {
		return nil, err
	}
	conn, err := (&net.Dialer{Timeout: config.Timeout}).DialContext(ctx, "tcp", host)
	if err != nil {
		return nil, network(ctx, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	_ = conn.SetDeadline(time.Now().Add(config.Timeout))
	c, channels, requests, err := ssh.NewClientConn(conn, host, config)
	if err != nil {
		_ = conn.Close()
		return nil, r.handshakeError(ctx, err)
	}
	_ = conn.SetDeadline(time.Time{})
	return ssh.NewClient(c, channels, requests), nil
}

func (r *sshRemote) config(host string) (*ssh.ClientConfig, error) {
	config := &ssh.ClientConfig{User: firstOf(r.addr.User, "git"), Timeout: 15 * time.Second}
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
	key, err := parseKey(pem, passphrase)
	if err != nil {
		return nil, because(ErrAuth, err, "the SSH key %s", path)
	}
	return key, nil
}

func parseKey(pem []byte, passphrase string) (ssh.Signer, error) {
	key, err := ssh.ParsePrivateKey(pem)
	var locked *ssh.PassphraseMissingError
	switch {
	case !errors.As(err, &locked):
		return key, err
	case passphrase == "":
		return nil, errors.New("is encrypted, and no passphrase was given")
	}
	if key, err = ssh.ParsePrivateKeyWithPassphrase(pem, []byte(passphrase)); err != nil {
		return nil, errors.New("the passphrase does not open it")
	}
	return key, nil
}

func (r *sshRemote) handshakeError(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return network(ctx, err)
	case knownhosts.IsHostKeyChanged(err) || strings.Contains(err.Error(), "host key mismatch"):
		return fail(ErrAuth, "the server's host key is not the one that is known: this may be an attack, or a new key")
	case knownhosts.IsHostUnknown(err):
		return fail(ErrAuth, "the server's host key is not in %s", r.options.KnownHosts).withHint("add it once you have checked it: ssh-keyscan %s", r.addr.HostPort())
	case strings.Contains(err.Error(), "unable to authenticate"):
		return fail(ErrAuth, "the server takes no key that was offered").withHint("user %q was tried with %s", firstOf(r.addr.User, "git"), r.keySource())
	}
	return network(ctx, err)
}

func (r *sshRemote) keySource() string {
	if r.options.SSHKey != "" {
		return "the key " + r.options.SSHKey
	}
	return "the keys of the agent"
}
