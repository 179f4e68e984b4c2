package yamledit

import (
	"fmt"
	"slices"

	"gopkg.in/yaml.v3"
)

// Anchor is the node that an alias stands for, or nil for other nodes.
func (n *Node) Anchor() *Node {
	if !n.IsAlias() {
		return nil
	}
	return n.text.first(func(other *Node) bool { return other.yaml == n.yaml.Alias })
}

// Aliases lists the aliases of the node's anchor, in the text's order.
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
	return n.scalar()
}

// checkShared refuses aliases, and anchors that are used elsewhere.
func (n *Node) checkShared() error {
	if n.IsAlias() {
		return n.refuse(fmt.Sprintf("is an alias (*%s) of the value at line %d", n.yaml.Value, n.text.line(n.yaml.Alias)), "edit that one instead")
	}
	if n.yaml.Kind != yaml.ScalarNode {
		return nil
	}
	var lines []int
	for _, alias := range n.Aliases() {
		lines = append(lines, alias.Line())
	}
	if len(lines) == 0 {
		return nil
	}
	slices.Sort(lines)
	return n.refuse(fmt.Sprintf("has the anchor &%s, which is used in %s as well", n.yaml.Anchor, listLines(lines)), "write the value out in those places")
}
