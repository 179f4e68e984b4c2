package argocd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/internal/delay"
	"github.com/tagbump/tagbump/pkg/internal/httpx"
	"github.com/tagbump/tagbump/pkg/redact"
	"github.com/tagbump/tagbump/pkg/rollout"
)

const (
	requestTimeout = 30 * time.Second
	tries          = 3        // of a request that does the same twice as once
	maxAnswer      = 64 << 20 // bytes: an application with thousands of resources
	maxText        = 400      // bytes of the server's words in an error
)

// Options say how to reach an Argo CD.
type Options struct {
	Server    string      // HOST[:PORT], with a path where Argo CD has a root path, or a URL
	Plaintext bool        // speak HTTP to a Server without a scheme
	Insecure  bool        // do not check the certificate
	Header    http.Header // sent with every request, for a proxy in front
	Token     string
	CABundle  []byte // certificates to trust beside the system's, as PEM
	UserAgent string
	// Transport carries the requests. Default: a new one by CABundle and Insecure.
	Transport http.RoundTripper
	// Log is told of every request, without secrets. Default: nobody is told.
	Log func(format string, args ...any)
}

// A Client speaks to one Argo CD.
type Client struct {
	base    *url.URL
	opts    Options
	http    *http.Client
	secrets redact.Secrets
	timeout time.Duration
	pause   httpx.Backoff
}

// New returns a client and asks nobody yet.
func New(opts Options) (*Client, error) {
	base, err := parseServer(opts.Server, opts.Plaintext)
	if err != nil {
		return nil, err
	}
	if strings.ContainsFunc(opts.Token, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return nil, fault.New(fault.NoAccess, "argocd: the token has characters that no header can carry")
	}
	if opts.Transport == nil {
		transport, err := httpx.NewTransport(httpx.TransportOptions{CABundle: opts.CABundle, SkipVerify: opts.Insecure})
		if err != nil {
			return nil, fault.As(fault.Usage, err)
		}
		opts.Transport = transport
	}
	if opts.Log == nil {
		opts.Log = func(string, ...any) {}
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{
		base: base, opts: opts, secrets: redact.NewSecrets(opts.Token), timeout: requestTimeout,
		http:  &http.Client{Transport: opts.Transport, CheckRedirect: stay},
		pause: httpx.Backoff{First: 500 * time.Millisecond},
	}, nil
}

// Host returns the server's host, with its port where one is named.
func (c *Client) Host() string { return c.base.Host }

// IsPlainHTTP reports whether the token travels without encryption to another machine.
func (c *Client) IsPlainHTTP() bool {
	host := c.base.Hostname()
	return c.base.Scheme == "http" && host != "localhost" && host != "::1" && !strings.HasPrefix(host, "127.")
}

// parseServer reads a server as ARGOCD_SERVER has it, or its URL.
func parseServer(server string, plaintext bool) (*url.URL, error) {
	text := server
	if !strings.Contains(text, "://") {
		text = "https://" + server
		if plaintext {
			text = "http://" + server
		}
	}
	base, err := url.Parse(text)
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" || base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, fault.Errorf(fault.Usage, "argocd: %q is not a server", redact.URL(server)).WithHint("write HOST, HOST:PORT or https://HOST")
	}
	base.Path = strings.TrimSuffix(base.Path, "/")
	return base, nil
}

// An ID names an application.
type ID struct {
	Name      string
	Namespace string // "" is Argo CD's own
	Project   string // "" is not checked, and makes a missing application look like a forbidden one
}

// String returns NAME, or NAMESPACE/NAME.
func (id ID) String() string {
	if id.Namespace != "" {
		return id.Namespace + "/" + id.Name
	}
	return id.Name
}

// query returns the parameters that name the application further.
func (id ID) query() url.Values {
	query := url.Values{}
	if id.Project != "" {
		query.Set("project", id.Project)
	}
	if id.Namespace != "" {
		query.Set("appNamespace", id.Namespace)
	}
	return query
}

func (id ID) path(rest string) string {
	return "/api/v1/applications/" + url.PathEscape(id.Name) + rest
}

func (id ID) where() string { return "application " + id.String() }

// Application returns an application as Argo CD last saw it.
func (c *Client) Application(ctx context.Context, id ID) (rollout.Application, error) {
	var app rollout.Application
	err := c.do(ctx, call{where: id.where(), path: id.path(""), query: id.query(), tries: tries}, &app)
	return app, err
}

