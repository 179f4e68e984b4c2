package textedit

import (
	"bytes"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tagbump/tagbump/pkg/yamledit"
)

// An hclParser reads HCL's native syntax by recursive descent. After the first fault
// it is at the end of the text, so that every loop ends.
//
// https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md
type hclParser struct {
	src    []byte
	pos    int
	depth  int  // of brackets and strings
	isOpen bool // inside of brackets: line breaks are blanks

	why    string // the first fault, or ""
	failed int    // where it is
}

// endOfFile is the end of the file's body, as '}' is of a block's.
const endOfFile = 0

// maxNesting bounds how often the parser calls itself.
const maxNesting = 200

func (p *hclParser) fail(at int, format string, args ...any) {
	if p.why == "" {
		p.why, p.failed = "cannot be parsed as HCL: "+fmt.Sprintf(format, args...), min(at, len(p.src))
	}
	p.pos = len(p.src)
}

// nested calls read for the inside of brackets or quotes.
func (p *hclParser) nested(isOpen bool, read func()) {
	before := p.isOpen
	p.depth, p.isOpen = p.depth+1, isOpen
	if p.depth > maxNesting {
		if p.why == "" {
			p.why, p.failed = fmt.Sprintf("is nested deeper than %d levels", maxNesting), p.pos
		}
		p.pos = len(p.src)
	}
	read()
	p.depth, p.isOpen = p.depth-1, before
}

func (p *hclParser) rest() []byte { return p.src[p.pos:] }

func (p *hclParser) has(text string) bool { return bytes.HasPrefix(p.rest(), []byte(text)) }

// take skips text, if it is next, and the blanks behind it.
func (p *hclParser) take(text string) bool {
	if !p.has(text) {
		return false
	}
	p.pos += len(text)
	p.blanks()
	return true
}

// blanks skips blanks and comments and, inside of brackets, line breaks.
func (p *hclParser) blanks() {
	for {
		switch {
		case p.has(" "), p.has("\t"), p.has("\r"), p.isOpen && p.has("\n"):
			p.pos++
		case p.has("#"), p.has("//"):
			p.pos = lineEnd(p.src, p.pos)
		case p.has("/*"):
			length := bytes.Index(p.rest(), []byte("*/"))
			if length < 0 {
				p.fail(p.pos, "a comment is not closed")
				return
			}
			p.pos += length + len("*/")
		default:
			return
		}
	}
}

func (p *hclParser) lines() {
	p.blanks()
	for p.has("\n") {
		p.pos++
		p.blanks()
	}
}

// name reads an identifier, or returns "".
func (p *hclParser) name() string {
	start := p.pos
	for {
		r, size := utf8.DecodeRune(p.rest())
		isFirst := unicode.IsLetter(r) || r == '_'
		if !isFirst && (p.pos == start || !unicode.IsDigit(r) && !unicode.IsMark(r) && r != '-') {
			return string(p.src[start:p.pos])
		}
		p.pos += size
	}
}

// body reads attributes and blocks, and stops in front of end.
func (p *hclParser) body(end byte) []yamledit.Tree {
	var fields []yamledit.Tree
	var blocks []hclBlock
	for p.lines(); p.pos < len(p.src) && p.src[p.pos] != end; p.lines() {
		start := p.pos
		name := p.name()
		if name == "" {
			p.fail(start, "the name of an attribute or a block is missing")
			break
		}
		p.blanks()
		if p.has("=") && !p.has("==") {
			p.take("=")
			fields = append(fields, p.expression().Named(name, start))
		} else {
			blocks = append(blocks, p.block(name, start))
		}
		if p.blanks(); p.pos < len(p.src) && !p.has("\n") && p.src[p.pos] != end {
			p.fail(p.pos, "a line has more than one definition")
		}
	}
	fields = append(fields, blockFields(blocks, 0)...)
	sort.Slice(fields, func(i, j int) bool { return fields[i].KeyOffset < fields[j].KeyOffset })
	return fields
}

// block reads the labels and the body of a block, behind its type.
func (p *hclParser) block(name string, start int) hclBlock {
	b := hclBlock{names: []string{name}, offsets: []int{start}}
	for p.why == "" && !p.has("{") {
		start := p.pos
		label := p.name()
		if label == "" && p.has(`"`) {
			text := p.quoted()
			label = text.Value
			if text.isTemplate {
				p.fail(start, "a label of a block is an expression")
			}
		} else if label == "" {
			p.fail(start, "after %s, neither = nor a block follows", name)
		}
		b.names, b.offsets = append(b.names, label), append(b.offsets, start)
		p.blanks()
	}
	b.body = yamledit.Tree{Kind: yamledit.MappingTree, Offset: p.pos}
	p.nested(false, func() {
		if p.take("{") {
			b.body.Below = p.body('}')
			p.close("}")
		}
	})
	return b
}

