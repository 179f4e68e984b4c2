package yamledit

import (
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/tagbump/tagbump/pkg/keypath"
)

// An index lists, by a text, the children of one mapping or list that have it.
type index map[string][]int

// indexFrom is the number of children from which a look-up uses an index. Below,
// reading all of them is cheaper.
const indexFrom = 12

// valuesOf lists where in the mapping's Content the values of the key are.
func (n *Node) valuesOf(key string) []int {
	content := n.yaml.Content
	if !n.IsMapping() {
		return nil
	}
	if len(content) < 2*indexFrom {
		var places []int
		for i := 0; i+1 < len(content); i += 2 {
			if content[i].Kind == yaml.ScalarNode && content[i].Value == key {
				places = append(places, i+1)
			}
		}
		return places
	}
	return n.text.keys.get(n.yaml, func() index {
		all := index{}
		for i := 0; i+1 < len(content); i += 2 {
			if k := content[i]; k.Kind == yaml.ScalarNode {
				all[k.Value] = append(all[k.Value], i+1)
			}
		}
		return all
	})[key]
}

// Alike lists what the keys hold that are key as charts of any style spell it, in
// their order: imageTag, image_tag and image-tag are alike. The key is plain.
func (n *Node) Alike(key string) []*Node {
	if !n.IsMapping() {
		return nil
	}
	content := n.yaml.Content
	places := n.text.plainKeys.get(n.yaml, func() index {
		all := index{}
		for i := 0; i+1 < len(content); i += 2 {
			if k := content[i]; k.Kind == yaml.ScalarNode {
				all[keypath.Plain(k.Value)] = append(all[keypath.Plain(k.Value)], i+1)
			}
		}
		return all
	})[key]
	nodes := make([]*Node, len(places))
	for i, place := range places {
		nodes[i] = n.child(place)
	}
	return nodes
}

// A fieldOf is what the items of a list have at some keys.
type fieldOf struct {
	list *yaml.Node
	keys string // parted by NUL, which YAML does not allow
}

// itemsWith lists the indexes of the list's items in which the condition holds.
func (n *Node) itemsWith(c keypath.Condition) []int {
	if !n.IsList() {
		return nil
	}
	if len(n.yaml.Content) < indexFrom {
		return n.indexItems(c.Keys)[c.Value]
	}
	key := fieldOf{n.yaml, strings.Join(c.Keys, "\x00")}
	return n.text.fields.get(key, func() index { return n.indexItems(c.Keys) })[c.Value]
}

func (n *Node) indexItems(keys []string) index {
	all := index{}
	for i := range n.yaml.Content {
		if value, found := n.child(i).valueAt(keys); found {
			all[value] = append(all[value], i)
		}
	}
	return all
}

// valueAt returns the text of the single value that the keys lead to.
func (n *Node) valueAt(keys []string) (string, bool) {
	for _, key := range keys {
		if n = n.Field(key); n == nil {
			return "", false
		}
	}
	return n.Value(), n.IsScalar() || n.IsAlias()
}
