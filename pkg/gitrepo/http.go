package gitrepo

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

	"github.com/tagbump/tagbump/pkg/giturl"
	"github.com/tagbump/tagbump/pkg/internal/httpx"
)

// httpRemote is git's smart http. Nothing is shared between its requests but the
// connection.
type httpRemote struct {
	client *http.Client
	base   string // of the requests; a redirect changes it
	creds  credentials
	own    *url.URL      // what the credentials are for
	caps   *capabilities // nil until the server was asked
	quiet  time.Duration // how long the server may be silent
}

func newHTTPRemote(addr giturl.Address, creds credentials, opts Options) (*httpRemote, error) {
	own := &url.URL{Scheme: string(addr.Scheme), Host: addr.HostPort()}
	transport, err := httpx.NewTransport(httpx.TransportOptions{CABundle: opts.CABundle})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", addr, err)
	}
	h := &httpRemote{base: own.String() + addr.Path, creds: creds, own: own, quiet: opts.timeout()}
	h.client = &http.Client{Transport: transport, CheckRedirect: h.checkRedirect}
	return h, nil
}

// checkRedirect lets only the first GET be sent elsewhere, as git does, and never
// from https to http.
func (h *httpRemote) checkRedirect(next *http.Request, via []*http.Request) error {
	switch {
	case via[0].Method != http.MethodGet:
		return http.ErrUseLastResponse
	case len(via) > 5:
		return errors.New("more than 5 redirects")
	case via[len(via)-1].URL.Scheme == "https" && next.URL.Scheme != "https":
		return fmt.Errorf("redirected from https to %s, which is refused", next.URL.Scheme)
	}
	h.sign(next)
	return nil
}

// sign adds the credentials, for the URL's own host only.
func (h *httpRemote) sign(req *http.Request) {
	req.Header.Del("Authorization")
	if h.creds.source != "no credentials" && req.URL.Host == h.own.Host && req.URL.Scheme == h.own.Scheme {
		req.SetBasicAuth(h.creds.username, h.creds.password)
	}
}

// request returns an answer of status 200. Its body must be closed.
func (h *httpRemote) request(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	ctx, watch := watched(ctx, h.quiet)
	resp, err := h.send(ctx, method, path, body)
	if err != nil {
		err = network(ctx, httpx.Cause(err))
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

// refusal reads what the server says beside a status that is not 200.
func (h *httpRemote) refusal(resp *http.Response) error {
	defer drain(resp.Body)
	said := resp.Status
	if kind := resp.Header.Get("Content-Type"); strings.HasPrefix(kind, "text/plain") {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
		if line := httpx.Line(string(text), longestWords); line != "" {
			said += ": " + line
		}
	}
	switch code := resp.StatusCode; {
	case code == http.StatusUnauthorized:
		return fail(ErrAuth, "%s", said).withHint("the server refused %s", h.creds.source)
	case code == http.StatusForbidden:
		return fail(ErrAuth, "%s", said).withHint("the server does not let %s do this: the token may lack the right to write, or be for another repository", h.creds.source)
	case code == http.StatusNotFound || code == http.StatusGone:
		return fail(ErrNotFound, "no such repository (%s)", said).withHint("a private repository looks like this to those who may not see it; the request used %s", h.creds.source)
	case code == http.StatusTooManyRequests || code >= 500:
		f := fail(ErrUnavailable, "%s", said)
		f.code = code
		f.after, _ = httpx.RetryAfter(resp.Header, time.Now())
		return f
	}
	return because(errDeclined, fmt.Errorf("the server says: %s", said), "")
}

// drain lets the connection be used again, unless there is too much to read.
func drain(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, 64<<10)
	_ = body.Close()
}

// greet asks what the server can do, and where branch stands if it is an old
// one. It is the only request that may be redirected.
func (h *httpRemote) greet(ctx context.Context, branch string) (greeting, error) {
	resp, err := h.request(ctx, http.MethodGet, "/info/refs?service="+uploadPack, nil)
	if err != nil {
		return greeting{}, err
	}
	g, err := readGreeting(newPacketReader(resp.Body), branch)
	if err != nil {
		_ = resp.Body.Close()
		if errors.Is(err, errNotPackets) {
			err = fail(ErrNotFound, "there is no git repository at this URL (it answers, but not as git does)")
		}
		return g, network(ctx, err)
	}
	drain(resp.Body)
	h.caps = &g.caps
	at := resp.Request.URL
	h.base = strings.TrimSuffix(at.Scheme+"://"+at.Host+at.EscapedPath(), "/info/refs")
	return g, nil
}

func (h *httpRemote) capabilities(ctx context.Context) (capabilities, error) {
	if h.caps == nil {
		if _, err := h.greet(ctx, ""); err != nil {
			return capabilities{}, err
		}
	}
	return *h.caps, nil
}

// refs asks a version 2 server at once. Only when that goes wrong does it ask
// what the server is: this saves a round trip, and finds redirects.
func (h *httpRemote) refs(ctx context.Context, branch string) (ref, error) {
	if h.caps == nil {
		found, err := h.lsRefs(ctx, branch)
		if err == nil || ctx.Err() != nil || isFinalAnswer(err) {
			return found, err
		}
	}
	if h.caps == nil || h.caps.v0 {
		g, err := h.greet(ctx, branch)
		if err != nil {
			return ref{}, err
		}
		if g.caps.v0 {
			return g.branches.at(branch)
		}
	}
	return h.lsRefs(ctx, branch)
}

// isFinalAnswer reports whether an error has nothing to do with the version in
// which the server was asked. An old one may break over the new (500).
func isFinalAnswer(err error) bool {
	var f *failure
	if errors.As(err, &f) && f.code == http.StatusInternalServerError {
		return false
	}
	return errors.Is(err, ErrAuth) || errors.Is(err, ErrUnavailable)
}

func (h *httpRemote) lsRefs(ctx context.Context, branch string) (ref, error) {
	resp, err := h.request(ctx, http.MethodPost, "/"+uploadPack, lsRefs(branch))
	if err != nil {
		return ref{}, err
	}
	defer drain(resp.Body)
	p := newPacketReader(resp.Body)
	if _, err := p.r.Peek(1); errors.Is(err, io.EOF) {
		return ref{}, errDeclined
	}
	found, err := readRefs(p, branch)
	var said serverError
	if errors.As(err, &said) {
		return found, because(errDeclined, err, "")
	}
	return found, network(ctx, err)
}

func (h *httpRemote) fetch(ctx context.Context, req fetchRequest, s *store) error {
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
		return network(ctx, err)
	}
	drain(resp.Body)
	return nil
}

func (h *httpRemote) push(ctx context.Context, u update) error {
	resp, err := h.request(ctx, http.MethodPost, "/"+receivePack, pushCommand(u))
	if err != nil {
		return err
	}
	defer drain(resp.Body)
	return network(ctx, readReport(resp.Body, u.branch))
}

func (h *httpRemote) close() error {
	h.client.CloseIdleConnections()
	return nil
}
