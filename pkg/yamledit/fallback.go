package yamledit

import (
	"bytes"
	"fmt"
	"strings"
)

// Fallbacks lists the string literals that the scalar's template actions fall back
// to, as values that can be replaced:
// {{ .Values.image | default "acme/web:1.2.3" }}. Literals with escapes are left out.
func (n *Node) Fallbacks() []Scalar {
	if len(n.text.actions) == 0 || !n.IsScalar() {
		return nil
	}
	whole, err := n.text.token(n.yaml)
	if err != nil {
		return nil
	}
	var all []Scalar
	for _, action := range n.text.actionsIn(whole.whole) {
		for _, inside := range defaultLiterals(n.text.src, action) {
			if inside.start < whole.inside.start || inside.end > whole.inside.end {
				continue // the action goes beyond the scalar
			}
			all = append(all, Scalar{
				Value: string(n.text.src[inside.start:inside.end]), Path: n.Path(), Line: n.Line(), Doc: n.Document(), Style: Literal,
				node: n, token: token{style: Literal, whole: inside, inside: inside},
			})
		}
	}
	return all
}

// defaultLiterals lists the insides of the string literals that follow the word
// default in the action.
func defaultLiterals(src []byte, action span) []span {
	var all []span
	for open := action.start; open < action.end; open++ {
		if c := src[open]; c != '"' && c != '\'' && c != '`' {
			continue
		}
		end := quoteEnd(src, open)
		if end < 0 || end >= action.end {
			return all
		}
		inside := src[open+1 : end]
		if endsInDefault(src[action.start:open]) && src[open] != '\'' && !bytes.ContainsAny(inside, "\\\r\n") {
			all = append(all, span{open + 1, end})
		}
		open = end
	}
	return all
}

func endsInDefault(before []byte) bool {
	word := bytes.TrimRight(before, " \t")
	if len(word) == len(before) || !bytes.HasSuffix(word, []byte("default")) {
		return false
	}
	word = bytes.TrimSuffix(word, []byte("default"))
	return len(word) > 0 && bytes.ContainsRune([]byte(" \t|({-"), rune(word[len(word)-1]))
}

// replaceLiteral changes a literal in an action; the rest of the scalar stays.
func (s Scalar) replaceLiteral(value string) (Edit, error) {
	if !besideActions.MatchString(value) || value == "" {
		return Edit{}, s.refuse(fmt.Sprintf("the new value %q does not fit in a template action", value))
	}
	whole, err := s.node.text.token(s.node.yaml)
	if err != nil {
		return Edit{}, s.refuse(err.Error())
	}
	var want strings.Builder
	want.WriteString(whole.value[:s.token.inside.start-whole.inside.start])
	want.WriteString(value)
	want.WriteString(whole.value[s.token.inside.end-whole.inside.start:])
	return s.edit(s.token.inside, value, want.String())
}
