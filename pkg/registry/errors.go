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

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/internal/httpx"
	"github.com/tagbump/tagbump/pkg/redact"
)

// What callers decide on. One of them is in the chain of every error that a
// registry, or the way to it, is the cause of.
var (
	ErrNotFound    = fault.New(fault.NotFound, "not found")                 // no such repository or tag
	ErrNoImage     = fault.New(fault.NotFound, "not a container image")     // the tag exists, but is a chart, a signature …
	ErrAuth        = fault.New(fault.NoAccess, "access denied")             // the registry refuses the log-in, or wants one
	ErrUnavailable = fault.New(fault.Unavailable, "registry not available") // rate limit, server error, time-out, network
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

// explain turns an error of the library, the session or the transport into an Error about where.
func explain(where string, err error) error {
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s: %w", where, context.Canceled)
	}
	e := explanation(where, err)
	e.Where = where
	return &e
}

// explanation looks at the most telling cause first. For a registry on a local name
// the chain holds the failures of https and of http, and the certificate is the one
// to tell of.
func explanation(where string, err error) Error {
	var (
		known       *Error
		failed      *failure
		certificate *tls.CertificateVerificationError
		unknown     x509.UnknownAuthorityError
		refused     *refusal
		address     *net.DNSError
	)
	switch {
	case errors.As(err, &known):
		return *known
	case errors.As(err, &failed):
		return Error{What: failed.what, Why: failed.why, hint: failed.hint, kind: ErrUnavailable, cause: err}
	case errors.As(err, &certificate), errors.As(err, &unknown):
		e := Error{
			What: "the registry's certificate is not trusted", Why: "unknown authority", kind: ErrUnavailable, cause: err,
			hint: "--ca-file names the certificate of your own authority",
		}
		if certificate != nil {
			e.Why = certificate.Err.Error()
		}
		return e
	case errors.As(err, &refused):
		return refused.explain(where, err)
	case errors.Is(err, context.DeadlineExceeded):
		return Error{What: "no answer in time", kind: ErrUnavailable, cause: err}
	case errors.As(err, &address):
		e := Error{What: "cannot find the registry", Why: "no such host " + address.Name, kind: ErrUnavailable, cause: err}
		if !address.IsNotFound {
			e.Why = address.Err
		}
		return e
	case isPlainHTTP(err):
		return Error{
			What: "the registry speaks http, not https", kind: ErrUnavailable, cause: err,
			hint: "if it is meant to, --plain-http HOST:PORT allows it; log-ins then travel in the clear",
		}
	}
	return Error{What: "cannot ask the registry", Why: httpx.Line(redact.Text(httpx.Cause(err).Error()), longestWords), kind: ErrUnavailable, cause: err}
}

// explain says what an answer means.
func (r *refusal) explain(where string, err error) Error {
	e := Error{Why: r.reason(), cause: err}
	switch r.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		r.explainDenial(&e)
	case http.StatusNotFound:
		e.What, e.Why, e.kind = r.missing(where), "", ErrNotFound
	default:
		e.What, e.kind = fmt.Sprintf("the registry answered %d %s", r.status, http.StatusText(r.status)), ErrUnavailable
	}
	return e
}

// missing tells a missing tag from a missing repository, as far as the registry does.
func (r *refusal) missing(where string) string {
	switch {
	case strings.HasSuffix(r.path, "/tags/list"):
		return "no such repository"
	case strings.Contains(r.path, "/blobs/"):
		return "the registry lost a part of the image"
	case !strings.Contains(r.path, "/manifests/"):
		return "there is no registry at this address"
	}
	for _, w := range r.words {
		if w.Code == "NAME_UNKNOWN" {
			return "no such repository"
		}
	}
	if strings.Contains(where, "@") {
		return "no such digest"
	}
	return "no such tag"
}

// longestWords bounds how many bytes of a server's words an error repeats.
const longestWords = 200

// reason returns what a registry gives as its reason: codes and messages, on one line.
func (r *refusal) reason() string {
	var reasons []string
	for _, w := range r.words {
		reason := w.Code
		if w.Message != "" {
			reason += ": " + w.Message
		}
		reasons = append(reasons, reason)
	}
	return httpx.Line(redact.Text(strings.Join(reasons, "; ")), longestWords)
}
