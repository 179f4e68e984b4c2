// Package rest sends JSON requests to a forge's REST API, with the manners that
// all forges ask for: the token goes to the API's own host only, rate limits and
// server errors are waited for within a budget, answers have a size limit, and
// what a server says becomes one line without secrets.
//
// The caller says of each request whether it may be repeated. One trap: a POST
// whose answer was lost may have been carried out. [Client.Do] does not repeat
// it; [Error.Undecided] tells the caller to look before it asks again.
package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/internal/delay"
	"github.com/tagbump/tagbump/pkg/internal/httpx"
	"github.com/tagbump/tagbump/pkg/redact"
)

const (
	requestTimeout = 30 * time.Second
	maxAttempts    = 4
	waitBudget     = 90 * time.Second // of all waits of one request: long enough for a usual "Retry-After: 60"
	maxRedirects   = 5
	maxAnswer      = 32 << 20 // bytes
	maxText        = 300      // bytes of a server's words in an error
)

// Options say how to reach an API.
type Options struct {
	APIURL    string            // root of the API, as "https://gitlab.com/api/v4"
	Header    http.Header       // sent with every request to the API's host: the credentials
	Secrets   []string          // credentials, to be masked in errors
	UserAgent string            // default: "tagbump"
	Transport http.RoundTripper // default: http.DefaultTransport
	// Log is told of every wait before a retry, without secrets. Default: nobody is told.
	Log func(format string, args ...any)
	// Explain reads the text and the hint of a refusal from the forge's own form
	// of errors. It may return "" for both.
	Explain func(status int, header http.Header, body []byte) (text, hint string)
}

// A Client speaks to one API. It may be used by several goroutines.
type Client struct {
	opts    Options
	base    *url.URL
	http    *http.Client
	secrets redact.Secrets
	timeout time.Duration
	wait    func(context.Context, time.Duration) error
}

// New returns a client and asks nobody yet. An invalid APIURL wraps
// [forge.ErrInvalid], a credential that no header can carry [forge.ErrAuth].
func New(opts Options) (*Client, error) {
	base, err := url.Parse(opts.APIURL)
	switch {
	case err != nil, base.Scheme != "https" && base.Scheme != "http", base.Host == "":
		return nil, &Error{Where: fmt.Sprintf("%q", redact.URL(opts.APIURL)), Why: "the API's URL must begin with https:// and a host", Kind: forge.ErrInvalid}
	case base.User != nil, base.RawQuery != "", base.Fragment != "":
		return nil, &Error{Where: fmt.Sprintf("%q", redact.URL(opts.APIURL)), Why: "the API's URL must have no user, query or fragment", Kind: forge.ErrInvalid}
	}
	for _, values := range opts.Header {
		for _, value := range values {
			if strings.ContainsFunc(value, unfitForHeader) {
				return nil, &Error{Where: base.Host, Why: "the token has characters that no header can carry", Kind: forge.ErrAuth}
			}
		}
	}
	base.Path = strings.TrimSuffix(base.Path, "/")
	if opts.UserAgent == "" {
		opts.UserAgent = "tagbump"
	}
	if opts.Log == nil {
		opts.Log = func(string, ...any) {}
	}
	if opts.Explain == nil {
		opts.Explain = func(int, http.Header, []byte) (string, string) { return "", "" }
	}
	return &Client{
		opts: opts, base: base, secrets: redact.NewSecrets(opts.Secrets...),
		http:    &http.Client{Transport: opts.Transport, CheckRedirect: stayOnHost},
		timeout: requestTimeout, wait: delay.For,
	}, nil
}

func unfitForHeader(r rune) bool { return r < ' ' || r >= 0x7f }

// A Repetition says when a request may be sent again.
type Repetition int

// The zero value repeats a request that does the same twice as once, after
// anything that may pass. Once repeats only after a rate limit, by which the
// forge says that it has done nothing.
const (
	Repeat Repetition = iota
	Once
)

// A Request is one call. Path is below the API's root, and escaped.
type Request struct {
	Where      string // names the thing in errors: "acme/charts: pull request #3"
	Method     string
	Path       string
	Query      url.Values
	Body       any // sent as JSON; nil sends none
	Repetition Repetition
}

