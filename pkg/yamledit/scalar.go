package yamledit

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/tagbump/tagbump/pkg/internal/suggest"
	"github.com/tagbump/tagbump/pkg/keypath"
)

// A Scalar is a single value that can be replaced.
type Scalar struct {
	Value string // without quotes and escapes, template actions as written
	Path  keypath.Path
	Line  int // 1-based, in the whole text
	Doc   int // 0-based number of its document
	Style Style

	node  *Node
	token token
}

// A Style is how a scalar is written.
type Style int

// The styles of scalars.
const (
	Plain        Style = iota // 1.2.3
	SingleQuoted              // '1.2.3'
	DoubleQuoted              // "1.2.3"
	Block                     // | or >, and the value alone on the next line
	Empty                     // nothing at all after the colon
	Literal                   // a string in a template action, see [Node.Fallbacks]
)

func (s Style) String() string {
	return [...]string{"plain", "single-quoted", "double-quoted", "block", "empty", "literal"}[s]
}

// A token is where a scalar is in its text.
type token struct {
	style  Style
	whole  span   // with its quotes
	inside span   // without them
	value  string // decoded, actions as written
}

// Scalar returns the node as a value that can be replaced. It refuses, with an
// [*Error], mappings and lists, aliases, values over several lines, explicit tags
// other than !!str, ciphertexts of SOPS, and anchors that are used elsewhere.
func (n *Node) Scalar() (Scalar, error) {
	if err := n.checkShared(); err != nil {
		return Scalar{}, err
	}
	return n.scalar()
}

func (n *Node) scalar() (Scalar, error) {
	y := n.yaml
	switch {
	case y.Kind == yaml.MappingNode:
		return Scalar{}, n.refuseCollection("mapping")
	case y.Kind != yaml.ScalarNode:
		return Scalar{}, n.refuseCollection("list")
	case y.Style&yaml.TaggedStyle != 0 && y.Tag != "!!str":
		return Scalar{}, n.refuse("has the explicit tag "+shortTag(y.Tag), "remove the tag")
	}
	token, err := n.text.token(y)
	if err != nil {
		return Scalar{}, n.refuse(err.Error(), helpFor(err))
	}
	if fixed := n.text.tokens[y].Fixed; fixed != "" {
		return Scalar{}, n.refuse(fixed, "")
	}
	if isEncrypted(token.value) {
		return Scalar{}, &Error{Path: n.Path(), Line: n.Line(), Err: ErrSealed, Why: "is encrypted by SOPS", Help: "use sops to change it"}
	}
	return Scalar{Value: token.value, Path: n.Path(), Line: n.Line(), Doc: n.Document(), Style: token.style, node: n, token: token}, nil
}

// The reasons why a scalar's bytes are not a value that can be replaced.
var (
	errLines    = errors.New("goes over several lines")
	errPosition = errors.New("is in a place that the parser does not tell")
	errNoPlace  = errors.New("is empty, and a value cannot be put in here")
	errEscapes  = errors.New("has escapes beside a template action")
)

func helpFor(err error) string {
	switch err {
	case errLines:
		return "write it on one line"
	case errNoPlace:
		return `write "" there`
	case errEscapes:
		return "write it in single quotes"
	}
	return ""
}

func shortTag(tag string) string { return strings.Replace(tag, "tag:yaml.org,2002:", "!!", 1) }

// refuseCollection refuses a mapping or a list where a single value is wanted, and
// lists the first values that are below it.
func (n *Node) refuseCollection(what string) error {
	var below []string
	n.Walk(func(node *Node) {
		if !node.IsMapping() && !node.IsList() {
			below = append(below, node.Path().String())
		}
	})
	help := ""
	if len(below) > 0 {
		help = "give the path of a value in it: " + suggest.List(below, 5)
	}
	return &Error{Path: n.Path(), Line: n.Line(), Err: ErrNoValue, Why: "is a " + what + ", not a value", Help: help}
}

func (n *Node) refuse(why, help string) error {
	return &Error{Path: n.Path(), Line: n.Line(), Why: why, Help: help}
}

// token finds the bytes of the scalar y and holds them against the parser's value,
// so that a wrong position of the parser's is found here.
func (t *Text) token(y *yaml.Node) (token, error) {
	if t.tokens != nil {
		return t.foreignToken(y), nil
	}
	offset, ok := t.offset(y)
	if !ok {
		return token{}, errPosition
	}
	if y.Value == "" && y.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0 {
		return t.emptyToken(y, offset)
	}
	if offset, ok = t.skipProperties(offset); !ok {
		return token{}, errPosition
	}
	switch {
	case y.Style&yaml.SingleQuotedStyle != 0:
		return t.quotedToken(y, offset, '\'')
	case y.Style&yaml.DoubleQuotedStyle != 0:
		return t.quotedToken(y, offset, '"')
	case y.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return t.blockToken(y, offset)
	}
	if !bytes.HasPrefix(t.parsed[offset:], []byte(y.Value)) {
		return token{}, errLines
	}
	s := span{offset, offset + len(y.Value)}
	return token{style: Plain, whole: s, inside: s, value: string(t.src[s.start:s.end])}, nil
}

