package yamledit

import (
	"bytes"
	"sort"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// maxEmbedding is how many texts may be embedded in each other.
const maxEmbedding = 10

// A layer says how a text is embedded in a scalar of another text.
type layer struct {
	node   *Node   // the scalar
	pieces []piece // where the embedded text's bytes are in the outer text, in order
	depth  int     // 1 for a text that is embedded in a whole file
	style  Style   // Block, SingleQuoted or DoubleQuoted
	indent string  // of a block's lines
}

// A piece says that the embedded text's bytes from start on, up to the next piece,
// are in the span of the outer text: byte by byte, or all of them as one escape.
type piece struct {
	start    int
	outer    span
	isEscape bool
}

// Embedded reads the YAML or JSON that a scalar holds as text, as Argo CD's
// helm.values, a ConfigMap's file or a JSON patch does: in a literal block (|), or
// in quotes when it has several lines or is JSON. It returns nil when the text is
// neither a mapping nor a list, or is embedded too deeply.
func (n *Node) Embedded() *Text {
	if !n.IsScalar() || n.text.syntax != nil || !mayEmbed(n.yaml) || n.text.depth() >= maxEmbedding {
		return nil
	}
	return n.text.embedded.get(n.yaml, n.embed)
}

// mayEmbed reports whether the scalar can hold a text of its own: a quoted
// sentence such as "note: this" is not meant as YAML.
func mayEmbed(y *yaml.Node) bool {
	switch {
	case y.Style&yaml.LiteralStyle != 0:
		return y.Value != ""
	case y.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0:
		return false
	}
	trimmed := strings.TrimLeft(y.Value, " \t\n")
	return strings.Contains(y.Value, "\n") && strings.Contains(y.Value, ":") || strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[")
}

func (n *Node) embed() *Text {
	l := &layer{node: n, depth: n.text.depth() + 1}
	src, ok := l.read(n.text, n.yaml)
	if !ok {
		return nil
	}
	inner, err := Parse(src)
	if err != nil || !inner.holdsCollection() {
		return nil
	}
	inner.outer = l
	return inner
}

func (t *Text) holdsCollection() bool {
	for _, root := range t.roots {
		if root.IsMapping() || root.IsList() {
			return true
		}
	}
	return false
}

func (t *Text) depth() int {
	if t.outer == nil {
		return 0
	}
	return t.outer.depth
}

func (t *Text) root() *Text {
	for t.outer != nil {
		t = t.outer.node.text
	}
	return t
}

// rootSpan returns where the bytes are in the outermost text.
func (t *Text) rootSpan(s span) span {
	for ; t.outer != nil; t = t.outer.node.text {
		start := t.outer.start(s.start)
		end := start
		if !s.isEmpty() {
			end = t.outer.end(s.end)
		}
		s = span{start, end}
	}
	return s
}

func (t *Text) rootOffset(offset int) int { return t.rootSpan(span{offset, offset}).start }

// start returns where the byte at offset begins in the outer text.
func (l *layer) start(offset int) int {
	p := l.pieceAt(offset)
	switch {
	case !p.isEscape:
		return p.outer.start + offset - p.start
	case offset == p.start:
		return p.outer.start
	}
	return p.outer.end
}

// end returns where the byte before offset ends in the outer text.
func (l *layer) end(offset int) int {
	p := l.pieceAt(offset - 1)
	if p.isEscape {
		return p.outer.end
	}
	return p.outer.start + offset - p.start
}

func (l *layer) pieceAt(offset int) piece {
	return l.pieces[sort.Search(len(l.pieces), func(i int) bool { return l.pieces[i].start > offset })-1]
}

// encode returns the text as it is written into the outer text; false where its
// line breaks cannot be.
func (l *layer) encode(text string) (string, bool) {
	switch l.style {
	case DoubleQuoted:
		return strings.NewReplacer("\n", `\n`, "\r", `\r`).Replace(escapeDouble(text)), true
	case SingleQuoted:
		return strings.ReplaceAll(text, "'", "''"), !strings.Contains(text, "\n")
	}
	return strings.ReplaceAll(text, "\n", "\n"+l.indent), true
}

// encode returns the text as it is written into the outermost text.
func (t *Text) encode(text string) (string, bool) {
	ok := true
	for ; ok && t.outer != nil; t = t.outer.node.text {
		text, ok = t.outer.encode(text)
	}
	return text, ok
}

// read finds the scalar's bytes in t and decodes them. It returns false where the
// result is not the parser's value.
func (l *layer) read(t *Text, y *yaml.Node) ([]byte, bool) {
	offset, ok := t.offset(y)
	if !ok {
		return nil, false
	}
	if offset, ok = t.skipProperties(offset); !ok {
		return nil, false
	}
	if y.Style&yaml.LiteralStyle != 0 {
		body, ok := t.blockBody(y, offset)
		if !ok {
			return nil, false
		}
		l.style, l.indent = Block, strings.Repeat(" ", body.indent)
		return l.dedent(t.src, body), true
	}
	return l.unquote(t, y, offset)
}

// A block is the body of a block scalar: its lines, and their indentation.
type block struct {
	span
	indent int
}

// blockBody finds the lines of the literal block scalar whose header is at offset,
// and holds them against the parser's value; false when they are not the same
// (other line breaks).
func (t *Text) blockBody(y *yaml.Node, offset int) (block, bool) {
	if t.parsed[offset] != '|' {
		return block{}, false
	}
	start := nextLine(t.parsed, offset)
	b := block{span: span{start, start}, indent: -1}
	for _, want := range strings.Split(strings.TrimRight(y.Value, "\n"), "\n") {
		end := nextLine(t.parsed, b.end)
		line := bytes.TrimRight(t.parsed[b.end:end], "\r\n")
		if b.indent < 0 && want != "" {
			b.indent = len(line) - len(want)
		}
		if !isLineOf(line, want, b.indent) {
			return block{}, false
		}
		b.end = end
	}
	return b, b.indent >= 0
}

func isLineOf(line []byte, want string, indent int) bool {
	if want == "" {
		return isBlank(line)
	}
	return indent >= 0 && len(line) >= indent && isBlank(line[:indent]) && string(line[indent:]) == want
}

// dedent takes the body's indentation away and keeps where each line was.
func (l *layer) dedent(src []byte, body block) []byte {
	var text []byte
	for line := body.start; line < body.end; {
		end := min(nextLine(src, line), body.end)
		cut := line
		for cut < line+body.indent && cut < end && src[cut] == ' ' {
			cut++
		}
		l.pieces = append(l.pieces, piece{start: len(text), outer: span{cut, end}})
		text = append(text, src[cut:end]...)
		line = end
	}
	return text
}

// unquote decodes the quoted scalar whose quote is at offset.
func (l *layer) unquote(t *Text, y *yaml.Node, offset int) ([]byte, bool) {
	quote := t.parsed[offset]
	l.style = DoubleQuoted
	if quote == '\'' {
		l.style = SingleQuoted
	}
	end := -1
	if quote == '"' || quote == '\'' {
		end = closingQuote(t.parsed, offset)
	}
	if end < 0 {
		return nil, false
	}
	u := unquoter{src: t.src[:end], offset: offset + 1, quote: quote}
	for u.offset < end {
		if !u.next() {
			return nil, false
		}
	}
	l.pieces = u.pieces
	return u.text, string(u.text) == y.Value
}

// An unquoter decodes a quoted scalar and keeps where each byte was.
type unquoter struct {
	src    []byte // up to the closing quote
	offset int
	quote  byte
	text   []byte
	pieces []piece
}

// next decodes a piece: an escape, a folded line break or bytes that mean themselves.
func (u *unquoter) next() bool {
	rest := u.src[u.offset:]
	if n := foldLength(rest); n > 0 {
		folded := " "
		if breaks := bytes.Count(rest[:n], []byte("\n")); breaks > 1 {
			folded = strings.Repeat("\n", breaks-1)
		}
		u.escape(folded, n)
		return true
	}
	switch {
	case u.quote == '\'' && rest[0] == '\'':
		u.escape("'", 2)
		return true
	case u.quote == '"' && rest[0] == '\\':
		return u.backslash(rest)
	case len(u.pieces) == 0 || u.pieces[len(u.pieces)-1].isEscape:
		u.pieces = append(u.pieces, piece{start: len(u.text), outer: span{u.offset, u.offset}})
	}
	u.text = append(u.text, rest[0])
	u.offset++
	u.pieces[len(u.pieces)-1].outer.end = u.offset
	return true
}

// escape says that the next n bytes are read as text.
func (u *unquoter) escape(text string, n int) {
	u.pieces = append(u.pieces, piece{start: len(u.text), outer: span{u.offset, u.offset + n}, isEscape: true})
	u.text = append(u.text, text...)
	u.offset += n
}

// foldLength returns how many bytes a line break takes that is folded, with the
// blanks around it and the empty lines that follow it; 0 where there is none.
func foldLength(rest []byte) int {
	n := len(rest) - len(bytes.TrimLeft(rest, " \t"))
	if !bytes.HasPrefix(rest[n:], []byte("\n")) && !bytes.HasPrefix(rest[n:], []byte("\r\n")) {
		return 0
	}
	return len(rest) - len(bytes.TrimLeft(rest, " \t\r\n"))
}

var escapes = map[byte]string{
	'0': "\x00", 'a': "\a", 'b': "\b", 't': "\t", '\t': "\t", 'n': "\n", 'v': "\v", 'f': "\f", 'r': "\r", 'e': "\x1b",
	' ': " ", '"': `"`, '/': "/", '\\': `\`, 'N': "\u0085", '_': "\u00a0", 'L': "\u2028", 'P': "\u2029",
}

func (u *unquoter) backslash(rest []byte) bool {
	if len(rest) < 2 {
		return false
	}
	if n := foldLength(rest[1:]); n > 0 && (rest[1] == '\n' || rest[1] == '\r') {
		u.escape("", 1+n) // an escaped line break
		return bytes.Count(rest[:1+n], []byte("\n")) == 1
	}
	if text, known := escapes[rest[1]]; known {
		u.escape(text, 2)
		return true
	}
	digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[rest[1]]
	if digits == 0 || len(rest) < 2+digits {
		return false
	}
	code := 0
	for _, c := range rest[2 : 2+digits] {
		code = code<<4 | hexDigit(c)
	}
	if !utf8.ValidRune(rune(code)) {
		return false
	}
	u.escape(string(rune(code)), 2+digits)
	return true
}

// hexDigit returns the value of a digit that the parser has accepted already.
func hexDigit(c byte) int {
	switch {
	case c >= 'a':
		return int(c-'a') + 10
	case c >= 'A':
		return int(c-'A') + 10
	}
	return int(c - '0')
}
