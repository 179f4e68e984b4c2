package yamledit

import (
	"fmt"
	"strconv"
	"strings"
)

// A Path says where a value stands: keys, list items and, for YAML that is
// written inside a block scalar, the step into it. The zero Path is the root.
type Path struct{ steps []step }

// A step leads from a node to its children, or to one of them.
type step struct {
	kind  stepKind
	key   string // of a stepKey, and the field of a stepSelect
	value string // of a stepSelect
	index int    // of a stepIndex, 0-based
}

type stepKind int

const (
	stepKey      stepKind = iota // image
	stepIndex                    // [0]
	stepSelect                   // [name=web]
	stepAnyKey                   // *
	stepAnyItem                  // [*]
	stepEmbedded                 // | (the YAML in a block scalar)
)

// ParsePath reads a path such as image.tag, spec.containers[name=web].image,
// a[0].b, "a.b/c".d (quoted keys), *.image.tag, images[*].tag or, for YAML
// inside a block scalar, spec.source.helm.values | image.tag. A leading dot is
// allowed. Errors quote s and name the byte (1-based) where reading stopped.
func ParsePath(s string) (Path, error) {
	r := pathReader{text: s}
	var p Path
	r.blanks()
	r.take('.')
	for first := true; ; first = false {
		next, err := r.step(first)
		if err != nil {
			return Path{}, fmt.Errorf("path %q: byte %d: %w", s, r.at+1, err)
		}
		p.steps = append(p.steps, next)
		r.blanks()
		if r.done() {
			return p, nil
		}
	}
}

type pathReader struct {
	text string
	at   int
	open bool // a step is complete, so the next one needs its dot
}

func (r *pathReader) done() bool { return r.at >= len(r.text) }

func (r *pathReader) peek() byte {
	if r.done() {
		return 0
	}
	return r.text[r.at]
}

func (r *pathReader) take(c byte) bool {
	if r.peek() != c || r.done() {
		return false
	}
	r.at++
	return true
}

func (r *pathReader) blanks() {
	for r.take(' ') {
	}
}

func (r *pathReader) step(first bool) (step, error) {
	switch {
	case r.done():
		return step{}, fmt.Errorf("a key is missing")
	case r.take('['):
		r.open = true
		return r.item()
	case !first && r.take('|'):
		r.blanks()
		r.take('.')
		r.open = false
		if r.done() {
			return step{}, fmt.Errorf("a key is missing behind |")
		}
		return step{kind: stepEmbedded}, nil
	case r.open && !r.take('.'):
		return step{}, fmt.Errorf("want a dot, [ or |")
	}
	r.open = true
	if r.take('*') {
		return step{kind: stepAnyKey}, nil
	}
	key, err := r.word(".[]|\"' ")
	return step{kind: stepKey, key: key}, err
}

func (r *pathReader) item() (step, error) {
	if r.take('*') {
		return r.closed(step{kind: stepAnyItem})
	}
	word, err := r.word("=[]\"'")
	if err != nil {
		return step{}, err
	}
	if r.take('=') {
		value, err := r.word("[]\"'")
		if err != nil {
			return step{}, err
		}
		return r.closed(step{kind: stepSelect, key: word, value: value})
	}
	index, err := strconv.Atoi(word)
	if err != nil || index < 0 {
		return step{}, fmt.Errorf("%q is no index; want [0], [name=web] or [*]", word)
	}
	return r.closed(step{kind: stepIndex, index: index})
}

func (r *pathReader) closed(s step) (step, error) {
	if !r.take(']') {
		return step{}, fmt.Errorf("want ]")
	}
	return s, nil
}

// word reads a quoted string, or the bytes up to one of stops.
func (r *pathReader) word(stops string) (string, error) {
	if r.peek() == '"' {
		return r.quoted()
	}
	rest := r.text[r.at:]
	end := strings.IndexAny(rest, stops)
	if end < 0 {
		end = len(rest)
	}
	if end == 0 {
		return "", fmt.Errorf("a key is missing")
	}
	r.at += end
	return rest[:end], nil
}

func (r *pathReader) quoted() (string, error) {
	prefix, err := strconv.QuotedPrefix(r.text[r.at:])
	if err != nil {
		return "", fmt.Errorf("the quote is not closed")
	}
	word, err := strconv.Unquote(prefix)
	if err != nil {
		return "", fmt.Errorf("%s: %w", prefix, err)
	}
	r.at += len(prefix)
	return word, nil
}

// String writes the path so that [ParsePath] reads it back as the same path.
func (p Path) String() string {
	var b strings.Builder
	for i, s := range p.steps {
		if i > 0 && p.steps[i-1].kind != stepEmbedded && (s.kind == stepKey || s.kind == stepAnyKey) {
			b.WriteByte('.')
		}
		b.WriteString(s.String())
	}
	return b.String()
}

func (s step) String() string {
	switch s.kind {
	case stepIndex:
		return "[" + strconv.Itoa(s.index) + "]"
	case stepSelect:
		return "[" + quoteWord(s.key) + "=" + quoteWord(s.value) + "]"
	case stepAnyKey:
		return "*"
	case stepAnyItem:
		return "[*]"
	case stepEmbedded:
		return " | "
	}
	return quoteWord(s.key)
}

func quoteWord(s string) string {
	if s == "" || strings.HasPrefix(s, "*") || strings.ContainsAny(s, ".[]|\"'=\\ ") || strconv.Quote(s) != `"`+s+`"` {
		return strconv.Quote(s)
	}
	return s
}

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
	if p.IsZero() || p.steps[len(p.steps)-1].kind != stepKey {
		return ""
	}
	return p.steps[len(p.steps)-1].key
}

// Child is the path of the key below p.
func (p Path) Child(key string) Path {
	return p.with(step{kind: stepKey, key: key})
}

// with never shares its array with p, so that two children can be made of one path.
func (p Path) with(s step) Path {
	steps := make([]step, len(p.steps), len(p.steps)+1)
	copy(steps, p.steps)
	return Path{steps: append(steps, s)}
}
