// Package manual lays out the help texts, which are written in a small part of
// Markdown, for a terminal and as man pages.
//
// The part is: headings with #, paragraphs, lists with "- ", fenced code, tables,
// and within a line `code`, **strong** and [links](target). [Parse] reads it into
// blocks; [Text] and [Roff] write the blocks.
//
// One trap: a table of Markdown has one line per row, however long. In a terminal
// its cells are wrapped, so that the table fits into the width.
package manual

import "strings"

// A Kind says what a block is.
type Kind int

// The kinds of blocks.
const (
	Paragraph Kind = iota
	Heading
	Item // of a list
	Code
	Table
)

// A Block is one piece of a text.
type Block struct {
	Kind  Kind
	Level int        // of a heading, 1 for the title
	Text  string     // without marks of the block; of Code with its line ends
	Rows  [][]string // of a table, the heading first
}

// Parse returns the blocks of a text.
func Parse(text string) []Block {
	p := parser{lines: strings.Split(text, "\n")}
	for len(p.lines) > 0 {
		p.step()
	}
	return p.blocks
}

// A parser takes lines from the front and adds blocks.
type parser struct {
	lines  []string
	blocks []Block
}

// step reads one block, or skips a blank line.
func (p *parser) step() {
	line := p.lines[0]
	switch {
	case strings.TrimSpace(line) == "":
		p.lines = p.lines[1:]
	case strings.HasPrefix(line, "```"):
		p.lines = p.lines[1:]
		code := p.while(func(line string) bool { return !strings.HasPrefix(line, "```") })
		p.lines = p.lines[min(1, len(p.lines)):]
		p.add(Block{Kind: Code, Text: strings.Join(code, "\n") + "\n"})
	case strings.HasPrefix(line, "#"):
		p.lines = p.lines[1:]
		title := strings.TrimLeft(line, "#")
		p.add(Block{Kind: Heading, Level: len(line) - len(title), Text: strings.TrimSpace(title)})
	case strings.HasPrefix(line, "|"):
		p.table()
	case strings.HasPrefix(line, "- "):
		p.lines[0] = line[2:]
		p.add(Block{Kind: Item, Text: joined(p.while(continues))})
	default:
		p.add(Block{Kind: Paragraph, Text: joined(p.while(continues))})
	}
}

func (p *parser) add(block Block) { p.blocks = append(p.blocks, block) }

// while takes lines for which wanted is true. It takes at least the first line
// that is no fence.
func (p *parser) while(wanted func(line string) bool) []string {
	n := 0
	for n < len(p.lines) && wanted(p.lines[n]) {
		n++
	}
	taken := p.lines[:n]
	p.lines = p.lines[n:]
	return taken
}

// continues reports whether a line belongs to the paragraph or item above it.
func continues(line string) bool {
	return strings.TrimSpace(line) != "" && !startsBlock(line)
}

func startsBlock(line string) bool {
	for _, mark := range []string{"```", "#", "|", "- "} {
		if strings.HasPrefix(line, mark) {
			return true
		}
	}
	return false
}

func joined(lines []string) string {
	return strings.Join(strings.Fields(strings.Join(lines, " ")), " ")
}

// table reads the rows of a table. The row of dashes below the heading is dropped.
func (p *parser) table() {
	var rows [][]string
	for _, line := range p.while(func(line string) bool { return strings.HasPrefix(line, "|") }) {
		row := cells(line)
		if strings.Trim(strings.Join(row, ""), "-: ") != "" {
			rows = append(rows, row)
		}
	}
	p.add(Block{Kind: Table, Rows: rows})
}

// cells splits a row at its bars; \| is a bar in a cell.
func cells(line string) []string {
	const bar = "\x00"
	line = strings.TrimSpace(strings.ReplaceAll(line, `\|`, bar))
	line = strings.TrimSuffix(strings.TrimPrefix(line, "|"), "|")
	row := strings.Split(line, "|")
	for i, cell := range row {
		row[i] = strings.TrimSpace(strings.ReplaceAll(cell, bar, "|"))
	}
	return row
}

// A Span is a piece of a line.
type Span struct {
	Text   string
	Strong bool // code or strong
}

// Spans splits a line at its marks. A link becomes its text, and the target behind it
// unless it points into the same document. A mark behind a backslash is text, see
// [Literal].
func Spans(text string) []Span {
	var spans []Span
	add := func(text string, strong bool) {
		if text != "" {
			spans = append(spans, Span{text, strong})
		}
	}
	for {
		i := strings.IndexAny(text, marks)
		if i < 0 {
			add(text, false)
			return spans
		}
		if text[i] == '\\' && i+1 < len(text) && strings.IndexByte(marks, text[i+1]) >= 0 {
			add(text[:i]+text[i+1:i+2], false)
			text = text[i+2:]
			continue
		}
		inner, after, found, strong := mark(text[i:])
		if !found {
			add(text[:i+1], false)
			text = text[i+1:]
			continue
		}
		add(text[:i], false)
		add(inner, strong)
		text = after
	}
}

// marks are the characters with which a mark can begin, and the one that protects them.
const marks = "`*[\\"

// Literal returns a line that [Spans] reads as text, without any marks.
func Literal(text string) string {
	return strings.NewReplacer("`", "\\`", "*", `\*`, "[", `\[`, `\`, `\\`).Replace(text)
}

// mark reads the mark that text begins with, and returns what it holds and what
// comes after it.
func mark(text string) (inner, after string, found, strong bool) {
	switch {
	case text[0] == '`':
		inner, after, found = strings.Cut(text[1:], "`")
		return inner, after, found, true
	case strings.HasPrefix(text, "**"):
		inner, after, found = strings.Cut(text[2:], "**")
		return strings.ReplaceAll(inner, "`", ""), after, found, true // code may be in it
	case text[0] == '[':
		label, rest, ok := strings.Cut(text[1:], "](")
		target, after, closed := strings.Cut(rest, ")")
		if !ok || !closed {
			return "", "", false, false
		}
		if strings.Contains(target, "://") {
			label += " (" + target + ")"
		}
		return strings.ReplaceAll(label, "`", ""), after, true, false
	}
	return "", "", false, false
}
