package keypath

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A SyntaxError says why a text is not a path, and where.
type SyntaxError struct {
	Text   string // the whole path as it was given
	Offset int    // of the byte (0-based) where reading stopped
	Why    string
}

// Error returns the reason and, on lines of their own, the path with a caret under
// the place.
func (e *SyntaxError) Error() string {
	shown := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, e.Text)
	column := utf8.RuneCountInString(e.Text[:e.Offset])
	return fmt.Sprintf("not a key path: %s\n    %s\n    %s^", e.Why, shown, strings.Repeat(" ", column))
}

// Parse reads a path. The usual spellings of other tools are read as well:
//
//	image.tag  .image.tag  $.image.tag
//	metadata.annotations."example.com/v"  …['example.com/v']  …example\.com/v
//	containers[0]  containers.0 (when it is a list)
//	containers[name=web]  containers.[name=web]  containers[?(@.name=="web")]
//	apps[chart.name=web]    an item by a key further in
//	*.tag  images[*]  images[]    all keys, all items
//	helm.values | image.tag    the YAML or JSON that a value holds as text
//	(kind=Deployment,metadata.name=web).spec.replicas    in the documents of that kind and name
//
// An error is a [*SyntaxError].
func Parse(s string) (Path, error) {
	r := reader{text: s}
	steps, why := r.path()
	if why != "" {
		return Path{}, &SyntaxError{Text: s, Offset: r.offset, Why: why}
	}
	return Path{steps: steps}, nil
}

// A reader reads one path. Its methods return why they cannot, or "".
type reader struct {
	text   string
	offset int
}

const (
	missingKey = "a key is missing here"
	wantItem   = "want [0], [name=web] or [*]"
)

func (r *reader) path() (steps []Step, why string) {
	r.blanks()
	isOpen := false // a step came before, so that a key needs a dot
	if r.take('(') {
		s, why := r.document()
		if why != "" {
			return nil, why
		}
		steps, isOpen = append(steps, s), true
	} else {
		r.root()
	}
	for r.blanks(); !r.done() || len(steps) == 0 || !isOpen; r.blanks() {
		s, why := r.step(isOpen)
		if why != "" {
			return nil, why
		}
		steps = append(steps, s)
		isOpen = s.Kind != Embedded
	}
	return steps, ""
}

// root passes over the beginning that some tools write: a dot, a dollar or both.
func (r *reader) root() {
	if rest := r.text[r.offset:]; strings.HasPrefix(rest, "$.") || strings.HasPrefix(rest, "$[") {
		r.offset++
	}
	r.take('.')
}

func (r *reader) step(isOpen bool) (Step, string) {
	switch {
	case r.done():
		return Step{}, missingKey
	case isOpen && r.take('|'):
		r.blanks()
		r.root()
		return Step{Kind: Embedded}, ""
	case r.take('['):
		return r.bracket()
	case isOpen && !r.take('.'):
		return Step{}, "want a dot, [ or | before the next key"
	case isOpen && r.take('['):
		return r.bracket()
	case r.take('*'):
		return Step{Kind: AnyKey}, ""
	}
	name, why := r.word(".[]()|\"' ")
	return Step{Kind: Key, Name: name}, why
}

// bracket reads what follows a [.
func (r *reader) bracket() (Step, string) {
	r.blanks()
	start := r.offset
	switch {
	case r.take(']'):
		return Step{Kind: AnyItem}, ""
	case r.take('*'):
		return r.closed(Step{Kind: AnyItem}, ']')
	case r.take('?'):
		return r.filter()
	}
	isQuoted := r.peek() == '"' || r.peek() == '\''
	keys, why := r.keys()
	if why != "" {
		return Step{}, why
	}
	if r.peek() == '=' {
		c, why := r.condition(keys, "[]\"'")
		if why != "" {
			return Step{}, why
		}
		return r.closed(Step{Kind: Select, Where: []Condition{c}}, ']')
	}
	if isQuoted && len(keys) == 1 {
		return r.closed(Step{Kind: Key, Name: keys[0]}, ']')
	}
	index, err := strconv.Atoi(keys[0])
	if err != nil || index < 0 || len(keys) > 1 {
		word := r.text[start:r.offset]
		r.offset = start
		return Step{}, fmt.Sprintf("%q is not an index; %s", word, wantItem)
	}
	return r.closed(Step{Kind: Index, Index: index}, ']')
}

