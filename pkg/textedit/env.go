package textedit

import (
	"bytes"
	"strings"

	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// envSyntax reads lines of KEY=value, as .env files have them: with or without
// export, quotes and comments. Readers of such files differ in what they do with
// escapes and with $NAME, so values with the first are not replaced, and the second
// is kept as it is.
type envSyntax struct{}

func readEnv(src []byte) (*yamledit.Text, error) { return yamledit.ParseForeign(src, envSyntax{}) }

var assignment = lazyregexp.New(`^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=`)

// Read returns a mapping of the variables.
func (envSyntax) Read(src []byte) (yamledit.Tree, error) {
	tree := yamledit.Tree{Kind: yamledit.MappingTree}
	for offset := 0; offset < len(src); {
		end := lineEnd(src, offset)
		line := src[offset:end]
		switch match := assignment.FindSubmatchIndex(line); {
		case match != nil:
			field := envValue(src, offset+match[1])
			tree.Below = append(tree.Below, field.Named(string(line[match[2]:match[3]]), offset+match[2]))
			end = lineEnd(src, max(end, field.Token.End)) // a quoted value may have several lines
		case !isEnvComment(line):
			return tree, &yamledit.Error{Line: 1 + bytes.Count(src[:offset], []byte("\n")), Why: "is not KEY=value"}
		}
		offset = end + len("\n")
	}
	return tree, nil
}

// lineEnd returns the offset of the next line feed, or the text's length.
func lineEnd(src []byte, offset int) int {
	if end := bytes.IndexByte(src[offset:], '\n'); end >= 0 {
		return offset + end
	}
	return len(src)
}

func isEnvComment(line []byte) bool {
	text := bytes.TrimSpace(line)
	return len(text) == 0 || text[0] == '#'
}

// envValue reads the value that begins after the = before start.
func envValue(src []byte, start int) yamledit.Tree {
	line := src[start:lineEnd(src, start)]
	value := bytes.TrimLeft(line, " \t")
	first := start + len(line) - len(value)
	if len(value) > 0 && (value[0] == '"' || value[0] == '\'') {
		return quotedValue(src, first)
	}
	text := string(value)
	if i := comment.FindStringIndex(text); i != nil && (i[0] > 0 || first > start) {
		text = text[:i[0]]
	}
	text = strings.TrimRight(text, " \t\r")
	t := yamledit.Token{Style: yamledit.Plain, Start: first, End: first + len(text), Text: text, Value: text, IsString: true}
	switch {
	case text == "":
		t.Style, t.Start, t.End = yamledit.Empty, start, start
	case strings.ContainsAny(text, "\"'\\`"):
		t.Fixed = "has quotes or escapes inside"
	}
	return yamledit.Tree{Offset: t.Start, Token: t}
}

// comment matches a comment after a value, or in the place of one.
var comment = lazyregexp.New(`(?:^|[ \t])#.*$`)

// quotedValue reads the value whose quote is at start.
func quotedValue(src []byte, start int) yamledit.Tree {
	end := start + 1
	for end < len(src) && src[end] != src[start] {
		if src[end] == '\\' && src[start] == '"' {
			end++
		}
		end++
	}
	end = min(end+1, len(src))
	t := yamledit.Token{Style: yamledit.SingleQuoted, Start: start, End: end, Text: string(src[start:end]), IsString: true}
	if src[start] == '"' {
		t.Style = yamledit.DoubleQuoted
	}
	rest := src[end:lineEnd(src, end)]
	t.Value = strings.TrimSuffix(t.Text[1:], string(src[start]))
	switch {
	case len(t.Text) < 2 || t.Text[len(t.Text)-1] != src[start]:
		t.Fixed = "has a quote that is not closed"
	case strings.ContainsAny(t.Text, "\n"):
		t.Fixed = "goes over several lines"
	case strings.Contains(t.Value, `\`):
		t.Fixed = "has escapes, which readers take differently"
	case !isEnvComment(rest):
		t.Fixed = "has text after its quotes"
	}
	return yamledit.Tree{Offset: start, Token: t}
}

// Write keeps the quotes and what a reader computes in the value. Text that would
// need other quotes or escapes is not written.
func (envSyntax) Write(old yamledit.Token, value string) (string, bool) {
	quote := map[yamledit.Style]string{yamledit.SingleQuoted: "'", yamledit.DoubleQuoted: `"`}[old.Style]
	if old.Style == yamledit.SingleQuoted {
		return quote + value + quote, !strings.ContainsAny(value, `'\`)
	}
	return quote + value + quote, plainWord.MatchString(expression.ReplaceAllString(value, "")) && sameExpressions(old.Value, value)
}
