package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// maxAliased is how many nodes aliases may repeat in all. A file of a few
// kilobytes could otherwise stand for more values than memory holds.
const maxAliased = 100_000

// A reader takes values from YAML nodes and collects what is wrong with them.
// Its methods return a zero value for what they report.
type reader struct {
	file     string
	problems Problems
	aliased  int // nodes that aliases may still repeat
}

// fields says for each key of an object how its value is read.
type fields map[string]func(n *yaml.Node, at string)

// object reads a mapping with known keys.
func (r *reader) object(n *yaml.Node, at string, known fields, required ...string) {
	keys := slices.Sorted(maps.Keys(known))
	seen := make(map[string]bool)
	ok := r.entries(n, at, func(key, value *yaml.Node, at string) {
		seen[key.Value] = true
		read, found := known[key.Value]
		if !found {
			r.report(key, at, "unknown key; %s", suggest(key.Value, keys))
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
// false if n is no mapping or an empty one, which it reports.
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
			r.report(key, at, "stands twice (first on line %d)", twin.Line)
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

// texts reads a list of texts that pass check. It is not empty.
func (r *reader) texts(n *yaml.Node, at string, check func(string) error) []string {
	if n = r.follow(n); !r.isKind(n, at, yaml.SequenceNode) {
		return nil
	}
	texts := make([]string, len(n.Content))
	for i, item := range n.Content {
		texts[i] = r.text(item, fmt.Sprintf("%s[%d]", at, i), check)
	}
	return texts
}

// text reads a text that is not empty and passes check, which may be nil.
func (r *reader) text(n *yaml.Node, at string, check func(string) error) string {
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

// choice reads a text that is one of values, which are sorted.
func (r *reader) choice(n *yaml.Node, at string, values []string) string {
	return r.text(n, at, func(value string) error {
		if slices.Contains(values, value) {
			return nil
		}
		return fmt.Errorf("%q: unknown value; %s", value, suggest(value, values))
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

// follow returns what an alias stands for, or n itself.
func (r *reader) follow(n *yaml.Node) *yaml.Node {
	if n.Kind != yaml.AliasNode {
		return n
	}
	if cost := size(n.Alias); cost < r.aliased {
		r.aliased -= cost
		return n.Alias
	}
	r.report(n, "", "aliases repeat more than %d values", maxAliased)
	r.aliased = 0
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: n.Line, Column: n.Column}
}

// size counts the nodes of n without following aliases: those count when they are followed.
func size(n *yaml.Node) int {
	total := 1
	for _, child := range n.Content {
		total += size(child)
	}
	return total
}

// report adds a problem at n. Once aliases are used up it adds none: the values
// behind them would only seem to be empty.
func (r *reader) report(n *yaml.Node, at, format string, args ...any) {
	if r.aliased == 0 {
		return
	}
	r.problems = append(r.problems, Problem{
		File: r.file, Line: n.Line, Column: n.Column, Key: at, What: fmt.Sprintf(format, args...),
	})
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

// describe says what n is, in words that stand behind "is".
func describe(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode {
		return kinds[n.Kind]
	}
	if words, found := scalars[n.ShortTag()]; found {
		return words
	}
	return fmt.Sprintf("a value with the tag %s", n.ShortTag())
}
