package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tagbump/tagbump/pkg/internal/delay"
	"github.com/tagbump/tagbump/pkg/internal/httpx"
	"github.com/tagbump/tagbump/pkg/redact"
)

// The most bytes that are read of an answer, by what was asked for. Real manifests
// have kilobytes; a million tags are 22 MB.
const (
	maxManifest = 4 << 20
	maxBlob     = 8 << 20
	maxTagPage  = 24 << 20
	maxOther    = 1 << 20

	maxRedirects = 5
)

// A transport makes every request end: with a whole, checked body, or with an error
// that says what was wrong. It reads bodies before it returns them, so that a
// connection that breaks in the middle is retried too, and the connection is free
// for the next request. It is below everything that go-containerregistry sends, so
// its rules for redirects hold for pings, tokens, manifests and blobs alike.
type transport struct {
	base     http.RoundTripper
	timeout  time.Duration
	patience time.Duration
	tries    int
	log      func(format string, args ...any)

	requests, pulls atomic.Int64
	quotas          sync.Map // pulls that are left, by host
	gates           sync.Map // time before which a host must not be asked, by host
}

// A failure is an error of the transport, in words for people.
type failure struct {
	what, why, hint string
	cause           error
}

// Error reads "what: why".
func (f *failure) Error() string {
	if f.why == "" {
		return f.what
	}
	return f.what + ": " + f.why
}

// Unwrap returns the error below, or nil.
func (f *failure) Unwrap() error { return f.cause }

func newTransport(opts Options) *transport {
	return &transport{
		base:     opts.Transport,
		timeout:  opts.TryTimeout,
		patience: opts.Patience,
		tries:    opts.Tries,
		log:      opts.Log,
	}
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := checkRedirect(req); err != nil {
		return nil, err
	}
	deadline := time.Now().Add(t.patience)
	for try := 1; ; try++ {
		if err := t.awaitGate(req); err != nil {
			return nil, err
		}
		resp, err := t.once(req, try)
		if !retryable(req, resp, err) {
			if err == nil {
				err = checkAnswer(req, resp)
			}
			if err != nil {
				return nil, err
			}
			return resp, nil
		}
		wait, asked := backoff.Pause(try), false
		if resp != nil {
			var after time.Duration
			after, asked = httpx.RetryAfter(resp.Header, time.Now())
			wait = max(wait, after)
		}
		if !asked && try >= t.tries || time.Now().Add(wait).After(deadline) {
			return nil, exhausted(resp, err, try, wait, t.patience)
		}
		if asked {
			t.gates.Store(req.URL.Host, time.Now().Add(wait))
		}
		t.log("%s %s: %s; trying again in %s", req.Method, redact.URL(req.URL.String()), trouble(resp, err), wait.Round(10*time.Millisecond))
		if err := delay.For(req.Context(), wait); err != nil {
			return nil, err
		}
	}
}

// backoff is how long to wait before the next try where the server does not say.
var backoff = httpx.Backoff{First: 200 * time.Millisecond, Most: 6400 * time.Millisecond}

// awaitGate waits until a host that asked for a pause may be asked again. Without
// it, each of 16 parallel requests would find out for itself and prolong the pause.
func (t *transport) awaitGate(req *http.Request) error {
	until, found := t.gates.Load(req.URL.Host)
	if !found {
		return nil
	}
	return delay.For(req.Context(), time.Until(until.(time.Time)))
}

// once makes one try and reads its body.
func (t *transport) once(req *http.Request, try int) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), t.timeout)
	defer cancel()
	attempt := req.Clone(ctx)
	if try > 1 && req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		attempt.Body = body
	}
	resp, err := t.base.RoundTrip(attempt)
	t.count(req, err)
	if err != nil {
		return nil, t.timely(req, err)
	}
	defer resp.Body.Close()
	resp.Request = req
	t.noteQuota(resp, req.URL.Host)
	if err := buffer(resp, limit(req)); err != nil {
		return nil, t.timely(req, err)
	}
	return resp, nil
}

var errSlow = errors.New("slow")

// timely tells the end of one try's time from the end of the caller's.
func (t *transport) timely(req *http.Request, err error) error {
	if req.Context().Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return &failure{what: "no answer in time", why: fmt.Sprintf("waited %s for %s", t.timeout, req.URL.Host), cause: errSlow}
	}
	return err
}

// count counts a request. It ignores the library's HTTPS probe of a registry that
// speaks plain HTTP.
func (t *transport) count(req *http.Request, err error) {
	if err != nil && isPlainHTTP(err) {
		return
	}
	t.requests.Add(1)
	if req.Method == http.MethodGet && strings.Contains(req.URL.Path, "/manifests/") {
		t.pulls.Add(1)
	}
}

// isPlainHTTP reports whether err came of speaking TLS to a server without it.
// net/http and crypto/tls have no types for it on all paths.
func isPlainHTTP(err error) bool {
	return strings.Contains(err.Error(), "HTTP response to HTTPS client") ||
		strings.Contains(err.Error(), "first record does not look like a TLS handshake")
}

