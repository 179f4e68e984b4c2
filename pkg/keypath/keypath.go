// Package keypath reads and writes key paths: image.tag,
// spec.containers[name=web].image, images[*].newTag.
//
// A [Path] says where a value is in a text of keys and lists, whatever the format
// is: YAML, JSON, HCL. It knows nothing about files and finds nothing itself; the
// packages that read a format follow its steps. [Parse] takes the spellings of
// other tools too (JSONPath, yq, kustomize); String writes one of them, which
// Parse reads as the same path.
package keypath

import (
	"slices"
	"strconv"
	"strings"
)

// A Path leads from the root of a document to a value: through keys, list items
// and texts that are embedded in a value. The zero Path is the root.
type Path struct{ steps []Step }

// A Step leads from a node to its children, or to some of them.
type Step struct {
	Kind  Kind
	Name  string      // of a Key
	Index int         // of an Index, 0-based
	Where []Condition // of a Select (one) and of a Document (all must hold)
}

// A Condition holds for a mapping in which the keys lead to that value.
type Condition struct {
	Keys  []string
	Value string
}

// A Kind is what a step does.
type Kind int

// The kinds of steps.
const (
	Key      Kind = iota // the value of a key: image
	Index                // an item by its number: [0]
	Select               // the items with a field of that value: [name=web], [chart.name=web]
	AnyKey               // the values of all keys: *
	AnyItem              // all items: [*]
	Embedded             // the text inside a scalar: |
	Document             // the documents of that kind or name, as the first step: (kind=Service,metadata.name=web)
)

// Of returns the path of the steps.
func Of(steps ...Step) Path { return Path{}.With(steps...) }

// ItemNamed returns the step to the items whose field has that value.
func ItemNamed(field, value string) Step {
	return Step{Kind: Select, Where: []Condition{{Keys: []string{field}, Value: value}}}
}

// String writes the path so that [Parse] reads it back as the same path.
func (p Path) String() string {
	var b strings.Builder
	for i, s := range p.steps {
		if i > 0 && p.steps[i-1].Kind != Embedded && (s.Kind == Key || s.Kind == AnyKey) {
			b.WriteByte('.')
		}
		b.WriteString(s.String())
	}
	return b.String()
}

// String writes the step as it is written in a path, without the dot before a key.
func (s Step) String() string {
	switch s.Kind {
	case Index:
		return "[" + strconv.Itoa(s.Index) + "]"
	case Select:
		return "[" + conditions(s.Where) + "]"
	case AnyKey:
		return "*"
	case AnyItem:
		return "[*]"
	case Embedded:
		return " | "
	case Document:
		return "(" + conditions(s.Where) + ")"
	}
	return quoteWord(s.Name)
}

func conditions(all []Condition) string {
	texts := make([]string, len(all))
	for i, c := range all {
		keys := make([]string, len(c.Keys))
		for j, key := range c.Keys {
			keys[j] = quoteWord(key)
		}
		texts[i] = strings.Join(keys, ".") + "=" + quoteWord(c.Value)
	}
	return strings.Join(texts, ",")
}

// quoteWord quotes what Parse would not read back as one word.
func quoteWord(s string) string {
	if s == "" || strings.ContainsAny(s[:1], "*$?") || strings.ContainsAny(s, ".[]()|\"'=\\, ") || strconv.Quote(s) != `"`+s+`"` {
		return strconv.Quote(s)
	}
	return s
}

// Steps returns the path's steps in order. The caller may change the slice.
func (p Path) Steps() []Step { return slices.Clone(p.steps) }

// IsZero reports whether the path is the root's.
func (p Path) IsZero() bool { return len(p.steps) == 0 }

// Equal reports whether both paths are the same, step by step.
func (p Path) Equal(other Path) bool { return slices.EqualFunc(p.steps, other.steps, Step.equal) }

func (s Step) equal(other Step) bool {
	return s.Kind == other.Kind && s.Name == other.Name && s.Index == other.Index && slices.EqualFunc(s.Where, other.Where, Condition.equal)
}

func (c Condition) equal(other Condition) bool {
	return c.Value == other.Value && slices.Equal(c.Keys, other.Keys)
}

// Parent returns the path without its last step; the root is its own parent.
func (p Path) Parent() Path {
	if p.IsZero() {
		return p
	}
	return Path{steps: p.steps[:len(p.steps)-1]}
}

// Key returns the last step's key, or "" when that is not a key.
func (p Path) Key() string {
	if p.IsZero() || p.steps[len(p.steps)-1].Kind != Key {
		return ""
	}
	return p.steps[len(p.steps)-1].Name
}

// Child returns the path of the key below p.
func (p Path) Child(key string) Path { return p.With(Step{Kind: Key, Name: key}) }

// With returns p with the steps added to its end. It never shares its array with
// p, so two children can be made of one path.
func (p Path) With(steps ...Step) Path {
	all := make([]Step, 0, len(p.steps)+len(steps))
	return Path{steps: append(append(all, p.steps...), steps...)}
}
