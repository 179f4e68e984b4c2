package yamledit

import "bytes"

// templateActions lists the {{ … }} of src in order, as text/template reads them:
// a }} in a string, a raw string, a character or a comment does not end one.
// One that is not closed does not count.
func templateActions(src []byte) []span {
	var actions []span
	lastComment := -2 // the offset of the last */, once it is known
	for done := 0; ; {
		open := bytes.Index(src[done:], []byte("{{"))
		if open < 0 {
			return actions
		}
		if lastComment == -2 {
			lastComment = bytes.LastIndex(src, []byte("*/"))
		}
		start := done + open
		end := actionEnd(src, start, lastComment)
		if end < 0 {
			return actions
		}
		actions = append(actions, span{start, end})
		done = end
	}
}

// actionEnd returns the offset after the action that starts at start, or -1.
func actionEnd(src []byte, start, lastComment int) int {
	body := start + len("{{")
	if body < lastComment {
		if comment := commentEnd(src, body); comment >= 0 {
			return comment
		}
	}
	for i := body; i < len(src); i++ {
		switch src[i] {
		case '}':
			if bytes.HasPrefix(src[i:], []byte("}}")) {
				return i + len("}}")
			}
		case '"', '\'', '`':
			closing := quoteEnd(src, i)
			if closing < 0 {
				return plainEnd(src, body)
			}
			i = closing
		}
	}
	return plainEnd(src, body)
}

// commentEnd returns the offset after a {{/* comment */}} whose inside starts at body, or -1.
func commentEnd(src []byte, body int) int {
	inside := bytes.TrimLeft(bytes.TrimPrefix(src[body:], []byte("-")), " \t\r\n")
	if !bytes.HasPrefix(inside, []byte("/*")) {
		return -1
	}
	from := len(src) - len(inside)
	closing := bytes.Index(src[from:], []byte("*/"))
	if closing < 0 {
		return -1
	}
	return plainEnd(src, from+closing)
}

func plainEnd(src []byte, from int) int {
	closing := bytes.Index(src[from:], []byte("}}"))
	if closing < 0 {
		return -1
	}
	return from + closing + len("}}")
}

// quoteEnd returns the offset of the quote that closes the one at open, or -1. Only
// a raw string may have line breaks.
func quoteEnd(src []byte, open int) int {
	quote := src[open]
	for i := open + 1; i < len(src); i++ {
		switch {
		case src[i] == quote:
			return i
		case quote == '`':
		case src[i] == '\\':
			i++
		case src[i] == '\n':
			return -1
		}
	}
	return -1
}

// mask returns text of src's length in which placeholders replace the actions, so
// that a YAML parser can read a template and every offset stays true:
//
//   - a line of nothing but actions becomes line feeds (spaces or a comment
//     would end or extend block scalars);
//   - an action alone after "key:" or "-" becomes blanks when the next line is
//     its child, because then it renders more of the same mapping or list;
//   - any other action becomes underscores.
func mask(src []byte, actions []span) []byte {
	out := bytes.Clone(src)
	groups := actionGroups(src, actions)
	var inLine []actionGroup // those that share their lines with text
	for _, g := range groups {
		if g.isAlone(src) {
			fill(out, span{g.lineStart, g.lineEnd}, '\n')
			continue
		}
		fill(out, g.span, '_')
		inLine = append(inLine, g)
	}
	for _, g := range inLine {
		if g.hasChildren(src, out) {
			fill(out, g.span, ' ')
		}
	}
	return out
}

// An actionGroup is a run of actions with only blanks between them.
type actionGroup struct {
	span
	lineStart int // of its first line
	lineEnd   int // of its last line
}

func actionGroups(src []byte, actions []span) []actionGroup {
	var groups []actionGroup
	for _, a := range actions {
		if last := len(groups) - 1; last >= 0 && isBlank(src[groups[last].end:a.start]) {
			groups[last].end = a.end
			continue
		}
		groups = append(groups, actionGroup{span: a})
	}
	first, last := span{0, -1}, span{0, -1} // the lines of the group before, which most share
	for i := range groups {
		first, last = lineAround(src, first, groups[i].start), lineAround(src, last, groups[i].end)
		groups[i].lineStart, groups[i].lineEnd = first.start, last.end
	}
	return groups
}

// lineAround returns the line that has the offset: known, if that is it.
func lineAround(src []byte, known span, offset int) span {
	if known.start <= offset && offset <= known.end {
		return known
	}
	return span{lineStart(src, offset), lineEnd(src, offset)}
}

func fill(out []byte, s span, c byte) {
	for i := s.start; i < s.end; i++ {
		out[i] = c
	}
}

// isAlone reports whether only blanks come before the group on its first line, and
// only blanks and a comment after it on its last.
func (g actionGroup) isAlone(src []byte) bool {
	return isBlank(src[g.lineStart:g.start]) && g.endsLine(src)
}

func (g actionGroup) endsLine(src []byte) bool {
	behind := bytes.TrimLeft(src[g.end:g.lineEnd], " \t\r")
	return len(behind) == 0 || behind[0] == '#'
}

// hasChildren reports whether the group is alone after "key:" or "-" and the next
// line with content is a child of that key or item.
func (g actionGroup) hasChildren(src, out []byte) bool {
	if !g.endsLine(src) {
		return false
	}
	column, dash := parentColumn(out[g.lineStart:g.start])
	return column >= 0 && isChild(nextContent(out, g.lineEnd), column, dash)
}

// parentColumn returns the column (0-based) of the key or dash that ends before, or
// -1 when before does not end in "key:" or "-".
func parentColumn(before []byte) (column int, dash bool) {
	text := bytes.TrimRight(before, " \t")
	start := 0
	for {
		for start < len(text) && text[start] == ' ' {
			start++
		}
		if start == len(text)-1 && text[start] == '-' {
			return start, true
		}
		if start+1 < len(text) && text[start] == '-' && text[start+1] == ' ' {
			start++
			continue
		}
		break
	}
	if start >= len(text) || text[len(text)-1] != ':' || len(text) == len(before) {
		return -1, false
	}
	return start, false
}

func isChild(line []byte, column int, dash bool) bool {
	if line == nil {
		return false
	}
	indent := len(line) - len(bytes.TrimLeft(line, " "))
	if indent > column {
		return true
	}
	// A list may begin at its key's own column.
	return !dash && indent == column && (bytes.HasPrefix(line[indent:], []byte("- ")) || len(bytes.TrimSpace(line)) == 1 && line[indent] == '-')
}

// nextContent returns the first line after from that is neither blank nor a comment, or nil.
func nextContent(text []byte, from int) []byte {
	for from < len(text) {
		line, _, _ := bytes.Cut(text[from:], []byte("\n"))
		if trimmed := bytes.TrimSpace(line); len(trimmed) > 0 && trimmed[0] != '#' {
			return line
		}
		from += len(line) + 1
	}
	return nil
}
