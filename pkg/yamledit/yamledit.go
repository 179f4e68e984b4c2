// Package yamledit replaces single values in YAML text, Helm templates included,
// and leaves every other byte as it was.
//
// It never writes YAML anew. yaml.v3 only says where a value is; the new text is
// spliced into the original bytes; and the result is parsed again and compared with
// the first reading, node by node, before anybody gets it (see [Text.Apply]). So
// comments, quotes, indentation and line ends survive, and an edit either does what
// it says and nothing else, or is an error.
//
// The way through the package is: [Read] a text, [Text.Find] a node by its path (or
// [Node.Walk] all of them), take it as a [Scalar], make an [Edit] with
// [Scalar.Replace] or [Scalar.InsertBehind], and [Text.Apply] all edits at once.
// Refused, with the line and a hint, are: aliases and anchors that others share,
// values over several lines, explicit tags, repeated keys, keys that a merge or a
// branch may bring, and what a template action computes.
//
// A trap: a Helm template is not YAML. It is read with placeholders of the same
// length for its {{ … }}, so offsets are true in both texts, but the branches of an
// if both count: one path can lead to two places of one document. Templates that
// cannot be read even so are read line by line, see [ParseLines].
package yamledit

import (
	"bytes"
	"fmt"
	"slices"
)

// An Edit is a change of bytes, made by [Scalar.Replace] or [Scalar.InsertBehind]:
// New replaces the bytes from Start up to, without, End (0-based, of the whole
// text).
type Edit struct {
	Start, End int
	New        string

	old    string  // the bytes that are replaced
	want   string  // what the scalar reads afterwards
	levels []level // the scalar, from the outermost text inwards

	entries []Entry // that are put in after the scalar, which then stays the same
}

// Apply returns the text with the edits made; t itself stays the same. The result
// is parsed again: every edited scalar must read as it was asked to and be written
// in exactly the edit's bytes, and every other node of every document must be the
// same, else an [*Error] comes back. The order of edits does not matter; they must
// not overlap. A text that is signed (see [Text.Sealed]) is not edited.
func (t *Text) Apply(edits ...Edit) ([]byte, error) {
	if len(edits) > 0 {
		if err := t.Sealed(); err != nil {
			return nil, err
		}
	}
	ordered := slices.Clone(edits)
	slices.SortStableFunc(ordered, func(a, b Edit) int { return a.Start - b.Start })
	after, err := splice(t.src, ordered)
	if err != nil {
		return nil, err
	}
	if err := t.verify(after, ordered); err != nil {
		return nil, err
	}
	return after, nil
}

// splice makes the edits, which are in the order of their places.
func splice(src []byte, edits []Edit) ([]byte, error) {
	var after []byte
	done := 0
	for _, e := range edits {
		switch {
		case len(e.levels) == 0:
			return nil, &Error{Why: fmt.Sprintf("the edit of bytes %d to %d was not made by Replace", e.Start, e.End)}
		case e.Start < done:
			return nil, &Error{Line: lineAt(src, e.Start), Why: "two edits overlap"}
		case e.End > len(src) || e.Start > e.End || !bytes.Equal(src[e.Start:e.End], []byte(e.old)):
			return nil, &Error{Line: lineAt(src, e.Start), Why: "the edit was made for another text"}
		}
		after = append(after, src[done:e.Start]...)
		after = append(after, e.New...)
		done = e.End
	}
	return append(after, src[done:]...), nil
}
