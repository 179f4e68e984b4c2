package yamledit

import (
	"fmt"
	"slices"

	"gopkg.in/yaml.v3"
)

// An anchor is an anchored node and its users.
type anchor struct {
	node    *Node   // nil when the anchor is part of a key
	aliases []*Node // in the text's order, without those in keys
	lines   []int   // of all aliases, those in keys included
}

// anchorOf returns the anchor of the node y, or nil for a node without one.
func (t *Text) anchorOf(y *yaml.Node) *anchor {
	if y.Anchor == "" {
		return nil
	}
	return t.anchors.get(t.indexAnchors)[y]
}

func (t *Text) indexAnchors() map[*yaml.Node]*anchor {
	all := map[*yaml.Node]*anchor{}
	t.addAnchors(all, t.docs)
	for _, root := range t.roots {
		root.Walk(func(n *Node) {
			if a := all[n.yaml]; a != nil {
				a.node = n
			}
			if a := all[n.yaml.Alias]; a != nil {
				a.aliases = append(a.aliases, n)
			}
		})
	}
	return all
}

// addAnchors adds what needs no Node, also for keys. An alias comes after its anchor.
func (t *Text) addAnchors(all map[*yaml.Node]*anchor, nodes []*yaml.Node) {
	for _, y := range nodes {
		if y.Anchor != "" && all[y] == nil {
			all[y] = &anchor{}
		}
		if y.Kind == yaml.AliasNode && y.Alias != nil {
			if all[y.Alias] == nil { // an alias inside its own anchor
				all[y.Alias] = &anchor{}
			}
			all[y.Alias].lines = append(all[y.Alias].lines, t.line(y))
		}
		t.addAnchors(all, y.Content)
	}
}

// Anchor returns the node that an alias stands for, or nil for other nodes and
// where the anchor is part of a key.
func (n *Node) Anchor() *Node {
	if n.yaml.Alias == nil {
		return nil
	}
	return n.text.anchorOf(n.yaml.Alias).node
}

// Aliases lists the aliases of the node's anchor, in the text's order, without
// those in keys.
func (n *Node) Aliases() []*Node {
	if a := n.text.anchorOf(n.yaml); a != nil {
		return slices.Clone(a.aliases)
	}
	return nil
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

// SharedScalar is [Node.Scalar] for a value that others may share: it follows an
// alias to its anchor, and allows that the anchor has other aliases. An edit then
// changes what all of them read; the caller must want that.
func (n *Node) SharedScalar() (Scalar, error) {
	if a := n.Anchor(); a != nil {
		n = a
	}
	if a := n.text.anchorOf(n.yaml); n.IsAlias() || a != nil && len(a.lines) != len(a.aliases) {
		return Scalar{}, n.checkShared()
	}
	return n.scalar()
}

// checkShared refuses aliases, and anchors that are used elsewhere.
func (n *Node) checkShared() error {
	if n.IsAlias() {
		return n.refuse(fmt.Sprintf("is an alias (*%s) of the value at line %d", n.yaml.Value, n.text.line(n.yaml.Alias)), "edit that one instead")
	}
	a := n.text.anchorOf(n.yaml)
	if a == nil || len(a.lines) == 0 || !n.IsScalar() {
		return nil
	}
	return n.refuse(fmt.Sprintf("has the anchor &%s, which is used in %s as well", n.yaml.Anchor, listLines(a.lines)), "write the value out in those places")
}
