package yamledit

import (
	"bytes"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/tagbump/tagbump/pkg/keypath"
)

// A Node is a place in a [Text]: a mapping, a list, a scalar or an alias.
type Node struct {
	text  *Text
	yaml  *yaml.Node
	up    *Node
	index int // which child of up: the item, or the key's place in Content; -1 for a document's root
	doc   int
}

// A Field is one key of a mapping and what it holds.
type Field struct {
	Key   string
	Value *Node
}

// Documents lists the root of each document, in order.
func (t *Text) Documents() []*Node {
	var roots []*Node
	for i, doc := range t.docs {
		if len(doc.Content) > 0 {
			roots = append(roots, &Node{text: t, yaml: doc.Content[0], index: -1, doc: i})
		}
	}
	return roots
}

// Walk visits n and everything below it, parents first and in the text's order.
// Aliases are visited and not followed.
func (n *Node) Walk(visit func(*Node)) {
	visit(n)
	for _, f := range n.Fields() {
		f.Value.Walk(visit)
	}
	for _, item := range n.Items() {
		item.Walk(visit)
	}
}

// IsMapping, IsList and IsScalar tell what the node is. An alias is none of them.
func (n *Node) IsMapping() bool { return n.yaml.Kind == yaml.MappingNode }

// IsList reports whether the node is a sequence.
func (n *Node) IsList() bool { return n.yaml.Kind == yaml.SequenceNode }

// IsScalar reports whether the node is a single value, an empty one included.
func (n *Node) IsScalar() bool { return n.yaml.Kind == yaml.ScalarNode }

// Fields lists a mapping's keys in order, a key twice if it stands there twice;
// nil for other nodes. Keys that are no scalars are left out.
func (n *Node) Fields() []Field {
	if !n.IsMapping() {
		return nil
	}
	fields := make([]Field, 0, len(n.yaml.Content)/2)
	for i := 0; i+1 < len(n.yaml.Content); i += 2 {
		if key := n.yaml.Content[i]; key.Kind == yaml.ScalarNode {
			fields = append(fields, Field{Key: key.Value, Value: n.child(i + 1)})
		}
	}
	return fields
}

// Field is what the mapping's key holds, or nil; the last one when the key
// stands there twice, as Helm reads it.
func (n *Node) Field(key string) *Node {
	for i := len(n.yaml.Content) - 2; n.IsMapping() && i >= 0; i -= 2 {
		if k := n.yaml.Content[i]; k.Kind == yaml.ScalarNode && k.Value == key {
			return n.child(i + 1)
		}
	}
	return nil
}

// Items lists a list's items; nil for other nodes.
func (n *Node) Items() []*Node {
	if !n.IsList() {
		return nil
	}
	items := make([]*Node, len(n.yaml.Content))
	for i := range items {
		items[i] = n.child(i)
	}
	return items
}

func (n *Node) child(index int) *Node {
	return &Node{text: n.text, yaml: n.yaml.Content[index], up: n, index: index, doc: n.doc}
}

// Parent is the mapping or list that holds the node, or nil for a document's root.
func (n *Node) Parent() *Node { return n.up }

// Key is the key that holds the node, or "" for a list's item or a document's root.
func (n *Node) Key() string {
	if n.up == nil || !n.up.IsMapping() {
		return ""
	}
	return n.up.yaml.Content[n.index-1].Value
}

// Line is the node's line (1-based) in the whole text.
func (n *Node) Line() int { return n.text.line(n.yaml) }

// Document is the number (0-based) of the document in the whole text.
func (n *Node) Document() int {
	for n.text.outer != nil {
		n = n.text.outer
	}
	return n.doc
}

// Path is where the node stands. An item of a list of mappings is named by its
// name when no other has that name, because lists are re-ordered more often
// than renamed.
func (n *Node) Path() keypath.Path {
	switch {
	case n.up == nil && n.text.outer == nil:
		return keypath.Path{}
	case n.up == nil:
		return n.text.outer.Path().With(keypath.Step{Kind: keypath.Embedded})
	case n.up.IsMapping():
		return n.up.Path().Child(n.Key())
	}
	return n.up.Path().With(n.itemStep())
}

