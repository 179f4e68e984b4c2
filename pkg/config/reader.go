package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/tagbump/tagbump/pkg/internal/suggest"
)

const (
	// maxAliased is how many nodes aliases may repeat in all. A file of a few
	// kilobytes could otherwise mean more values than memory holds.
	maxAliased = 100_000
	// maxProblems is how many problems a person is told at once.
	maxProblems = 100
)

// A reader takes values from YAML nodes and collects what is wrong with them.
// Its methods return a zero value for what they report. The text at is the path
// of the node, as messages show it.
type reader struct {
	file     string
	problems Problems
	aliased  int                // nodes that aliases may still repeat
	sizes    map[*yaml.Node]int // of the nodes that aliases repeat
	mentions []mention          // of environments, which are read later
}

// fields says for each key of an object how its value is read.
type fields map[string]func(n *yaml.Node, at string)

// into stores in a field what read returns.
func into[T any](field *T, read func(n *yaml.Node, at string) T) func(n *yaml.Node, at string) {
	return func(n *yaml.Node, at string) { *field = read(n, at) }
}

// object reads a mapping with known keys.
func (r *reader) object(n *yaml.Node, at string, known fields, required ...string) {
	keys := slices.Sorted(maps.Keys(known))
	seen := make(map[string]bool)
	ok := r.entries(n, at, func(key, value *yaml.Node, at string) {
		seen[key.Value] = true
		read, found := known[key.Value]
		if !found {
			r.report(key, at, "unknown key; %s", suggest.Sentence(key.Value, keys))
			return
		}
		read(value, at)
	})
	for _, key := range required {
		if ok && !seen[key] {
			r.report(n, join(at, key), "is missing")
		}
	}
}

// entries visits the keys of a mapping that are text, each once. It returns
// false if n is not a mapping or an empty one, which it reports.
func (r *reader) entries(n *yaml.Node, at string, visit func(key, value *yaml.Node, at string)) bool {
	if n = r.follow(n); !r.isKind(n, at, yaml.MappingNode) {
		return false
	}
	first := make(map[string]*yaml.Node)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if !r.isKey(key, at) {
			continue
		}
		at := join(at, key.Value)
		if twin := first[key.Value]; twin != nil {
			r.report(key, at, "appears twice (first on line %d)", twin.Line)
			continue
		}
		first[key.Value] = key
		visit(key, value, at)
	}
	return true
}

func (r *reader) isKey(key *yaml.Node, at string) bool {
	switch {
	case key.Kind == yaml.ScalarNode && key.ShortTag() == "!!merge":
		r.report(key, join(at, "<<"), "merge keys are not supported; write the keys out, or use an alias for the whole value")
	case key.Kind != yaml.ScalarNode:
		r.report(key, at, "a key is %s; text is wanted", describe(key))
	case key.ShortTag() != "!!str":
		r.report(key, join(at, key.Value), "the key is %s; put it in quotes", describe(key))
	case strings.TrimSpace(key.Value) == "":
		r.report(key, at, "a key is empty")
	default:
		return true
	}
	return false
}

// texts returns the reader of a list of texts that pass check. The list is not empty.
func (r *reader) texts(check func(string) error) func(n *yaml.Node, at string) []string {
	return func(n *yaml.Node, at string) []string {
		if n = r.follow(n); !r.isKind(n, at, yaml.SequenceNode) {
			return nil
		}
		texts := make([]string, len(n.Content))
		for i, item := range n.Content {
			texts[i] = r.text(check)(item, fmt.Sprintf("%s[%d]", at, i))
		}
		return texts
	}
}

// oneOrMore returns the reader of a text, or of a list of texts, that pass check.
func (r *reader) oneOrMore(check func(string) error) func(n *yaml.Node, at string) []string {
	return func(n *yaml.Node, at string) []string {
		if n = r.follow(n); n.Kind == yaml.SequenceNode {
			return r.texts(check)(n, at)
		}
		if text := r.text(check)(n, at); text != "" {
			return []string{text}
		}
		return nil
	}
}

// text returns the reader of a text that is not empty and passes check, which may
// be nil.
func (r *reader) text(check func(string) error) func(n *yaml.Node, at string) string {
	return func(n *yaml.Node, at string) string {
		if n = r.follow(n); !r.isKind(n, at, yaml.ScalarNode) {
			return ""
		}
		if tag := n.ShortTag(); tag != "!!str" {
			r.report(n, at, "is %s; for text, write %q", describe(n), n.Value)
			return ""
		}
		if check != nil {
			if err := check(n.Value); err != nil {
				r.report(n, at, "%v", err)
				return ""
			}
		}
		return n.Value
	}
}

