package wire

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/gitrepo/internal/object"
	"github.com/tagbump/tagbump/pkg/giturl"
)

// sshRemote keeps one connection. Each Refs starts git-upload-pack on a channel of its
// own, because a running one may answer from what it has cached; the fetches that follow
// use the same process, in version 2.
type sshRemote struct {
	addr    giturl.Address
	options SSHOptions
	pin     ssh.PublicKey // the one key that the server must have; nil when known_hosts decide
	client  atomic.Pointer[ssh.Client]
	dialed  dialed      // how the connection was made, for errors
	upload  *sshProcess // with an answer still to give; nil when there is none
	greeted bool        // there was a greeting, and caps are what it said
	caps    Capabilities
	watch   *watch    // of the operation that is under way
	beside  *question // to be asked together with the next Fetch; nil for none
}

// NewSSH returns a Remote over ssh. It connects with the first request.
func NewSSH(addr giturl.Address, opts SSHOptions) (Remote, error) {
	if opts.HostKey != "" && opts.KnownHosts != "" {
		return nil, fault.Errorf(fault.Usage, "%s: a known_hosts file and a pinned host key are given; only one can decide", addr)
	}
	r := &sshRemote{addr: addr, options: opts}
	if opts.HostKey != "" {
		pin, _, _, _, err := ssh.ParseAuthorizedKey([]byte(opts.HostKey))
		if err != nil {
			return nil, fault.Errorf(fault.Usage, "%s: the pinned host key is not a public key", addr).
				WithHint("write --ssh-host-key as a line of authorized_keys: \"ssh-ed25519 AAAA…\"")
		}
		r.pin = pin
	}
	return r, nil
}

// A question is a request that waits to be asked, and where its answer goes.
type question struct {
	request Request
	store   *object.Store
}

// An sshProcess is a git service at the server's end of a channel.
type sshProcess struct {
	ch      ssh.Channel
	in      *packetReader
	greeted bool
	stderr  *beginning
	ended   chan struct{} // all of stderr has been read: the service has ended
}

