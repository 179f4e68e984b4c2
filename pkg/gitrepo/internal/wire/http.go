package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/tagbump/tagbump/pkg/gitrepo/internal/object"
	"github.com/tagbump/tagbump/pkg/giturl"
	"github.com/tagbump/tagbump/pkg/internal/httpx"
)

// Credentials are what http requests are signed with. The zero value asks anonymously.
type Credentials struct {
	Username, Password string
	// Source says for people where they are from: `the token in TAGBUMP_TOKEN (user
	// "ci")`. Of the zero Credentials it may say why there are none.
	Source string
}

// IsAnonymous reports whether there is nothing to sign requests with.
func (c Credentials) IsAnonymous() bool { return c.Username == "" && c.Password == "" }

// HTTPOptions say how to reach a server over http.
type HTTPOptions struct {
	Credentials Credentials
	CABundle    []byte                           // PEM certificates to trust beside the system's
	IdleTimeout time.Duration                    // how long the server may be silent
	Log         func(format string, args ...any) // is told of a redirect
}

// httpRemote is git's smart http. Its requests share the connection and nothing else.
type httpRemote struct {
	options HTTPOptions
	client  *http.Client
	own     *url.URL // scheme and host that the credentials are for
	base    string   // the repository's URL, of which a redirect makes another
	caps    *Capabilities
}

// NewHTTP returns a Remote over http or https. It connects with the first request.
func NewHTTP(addr giturl.Address, opts HTTPOptions) (Remote, error) {
	transport, err := httpx.NewTransport(httpx.TransportOptions{CABundle: opts.CABundle})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", addr, err)
	}
	own := &url.URL{Scheme: string(addr.Scheme), Host: addr.HostPort()}
	h := &httpRemote{options: opts, own: own, base: own.String() + addr.Path}
	h.client = &http.Client{Transport: transport, CheckRedirect: h.checkRedirect}
	return h, nil
}

// checkRedirect follows redirects of the first GET only, as git does, and never from
// https to http.
func (h *httpRemote) checkRedirect(next *http.Request, via []*http.Request) error {
	switch {
	case via[0].Method != http.MethodGet:
		return http.ErrUseLastResponse
	case len(via) > 5:
		return Fail(ErrUnavailable, "redirects more than 5 times").Final()
	case via[len(via)-1].URL.Scheme == "https" && next.URL.Scheme != "https":
		return Fail(ErrUnavailable, "redirects from https to %s, which is refused", giturl.Redact(next.URL.String())).Final()
	}
	h.sign(next)
	return nil
}

// sign adds the credentials, for the URL's own host and scheme only.
func (h *httpRemote) sign(req *http.Request) {
	req.Header.Del("Authorization")
	if c := h.options.Credentials; !c.IsAnonymous() && h.isOwn(req.URL) {
		req.SetBasicAuth(c.Username, c.Password)
	}
}

func (h *httpRemote) isOwn(u *url.URL) bool { return u.Host == h.own.Host && u.Scheme == h.own.Scheme }

// request returns an answer of status 200, whose body must be closed.
func (h *httpRemote) request(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	ctx, watch := watched(ctx, h.options.IdleTimeout)
	resp, err := h.send(ctx, method, path, body)
	if err != nil {
		err = Classify(ctx, httpx.Cause(err))
		watch.stop()
		return nil, err
	}
	resp.Body = watch.body(resp.Body)
	if resp.StatusCode != http.StatusOK {
		return nil, h.refusal(resp)
	}
	return resp, nil
}

func (h *httpRemote) send(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		content = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, h.base+path, content)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "git/tagbump")
	req.Header.Set("Git-Protocol", "version=2")
	if body != nil {
		service := strings.TrimPrefix(path, "/")
		req.Header.Set("Content-Type", "application/x-"+service+"-request")
		req.Header.Set("Accept", "application/x-"+service+"-result")
	}
	h.sign(req)
	return h.client.Do(req)
}

