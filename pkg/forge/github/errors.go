package github

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-github/v60/github"

	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/internal/httpx"
)

const (
	tokenHint  = "check that the token in TAGBUMP_TOKEN, or else GITHUB_TOKEN, is still valid"
	hiddenHint = "GitHub answers the same for a repository that the token may not see"
	apiURLHint = "GITHUB_API_URL must be the root of the REST API, such as https://ghe.example.com/api/v3"
	singleHint = "the token must be authorized for the organization's single sign-on"
)

// A failure is an error of this package: its text reads "where: why". It wraps one
// of forge's sentinels, and has a hint where a next step is known.
type failure struct {
	where, why string
	kind       error // one of forge's sentinels; nil when the caller's context ended
	cause      error // of a context, so that errors.Is finds it
	hint       string

	status    int           // HTTP status, 0 without an answer
	wait      time.Duration // that the forge asks for, 0 when it does not say
	ambiguous bool          // the request may have been carried out
	permanent bool          // the same request will fail again
	duplicate bool          // the forge says that the pull request exists already
}

func (f *failure) Error() string { return f.where + ": " + f.why }

// Hint returns the next step, or "".
func (f *failure) Hint() string { return f.hint }

func (f *failure) Unwrap() []error {
	var chain []error
	for _, err := range []error{f.kind, f.cause} {
		if err != nil {
			chain = append(chain, err)
		}
	}
	return chain
}

// limited reports whether the forge refused for a rate limit, and so did nothing.
func (f *failure) limited() bool { return f.status == http.StatusTooManyRequests }

// transient reports whether the same request may succeed later.
func (f *failure) transient() bool {
	return f.kind == forge.ErrUnavailable && !f.permanent
}

// Undecided reports whether a pull request may exist in spite of the refusal. Any
// conflict or validation error is looked into: the texts differ among forges.
func (f *failure) Undecided() bool {
	return f.ambiguous || f.status == http.StatusUnprocessableEntity || f.status == http.StatusConflict
}

// Lost reports whether the answer was lost, so that the request may have been
// carried out.
func (f *failure) Lost() bool { return f.ambiguous }

// delay is how long to wait before the next attempt. A limit that does not say
// when it ends lasts a minute or more, by GitHub's documentation.
func (f *failure) delay(attempt int) time.Duration {
	switch {
	case f.wait > 0:
		return f.wait
	case f.limited():
		return time.Minute << (attempt - 1)
	}
	return backoff.Pause(attempt)
}

func stopped(where string, cause error) *failure {
	f := &failure{where: where, why: "interrupted", cause: cause}
	if errors.Is(cause, context.DeadlineExceeded) {
		f.why, f.kind, f.permanent = "out of time", forge.ErrUnavailable, true
	}
	return f
}

func timedOut(where string, after time.Duration) *failure {
	return &failure{
		where: where, why: fmt.Sprintf("no answer within %v", after),
		kind: forge.ErrUnavailable, cause: context.DeadlineExceeded, ambiguous: true,
	}
}

// explain turns an error of go-github into a failure. go-github's own rate limit
// errors do not occur: the transport gives it every limit as a plain 429.
func (c *Client) explain(where string, err error) *failure {
	var answer *github.ErrorResponse
	var twoFactor *github.TwoFactorAuthError
	var problems graphQLErrors
	var failed *failure
	switch {
	case errors.As(err, &answer):
		failed = refused(answer)
	case errors.As(err, &problems):
		failed = explainGraphQL(problems)
	case errors.As(err, &twoFactor):
		failed = refused((*github.ErrorResponse)(twoFactor))
	case isNoAnswer(err):
		failed = &failure{why: "the answer is not one of GitHub's API", kind: forge.ErrInvalid, hint: apiURLHint}
	default:
		failed = c.unreachable(err)
	}
	failed.where = where
	failed.why = c.secrets.Text(failed.why)
	return failed
}

// isNoAnswer reports whether err is about a success that is not JSON or not of the
// right shape, such as a web page at the API's URL.
func isNoAnswer(err error) bool {
	var syntax *json.SyntaxError
	var shape *json.UnmarshalTypeError
	var accepted *github.AcceptedError
	return errors.As(err, &syntax) || errors.As(err, &shape) || errors.As(err, &accepted)
}

func (c *Client) unreachable(err error) *failure {
	err = httpx.Cause(err)
	var moved *redirectError
	if errors.As(err, &moved) {
		return &failure{why: moved.Error(), kind: forge.ErrInvalid, hint: apiURLHint}
	}
	f := &failure{why: c.api.BaseURL.Host + ": " + oneLine(err.Error()), kind: forge.ErrUnavailable}
	var certificate *tls.CertificateVerificationError
	f.permanent = errors.As(err, &certificate)
	f.ambiguous = !f.permanent
	return f
}

func refused(answer *github.ErrorResponse) *failure {
	status, header := answer.Response.StatusCode, answer.Response.Header
	f := &failure{status: status, why: serverText(answer), kind: forge.ErrInvalid}
	f.wait, _ = httpx.RetryAfter(header, time.Now())
	switch {
	case status == http.StatusTooManyRequests:
		f.kind = forge.ErrUnavailable
		f.why = limitText(f.wait, f.why)
	case status >= 500 || status == http.StatusRequestTimeout:
		f.kind, f.ambiguous = forge.ErrUnavailable, true
	case status == http.StatusUnauthorized:
		f.kind, f.hint = forge.ErrAuth, tokenHint
	case status == http.StatusForbidden:
		f.kind, f.hint = forge.ErrAuth, permissionHint(header)
	case status == http.StatusNotFound || status == http.StatusGone:
		f.kind, f.hint = forge.ErrNotFound, hiddenHint
	}
	f.duplicate = strings.Contains(f.why, "already exists")
	return f
}

func limitText(wait time.Duration, text string) string {
	if wait == 0 {
		return "rate limit: " + text
	}
	return fmt.Sprintf("rate limit, to try again in %v: %s", wait, text)
}

func permissionHint(header http.Header) string {
	if needs := header.Get("X-Accepted-GitHub-Permissions"); needs != "" {
		return "the token needs one of these permissions: " + oneLine(needs)
	}
	if header.Get("X-GitHub-SSO") != "" {
		return singleHint
	}
	return "the token needs the permissions to write contents and pull requests (classic tokens: repo)"
}

// serverText returns the forge's refusal on one line: the status, the message and
// the details.
func serverText(answer *github.ErrorResponse) string {
	status := answer.Response.StatusCode
	parts := []string{fmt.Sprintf("HTTP %d", status)}
	if answer.Message != "" {
		parts = append(parts, oneLine(answer.Message))
	} else if text := http.StatusText(status); text != "" {
		parts[0] += " " + text
	}
	for _, detail := range answer.Errors {
		if detail.Message != "" {
			parts = append(parts, oneLine(detail.Message))
			continue
		}
		parts = append(parts, oneLine(strings.TrimSpace(detail.Field+" "+detail.Code)))
	}
	return strings.Join(parts, ": ")
}

// oneLine makes a server's text fit for a log.
func oneLine(text string) string { return httpx.Line(text, 300) }
