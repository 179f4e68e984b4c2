package yamledit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// A Text is YAML text, read once: its bytes, its documents, and the places of
// its template actions. It is not changed by anything.
type Text struct {
	src     []byte // as given
	parsed  []byte // as the parser saw it; src, or src with placeholders
	mode    mode
	partial error // why the whole text could not be read, when mode is byLine
	actions []span
	lines   []int // offset of each line of parsed, as the parser counts them
	docs    []*yaml.Node

	outer *Node   // the block scalar that src was taken from, or nil
	moved []moved // where src's lines stand in outer's text
}

// A mode is how a text is read.
type mode int

const (
	asWritten  mode = iota // as YAML
	asTemplate             // as YAML, with placeholders for the template actions
	byLine                 // each line with a key and a value by itself, with placeholders
)

// moved says that the bytes from start on stand at outer in the outer text.
type moved struct{ start, outer int }

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

// Parse reads every document of src. Text with {{ … }} that is no YAML as it
// stands is read with same-length placeholders, as a Helm template. An [*Error]
// comes back for what cannot be read, with the line near which reading stopped.
func Parse(src []byte) (*Text, error) {
	if err := checkEncoding(src); err != nil {
		return nil, err
	}
	t := &Text{src: src, parsed: asVersion11(src), actions: templateActions(src)}
	docs, err := decode(t.parsed)
	if len(t.actions) > 0 && (err != nil || holdsBareAction(docs)) {
		return parseTemplate(t)
	}
	if err != nil {
		return nil, parseError(t, err)
	}
	t.docs = docs
	t.lines = lineStarts(t.parsed)
	return t, nil
}

func parseTemplate(t *Text) (*Text, error) {
	t.mode = asTemplate
	t.parsed = asVersion11(mask(t.src, t.actions))
	t.lines = lineStarts(t.parsed)
	var err error
	if t.docs, err = decode(t.parsed); err != nil {
		return nil, parseError(t, err)
	}
	return t, nil
}

// ParseLines reads a template that [Parse] cannot, line by line: each line that
// is a key with a single value becomes a document of its own, and the others are
// passed over. So a path of one key leads to many places. Text without template
// actions, or without any such line, is an [*Error].
func ParseLines(src []byte) (*Text, error) {
	if err := checkEncoding(src); err != nil {
		return nil, err
	}
	t := &Text{src: src, parsed: src, actions: templateActions(src)}
	if len(t.actions) == 0 {
		return nil, &Error{Why: "is no template"}
	}
	t.readLines()
	if len(t.docs) == 0 {
		return nil, &Error{Why: "has no line with a key and a value"}
	}
	return t, nil
}

var entryLine = regexp.MustCompile(`^ *(?:- )?["']?[A-Za-z][A-Za-z0-9_-]*["']?: +[^ #|>&*!]`)

func (t *Text) readLines() {
	t.mode = byLine
	t.parsed = mask(t.src, t.actions)
	t.lines = lineStarts(t.parsed)
	for i, start := range t.lines {
		end := len(t.parsed)
		if i+1 < len(t.lines) {
			end = t.lines[i+1]
		}
		line := t.parsed[start:end]
		if !entryLine.Match(line) {
			continue
		}
		if docs, err := decode(line); err == nil && len(docs) == 1 && isEntryLine(docs[0]) {
			moveDown(docs, i)
			t.docs = append(t.docs, docs...)
		}
	}
}

func isEntryLine(doc *yaml.Node) bool {
	n := doc.Content[0]
	if n.Kind == yaml.SequenceNode && len(n.Content) == 1 {
		n = n.Content[0]
	}
	return n.Kind == yaml.MappingNode && len(n.Content) == 2 && n.Content[1].Kind == yaml.ScalarNode
}

// asVersion11 lets the parser read what says that it is YAML 1.2, which it
// refuses by name only. The length stays.
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

func moveDown(nodes []*yaml.Node, lines int) {
	for _, n := range nodes {
		n.Line += lines
		moveDown(n.Content, lines)
	}
}

func checkEncoding(src []byte) error {
	if err := checkPlainFile(src); err != nil {
		return err
	}
	switch {
	case bytes.HasPrefix(src, []byte("\xff\xfe")), bytes.HasPrefix(src, []byte("\xfe\xff")):
		return &Error{Why: "is UTF-16", Help: "convert it to UTF-8"}
	case bytes.IndexByte(src, 0) >= 0:
		return &Error{Line: lineAt(src, bytes.IndexByte(src, 0)), Why: "has a NUL byte, so it is no YAML"}
	case !utf8.Valid(src):
		return &Error{Line: lineAt(src, invalidAt(src)), Why: "is not UTF-8", Help: "convert it to UTF-8"}
	}
	return nil
}