// refusal makes an error of an answer whose status is not 200, and closes it.
func (h *httpRemote) refusal(resp *http.Response) error {
	defer drain(resp.Body)
	said := resp.Status
	if text := plainText(resp); text != "" {
		said += ": " + text
	}
	switch code := resp.StatusCode; {
	case code == http.StatusUnauthorized:
		return h.noAccess(resp, said, "the server refused "+h.options.Credentials.Source)
	case code == http.StatusNonAuthoritativeInfo: // Azure DevOps, for a token that has expired
		return h.noAccess(resp, "the server answers with a sign-in page ("+said+")", "the server refused "+h.options.Credentials.Source)
	case code == http.StatusForbidden && judge(said) == saysArchived:
		return Fail(ErrRefused, "%s", said)
	case code == http.StatusForbidden:
		return h.noAccess(resp, said, "the server does not let "+h.options.Credentials.Source+" do this: the token may lack the right to write, or be for another repository")
	case code == http.StatusNotFound || code == http.StatusGone:
		return Fail(ErrNotFound, "no such repository (%s)", said).WithHint("a private repository looks like this to those who may not see it; the request used %s", h.used())
	case code == http.StatusBadRequest && strings.Contains(strings.ToLower(said), "https"):
		return Fail(ErrUnavailable, "%s", said).Final().WithHint("write https:// in the URL")
	case code == http.StatusNotImplemented || code == http.StatusHTTPVersionNotSupported:
		break // a server of plain files says so of a POST
	case httpx.IsTransient(code) || code >= 500:
		f := Fail(ErrUnavailable, "%s", said)
		f.status = code
		f.after, _ = httpx.RetryAfter(resp.Header, time.Now())
		return f
	}
	return Because(ErrDeclined, fmt.Errorf("the server says: %s", said), "")
}

// noAccess explains why a server wants other credentials. After a redirect none were
// sent, and without credentials there was none to refuse.
func (h *httpRemote) noAccess(resp *http.Response, text, hint string) error {
	creds := h.options.Credentials
	switch {
	case creds.IsAnonymous():
		hint = firstOf(creds.Source, "no token is set: TAGBUMP_TOKEN")
	case !h.isOwn(resp.Request.URL):
		text = fmt.Sprintf("redirects to %s, which says: %s", siteOf(resp), text)
		hint = creds.Source + " was not sent there; give that URL as the repository's"
	}
	return Fail(ErrAuth, "%s", text).WithHint("%s", hint)
}

// used names the credentials of a request.
func (h *httpRemote) used() string {
	if h.options.Credentials.IsAnonymous() {
		return "no token"
	}
	return h.options.Credentials.Source
}

// siteOf returns the repository's URL that the answer came from.
func siteOf(resp *http.Response) string {
	u := *resp.Request.URL
	u.RawQuery, u.User = "", nil
	return strings.TrimSuffix(u.String(), "/info/refs")
}

// longestAnswer is how much is read of an answer that is not git's protocol.
const longestAnswer = 64 << 10

// plainText returns what a server says in the body of an error, unless it is a page.
func plainText(resp *http.Response) string {
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") {
		return ""
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
	return words(string(text))
}

// drain lets the connection be used again, unless there is too much to read.
func drain(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, longestAnswer)
	_ = body.Close()
}

// greet asks what the server can do, and for refs if the server is an old one. It is the
// only request of which redirects are followed.
func (h *httpRemote) greet(ctx context.Context, want listing) (greeting, error) {
	resp, err := h.request(ctx, http.MethodGet, "/info/refs?service="+uploadPack, nil)
	if err != nil {
		return greeting{}, err
	}
	if kind := resp.Header.Get("Content-Type"); kind != "application/x-"+uploadPack+"-advertisement" {
		defer drain(resp.Body)
		return greeting{}, Classify(ctx, h.notGit(resp))
	}
	g, err := readGreeting(newPacketReader(resp.Body), want)
	if err != nil {
		_ = resp.Body.Close()
		if errors.Is(err, errNotPackets) {
			err = h.notGit(resp)
		}
		return g, Classify(ctx, err)
	}
	drain(resp.Body)
	h.caps = &g.caps
	if site := siteOf(resp); site != h.base {
		h.base = site
		h.options.Log("redirected to %s", site)
	}
	return g, nil
}

// notGit says what a site is that answers, but not as a git server does.
func (h *httpRemote) notGit(resp *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, longestAnswer))
	if err != nil {
		return err
	}
	isPage := strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html")
	switch {
	case isPage && (isSignIn(body) || !strings.HasSuffix(resp.Request.URL.Path, "/info/refs")):
		return h.noAccess(resp, "the server answers with a sign-in page", "the server refused "+h.options.Credentials.Source)
	case !isPage && isDumb(body):
		return Fail(ErrUnsupported, "is served by a dumb http server, which can only be read, and not by all clients").WithHint("serve it with git http-backend, or give its ssh URL")
	}
	return Fail(ErrNotFound, "there is no git repository at this URL (it answers, but not as git does)")
}

