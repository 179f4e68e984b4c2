package manual

import (
	"strings"
	"unicode/utf8"
)

// A Layout says how [Text] writes.
type Layout struct {
	Width  int                      // columns; 0 is 80
	Strong func(text string) string // for headings and code; nil leaves them as they are
}

const (
	defaultWidth = 80
	indent       = "  "
)

// Text writes blocks for a terminal: no line is longer than the width, unless one
// word or a line of code is.
func Text(blocks []Block, layout Layout) string {
	w := textWriter{width: layout.Width, strong: layout.Strong}
	if w.width <= 0 {
		w.width = defaultWidth
	}
	if w.strong == nil {
		w.strong = func(text string) string { return text }
	}
	for i, block := range blocks {
		tight := i > 0 && block.Kind == Item && blocks[i-1].Kind == Item
		if i > 0 && !tight {
			w.b.WriteString("\n")
		}
		w.block(block)
	}
	return w.b.String()
}

type textWriter struct {
	b      strings.Builder
	width  int
	strong func(string) string
}

func (w *textWriter) block(block Block) {
	switch block.Kind {
	case Heading:
		w.line(w.strong(plain(block.Text)))
	case Item:
		for i, line := range w.wrap(block.Text, w.width-len(indent)) {
			w.line([]string{"- ", indent}[min(i, 1)] + line.text)
		}
	case Code:
		for line := range strings.Lines(block.Text) {
			w.b.WriteString(strings.TrimRight(indent+line, " \n") + "\n")
		}
	case Table:
		w.table(block.Rows)
	case Paragraph:
		for _, line := range w.wrap(block.Text, w.width) {
			w.line(line.text)
		}
	}
}

// line writes one line.
func (w *textWriter) line(text string) {
	w.b.WriteString(strings.TrimRight(text, " ") + "\n")
}

// wrap breaks a text with marks into lines of at most width columns.
func (w *textWriter) wrap(text string, width int) []measured {
	var words []measured
	glued := false // the next piece belongs to the last word
	for _, span := range Spans(text) {
		fields := strings.Fields(span.Text)
		if len(fields) == 0 {
			glued = false
			continue
		}
		glued = glued && !strings.HasPrefix(span.Text, " ")
		for i, field := range fields {
			shown := field
			if span.Strong {
				shown = w.strong(field)
			}
			size := utf8.RuneCountInString(field)
			if i == 0 && glued {
				last := &words[len(words)-1]
				last.text, last.size = last.text+shown, last.size+size
				continue
			}
			words = append(words, measured{shown, size})
		}
		glued = !strings.HasSuffix(span.Text, " ")
	}
	return fill(words, width)
}

// A measured text says how many columns it takes: it may hold what a terminal does
// not show.
type measured struct {
	text string
	size int
}

// fill sets words into lines of at most width columns. There is one line at least.
func fill(words []measured, width int) []measured {
	lines := make([]measured, 1)
	for _, word := range words {
		last := &lines[len(lines)-1]
		switch {
		case last.size == 0:
			*last = word
		case last.size+1+word.size <= width:
			last.text, last.size = last.text+" "+word.text, last.size+1+word.size
		default:
			lines = append(lines, word)
		}
	}
	return lines
}

// Wrap breaks a text without marks into lines of at most width columns.
func Wrap(text string, width int) []string {
	var words []measured
	for _, field := range strings.Fields(text) {
		words = append(words, measured{field, utf8.RuneCountInString(field)})
	}
	var lines []string
	for _, line := range fill(words, width) {
		lines = append(lines, line.text)
	}
	return lines
}

// plain returns a line without its marks.
func plain(text string) string {
	var b strings.Builder
	for _, span := range Spans(text) {
		b.WriteString(span.Text)
	}
	return b.String()
}

// table writes rows with aligned columns, of which the wide ones are wrapped.
func (w *textWriter) table(rows [][]string) {
	widths := columnWidths(rows, w.width-len(indent))
	for i, row := range rows {
		if i == 0 {
			row = strongCells(row)
		}
		w.row(row, widths)
	}
}

// strongCells marks the cells of a heading as strong.
func strongCells(row []string) []string {
	marked := make([]string, len(row))
	for i, cell := range row {
		if cell != "" && plain(cell) == cell {
			cell = "**" + cell + "**"
		}
		marked[i] = cell
	}
	return marked
}

func (w *textWriter) row(row []string, widths []int) {
	columns := make([][]measured, len(row))
	height := 0
	for i, cell := range row {
		columns[i] = w.wrap(cell, widths[i])
		height = max(height, len(columns[i]))
	}
	for n := range height {
		text := indent
		for i, column := range columns {
			var cell measured
			if n < len(column) {
				cell = column[n]
			}
			text += cell.text + strings.Repeat(" ", max(0, widths[i]-cell.size)) + indent
		}
		w.line(text)
	}
}

// columnWidths gives each column its widest cell if all fit into width. Otherwise
// the narrow columns keep that, and the wide ones share the rest.
func columnWidths(rows [][]string, width int) []int {
	var natural []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(natural) {
				natural = append(natural, 0)
			}
			natural[i] = max(natural[i], utf8.RuneCountInString(plain(cell)))
		}
	}
	free := width - len(indent)*len(natural)
	widths := make([]int, len(natural))
	for left := len(natural); left > 0; {
		share, placed := max(free/left, 8), 0
		for i, size := range natural {
			if widths[i] == 0 && size <= share {
				widths[i] = max(size, 1)
				free -= widths[i]
				placed++
			}
		}
		if left -= placed; placed > 0 {
			continue
		}
		for i := range natural {
			if widths[i] == 0 {
				widths[i] = share
			}
		}
		break
	}
	return widths
}
