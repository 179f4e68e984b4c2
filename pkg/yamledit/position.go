package yamledit

import (
	"bytes"
	"sort"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// A span is a range of bytes, end excluded.
type span struct{ start, end int }

func (s span) isEmpty() bool { return s.start == s.end }

// lineStarts lists where lines start as yaml.v3 counts them: after LF, CR LF, CR,
// NEL, LS and PS. A byte order mark comes before the first column of line 1.
func lineStarts(text []byte) []int {
	starts := make([]int, 1, 1+bytes.Count(text, []byte("\n")))
	if bytes.HasPrefix(text, byteOrderMark) {
		starts[0] = len(byteOrderMark)
	}
	isPlain := bytes.IndexByte(text, '\r') < 0 && bytes.IndexByte(text, 0xc2) < 0 && bytes.IndexByte(text, 0xe2) < 0
	for i := 0; i < len(text); i++ {
		if isPlain { // only LF ends a line
			next := bytes.IndexByte(text[i:], '\n')
			if next < 0 {
				break
			}
			i += next
		}
		switch c := text[i]; {
		case c == '\n':
			starts = append(starts, i+1)
		case c == '\r' && !bytes.HasPrefix(text[i+1:], []byte("\n")):
			starts = append(starts, i+1)
		case c == 0xc2 && bytes.HasPrefix(text[i:], []byte("\u0085")):
			starts = append(starts, i+2)
		case c == 0xe2 && (bytes.HasPrefix(text[i:], []byte("\u2028")) || bytes.HasPrefix(text[i:], []byte("\u2029"))):
			starts = append(starts, i+3)
		}
	}
	return starts
}

// lineAt returns the line (1-based) of the offset as editors and git count: by
// line feeds.
func lineAt(src []byte, offset int) int {
	return 1 + bytes.Count(src[:min(offset, len(src))], []byte("\n"))
}

// lineAt is [lineAt] for many offsets of one text.
func (t *Text) lineAt(offset int) int {
	feeds := t.feeds.get(func() []int {
		var behind []int
		for i, c := range t.src {
			if c == '\n' {
				behind = append(behind, i+1)
			}
		}
		return behind
	})
	return 1 + sort.SearchInts(feeds, offset+1)
}

// markEvery is the distance in columns between the offsets that are kept of a
// long line.
const markEvery = 512

// offset returns where the node starts, in bytes of t.src; false when the parser's
// position is outside the text (an empty document at its very end).
func (t *Text) offset(n *yaml.Node) (int, bool) {
	if n.Line < 1 || n.Line > len(t.lines) {
		return 0, false
	}
	start, columns := t.lines[n.Line-1], n.Column-1
	if columns >= markEvery {
		marks := t.marks.get(n.Line, func() []int { return marksFrom(t.parsed, start) })
		if columns/markEvery >= len(marks) {
			return 0, false
		}
		start, columns = marks[columns/markEvery], columns%markEvery
	}
	return skipRunes(t.parsed, start, columns)
}

// marksFrom lists the offset of every markEvery-th rune from start to the line's end.
func marksFrom(text []byte, start int) []int {
	marks := []int{start}
	end := nextLine(text, start)
	for {
		next, ok := skipRunes(text[:end], marks[len(marks)-1], markEvery)
		if !ok {
			return marks
		}
		marks = append(marks, next)
	}
}

func skipRunes(text []byte, offset, runes int) (int, bool) {
	for range runes {
		if offset >= len(text) {
			return 0, false
		}
		if text[offset] < utf8.RuneSelf {
			offset++
			continue
		}
		_, size := utf8.DecodeRune(text[offset:])
		offset += size
	}
	return offset, true
}

// line returns the node's line in the outermost text.
func (t *Text) line(n *yaml.Node) int {
	offset, ok := t.offset(n)
	if !ok {
		return 0
	}
	return t.root().lineAt(t.rootOffset(offset))
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

var byteOrderMark = []byte("\xef\xbb\xbf")

// nextLine returns the offset after the next line feed, or the text's length.
func nextLine(text []byte, offset int) int {
	end := bytes.IndexByte(text[offset:], '\n')
	if end < 0 {
		return len(text)
	}
	return offset + end + 1
}

// lineStart returns the offset of the line's first byte, after a byte order mark.
func lineStart(src []byte, offset int) int {
	start := bytes.LastIndexByte(src[:offset], '\n') + 1
	if start == 0 && bytes.HasPrefix(src[:offset], byteOrderMark) {
		return len(byteOrderMark)
	}
	return start
}

// lineEnd returns the offset of the line's end, before its CR LF or LF.
func lineEnd(src []byte, offset int) int {
	end := bytes.IndexByte(src[offset:], '\n')
	if end < 0 {
		return len(src)
	}
	if end += offset; end > offset && src[end-1] == '\r' {
		return end - 1
	}
	return end
}

func isBlank(b []byte) bool { return len(bytes.Trim(b, " \t")) == 0 }
