// Package keypath reads and writes key paths: image.tag,
// spec.containers[name=web].image, images[*].newTag.
//
// A [Path] says where a value is in a text of keys and lists, whatever the format
// is: YAML, JSON, HCL. It knows nothing about files and finds nothing itself; the
// packages that read a format follow its steps. Parse and String are inverse: what
// String writes, Parse reads as the same path.
package keypath

import (
	"fmt"
	"strconv"
	"strings"
)

// A Path leads from the root of a document to a value: through keys, list items
// and texts that are embedded in a value. The zero Path is the root.
type Path struct{ steps []Step }

// A Step leads from a node to its children, or to one of them.
type Step struct {
	Kind  Kind
	Name  string // of a Key; the field's name of a Select
	Value string // of a Select
	Index int    // of an Index, 0-based
}

// A Kind is what a step does.
type Kind int

// The kinds of steps.
const (
	Key      Kind = iota // the value of a key: image
	Index                // an item by its number: [0]
	Select               // the items with a field of that value: [name=web]
	AnyKey               // the values of all keys: *
	AnyItem              // all items: [*]
	Embedded             // the YAML inside a scalar: |
)

// Of returns the path of the steps.
func Of(steps ...Step) Path { return Path{}.With(steps...) }

// Parse reads a path such as image.tag, spec.containers[name=web].image, a[0].b,
// "a.b/c".d (quoted keys), *.image.tag, images[*].tag or, for YAML inside a block
// scalar, spec.source.helm.values | image.tag. A leading dot is allowed. Errors
// quote s and name the byte (1-based) where reading stopped.
func Parse(s string) (Path, error) {
	r := reader{text: s}
	var p Path
	r.blanks()
	r.take('.')
	for first := true; ; first = false {
		next, err := r.step(first)
		if err != nil {
			return Path{}, fmt.Errorf("path %q: byte %d: %w", s, r.offset+1, err)
		}
		p.steps = append(p.steps, next)
		r.blanks()
		if r.done() {
			return p, nil
		}
	}
}

type reader struct {
	text   string
	offset int
	open   bool // a step is complete, so the next one needs its dot
}

func (r *reader) done() bool { return r.offset >= len(r.text) }

func (r *reader) peek() byte {
	if r.done() {
		return 0
	}
	return r.text[r.offset]
}

func (r *reader) take(c byte) bool {
	if r.peek() != c || r.done() {
		return false
	}
	r.offset++
	return true
}

func (r *reader) blanks() {
	for r.take(' ') {
	}
}

func (r *reader) step(first bool) (Step, error) {
	switch {
	case r.done():
		return Step{}, fmt.Errorf("a key is missing")
	case r.take('['):
		r.open = true
		return r.item()
	case !first && r.take('|'):
		r.blanks()
		r.take('.')
		r.open = false
		if r.done() {
			return Step{}, fmt.Errorf("a key is missing behind |")
		}
		return Step{Kind: Embedded}, nil
	case r.open && !r.take('.'):
		return Step{}, fmt.Errorf("want a dot, [ or |")
	}
	r.open = true
	if r.take('*') {
		return Step{Kind: AnyKey}, nil
	}
	name, err := r.word(".[]|\"' ")
	return Step{Kind: Key, Name: name}, err
}

func (r *reader) item() (Step, error) {
	if r.take('*') {
		return r.closed(Step{Kind: AnyItem})
	}
	word, err := r.word("=[]\"'")
	if err != nil {
		return Step{}, err
	}
	if r.take('=') {
		value, err := r.word("[]\"'")
		if err != nil {
			return Step{}, err
		}
		return r.closed(Step{Kind: Select, Name: word, Value: value})
	}
	index, err := strconv.Atoi(word)
	if err != nil || index < 0 {
		return Step{}, fmt.Errorf("%q is no index; want [0], [name=web] or [*]", word)
	}
	return r.closed(Step{Kind: Index, Index: index})
}

func (r *reader) closed(s Step) (Step, error) {
	if !r.take(']') {
		return Step{}, fmt.Errorf("want ]")
	}
	return s, nil
}

// word reads a quoted string, or the bytes up to one of stops.
func (r *reader) word(stops string) (string, error) {
	if r.peek() == '"' {
		return r.quoted()
	}
	rest := r.text[r.offset:]
	end := strings.IndexAny(rest, stops)
	if end < 0 {
		end = len(rest)
	}
	if end == 0 {
		return "", fmt.Errorf("a key is missing")
	}
	r.offset += end
	return rest[:end], nil
}

func (r *reader) quoted() (string, error) {
	prefix, err := strconv.QuotedPrefix(r.text[r.offset:])
	if err != nil {
		return "", fmt.Errorf("the quote is not closed")
	}
	word, err := strconv.Unquote(prefix)
	if err != nil {
		return "", fmt.Errorf("%s: %w", prefix, err)
	}
	r.offset += len(prefix)
	return word, nil
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
		return "[" + quoteWord(s.Name) + "=" + quoteWord(s.Value) + "]"
	case AnyKey:
		return "*"
	case AnyItem:
		return "[*]"
	case Embedded:
		return " | "
	}
	return quoteWord(s.Name)
}

func quoteWord(s string) string {
	if s == "" || strings.HasPrefix(s, "*") || strings.ContainsAny(s, ".[]|\"'=\\ ") || strconv.Quote(s) != `"`+s+`"` {
		return strconv.Quote(s)
	}
	return s
}

// Steps returns the path's steps in order. The caller may change the slice.
func (p Path) Steps() []Step { return append([]Step(nil), p.steps...) }

// IsZero reports whether the path is the root's.
func (p Path) IsZero() bool { return len(p.steps) == 0 }

// Equal reports whether both paths are the same, step by step.
func (p Path) Equal(other Path) bool { return p.String() == other.String() }

// Parent is the path without its last step; the root is its own parent.
func (p Path) Parent() Path {
	if p.IsZero() {
		return p
	}
	return Path{steps: p.steps[:len(p.steps)-1]}
}

// Key is the last step's key, or "" when that is a list item or the root.
func (p Path) Key() string {
	if p.IsZero() || p.steps[len(p.steps)-1].Kind != Key {
		return ""
	}
	return p.steps[len(p.steps)-1].Name
}

// Child is the path of the key below p.
func (p Path) Child(key string) Path { return p.With(Step{Kind: Key, Name: key}) }

// With returns p with the steps added to its end. It never shares its array with
// p, so two children can be made of one path.
func (p Path) With(steps ...Step) Path {
	all := make([]Step, 0, len(p.steps)+len(steps))
	return Path{steps: append(append(all, p.steps...), steps...)}
}
