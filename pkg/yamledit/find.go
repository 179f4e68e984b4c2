package yamledit

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tagbump/tagbump/pkg/internal/suggest"
	"github.com/tagbump/tagbump/pkg/keypath"
)

// Find lists the nodes at p, in all documents. When there are none, the error is
// an [*Error] that wraps [ErrNotFound] and says how far the path leads.
func (t *Text) Find(p keypath.Path) ([]*Node, error) { return find(t.roots, p) }

// FindIn is [Text.Find] in one document (0-based); it does not look at the others.
func (t *Text) FindIn(doc int, p keypath.Path) ([]*Node, error) {
	i, found := slices.BinarySearchFunc(t.roots, doc, func(n *Node, doc int) int { return n.doc - doc })
	if !found {
		return find(nil, p)
	}
	return find(t.roots[i:i+1], p)
}

func find(nodes []*Node, p keypath.Path) ([]*Node, error) {
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
	if len(nodes) == 0 {
		return nil, lost(p, 0, nil)
	}
	return slices.Clone(nodes), nil
}

// follow lists the nodes that one step leads to.
func (n *Node) follow(s keypath.Step) []*Node {
	switch s.Kind {
	case keypath.Key:
		return n.followKey(s.Name)
	case keypath.AnyKey:
		var values []*Node
		for _, f := range n.Fields() {
			values = append(values, f.Value)
		}
		return values
	case keypath.Embedded:
		if inner := n.Embedded(); inner != nil {
			return inner.roots
		}
	case keypath.Document:
		if n.up == nil && n.holds(s.Where) {
			return []*Node{n}
		}
	case keypath.AnyItem:
		return n.Items()
	case keypath.Index:
		if n.IsList() && s.Index < len(n.yaml.Content) {
			return []*Node{n.child(s.Index)}
		}
	case keypath.Select:
		return n.children(n.itemsWith(s.Where[0]))
	}
	return nil
}

// followKey lists the values of the key or, in a list, the item with that number:
// kustomize and others write containers.0.image.
func (n *Node) followKey(key string) []*Node {
	if !n.IsList() {
		return n.children(n.valuesOf(key))
	}
	if i, err := strconv.Atoi(key); err == nil && i >= 0 && i < len(n.yaml.Content) {
		return []*Node{n.child(i)}
	}
	return nil
}

func (n *Node) children(places []int) []*Node {
	nodes := make([]*Node, len(places))
	for i, place := range places {
		nodes[i] = n.child(place)
	}
	return nodes
}

// holds reports whether each condition holds for the node.
func (n *Node) holds(conditions []keypath.Condition) bool {
	for _, c := range conditions {
		if value, found := n.valueAt(c.Keys); !found || value != c.Value {
			return false
		}
	}
	return true
}

// lost says at which step of p nothing was found, given the nodes that the steps
// before lead to.
func lost(p keypath.Path, step int, nodes []*Node) error {
	e := &Error{Path: p, Err: ErrNotFound, Why: "not found: the text is empty"}
	if len(nodes) == 0 {
		return e
	}
	n, s := nodes[0], p.Steps()[step]
	place := "the document"
	if step > 0 {
		place = keypath.Of(p.Steps()[:step]...).String()
	}
	if step > 0 && len(nodes) == 1 {
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
		if e.Help = dottedKey(n, p.Steps()[step:]); e.Help == "" {
			e.Help = nearKey(n, s.Name)
		}
	case s.Kind == keypath.Document:
		e.Why = "not found: there is no document " + s.String()
	case s.Kind == keypath.Embedded:
		e.Why = "not found: " + place + " does not hold YAML or JSON as text"
	case s.Kind == keypath.Key || s.Kind == keypath.AnyKey:
		e.Why = "not found: " + place + " is not a mapping"
	case !n.IsList():
		e.Why = "not found: " + place + " is not a list"
	default:
		e.Why = "not found: " + place + " has no item " + s.String()
	}
	return e
}

// dottedKey returns a hint when the steps' keys, joined by dots, are one key of the
// mapping: it is written in quotes.
func dottedKey(n *Node, steps []keypath.Step) string {
	joined := ""
	for i, s := range steps {
		if s.Kind != keypath.Key {
			return ""
		}
		if joined += s.Name; i > 0 && n.Field(joined) != nil {
			return "a key with dots is written in quotes: " + strconv.Quote(joined)
		}
		joined += "."
	}
	return ""
}

// nearKey returns a hint when the mapping has a key that is spelt almost like name.
func nearKey(n *Node, name string) string {
	first, _, _ := strings.Cut(name, "/")
	if strings.Contains(name, "/") && n.Field(first) != nil {
		return "keys are parted by dots: " + strings.ReplaceAll(name, "/", ".")
	}
	if key, _, found := strings.Cut(name, "="); found && n.Field(key) != nil {
		return "did you mean " + strconv.Quote(key) + "? a path has no value"
	}
	var keys []string
	for _, field := range n.Fields() {
		keys = append(keys, field.Key)
	}
	if near := suggest.Nearest(name, keys); near != "" {
		return "did you mean " + strconv.Quote(near) + "?"
	}
	return ""
}
