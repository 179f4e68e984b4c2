package yamledit

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

// A place names a scalar in one text by the parser's position, which no other
// scalar of the text has.
type place struct{ line, column int }

func placeOf(y *yaml.Node) place { return place{y.Line, y.Column} }

// place lists the block scalars that lead to the node, outermost first, and the
// node itself.
func (n *Node) place() []place {
	var places []place
	if n.text.outer != nil {
		places = n.text.outer.place()
	}
	return append(places, placeOf(n.yaml))
}

// verify parses after and compares it with t, node by node.
func (t *Text) verify(after []byte, edits []Edit) error {
	result, err := t.parseAgain(after)
	if err != nil {
		return &Error{Why: fmt.Sprintf("the edited text %v", err), Help: nothingWritten}
	}
	return t.compare(result, edits, 0)
}

const nothingWritten = "nothing was changed; please report this"

// parseAgain reads after the way t was read.
func (t *Text) parseAgain(after []byte) (*Text, error) {
	if err := checkEncoding(after); err != nil {
		return nil, err
	}
	result := &Text{src: after, parsed: asVersion11(after), actions: templateActions(after)}
	if len(result.actions) != len(t.actions) {
		return nil, &Error{Why: "has other template actions than before"}
	}
	if t.mode == byLine {
		result.readLines()
		return result, nil
	}
	if t.mode == asTemplate {
		return parseTemplate(result)
	}
	docs, err := decode(result.parsed)
	if err != nil {
		return nil, parseError(result, err)
	}
	result.docs, result.lines = docs, lineStarts(result.parsed)
	return result, nil
}

// compare holds every node of before against after. depth is how many block
// scalars the two texts stand in.
func (before *Text) compare(after *Text, edits []Edit, depth int) error {
	c := comparison{before: before, after: after, edits: edits, depth: depth}
	if len(before.docs) != len(after.docs) {
		return &Error{Why: "the edit would change the number of documents", Help: nothingWritten}
	}
	for i := range before.docs {
		if err := c.node(before.docs[i], after.docs[i]); err != nil {
			return err
		}
	}
	if c.met != len(edits) {
		return &Error{Why: "an edit's value was not found again", Help: nothingWritten}
	}
	return nil
}

type comparison struct {
	before, after *Text
	edits         []Edit // of this text and of those in its block scalars
	depth         int
	met           int // how many of the edits' places were compared
}

func (c *comparison) node(a, b *yaml.Node) error {
	if edits := c.editsAt(a); len(edits) > 0 {
		c.met += len(edits)
		return c.edited(a, b, edits)
	}
	// Comments are left out on purpose: in a CR LF text yaml.v3's choice of
	// their owner depends on where its read buffer ends. Their bytes are the
	// same by construction.
	if a.Kind != b.Kind || a.Tag != b.Tag || a.Value != b.Value || a.Style != b.Style ||
		a.Anchor != b.Anchor || c.lineAfter(a) != b.Line {
		return c.changed(a)
	}
	return c.children(a, b.Content)
}

// children compares the nodes in a with those in its counterpart, among which
// the entries that edits put in may stand.
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
		for _, entry := range c.entriesBehind(child) {
			if len(after) < 2 || !isEntry(after[0], after[1], entry) {
				return c.changed(a)
			}
			after = after[2:]
		}
	}
	if len(after) > 0 {
		return c.changed(a)
	}
	return nil
}

func isEntry(key, value *yaml.Node, entry Entry) bool {
	return key.Kind == yaml.ScalarNode && key.Value == entry.Key &&
		value.Kind == yaml.ScalarNode && value.Tag == "!!str" && value.Value == entry.Value
}

// entriesBehind are those that this text's edits put behind the value a.
func (c *comparison) entriesBehind(a *yaml.Node) []Entry {
	for _, e := range c.edits {
		if len(e.at) == c.depth+1 && len(e.entries) > 0 && e.at[c.depth] == placeOf(a) {
			c.met++
			return e.entries
		}
	}
	return nil
}

// lineAfter is the line on which a stands in the new text: below inserted lines
// it is a later one.
func (c *comparison) lineAfter(a *yaml.Node) int {
	line := a.Line
	for _, e := range c.edits {
		if e.at[c.depth].line < a.Line {
			line += e.lines
		}
	}
	return line
}

func (c *comparison) changed(a *yaml.Node) error {
	return &Error{Line: c.before.line(a), Why: "the edit would also change what stands here", Help: nothingWritten}
}

func (c *comparison) editsAt(a *yaml.Node) []Edit {
	if a.Kind != yaml.ScalarNode {
		return nil
	}
	var here []Edit
	for _, e := range c.edits {
		if e.at[c.depth] == placeOf(a) && (len(e.entries) == 0 || len(e.at) > c.depth+1) {
			here = append(here, e)
		}
	}
	return here
}

func (c *comparison) edited(a, b *yaml.Node, edits []Edit) error {
	if a.Kind != b.Kind || a.Anchor != b.Anchor || c.lineAfter(a) != b.Line {
		return c.changed(a)
	}
	if len(edits[0].at) > c.depth+1 {
		return c.embedded(a, b, edits)
	}
	if len(edits) > 1 {
		return &Error{Line: c.before.line(a), Why: "has two edits"}
	}
	token, err := c.after.token(b)
	if err != nil {
		return &Error{Line: c.before.line(a), Why: "the edited value " + err.Error(), Help: nothingWritten}
	}
	if token.value != edits[0].want || b.Tag != "!!str" {
		return &Error{Line: c.before.line(a), Why: fmt.Sprintf("the edited value would read %q (%s), not %q",
			token.value, shortTag(b.Tag), edits[0].want), Help: nothingWritten}
	}
	return nil
}

// embedded compares the YAML inside two block scalars.
func (c *comparison) embedded(a, b *yaml.Node, edits []Edit) error {
	if a.Style != b.Style || a.Tag != b.Tag {
		return c.changed(a)
	}
	before := (&Node{text: c.before, yaml: a}).Embedded()
	after := (&Node{text: c.after, yaml: b}).Embedded()
	if before == nil || after == nil || before.mode != after.mode {
		return c.changed(a)
	}
	return before.compare(after, edits, c.depth+1)
}
