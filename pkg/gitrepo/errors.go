package gitrepo

import (
	"errors"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/gitrepo/internal/wire"
)

// What callers decide on. Every error of this package that has to do with one of these
// holds it in its chain, and with it a kind of package fault.
var (
	// ErrMoved: the branch's tip is another one than the push expected.
	ErrMoved error = wire.ErrMoved
	// ErrRefused: the server does not want the commit (a protected branch, a hook).
	ErrRefused error = wire.ErrRefused
	// ErrAuth: the credentials, the key or the host key are not accepted, or are missing.
	ErrAuth error = wire.ErrAuth
	// ErrNotFound: there is no such repository or branch, or it may not be seen.
	ErrNotFound error = wire.ErrNotFound
	// ErrNoFile: a file that was named does not exist, or is not one that can be changed.
	ErrNoFile error = files.ErrMissing
	// ErrUnavailable: the server does not answer, or is busy.
	ErrUnavailable error = wire.ErrUnavailable
	// ErrUnsupported: the repository or the server has a form that is not supported.
	ErrUnsupported error = wire.ErrUnsupported
)

// An Error says where something went wrong: in which repository and on which branch. Its
// text holds no secret.
type Error struct {
	text string
	hint string
	err  error
}

// Error returns "repository: branch: what: why".
func (e *Error) Error() string { return e.text }

// Unwrap returns the cause, whose own text may have a secret in it.
func (e *Error) Unwrap() error { return e.err }

// Hint returns what a person can do about it, or "".
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
	return &Error{
		text: r.secrets.Text(where + ": " + err.Error()),
		hint: r.secrets.Text(fault.HintOf(err)),
		err:  err,
	}
}