// emptyToken allows for "key:" only: the parser's position of other empty
// values (behind ? or -, or of a key alone) is not where a value could be put.
func (t *Text) emptyToken(y *yaml.Node, offset int) (token, error) {
	before := bytes.TrimRight(t.parsed[:offset], " \t")
	if y.Anchor != "" || y.Style&yaml.TaggedStyle != 0 || !bytes.HasSuffix(before, []byte(":")) {
		return token{}, errNoPlace
	}
	behind := span{len(before), len(before)} // in flow style the parser counts the blanks
	return token{style: Empty, whole: behind, inside: behind}, nil
}

// skipProperties moves past an anchor and a tag, which the parser counts as
// the scalar's start, and the blanks, line breaks and comments that follow them.
func (t *Text) skipProperties(offset int) (int, bool) {
	for offset < len(t.parsed) && (t.parsed[offset] == '&' || t.parsed[offset] == '!') {
		end := bytes.IndexAny(t.parsed[offset:], " \t\r\n")
		if end < 0 {
			return 0, false
		}
		offset = t.skipSpace(offset + end)
	}
	return offset, offset < len(t.parsed)
}

func (t *Text) skipSpace(offset int) int {
	for offset < len(t.parsed) {
		switch t.parsed[offset] {
		case ' ', '\t', '\r', '\n':
			offset++
		case '#':
			offset = nextLine(t.parsed, offset)
		default:
			return offset
		}
	}
	return offset
}

func (t *Text) quotedToken(y *yaml.Node, offset int, quote byte) (token, error) {
	if t.parsed[offset] != quote {
		return token{}, errPosition
	}
	end := closingQuote(t.parsed, offset)
	if end < 0 {
		return token{}, errPosition
	}
	tok := token{style: SingleQuoted, whole: span{offset, end + 1}, inside: span{offset + 1, end}, value: y.Value}
	if quote == '"' {
		tok.style = DoubleQuoted
	}
	inside := t.parsed[tok.inside.start:tok.inside.end]
	if bytes.ContainsAny(inside, "\r\n\u0085\u2028\u2029") {
		return token{}, errLines
	}
	hasEscapes := string(inside) != y.Value
	switch actions := t.actionsIn(tok.whole); {
	case len(actions) > 0 && hasEscapes:
		return token{}, errEscapes
	case len(actions) > 0:
		tok.value = string(t.src[tok.inside.start:tok.inside.end])
	case hasEscapes && !t.readsAs(tok.whole, y.Value):
		return token{}, errPosition
	}
	return tok, nil
}

// readsAs reports whether the quoted token alone is read as the value.
func (t *Text) readsAs(quoted span, value string) bool {
	var got string
	unmarshal := yaml.Unmarshal
	if t.mode == asJSON {
		unmarshal = json.Unmarshal
	}
	return unmarshal(t.src[quoted.start:quoted.end], &got) == nil && got == value
}

// closingQuote is the offset of the quote that closes the one at open, or -1.
func closingQuote(text []byte, open int) int {
	quote := text[open]
	for i := open + 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quote == '"':
			i++
		case text[i] != quote:
		case quote == '\'' && i+1 < len(text) && text[i+1] == quote:
			i++
		default:
			return i
		}
	}
	return -1
}

// blockToken allows for a body of one line, whose bytes are then the value's own.
func (t *Text) blockToken(y *yaml.Node, offset int) (token, error) {
	value := strings.TrimRight(y.Value, "\n")
	start := nextLine(t.parsed, offset)
	for isBlank(bytes.TrimRight(t.parsed[start:nextLine(t.parsed, start)], "\r\n")) && start < len(t.parsed) {
		start = nextLine(t.parsed, start)
	}
	for start < len(t.parsed) && t.parsed[start] == ' ' {
		start++
	}
	s := span{start, start + len(value)}
	if value == "" || strings.ContainsAny(value, "\n") || !bytes.HasPrefix(t.parsed[start:], []byte(value)) {
		return token{}, errLines
	}
	if rest := t.parsed[s.end:nextLine(t.parsed, s.end)]; len(bytes.TrimRight(rest, "\r\n")) > 0 {
		return token{}, errLines
	}
	return token{style: Block, whole: s, inside: s, value: string(t.src[s.start:s.end])}, nil
}
