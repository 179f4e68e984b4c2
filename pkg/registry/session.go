package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	ggcr "github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
)

// A session asks for parts of one repository. It logs in with its first request,
// and keeps the token for the others.
type session struct {
	client *Client
	repo   name.Repository

	mu   sync.Mutex
	conn *connection // nil before the first request
}

// A connection is a log-in at a registry and what it was answered with.
type connection struct {
	http  *http.Client
	login login
}

// session returns the session of a repository; there is one for each.
func (c *Client) session(repo name.Repository) *session {
	found, _ := c.sessions.LoadOrStore(repo.Name(), &session{client: c, repo: repo})
	return found.(*session)
}

// A query is what a session asks its repository for.
type query struct {
	method string
	path   string // behind the repository: "tags/list", "manifests/1.2.3"
	params url.Values
	accept []string
	at     *url.URL // instead of the repository's own address, or nil
}

// do asks, and returns an answer of status 200. Any other one is a *refusal.
func (s *session) do(ctx context.Context, q query) (*http.Response, error) {
	conn, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	resp, err := s.send(ctx, conn, q)
	if !isDenied(err) || !conn.login.optional {
		return resp, err
	}
	if conn, err = s.reconnect(ctx, conn); err != nil {
		return nil, err
	}
	return s.send(ctx, conn, q)
}

func (s *session) send(ctx context.Context, conn *connection, q query) (*http.Response, error) {
	address := q.at
	if address == nil {
		address = &url.URL{Scheme: s.repo.Scheme(), Host: s.repo.RegistryStr(), Path: "/v2/" + s.repo.RepositoryStr() + "/" + q.path}
	}
	target := *address
	target.RawQuery = q.params.Encode()
	req, err := http.NewRequestWithContext(ctx, q.method, target.String(), nil)
	if err != nil {
		return nil, err
	}
	if len(q.accept) > 0 {
		req.Header.Set("Accept", strings.Join(q.accept, ","))
	}
	resp, err := conn.http.Do(req)
	if err != nil {
		return nil, conn.refusalOf(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body) // it is in memory already
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	if resp.StatusCode != http.StatusOK {
		return nil, &refusal{status: resp.StatusCode, path: original(resp.Request).URL.Path, words: readWords(body), login: conn.login}
	}
	return resp, nil
}

// connect logs in unless that is done.
func (s *session) connect(ctx context.Context) (*connection, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		return s.conn, nil
	}
	found, err := s.client.logIn(ctx, s.repo)
	if err != nil {
		return nil, err
	}
	conn, err := s.open(ctx, found)
	if isDenied(err) && found.optional {
		conn, err = s.open(ctx, s.client.withoutLogin(s.repo, found))
	}
	if err != nil {
		return nil, err
	}
	s.conn = conn
	return conn, nil
}

// reconnect replaces a connection whose log-in nobody asked for and the registry
// refused by an anonymous one.
func (s *session) reconnect(ctx context.Context, refused *connection) (*connection, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != refused {
		return s.conn, nil // another request was faster
	}
	conn, err := s.open(ctx, s.client.withoutLogin(s.repo, refused.login))
	if err != nil {
		return nil, err
	}
	s.conn = conn
	return conn, nil
}

// open makes a connection: it asks the registry how to log in, and fetches a token
// where the registry wants one.
func (s *session) open(ctx context.Context, found login) (*connection, error) {
	conn := &connection{login: found}
	below := ggcr.NewUserAgent(&guard{next: s.client.pings, client: s.client, registry: s.repo.Registry}, s.client.userAgent)
	signed, err := ggcr.NewWithContext(ctx, s.repo.Registry, found.auth, below, []string{s.repo.Scope(ggcr.PullScope)})
	if err != nil {
		return nil, conn.refusalOf(err)
	}
	conn.http = &http.Client{Transport: signed}
	return conn, nil
}

// refusalOf turns the library's error for an answer into a refusal, which knows the log-in.
func (c *connection) refusalOf(err error) error {
	var answer *ggcr.Error
	if !errors.As(err, &answer) || answer.StatusCode == 0 {
		return err
	}
	r := &refusal{status: answer.StatusCode, login: c.login}
	if answer.Request != nil {
		r.path = original(answer.Request).URL.Path
	}
	for _, diagnostic := range answer.Errors {
		r.words = append(r.words, word{string(diagnostic.Code), diagnostic.Message})
	}
	return &wrappedRefusal{r, err}
}

// A wrappedRefusal keeps the chain of the library's error: for a registry on a local
// name it holds both what https and what http ended with.
type wrappedRefusal struct {
	*refusal
	err error
}

// Unwrap returns the refusal and the library's error.
func (w *wrappedRefusal) Unwrap() []error { return []error{w.refusal, w.err} }

// A refusal is an answer of a registry, or of its token server, whose status is not 200.
type refusal struct {
	status int
	path   string // that was asked for
	words  []word
	login  login // that was used
}

