package yamledit

import (
	"bytes"
	"fmt"
	"sort"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
)

// A place names a scalar in one text by the parser's position, which no other
// scalar of the text has.
type place struct{ line, column int }

func placeOf(y *yaml.Node) place { return place{y.Line, y.Column} }

// A level of an edit is the edited scalar, or the one in which the text that holds
// it is embedded, and how many lines the edit adds to that scalar's text.
type level struct {
	place
	added int
}

// levels lists the scalars in which the node is embedded, outermost first, and the
// node itself. An edit adds lines to the node's text and to the blocks around it;
// inside quotes a line break is an escape.
func (n *Node) levels(added int) []level {
	var all []level
	if l := n.text.outer; l != nil {
		outside := 0
		if l.style == Block {
			outside = added
		}
		all = l.node.levels(outside)
	}
	return append(all, level{placeOf(n.yaml), added})
}

const notWritten = "nothing was changed; please report this"

// verify parses after, which the edits made of t, and compares it with t node by
// node. The edits are in the order of their places.
func (t *Text) verify(after []byte, edits []Edit) error {
	result, err := t.parseAgain(after)
	if err != nil {
		return &Error{Why: fmt.Sprintf("the edited text %v", err), Help: notWritten}
	}
	all := make([]*splicedEdit, len(edits))
	growth := 0
	for i, e := range edits {
		start := e.Start + growth
		all[i] = &splicedEdit{Edit: e, result: span{start, start + len(e.New)}}
		growth += len(e.New) - (e.End - e.Start)
	}
	replaced, err := compare(t, result, all, 0)
	if err != nil {
		return err
	}
	for _, r := range replaced {
		if !r.isOnly() {
			return &Error{Line: r.before.line(r.node), Why: "the edit would write more than the value", Help: notWritten}
		}
	}
	return nil
}

// A splicedEdit is an edit and where its text is in the result.
type splicedEdit struct {
	Edit
	result span
}

// parseAgain reads after the way t was read.
func (t *Text) parseAgain(after []byte) (*Text, error) {
	if err := checkBytes(after); err != nil {
		return nil, err
	}
	result := &Text{src: after, parsed: asVersion11(after), mode: t.mode, actions: templateActions(after)}
	if len(result.actions) != len(t.actions) {
		return nil, &Error{Why: "has other template actions than before"}
	}
	switch {
	case t.syntax != nil:
		return ParseForeign(after, t.syntax)
	case t.mode == asJSON:
		return ParseJSON(after)
	case t.mode == byLine:
		result.decodeLines()
		return result, nil
	case t.mode == asTemplate:
		return result, result.decodeTemplate()
	}
	return result, result.decode()
}

// A comparison holds a text against the result of editing it.
type comparison struct {
	before, after *Text
	depth         int                      // how many scalars the texts are embedded in
	edits         map[place][]*splicedEdit // of this text and of those embedded in it
	left          int                      // how many of the edits were not met yet
	added         []level                  // the edits that add lines, from the text's beginning; added is the sum so far
	replaced      []replaced
}

// compare compares every node of before with its counterpart in after, and returns
// the replaced values.
func compare(before, after *Text, edits []*splicedEdit, depth int) ([]replaced, error) {
	c := comparison{before: before, after: after, depth: depth, left: len(edits), edits: map[place][]*splicedEdit{}}
	sum := 0
	for _, e := range edits {
		l := e.levels[depth]
		c.edits[l.place] = append(c.edits[l.place], e)
		if l.added > 0 {
			sum += l.added
			c.added = append(c.added, level{l.place, sum})
		}
	}
	if len(before.docs) != len(after.docs) {
		return nil, &Error{Why: "the edit would change the number of documents", Help: notWritten}
	}
	for i := range before.docs {
		if err := c.node(before.docs[i], after.docs[i]); err != nil {
			return nil, err
		}
	}
	if c.left > 0 {
		return nil, &Error{Why: "an edit's value was not found again", Help: notWritten}
	}
	return c.replaced, nil
}

func (c *comparison) node(a, b *yaml.Node) error {
	if edits := c.editsIn(a); len(edits) > 0 {
		c.left -= len(edits)
		return c.edited(a, b, edits)
	}
	// Comments are left out on purpose: in a CR LF text yaml.v3's choice of their
	// owner depends on where its read buffer ends. Their bytes are the same,
	// because those of each edit are compared with its value's.
	if a.Kind != b.Kind || a.Tag != b.Tag || a.Value != b.Value || a.Style != b.Style ||
		a.Anchor != b.Anchor || c.lineAfter(a) != b.Line {
		return c.changed(a)
	}
	return c.children(a, b.Content)
}

// children compares the nodes in a with those in its counterpart, among which the
// entries that edits put in may be.
func (c *comparison) children(a *yaml.Node, after []*yaml.Node) error {
	for i, child := range a.Content {
		if len(after) == 0 {
			return c.changed(a)
		}
		if err := c.node(child, after[0]); err != nil {
			return err
		}
		after = after[1:]
		if a.Kind != yaml.MappingNode || i%2 == 0 {
			continue
		}
		if e := c.insertionBehind(child); e != nil {
			c.left--
			if len(after) < 2*len(e.entries) || !c.isWritten(e, after) {
				return c.changed(a)
			}
			after = after[2*len(e.entries):]
		}
	}
	if len(after) > 0 {
		return c.changed(a)
	}
	return nil
}

