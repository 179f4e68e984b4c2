package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/internal/httpx"
)

// What callers decide on. Every [Failure] has one of these in its chain, or none when
// nothing but reading it helps.
var (
	ErrMoved       = fault.New(fault.Refused, "the branch has moved")
	ErrRefused     = fault.New(fault.Refused, "the push was refused")
	ErrAuth        = fault.New(fault.NoAccess, "no access")
	ErrNotFound    = fault.New(fault.NotFound, "not found")
	ErrUnavailable = fault.New(fault.Unavailable, "unavailable")
	ErrUnsupported = fault.New(fault.Failed, "not supported")
)

// How a fetch can end early. None of these is shown to people.
var (
	// ErrDeclined is in the chain when a server did not answer a request, or said that it
	// does not do what was asked. Another request may do.
	ErrDeclined = errors.New("the server does not answer this request")
	// ErrBudget ends a pack that has more bytes than the request's budget.
	ErrBudget = errors.New("more bytes than were asked for")
	// ErrEnough ends a pack after the object with which the request has enough.
	ErrEnough = errors.New("all that is needed has arrived")
)

// A Failure is an error with a kind, a message and, where one is known, a hint.
type Failure struct {
	kind error // one of the sentinels, or nil
	text string
	why  error // the cause; nil when text says it all
	hint string

	status int           // of an HTTP answer, when it may be another after a moment
	after  time.Duration // how long the server asks to wait before the next try
	final  bool          // another try would end in the same way
}

// Fail returns a Failure with the given kind and text.
func Fail(kind error, format string, args ...any) *Failure {
	return &Failure{kind: kind, text: fmt.Sprintf(format, args...)}
}

// Because is [Fail] with the error that led to it. With an empty format the text is that
// error's.
func Because(kind, why error, format string, args ...any) *Failure {
	f := Fail(kind, format, args...)
	f.why = why
	return f
}

// WithHint sets the hint and returns f.
func (f *Failure) WithHint(format string, args ...any) *Failure {
	f.hint = fmt.Sprintf(format, args...)
	return f
}

// Final marks f as one that another try would not cure, and returns f.
func (f *Failure) Final() *Failure {
	f.final = true
	return f
}

// Error returns the text and the cause.
func (f *Failure) Error() string {
	switch {
	case f.why == nil:
		return f.text
	case f.text == "":
		return f.why.Error()
	}
	return f.text + ": " + f.why.Error()
}

// Unwrap returns the kind and the cause.
func (f *Failure) Unwrap() []error {
	var all []error
	for _, err := range []error{f.kind, f.why} {
		if err != nil {
			all = append(all, err)
		}
	}
	return all
}

// Hint returns what a person can do next, or "".
func (f *Failure) Hint() string { return f.hint }

// Classify says what went wrong on the way to a server. An error that has a kind already
// is returned as it is, and so is the cause with which ctx ended.
func Classify(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil {
		return ended(cause)
	}
	if hasKind(err) {
		return err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return Because(ErrUnavailable, errors.New("the connection ended in the middle of an answer"), "")
	}
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return Fail(ErrUnavailable, "no such host: %s", dns.Name).Final()
	}
	if f := classifyTLS(err); f != nil {
		return f
	}
	return Because(ErrUnavailable, err, "")
}

// ended returns the failure with which a context was cancelled, such as a silent server;
// any other cause (an interrupt, a deadline) gets a kind.
func ended(cause error) error {
	var f *Failure
	if errors.As(cause, &f) {
		return f
	}
	return Because(ErrUnavailable, cause, "")
}

func hasKind(err error) bool {
	var f *Failure
	var no *Rejection
	return errors.As(err, &f) || errors.As(err, &no) ||
		errors.Is(err, ErrBudget) || errors.Is(err, ErrEnough) || errors.Is(err, errNotPackets)
}

// classifyTLS knows the mistakes with certificates and schemes, which another try never
// cures. It returns nil for all other errors.
func classifyTLS(err error) *Failure {
	var certificate *tls.CertificateVerificationError
	var notTLS tls.RecordHeaderError
	switch {
	case errors.As(err, &certificate):
		return Because(ErrUnavailable, err, "").Final().WithHint("give the certificate of your own authority with --ca-file")
	case errors.As(err, &notTLS), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return Fail(ErrUnavailable, "the server does not speak TLS at this port").Final().WithHint("is it http:// that this port takes?")
	case strings.Contains(err.Error(), `malformed HTTP response "\x15\x03`):
		return Fail(ErrUnavailable, "the server speaks TLS at this port").Final().WithHint("write https:// in the URL")
	}
	return nil
}

// longestWords bounds how many bytes of a server's words an error repeats.
const longestWords = 2000

// words makes one line of what a server said, without the lines that say nothing: a bare
// "error:" (Gitea frames its words with them), "remote:" and rows of "=".
func words(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		for strings.HasPrefix(line, "remote:") {
			line = strings.TrimSpace(strings.TrimPrefix(line, "remote:"))
		}
		if line != "error:" && strings.Trim(line, "=-*#") != "" {
			lines = append(lines, line)
		}
	}
	return httpx.Line(strings.Join(lines, "\n"), longestWords)
}

// firstOf returns the first value that is not empty.
func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// IsReasoned reports whether a server said in words why it declined a request.
func IsReasoned(err error) bool {
	var said serverError
	return errors.As(err, &said)
}
