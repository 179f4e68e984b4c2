// Package placeholder fills texts such as "deploy {{.Image}} {{.Tag}}".
//
// It is not a template language: there are no conditions, loops or functions, so
// the cost of a text is its length, and a value from outside is never read as
// anything but text. A placeholder that the caller does not know is an error that
// lists the known ones.
package placeholder

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
)

// A Text is literal text with placeholders in it. The zero Text is empty.
type Text struct{ parts []part }

// A part is literal text, or the name of a placeholder.
type part struct{ literal, name string }

var pattern = lazyregexp.New(`\{\{\s*\.([A-Za-z]+)\s*\}\}`)

// Parse reads text, in which known placeholders may be. An error has the kind
// fault.Usage.
func Parse(text string, known ...string) (Text, error) {
	var parsed Text
	for {
		start := strings.Index(text, "{{")
		if start < 0 {
			parsed.add(part{literal: text})
			return parsed, nil
		}
		parsed.add(part{literal: text[:start]})
		text = text[start:]
		found := pattern.FindStringSubmatchIndex(text)
		if found == nil || found[0] != 0 || !slices.Contains(known, text[found[2]:found[3]]) {
			return Text{}, unknown(text, known)
		}
		parsed.add(part{name: text[found[2]:found[3]]})
		text = text[found[1]:]
	}
}

func (t *Text) add(p part) {
	if p != (part{}) {
		t.parts = append(t.parts, p)
	}
}

// unknown is the error for what text begins with.
func unknown(text string, known []string) error {
	end := strings.Index(text, "}}")
	if end < 0 {
		return fault.Errorf(fault.Usage, "%q: a placeholder has no end", text).WithHint("%s", list(known))
	}
	return fault.Errorf(fault.Usage, "%q is not a placeholder", text[:end+2]).WithHint("%s", list(known))
}

func list(known []string) string {
	all := make([]string, len(known))
	for i, name := range known {
		all[i] = fmt.Sprintf("{{.%s}}", name)
	}
	return "the placeholders are " + strings.Join(all, ", ")
}

// IsZero reports whether the text is empty.
func (t Text) IsZero() bool { return len(t.parts) == 0 }

// Names returns the placeholders in the text, each once.
func (t Text) Names() []string {
	var names []string
	for _, p := range t.parts {
		if p.name != "" && !slices.Contains(names, p.name) {
			names = append(names, p.name)
		}
	}
	return names
}

// Fill returns the text with the values of its placeholders; one without a value
// becomes "". Values are not searched for placeholders.
func (t Text) Fill(values map[string]string) string {
	var b strings.Builder
	for _, p := range t.parts {
		b.WriteString(p.literal)
		if p.name != "" {
			b.WriteString(values[p.name])
		}
	}
	return b.String()
}