// insertionBehind returns the edit that puts entries in after the value a, or nil.
func (c *comparison) insertionBehind(a *yaml.Node) *splicedEdit {
	for _, e := range c.edits[placeOf(a)] {
		if c.isInsertion(e) && a.Kind == yaml.ScalarNode {
			return e
		}
	}
	return nil
}

// isInsertion reports whether the edit puts entries into this very text.
func (c *comparison) isInsertion(e *splicedEdit) bool {
	return len(e.entries) > 0 && len(e.levels) == c.depth+1
}

// isWritten reports whether the edit's entries come first in the nodes, and its
// bytes hold only them, with what parts them.
func (c *comparison) isWritten(e *splicedEdit, nodes []*yaml.Node) bool {
	end := e.result.start
	for i, entry := range e.entries {
		key, value := nodes[2*i], nodes[2*i+1]
		if key.Kind != yaml.ScalarNode || key.Value != entry.Key ||
			value.Kind != yaml.ScalarNode || value.Tag != "!!str" || value.Value != entry.Value {
			return false
		}
		keyToken, keyErr := c.after.token(key)
		token, err := c.after.token(value)
		if keyErr != nil || err != nil {
			return false
		}
		gap := span{end, c.after.rootSpan(keyToken.whole).start}
		if gap.start > gap.end || !parting.Match(c.after.root().src[gap.start:gap.end]) {
			return false
		}
		end = c.after.rootSpan(token.whole).end
	}
	return end == e.result.end
}

// parting is what may be between two entries, perhaps inside double quotes.
var parting = lazyregexp.New(`^(?:[ ,\r\n]|\\[rn])*$`)

// lineAfter returns the line on which a is in the new text: below inserted lines it
// is a later one.
func (c *comparison) lineAfter(a *yaml.Node) int {
	above := sort.Search(len(c.added), func(i int) bool { return c.added[i].line >= a.Line })
	if above == 0 {
		return a.Line
	}
	return a.Line + c.added[above-1].added
}

func (c *comparison) changed(a *yaml.Node) error {
	return &Error{Line: c.before.line(a), Why: "the edit would also change this line", Help: notWritten}
}

// editsIn lists the edits that change the scalar a, or the text embedded in it.
func (c *comparison) editsIn(a *yaml.Node) []*splicedEdit {
	if a.Kind != yaml.ScalarNode {
		return nil
	}
	var here []*splicedEdit
	for _, e := range c.edits[placeOf(a)] {
		if !c.isInsertion(e) {
			here = append(here, e)
		}
	}
	return here
}

func (c *comparison) edited(a, b *yaml.Node, edits []*splicedEdit) error {
	if a.Kind != b.Kind || a.Anchor != b.Anchor || c.lineAfter(a) != b.Line {
		return c.changed(a)
	}
	e := edits[0]
	if len(e.levels) > c.depth+1 {
		return c.embedded(a, b, edits)
	}
	line := c.before.line(a)
	if len(edits) > 1 {
		return &Error{Line: line, Why: "has two edits"}
	}
	token, err := c.after.token(b)
	if err != nil {
		return &Error{Line: line, Why: "the edited value " + err.Error(), Help: notWritten}
	}
	if token.value != e.want || b.Tag != "!!str" {
		return &Error{Line: line, Why: fmt.Sprintf("the edited value would read %q (%s), not %q", token.value, shortTag(b.Tag), e.want), Help: notWritten}
	}
	c.replaced = append(c.replaced, replaced{c.before, c.after, a, token, e})
	return nil
}

// A replaced value is the scalar before, and where it is in the result.
type replaced struct {
	before, after *Text
	node          *yaml.Node
	token         token
	edit          *splicedEdit
}

// isOnly reports whether the value in the result has exactly the bytes that the
// edit makes of the scalar, so that it wrote nothing beside it, such as a comment.
func (r replaced) isOnly() bool {
	old, err := r.before.token(r.node)
	if err != nil {
		return false
	}
	e, was, is := r.edit, r.before.rootSpan(old.whole), r.after.rootSpan(r.token.whole)
	if e.Start < was.start || e.End > was.end {
		return false
	}
	src := r.before.root().src
	want := string(src[was.start:e.Start]) + e.New + string(src[e.End:was.end])
	if old.style == Empty {
		want = strings.TrimLeft(want, " ")
	}
	return bytes.Equal(r.after.root().src[is.start:is.end], []byte(want))
}

// embedded compares the texts inside two scalars.
func (c *comparison) embedded(a, b *yaml.Node, edits []*splicedEdit) error {
	before := (&Node{text: c.before, yaml: a}).Embedded()
	after := (&Node{text: c.after, yaml: b}).Embedded()
	if before == nil || after == nil || before.mode != after.mode {
		return c.changed(a)
	}
	inside, err := compare(before, after, edits, c.depth+1)
	c.replaced = append(c.replaced, inside...)
	return err
}