// answer reads true or false. It returns nil for anything else, which it reports.
func (r *reader) answer(n *yaml.Node, at string) *bool {
	if n = r.follow(n); !r.isKind(n, at, yaml.ScalarNode) {
		return nil
	}
	var yes bool
	if n.ShortTag() != "!!bool" || n.Decode(&yes) != nil {
		r.report(n, at, "is %s; write true or false", describe(n))
		return nil
	}
	return &yes
}

// choice returns the reader of a text that is one of values.
func (r *reader) choice(values []string) func(n *yaml.Node, at string) string {
	return r.text(func(value string) error {
		if slices.Contains(values, value) {
			return nil
		}
		return fmt.Errorf("%q: unknown value; %s", value, suggest.Sentence(value, values))
	})
}

// isKind reports whether n is of this kind and holds something.
func (r *reader) isKind(n *yaml.Node, at string, kind yaml.Kind) bool {
	empty := n.Kind == yaml.ScalarNode && strings.TrimSpace(n.Value) == "" || n.ShortTag() == "!!null" ||
		n.Kind != yaml.ScalarNode && len(n.Content) == 0
	switch {
	case empty:
		r.report(n, at, "is empty")
	case n.Kind != kind:
		r.report(n, at, "is %s; %s is wanted", describe(n), kinds[kind])
	default:
		return true
	}
	return false
}

// follow returns what an alias repeats, or n itself.
func (r *reader) follow(n *yaml.Node) *yaml.Node {
	if n.Kind != yaml.AliasNode {
		return n
	}
	if cost := r.size(n.Alias); cost < r.aliased {
		r.aliased -= cost
		return n.Alias
	}
	r.report(n, "", "aliases repeat more than %d values", maxAliased)
	r.aliased = 0
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: n.Line, Column: n.Column}
}

// size counts the nodes of n, once for each n that has an anchor. Aliases in it are
// not followed: those nodes count when they are followed.
func (r *reader) size(n *yaml.Node) int {
	if known, found := r.sizes[n]; found {
		return known
	}
	total := 1
	for _, child := range n.Content {
		total += r.size(child)
	}
	if n.Anchor != "" {
		r.sizes[n] = total
	}
	return total
}

// report adds a problem at n. Once aliases are used up it adds none: the values
// behind them would only seem to be empty. After maxProblems it says so and adds
// no more.
func (r *reader) report(n *yaml.Node, at, format string, args ...any) {
	if r.aliased == 0 || len(r.problems) > maxProblems {
		return
	}
	problem := Problem{File: r.file, Line: n.Line, Column: n.Column, Key: at, What: fmt.Sprintf(format, args...)}
	if len(r.problems) == maxProblems {
		problem.Key, problem.What = "", "there are more problems from here on"
	}
	r.problems = append(r.problems, problem)
}

// valueOf returns the value of a mapping's key, or the mapping when it lacks the key.
func valueOf(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return n
}

func isEmptyMapping(n *yaml.Node) bool { return n.Kind == yaml.MappingNode && len(n.Content) == 0 }

// join appends a key to a path. A key that would not read as one word in a
// message is quoted.
func join(at, key string) string {
	if quoted := strconv.Quote(key); quoted != `"`+key+`"` || strings.ContainsAny(key, " ") || key == "" {
		key = quoted
	}
	if at == "" {
		return key
	}
	return at + "." + key
}

var kinds = map[yaml.Kind]string{
	yaml.ScalarNode:   "text",
	yaml.SequenceNode: "a list",
	yaml.MappingNode:  "a mapping",
	yaml.AliasNode:    "an alias",
}

var scalars = map[string]string{
	"!!bool":      "true or false",
	"!!int":       "a number",
	"!!float":     "a number",
	"!!timestamp": "a date",
	"!!null":      "null",
	"!!str":       "text",
}

// describe says what n is, in words that fit after "is".
func describe(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode {
		return kinds[n.Kind]
	}
	if words, found := scalars[n.ShortTag()]; found {
		return words
	}
	return fmt.Sprintf("a value with the tag %q", n.ShortTag())
}