func (n *Node) itemStep() keypath.Step {
	if name := n.Field("name"); name != nil && name.isName() {
		same := 0
		for _, item := range n.up.Items() {
			if other := item.Field("name"); other != nil && other.yaml.Value == name.yaml.Value {
				same++
			}
		}
		if same == 1 {
			return keypath.ItemNamed("name", name.yaml.Value)
		}
	}
	return keypath.Step{Kind: keypath.Index, Index: n.index}
}

// isName reports whether the node can tell one item from others: a short scalar
// without template actions.
func (n *Node) isName() bool {
	value := n.yaml.Value
	return n.IsScalar() && value != "" && len(value) <= 128 && !strings.ContainsAny(value, "\n\r") && !n.HasAction()
}

// Value is a scalar's text, with template actions as they are written, and an
// alias's text as its anchor has it; "" for other nodes and for empty ones.
func (n *Node) Value() string {
	y := n.yaml
	if y.Kind == yaml.AliasNode && y.Alias != nil {
		y = y.Alias
	}
	if y.Kind != yaml.ScalarNode || y.Value == "" {
		return ""
	}
	if y.Tag == "!!null" {
		return ""
	}
	if !n.text.IsTemplate() || !strings.Contains(y.Value, "_") {
		return y.Value
	}
	token, err := n.text.token(y)
	if err != nil {
		return y.Value
	}
	return token.value
}

// HasAction reports whether a template action is part of the scalar.
func (n *Node) HasAction() bool {
	if len(n.text.actions) == 0 || !n.IsScalar() {
		return false
	}
	token, err := n.text.token(n.yaml)
	return err == nil && len(n.text.actionsIn(token.whole)) > 0
}

// IsAlias reports whether the node is an alias (*name).
func (n *Node) IsAlias() bool { return n.yaml.Kind == yaml.AliasNode }

// Contains reports whether the scalar's text has part in it; it is cheap, and
// so it serves to choose the scalars that are worth [Node.Embedded].
func (n *Node) Contains(part string) bool {
	return n.IsScalar() && strings.Contains(n.yaml.Value, part)
}

// Embedded reads the YAML inside a literal block scalar (|), as Argo CD's
// helm.values or a ConfigMap's file holds it. It is nil when the node is no such
// scalar or its text is neither a mapping nor a list.
func (n *Node) Embedded() *Text {
	if !n.IsScalar() || n.yaml.Style&yaml.LiteralStyle == 0 || n.yaml.Value == "" {
		return nil
	}
	body, ok := n.text.blockBody(n.yaml)
	if !ok {
		return nil
	}
	src, lines := dedent(n.text.src, body)
	inner, err := Parse(src)
	if err != nil || !holdsCollection(inner) {
		return nil
	}
	inner.outer = n
	inner.moved = lines
	return inner
}

func holdsCollection(t *Text) bool {
	for _, root := range t.Documents() {
		if root.IsMapping() || root.IsList() {
			return true
		}
	}
	return false
}

// A block is the body of a block scalar: its lines, and their indentation.
type block struct {
	span
	indent int
}

// blockBody finds the lines of a literal block scalar and holds them against
// the parser's value; false when they are not the same (other line breaks).
func (t *Text) blockBody(y *yaml.Node) (block, bool) {
	header, ok := t.offset(y)
	if !ok {
		return block{}, false
	}
	if header, ok = t.skipProperties(header); !ok || header >= len(t.parsed) || t.parsed[header] != '|' {
		return block{}, false
	}
	start := nextLine(t.parsed, header)
	lines := strings.Split(strings.TrimRight(y.Value, "\n"), "\n")
	b := block{span: span{start, start}, indent: -1}
	for _, want := range lines {
		end := nextLine(t.parsed, b.end)
		line := bytes.TrimRight(t.parsed[b.end:end], "\r\n")
		if b.indent < 0 && want != "" {
			b.indent = len(line) - len(want)
		}
		if !isLineOf(line, want, b.indent) {
			return block{}, false
		}
		b.end = end
	}
	return b, b.indent >= 0
}

func isLineOf(line []byte, want string, indent int) bool {
	if want == "" {
		return isBlank(line)
	}
	return indent >= 0 && len(line) >= indent && isBlank(line[:indent]) && string(line[indent:]) == want
}

