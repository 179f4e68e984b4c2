package yamledit

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// wordSyntax is a language of this test: a line is a key, a dash and a word, or words
// with commas between. A word in capitals is fixed.
type wordSyntax struct{}

func (wordSyntax) Read(src []byte) (Tree, error) {
	root := Tree{Kind: MappingTree}
	offset := 0
	for line := range bytes.Lines(src) {
		key, word, found := strings.Cut(strings.TrimSpace(string(line)), "-")
		if !found {
			return root, &Error{Line: lineAt(src, offset), Why: "has no dash"}
		}
		start := offset + len(key) + 1
		value := Tree{Offset: start, Token: Token{Style: Plain, Start: start, End: start + len(word), Text: word, Value: word, IsString: word != "0"}}
		if strings.ToUpper(word) == word && word != "0" {
			value.Token.Fixed = "is in capitals"
		}
		if items := strings.Split(word, ","); len(items) > 1 {
			value = Tree{Kind: ListTree, Offset: start}
			for _, item := range items {
				value.Below = append(value.Below, Tree{Offset: start, Token: Token{Start: start, End: start + len(item), Text: item, Value: item, IsString: true}})
				start += len(item) + 1
			}
		}
		root.Below = append(root.Below, value.Named(key, offset))
		offset += len(line)
	}
	return root, nil
}

func (wordSyntax) Write(_ Token, value string) (string, bool) {
	return value, !strings.ContainsAny(value, " -")
}

func TestAForeignTextIsEditedAsItsSyntaxSays(t *testing.T) {
	const src = "é-ö\ntag-v1\nnumber-0\nfixed-X\nlist-a,b\n"
	text, err := ParseForeign([]byte(src), wordSyntax{})
	if err != nil {
		t.Fatal(err)
	}
	root := text.Documents()[0]
	for key, test := range map[string]struct{ value, want string }{
		"é":      {"ü", "é-ü\ntag-v1\nnumber-0\nfixed-X\nlist-a,b\n"},
		"tag":    {"v2", "é-ö\ntag-v2\nnumber-0\nfixed-X\nlist-a,b\n"},
		"number": {"0", `line 3: the edited value would read "0" (!!other), not "0"`},
		"fixed":  {"y", "fixed: line 4: is in capitals"},
		"list":   {"y", "list: line 5: is a list, not a value"},
	} {
		s, err := root.Field(key).Scalar()
		got := words(err)
		if err == nil {
			e, err := s.Replace(test.value)
			if err != nil {
				t.Fatal(key, err)
			}
			after, err := text.Apply(e)
			got = string(after) + words(err)
		}
		if got != test.want {
			t.Errorf("%s: %s\nwant %s", key, got, test.want)
		}
	}
	item, err := root.Field("list").Items()[1].Scalar()
	if err != nil || item.Path.String() != "list[1]" || item.Line != 5 {
		t.Errorf("%v, %v", item, err)
	}
	tag, err := root.Field("tag").Scalar()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tag.Replace("a b"); words(err) != "tag: line 2: the new value cannot be written here" {
		t.Error(err)
	}
	if _, err := tag.InsertBehind(Entry{"x", "y"}); words(err) != "tag: line 2: is not a value that a key can be put in after" {
		t.Error(err)
	}
	if tag.Holds("v2") || !tag.Holds("v1") || root.Field("tag").Embedded() != nil || text.IsTemplate() {
		t.Error("a foreign value is not read as it is")
	}
	e, err := tag.Replace("v2")
	if err != nil {
		t.Fatal(err)
	}
	e.New = "v2\nbroken"
	if _, err := text.Apply(e); words(err) != "the edited text line 3: has no dash" {
		t.Error(err)
	}
}

func TestAForeignTextThatCannotBeReadIsRefused(t *testing.T) {
	for src, want := range map[string]string{
		"a-b\nc\n": "line 2: has no dash",
		"a-\xff":   "line 1: is not UTF-8",
		"a-\x00":   "line 1: has a NUL byte, so it is not a text",
	} {
		_, err := ParseForeign([]byte(src), wordSyntax{})
		var located *Error
		if words(err) != want || !errors.As(err, &located) {
			t.Errorf("%q: %v\nwant %s", src, err, want)
		}
	}
}
