package yamledit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
)

// A Text is YAML text, read once: its bytes, its documents, and the places of its
// template actions. Nothing changes it, and several goroutines may use it.
type Text struct {
	src     []byte // as given
	parsed  []byte // as the parser saw it: src, perhaps with placeholders
	mode    mode
	partial error // why the whole text could not be read, when mode is byLine
	actions []span
	docs    []*yaml.Node
	roots   []*Node // of the documents that have one

	lines     []int             // offset of each line of parsed, as the parser counts them
	feeds     lazy[[]int]       // offset behind each line feed of src
	marks     cache[int, []int] // by line: the offset of every markEvery-th column
	keys      cache[*yaml.Node, index]
	plainKeys cache[*yaml.Node, index]
	fields    cache[fieldOf, index]
	anchors   lazy[map[*yaml.Node]*anchor]
	embedded  cache[*yaml.Node, *Text]

	syntax Syntax               // of a text that is not YAML, or nil
	tokens map[*yaml.Node]Token // of its scalars

	outer *layer // where the text is embedded in another, or nil
}

// A mode is how a text is read.
type mode int

const (
	asWritten  mode = iota // as YAML
	asTemplate             // as YAML, with placeholders for the template actions
	byLine                 // each line with a key and a value by itself, with placeholders
	asJSON                 // as JSON, which YAML includes but for some escapes
)

// Read is [Parse] and, for a template that Parse cannot read, [ParseLines]: then
// [Text.Partial] returns the error of Parse. Where both fail, so does Read, with
// the error of Parse.
func Read(src []byte) (*Text, error) {
	whole, err := Parse(src)
	if err == nil {
		return whole, nil
	}
	lines, lineErr := ParseLines(src)
	if lineErr != nil {
		return nil, err
	}
	lines.partial = err
	return lines, nil
}

// Partial returns why only single lines of the text could be read, or nil when
// all of it was.
func (t *Text) Partial() error { return t.partial }

// Parse reads every document of src. Text with {{ … }} that is not YAML as it is
// written is read as a Helm template, with placeholders of the same length. Text
// that cannot be read is an [*Error] with the line near which reading stopped.
func Parse(src []byte) (*Text, error) {
	if err := checkBytes(src); err != nil {
		return nil, err
	}
	t := &Text{src: src, parsed: asVersion11(src), actions: templateActions(src)}
	err := t.decode()
	if len(t.actions) > 0 && (err != nil || holdsBareAction(t.docs)) {
		err = t.decodeTemplate()
	}
	if err != nil {
		return nil, err
	}
	return t, nil
}

// ParseLines reads a template that [Parse] cannot, line by line: each line that is
// a key with a single value becomes a document of its own, and the others are
// passed over. So a path of one key leads to many places. Text without template
// actions, or without any such line, is an [*Error].
func ParseLines(src []byte) (*Text, error) {
	if err := checkBytes(src); err != nil {
		return nil, err
	}
	t := &Text{src: src, actions: templateActions(src)}
	if len(t.actions) == 0 {
		return nil, &Error{Why: "is not a template"}
	}
	t.decodeLines()
	if len(t.docs) == 0 {
		return nil, &Error{Why: "has no line with a key and a value"}
	}
	return t, nil
}

func (t *Text) decode() error {
	docs, err := decode(t.parsed)
	if err != nil {
		return parseError(t, err)
	}
	if line := tooDeep(t.parsed, docs); line > 0 {
		return &Error{Line: line, Why: fmt.Sprintf("is nested deeper than %d levels", maxNesting)}
	}
	t.setDocuments(docs)
	return nil
}

func (t *Text) decodeTemplate() error {
	t.mode = asTemplate
	t.parsed = asVersion11(mask(t.src, t.actions))
	return t.decode()
}

var entryLine = lazyregexp.New(`^ *(?:- )?["']?[A-Za-z][A-Za-z0-9_-]*["']?: +[^ #|>&*!]`)

func (t *Text) decodeLines() {
	t.mode = byLine
	t.parsed = mask(t.src, t.actions)
	starts := lineStarts(t.parsed)
	var all []*yaml.Node
	for i, start := range starts {
		end := len(t.parsed)
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		line := t.parsed[start:end]
		if !entryLine.Match(line) {
			continue
		}
		if docs, err := decode(line); err == nil && len(docs) == 1 && isEntryLine(docs[0]) {
			moveDown(docs, i)
			all = append(all, docs...)
		}
	}
	t.setDocuments(all)
}

func isEntryLine(doc *yaml.Node) bool {
	n := doc.Content[0]
	if n.Kind == yaml.SequenceNode && len(n.Content) == 1 {
		n = n.Content[0]
	}
	return n.Kind == yaml.MappingNode && len(n.Content) == 2 && n.Content[1].Kind == yaml.ScalarNode
}

func moveDown(nodes []*yaml.Node, lines int) {
	for _, n := range nodes {
		n.Line += lines
		moveDown(n.Content, lines)
	}
}

func (t *Text) setDocuments(docs []*yaml.Node) {
	t.docs = docs
	t.lines = lineStarts(t.parsed)
	for i, doc := range docs {
		if len(doc.Content) > 0 {
			t.roots = append(t.roots, &Node{text: t, yaml: doc.Content[0], index: -1, doc: i})
		}
	}
}