// isSignIn knows a page on which people log in.
func isSignIn(page []byte) bool {
	text := strings.ToLower(string(page))
	for _, word := range []string{`type="password"`, "type='password'", "type=password", "sign in", "signin", "log in", "login"} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// isDumb knows the file info/refs as git update-server-info writes it: lines of an id, a
// tab and a name. In a new repository it is empty.
func isDumb(body []byte) bool {
	if len(body) == 0 {
		return true
	}
	id, name, found := strings.Cut(string(body[:min(len(body), 200)]), "\t")
	return found && plumbing.IsHash(id) && strings.HasPrefix(name, "refs/")
}

// Capabilities returns what the server said in its greeting, which it asks for once.
func (h *httpRemote) Capabilities(ctx context.Context) (Capabilities, error) {
	if h.caps == nil {
		if _, err := h.greet(ctx, listing{}); err != nil {
			return Capabilities{}, err
		}
	}
	return *h.caps, nil
}

// Refs asks for one ref.
func (h *httpRemote) Refs(ctx context.Context, branch string) (Ref, error) {
	refs, err := h.list(ctx, listing{branch: branch})
	if err != nil {
		return Ref{}, err
	}
	return refs.found()
}

// Branches asks for those that begin with prefix.
func (h *httpRemote) Branches(ctx context.Context, prefix string) ([]string, error) {
	refs, err := h.list(ctx, listing{branch: prefix, all: true})
	return refs.names, err
}

// list asks a version 2 server at once. Only when that goes wrong does it ask what the
// server is: this saves a round trip, and finds redirects.
func (h *httpRemote) list(ctx context.Context, want listing) (listing, error) {
	if h.caps == nil {
		refs, err := h.lsRefs(ctx, want)
		if err == nil || ctx.Err() != nil || isFinalAnswer(err) {
			return refs, err
		}
	}
	if h.caps == nil || h.caps.v0 {
		g, err := h.greet(ctx, want)
		if err != nil || g.caps.v0 {
			return g.refs, err
		}
	}
	return h.lsRefs(ctx, want)
}

// isFinalAnswer reports whether an error has nothing to do with the version in which the
// server was asked. An old one may break over the new (500).
func isFinalAnswer(err error) bool {
	var f *Failure
	if errors.As(err, &f) && f.status == http.StatusInternalServerError {
		return false
	}
	return errors.Is(err, ErrAuth) || errors.Is(err, ErrUnavailable)
}

func (h *httpRemote) lsRefs(ctx context.Context, want listing) (listing, error) {
	resp, err := h.request(ctx, http.MethodPost, "/"+uploadPack, lsRefs(want))
	if err != nil {
		return want, err
	}
	defer drain(resp.Body)
	p := newPacketReader(resp.Body)
	if _, err := p.r.Peek(1); errors.Is(err, io.EOF) {
		return want, ErrDeclined
	}
	// Before the greeting, it may be any kind of server that answers.
	if kind := resp.Header.Get("Content-Type"); h.caps == nil && kind != "application/x-"+uploadPack+"-result" {
		return want, ErrDeclined
	}
	refs, err := readRefs(p, want)
	if errors.As(err, new(serverError)) {
		return refs, Because(ErrDeclined, err, "")
	}
	return refs, Classify(ctx, err)
}

// Fetch sends one request.
func (h *httpRemote) Fetch(ctx context.Context, req Request, s *object.Store) error {
	caps := assumed
	if h.caps != nil {
		caps = *h.caps
	}
	resp, err := h.request(ctx, http.MethodPost, "/"+uploadPack, fetchCommand(caps, req))
	if err != nil {
		return err
	}
	err = readFetch(newPacketReader(resp.Body), caps, req, s)
	if err != nil {
		_ = resp.Body.Close() // hang up
		return Classify(ctx, err)
	}
	drain(resp.Body)
	return nil
}

// Beside sends the request at once.
func (h *httpRemote) Beside(ctx context.Context, req Request, s *object.Store) (wait func()) {
	twin := *h // what the other requests find out about the server is theirs
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = twin.Fetch(ctx, req, s)
	}()
	return func() { <-done }
}

// Push sends one request.
func (h *httpRemote) Push(ctx context.Context, u Update) (remark string, err error) {
	resp, err := h.request(ctx, http.MethodPost, "/"+receivePack, pushCommand(u))
	if err != nil {
		return "", err
	}
	defer drain(resp.Body)
	remark, err = readReport(resp.Body, u.Branch)
	return remark, Classify(ctx, err)
}

// Close ends the idle connection.
func (h *httpRemote) Close() error {
	h.client.CloseIdleConnections()
	return nil
}
