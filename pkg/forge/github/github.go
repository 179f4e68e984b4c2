// Package github opens, finds and refreshes pull requests on GitHub and GitHub
// Enterprise, and reads and commits files by the API alone, without git.
//
// A [Client] is a [forge.Host]. A request that may have been carried out is sent
// again only after the pull requests were listed.
// The token is sent to the API's own host only, so redirects to other hosts are
// refused.
//
// A commit by the API is signed by GitHub, which says "Verified" beside it, and is
// always of the token's own user or App: another author would cost the signature.
//
// One trap: for a repository that a token may not see, GitHub says "not found"
// and not "forbidden", so [forge.ErrNotFound] can be a lack of permission.
package github

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/google/go-github/v60/github"

	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/forge/internal/snapshot"
	"github.com/tagbump/tagbump/pkg/internal/delay"
	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
	"github.com/tagbump/tagbump/pkg/redact"
)

const (
	defaultAPIURL    = "https://api.github.com"
	defaultUserAgent = "tagbump"
	requestTimeout   = 30 * time.Second
	maxPages         = 100 // of 100 pull requests each
)

// Options say how to reach the API. The zero value is github.com without a token.
type Options struct {
	// APIURL is the root of the REST API, such as "https://ghe.acme.com/api/v3".
	// Nothing is appended to it but a slash. The default is https://api.github.com.
	APIURL string

	// Token is sent to the host of APIURL and to no other. White space around it
	// is dropped. By default requests are anonymous, which cannot propose.
	Token string

	// UserAgent names the program; GitHub refuses requests without one. The
	// default is "tagbump".
	UserAgent string

	// Transport carries the requests. The default is http.DefaultTransport.
	Transport http.RoundTripper

	// Recent is how many of the latest commits a Read of a branch brings along, for a
	// Log without names. Default: none.
	Recent int

	// Log takes a line about every wait before a retry, without secrets. The
	// default drops them.
	Log func(format string, args ...any)
}

// A Client speaks for one repository. Several goroutines may use it for pull
// requests; its commits are for one at a time.
type Client struct {
	owner, repo string
	api         *github.Client
	secrets     redact.Secrets
	answers     sync.Map // *github.PullRequest by number, as last seen

	snapshot     *snapshot.Snapshot // of the last commit that was read; nil before
	repositoryID string             // GraphQL's name of the repository; "" before a Read
	recent       int                // see Options
	latest       recentLog          // of the branch that was read last
	found        *foundTip          // by the last Find; nil before one, and once it was used

	log     func(format string, args ...any)
	timeout time.Duration
	wait    func(context.Context, time.Duration) error
}

// New returns a Client for the repository owner/repo. It makes no request. Names
// that no repository can have, and an APIURL that is not a URL, are
// forge.ErrInvalid; a token that no header can carry is forge.ErrAuth.
func New(owner, repo string, opts Options) (*Client, error) {
	where := owner + "/" + repo
	if err := checkNames(owner, repo); err != nil {
		return nil, &failure{where: fmt.Sprintf("%q", where), why: err.Error(), kind: forge.ErrInvalid}
	}
	base, err := parseAPIURL(opts.APIURL)
	if err != nil {
		return nil, &failure{where: where, why: err.Error(), kind: forge.ErrInvalid, hint: apiURLHint}
	}
	token := strings.TrimSpace(opts.Token)
	if strings.ContainsFunc(token, unfitForHeader) {
		return nil, &failure{where: where, why: "the token has characters that no header can carry", kind: forge.ErrAuth, hint: tokenHint}
	}

	c := &Client{
		owner: owner, repo: repo,
		secrets: redact.NewSecrets(token),
		recent:  opts.Recent,
		log:     opts.Log,
		timeout: requestTimeout,
		wait:    delay.For,
	}
	if c.log == nil {
		c.log = func(string, ...any) {}
	}
	c.api = github.NewClient(&http.Client{
		Transport:     newTransport(opts.Transport, base, token),
		CheckRedirect: stayOnHost,
	})
	c.api.BaseURL = base
	c.api.UserAgent = defaultUserAgent
	if opts.UserAgent != "" {
		c.api.UserAgent = opts.UserAgent
	}
	return c, nil
}

func parseAPIURL(raw string) (*url.URL, error) {
	if raw == "" {
		raw = defaultAPIURL
	}
	base, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the API's URL cannot be read")
	case base.Scheme != "https" && base.Scheme != "http", base.Host == "":
		return nil, fmt.Errorf("%q: the API's URL must begin with https:// and a host", redact.URL(raw))
	case base.User != nil, base.RawQuery != "", base.Fragment != "":
		return nil, fmt.Errorf("%q: the API's URL must have no user, query or fragment", redact.URL(raw))
	}
	if !strings.HasSuffix(base.Path, "/") {
		base.Path += "/"
	}
	return base, nil
}

var namePattern = lazyregexp.New(`^[A-Za-z0-9_.-]{1,100}$`)

func checkNames(names ...string) error {
	for _, name := range names {
		if !namePattern.MatchString(name) || name == "." || name == ".." {
			return fmt.Errorf("%q cannot be the name of an owner or repository", name)
		}
	}
	return nil
}

func unfitForHeader(r rune) bool { return r <= ' ' || r >= 0x7f }