// Do sends req and decodes the answer into into, unless that is nil. Its errors
// are *[Error], which wrap forge's sentinels or the context's end.
func (c *Client) Do(ctx context.Context, req Request, into any) error {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = json.Marshal(req.Body); err != nil {
			return &Error{Where: req.Where, Why: err.Error(), Kind: forge.ErrInvalid}
		}
	}
	var waited time.Duration
	for attempt := 1; ; attempt++ {
		problem := c.attempt(ctx, req, body, into)
		if problem == nil {
			return nil
		}
		wait := problem.Delay(attempt)
		if !problem.repeatable(req.Repetition) || attempt == maxAttempts || waited+wait > waitBudget {
			return problem
		}
		if err := c.Pause(ctx, problem, wait); err != nil {
			return err
		}
		waited += wait
	}
}

// Pause waits before problem's request is tried again, and tells of it.
func (c *Client) Pause(ctx context.Context, problem *Error, wait time.Duration) error {
	c.opts.Log("%v; trying again in %v", problem, wait.Round(100*time.Millisecond))
	if err := c.wait(ctx, wait); err != nil {
		return stopped(problem.Where, err)
	}
	return nil
}

// attempt sends req once, within the time that one request may take.
func (c *Client) attempt(ctx context.Context, req Request, body []byte, into any) *Error {
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	problem := c.send(limited, req, body, into)
	switch {
	case problem == nil:
		return nil
	case ctx.Err() != nil:
		return stopped(req.Where, ctx.Err())
	case limited.Err() != nil:
		problem = &Error{
			Why: fmt.Sprintf("%s: no answer within %v", c.base.Host, c.timeout), Kind: forge.ErrUnavailable,
			cause: context.DeadlineExceeded, ambiguous: true,
		}
	}
	problem.Where = req.Where
	problem.Why = c.secrets.Text(problem.Why)
	return problem
}

func (c *Client) send(ctx context.Context, req Request, body []byte, into any) *Error {
	target := *c.base
	target.RawPath = target.EscapedPath() + req.Path
	var err error
	if target.Path, err = url.PathUnescape(target.RawPath); err != nil {
		return &Error{Why: fmt.Sprintf("%q is not a path", req.Path), Kind: forge.ErrInvalid}
	}
	target.RawQuery = req.Query.Encode()
	call, err := http.NewRequestWithContext(ctx, req.Method, target.String(), bytes.NewReader(body))
	if err != nil {
		return &Error{Why: err.Error(), Kind: forge.ErrInvalid}
	}
	for name, values := range c.opts.Header {
		call.Header[http.CanonicalHeaderKey(name)] = values
	}
	call.Header.Set("User-Agent", c.opts.UserAgent)
	call.Header.Set("Accept", "application/json")
	if body != nil {
		call.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(call)
	if err != nil {
		return c.unreachable(err)
	}
	defer resp.Body.Close()
	answer, err := httpx.ReadAll(resp.Body, maxAnswer)
	if err != nil {
		return c.unreachable(err)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return c.refused(resp, answer)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return &Error{Why: c.base.Host + ": the answer is not an answer of the forge's API", Kind: forge.ErrInvalid, Status: resp.StatusCode}
	}
	return nil
}

// stayOnHost follows redirects on the API's own host, and no others. A redirect
// of a write is refused: net/http would turn it into a GET.
func stayOnHost(req *http.Request, via []*http.Request) error {
	first := via[0]
	to := redact.URL((&url.URL{Scheme: req.URL.Scheme, Host: req.URL.Host, Path: req.URL.Path}).String())
	switch {
	case len(via) > maxRedirects:
		return &redirectError{fmt.Sprintf("redirected to %s: more than %d redirects", to, maxRedirects)}
	case req.URL.Scheme != first.URL.Scheme || !strings.EqualFold(req.URL.Host, first.URL.Host):
		return &redirectError{fmt.Sprintf("redirected to %s: another host, which must not see the token", to)}
	case req.Method != first.Method:
		return &redirectError{fmt.Sprintf("redirected to %s: the repository may have moved", to)}
	}
	return nil
}

type redirectError struct{ text string }

func (e *redirectError) Error() string { return e.text }

func (c *Client) unreachable(err error) *Error {
	err = httpx.Cause(err)
	var moved *redirectError
	if errors.As(err, &moved) {
		return &Error{Why: moved.Error(), Kind: forge.ErrInvalid}
	}
	return &Error{
		Why: c.base.Host + ": " + httpx.Line(err.Error(), maxText), Kind: forge.ErrUnavailable,
		lasting: isCertificate(err), ambiguous: !isCertificate(err),
	}
}
