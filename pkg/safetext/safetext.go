// Package safetext makes text that somebody else wrote safe to show: tags, labels,
// file names and the words of servers.
//
// [Text] and [Line] are for terminals, logs and commit messages: they drop the
// characters that a terminal obeys, such as escape sequences and changes of the
// writing direction. [Code], [Cell] and [Fence] are for Markdown, where a forge
// would otherwise follow mentions, links and HTML of the text.
//
// One trap: many characters end a line, not only \n. A label with a vertical tab
// or U+2028 in it would start a new line, and so a new trailer, in some readers.
package safetext

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text returns s without control and format characters. Line breaks and tabs
// stay; every kind of line break becomes \n.
func Text(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(c rune) rune {
		if c == '\t' {
			return c
		}
		return printable(c)
	}, s)
}

// Line returns s on one line: white space and line breaks become single blanks,
// control and format characters are dropped.
func Line(s string) string { return strings.Join(strings.Fields(Text(s)), " ") }

// Lines returns the lines of s that are not blank, each as [Line] makes it.
func Lines(s string) []string {
	var lines []string
	for line := range strings.SplitSeq(Text(s), "\n") {
		if line = Line(line); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// Cut returns s if it has at most most bytes, else its beginning and an ellipsis.
func Cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	end := most
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return strings.TrimSpace(s[:end]) + "…"
}

// printable maps the ends of lines to \n, other white space to a blank, and drops
// control and format characters (escapes, C1, changes of direction).
func printable(c rune) rune {
	switch {
	case c == '\n', c == '\r', c == '\v', c == '\f', c == '\u0085', c == '\u2028', c == '\u2029':
		return '\n'
	case unicode.IsSpace(c):
		return ' '
	case !unicode.IsPrint(c), c == unicode.ReplacementChar:
		return -1
	}
	return c
}

// Code returns the line of s as a Markdown code span. The text between the
// backticks is literal, whatever s holds; "" gives "".
func Code(s string) string {
	s = Line(s)
	if s == "" {
		return ""
	}
	ticks := strings.Repeat("`", longestRun(s, '`')+1)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " " // the blanks are not shown
	}
	return ticks + s + ticks
}

// Cell returns [Code] for a cell of a table, where "|" ends a cell even inside a
// code span.
func Cell(s string) string { return strings.ReplaceAll(Code(s), "|", `\|`) }

// Fence returns text as a Markdown code block with a language, such as "diff". No
// line of text can end the block.
func Fence(language, text string) string {
	fence := strings.Repeat("`", max(3, longestRun(text, '`')+1))
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return fence + language + "\n" + text + fence + "\n"
}

// longestRun returns the length of the longest run of c in s.
func longestRun(s string, c rune) int {
	longest, run := 0, 0
	for _, r := range s {
		if r == c {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	return longest
}
