package yamledit

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/tagbump/tagbump/pkg/keypath"
)

// A Node is a place in a [Text]: a mapping, a list, a scalar or an alias.
type Node struct {
	text  *Text
	yaml  *yaml.Node
	up    *Node
	index int // which child of up: the item, or the value's place in Content; -1 for a document's root
	doc   int
}

// A Field is one key of a mapping and what it holds.
type Field struct {
	Key   string
	Value *Node
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

// IsMapping reports whether the node has keys. An alias is not a mapping.
func (n *Node) IsMapping() bool { return n.yaml.Kind == yaml.MappingNode }

// IsList reports whether the node is a sequence.
func (n *Node) IsList() bool { return n.yaml.Kind == yaml.SequenceNode }

// IsScalar reports whether the node is a single value, an empty one included.
func (n *Node) IsScalar() bool { return n.yaml.Kind == yaml.ScalarNode }

// IsAlias reports whether the node is an alias (*name).
func (n *Node) IsAlias() bool { return n.yaml.Kind == yaml.AliasNode }

// Is reports whether both are the same place of the same text.
func (n *Node) Is(other *Node) bool { return n.yaml == other.yaml }

// Fields lists a mapping's keys in order, a repeated key each time; nil for other
// nodes. Keys that are not scalars are left out.
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

// Field returns what the mapping's key holds, or nil. Of a repeated key it is the
// last, as Helm reads it.
func (n *Node) Field(key string) *Node {
	values := n.valuesOf(key)
	if len(values) == 0 {
		return nil
	}
	return n.child(values[len(values)-1])
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

// Parent returns the mapping or list that holds the node, or nil for a document's root.
func (n *Node) Parent() *Node { return n.up }

// above is the node's parent, across the border of an embedded text.
func (n *Node) above() *Node {
	if n.up == nil && n.text.outer != nil {
		return n.text.outer.node
	}
	return n.up
}

// Key returns the key that holds the node, or "" for a list's item or a document's root.
func (n *Node) Key() string {
	if n.up == nil || !n.up.IsMapping() {
		return ""
	}
	return n.up.yaml.Content[n.index-1].Value
}

// Line returns the node's line (1-based) in the whole text.
func (n *Node) Line() int { return n.text.line(n.yaml) }

// Document returns the number (0-based) of the document in the whole text.
func (n *Node) Document() int {
	for n.text.outer != nil {
		n = n.text.outer.node
	}
	return n.doc
}

// Path returns where the node is in its document. An item of a list of mappings is
// named by its name when no other has that name, because lists are re-ordered more
// often than their items are renamed.
func (n *Node) Path() keypath.Path {
	var steps []keypath.Step
	for ; n != nil; n = n.above() {
		switch {
		case n.up == nil && n.text.outer != nil:
			steps = append(steps, keypath.Step{Kind: keypath.Embedded})
		case n.up == nil:
		case n.up.IsMapping():
			steps = append(steps, keypath.Step{Kind: keypath.Key, Name: n.Key()})
		default:
			steps = append(steps, n.itemStep())
		}
	}
	for i, j := 0, len(steps)-1; i < j; i, j = i+1, j-1 {
		steps[i], steps[j] = steps[j], steps[i]
	}
	return keypath.Of(steps...)
}

func (n *Node) itemStep() keypath.Step {
	if name := n.Field("name"); name != nil && name.isName() {
		step := keypath.ItemNamed("name", name.Value())
		if len(n.up.itemsWith(step.Where[0])) == 1 {
			return step
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

// Value returns a scalar's text, with template actions as they are written, and an
// alias's text as its anchor has it; "" for other nodes and for empty ones.
func (n *Node) Value() string {
	y := n.yaml
	if y.Kind == yaml.AliasNode && y.Alias != nil {
		y = y.Alias
	}
	if y.Kind != yaml.ScalarNode || y.Tag == "!!null" {
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

// Contains reports whether part is in the scalar's text. It is cheap, so it serves
// to choose the scalars that are worth [Node.Embedded].
func (n *Node) Contains(part string) bool {
	return n.IsScalar() && strings.Contains(n.yaml.Value, part)
}

// CheckKeys returns an [*Error] if the node's key, or one that leads to it, is
// repeated in its mapping: readers silently take the last one. In a template each
// may be in a branch of its own, so there the answer is nil.
func (n *Node) CheckKeys() error {
	for ; n != nil; n = n.above() {
		if n.text.IsTemplate() || n.up == nil || !n.up.IsMapping() {
			continue
		}
		values := n.up.valuesOf(n.Key())
		if len(values) < 2 {
			continue
		}
		lines := make([]int, len(values))
		for i, place := range values {
			lines[i] = n.up.child(place).Line()
		}
		return &Error{
			Path: n.Path(), Why: fmt.Sprintf("is defined %d times (%s)", len(lines), listLines(lines)),
			Help: "remove all but one; readers take the last",
		}
	}
	return nil
}
