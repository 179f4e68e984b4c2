// Package yamledit replaces single scalar values in YAML text, Helm templates
// included, and leaves every other byte as it was.
//
// Nothing is ever encoded: yaml.v3 only says where a scalar stands, the new text
// is spliced into the original bytes, and the result is parsed again and held
// against the first reading, node by node. Besides replacing a value, an edit can
// put a missing key in behind another. What cannot be changed safely is refused
// by name: aliases, values over several lines, explicit tags, keys that stand
// twice, keys that a merge or a branch may bring, and what a template action
// computes.
//
// One trap: a Helm template is no YAML. It is read with placeholders of the same
// length for its {{ … }}, so offsets are true in both texts, but an if and its
// else both count: one path can lead to two places of one document. Templates
// that not even that makes YAML can be read by line, see [ParseLines].
package yamledit

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/tagbump/tagbump/pkg/keypath"
)

// An Edit is a change of bytes, made by [Scalar.Replace] or [Scalar.InsertBehind]:
// New stands in place of the bytes from Start up to, without, End (0-based, of
// the whole text).
type Edit struct {
	Start, End int
	New        string

	old  string  // what stood there
	want string  // what the scalar reads afterwards
	at   []place // the scalar, from the outermost text inwards

	entries []Entry // that are put behind the scalar, which then stays as it is
	lines   int     // how many lines they take
}

// Locate finds the one value at p in all documents of src. No value, several,
// or one that cannot be replaced is an [*Error]; the first wraps [ErrNotFound].
func Locate(src []byte, p keypath.Path) (Scalar, error) {
	all, err := LocateAll(src, p)
	if err != nil {
		return Scalar{}, err
	}
	if len(all) > 1 {
		return Scalar{}, several(p, all)
	}
	return all[0], nil
}

func several(p keypath.Path, all []Scalar) error {
	var lines []int
	docs := map[int]bool{}
	for _, s := range all {
		lines = append(lines, s.Line)
		docs[s.Doc] = true
	}
	where := fmt.Sprintf("%d places", len(all))
	if len(docs) == len(all) {
		where = fmt.Sprintf("%d documents", len(docs))
	}
	return &Error{Path: p, Why: fmt.Sprintf("found in %s (%s)", where, listLines(lines))}
}

// LocateAll finds every value at p: one in each document that has it, and more
// where p has wildcards or a template has branches. A key that stands twice in a
// mapping is an [*Error], unless the text is a template.
func LocateAll(src []byte, p keypath.Path) ([]Scalar, error) {
	t, err := Parse(src)
	if err != nil {
		return nil, err
	}
	return t.LocateAll(p)
}

// LocateAll is [LocateAll] for a text that is parsed already.
func (t *Text) LocateAll(p keypath.Path) ([]Scalar, error) {
	nodes, err := t.Find(p)
	if err != nil {
		return nil, err
	}
	scalars := make([]Scalar, 0, len(nodes))
	for _, n := range nodes {
		if err := n.CheckKeys(); err != nil {
			return nil, err
		}
		s, err := n.Scalar()
		if err != nil {
			return nil, err
		}
		scalars = append(scalars, s)
	}
	return scalars, nil
}

// CheckKeys returns an [*Error] if the node's key, or one that leads to it,
// stands twice in its mapping: readers silently take the last one. In a template
// both may stand in branches, so there it is nil.
func (n *Node) CheckKeys() error {
	for ; n != nil; n = n.above() {
		if n.text.IsTemplate() || n.up == nil || !n.up.IsMapping() {
			continue
		}
		var lines []int
		for _, f := range n.up.Fields() {
			if f.Key == n.Key() {
				lines = append(lines, f.Value.Line())
			}
		}
		if len(lines) > 1 {
			return &Error{
				Path: n.Path(), Why: fmt.Sprintf("is defined %d times (%s)", len(lines), listLines(lines)),
				Help: "remove all but one; Helm reads the last",
			}
		}
	}
	return nil
}

// above is the node's parent, over the border of an embedded text.
func (n *Node) above() *Node {
	if n.up == nil {
		return n.text.outer
	}
	return n.up
}

// Apply makes the edits in src, which stays as it is, and returns the new text.
// The result is parsed again: every edited scalar must read as it was asked to,
// and every other node of every document must be the same, else an [*Error]
// comes back. The order of edits does not matter; they must not overlap.
func Apply(src []byte, edits ...Edit) ([]byte, error) {
	t, err := Parse(src)
	if err != nil {
		return nil, err
	}
	return t.Apply(edits...)
}

// Apply is [Apply] for a text that is parsed already.
func (t *Text) Apply(edits ...Edit) ([]byte, error) {
	if err := t.Sealed(); err != nil && len(edits) > 0 {
		return nil, err
	}
	after, err := splice(t.src, edits)
	if err != nil {
		return nil, err
	}
	if err := t.verify(after, edits); err != nil {
		return nil, err
	}
	return after, nil
}

func splice(src []byte, edits []Edit) ([]byte, error) {
	ordered := slices.Clone(edits)
	slices.SortFunc(ordered, func(a, b Edit) int { return a.Start - b.Start })
	var after []byte
	done := 0
	for _, e := range ordered {
		switch {
		case len(e.at) == 0:
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