func invalidAt(src []byte) int {
	for at := 0; at < len(src); {
		r, size := utf8.DecodeRune(src[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
	return len(src)
}

// decode reads all documents; Unmarshal would stop behind the first.
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

// holdsBareAction reports whether a {{ … }} was read as a flow mapping whose
// key is a flow mapping, which YAML allows and nobody writes on purpose.
func holdsBareAction(docs []*yaml.Node) bool {
	for _, n := range docs {
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

var errorLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)

func parseError(t *Text, err error) error {
	text := err.Error()
	match := errorLine.FindStringSubmatch(text)
	why := "cannot be parsed: " + text[len(match[0]):]
	line, _ := strconv.Atoi(match[1])
	if line == 0 {
		return &Error{Why: why}
	}
	if t.lines == nil {
		t.lines = lineStarts(t.parsed)
	}
	if line <= len(t.lines) {
		line = lineAt(t.src, t.lines[line-1])
	}
	// The parser's line is often a few off, hence "near" and not the Line field.
	return &Error{Why: fmt.Sprintf("cannot be parsed near line %d: %s", line, strings.TrimPrefix(why, "cannot be parsed: "))}
}

// lineStarts lists where lines start as yaml.v3 counts them: behind LF, CR LF,
// CR, NEL, LS and PS. A byte order mark stands before line 1's first column.
func lineStarts(text []byte) []int {
	starts := make([]int, 1, 1+bytes.Count(text, []byte("\n")))
	if bytes.HasPrefix(text, byteOrderMark) {
		starts[0] = len(byteOrderMark)
	}
	for at := 0; at < len(text); at++ {
		switch c := text[at]; {
		case c == '\n':
			starts = append(starts, at+1)
		case c == '\r' && !bytes.HasPrefix(text[at+1:], []byte("\n")):
			starts = append(starts, at+1)
		case c == 0xc2 && bytes.HasPrefix(text[at:], []byte("\u0085")):
			starts = append(starts, at+2)
		case c == 0xe2 && (bytes.HasPrefix(text[at:], []byte("\u2028")) || bytes.HasPrefix(text[at:], []byte("\u2029"))):
			starts = append(starts, at+3)
		}
	}
	return starts
}

// lineAt is the line (1-based) of the offset as editors and git count: by line feeds.
func lineAt(src []byte, at int) int {
	return 1 + bytes.Count(src[:min(at, len(src))], []byte("\n"))
}

// offset is where the node starts, in bytes of t.src; false when the parser's
// position lies outside the text (an empty document at its very end).
func (t *Text) offset(n *yaml.Node) (int, bool) {
	if n.Line < 1 || n.Line > len(t.lines) {
		return 0, false
	}
	at := t.lines[n.Line-1]
	for range n.Column - 1 {
		if at >= len(t.parsed) {
			return 0, false
		}
		if t.parsed[at] < utf8.RuneSelf {
			at++
			continue
		}
		_, size := utf8.DecodeRune(t.parsed[at:])
		at += size
	}
	return at, true
}

// line is the node's line in the outermost text.
func (t *Text) line(n *yaml.Node) int {
	at, ok := t.offset(n)
	if !ok {
		return 0
	}
	root := t.root()
	return lineAt(root.src, t.rootOffset(at))
}

func (t *Text) root() *Text {
	for t.outer != nil {
		t = t.outer.text
	}
	return t
}

// rootOffset is where the byte at stands in the outermost text.
func (t *Text) rootOffset(at int) int {
	for ; t.outer != nil; t = t.outer.text {
		i := sort.Search(len(t.moved), func(i int) bool { return t.moved[i].start > at }) - 1
		at = t.moved[i].outer + at - t.moved[i].start
	}
	return at
}

// actionsIn lists the template actions that touch s.
func (t *Text) actionsIn(s span) []span {
	first := sort.Search(len(t.actions), func(i int) bool { return t.actions[i].end > s.start })
	last := first
	for last < len(t.actions) && t.actions[last].start < s.end {
		last++
	}
	return t.actions[first:last]
}

// IsTemplate reports whether the text was read with placeholders for its {{ … }}.
func (t *Text) IsTemplate() bool { return t.mode != asWritten }