// close skips the bracket that ends something. Blanks behind it are left.
func (p *hclParser) close(bracket string) {
	if !p.has(bracket) {
		p.fail(p.pos, "a %s is missing", bracket)
		return
	}
	p.pos += len(bracket)
}

// expression reads a value. Anything but a literal, an object, a list or a string is one
// computed value.
func (p *hclParser) expression() yamledit.Tree {
	start := p.pos
	tree, isComputed := p.operand()
	for p.why == "" {
		end := p.pos
		p.blanks()
		operator := p.operator()
		if operator == "" {
			p.pos = end // a comment behind a value is no part of it
			break
		}
		isComputed = true
		p.operand()
		if operator == "?" {
			if p.blanks(); !p.take(":") {
				p.fail(p.pos, "a ? has no :")
			}
			p.operand()
		}
	}
	if isComputed {
		return p.computed(start)
	}
	return tree
}

// operators are those between two operands; a longer one is in front of its beginning.
var operators = []string{"==", "!=", "<=", ">=", "&&", "||", "<", ">", "+", "-", "*", "/", "%", "?"}

func (p *hclParser) operator() string {
	for _, operator := range operators {
		if p.take(operator) {
			return operator
		}
	}
	return ""
}

// operand reads a term with its signs, and with the attributes and elements that are
// taken from it.
func (p *hclParser) operand() (tree yamledit.Tree, isComputed bool) {
	p.blanks()
	for p.take("!") || p.take("-") {
		isComputed = true
	}
	tree = p.term()
	for p.why == "" {
		switch {
		case p.has("..."):
			return tree, isComputed
		case p.has("."):
			p.pos++
			if p.name() == "" && !p.take("*") && p.digits() == 0 {
				p.fail(p.pos, "a name is missing after the dot")
			}
		case p.has("["):
			p.pos++
			p.balanced("]")
		default:
			return tree, isComputed
		}
		isComputed = true
	}
	return tree, isComputed
}

// term reads a literal, a string, a variable, a call, or something in brackets.
func (p *hclParser) term() yamledit.Tree {
	start := p.pos
	switch {
	case p.has(`"`):
		return p.stringTree(p.quoted())
	case p.has("<<"):
		return p.stringTree(p.heredoc())
	case p.has("("):
		tree := p.inBrackets("(", ")", func() []yamledit.Tree { return []yamledit.Tree{p.expression()} })
		if p.why != "" {
			return tree
		}
		return tree.Below[0]
	case p.has("["):
		return p.list()
	case p.has("{"):
		return p.object()
	case p.digits() > 0:
		return p.number(start)
	}
	name := p.name()
	switch {
	case name == "":
		p.fail(start, "a value is missing")
		return yamledit.Tree{}
	case p.has("(") || p.has("::"):
		return p.call(name, start)
	case name == "true" || name == "false" || name == "null":
		return p.value(start, name)
	}
	return p.computed(start)
}

func (p *hclParser) digits() int {
	start := p.pos
	for p.pos < len(p.src) && '0' <= p.src[p.pos] && p.src[p.pos] <= '9' {
		p.pos++
	}
	return p.pos - start
}

// number reads the rest of a number, behind its first digits.
func (p *hclParser) number(start int) yamledit.Tree {
	if end := p.pos; p.has(".") {
		p.pos++
		if p.digits() == 0 {
			p.pos = end
		}
	}
	if end := p.pos; p.has("e") || p.has("E") {
		p.pos++
		if p.has("+") || p.has("-") {
			p.pos++
		}
		if p.digits() == 0 {
			p.pos = end
		}
	}
	return p.value(start, string(p.src[start:p.pos]))
}

// call reads a function's name and arguments. The argument of jsonencode or yamlencode is
// the call's value, since it becomes the file.
func (p *hclParser) call(name string, start int) yamledit.Tree {
	for p.has("::") {
		p.pos += len("::")
		name += "::" + p.name()
	}
	var arguments []yamledit.Tree
	p.inBrackets("(", ")", func() []yamledit.Tree {
		for p.why == "" && !p.has(")") {
			arguments = append(arguments, p.expression())
			p.blanks()
			if p.take("...") || !p.take(",") {
				break
			}
		}
		return nil
	})
	if (name == "jsonencode" || name == "yamlencode") && len(arguments) == 1 {
		return arguments[0]
	}
	return p.computed(start)
}

