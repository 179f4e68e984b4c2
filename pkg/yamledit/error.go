package yamledit

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/tagbump/tagbump/pkg/keypath"
)

// ErrNotFound is in the chain of an error when a path leads nowhere.
var ErrNotFound = errors.New("not found")

// ErrNoValue is in the chain of an error when a path leads to a mapping or a list,
// where a single value is wanted.
var ErrNoValue = errors.New("not a value")

// An Error says why a text or one of its values cannot be read or edited. Its
// text reads "image.tag: line 4: why", without what is not known.
type Error struct {
	Path keypath.Path // zero when the whole text is meant
	Line int          // 1-based, of the text given to Parse; 0 when unknown
	Why  string       // the reason, as a phrase
	Help string       // the next step for the user, or ""
	Err  error        // a sentinel of this package, or nil
}

func (e *Error) Error() string {
	var b strings.Builder
	if !e.Path.IsZero() {
		b.WriteString(e.Path.String() + ": ")
	}
	if e.Line > 0 {
		b.WriteString("line " + strconv.Itoa(e.Line) + ": ")
	}
	b.WriteString(e.Why)
	return b.String()
}

// Hint is the next step for the user, or "".
func (e *Error) Hint() string { return e.Help }

func (e *Error) Unwrap() error { return e.Err }

// listLines writes "line 4", "lines 4 and 9" or "lines 1, 4 and 9".
func listLines(lines []int) string {
	if len(lines) == 1 {
		return fmt.Sprintf("line %d", lines[0])
	}
	var b strings.Builder
	b.WriteString("lines ")
	for i, line := range lines {
		switch {
		case i == 0:
		case i == len(lines)-1:
			b.WriteString(" and ")
		default:
			b.WriteString(", ")
		}
		b.WriteString(strconv.Itoa(line))
	}
	return b.String()
}