// nextLine is the offset behind the line break that follows at.
func nextLine(text []byte, at int) int {
	end := bytes.IndexByte(text[at:], '\n')
	if end < 0 {
		return len(text)
	}
	return at + end + 1
}

// dedent takes the body's indentation away and remembers where each line stood.
func dedent(src []byte, body block) (text []byte, lines []moved) {
	for at := body.start; at < body.end; {
		end := min(nextLine(src, at), body.end)
		line := src[at:end]
		cut := 0
		for cut < body.indent && cut < len(line) && line[cut] == ' ' {
			cut++
		}
		lines = append(lines, moved{start: len(text), outer: at + cut})
		text = append(text, line[cut:]...)
		at = end
	}
	return text, lines
}

// Find lists the nodes at p, in all documents; an empty list comes with an
// [*Error] that wraps [ErrNotFound] and says how far the path leads.
func (t *Text) Find(p keypath.Path) ([]*Node, error) {
	nodes := t.Documents()
	for i, s := range p.Steps() {
		var next []*Node
		for _, n := range nodes {
			next = append(next, n.follow(s)...)
		}
		if len(next) == 0 {
			return nil, lost(p, i, nodes)
		}
		nodes = next
	}
	return nodes, nil
}

func (n *Node) follow(s keypath.Step) []*Node {
	var found []*Node
	switch s.Kind {
	case keypath.Key, keypath.AnyKey:
		for _, f := range n.Fields() {
			if s.Kind == keypath.AnyKey || f.Key == s.Name {
				found = append(found, f.Value)
			}
		}
	case keypath.Embedded:
		if inner := n.Embedded(); inner != nil {
			found = inner.Documents()
		}
	case keypath.Document:
		if n.up == nil && n.holds(s.Where) {
			found = []*Node{n}
		}
	default:
		for i, item := range n.Items() {
			if item.isChosenBy(s, i) {
				found = append(found, item)
			}
		}
	}
	return found
}

func (n *Node) isChosenBy(s keypath.Step, index int) bool {
	switch s.Kind {
	case keypath.Index:
		return s.Index == index
	case keypath.Select:
		return n.holds(s.Where)
	}
	return true
}

// holds reports whether each condition's keys lead to its value.
func (n *Node) holds(conditions []keypath.Condition) bool {
	for _, c := range conditions {
		field := n
		for _, key := range c.Keys {
			if field = field.Field(key); field == nil {
				return false
			}
		}
		if !field.IsScalar() && !field.IsAlias() || field.Value() != c.Value {
			return false
		}
	}
	return true
}

// lost says where on p nothing was found, given the nodes that the steps before reach.
func lost(p keypath.Path, at int, nodes []*Node) error {
	e := &Error{Path: p, Err: ErrNotFound, Why: "not found: the text is empty"}
	if len(nodes) == 0 {
		return e
	}
	n, s := nodes[0], p.Steps()[at]
	place := "the document"
	if at > 0 {
		place = keypath.Of(p.Steps()[:at]...).String()
	}
	if at > 0 && len(nodes) == 1 {
		e.Line = n.Line()
	}
	switch {
	case n.IsAlias():
		e.Why = "not found: " + place + " is an alias (*" + n.yaml.Value + "), which is not followed"
		e.Help = "give the path of the anchor &" + n.yaml.Value
	case s.Kind == keypath.Key && n.Field("<<") != nil:
		e.Why = "not found: " + place + " has no key " + strconv.Quote(s.Name) + " of its own (it merges others with <<)"
		e.Help = "give the path of the anchored mapping"
	case s.Kind == keypath.Key && n.IsMapping():
		e.Why = "not found: " + place + " has no key " + strconv.Quote(s.Name)
	case s.Kind == keypath.Document:
		e.Why = "not found: no document is " + s.String()
	case s.Kind == keypath.Embedded:
		e.Why = "not found: " + place + " is no block scalar (|) with YAML in it"
	case s.Kind == keypath.Key || s.Kind == keypath.AnyKey:
		e.Why = "not found: " + place + " is no mapping"
	case !n.IsList():
		e.Why = "not found: " + place + " is no list"
	default:
		e.Why = "not found: " + place + " has no item " + s.String()
	}
	return e
}

// Is reports whether both are the same place of the same text.
func (n *Node) Is(other *Node) bool { return n.yaml == other.yaml }