// inBrackets reads something between brackets, in which line breaks are blanks.
func (p *hclParser) inBrackets(opening, closing string, read func() []yamledit.Tree) yamledit.Tree {
	tree := yamledit.Tree{Offset: p.pos}
	p.nested(true, func() {
		if !p.take(opening) {
			p.fail(p.pos, "a %s is missing", opening)
			return
		}
		tree.Below = read()
		p.blanks()
		p.close(closing)
	})
	return tree
}

func (p *hclParser) list() yamledit.Tree {
	start, isFor := p.pos, false
	tree := p.inBrackets("[", "]", func() (items []yamledit.Tree) {
		if isFor = p.isFor(); isFor {
			p.skipTo("]")
		}
		for p.why == "" && !p.has("]") {
			items = append(items, p.expression())
			if p.blanks(); !p.take(",") {
				break
			}
		}
		return items
	})
	if isFor {
		return p.computed(start)
	}
	tree.Kind = yamledit.ListTree
	return tree
}

// object reads fields, which a comma or a line break separates.
func (p *hclParser) object() yamledit.Tree {
	tree := yamledit.Tree{Kind: yamledit.MappingTree, Offset: p.pos}
	isFor := false
	p.nested(false, func() {
		p.pos++
		p.lines()
		if isFor = p.isFor(); isFor {
			p.nested(true, func() { p.skipTo("}") })
		}
		for p.why == "" && !p.has("}") {
			if key, offset, value := p.field(); key != "" {
				tree.Below = append(tree.Below, value.Named(key, offset))
			}
			if p.blanks(); !p.has(",") && !p.has("\n") && !p.has("}") {
				p.fail(p.pos, "neither a comma nor a line break is after the field of an object")
			}
			p.take(",")
			p.lines()
		}
		p.close("}")
	})
	if isFor {
		return p.computed(tree.Offset)
	}
	return tree
}

// field reads one field of an object. The key of one that is computed is "".
func (p *hclParser) field() (key string, offset int, value yamledit.Tree) {
	offset = p.pos
	name := p.expression()
	word := string(p.src[offset:p.pos])
	if p.blanks(); !p.take("=") && !p.take(":") {
		p.fail(p.pos, "a field of an object has neither = nor :")
	}
	value = p.expression()
	switch token := name.Token; {
	case name.Kind != yamledit.ValueTree:
	case token.Fixed == "" && token.End-token.Start == len(word):
		return token.Value, offset, value
	case isName(word):
		return word, offset, value
	}
	return "", offset, value
}

func isName(word string) bool {
	p := hclParser{src: []byte(word)}
	return word != "" && p.name() == word
}

func (p *hclParser) isFor() bool {
	ahead := *p
	return ahead.name() == "for"
}

// balanced skips the inside of brackets, and the closing one.
func (p *hclParser) balanced(closing string) {
	p.nested(true, func() {
		p.skipTo(closing)
		p.close(closing)
	})
}

// skipTo stops in front of a closing bracket. Brackets, strings and comments before it
// are skipped whole.
func (p *hclParser) skipTo(closing string) {
	for p.blanks(); p.pos < len(p.src) && !p.has(closing); p.blanks() {
		switch {
		case p.has(`"`):
			p.quoted()
		case p.has("<<"):
			p.heredoc()
		case p.has("("):
			p.pos++
			p.balanced(")")
		case p.has("["):
			p.pos++
			p.balanced("]")
		case p.has("{"):
			p.pos++
			p.balanced("}")
		case p.has(")"), p.has("]"), p.has("}"):
			p.fail(p.pos, "a %s is missing", closing)
		default:
			p.pos++
		}
	}
}

// value returns a literal that is not a string.
func (p *hclParser) value(start int, value string) yamledit.Tree {
	return yamledit.Tree{Offset: start, Token: yamledit.Token{Style: yamledit.Plain, Start: start, End: p.pos, Text: value, Value: value}}
}

// computed returns what begins at start as a value that only a reader of HCL can compute.
func (p *hclParser) computed(start int) yamledit.Tree {
	tree := p.value(start, string(p.src[start:p.pos]))
	tree.Token.Value, tree.Token.Fixed = "${"+tree.Token.Text+"}", "is computed by an expression"
	if strings.Contains(tree.Token.Text, "\n") {
		tree.Token.Value = "${…}"
	}
	return tree
}

// An hclString is a string with its quotes, or a heredoc.
type hclString struct {
	yamledit.Token
	isTemplate bool // has expressions
	isWrap     bool // has one expression and nothing else: "${var.tag}"
	hasEscapes bool
}