// beginning keeps the first bytes of what a server says on stderr.
type beginning struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *beginning) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if room := 16<<10 - b.text.Len(); room > 0 {
		b.text.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

func (b *beginning) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// start runs a service. It does not wait for the server to accept the environment and the
// command: a refusal shows in what the service says, or does not say.
func (r *sshRemote) start(ctx context.Context, service string) (*sshProcess, error) {
	ch, requests, err := r.channel(ctx)
	if err != nil {
		return nil, err
	}
	p := &sshProcess{ch: ch, stderr: &beginning{}, ended: make(chan struct{})}
	p.in = newPacketReader(&heard{ch, r})
	go ssh.DiscardRequests(requests)
	go func() {
		// The channel's requests may end before stderr has been read: only this copy
		// tells that the server's last words have arrived.
		_, _ = io.Copy(p.stderr, ch.Stderr())
		close(p.ended)
	}()
	if service == uploadPack && !r.caps.v0 {
		_, err = ch.SendRequest("env", false, ssh.Marshal(struct{ Name, Value string }{"GIT_PROTOCOL", "version=2"}))
	}
	if err == nil {
		_, err = ch.SendRequest("exec", false, ssh.Marshal(struct{ Command string }{service + " " + quote(r.addr.Path)}))
	}
	return p, Classify(ctx, err)
}

// channel opens a session, on a new connection when the old one is gone.
func (r *sshRemote) channel(ctx context.Context) (ssh.Channel, <-chan *ssh.Request, error) {
	if client := r.client.Load(); client != nil {
		if ch, requests, err := openSession(ctx, client); err == nil {
			return ch, requests, nil
		}
		r.drop()
	}
	client, err := r.connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	r.client.Store(client)
	ch, requests, err := openSession(ctx, client)
	if err != nil {
		r.drop() // ctx may have ended while begin had no connection to break yet
	}
	return ch, requests, Classify(ctx, err)
}

// openSession opens a session, until ctx or the connection ends.
//
// OpenChannel alone can wait forever: a channel that it adds just after the connection's
// reader has ended, and closed the channels that it knew, is never told. Its goroutine is
// then lost.
func openSession(ctx context.Context, conn ssh.Conn) (ssh.Channel, <-chan *ssh.Request, error) {
	type session struct {
		ch       ssh.Channel
		requests <-chan *ssh.Request
		err      error
	}
	opened, ended := make(chan session, 1), make(chan struct{})
	go func() {
		ch, requests, err := conn.OpenChannel("session", nil)
		opened <- session{ch, requests, err}
	}()
	go func() {
		_ = conn.Wait()
		close(ended)
	}()
	select {
	case s := <-opened:
		return s.ch, s.requests, s.err
	case <-ended:
		return nil, nil, io.ErrUnexpectedEOF
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
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

// explain says why a service gave no answer.
//
// A service that ended with words and without a single packet has refused, whatever its
// reason: the words decide what kind of refusal it is, and another try would end alike.
// After the first packet the same words tell why the connection broke.
func (r *sshRemote) explain(ctx context.Context, p *sshProcess, err error) error {
	if ctx.Err() != nil {
		return Classify(ctx, err)
	}
	broken := errors.Is(noEOF(err), io.ErrUnexpectedEOF)
	switch {
	case errors.Is(err, errNotPackets):
		return r.refusal(p.words())
	case !broken && !errors.Is(err, ErrDeclined):
		return Classify(ctx, err)
	}
	said := p.words()
	switch {
	case errors.Is(err, ErrDeclined) && said == "":
		return err
	case errors.Is(err, ErrDeclined) && p.in.begun:
		return Because(ErrDeclined, serverError(said), "")
	case said == "":
		return Because(ErrUnavailable, errors.New("the connection ended in the middle of an answer"), "")
	case p.in.begun && judge(said) == noVerdict:
		return Because(ErrUnavailable, serverError(said), "")
	}
	return r.refusal(said)
}

// refusal makes an error of a server's last words.
func (r *sshRemote) refusal(said string) error {
	f := Because(nil, serverError(said), "").Final()
	switch judge(said) {
	case saysNoGit:
		f.text = "git is not installed on the server, or not in its path"
	case saysArchived:
		f.kind = ErrRefused
	case saysNotFound:
		f.kind, f.text = ErrNotFound, "no such repository"
		f.hint = "a private repository looks like this to those who may not see it; the server knew " + r.dialed.String()
	case saysDenied:
		f.kind = ErrAuth
		f.hint = "the server knew " + r.dialed.String() + "; it may be a deploy key that may only read, or belong to another repository"
	case saysTransient:
		f.kind, f.final = ErrUnavailable, false
	}
	return f
}

// lastWordsTimeout is how long a service that has stopped answering may take to end.
const lastWordsTimeout = 2 * time.Second

// words waits for the end of a service that has stopped answering, and returns what it
// said on stderr and, where that is not git's protocol, on stdout.
func (p *sshProcess) words() string {
	select {
	case <-p.ended:
	case <-time.After(lastWordsTimeout):
	}
	text := p.stderr.String()
	if !p.in.begun {
		stdout, _ := p.in.r.Peek(p.in.r.Buffered())
		text += "\n" + string(stdout)
	}
	return words(text)
}

// Refs starts a service and asks it.
func (r *sshRemote) Refs(ctx context.Context, branch string) (Ref, error) {
	refs, err := r.list(ctx, listing{branch: branch})
	if err != nil {
		return Ref{}, err
	}
	return refs.found()
}

// Branches starts a service and asks it.
func (r *sshRemote) Branches(ctx context.Context, prefix string) ([]string, error) {
	refs, err := r.list(ctx, listing{branch: prefix, all: true})
	return refs.names, err
}

func (r *sshRemote) list(ctx context.Context, want listing) (listing, error) {
	ctx, end := r.begin(ctx)
	defer end()
	refs, p, err := r.ask(ctx, want)
	if err == nil && r.caps.v0 && !p.greeted { // it took no notice of GIT_PROTOCOL
		refs, _, err = r.ask(ctx, want)
	}
	return refs, err
}

// ask starts a service and sends ls-refs along, without waiting for the greeting that
// allows it. A server of version 0 must then be asked anew: the service stays ungreeted.
func (r *sshRemote) ask(ctx context.Context, want listing) (listing, *sshProcess, error) {
	r.hangUp()
	p, err := r.start(ctx, uploadPack)
	if err != nil {
		return want, nil, err
	}
	r.upload = p
	refs, err := r.read(p, want)
	if err != nil {
		r.hangUp()
		err = r.explain(ctx, p, err)
	}
	return refs, p, err
}

func (r *sshRemote) read(p *sshProcess, want listing) (listing, error) {
	old := r.caps.v0
	if !old {
		_, _ = p.ch.Write(lsRefs(want)) // the answer shows a failure
	}
	g, err := readGreeting(p.in, want)
	if err != nil {
		return want, err
	}
	r.caps, r.greeted = g.caps, true
	if !g.caps.v0 {
		p.greeted = true
		return readRefs(p.in, want)
	}
	p.greeted = old
	return g.refs, nil
}

// Capabilities returns what the last greeting said. It asks for one when there was none
// yet; that the repository may have no default branch does not matter then.
func (r *sshRemote) Capabilities(ctx context.Context) (Capabilities, error) {
	if !r.greeted {
		if _, err := r.Refs(ctx, ""); err != nil && !r.greeted {
			return r.caps, err
		}
	}
	return r.caps, nil
}

// Fetch asks the service that answered the last Refs, or a new one.
func (r *sshRemote) Fetch(ctx context.Context, req Request, s *object.Store) error {
	if _, err := r.Capabilities(ctx); err != nil {
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

// Beside keeps the request for the next Fetch, which sends both of them together. Version
// 0 answers one request only.
func (r *sshRemote) Beside(_ context.Context, req Request, s *object.Store) (wait func()) {
	if !r.caps.v0 {
		r.beside = &question{req, s}
	}
	return func() { r.beside = nil }
}

func (r *sshRemote) exchange(p *sshProcess, req Request, s *object.Store) error {
	commands, beside := fetchCommand(r.caps, req), r.beside
	if r.beside = nil; beside != nil {
		commands = append(commands, fetchCommand(r.caps, beside.request)...)
	}
	_, _ = p.ch.Write(commands) // the answer shows a failure
	if !p.greeted {
		if _, err := readGreeting(p.in, listing{}); err != nil {
			return err
		}
		p.greeted = true
	}
	err := readFetch(p.in, r.caps, req, s)
	if err == nil && beside != nil && readFetch(p.in, r.caps, beside.request, beside.store) != nil {
		r.hangUp() // the next Fetch starts a new service
	}
	return err
}

// hangUp ends the running git-upload-pack; the connection stays.
func (r *sshRemote) hangUp() {
	if r.upload != nil {
		_ = r.upload.ch.Close()
		r.upload = nil
	}
}

// Push starts a service of its own.
func (r *sshRemote) Push(ctx context.Context, u Update) (remark string, err error) {
	ctx, end := r.begin(ctx)
	defer end()
	p, err := r.start(ctx, receivePack)
	if err != nil {
		return "", err
	}
	defer func() { _ = p.ch.Close() }()
	go func() { // both sides may have more to say than fits into the channel
		_, _ = p.ch.Write(pushCommand(u))
		_ = p.ch.CloseWrite()
	}()
	err = skipAdvertisement(p.in)
	if err == nil {
		remark, err = readReport(p.in.r, u.Branch)
	}
	if err != nil {
		return "", r.explain(ctx, p, err)
	}
	return remark, nil
}

// skipAdvertisement reads over the refs that receive-pack lists: the command says where
// the branch must be.
func skipAdvertisement(p *packetReader) error {
	for {
		kind, _, err := p.line()
		if err != nil {
			return noEOF(err)
		}
		if kind == flushPacket {
			return nil
		}
	}
}

// begin breaks the connection when ctx ends or the server falls silent, because a channel
// cannot wait with a deadline. It returns what ends the watch.
func (r *sshRemote) begin(ctx context.Context) (context.Context, func()) {
	ctx, watch := watched(ctx, r.options.IdleTimeout)
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

// Close ends the connection.
func (r *sshRemote) Close() error {
	r.drop()
	return nil
}
