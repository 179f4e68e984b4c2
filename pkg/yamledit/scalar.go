package yamledit

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

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
	Empty                     // nothing at all behind the colon
	Literal                   // a string in a template action, see [Node.Fallbacks]
)

func (s Style) String() string {
	return [...]string{"plain", "single-quoted", "double-quoted", "block", "empty", "literal"}[s]
}

// A token is where a scalar stands in its text.
type token struct {
	style   Style
	whole   span   // with its quotes
	inside  span   // without them
	value   string // decoded, actions as written
	escaped bool   // the bytes inside are not the value's own
}

// Scalar is the node as a value that can be replaced. It refuses, with an
// [*Error], what is no scalar, aliases, values over several lines, explicit
// tags other than !!str, and anchors that are used elsewhere.
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
		return Scalar{}, n.refuse("is a mapping, not a value", "give the path of a value in it")
	case y.Kind != yaml.ScalarNode:
		return Scalar{}, n.refuse("is a list, not a value", "give the path of a value in it")
	case y.Style&yaml.TaggedStyle != 0 && y.Tag != "!!str":
		return Scalar{}, n.refuse("has the explicit tag "+shortTag(y.Tag), "remove the tag")
	}
	token, err := n.text.token(y)
	if err != nil {
		return Scalar{}, n.refuse(err.Error(), helpFor(err))
	}
	if isEncrypted(token.value) {
		return Scalar{}, &Error{Path: n.Path(), Line: n.Line(), Err: ErrSealed, Why: "is encrypted by SOPS", Help: "use sops to change it"}
	}
	return Scalar{Value: token.value, Path: n.Path(), Line: n.Line(), Doc: n.Document(), Style: token.style, node: n, token: token}, nil
}

