package yamledit

import (
	"sort"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// A Syntax is a format other than YAML whose texts can be read as the same tree of
// mappings, lists and values.
type Syntax interface {
	// Read returns the tree of the whole text. An [*Error] says why it cannot.
	Read(src []byte) (Tree, error)
	// Write returns the bytes that a token has after its value was replaced; false
	// when the value cannot be written there.
	Write(old Token, value string) (string, bool)
}

// A Tree is a value in a text, with all that is in it.
type Tree struct {
	Kind   TreeKind
	Offset int    // of the first byte
	Below  []Tree // the fields of a mapping or the items of a list
	Token  Token  // of a single value

	Key       string // of a mapping's field
	KeyOffset int    // of the key's first byte; no two keys have the same
}

// Named returns the tree as the field of a mapping.
func (t Tree) Named(key string, keyOffset int) Tree {
	t.Key, t.KeyOffset = key, keyOffset
	return t
}

// A TreeKind says what a [Tree] is.
type TreeKind int

// The kinds of trees.
const (
	ValueTree TreeKind = iota
	MappingTree
	ListTree
)

// A Token is a single value as it is written.
type Token struct {
	Style      Style
	Start, End int    // in bytes, quotes included
	Text       string // the bytes from Start to End
	Value      string // what it reads as
	IsString   bool   // and not a number, a truth value or an expression
	Fixed      string // why the value cannot be replaced, or ""
}

// ParseForeign reads a text of another format, which must be UTF-8.
func ParseForeign(src []byte, syntax Syntax) (*Text, error) {
	if err := checkBytes(src); err != nil {
		return nil, err
	}
	tree, err := syntax.Read(src)
	if err != nil {
		return nil, err
	}
	t := &Text{src: src, parsed: src, syntax: syntax, tokens: map[*yaml.Node]Token{}}
	b := treeBuilder{text: t, starts: lineStarts(src)}
	t.setDocuments([]*yaml.Node{{Kind: yaml.DocumentNode, Content: []*yaml.Node{b.node(tree)}}})
	return t, nil
}

type treeBuilder struct {
	text   *Text
	starts []int
}

func (b treeBuilder) node(tree Tree) *yaml.Node {
	n := b.nodeAt(tree.Offset)
	switch tree.Kind {
	case MappingTree:
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
	case ListTree:
		n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
	default:
		n.Kind, n.Tag, n.Value = yaml.ScalarNode, "!!str", tree.Token.Value
		if !tree.Token.IsString {
			n.Tag = "!!other"
		}
		b.text.tokens[n] = tree.Token
	}
	for _, below := range tree.Below {
		if tree.Kind == MappingTree {
			key := b.nodeAt(below.KeyOffset)
			key.Kind, key.Tag, key.Value = yaml.ScalarNode, "!!str", below.Key
			n.Content = append(n.Content, key)
		}
		n.Content = append(n.Content, b.node(below))
	}
	return n
}

// nodeAt returns a node with the position of the offset, as the YAML parser counts.
func (b treeBuilder) nodeAt(offset int) *yaml.Node {
	line := sort.SearchInts(b.starts, offset+1)
	start := b.starts[line-1]
	return &yaml.Node{Line: line, Column: 1 + utf8.RuneCount(b.text.src[start:offset])}
}

// foreignToken returns where a scalar of another format is.
func (t *Text) foreignToken(y *yaml.Node) token {
	known := t.tokens[y]
	whole := span{known.Start, known.End}
	return token{style: known.Style, whole: whole, inside: whole, value: known.Value}
}

func (s Scalar) replaceForeign(value string) (Edit, error) {
	text, ok := s.node.text.syntax.Write(s.node.text.tokens[s.node.yaml], value)
	if !ok {
		return Edit{}, s.refuse("the new value cannot be written here")
	}
	return s.edit(s.token.whole, text, value)
}
