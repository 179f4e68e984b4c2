package yamledit

import (
	"strings"
	"testing"
)

func TestInsertBehindKeepsEverythingElse(t *testing.T) {
	for name, test := range map[string]struct{ before, path, after string }{
		"block":            {"a:\n  b: x # c\n  d: 1\n", "a.b", "a:\n  b: x # c\n  new: \"1.0\"\n  d: 1\n"},
		"list item":        {"l:\n-   b: x\n    c: 1\n- b: y\n", "l[0].b", "l:\n-   b: x\n    new: \"1.0\"\n    c: 1\n- b: y\n"},
		"nested list":      {"- - b: x\n", "[0][0].b", "- - b: x\n    new: \"1.0\"\n"},
		"no final newline": {"a: x", "a", "a: x\nnew: \"1.0\""},
		"CR LF":            {"z: 1\r\na: x", "a", "z: 1\r\na: x\r\nnew: \"1.0\""},
		"byte order mark":  {"\ufeffa: x\nb: 1\n", "a", "\ufeffa: x\nnew: \"1.0\"\nb: 1\n"},
		"flow":             {"a: {b: x}\n", "a.b", "a: {b: x, new: \"1.0\"}\n"},
		"JSON":             {`{"a": "x", "b": 1}`, "a", `{"a": "x", "new": "1.0", "b": 1}`},
		"next line":        {"a:\n  x\nb: 1\n", "a", "a:\n  x\nnew: \"1.0\"\nb: 1\n"},
		"block scalar":     {"a: |\n  x\nb: 1\n", "a", "a: |\n  x\nnew: \"1.0\"\nb: 1\n"},
		"embedded":         {"v: |\n  a: x\n  b: 1\nw: &w 1\nu: *w\n", "v | a", "v: |\n  a: x\n  new: \"1.0\"\n  b: 1\nw: &w 1\nu: *w\n"},
		"embedded at end":  {"v: |\n  a: x\n\n# c\nw: 1\n", "v | a", "v: |\n  a: x\n  new: \"1.0\"\n\n# c\nw: 1\n"},
		"second document":  {"b: 1\n---\na: x\n---\nb: 1\n", "a", "b: 1\n---\na: x\nnew: \"1.0\"\n---\nb: 1\n"},
		"wide runes":       {"é: {ü: 😀}\n", "é.ü", "é: {ü: 😀, new: \"1.0\"}\n"},
	} {
		text, s, err := scalarAt(test.before, test.path)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		e, err := s.InsertBehind(Entry{"new", "1.0"})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		after, err := text.Apply(e)
		if err != nil || string(after) != test.after {
			t.Errorf("%s: got %q, %v; want %q", name, after, err, test.after)
		}
	}
}

func TestInsertBehindRefuses(t *testing.T) {
	for src, want := range map[string]string{
		"a: x\nnew: 1\n":              `a: line 1: has "new" beside it already`,
		"l: &l {}\n<<: *l\na: x\n":    "a: line 3: has no new of its own beside it, but one may come from the merged mapping (<<)",
		"{{ if x }}\na: x\n{{ end }}": "a: line 2: has no new beside it, and a key is never put into a template",
		"? a\n: x\n":                  "a: line 2: shares its line with something else, so new cannot be put in after it",
		"a:\n":                        "a: line 1: is not a value that a key can be put in after",
	} {
		_, s, err := scalarAt(src, "a")
		if err != nil {
			t.Fatal(src, err)
		}
		if _, err := s.InsertBehind(Entry{"new", "1"}); err == nil || err.Error() != want {
			t.Errorf("%q: %v\nwant %s", src, err, want)
		}
	}
	_, s, err := scalarAt("a: x\n", "a")
	if err != nil {
		t.Fatal(err)
	}
	want := `a: line 1: the new entry "b: 1\n2" has a line break, a control character or is not UTF-8`
	if _, err := s.InsertBehind(Entry{"b", "1\n2"}); err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
}

func TestFallbacksAreTheLiteralsBehindDefault(t *testing.T) {
	for action, want := range map[string][]string{
		`{{ .A | default "x:1" }}`:                      {"x:1"},
		`{{ default "x:1" .A | quote }}`:                {"x:1"},
		"{{ default `x:1` .A }}":                        {"x:1"},
		`{{ default (default "x:1" .B) .A }}`:           {"x:1"},
		`{{ .A | default "x" }}:{{ .B | default "1" }}`: {"x", "1"},
		`{{ printf "default %s" "x:1" }}`:               nil,
		`{{ .A | nodefault "x:1" }}`:                    nil,
		`{{ .A | default "x\n1" }}`:                     nil,
		`{{ .A | default .B "x:1" }}`:                   nil,
		`{{ "default" "x:1" }}`:                         nil,
		`{{ .A | default 'x' }}`:                        nil,
	} {
		text, err := Parse([]byte("{{ if .X }}\na: " + action + "\n{{ end }}\n"))
		if err != nil {
			t.Fatal(action, err)
		}
		var got []string
		for _, s := range text.Documents()[0].Field("a").Fallbacks() {
			got = append(got, s.Value)
		}
		if len(got) != len(want) || len(got) > 0 && got[0] != want[0] || len(got) > 1 && got[1] != want[1] {
			t.Errorf("%s: %q, want %q", action, got, want)
		}
	}
}

func TestFallbacksAreReplaced(t *testing.T) {
	const src = "{{ if .X }}\na: r/{{ .A | default \"x\" }}:{{ default `1` .T }}\n{{ end }}\n"
	text, err := Parse([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	literals := text.Documents()[0].Field("a").Fallbacks()
	if len(literals) != 2 || literals[1].Style.String() != "literal" {
		t.Fatalf("%v", literals)
	}
	for value, want := range map[string]string{
		"1.10": strings.Replace(src, "`1`", "`1.10`", 1),
		"":     `a: line 2: the new value "" does not fit in a template action`,
		"a`b":  "a: line 2: the new value \"a`b\" does not fit in a template action",
		"a b":  `a: line 2: the new value "a b" does not fit in a template action`,
		"}}{{": `a: line 2: the new value "}}{{" does not fit in a template action`,
		"a\nb": `a: line 2: the new value "a\nb" has a line break, a control character or is not UTF-8`,
	} {
		e, err := literals[1].Replace(value)
		got := words(err)
		if err == nil {
			after, err := text.Apply(e)
			got = string(after) + words(err)
		}
		if got != want {
			t.Errorf("%q: %s\nwant %s", value, got, want)
		}
	}
}
