package rest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/internal/httpx"
)

// An Error is a request that failed: "where: why", one of forge's sentinels, and
// a hint where a next step is known.
type Error struct {
	Where, Why string
	Kind       error // one of forge's sentinels; nil when the caller's context ended
	Advice     string
	Status     int // of the answer; 0 without one

	cause     error         // of a context, so that errors.Is finds it
	wait      time.Duration // that the forge asks for, 0 when it does not say
	ambiguous bool          // the request may have been carried out
	lasting   bool          // the same request will fail again
}

// Error returns "where: why".
func (e *Error) Error() string { return e.Where + ": " + e.Why }

// Hint returns the next step, or "".
func (e *Error) Hint() string { return e.Advice }

// Unwrap returns the kind of the failure, and the context's error if one ended.
func (e *Error) Unwrap() []error {
	var chain []error
	for _, err := range []error{e.Kind, e.cause} {
		if err != nil {
			chain = append(chain, err)
		}
	}
	return chain
}

// Undecided reports whether the request may have been carried out, or been
// refused because it was carried out before: its answer was lost, or says that
// something conflicts. A look decides.
func (e *Error) Undecided() bool {
	switch e.Status {
	case http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity:
		return true
	}
	return e.ambiguous
}

// Lost reports whether the answer was lost, so that the request may have been
// carried out.
func (e *Error) Lost() bool { return e.ambiguous }

func (e *Error) repeatable(r Repetition) bool {
	if r == Once {
		return e.Status == http.StatusTooManyRequests
	}
	return e.Kind == forge.ErrUnavailable && !e.lasting
}

var backoff = httpx.Backoff{First: time.Second}

// Delay returns how long to wait before the next attempt. A limit that does not
// say when it ends is given a minute.
func (e *Error) Delay(attempt int) time.Duration {
	switch {
	case e.wait > 0:
		return e.wait
	case e.Status == http.StatusTooManyRequests:
		return time.Minute << (attempt - 1)
	}
	return backoff.Pause(attempt)
}

func stopped(where string, cause error) *Error {
	if errors.Is(cause, context.DeadlineExceeded) {
		return &Error{Where: where, Why: "out of time", Kind: forge.ErrUnavailable, cause: cause, lasting: true}
	}
	return &Error{Where: where, Why: "interrupted", cause: cause}
}

func isCertificate(err error) bool {
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &certificate)
}

// refused makes an error of an answer that is not a success.
func (c *Client) refused(resp *http.Response, body []byte) *Error {
	text, hint := c.opts.Explain(resp.StatusCode, resp.Header, body)
	status := resp.StatusCode
	e := &Error{Status: status, Why: fmt.Sprintf("HTTP %d", status), Kind: forge.ErrInvalid, Advice: hint}
	if text = httpx.Line(text, maxText); text == "" {
		text = http.StatusText(status)
	}
	if text != "" {
		e.Why += ": " + text
	}
	switch {
	case status == http.StatusTooManyRequests:
		e.Kind, e.wait = forge.ErrUnavailable, limitEnds(resp.Header, time.Now())
		e.Why = "rate limit: " + e.Why
	case httpx.IsTransient(status), status >= 500:
		e.Kind, e.ambiguous = forge.ErrUnavailable, true
		e.wait, _ = httpx.RetryAfter(resp.Header, time.Now())
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		e.Kind = forge.ErrAuth
	case status == http.StatusNotFound, status == http.StatusGone:
		e.Kind = forge.ErrNotFound
	}
	return e
}

// limitEnds returns how long a rate limit lasts, 0 when the forge does not say.
// GitLab names the end as a Unix time in RateLimit-Reset, others in
// X-RateLimit-Reset.
func limitEnds(header http.Header, now time.Time) time.Duration {
	if wait, ok := httpx.RetryAfter(header, now); ok {
		return max(wait, time.Second)
	}
	for _, name := range []string{"RateLimit-Reset", "X-RateLimit-Reset"} {
		if seconds, err := strconv.ParseInt(header.Get(name), 10, 64); err == nil {
			return max(time.Unix(seconds, 0).Sub(now), time.Second)
		}
	}
	return 0
}