// buffer replaces a body by its bytes in memory.
func buffer(resp *http.Response, most int64) error {
	body, err := httpx.ReadAll(resp.Body, most)
	var tooLong *httpx.TooLongError
	if errors.As(err, &tooLong) {
		return &failure{what: "the registry's answer is too big", why: fmt.Sprintf("over %d MiB", most>>20), cause: err}
	}
	if err != nil {
		return err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if resp.Request.Method != http.MethodHead {
		resp.ContentLength = int64(len(body))
	}
	return nil
}

// limit returns how many bytes of the answer to req are read at most.
func limit(req *http.Request) int64 {
	switch path := original(req).URL.Path; {
	case strings.Contains(path, "/manifests/"):
		return maxManifest
	case strings.Contains(path, "/blobs/"):
		return maxBlob
	case strings.HasSuffix(path, "/tags/list"):
		return maxTagPage
	}
	return maxOther
}

// retryable reports whether the same request may succeed if it is repeated.
func retryable(req *http.Request, resp *http.Response, err error) bool {
	if req.Context().Err() != nil || req.Body != nil && req.GetBody == nil {
		return false
	}
	if err != nil {
		return isTransient(err)
	}
	return httpx.IsTransient(resp.StatusCode)
}

// isTransient reports whether an error may go away by itself. A wrong name, a
// certificate and a server that does not speak TLS do not.
func isTransient(err error) bool {
	if errors.Is(err, errSlow) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return true
	}
	var address *net.DNSError
	if errors.As(err, &address) {
		return !address.IsNotFound
	}
	var operation *net.OpError
	if errors.As(err, &operation) {
		return operation.Op != "remote error" // a TLS alert
	}
	// net/http does not export the types of its HTTP/2 errors.
	text := err.Error()
	return strings.HasPrefix(text, "http2: ") || strings.HasPrefix(text, "stream error: ")
}

// trouble names what went wrong with one try.
func trouble(resp *http.Response, err error) string {
	if err != nil {
		return redact.Text(httpx.Cause(err).Error())
	}
	return resp.Status
}

// logInHint is for limits, which are by address or by user.
const logInHint = "log in: registries allow fewer pulls to anonymous users, who share an address"

// exhausted returns the error when no try is left, or the wait would be too long.
func exhausted(resp *http.Response, err error, tries int, wait, patience time.Duration) error {
	attempts := fmt.Sprintf("%d tries", tries)
	if tries == 1 {
		attempts = "1 try"
	}
	switch {
	case err != nil:
		var known *failure
		if errors.As(err, &known) {
			return &failure{what: known.what, why: fmt.Sprintf("%s, %s", known.why, attempts), cause: err}
		}
		return &failure{what: "cannot reach the registry", why: fmt.Sprintf("%s (%s)", redact.Text(httpx.Cause(err).Error()), attempts), cause: err}
	case wait > patience:
		return &failure{
			what: "the registry's rate limit is reached",
			why:  fmt.Sprintf("it asks to come back in %s, and we wait %s at most", wait.Round(time.Second), patience),
			hint: logInHint,
		}
	case resp.StatusCode == http.StatusTooManyRequests:
		return &failure{
			what: "the registry's rate limit is reached",
			why:  fmt.Sprintf("429 Too Many Requests (%s)", attempts),
			hint: logInHint,
		}
	}
	return &failure{what: "the registry is out of order", why: fmt.Sprintf("%s (%s)", resp.Status, attempts)}
}

// checkAnswer refuses an answer to a GET of tags or a manifest that is not JSON: a
// web page, as hotel networks, proxies and log-in pages send it, or JSON with
// something behind it.
func checkAnswer(req *http.Request, resp *http.Response) error {
	path := original(req).URL.Path
	isJSON := strings.HasSuffix(path, "/tags/list") || strings.Contains(path, "/manifests/")
	if resp.StatusCode != http.StatusOK || req.Method != http.MethodGet || !isJSON {
		return nil
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if json.Valid(body) {
		return nil
	}
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
		return &failure{
			what: "a web page came instead of the registry's answer",
			why:  "from " + req.URL.Host,
			hint: "a proxy, a firewall or a network's log-in page may be in between",
		}
	}
	return &failure{what: "the registry's answer is not JSON", why: "from " + req.URL.Host}
}

// checkRedirect refuses req if a redirect led to it that is not followed: one of a
// long chain, one that would send log-ins in the clear, and one from elsewhere into
// the private network, where a cloud's metadata service may answer.
func checkRedirect(req *http.Request) error {
	if redirects(req) == 0 {
		return nil
	}
	from, to := original(req).URL, req.URL
	target := (&url.URL{Scheme: to.Scheme, Host: to.Host, Path: to.Path}).String()
	switch {
	case redirects(req) > maxRedirects:
		return &failure{what: "the registry's redirects go on without end"}
	case from.Scheme == "https" && to.Scheme != "https":
		return &failure{
			what: "the registry redirects from https to http, which is not followed",
			why:  "to " + target,
			hint: "a proxy in front of the registry may write the wrong scheme into Location (X-Forwarded-Proto)",
		}
	case to.Hostname() != from.Hostname() && isPrivate(to.Hostname()):
		return &failure{
			what: "the registry redirects to a private address, which is not followed",
			why:  "to " + target,
			hint: "give that server a DNS name, or have the registry serve blobs itself (distribution: storage.redirect.disable)",
		}
	}
	return nil
}

// isPrivate reports whether host is, by its text alone, an address of this
// computer, of a private network or of a link (169.254.169.254).
func isPrivate(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	address = address.Unmap()
	return address.IsPrivate() || address.IsLoopback() || address.IsLinkLocalUnicast() || address.IsUnspecified()
}

// redirects returns how many redirects led to req.
func redirects(req *http.Request) int {
	n := 0
	for ; req.Response != nil && req.Response.Request != nil; req = req.Response.Request {
		n++
	}
	return n
}

// original returns the request that was made before any redirect.
func original(req *http.Request) *http.Request {
	for req.Response != nil && req.Response.Request != nil {
		req = req.Response.Request
	}
	return req
}