// The reasons why a scalar's bytes are not a value that can be replaced.
var (
	errLines    = errors.New("goes over several lines")
	errPosition = errors.New("stands where the parser gives no position")
	errNoPlace  = errors.New("is empty, in a place where no value can be put in")
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

func (n *Node) refuse(why, help string) error {
	return &Error{Path: n.Path(), Line: n.Line(), Why: why, Help: help}
}

// token finds the bytes of the scalar y and holds them against the parser's
// value, so that any surprise of the parser's ends here.
func (t *Text) token(y *yaml.Node) (token, error) {
	at, ok := t.offset(y)
	if !ok {
		return token{}, errPosition
	}
	if y.Value == "" && y.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0 {
		return t.emptyToken(y, at)
	}
	if at, ok = t.skipProperties(at); !ok {
		return token{}, errPosition
	}
	switch {
	case y.Style&yaml.SingleQuotedStyle != 0:
		return t.quotedToken(y, at, '\'')
	case y.Style&yaml.DoubleQuotedStyle != 0:
		return t.quotedToken(y, at, '"')
	case y.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return t.blockToken(y, at)
	}
	if !bytes.HasPrefix(t.parsed[at:], []byte(y.Value)) {
		return token{}, errLines
	}
	s := span{at, at + len(y.Value)}
	return token{style: Plain, whole: s, inside: s, value: string(t.src[s.start:s.end])}, nil
}

// emptyToken allows for "key:" only: the parser's position of other empty
// values (behind ? or -, or of a key alone) is not where a value could be put.
func (t *Text) emptyToken(y *yaml.Node, at int) (token, error) {
	before := bytes.TrimRight(t.parsed[:at], " \t")
	if y.Anchor != "" || y.Style&yaml.TaggedStyle != 0 || !bytes.HasSuffix(before, []byte(":")) {
		return token{}, errNoPlace
	}
	behind := span{len(before), len(before)} // in flow style at is behind blanks
	return token{style: Empty, whole: behind, inside: behind}, nil
}

// skipProperties moves behind an anchor and a tag, which the parser counts as
// the scalar's start, and the blanks, line breaks and comments that follow them.
func (t *Text) skipProperties(at int) (int, bool) {
	for at < len(t.parsed) && (t.parsed[at] == '&' || t.parsed[at] == '!') {
		end := bytes.IndexAny(t.parsed[at:], " \t\r\n")
		if end < 0 {
			return 0, false
		}
		at = t.skipSpace(at + end)
	}
	return at, at < len(t.parsed)
}

func (t *Text) skipSpace(at int) int {
	for at < len(t.parsed) {
		switch t.parsed[at] {
		case ' ', '\t', '\r', '\n':
			at++
		case '#':
			at = nextLine(t.parsed, at)
		default:
			return at
		}
	}
	return at
}

func (t *Text) quotedToken(y *yaml.Node, at int, quote byte) (token, error) {
	if t.parsed[at] != quote {
		return token{}, errPosition
	}
	end := closingQuote(t.parsed, at)
	if end < 0 {
		return token{}, errPosition
	}
	tok := token{style: SingleQuoted, whole: span{at, end + 1}, inside: span{at + 1, end}, value: y.Value}
	if quote == '"' {
		tok.style = DoubleQuoted
	}
	inside := t.parsed[at+1 : end]
	if bytes.ContainsAny(inside, "\r\n\u0085\u2028\u2029") {
		return token{}, errLines
	}
	tok.escaped = string(inside) != y.Value
	if len(t.actionsIn(tok.whole)) > 0 {
		if tok.escaped {
			return token{}, errEscapes
		}
		tok.value = string(t.src[tok.inside.start:tok.inside.end])
		return tok, nil
	}
	if tok.escaped && !readsAs(t.parsed[at:end+1], y.Value) {
		return token{}, errPosition
	}
	return tok, nil
}

func readsAs(token []byte, value string) bool {
	var got string
	return yaml.Unmarshal(token, &got) == nil && got == value
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
func (t *Text) blockToken(y *yaml.Node, at int) (token, error) {
	value := strings.TrimRight(y.Value, "\n")
	start := nextLine(t.parsed, at)
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

// Replace gives the edit after which the scalar reads value. Quotes are kept;
// a plain value gets double quotes when YAML 1.1 or 1.2 would read it as
// anything but this text. It refuses control characters, and to touch the
// template actions in a value.
func (s Scalar) Replace(value string) (Edit, error) {
	if !isText(value) {
		return Edit{}, s.refuse(fmt.Sprintf("the new value %q has a line break, a control character or is no UTF-8", value))
	}
	if s.token.style == Literal {
		return s.replaceLiteral(value)
	}
	if len(s.actions()) > 0 {
		return s.replaceAroundActions(value)
	}
	if strings.Contains(value, "{{") {
		return Edit{}, s.refuse(fmt.Sprintf("the new value %q has a template action", value))
	}
	switch s.token.style {
	case SingleQuoted:
		return s.edit(s.token.inside, strings.ReplaceAll(value, "'", "''"), value), nil
	case DoubleQuoted:
		return s.edit(s.token.inside, escapeDouble(value), value), nil
	case Block:
		if value == "" || strings.TrimSpace(value) != value || value[0] == '#' {
			return Edit{}, s.refuse(fmt.Sprintf("the new value %q does not fit in a block scalar", value))
		}
		return s.edit(s.token.inside, value, value), nil
	case Empty:
		return s.edit(s.token.whole, " "+plainOrQuoted(value), value), nil
	}
	if s.staysPlain(value) {
		return s.edit(s.token.whole, value, value), nil
	}
	return s.edit(s.token.whole, plainOrQuoted(value), value), nil
}

// staysPlain reports whether a plain value needs no quotes for the new text: it
// is plain by itself, or what is unusual in it stood there without quotes before
// (${REGISTRY}/web:1.2.3).
func (s Scalar) staysPlain(value string) bool {
	if !needsQuote(value) {
		return true
	}
	from, _, end := changedPart(s.Value, value)
	return !readsAsOther(value) && from > 0 && s.node.yaml.Tag == "!!str" &&
		besideActions.MatchString(value[from:end]) && !strings.HasSuffix(value, ":")
}

// Holds reports whether the scalar already reads value everywhere: the text is
// the same, and no quotes are missing that would make it so.
func (s Scalar) Holds(value string) bool {
	if s.Value != value || s.token.style == Empty {
		return false
	}
	return s.token.style != Plain || len(s.actions()) > 0 || s.node.yaml.Style&yaml.TaggedStyle != 0 || !needsQuote(value) ||
		!readsAsOther(value) && s.node.yaml.Tag == "!!str"
}

func (s Scalar) actions() []span { return s.node.text.actionsIn(s.token.whole) }

func (s Scalar) refuse(why string) error { return &Error{Path: s.Path, Line: s.Line, Why: why} }

// replaceAroundActions changes only the bytes in which value and the present
// text differ, and none of them may be an action's.
func (s Scalar) replaceAroundActions(value string) (Edit, error) {
	from, to, end := changedPart(s.Value, value)
	changed := span{s.token.inside.start + from, s.token.inside.start + to}
	for _, a := range s.actions() {
		if changed.start < a.end && a.start < changed.end || changed.start > a.start && changed.start < a.end {
			return Edit{}, s.node.refuse(fmt.Sprintf("is set by the template action %s", s.node.text.src[a.start:a.end]), "change it in the values file")
		}
	}
	if !besideActions.MatchString(value[from:end]) {
		return Edit{}, s.refuse(fmt.Sprintf("the new value %q does not fit beside a template action", value[from:end]))
	}
	return s.edit(changed, value[from:end], value), nil
}

// changedPart parts what old and value have in common at their beginning and end:
// old[from:to] became value[from:end].
func changedPart(old, value string) (from, to, end int) {
	to, end = len(old), len(value)
	for from < to && from < end && old[from] == value[from] {
		from++
	}
	for from < to && from < end && old[to-1] == value[end-1] {
		to--
		end--
	}
	return from, to, end
}

// besideActions are the characters that mean themselves in every style.
var besideActions = regexp.MustCompile(`^[A-Za-z0-9_./@:-]*$`)

func (s Scalar) edit(at span, text, value string) Edit {
	t := s.node.text
	start := t.rootOffset(at.start)
	end := start + at.end - at.start
	return Edit{
		Start: start, End: end, New: text,
		old:  string(t.root().src[start:end]),
		want: value, at: s.node.place(),
	}
}

func isText(value string) bool {
	if !utf8.ValidString(value) {
		return false
	}
	for _, r := range value {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == '\ufeff' {
			return false
		}
	}
	return true
}

func escapeDouble(value string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value)
}

func plainOrQuoted(value string) string {
	if needsQuote(value) {
		return `"` + escapeDouble(value) + `"`
	}
	return value
}

var (
	plainPattern  = regexp.MustCompile(`^-{0,2}[A-Za-z0-9_/.][A-Za-z0-9_./@:+=-]*$`)
	wordPattern   = regexp.MustCompile(`(?i)^(?:y|n|yes|no|on|off|true|false|null|\.nan|\.inf)$`)
	numberPattern = regexp.MustCompile(`^(?:[0-9]*(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?|0[xXoObB][-+]?[0-9A-Fa-f]*|[0-9]+(?::[0-9]+)+(?:\.[0-9]*)?)$`)
	datePattern   = regexp.MustCompile(`^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt].*)?$`)
)

// needsQuote reports whether some YAML reader would take the plain value for
// something other than this text: 1.10, 1e3, 0x1F, 0123, 1_000, 12:30, on, y, ~.
// It is wider than any single version of YAML, because Helm, kustomize and
// editors follow different ones.
func needsQuote(value string) bool {
	if !plainPattern.MatchString(value) || strings.HasSuffix(value, ":") {
		return true
	}
	return readsAsOther(value)
}

// readsAsOther reports whether some reader takes the plain value for a number, a
// date, a truth value or nothing.
func readsAsOther(value string) bool {
	value = strings.TrimLeft(value, "-")
	number := strings.ReplaceAll(value, "_", "")
	return wordPattern.MatchString(value) || numberPattern.MatchString(number) || datePattern.MatchString(value)
}