// Refresh has Argo CD look at the repository and compare, and returns the result. It
// is sent once: a controller that does not run lets it hang until the time-out.
func (c *Client) Refresh(ctx context.Context, id ID) (rollout.Application, error) {
	query := id.query()
	query.Set("refresh", "normal")
	var app rollout.Application
	err := c.do(ctx, call{where: "refresh of " + id.where(), path: id.path(""), query: query, tries: 1}, &app)
	return app, err
}

// listFields are what finding an application needs of each.
const listFields = "items.metadata.name,items.metadata.namespace,items.metadata.ownerReferences,items.spec,items.status.summary,items.status.sourceType,items.status.controllerNamespace"

// Applications returns all applications that the token may see, without most of
// their status.
func (c *Client) Applications(ctx context.Context) ([]rollout.Application, error) {
	var list struct {
		Items []rollout.Application `json:"items"`
	}
	err := c.do(ctx, call{where: "applications", path: "/api/v1/applications", query: url.Values{"fields": {listFields}}, tries: tries}, &list)
	return list.Items, err
}

// Tree returns the objects of an application in the cluster.
func (c *Client) Tree(ctx context.Context, id ID) (rollout.Tree, error) {
	var tree rollout.Tree
	err := c.do(ctx, call{where: id.where() + ": resources", path: id.path("/resource-tree"), query: id.query(), tries: tries}, &tree)
	return tree, err
}

// Windows returns the sync windows of an application.
func (c *Client) Windows(ctx context.Context, id ID) (rollout.Windows, error) {
	var windows rollout.Windows
	err := c.do(ctx, call{where: id.where() + ": sync windows", path: id.path("/syncwindows"), query: id.query(), tries: tries}, &windows)
	return windows, err
}

// A Revisions names what to render: Of is the revision of each source, by its place in
// the spec. A source that is not named is rendered at its own target.
type Revisions map[int]string

// Manifests returns the rendered manifests, each as JSON. An application with one
// source has it in place 0.
func (c *Client) Manifests(ctx context.Context, id ID, app rollout.Application, at Revisions) ([]string, error) {
	query := id.query()
	if len(app.Spec.Sources) == 0 {
		query.Set("revision", at[0])
	} else {
		for i := range app.Spec.Sources {
			if revision, named := at[i]; named {
				query.Add("revisions", revision)
				query.Add("sourcePositions", strconv.Itoa(i+1))
			}
		}
	}
	var answer struct {
		Manifests []string `json:"manifests"`
	}
	err := c.do(ctx, call{where: id.where() + ": manifests", path: id.path("/manifests"), query: query, tries: tries}, &answer)
	return answer.Manifests, err
}

// Sync asks for a sync. It needs the right "applications, sync".
func (c *Client) Sync(ctx context.Context, id ID) error {
	return c.do(ctx, call{where: "sync of " + id.where(), method: http.MethodPost, path: id.path("/sync"), query: id.query(), body: "{}", tries: 1}, nil)
}

// A call is one request.
type call struct {
	where  string // names the thing in errors
	method string // default: GET
	path   string // escaped, below the server's root
	query  url.Values
	body   string // JSON
	tries  int
}

// do sends a request, again where that may help, and decodes the answer into into.
func (c *Client) do(ctx context.Context, call call, into any) error {
	for try := 1; ; try++ {
		err := c.attempt(ctx, call, into)
		if err == nil || try >= call.tries || fault.KindOf(err) != fault.Unavailable || ctx.Err() != nil {
			return err
		}
		c.opts.Log("%v; trying again", err)
		if err := delay.For(ctx, c.pause.Pause(try)); err != nil {
			return err
		}
	}
}

// attempt sends a request once, within the time that one may take.
func (c *Client) attempt(ctx context.Context, call call, into any) error {
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	status, body, err := c.send(limited, call)
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s: %s: %w", c.base.Host, call.where, context.Cause(ctx))
	case limited.Err() != nil:
		return fault.Errorf(fault.Unavailable, "%s: %s: no answer within %v", c.base.Host, call.where, c.timeout)
	case err != nil:
		return fault.Errorf(fault.Unavailable, "%s: %s: %s", c.base.Host, call.where, c.words(httpx.Cause(err).Error()))
	case status < 200 || status > 299:
		return c.refused(call, status, body)
	case into == nil:
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fault.Errorf(fault.Failed, "%s: %s: the answer is not one of Argo CD's API", c.base.Host, call.where).
			WithHint("is this the host of Argo CD, without a log-in page in front of its API?")
	}
	return nil
}

