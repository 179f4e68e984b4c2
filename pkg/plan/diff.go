package plan

import (
	"bytes"
	"fmt"
	"strings"
)

// Diff renders the plan as git diff does (without its index lines): three lines
// of context, line ends as they are. git apply takes it.
func (p *Plan) Diff() []byte {
	var out bytes.Buffer
	for _, f := range p.Files {
		writeFileDiff(&out, f)
	}
	return out.Bytes()
}

const context = 3

func writeFileDiff(out *bytes.Buffer, f File) {
	a, b := splitLines(f.Before), splitLines(f.After)
	fmt.Fprintf(out, "diff --git %s %s\n", quoteName("a/"+f.Name), quoteName("b/"+f.Name))
	fmt.Fprintf(out, "--- %s\n+++ %s\n", headerName("a/"+f.Name), headerName("b/"+f.Name))
	for _, h := range hunks(differences(a, b)) {
		h.write(out, a, b)
	}
}

// quoteName writes a name as git does (core.quotePath): in C style when it has
// quotes, backslashes, control characters or bytes beyond ASCII.
func quoteName(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		switch {
		case c == '"' || c == '\\':
			b.WriteString(`\` + string(c))
		case c == '\t':
			b.WriteString(`\t`)
		case c == '\n':
			b.WriteString(`\n`)
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, `\%03o`, c)
		default:
			b.WriteByte(c)
		}
	}
	if b.Len() == len(name) {
		return name
	}
	return `"` + b.String() + `"`
}

// headerName ends a name with blanks in it by a tab, as git does for patch.
func headerName(name string) string {
	quoted := quoteName(name)
	if quoted == name && strings.Contains(name, " ") {
		return name + "\t"
	}
	return quoted
}

// splitLines keeps the line ends; only LF ends a line, as in git.
func splitLines(text []byte) [][]byte {
	lines := bytes.SplitAfter(text, []byte("\n"))
	if last := len(lines) - 1; len(lines[last]) == 0 {
		lines = lines[:last]
	}
	return lines
}

// A difference says that lines a0 up to a1 before became b0 up to b1 after.
type difference struct{ a0, a1, b0, b1 int }

// differences compares by Myers' greedy algorithm (An O(ND) Difference
// Algorithm, 1986), between the common beginning and end.
func differences(a, b [][]byte) []difference {
	from := 0
	for from < len(a) && from < len(b) && bytes.Equal(a[from], b[from]) {
		from++
	}
	endA, endB := len(a), len(b)
	for endA > from && endB > from && bytes.Equal(a[endA-1], b[endB-1]) {
		endA--
		endB--
	}
	var found []difference
	for _, d := range shortest(a[from:endA], b[from:endB]) {
		found = append(found, difference{d.a0 + from, d.a1 + from, d.b0 + from, d.b1 + from})
	}
	return found
}

// shortest finds a shortest script from a to b: forward to the end, one row of
// furthest points per step kept, and back along them.
func shortest(a, b [][]byte) []difference {
	limit := len(a) + len(b)
	reach := map[int]int{1: 0} // furthest a on each diagonal (a - b)
	var rows []map[int]int
	for d := 0; d <= limit; d++ {
		row := make(map[int]int, d+1)
		for k := -d; k <= d; k += 2 {
			x := nextReach(reach, k, d)
			for x < len(a) && x-k < len(b) && bytes.Equal(a[x], b[x-k]) {
				x++
			}
			row[k] = x
			if x >= len(a) && x-k >= len(b) {
				return trace(append(rows, row), len(a), len(b))
			}
		}
		rows = append(rows, row)
		reach = row
	}
	return nil
}

func nextReach(reach map[int]int, k, d int) int {
	switch {
	case d == 0:
		return 0
	case k == -d, k != d && reach[k-1] < reach[k+1]:
		return reach[k+1] // a line of b was added
	}
	return reach[k-1] + 1 // a line of a was removed
}

func trace(rows []map[int]int, x, y int) []difference {
	var found []difference
	for d := len(rows) - 1; d > 0; d-- {
		k := x - y
		before := rows[d-1]
		up := k == -d || k != d && before[k-1] < before[k+1]
		px, py := 0, 0
		if up {
			px = before[k+1]
			py = px - k - 1
			found = prepend(found, difference{px, px, py, py + 1})
		} else {
			px = before[k-1]
			py = px - k + 1
			found = prepend(found, difference{px, px + 1, py, py})
		}
		x, y = px, py
	}
	return found
}

// prepend puts d before the others and joins it with the first if they touch.
func prepend(found []difference, d difference) []difference {
	if len(found) > 0 && found[0].a0 == d.a1 && found[0].b0 == d.b1 {
		found[0].a0, found[0].b0 = d.a0, d.b0
		return found
	}
	return append([]difference{d}, found...)
}

// A hunk is a run of differences whose contexts touch.
type hunk []difference

func hunks(found []difference) []hunk {
	var list []hunk
	for _, d := range found {
		if last := len(list) - 1; last >= 0 && d.a0-list[last][len(list[last])-1].a1 <= 2*context {
			list[last] = append(list[last], d)
			continue
		}
		list = append(list, hunk{d})
	}
	return list
}

func (h hunk) write(out *bytes.Buffer, a, b [][]byte) {
	first, last := h[0], h[len(h)-1]
	lead := min(context, first.a0)
	tail := min(context, len(a)-last.a1)
	a0, a1, b0, b1 := first.a0-lead, last.a1+tail, first.b0-lead, last.b1+tail
	fmt.Fprintf(out, "@@ -%s +%s @@%s\n", lineRange(a0, a1), lineRange(b0, b1), heading(a, a0))
	at := a0
	for _, d := range h {
		writeLines(out, ' ', a[at:d.a0])
		writeLines(out, '-', a[d.a0:d.a1])
		writeLines(out, '+', b[d.b0:d.b1])
		at = d.a1
	}
	writeLines(out, ' ', a[at:a1])
}

func lineRange(from, to int) string {
	switch to - from {
	case 0:
		return fmt.Sprintf("%d,0", from)
	case 1:
		return fmt.Sprint(from + 1)
	}
	return fmt.Sprintf("%d,%d", from+1, to-from)
}

// heading is the last line before the hunk that starts with a letter, _ or $,
// cut to 80 bytes: what git shows behind the second @@.
func heading(a [][]byte, before int) string {
	for i := before - 1; i >= 0; i-- {
		if c := a[i][0] | 0x20; c >= 'a' && c <= 'z' || a[i][0] == '_' || a[i][0] == '$' {
			line := a[i]
			return " " + string(bytes.TrimRight(line[:min(len(line), 80)], " \t\r\n\v\f"))
		}
	}
	return ""
}

func writeLines(out *bytes.Buffer, mark byte, lines [][]byte) {
	for _, line := range lines {
		out.WriteByte(mark)
		out.Write(line)
		if line[len(line)-1] != '\n' {
			out.WriteString("\n\\ No newline at end of file\n")
		}
	}
}