// A word is one reason that a registry gives (distribution spec, "Error Codes").
type word struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

// readWords reads the reasons in the body of an answer; there may be none.
func readWords(body []byte) []word {
	var answer struct {
		Errors []word `json:"errors"`
	}
	_ = json.Unmarshal(body, &answer)
	return answer.Errors
}

// Error is for logs: people see what explain makes of a refusal.
func (r *refusal) Error() string {
	return fmt.Sprintf("%s: %d %s", r.path, r.status, http.StatusText(r.status))
}

func isDenied(err error) bool {
	return hasStatus(err, http.StatusUnauthorized) || hasStatus(err, http.StatusForbidden)
}

func hasStatus(err error, status int) bool {
	var r *refusal
	return errors.As(err, &r) && r.status == status
}

// logIn finds the log-in for a repository, and tells its secrets before they are used.
func (c *Client) logIn(ctx context.Context, repo name.Repository) (login, error) {
	found := login{host: hubName(repo.RegistryStr())}
	if keychain, own := c.keychain.(*Keychain); own {
		found = keychain.find(ctx, repo)
	} else {
		auth, err := authn.Resolve(ctx, c.keychain, repo)
		if err != nil {
			return login{}, err
		}
		if found.auth = auth; auth != authn.Anonymous {
			found.source = "the keychain"
		}
	}
	username, secrets, err := secretsOf(ctx, found.auth)
	if err != nil {
		return login{}, err
	}
	for _, secret := range secrets {
		c.secret(username, secret)
	}
	return found, nil
}

// withoutLogin returns the anonymous log-in that follows a refused one.
func (c *Client) withoutLogin(repo name.Repository, refused login) login {
	c.log("%s: the log-in from %s is refused; asking anonymously", hubName(repo.RegistryStr()), refused.source)
	return login{auth: authn.Anonymous, host: refused.host, misses: append(slices.Clone(refused.misses), miss{
		text: "the log-in from " + refused.source + " was refused",
		hint: "the token in " + refused.source + " may lack the right to read packages, or may have expired",
	})}
}

// A guard is between the library's log-in and the transport. It refuses token servers
// that a log-in must not be sent to, and answers of theirs that hold no token: the
// library would print those, with whatever secrets are in them.
type guard struct {
	next     http.RoundTripper
	client   *Client
	registry name.Registry

	mu    sync.Mutex
	realm *url.URL // of the token server, once it is known
}

// RoundTrip implements http.RoundTripper.
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := g.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusUnauthorized && req.URL.Host == g.registry.RegistryStr() {
		err = g.noteRealm(req, resp)
	} else if resp.StatusCode == http.StatusOK && g.isTokenServer(original(req).URL) {
		err = g.checkToken(resp)
	}
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// realmPattern finds the token server in a challenge (RFC 6750, section 3).
var realmPattern = lazyregexp.New(`(?i)\bBearer\b.*?\brealm="([^"]*)"`)

// noteRealm remembers where tokens come from, if they may.
func (g *guard) noteRealm(req *http.Request, resp *http.Response) error {
	found := realmPattern.FindStringSubmatch(strings.Join(resp.Header.Values("WWW-Authenticate"), ", "))
	if found == nil {
		return nil
	}
	realm, err := url.Parse(found[1])
	if err != nil || realm.Host == "" {
		return &failure{what: "the registry names no valid token server", why: fmt.Sprintf("realm %q", found[1])}
	}
	isOwn := realm.Host == req.URL.Host
	switch {
	case req.URL.Scheme == "https" && realm.Scheme != "https":
		return &failure{what: "the registry's token server speaks http, which log-ins are not sent over", why: realm.Scheme + "://" + realm.Host}
	case !isOwn && isPrivate(realm.Hostname()):
		return &failure{
			what: "the registry's token server has a private address, which log-ins are not sent to",
			why:  realm.Host,
			hint: "let the registry name its token server by a DNS name, or by its own host and port",
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.realm == nil && !isOwn {
		g.client.log("%s: tokens come from %s", hubName(g.registry.RegistryStr()), realm.Host)
	}
	g.realm = realm
	return nil
}

func (g *guard) isTokenServer(address *url.URL) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.realm != nil && address.Host == g.realm.Host && address.Path == g.realm.Path
}

// checkToken refuses an answer of the token server that holds no token.
func (g *guard) checkToken(resp *http.Response) error {
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	var answer ggcr.Token
	if err := json.Unmarshal(body, &answer); err != nil {
		return &failure{what: "the answer of the registry's token server is not JSON", why: "from " + resp.Request.URL.Host}
	}
	if answer.Token == "" && answer.AccessToken == "" {
		return &failure{what: "the answer of the registry's token server holds no token", why: "from " + resp.Request.URL.Host}
	}
	for _, secret := range []string{answer.Token, answer.AccessToken, answer.RefreshToken} {
		if secret != "" {
			g.client.secret("", secret)
		}
	}
	return nil
}