func (p *hclParser) stringTree(s hclString) yamledit.Tree {
	token := s.Token
	switch {
	case token.Style == yamledit.Block:
		token.Value, token.Fixed = "", "goes over several lines"
	case s.isWrap:
		token.Style, token.IsString = yamledit.Plain, false
		token.Value, token.Fixed = token.Text[1:len(token.Text)-1], "is computed by an expression"
		if strings.Contains(token.Value, "\n") {
			token.Value = "${…}"
		}
	case s.isTemplate:
		token.Value = token.Text[1 : len(token.Text)-1]
		if s.hasEscapes {
			token.Fixed = "has escapes beside an expression"
		}
	}
	return yamledit.Tree{Offset: token.Start, Token: token}
}

// quoted reads a string between quotes.
func (p *hclParser) quoted() hclString {
	s := hclString{Token: yamledit.Token{Style: yamledit.DoubleQuoted, Start: p.pos, IsString: true}}
	p.pos++
	p.nested(false, func() {
		var value strings.Builder
		for p.why == "" && !p.has(`"`) {
			switch {
			case p.pos == len(p.src), p.has("\n"):
				p.fail(s.Start, "a string is not closed on its line")
			case p.has(`\`):
				s.hasEscapes = true
				value.WriteString(p.escape())
			default:
				value.WriteString(p.piece(&s))
			}
		}
		p.close(`"`)
		s.Value = value.String()
	})
	s.End = p.pos
	if p.why != "" {
		return s
	}
	s.Text = string(p.src[s.Start:s.End])
	return s
}

// piece reads one expression of a string, or the text before what may be special.
func (p *hclParser) piece(s *hclString) string {
	switch {
	case p.has("$${"), p.has("%%{"):
		s.hasEscapes = true
		text := string(p.rest()[1:3])
		p.pos += 3
		return text
	case p.has("${"), p.has("%{"):
		start := p.pos
		p.pos += 2
		p.balanced("}")
		s.isTemplate = true
		s.isWrap = start == s.Start+1 && p.has(`"`) && p.src[start] == '$'
		return ""
	}
	length := 1 + bytes.IndexAny(p.rest()[1:], "\"\\$%\n")
	if length == 0 {
		length = len(p.rest())
	}
	text := string(p.rest()[:length])
	p.pos += length
	return text
}

var simpleEscapes = map[byte]string{'n': "\n", 'r': "\r", 't': "\t", '"': `"`, '\\': `\`}

func (p *hclParser) escape() string {
	start := p.pos
	p.pos++
	if p.pos == len(p.src) {
		p.fail(start, "a string is not closed on its line")
		return ""
	}
	letter := p.src[p.pos]
	p.pos++
	digits := map[byte]int{'u': 4, 'U': 8}[letter]
	if digits == 0 {
		text, isKnown := simpleEscapes[letter]
		if !isKnown {
			p.fail(start, `\%c is not an escape`, letter)
		}
		return text
	}
	if len(p.rest()) < digits {
		p.fail(start, `\%c needs %d digits`, letter, digits)
		return ""
	}
	code, err := strconv.ParseUint(string(p.rest()[:digits]), 16, 32)
	if err != nil {
		p.fail(start, `\%c needs %d digits`, letter, digits)
		return ""
	}
	p.pos += digits
	return string(rune(code))
}

// heredoc reads <<NAME, lines, and a line that has nothing but NAME.
func (p *hclParser) heredoc() hclString {
	s := hclString{Token: yamledit.Token{Style: yamledit.Block, Start: p.pos, IsString: true}}
	p.pos += len("<<")
	if p.has("-") {
		p.pos++
	}
	name := p.name()
	if name == "" || strings.TrimSpace(string(p.src[p.pos:lineEnd(p.src, p.pos)])) != "" {
		p.fail(s.Start, "the first line of a heredoc is more than << and a name")
		return s
	}
	p.pos = min(lineEnd(p.src, p.pos)+1, len(p.src))
	p.nested(false, func() {
		isStart := true
		for p.why == "" {
			end := lineEnd(p.src, p.pos)
			if isStart && strings.TrimSpace(string(p.src[p.pos:end])) == name {
				p.pos = end - len(p.src[p.pos:end]) + len(bytes.TrimRight(p.src[p.pos:end], " \t\r"))
				return
			}
			if p.pos == len(p.src) {
				p.fail(s.Start, "a heredoc has no line %s", name)
				return
			}
			if isStart = p.has("\n"); isStart {
				p.pos++
				continue
			}
			p.piece(&s)
		}
	})
	s.End = p.pos
	if p.why == "" {
		s.Text = string(p.src[s.Start:s.End])
	}
	return s
}
