package yamledit

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
)

// ParseJSON reads one JSON value. JSON is read with the YAML parser, which knows
// where each value is; new values are always written as JSON strings. What YAML
// cannot express, surrogate pairs in escapes, is kept and cannot be edited.
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
	t := &Text{src: src, parsed: maskSurrogates(src), mode: asJSON}
	if err := t.decode(); err != nil {
		return nil, err
	}
	return t, nil
}

var surrogate = regexp.MustCompile(`\\(?:u[dD][89a-fA-F][0-9a-fA-F]{2}|.)`)

// maskSurrogates puts \u0058 in the place of escapes that are half a character.
func maskSurrogates(src []byte) []byte {
	return surrogate.ReplaceAllFunc(src, func(escape []byte) []byte {
		if len(escape) == len(`\u0058`) {
			return []byte(`\u0058`)
		}
		return escape
	})
}
