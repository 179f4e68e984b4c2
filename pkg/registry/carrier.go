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
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/tagbump/tagbump/pkg/internal/delay"
	"github.com/tagbump/tagbump/pkg/internal/httpx"
	"github.com/tagbump/tagbump/pkg/redact"
)

// The most that is read of an answer, by what was asked for. Real manifests have
// kilobytes; a million tags are 22 MB.
const (
	maxManifest = 4 << 20
	maxBlob     = 8 << 20
	maxTags     = 64 << 20
	maxOther    = 1 << 20

	maxRedirects = 5
)

// carrier makes each request of the library one that ends: with a whole, checked
// body, or with an error that says what was wrong. Bodies are read before they are
// handed on, so that a connection that breaks in the middle is tried again too, and
// the connection is free for the next request.
type carrier struct {
	base     http.RoundTripper
	timeout  time.Duration
	patience time.Duration
	tries    int
	log      func(format string, args ...any)

	requests, pulls atomic.Int64
	quotas          sync.Map // pulls that are left, by host
	gates           sync.Map // until when a host does not want to be asked
}

// A failure is an error of the transport, in words for people.
type failure struct {
	what, why, hint string
	cause           error
}

func (f *failure) Error() string {
	if f.why == "" {
		return f.what
	}
	return f.what + ": " + f.why
}

func (f *failure) Unwrap() error { return f.cause }

func newCarrier(opts Options) *carrier {
	return &carrier{
		base:     opts.Transport,
		timeout:  opts.TryTimeout,
		patience: opts.Patience,
		tries:    opts.Tries,
		log:      opts.Log,
	}
}

// RoundTrip implements http.RoundTripper.
func (t *carrier) RoundTrip(req *http.Request) (*http.Response, error) {
	if redirects(req) > maxRedirects {
		return nil, &failure{what: "the registry's redirects go on without end"}
	}
	req = adjust(req)
	deadline := time.Now().Add(t.patience)
	for try := 1; ; try++ {
		if err := t.awaitGate(req); err != nil {
			return nil, err
		}
		resp, err := t.once(req, try)
		if !worthATry(req, resp, err) {
			return t.finish(req, resp, err)
		}
		wait, asked := pause(resp, try)
		if !asked && try >= t.tries || time.Now().Add(wait).After(deadline) {
			return nil, exhausted(resp, err, try, wait, t.patience)
		}
		if asked {
			t.gates.Store(req.URL.Host, time.Now().Add(wait))
		}
		t.log("%s %s: %s; again in %s", req.Method, redact.URL(req.URL.String()), trouble(resp, err), wait.Round(10*time.Millisecond))
		if err := delay.For(req.Context(), wait); err != nil {
			return nil, err
		}
	}
}

// awaitGate waits while a host has asked not to be asked, since 16 requests at
// once that each find out for themselves would only prolong it.
func (t *carrier) awaitGate(req *http.Request) error {
	until, found := t.gates.Load(req.URL.Host)
	if !found {
		return nil
	}
	return delay.For(req.Context(), time.Until(until.(time.Time)))
}

// once makes one try and reads its body.
func (t *carrier) once(req *http.Request, try int) (*http.Response, error) {
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

// timely tells the end of one try's time from the end of the caller's.
func (t *carrier) timely(req *http.Request, err error) error {
	if req.Context().Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return &failure{what: "no answer in time", why: fmt.Sprintf("waited %s for %s", t.timeout, req.URL.Host), cause: errSlow}
	}
	return err
}

var errSlow = errors.New("slow")

