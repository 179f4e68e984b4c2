// Package diff writes changes of files as a unified diff, as git prints it.
//
// The result is what git diff shows without its index lines: three lines of
// context, line ends as they are in the files, names quoted where git quotes
// them. git apply and patch take it. Only LF ends a line, so a CR is part of its
// line; a missing LF at the end is marked as git marks it.
//
// Differences are found with Myers' algorithm, whose cost grows with the square
// of the number of changed lines. Beyond a limit the texts are cut at lines that
// occur once in both, which stays linear: the diff is then correct, but may be
// longer than the shortest one.
package diff

import (
	"bytes"
	"fmt"
	"strings"
)

// A File is one file before and after a change. The zero Before is an empty file.
type File struct {
	Name          string // with slashes, relative to the tree's root
	Before, After []byte
}

// Unified returns the diff of the files, in their order. A file that did not
// change adds nothing.
func Unified(files ...File) []byte {
	var out bytes.Buffer
	for _, f := range files {
		if !bytes.Equal(f.Before, f.After) {
			writeFile(&out, f)
		}
	}
	return out.Bytes()
}

const contextLines = 3

func writeFile(out *bytes.Buffer, f File) {
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

// A hunk is a run of differences whose contexts touch.
type hunk []difference

func hunks(found []difference) []hunk {
	var list []hunk
	for _, d := range found {
		if last := len(list) - 1; last >= 0 && d.a0-list[last][len(list[last])-1].a1 <= 2*contextLines {
			list[last] = append(list[last], d)
			continue
		}
		list = append(list, hunk{d})
	}
	return list
}

func (h hunk) write(out *bytes.Buffer, a, b [][]byte) {
	first, last := h[0], h[len(h)-1]
	lead := min(contextLines, first.a0)
	tail := min(contextLines, len(a)-last.a1)
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
