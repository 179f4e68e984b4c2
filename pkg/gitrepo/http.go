package gitrepo

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// httpRemote is git's smart http. Nothing is shared between its requests but the
// connection.
type httpRemote struct {
	client *http.Client
	base   string // of the requests; a redirect changes it
	creds  credentials
	own    *url.URL // what the credentials are for
	caps   *capabilities
}

func newHTTPRemote(addr address, creds credentials, opts Options) (*httpRemote, error) {
	own := &url.URL{Scheme: addr.scheme, Host: addr.host}
	transport, err := newTransport(opts.CABundle)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", addr, err)
	}
	h := &httpRemote{base: own.String() + addr.path, creds: creds, own: own}
	h.client = &http.Client{Transport: transport, CheckRedirect: h.checkRedirect}
	return h, nil
}

func newTransport(caBundle []byte) (*http.Transport, error) {
	t := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 20 * time.Second}).DialContext,
		TLSHandshakeTimeout:   20 * time.Second,
		ResponseHeaderTimeout: 2 * time.Minute,
		MaxIdleConnsPerHost:   1,
		IdleConnTimeout:       time.Minute,
		ForceAttemptHTTP2:     true,
	}
	if len(caBundle) == 0 {
		return t, nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(caBundle) {
		return nil, errors.New("the CA bundle holds no PEM certificate")
	}
	t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	return t, nil
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

func (h *httpRemote) request(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
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
	resp, err := h.client.Do(req)
	if err != nil {
		return nil, network(ctx, bare(err))
	}
	if resp.StatusCode != http.StatusOK {
		return nil, h.refusal(resp)
	}
	return resp, nil
}

// bare takes the URL out of err, which the caller names anyway.
func bare(err error) error {
	var in *url.Error
	if errors.As(err, &in) {
		return in.Err
	}
	return err
}

// refusal reads what the server says beside a status that is not 200.
func (h *httpRemote) refusal(resp *http.Response) error {
	defer drain(resp.Body)
	said := resp.Status
	if kind := resp.Header.Get("Content-Type"); strings.HasPrefix(kind, "text/plain") {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
		if line := words(string(text)); line != "" {
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
		return fail(ErrUnavailable, "%s", said)
	case code >= 300 && code < 400:
		return fail(ErrUnavailable, "%s: redirected in the middle", said)
	}
	return fail(ErrRefused, "%s", said)
}

// drain lets the connection be used again, unless there is too much to read.
func drain(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, 64<<10)
	_ = body.Close()
}

func (h *httpRemote) greet(ctx context.Context) error {
	if h.caps != nil {
		return nil
	}
	resp, err := h.request(ctx, http.MethodGet, "/info/refs?service="+uploadPack, nil)
	if err != nil {
		return err
	}
	defer drain(resp.Body)
	caps, err := readGreeting(newPacketReader(resp.Body))
	if errors.Is(err, errNotPackets) {
		return fail(ErrNotFound, "there is no git repository at this URL (it answers, but not as git does)")
	}
	if err != nil {
		return network(ctx, err)
	}
	h.caps = &caps
	h.base = strings.TrimSuffix(resp.Request.URL.Scheme+"://"+resp.Request.URL.Host+resp.Request.URL.EscapedPath(), "/info/refs")
	return nil
}

func (h *httpRemote) refs(ctx context.Context, branch string) (ref, error) {
	if err := h.greet(ctx); err != nil {
		return ref{}, err
	}
	resp, err := h.request(ctx, http.MethodPost, "/"+uploadPack, lsRefs(branch))
	if err != nil {
		return ref{}, err
	}
	defer drain(resp.Body)
	found, err := readRefs(newPacketReader(resp.Body), branch)
	return found, network(ctx, err)
}

func (h *httpRemote) fetch(ctx context.Context, req fetchRequest, s *store) error {
	if !h.caps.filter {
		req.filter = ""
	}
	resp, err := h.request(ctx, http.MethodPost, "/"+uploadPack, fetchCommand(req))
	if err != nil {
		return err
	}
	err = readFetch(newPacketReader(resp.Body), req, s)
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
	return readReport(resp.Body, u.branch)
}

func (h *httpRemote) close() error {
	h.client.CloseIdleConnections()
	return nil
}
