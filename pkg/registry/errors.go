package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/internal/httpx"
	"github.com/tagbump/tagbump/pkg/redact"
)

// What callers decide on. One of them is in the chain of every error that a
// registry, or the way to it, is the cause of.
var (
	ErrNotFound    = fault.New(fault.NotFound, "not found")                 // no such repository or tag
	ErrNoImage     = fault.New(fault.NotFound, "not a container image")     // the tag exists, but is a chart, a signature …
	ErrAuth        = fault.New(fault.NoAccess, "access denied")             // the registry refuses the credentials, or wants some
	ErrUnavailable = fault.New(fault.Unavailable, "registry not available") // rate limit, server error, time-out, network
	errPageLoop    = errors.New("its pages of tags go around in a circle")  // a Link that leads back
)

// An Error says where a registry failed us, and how. Its text carries no secrets.
type Error struct {
	Where string // "ghcr.io/acme/web:1.2.3"
	What  string // "no such tag"
	Why   string // the server's own words, or ""

	kind  error
	cause error
	hint  string
}

// Error reads "where: what" or "where: what: why".
func (e *Error) Error() string {
	if e.Why == "" {
		return e.Where + ": " + e.What
	}
	return e.Where + ": " + e.What + ": " + e.Why
}

// Unwrap returns the sentinel, and the error of the library below if there is one.
func (e *Error) Unwrap() []error {
	if e.cause == nil {
		return []error{e.kind}
	}
	return []error{e.kind, e.cause}
}

// Hint returns the next step, or "" if none is known.
func (e *Error) Hint() string { return e.hint }

// explain turns an error of the library or the transport into an Error about where.
func explain(where string, err error) error {
	var known *Error
	if errors.As(err, &known) {
		known.Where = where
		return known
	}
	e := &Error{Where: where, cause: err}
	switch {
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: %w", where, context.Canceled)
	case e.fromKeychain(err), e.fromTransport(err), e.fromCertificate(err), e.fromServer(err):
	default:
		e.fromRest(err)
	}
	return e
}

func (e *Error) fromKeychain(err error) bool {
	var unreadable *credentialsError
	if !errors.As(err, &unreadable) {
		return false
	}
	e.What, e.Why, e.kind = "cannot read the registry credentials", unreadable.err.Error(), ErrAuth
	return true
}

// fromTransport takes over what our own transport has already worked out.
func (e *Error) fromTransport(err error) bool {
	var failed *failure
	if !errors.As(err, &failed) {
		return false
	}
	e.What, e.Why, e.hint, e.kind = failed.what, failed.why, failed.hint, ErrUnavailable
	return true
}

// fromCertificate has to be asked before the server's answers: for a registry on
// a local name, the http fall-back's status 400 is in the same chain.
func (e *Error) fromCertificate(err error) bool {
	var verification *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &verification) && !errors.As(err, &unknown) {
		return false
	}
	e.What, e.kind = "the registry's certificate is not trusted", ErrUnavailable
	e.Why = "unknown authority"
	if verification != nil {
		e.Why = verification.Err.Error()
	}
	e.hint = "SSL_CERT_FILE or SSL_CERT_DIR can name the authority's certificate"
	return true
}

// fromServer reads what the registry answered.
func (e *Error) fromServer(err error) bool {
	var answer *transport.Error
	if !errors.As(err, &answer) {
		return false
	}
	e.Why = said(answer)
	switch answer.StatusCode {
	case http.StatusUnauthorized:
		e.What, e.kind = "the registry refuses the credentials, or there is no such repository", ErrAuth
		e.hint = "docker login writes credentials to ~/.docker/config.json; Docker Hub's stand there under https://index.docker.io/v1/"
	case http.StatusForbidden:
		e.What, e.kind = "the registry forbids access with these credentials", ErrAuth
	case http.StatusNotFound:
		e.notFound(answer)
	default:
		e.What, e.kind = fmt.Sprintf("the registry answered %d %s", answer.StatusCode, http.StatusText(answer.StatusCode)), ErrUnavailable
	}
	return true
}

// notFound tells a missing tag from a missing repository, as far as the registry does.
func (e *Error) notFound(answer *transport.Error) {
	e.kind, e.Why = ErrNotFound, ""
	e.What = "no such tag"
	if strings.Contains(e.Where, "@") {
		e.What = "no such digest"
	}
	for _, diagnostic := range answer.Errors {
		if diagnostic.Code == transport.NameUnknownErrorCode {
			e.What = "no such repository"
		}
	}
	if answer.Request == nil {
		return
	}
	switch path := answer.Request.URL.Path; {
	case strings.HasSuffix(path, "/tags/list"):
		e.What = "no such repository"
	case strings.Contains(path, "/blobs/"):
		e.What = "the registry lost a part of the image"
	case !strings.Contains(path, "/manifests/"):
		e.What = "there is no registry at this address"
	}
}

// fromRest is for what never reached a registry, or was no answer of one.
func (e *Error) fromRest(err error) {
	e.kind = ErrUnavailable
	var address *net.DNSError
	switch text := httpx.Cause(err).Error(); {
	case errors.Is(err, context.DeadlineExceeded):
		e.What = "no answer in time"
	case errors.Is(err, errPageLoop):
		e.What = errPageLoop.Error()
	case errors.As(err, &address):
		e.What, e.Why = "cannot find the registry", "no such host "+address.Name
		if !address.IsNotFound {
			e.Why = address.Err
		}
	case strings.Contains(text, "SSRF"), strings.Contains(text, "private or link-local"):
		e.What, e.Why = "the registry sends us to a private address, which is not followed", redact.Text(text)
		e.hint = "give that server a DNS name, or have the registry serve blobs itself (distribution: storage.redirect.disable)"
	default:
		e.What, e.Why = "cannot ask the registry", redact.Text(text)
	}
}

// longestSaid bounds how many bytes of a server's words an error repeats.
const longestSaid = 200

// said is what a registry gives as its reason: codes and messages, on one line.
func said(answer *transport.Error) string {
	var words []string
	for _, diagnostic := range answer.Errors {
		word := string(diagnostic.Code)
		if diagnostic.Message != "" {
			word += ": " + diagnostic.Message
		}
		words = append(words, word)
	}
	return httpx.Line(redact.Text(strings.Join(words, "; ")), longestSaid)
}