func (c *Client) send(ctx context.Context, call call) (status int, body []byte, err error) {
	target := *c.base
	target.RawPath = target.EscapedPath() + call.path
	if target.Path, err = url.PathUnescape(target.RawPath); err != nil {
		return 0, nil, err
	}
	target.RawQuery = call.query.Encode()
	method := call.method
	if method == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, target.String(), strings.NewReader(call.body))
	if err != nil {
		return 0, nil, err
	}
	for name, values := range c.opts.Header {
		req.Header[http.CanonicalHeaderKey(name)] = values
	}
	req.Header.Set("Accept", "application/json")
	if call.body != "" {
		req.Header.Set("Content-Type", "application/json") // else 415, against forged requests of browsers
	}
	if c.opts.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.opts.Token)
	}
	if c.opts.UserAgent != "" {
		req.Header.Set("User-Agent", c.opts.UserAgent)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	c.opts.Log("%s %s%s: %d", method, c.base.Host, target.Path, resp.StatusCode)
	if location := resp.Header.Get("Location"); resp.StatusCode/100 == 3 && location != "" {
		return resp.StatusCode, []byte(location), nil
	}
	body, err = httpx.ReadAll(resp.Body, maxAnswer)
	return resp.StatusCode, body, err
}

// words makes one line of the server's words, without the token.
func (c *Client) words(text string) string { return c.secrets.Text(httpx.Line(text, maxText)) }

// refused makes an error of an answer that is not a success.
func (c *Client) refused(call call, status int, body []byte) error {
	if status/100 == 3 {
		return c.redirected(call, string(body))
	}
	kind, hint := fault.Failed, ""
	switch {
	case status == http.StatusUnauthorized:
		kind, hint = fault.NoAccess, "set ARGOCD_AUTH_TOKEN to a token of this Argo CD that has not expired"
	case status == http.StatusForbidden && call.method == http.MethodPost:
		kind, hint = fault.NoAccess, "--sync needs the right \"applications, sync\""
	case status == http.StatusForbidden:
		kind, hint = fault.NoAccess, "the application does not exist, or the token lacks the right \"applications, get\" in its project"
	case status == http.StatusNotFound:
		kind = fault.NotFound
	case httpx.IsTransient(status), status >= 500:
		kind = fault.Unavailable
	}
	text := messageIn(body)
	if text == "" {
		text = http.StatusText(status)
	}
	err := fault.Errorf(kind, "%s: %s: HTTP %d: %s", c.base.Host, call.where, status, c.words(text))
	if hint == "" {
		return err
	}
	return err.WithHint("%s", hint)
}

// redirected refuses to follow: the next server would get the token.
func (c *Client) redirected(call call, location string) error {
	to, err := c.base.Parse(location)
	switch {
	case err != nil:
		return fault.Errorf(fault.Failed, "%s: %s: redirected to an address that is none", c.base.Host, call.where)
	case to.Hostname() == c.base.Hostname() && to.Scheme == "https" && c.base.Scheme == "http":
		return fault.Errorf(fault.Usage, "%s: %s: speaks HTTPS only", c.base.Host, call.where).WithHint("leave --plaintext out")
	}
	where := redact.URL((&url.URL{Scheme: to.Scheme, Host: to.Host, Path: to.Path}).String())
	return fault.Errorf(fault.NoAccess, "%s: %s: redirected to %s, which must not see the token", c.base.Host, call.where, c.words(where)).
		WithHint("a log-in page in front of Argo CD must let requests to /api/ with a token through")
}

// messageIn reads an error of Argo CD's API, of its streams, or a page of a proxy.
func messageIn(body []byte) string {
	var plain struct {
		Message string          `json:"message"`
		Error   json.RawMessage `json:"error"`
	}
	if json.Unmarshal(body, &plain) != nil {
		if bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
			return "" // a page for browsers
		}
		return string(body)
	}
	var nested struct {
		Message string `json:"message"`
	}
	if plain.Message == "" && json.Unmarshal(plain.Error, &nested) == nil {
		return nested.Message
	}
	return plain.Message
}

// isOutOfReach reports whether the same request may be answered later.
func isOutOfReach(err error) bool { return fault.KindOf(err) == fault.Unavailable }
