package yamledit

import (
	"bytes"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// An Entry is a key of a mapping and its text.
type Entry struct{ Key, Value string }

// InsertBehind gives the edit that puts new entries into the scalar's mapping,
// right behind the scalar: on lines of their own with the same indentation and
// line break or, in flow style, behind commas. It refuses a template, where a
// branch may have the key already, a mapping that merges others (<<), a key that
// is there, and a scalar that shares its line with something else.
func (s Scalar) InsertBehind(entries ...Entry) (Edit, error) {
	up := s.node.up
	switch {
	case up == nil || !up.IsMapping() || s.token.style == Empty || s.token.style == Literal:
		return Edit{}, s.refuse("is no place to put a key behind")
	case s.node.text.IsTemplate():
		return Edit{}, s.node.refuse(fmt.Sprintf("has no %s beside it, and none is put into a template", entries[0].Key), "write "+entries[0].Key+": there")
	case up.Field("<<") != nil:
		return Edit{}, s.node.refuse(fmt.Sprintf("has no %s of its own beside it, but one may come from the merged mapping (<<)", entries[0].Key),
			"write "+entries[0].Key+": there, or change the merged mapping's")
	}
	for _, entry := range entries {
		if up.Field(entry.Key) != nil {
			return Edit{}, s.refuse(fmt.Sprintf("has %q beside it already", entry.Key))
		}
		if !isText(entry.Value) || !plainPattern.MatchString(entry.Key) {
			return Edit{}, s.refuse(fmt.Sprintf("the new entry %q has a line break, a control character or is no UTF-8", entry.Key+": "+entry.Value))
		}
	}
	if up.yaml.Style&yaml.FlowStyle != 0 {
		return s.insertFlow(entries), nil
	}
	return s.insertLines(entries)
}

func (s Scalar) insertFlow(entries []Entry) Edit {
	var b strings.Builder
	for _, entry := range entries {
		b.WriteString(", " + s.writeEntry(entry))
	}
	return s.insertion(s.node.text.rootOffset(s.token.whole.end), b.String(), 0, entries)
}

// insertLines works in the outermost text, because a line of an embedded one
// begins with the indentation of all that it stands in.
func (s Scalar) insertLines(entries []Entry) (Edit, error) {
	t := s.node.text
	key, ok := t.offset(s.keyNode())
	if !ok {
		return Edit{}, s.refuse("stands where the parser gives no position")
	}
	src := t.root().src
	at, end := t.rootOffset(key), t.rootOffset(s.token.whole.end-1)+1
	lead := src[lineStart(src, at):at]
	rest := src[end:lineEnd(src, end)]
	if len(bytes.Trim(lead, " -")) > 0 || bytes.ContainsAny(rest, "\r\u0085\u2028\u2029") || !isBlank(rest) && !isComment(rest) {
		return Edit{}, s.node.refuse(fmt.Sprintf("shares its line with something else, so that %s cannot be put behind it", entries[0].Key), "write "+entries[0].Key+": there")
	}
	indent := strings.ReplaceAll(string(lead), "-", " ")
	var b strings.Builder
	for _, entry := range entries {
		b.WriteString(lineBreak(src, end) + indent + s.writeEntry(entry))
	}
	return s.insertion(lineEnd(src, end), b.String(), len(entries), entries), nil
}

func isComment(rest []byte) bool {
	trimmed := bytes.TrimLeft(rest, " \t")
	return len(trimmed) < len(rest) && trimmed[0] == '#'
}

// lineBreak is how the line ends or, if it is the last, the one before.
func lineBreak(src []byte, at int) string {
	end := bytes.IndexByte(src[at:], '\n') + at
	if end < at {
		end = bytes.LastIndexByte(src[:at], '\n')
	}
	if end > 0 && src[end-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

func (s Scalar) keyNode() *yaml.Node { return s.node.up.yaml.Content[s.node.index-1] }

// writeEntry quotes as the scalar's own entry does: JSON stays JSON.
func (s Scalar) writeEntry(entry Entry) string {
	if s.keyNode().Style&yaml.DoubleQuotedStyle != 0 {
		return `"` + entry.Key + `": "` + escapeDouble(entry.Value) + `"`
	}
	return entry.Key + ": " + plainOrQuoted(entry.Value)
}

func (s Scalar) insertion(at int, text string, lines int, entries []Entry) Edit {
	return Edit{Start: at, End: at, New: text, at: s.node.place(), entries: entries, lines: lines}
}