// asVersion11 changes %YAML 1.2, which the parser knows by another name only, to
// 1.1. The length stays the same.
func asVersion11(src []byte) []byte {
	directive := []byte("%YAML 1.2")
	if !bytes.Contains(src, directive) {
		return src
	}
	text := bytes.ReplaceAll(src, append([]byte("\n"), directive...), []byte("\n%YAML 1.1"))
	if bytes.HasPrefix(bytes.TrimPrefix(text, byteOrderMark), directive) {
		text[bytes.Index(text, directive)+len(directive)-1] = '1'
	}
	return text
}

// checkBytes refuses bytes that are not a text that YAML allows.
func checkBytes(src []byte) error {
	if err := checkPlainFile(src); err != nil {
		return err
	}
	switch {
	case bytes.HasPrefix(src, []byte("\xff\xfe")), bytes.HasPrefix(src, []byte("\xfe\xff")):
		return &Error{Why: "is UTF-16", Help: "convert it to UTF-8"}
	case bytes.IndexByte(src, 0) >= 0:
		return &Error{Line: lineAt(src, bytes.IndexByte(src, 0)), Why: "has a NUL byte, so it is not a text"}
	case !utf8.Valid(src):
		return &Error{Line: lineAt(src, firstInvalid(src)), Why: "is not UTF-8", Help: "convert it to UTF-8"}
	}
	return nil
}

// firstInvalid returns the offset of the first byte that is not UTF-8.
func firstInvalid(src []byte) int {
	offset := 0
	for offset < len(src) {
		r, size := utf8.DecodeRune(src[offset:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		offset += size
	}
	return offset
}

// decode reads all documents; yaml.Unmarshal would stop after the first.
func decode(src []byte) (docs []*yaml.Node, err error) {
	defer func() {
		if cause := recover(); cause != nil { // yaml.v3 has panicked on odd input before
			docs, err = nil, fmt.Errorf("yaml: %v", cause)
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(src))
	for {
		doc := new(yaml.Node)
		switch err := decoder.Decode(doc); {
		case errors.Is(err, io.EOF):
			return docs, nil
		case err != nil:
			return nil, err
		}
		docs = append(docs, doc)
	}
}

// maxNesting is how many mappings and lists may be inside each other. Paths grow
// with the nesting, so without a bound a small file could cost a lot.
const maxNesting = 500

// tooDeep returns the line of a node that is nested too deeply, or 0. Each level
// takes a byte at least.
func tooDeep(src []byte, docs []*yaml.Node) int {
	if len(src) <= maxNesting {
		return 0
	}
	var deeper func(nodes []*yaml.Node, depth int) int
	deeper = func(nodes []*yaml.Node, depth int) int {
		for _, n := range nodes {
			if depth > maxNesting {
				return n.Line
			}
			if line := deeper(n.Content, depth+1); line > 0 {
				return line
			}
		}
		return 0
	}
	return deeper(docs, 0)
}

// holdsBareAction reports whether a {{ … }} was read as a flow mapping whose key
// is a flow mapping, which YAML allows and nobody writes on purpose.
func holdsBareAction(nodes []*yaml.Node) bool {
	for _, n := range nodes {
		if n.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle != 0 &&
			len(n.Content) == 2 && n.Content[0].Kind == yaml.MappingNode {
			return true
		}
		if holdsBareAction(n.Content) {
			return true
		}
	}
	return false
}

var errorLine = lazyregexp.New(`^(?:yaml: )?(?:line (\d+): )?`)

func parseError(t *Text, err error) error {
	match := errorLine.FindStringSubmatch(err.Error())
	why := strings.TrimPrefix(err.Error(), match[0])
	line, noLine := strconv.Atoi(match[1])
	if noLine != nil {
		line = lineWithout(t.parsed, why)
	}
	if starts := lineStarts(t.parsed); line <= len(starts) {
		line = lineAt(t.src, starts[line-1])
	}
	// The parser's line is often a few off, hence "near" and not the Line field.
	return &Error{Why: fmt.Sprintf("cannot be parsed near line %d: %s", line, why)}
}

var unknownAnchor = lazyregexp.New(`^unknown anchor '(.+)'`)

// lineWithout finds the line of an error that the parser gives none: of an alias, of a
// character, and of all that is wrong on the first line.
func lineWithout(parsed []byte, why string) int {
	at := bytes.IndexFunc(parsed, isForbidden)
	if anchor := unknownAnchor.FindStringSubmatch(why); anchor != nil {
		at = bytes.Index(parsed, []byte("*"+anchor[1]))
	}
	return 1 + bytes.Count(parsed[:max(0, at)], []byte("\n"))
}

// isForbidden reports whether YAML 1.2 (5.1, c-printable) has no such character.
func isForbidden(r rune) bool {
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r >= 0x7f && r < 0xa0 && r != 0x85 || r == 0xfffe || r == 0xffff
}

// IsTemplate reports whether the text was read with placeholders for its {{ … }}.
func (t *Text) IsTemplate() bool { return t.mode == asTemplate || t.mode == byLine }

// Documents lists the root of each document that has one, in order.
func (t *Text) Documents() []*Node { return append([]*Node(nil), t.roots...) }
