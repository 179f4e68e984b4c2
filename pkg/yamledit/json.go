package yamledit

import (
	"bytes"
	"encoding/json"
	"errors"

	"gopkg.in/yaml.v3"

	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
)

// ParseJSON reads one JSON value. JSON is read with the YAML parser, which knows
// where each value is; new values are always written as JSON strings.
func ParseJSON(src []byte) (*Text, error) {
	if err := checkBytes(src); err != nil {
		return nil, err
	}
	text := bytes.TrimPrefix(src, byteOrderMark)
	var whole json.RawMessage
	if err := json.Unmarshal(text, &whole); err != nil {
		e := &Error{Why: "is not JSON: " + err.Error()}
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			e.Line = lineAt(text, int(syntax.Offset))
		}
		return nil, e
	}
	t := &Text{src: src, parsed: maskEscapes(src), mode: asJSON}
	if err := t.decode(); err != nil {
		return nil, err
	}
	if !bytes.Equal(t.parsed, src) {
		t.readEscapes(t.docs)
	}
	return t, nil
}

var jsonEscape = lazyregexp.New(`\\(?:u[dD][89a-fA-F][0-9a-fA-F]{2}|.)`)

// maskEscapes replaces what YAML does not know, an escaped slash and half of a
// character, by other escapes of the same length.
func maskEscapes(src []byte) []byte {
	return jsonEscape.ReplaceAllFunc(src, func(escape []byte) []byte {
		switch {
		case len(escape) == len(`\u0058`):
			return []byte(`\u0058`)
		case escape[1] == '/':
			return []byte(`\"`)
		}
		return escape
	})
}

// readEscapes gives the strings that were masked their own values.
func (t *Text) readEscapes(nodes []*yaml.Node) {
	for _, y := range nodes {
		if y.Kind == yaml.ScalarNode && y.Style&yaml.DoubleQuotedStyle != 0 {
			if value, ok := t.jsonString(y); ok {
				y.Value = value
			}
		}
		t.readEscapes(y.Content)
	}
}

func (t *Text) jsonString(y *yaml.Node) (value string, ok bool) {
	offset, ok := t.offset(y)
	if !ok || t.src[offset] != '"' {
		return "", false
	}
	end := closingQuote(t.src, offset)
	return value, end >= 0 && json.Unmarshal(t.src[offset:end+1], &value) == nil
}
