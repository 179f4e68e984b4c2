package gitrepo

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/tagbump/tagbump/pkg/files"
)

// What callers decide on. Every error of this package that has to do with one of
// these holds it in its chain.
var (
	ErrMoved       = errors.New("the branch has moved")
	ErrRefused     = errors.New("the push was refused")
	ErrAuth        = errors.New("no access")
	ErrNotFound    = errors.New("not found")
	ErrNoFile      = files.ErrMissing
	ErrUnavailable = errors.New("unavailable")
	ErrUnsupported = errors.New("not supported")
)

// failure is an error that is of a kind, in words of its own, and may know what
// to do about it.
type failure struct {
	kind error // one of the sentinels
	text string
	why  error // nil when text says it all
	hint string

	code  int           // of an http answer that may pass
	after time.Duration // what the server asked to wait before the next try
	final bool          // another try would end in the same way
}

func fail(kind error, format string, args ...any) *failure {
	return &failure{kind: kind, text: fmt.Sprintf(format, args...)}
}

// because is fail with the error that led to it.
func because(kind, why error, format string, args ...any) *failure {
	f := fail(kind, format, args...)
	f.why = why
	return f
}

func (f *failure) withHint(format string, args ...any) *failure {
	f.hint = fmt.Sprintf(format, args...)
	return f
}

func (f *failure) forGood() *failure {
	f.final = true
	return f
}

func (f *failure) Error() string {
	if f.why == nil {
		return f.text
	}
	if f.text == "" {
		return f.why.Error()
	}
	return f.text + ": " + f.why.Error()
}

func (f *failure) Unwrap() []error { return []error{f.kind, f.why} }

// An Error says where something went wrong: the repository and the branch.
// Its text holds no secret.
type Error struct {
	text string
	hint string
	err  error
}

func (e *Error) Error() string { return e.text }

// Unwrap returns the cause, whose own text may not be fit to show.
func (e *Error) Unwrap() error { return e.err }

// Hint is what a person can do about it, or "".
func (e *Error) Hint() string { return e.hint }

// wrap puts the repository and the branch in front of err and takes secrets out.
func (r *Repo) wrap(branch string, err error) error {
	var done *Error
	if err == nil || errors.As(err, &done) {
		return err
	}
	where := r.addr.String()
	if branch != "" {
		where += ": " + branch
	}
	e := &Error{text: r.secrets.Text(where + ": " + err.Error()), err: err}
	var f *failure
	if errors.As(err, &f) {
		e.hint = r.secrets.Text(f.hint)
	}
	return e
}

// network tells what went wrong on the way; ctx's own end is kept as it is.
func network(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var f *failure
	if cause := context.Cause(ctx); cause != nil && !errors.As(cause, &f) {
		return because(ErrUnavailable, cause, "")
	} else if cause != nil {
		return f
	}
	var no *rejection
	if errors.As(err, &f) || errors.As(err, &no) || errors.Is(err, errBudget) || errors.Is(err, errEnough) || errors.Is(err, errNotPackets) {
		return err
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return because(ErrUnavailable, errors.New("the connection ended in the middle of an answer"), "")
	}
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return fail(ErrUnavailable, "no such host: %s", dns.Name).forGood()
	}
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) {
		return because(ErrUnavailable, err, "").forGood().withHint("a certificate of your own authority must be given as a CA bundle")
	}
	return because(ErrUnavailable, err, "")
}

// longestWords bounds how many bytes of a server's words an error repeats.
const longestWords = 2000