// filter reads JSONPath's (@.name=="web")], with or without its parentheses.
func (r *reader) filter() (Step, string) {
	isWrapped := r.take('(')
	if !r.take('@') || !r.take('.') {
		return Step{}, `want [?(@.name=="web")]`
	}
	keys, why := r.keys()
	if why != "" {
		return Step{}, why
	}
	c, why := r.condition(keys, "[]()\"'")
	switch {
	case why != "":
		return Step{}, why
	case isWrapped && !r.take(')'):
		return Step{}, "want )"
	}
	return r.closed(Step{Kind: Select, Where: []Condition{c}}, ']')
}

// document reads the conditions that follow a (.
func (r *reader) document() (Step, string) {
	s := Step{Kind: Document}
	for {
		r.blanks()
		keys, why := r.keys()
		if why != "" {
			return Step{}, why
		}
		c, why := r.condition(keys, "[](),\"'")
		if why != "" {
			return Step{}, why
		}
		s.Where = append(s.Where, c)
		if !r.take(',') {
			return r.closed(s, ')')
		}
	}
}

// keys reads the keys of a condition, which dots part.
func (r *reader) keys() ([]string, string) {
	var keys []string
	for {
		key, why := r.word(".=[]()|,\"' ")
		if why != "" {
			return nil, why
		}
		keys = append(keys, key)
		if !r.take('.') {
			r.blanks()
			return keys, ""
		}
	}
}

// condition reads = or == and a value, which ends at one of stops.
func (r *reader) condition(keys []string, stops string) (Condition, string) {
	if !r.take('=') {
		return Condition{}, "want = and a value"
	}
	r.take('=')
	r.blanks()
	if r.done() || strings.IndexByte(stops[:len(stops)-2], r.peek()) >= 0 {
		return Condition{}, "a value is missing here"
	}
	isBare := r.peek() != '"' && r.peek() != '\''
	value, why := r.word(stops)
	if isBare {
		value = strings.TrimRight(value, " ")
	}
	r.blanks()
	return Condition{Keys: keys, Value: value}, why
}

func (r *reader) closed(s Step, bracket byte) (Step, string) {
	r.blanks()
	if !r.take(bracket) {
		return Step{}, "want " + string(bracket)
	}
	return s, ""
}

// word reads a quoted string, or the bytes up to one of stops. In a word without
// quotes a backslash takes the meaning from the byte that follows it.
func (r *reader) word(stops string) (string, string) {
	switch r.peek() {
	case '"':
		return r.doubleQuoted()
	case '\'':
		return r.singleQuoted()
	}
	var word []byte
	start := r.offset
	for !r.done() && strings.IndexByte(stops, r.peek()) < 0 {
		if r.take('\\') && r.done() {
			return "", "nothing follows the backslash"
		}
		word = append(word, r.text[r.offset])
		r.offset++
	}
	if r.offset == start {
		return "", missingKey
	}
	return string(word), ""
}

func (r *reader) doubleQuoted() (string, string) {
	prefix, err := strconv.QuotedPrefix(r.text[r.offset:])
	if err != nil {
		return "", "the quote is not closed, or has an unknown escape"
	}
	word, err := strconv.Unquote(prefix)
	if err != nil {
		return "", "the quoted text cannot be read"
	}
	r.offset += len(prefix)
	return word, ""
}

// singleQuoted reads 'text', in which \' and \\ are the only escapes.
func (r *reader) singleQuoted() (string, string) {
	var word []byte
	for i := r.offset + 1; i < len(r.text); i++ {
		switch c := r.text[i]; {
		case c == '\'':
			r.offset = i + 1
			return string(word), ""
		case c == '\\' && i+1 < len(r.text) && (r.text[i+1] == '\'' || r.text[i+1] == '\\'):
			i++
		}
		word = append(word, r.text[i])
	}
	return "", "the quote is not closed"
}

func (r *reader) done() bool { return r.offset >= len(r.text) }

// peek returns the next byte, or 0 at the end.
func (r *reader) peek() byte {
	if r.done() {
		return 0
	}
	return r.text[r.offset]
}

// take passes over c, if that is the next byte.
func (r *reader) take(c byte) bool {
	if r.done() || r.text[r.offset] != c {
		return false
	}
	r.offset++
	return true
}

func (r *reader) blanks() {
	for r.take(' ') {
	}
}
