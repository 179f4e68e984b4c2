package yamledit

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
)

// Replace returns the edit after which the scalar reads value. Quotes are kept; a
// plain value gets double quotes when YAML 1.1 or 1.2 would read it as anything but
// this text. It refuses control characters, and to touch the template actions in a
// value.
func (s Scalar) Replace(value string) (Edit, error) {
	t := s.node.text
	switch {
	case !isText(value):
		return Edit{}, s.refuse(fmt.Sprintf("the new value %q has a line break, a control character or is not UTF-8", value))
	case s.token.style == Literal:
		return s.replaceLiteral(value)
	case len(s.actions()) > 0:
		return s.replaceAroundActions(value)
	case strings.Contains(value, "{{"):
		return Edit{}, s.refuse(fmt.Sprintf("the new value %q has a template action", value))
	case t.syntax != nil:
		return s.replaceForeign(value)
	}
	switch s.token.style {
	case SingleQuoted:
		return s.edit(s.token.inside, strings.ReplaceAll(value, "'", "''"), value)
	case DoubleQuoted:
		return s.edit(s.token.inside, escapeDouble(value), value)
	case Block:
		if value == "" || strings.TrimSpace(value) != value || value[0] == '#' {
			return Edit{}, s.refuse(fmt.Sprintf("the new value %q does not fit in a block scalar", value))
		}
		return s.edit(s.token.inside, value, value)
	case Empty:
		return s.edit(s.token.whole, " "+s.plainOrQuoted(value), value)
	}
	return s.edit(s.token.whole, s.plainOrQuoted(value), value)
}

// plainOrQuoted writes the value without quotes where it is the same text without.
func (s Scalar) plainOrQuoted(value string) string {
	if s.node.text.mode == asJSON || needsQuote(value) && !s.staysPlain(value) {
		return `"` + escapeDouble(value) + `"`
	}
	return value
}

// staysPlain reports whether a plain value needs no quotes for an unusual new text,
// because what is unusual was in it before: ${REGISTRY}/web:1.2.3.
func (s Scalar) staysPlain(value string) bool {
	from, _, end := changedPart(s.Value, value)
	return !readsAsOther(value) && from > 0 && s.node.yaml.Tag == "!!str" &&
		besideActions.MatchString(value[from:end]) && !strings.HasSuffix(value, ":")
}

// Holds reports whether every reader takes the scalar for value already: the text
// is the same, and quotes are not missing.
func (s Scalar) Holds(value string) bool {
	if s.Value != value || s.token.style == Empty {
		return false
	}
	return s.token.style != Plain || len(s.actions()) > 0 || s.node.yaml.Style&yaml.TaggedStyle != 0 || !needsQuote(value) ||
		!readsAsOther(value) && s.node.yaml.Tag == "!!str"
}

func (s Scalar) actions() []span { return s.node.text.actionsIn(s.token.whole) }

func (s Scalar) refuse(why string) error { return &Error{Path: s.Path, Line: s.Line, Why: why} }

// replaceAroundActions changes only the bytes in which value and the present text
// differ. None of them may belong to an action.
func (s Scalar) replaceAroundActions(value string) (Edit, error) {
	from, to, end := changedPart(s.Value, value)
	changed := span{s.token.inside.start + from, s.token.inside.start + to}
	for _, a := range s.actions() {
		if changed.start < a.end && a.start < changed.end {
			return Edit{}, s.node.refuse(fmt.Sprintf("is set by the template action %s", s.node.text.src[a.start:a.end]), "change it in the values file")
		}
	}
	if !besideActions.MatchString(value[from:end]) {
		return Edit{}, s.refuse(fmt.Sprintf("the new value %q does not fit beside a template action", value[from:end]))
	}
	return s.edit(changed, value[from:end], value)
}

// changedPart parts what old and value have in common at their beginning and end:
// old[from:to] became value[from:end].
func changedPart(old, value string) (from, to, end int) {
	to, end = len(old), len(value)
	for from < to && from < end && old[from] == value[from] {
		from++
	}
	for from < to && from < end && old[to-1] == value[end-1] {
		to--
		end--
	}
	return from, to, end
}

// besideActions are the characters that mean themselves in every style.
var besideActions = lazyregexp.New(`^[A-Za-z0-9_./@:-]*$`)

// edit returns the edit that puts text, written as the scalar's own text needs it,
// in the place of the bytes.
func (s Scalar) edit(bytesOf span, text, value string) (Edit, error) {
	t := s.node.text
	outer := t.rootSpan(bytesOf)
	old := t.root().src[outer.start:outer.end]
	encoded, ok := t.encode(text)
	if !ok || bytes.ContainsAny(old, "\r\n") {
		return Edit{}, s.node.refuse(errLines.Error(), helpFor(errLines))
	}
	return Edit{Start: outer.start, End: outer.end, New: encoded, old: string(old), want: value, levels: s.node.levels(0)}, nil
}

func isText(value string) bool {
	if !utf8.ValidString(value) {
		return false
	}
	for _, r := range value {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == '\ufeff' {
			return false
		}
	}
	return true
}

func escapeDouble(value string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value)
}

var (
	plainPattern  = lazyregexp.New(`^-{0,2}[A-Za-z0-9_/.][A-Za-z0-9_./@:+=-]*$`)
	wordPattern   = lazyregexp.New(`(?i)^(?:y|n|yes|no|on|off|true|false|null|\.nan|\.inf)$`)
	numberPattern = lazyregexp.New(`^(?:[0-9]*(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?|0[xXoObB][-+]?[0-9A-Fa-f]*|[0-9]+(?::[0-9]+)+(?:\.[0-9]*)?)$`)
	datePattern   = lazyregexp.New(`^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt].*)?$`)
)

// needsQuote reports whether some YAML reader would take the plain value for
// something other than this text: 1.10, 1e3, 0x1F, 0123, 1_000, 12:30, on, y, ~.
// It is wider than any single version of YAML, because Helm, kustomize and editors
// follow different ones.
func needsQuote(value string) bool {
	return !plainPattern.MatchString(value) || strings.HasSuffix(value, ":") || readsAsOther(value)
}

// readsAsOther reports whether some reader takes the plain value for a number, a
// date, a truth value or nothing.
func readsAsOther(value string) bool {
	value = strings.TrimLeft(value, "-")
	number := strings.ReplaceAll(value, "_", "")
	return wordPattern.MatchString(value) || numberPattern.MatchString(number) || datePattern.MatchString(value)
}
