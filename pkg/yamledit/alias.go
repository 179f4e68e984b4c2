package yamledit

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

// Anchor is the node that an alias stands for, or nil for other nodes and where
// the anchor is part of a key.
func (n *Node) Anchor() *Node {
	if !n.IsAlias() {
		return nil
	}
	return n.text.first(func(other *Node) bool { return other.yaml == n.yaml.Alias })
}

// Aliases lists the aliases of the node's anchor, in the text's order, without
// those in keys.
func (n *Node) Aliases() []*Node {
	if n.yaml.Anchor == "" {
		return nil
	}
	var all []*Node
	n.text.first(func(other *Node) bool {
		if other.IsAlias() && other.yaml.Alias == n.yaml {
			all = append(all, other)
		}
		return false
	})
	return all
}

// MergedInto lists the mappings that merge the node with <<.
func (n *Node) MergedInto() []*Node {
	var all []*Node
	for _, alias := range n.Aliases() {
		up := alias.up
		if up != nil && up.IsList() && up.Key() == "<<" {
			up = up.up
		} else if alias.Key() != "<<" {
			continue
		}
		all = append(all, up)
	}
	return all
}

// first is the first node of the text that is chosen, or nil.
func (t *Text) first(isChosen func(*Node) bool) *Node {
	var found *Node
	for _, root := range t.Documents() {
		root.Walk(func(n *Node) {
			if found == nil && isChosen(n) {
				found = n
			}
		})
	}
	return found
}

// SharedScalar is [Node.Scalar] for a value that others may share: it follows an
// alias to its anchor, and allows that the anchor has other aliases. An edit
// changes what all of them read, and the caller answers for that.
func (n *Node) SharedScalar() (Scalar, error) {
	if anchor := n.Anchor(); anchor != nil {
		n = anchor
	}
	if n.IsAlias() || len(n.aliasLines()) != len(n.Aliases()) {
		return Scalar{}, n.checkShared()
	}
	return n.scalar()
}

// aliasLines lists the lines where the node's anchor is used, keys included.
func (n *Node) aliasLines() []int {
	if n.yaml.Anchor == "" {
		return nil
	}
	var lines []int
	var collect func([]*yaml.Node)
	collect = func(nodes []*yaml.Node) {
		for _, y := range nodes {
			if y.Kind == yaml.AliasNode && y.Alias == n.yaml {
				lines = append(lines, n.text.line(y))
			}
			collect(y.Content)
		}
	}
	collect(n.text.docs)
	return lines
}

// checkShared refuses aliases, and anchors that are used elsewhere.
func (n *Node) checkShared() error {
	if n.IsAlias() {
		return n.refuse(fmt.Sprintf("is an alias (*%s) of the value at line %d", n.yaml.Value, n.text.line(n.yaml.Alias)), "edit that one instead")
	}
	if n.yaml.Kind != yaml.ScalarNode {
		return nil
	}
	lines := n.aliasLines()
	if len(lines) == 0 {
		return nil
	}
	return n.refuse(fmt.Sprintf("has the anchor &%s, which is used in %s as well", n.yaml.Anchor, listLines(lines)), "write the value out in those places")
}
