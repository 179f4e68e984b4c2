package yamledit

import "bytes"

// A span is a range of bytes, end excluded.
type span struct{ start, end int }

// templateActions lists the {{ … }} of src in order, as text/template reads them:
// a }} in a string, a raw string, a character or a comment does not end one.
// What is not closed is no action.
func templateActions(src []byte) []span {
	var actions []span
	for at := 0; ; {
		open := bytes.Index(src[at:], []byte("{{"))
		if open < 0 {
			return actions
		}
		start := at + open
		end := actionEnd(src, start)
		if end < 0 {
			return actions
		}
		actions = append(actions, span{start, end})
		at = end
	}
}

// actionEnd is the offset behind the action that starts at start, or -1.
func actionEnd(src []byte, start int) int {
	body := start + len("{{")
	if comment := commentEnd(src, body); comment >= 0 {
		return comment
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

// commentEnd is the offset behind a {{/* comment */}} whose inside starts at body, or -1.
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

// quoteEnd is the offset of the quote that closes the one at open, or -1. Only
// a raw string goes over a line's end.
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

// mask gives text of src's length in which placeholders stand for the actions,
// so that a YAML parser can read a template and every offset stays true:
//
//   - a line of nothing but actions becomes line feeds (spaces or a comment
//     would end or extend block scalars);
//   - an action alone behind "key:" or "-" becomes blanks when the next line is
//     its child, because then it renders more of the same mapping or list;
//   - any other action becomes underscores.
func mask(src []byte, actions []span) []byte {
	out := bytes.Clone(src)
	groups := actionGroups(src, actions)
	for _, g := range groups {
		if standsAlone(src, g) {
			fill(out, span{lineStart(src, g.start), lineEnd(src, g.end)}, '\n')
			continue
		}
		fill(out, g, '_')
	}
	for _, g := range groups {
		if !standsAlone(src, g) && hasChildren(src, out, g) {
			fill(out, g, ' ')
		}
	}
	return out
}

// actionGroups joins the actions that only blanks part.
func actionGroups(src []byte, actions []span) []span {
	var groups []span
	for _, a := range actions {
		if last := len(groups) - 1; last >= 0 && isBlank(src[groups[last].end:a.start]) {
			groups[last].end = a.end
			continue
		}
		groups = append(groups, a)
	}
	return groups
}

func fill(out []byte, s span, c byte) {
	for i := s.start; i < s.end; i++ {
		out[i] = c
	}
}

// standsAlone reports whether nothing but blanks stand before the group on its
// first line, and nothing but blanks and a comment behind it on its last.
func standsAlone(src []byte, group span) bool {
	before := src[lineStart(src, group.start):group.start]
	behind := bytes.TrimLeft(src[group.end:lineEnd(src, group.end)], " \t\r")
	return isBlank(before) && (len(behind) == 0 || behind[0] == '#')
}

// hasChildren reports whether the group stands alone behind "key:" or "-" and
// the next line with content is a child of that key or item.
func hasChildren(src, out []byte, group span) bool {
	behind := bytes.TrimLeft(src[group.end:lineEnd(src, group.end)], " \t\r")
	if len(behind) > 0 && behind[0] != '#' {
		return false
	}
	column, dash := parentColumn(out[lineStart(src, group.start):group.start])
	return column >= 0 && isChild(nextContent(out, lineEnd(src, group.end)), column, dash)
}

// parentColumn is the column (0-based) of the key or dash that ends before, or
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
	// A list may stand at its key's own column.
	return !dash && indent == column && (bytes.HasPrefix(line[indent:], []byte("- ")) || len(bytes.TrimSpace(line)) == 1 && line[indent] == '-')
}

// nextContent is the first line behind from that is neither blank nor a comment, or nil.
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

func isBlank(b []byte) bool { return len(bytes.Trim(b, " \t")) == 0 }

// lineStart is the offset of the line's first byte, behind a byte order mark.
func lineStart(src []byte, at int) int {
	start := bytes.LastIndexByte(src[:at], '\n') + 1
	if start == 0 && bytes.HasPrefix(src[:at], byteOrderMark) {
		return len(byteOrderMark)
	}
	return start
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// lineEnd is the offset of the line's end, before its CR LF or LF.
func lineEnd(src []byte, at int) int {
	end := bytes.IndexByte(src[at:], '\n')
	if end < 0 {
		return len(src)
	}
	if end += at; end > at && src[end-1] == '\r' {
		return end - 1
	}
	return end
}
