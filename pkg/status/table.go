package status

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tagbump/tagbump/pkg/safetext"
)

// Table writes a report for a terminal of the given width: a row for each image and
// a column for each environment, or, where that is too wide, a line for each image in
// each environment. Tags are never cut.
func Table(r Report, width int) string {
	if len(r.Images) == 0 {
		return "no images\n"
	}
	matrix := alignedText(matrixOf(r))
	if widest(matrix) <= width {
		return matrix
	}
	return listing(r, width)
}

// matrixOf has a header, and the lines of each image.
func matrixOf(r Report) [][]string {
	header := []string{"IMAGE"}
	for _, name := range r.Environments {
		header = append(header, strings.ToUpper(safetext.Line(name)))
	}
	lines := [][]string{append(header, "NEWEST")}
	for _, img := range r.Images {
		cells := [][]string{{safetext.Line(img.Repository)}}
		for _, cell := range img.Cells {
			cells = append(cells, cellLines(r, cell))
		}
		lines = append(lines, sideBySide(append(cells, newestLines(r, img)))...)
	}
	return lines
}

// cellLines has the tags of a cell, each with its age, and the notes below.
func cellLines(r Report, cell Cell) []string {
	if len(cell.Deployed) == 0 {
		return []string{"-"}
	}
	var lines []string
	for _, one := range cell.Deployed {
		lines = append(lines, withAge(one.short(), one.age(r.At)))
		for _, note := range one.Notes() {
			lines = append(lines, "  "+note)
		}
		if since := one.Since(r.At); since != "" {
			lines = append(lines, "  "+since)
		}
	}
	for _, note := range slices.Concat(cell.Notes(), cell.Proposals()) {
		lines = append(lines, "  "+note)
	}
	if cell.IsHealthy() {
		lines = append(lines, "  healthy")
	}
	return lines
}

func newestLines(r Report, img Image) []string {
	if img.Newest == nil {
		return []string{"?"}
	}
	lines := []string{withAge(safetext.Line(img.Newest.Tag), img.Newest.age(r.At))}
	if len(img.Newest.Missing) > 0 {
		lines = append(lines, "  no "+strings.Join(img.Newest.Missing, ", "))
	}
	return lines
}

func withAge(tag, age string) string {
	if age == "" {
		return tag
	}
	return tag + "  " + age
}

// short returns the deployed tag, else the beginning of the digest.
func (d Deployed) short() string {
	if d.Tag == "" {
		return safetext.Line(fmt.Sprintf("%.19s", d.Digest))
	}
	return safetext.Line(d.Tag)
}

// sideBySide turns the lines of cells into lines of a table.
func sideBySide(cells [][]string) [][]string {
	height := 0
	for _, cell := range cells {
		height = max(height, len(cell))
	}
	lines := make([][]string, height)
	for i := range lines {
		for _, cell := range cells {
			text := ""
			if i < len(cell) {
				text = cell[i]
			}
			lines[i] = append(lines[i], text)
		}
	}
	return lines
}

const gap = "  "

// alignedText sets lines in columns.
func alignedText(lines [][]string) string {
	var widths []int
	for _, line := range lines {
		for i, text := range line {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(text))
		}
	}
	var b strings.Builder
	for _, line := range lines {
		var text strings.Builder
		for i, cell := range line {
			fmt.Fprintf(&text, "%-*s%s", widths[i], cell, gap)
		}
		b.WriteString(strings.TrimRight(text.String(), " ") + "\n")
	}
	return b.String()
}

func widest(text string) int {
	most := 0
	for line := range strings.Lines(text) {
		most = max(most, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")))
	}
	return most
}

// listing has a paragraph for each image.
func listing(r Report, width int) string {
	var b strings.Builder
	names := 0
	for _, name := range r.Environments {
		names = max(names, utf8.RuneCountInString(safetext.Line(name)))
	}
	names = max(names, len("newest"))
	for _, img := range r.Images {
		b.WriteString(safetext.Line(img.Repository) + "\n")
		write := func(name string, lines []string) {
			for _, line := range fold(lines, width-names-2*len(gap)) {
				fmt.Fprintf(&b, "%s\n", strings.TrimRight(fmt.Sprintf("%s%-*s%s%s", gap, names, name, gap, line), " "))
				name = ""
			}
		}
		for i, cell := range img.Cells {
			if len(cell.Deployed) == 0 && img.isDeployed() {
				continue
			}
			write(safetext.Line(r.Environments[i]), cellLines(r, cell))
		}
		write("newest", newestLines(r, img))
	}
	return b.String()
}

// isDeployed reports whether any environment has the image.
func (img Image) isDeployed() bool {
	return slices.ContainsFunc(img.Cells, func(c Cell) bool { return len(c.Deployed) > 0 })
}

// fold puts notes behind the line that they belong to, as long as they fit.
func fold(lines []string, width int) []string {
	var folded []string
	for _, line := range lines {
		note, isNote := strings.CutPrefix(line, "  ")
		last := len(folded) - 1
		if isNote && last >= 0 && utf8.RuneCountInString(folded[last])+2+utf8.RuneCountInString(note) <= width {
			folded[last] += ", " + note
			continue
		}
		folded = append(folded, line)
	}
	return folded
}
