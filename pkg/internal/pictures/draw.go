package main

import (
	"fmt"
	"html"
	"strings"
	"unicode"
)

// The size of the picture's text, in pixels, and of the terminal.
const (
	columns               = 80
	charWidth, lineHeight = 8.4, 20.0
	margin                = 20.0
)

// style has the colours of GitHub's own two themes. A word's class is the name of its
// colour, b for bold, d for dim.
const style = `
svg { --back: #ffffff; --edge: #d0d7de; --text: #1f2328; --red: #cf222e; --green: #116329; --yellow: #7d4e00; --cyan: #0550ae; --dim: #59636e }
@media (prefers-color-scheme: dark) {
svg { --back: #0d1117; --edge: #3d444d; --text: #e6edf3; --red: #ff7b72; --green: #7ee787; --yellow: #e3b341; --cyan: #79c0ff; --dim: #9198a1 }
}
rect { fill: var(--back); stroke: var(--edge) }
text { fill: var(--text); font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; white-space: pre }
.b { font-weight: bold } .d { fill: var(--dim) }
.red { fill: var(--red) } .green { fill: var(--green) } .yellow { fill: var(--yellow) } .cyan { fill: var(--cyan) }
`

// classes are those of the SGR codes that tagbump prints; "0" ends them all.
var classes = map[string]string{"1": "b", "2": "d", "31": "red", "32": "green", "33": "yellow", "36": "cyan"}

// draw returns the picture of a text. It refuses control characters other than those
// of classes.
func draw(text string) (string, error) {
	var rows []row
	for i, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		more, err := rowsOf(line)
		if err != nil {
			return "", fmt.Errorf("line %d: %w", i+1, err)
		}
		rows = append(rows, more...)
	}
	width, height := 2*margin+columns*charWidth, 2*margin+float64(len(rows))*lineHeight
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %[1]g %[2]g">`+"\n", width, height)
	fmt.Fprintf(&out, "<style>%s</style>\n", style)
	fmt.Fprintf(&out, `<rect x="0.5" y="0.5" width="%g" height="%g" rx="8"/>`+"\n", width-1, height-1)
	for i, row := range rows {
		if row.length > 0 {
			y := margin + (float64(i)+0.75)*lineHeight
			fmt.Fprintf(&out, `<text x="%g" y="%g" textLength="%g">%s</text>`+"\n", margin, y, float64(row.length)*charWidth, row.markup)
		}
	}
	out.WriteString("</svg>\n")
	return out.String(), nil
}

// A row is one line of the terminal.
type row struct {
	markup string
	length int // columns
}

func (r *row) add(classes []string, text []rune) {
	r.markup += span(classes, string(text))
	r.length += len(text)
}

// rowsOf returns the rows that a line takes: a terminal goes on in the next one when
// the last column is full.
func rowsOf(line string) ([]row, error) {
	if command, found := strings.CutPrefix(line, "$ "); found {
		line = "\x1b[32m$\x1b[0m \x1b[1m" + command + "\x1b[0m"
	}
	rows := make([]row, 1)
	var open []string
	for i, part := range strings.Split(line, "\x1b[") {
		if i > 0 {
			code, rest, found := strings.Cut(part, "m")
			class, known := classes[code]
			switch {
			case found && code == "0":
				open = nil
			case found && known:
				open = append(open, class)
			default:
				return nil, fmt.Errorf("escape sequence %q", code)
			}
			part = rest
		}
		if at := strings.IndexFunc(part, unicode.IsControl); at >= 0 {
			return nil, fmt.Errorf("control character %q", part[at])
		}
		text := []rune(part)
		for last := &rows[len(rows)-1]; last.length+len(text) > columns; last = &rows[len(rows)-1] {
			fits := columns - last.length
			last.add(open, text[:fits])
			text = text[fits:]
			rows = append(rows, row{})
		}
		rows[len(rows)-1].add(open, text)
	}
	return rows, nil
}

func span(open []string, text string) string {
	escaped := html.EscapeString(text)
	if len(open) == 0 || text == "" {
		return escaped
	}
	return fmt.Sprintf(`<tspan class="%s">%s</tspan>`, strings.Join(open, " "), escaped)
}
