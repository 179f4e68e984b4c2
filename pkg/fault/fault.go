// Package fault says what kind of failure an error is, and what the next step
// could be.
//
// A [Kind] is what a caller can act on: log in, wait, fix the command line. It
// is an error itself, so errors.Is(err, fault.NotFound) asks for it. A package
// gives its own sentinels a kind and goes on comparing them by identity:
//
//	var ErrAuth = fault.New(fault.NoAccess, "access denied")
//
// A hint is one line of advice for the person who reads the error. It is not
// part of the error's text: whoever shows the error asks [HintOf] for it. Any
// error with a method Hint() string has one.
//
// One trap: an error may wrap several kinds, for example when a file that is
// not found makes a flag wrong. The outermost kind counts, see [KindOf].
package fault

import (
	"errors"
	"fmt"
)

// A Kind is a class of failures that ask for the same reaction.
type Kind int

// The kinds. Failed, the zero Kind, is that of an error that has no other.
const (
	Failed      Kind = iota // something went wrong that no other kind describes
	Usage                   // the command line, a variable or the project file is wrong
	Guard                   // a guard refused: older than deployed, rolled back, not of the policy
	NotFound                // no such image, tag, platform, file, branch or place in a file
	NoAccess                // a server refused the credentials, or wants some
	Unavailable             // a server does not answer, is busy or limits requests
	Refused                 // a server refused the change: protected branch, hook, lost race
	NotDeployed             // the cluster did not get to the wanted state
)

var kindNames = [...]string{
	Failed:      "failed",
	Usage:       "wrong use",
	Guard:       "refused by a guard",
	NotFound:    "not found",
	NoAccess:    "no access",
	Unavailable: "unavailable",
	Refused:     "refused",
	NotDeployed: "not deployed",
}

// Error returns the kind's name, as "not found".
func (k Kind) Error() string {
	if k < 0 || int(k) >= len(kindNames) {
		return fmt.Sprintf("kind %d", int(k))
	}
	return kindNames[k]
}

var kindWords = [...]string{
	Failed:      "failed",
	Usage:       "usage",
	Guard:       "guard",
	NotFound:    "not-found",
	NoAccess:    "no-access",
	Unavailable: "unavailable",
	Refused:     "refused",
	NotDeployed: "not-deployed",
}

// Word returns the kind's name for programs, as "not-found".
func (k Kind) Word() string {
	if k < 0 || int(k) >= len(kindWords) {
		return fmt.Sprintf("kind-%d", int(k))
	}
	return kindWords[k]
}

// An Error is a failure with a kind and, where one is known, a hint.
type Error struct {
	kind Kind
	hint string
	err  error // what Error returns the text of, with everything that it wraps
}

// New returns an error with the given text.
func New(kind Kind, text string) *Error { return &Error{kind: kind, err: errors.New(text)} }

// Errorf returns an error with a text made as [fmt.Errorf] makes it: %w wraps.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{kind: kind, err: fmt.Errorf(format, args...)}
}

// As returns err, its text and its hint unchanged, as an error of the given
// kind. It returns nil if err is nil.
func As(kind Kind, err error) error {
	if err == nil {
		return nil
	}
	return &Error{kind: kind, err: err}
}

// WithHint returns a copy of e that has a hint, which is formatted as by
// [fmt.Sprintf]. The copy is a new error, but errors.Is finds e in it.
func (e *Error) WithHint(format string, args ...any) *Error {
	return &Error{kind: e.kind, hint: fmt.Sprintf(format, args...), err: e}
}

// Error returns the text, without the kind and the hint.
func (e *Error) Error() string { return e.err.Error() }

// Hint returns the next step, or "" if e knows none itself.
func (e *Error) Hint() string { return e.hint }

// Unwrap returns the kind, and the error that e was made of.
func (e *Error) Unwrap() []error { return []error{e.kind, e.err} }

// KindOf returns the kind of err: the outermost one in its tree, and the first
// one where errors were joined. It returns Failed for an error without a kind,
// and for nil.
func KindOf(err error) Kind {
	var kind Kind
	_ = errors.As(err, &kind) // without one, kind stays Failed
	return kind
}

// HintOf returns the hint of the outermost error in err's tree that has one,
// or "" if none has.
func HintOf(err error) string {
	if hinter, ok := err.(interface{ Hint() string }); ok {
		if hint := hinter.Hint(); hint != "" {
			return hint
		}
	}
	switch wrapper := err.(type) {
	case interface{ Unwrap() error }:
		return HintOf(wrapper.Unwrap())
	case interface{ Unwrap() []error }:
		for _, inner := range wrapper.Unwrap() {
			if hint := HintOf(inner); hint != "" {
				return hint
			}
		}
	}
	return ""
}
