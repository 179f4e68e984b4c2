package yamledit

import (
	"bytes"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// An Entry is a key of a mapping and its text.
type Entry struct{ Key, Value string }

// InsertBehind returns the edit that puts new entries into the scalar's mapping,
// right after the scalar: on lines of their own with the same indentation and line
// break or, in flow style on one line, after commas. It refuses a template, where
// a branch may have the key already, a mapping that merges others (<<), a key that
// exists, and a scalar that shares its line with something else.
func (s Scalar) InsertBehind(entries ...Entry) (Edit, error) {
	up, first := s.node.up, entries[0].Key
	switch {
	case up == nil || !up.IsMapping() || s.token.style == Empty || s.token.style == Literal || s.node.text.syntax != nil:
		return Edit{}, s.refuse("is not a value that a key can be put in after")
	case s.node.text.IsTemplate():
		return Edit{}, s.node.refuse(fmt.Sprintf("has no %s beside it, and a key is never put into a template", first), "write "+first+": there")
	case up.Field("<<") != nil:
		return Edit{}, s.node.refuse(fmt.Sprintf("has no %s of its own beside it, but one may come from the merged mapping (<<)", first),
			"write "+first+": there, or change the merged mapping's")
	}
	for _, entry := range entries {
		if up.Field(entry.Key) != nil {
			return Edit{}, s.refuse(fmt.Sprintf("has %q beside it already", entry.Key))
		}
		if !isText(entry.Value) || !plainPattern.MatchString(entry.Key) {
			return Edit{}, s.refuse(fmt.Sprintf("the new entry %q has a line break, a control character or is not UTF-8", entry.Key+": "+entry.Value))
		}
	}
	if up.yaml.Style&yaml.FlowStyle != 0 {
		return s.insertFlow(entries)
	}
	return s.insertLines(entries)
}

// insertFlow writes the entries on lines of their own if the scalar's key begins
// its line.
func (s Scalar) insertFlow(entries []Entry) (Edit, error) {
	t := s.node.text
	parting, added := ", ", 0
	if key, ok := t.offset(s.keyNode()); ok {
		if lead := t.src[lineStart(t.src, key):key]; isBlank(lead) && len(lead) > 0 {
			parting, added = ","+t.lineBreak(key)+string(lead), len(entries)
		}
	}
	var b strings.Builder
	for _, entry := range entries {
		b.WriteString(parting + s.writeEntry(entry))
	}
	return s.insertion(s.token.whole.end, b.String(), added, entries)
}

func (s Scalar) insertLines(entries []Entry) (Edit, error) {
	t := s.node.text
	key, ok := t.offset(s.keyNode())
	if !ok {
		return Edit{}, s.refuse(errPosition.Error())
	}
	end := s.token.whole.end
	lead := t.src[lineStart(t.src, key):key]
	rest := t.src[end:lineEnd(t.src, end)]
	if len(bytes.Trim(lead, " -")) > 0 || bytes.ContainsAny(rest, "\r\u0085\u2028\u2029") {
		return Edit{}, s.node.refuse(fmt.Sprintf("shares its line with something else, so %s cannot be put in after it", entries[0].Key), "write "+entries[0].Key+": there")
	}
	indent := strings.ReplaceAll(string(lead), "-", " ")
	var b strings.Builder
	for _, entry := range entries {
		b.WriteString(t.lineBreak(end) + indent + s.writeEntry(entry))
	}
	return s.insertion(lineEnd(t.src, end), b.String(), len(entries), entries)
}

// lineBreak returns how the line ends or, if it is the last, the one before. A text
// without a line break takes that of the text around it.
func (t *Text) lineBreak(offset int) string {
	end := bytes.IndexByte(t.src[offset:], '\n') + offset
	if end < offset {
		end = bytes.LastIndexByte(t.src[:offset], '\n')
	}
	switch {
	case end < 0 && t.outer != nil:
		return t.outer.node.text.lineBreak(t.outer.start(offset))
	case end > 0 && t.src[end-1] == '\r':
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
	value := entry.Value
	if needsQuote(value) {
		value = `"` + escapeDouble(value) + `"`
	}
	return entry.Key + ": " + value
}

// insertion returns the edit that puts text in at the offset, where it adds lines.
func (s Scalar) insertion(offset int, text string, lines int, entries []Entry) (Edit, error) {
	t := s.node.text
	encoded, ok := t.encode(text)
	if !ok {
		return Edit{}, s.node.refuse(fmt.Sprintf("is in single quotes, where %s cannot have a line of its own", entries[0].Key), "write "+entries[0].Key+": there")
	}
	start := t.rootOffset(offset)
	if offset > 0 {
		start = t.rootSpan(span{offset - 1, offset}).end
	}
	return Edit{Start: start, End: start, New: encoded, levels: s.node.levels(lines), entries: entries}, nil
}