// count leaves out the look whether a local registry speaks TLS, which is no request to one that does not.
func (t *carrier) count(req *http.Request, err error) {
	if err != nil && strings.Contains(err.Error(), "HTTP response to HTTPS client") {
		return
	}
	t.requests.Add(1)
	if req.Method == http.MethodGet && strings.Contains(req.URL.Path, "/manifests/") {
		t.pulls.Add(1)
	}
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

// limit is the most that is read of the answer to req.
func limit(req *http.Request) int64 {
	switch path := first(req).URL.Path; {
	case strings.Contains(path, "/manifests/"):
		return maxManifest
	case strings.Contains(path, "/blobs/"):
		return maxBlob
	case strings.HasSuffix(path, "/tags/list"):
		return maxTags
	}
	return maxOther
}

// worthATry reports whether the same request could do better in a moment.
func worthATry(req *http.Request, resp *http.Response, err error) bool {
	if req.Context().Err() != nil || req.Body != nil && req.GetBody == nil {
		return false
	}
	if err != nil {
		return isPassing(err)
	}
	return httpx.IsTransient(resp.StatusCode)
}

// isPassing reports whether an error is one of the network's bad moments: not a
// wrong name, a certificate, or a server that does not speak TLS.
func isPassing(err error) bool {
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
	// net/http keeps the types of its HTTP/2 errors to itself.
	text := err.Error()
	return strings.HasPrefix(text, "http2: ") || strings.HasPrefix(text, "stream error: ")
}

// backoff is how long to wait before a try where the server does not say.
var backoff = httpx.Backoff{First: 200 * time.Millisecond, Most: 6400 * time.Millisecond}

// pause returns the wait before the next try: the back-off, and at least what the
// server asks for.
func pause(resp *http.Response, try int) (wait time.Duration, asked bool) {
	wait = backoff.Pause(try)
	if resp == nil {
		return wait, false
	}
	after, asked := httpx.RetryAfter(resp.Header, time.Now())
	return max(wait, after), asked
}

// trouble names what went wrong with one try.
func trouble(resp *http.Response, err error) string {
	if err != nil {
		return redact.Text(httpx.Cause(err).Error())
	}
	return resp.Status
}

// exhausted is the error when no try is left, or the wait would be too long.
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
			hint: "log in: registries allow fewer pulls to anonymous users, who share an address",
		}
	case resp.StatusCode == http.StatusTooManyRequests:
		return &failure{
			what: "the registry's rate limit is reached",
			why:  fmt.Sprintf("429 Too Many Requests (%s)", attempts),
			hint: "log in: registries allow fewer pulls to anonymous users, who share an address",
		}
	}
	return &failure{what: "the registry is out of order", why: fmt.Sprintf("%s (%s)", resp.Status, attempts)}
}

// finish checks an answer that is to be handed on.
func (t *carrier) finish(req *http.Request, resp *http.Response, err error) (*http.Response, error) {
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK || req.Method != http.MethodGet {
		return resp, nil
	}
	path := first(req).URL.Path
	isList := strings.HasSuffix(path, "/tags/list")
	if isList {
		err = straightenLink(req, resp)
	}
	if err == nil && (isList || strings.Contains(path, "/manifests/")) {
		err = checkJSON(req, resp)
	}
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// checkJSON refuses a web page in the place of an answer, as hotel networks,
// proxies and log-in walls send it, and JSON with something behind it.
func checkJSON(req *http.Request, resp *http.Response) error {
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if json.Valid(body) {
		return nil
	}
	host := req.URL.Host
	if bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
		return &failure{
			what: "a web page came instead of the registry's answer",
			why:  "from " + host,
			hint: "a proxy, a firewall or a network's log-in page may stand in between",
		}
	}
	return &failure{what: "the registry's answer is not JSON", why: "from " + host}
}

// straightenLink makes the header that names the next page one that the library
// follows: it wants the scheme which it guesses from the registry's address, and
// registries behind a proxy write another one, or forget the port. Other links
// than the next page's are taken out.
func straightenLink(req *http.Request, resp *http.Response) error {
	next := nextLink(resp.Header.Values("Link"))
	resp.Header.Del("Link")
	if next == "" {
		return nil
	}
	at, err := req.URL.Parse(next)
	if err != nil {
		return &failure{what: "the registry's link to the next page of tags is no URL"}
	}
	if at.Hostname() != req.URL.Hostname() {
		return &failure{what: fmt.Sprintf("the registry's next page of tags is on another host, %s, which is not followed", at.Hostname())}
	}
	registry, err := name.NewRegistry(req.URL.Host)
	if err != nil {
		return err
	}
	at.Host, at.Scheme = req.URL.Host, registry.Scheme()
	resp.Header.Set("Link", "<"+at.String()+`>; rel="next"`)
	return nil
}

// nextLink finds the target with rel=next (RFC 8288), or one without any rel.
func nextLink(headers []string) string {
	for _, header := range headers {
		for link := range strings.SplitSeq(header, ",") {
			target, parameters, found := strings.Cut(strings.TrimSpace(link), ">")
			target, opened := strings.CutPrefix(target, "<")
			parameters = strings.ToLower(strings.ReplaceAll(parameters, `"`, ""))
			isNext := !strings.Contains(parameters, "rel=") || strings.Contains(parameters, "rel=next")
			if found && opened && isNext {
				return target
			}
		}
	}
	return ""
}

// redirects counts how often the way to req was turned already.
func redirects(req *http.Request) int {
	n := 0
	for ; req.Response != nil && req.Response.Request != nil; req = req.Response.Request {
		n++
	}
	return n
}

// first is the request that the library made, before any redirect.
func first(req *http.Request) *http.Request {
	for req.Response != nil && req.Response.Request != nil {
		req = req.Response.Request
	}
	return req
}
