package manual

import (
	"cmp"
	"strings"
)

// Roff writes blocks as the body of a man page, for man's macros.
func Roff(blocks []Block) string {
	var b strings.Builder
	for _, block := range blocks {
		switch block.Kind {
		case Heading:
			b.WriteString(".SH " + escaped(strings.ToUpper(plain(block.Text))) + "\n")
		case Paragraph:
			b.WriteString(".PP\n" + roffLine(block.Text) + "\n")
		case Item:
			b.WriteString(".IP \\(bu 2\n" + roffLine(block.Text) + "\n")
		case Code:
			b.WriteString(".PP\n.RS 4\n.nf\n")
			for line := range strings.Lines(block.Text) {
				b.WriteString(escaped(strings.TrimSuffix(line, "\n")) + "\n")
			}
			b.WriteString(".fi\n.RE\n")
		case Table:
			writeRows(&b, block.Rows)
		}
	}
	return b.String()
}

// writeRows writes each row of a table as a paragraph with a tag: the first cell.
// The heading is left out.
func writeRows(b *strings.Builder, rows [][]string) {
	for _, row := range rows[min(1, len(rows)):] {
		var rest []string
		for _, cell := range row[1:] {
			if cell != "" {
				rest = append(rest, roffLine(cell))
			}
		}
		b.WriteString(".TP\n" + cmp.Or(roffLine(row[0]), `\&`) + "\n" + strings.Join(rest, "; ") + "\n")
	}
}

// roffLine writes a line with its marks as bold.
func roffLine(text string) string {
	var b strings.Builder
	for _, span := range Spans(text) {
		if span.Strong {
			b.WriteString(`\fB` + escaped(span.Text) + `\fR`)
			continue
		}
		b.WriteString(escaped(span.Text))
	}
	return strings.TrimSpace(b.String())
}

// escaped protects what roff would obey: backslashes, hyphens, and a dot or a quote
// at the beginning of a line.
func escaped(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}
