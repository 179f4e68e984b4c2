package yamledit

import (
	"fmt"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// TestTextsInQuotesAreEdited holds that the outer quotes stay as they are.
func TestTextsInQuotesAreEdited(t *testing.T) {
	for name, test := range map[string]struct{ before, path, value, after string }{
		"YAML in double quotes":  {`v: "image:\n  tag: v1\n"` + "\n", "v | image.tag", "v2", `v: "image:\n  tag: v2\n"` + "\n"},
		"quotes inside":          {`v: "tag: \"1\" # \u00e9\nb: 2\n"`, "v | tag", "2", `v: "tag: \"2\" # \u00e9\nb: 2\n"`},
		"quotes needed":          {`v: "tag: v1\nb: 2\n"`, "v | tag", "1.10", `v: "tag: \"1.10\"\nb: 2\n"`},
		"a backslash":            {`v: "tag: 'x'\nb: 2\n"`, "v | tag", `a\b`, `v: "tag: 'a\\b'\nb: 2\n"`},
		"empty":                  {`v: "tag:\nb: 2\n"`, "v | tag", "v2", `v: "tag: v2\nb: 2\n"`},
		"empty at the end":       {`v: "b: 2\ntag:"`, "v | tag", "v2", `v: "b: 2\ntag: v2"`},
		"JSON in single quotes":  {`p: '[{"op":"replace","value":"a/api:1"}]'`, "p | [0].value", "a/api:2", `p: '[{"op":"replace","value":"a/api:2"}]'`},
		"YAML in single quotes":  {"p: '{a: ''v1'', b: x}'", "p | a", "it's", "p: '{a: ''it''''s'', b: x}'"},
		"JSON in double quotes":  {`p: "{\"a\": {\"b\": \"v1\"}}" # c`, "p | a.b", "v2", `p: "{\"a\": {\"b\": \"v2\"}}" # c`},
		"in folded lines":        {"v: \"image:\\n  name: x\\n\\\n  \\  tag: v1\\n\\\n  b:\n  z\"\n", "v | image.tag", "v2", "v: \"image:\\n  name: x\\n\\\n  \\  tag: v2\\n\\\n  b:\n  z\"\n"},
		"in single, folded":      {"v: 'a: x\n\n  tag: v1\n\n  b: y'\n", "v | tag", "v2", "v: 'a: x\n\n  tag: v2\n\n  b: y'\n"},
		"quotes in a block":      {"c: |\n  d: \"t: v1\\nu: x\\n\"\n", "c | d | t", "1.0", "c: |\n  d: \"t: \\\"1.0\\\"\\nu: x\\n\"\n"},
		"a block in quotes":      {`c: "d: |\n  t: v1\n  u: x\n"`, "c | d | t", "1.0", `c: "d: |\n  t: \"1.0\"\n  u: x\n"`},
		"quotes in quotes":       {`c: "d: \"t: v1\\nu: x\\n\"\ne: f\n"`, "c | d | t", "1.0", `c: "d: \"t: \\\"1.0\\\"\\nu: x\\n\"\ne: f\n"`},
		"CR LF":                  {"v: |\r\n  a: v1\r\n  b: \"c: v1\\nd: x\\n\"\r\n", "v | b | c", "v2", "v: |\r\n  a: v1\r\n  b: \"c: v2\\nd: x\\n\"\r\n"},
		"an action beside it":    {`v: '{"a": "v1", "b": "{{ c }}"}'`, "v | a", "v2", `v: '{"a": "v2", "b": "{{ c }}"}'`},
		"an anchored text":       {"v: &x \"a: v1\\nb: x\\n\"\n", "v | a", "v2", "v: &x \"a: v2\\nb: x\\n\"\n"},
		"every escape":           {`v: "a: v1\nb: '\t\ \"\\\N\_\L\P\x41\u0042\U0001F600'\n"`, "v | a", "v2", `v: "a: v2\nb: '\t\ \"\\\N\_\L\P\x41\u0042\U0001F600'\n"`},
		"beside a block of text": {"v: |\n  a: v1\n  b: |\n    c: v1\n    d: x\n", "v | b | c", "v2", "v: |\n  a: v1\n  b: |\n    c: v2\n    d: x\n"},
	} {
		got, err := edit(test.before, test.path, test.value)
		if err != nil || got != test.after {
			t.Errorf("%s: got\n%s\n%v\nwant\n%s", name, got, err, test.after)
		}
	}
}

func TestEntriesArePutIntoEmbeddedTexts(t *testing.T) {
	for name, test := range map[string]struct{ before, path, after string }{
		"double quotes":        {`v: "image:\n  repository: x # c\n"`, "v | image.repository", `v: "image:\n  repository: x # c\n  tag: \"1\"\n"`},
		"double quotes, CR LF": {`v: "image:\r\n  repository: x\r\n"`, "v | image.repository", `v: "image:\r\n  repository: x\r\n  tag: \"1\"\r\n"`},
		"JSON in quotes":       {`v: '{"repository": "x"}'`, "v | repository", `v: '{"repository": "x", "tag": "1"}'`},
		"single quotes":        {"v: 'repository: x\n\n  b: y'\n", "v | repository", "v | repository: line 1: is in single quotes, where tag cannot have a line of its own"},
		"a block in a block":   {"v: |\n  w: |\n    repository: x\n", "v | w | repository", "v: |\n  w: |\n    repository: x\n    tag: \"1\"\n"},
		"without a line break": {"v: |-\r\n  repository: x", "v | repository", "v: |-\r\n  repository: x\r\n  tag: \"1\""},
		"pretty JSON":          {"{\n  \"repository\": \"x\",\n  \"b\": 1\n}\n", "repository", "{\n  \"repository\": \"x\",\n  \"tag\": \"1\",\n  \"b\": 1\n}\n"},
		"flow in lines":        {"a: {\n  repository: x # c\n}\n", "a.repository", "a: {\n  repository: x,\n  tag: \"1\" # c\n}\n"},
		"odd line break":       {"repository: x # c\u0085b: y\n", "repository", "repository: line 1: shares its line with something else, so tag cannot be put in after it"},
		"a carriage return":    {"repository: x # c\rb: y\n", "repository", "repository: line 1: shares its line with something else, so tag cannot be put in after it"},
	} {
		text, s, err := scalarAt(test.before, test.path)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		e, err := s.InsertBehind(Entry{"tag", "1"})
		got := words(err)
		if err == nil {
			after, err := text.Apply(e)
			got = string(after) + words(err)
		}
		if got != test.after {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, test.after)
		}
	}
}

// TestNotEveryTextIsEmbedded holds which scalars are read as texts of their own.
func TestNotEveryTextIsEmbedded(t *testing.T) {
	for src, want := range map[string]bool{
		"a: \"b: c\\nd: e\"\n": true,
		"a: '{b: c}'\n":        true,
		"a: ' [b]'\n":          true,
		"a: |\n  b: c\n":       true,
		"a: \"note: this\"\n":  false, // a sentence
		"a: \"two\\nlines\"\n": false,
		"a: 'b'\n":             false,
		"a: '{b'\n":            false,
		"a: b\n":               false,
		"a: >\n  b: c\n":       false,
		"a: |\n  b\n":          false,
		"a: |\n\n":             false,
		"a: {b: c}\n":          false,
		"{{ if x }}\na: '{b: {{ c }}}'\n{{ end }}": false, // a placeholder is not the text
		"{{ if x }}\na: '{b: c}'\n{{ end }}":       true,
		"a: |\n  b: c\u0085  d: e\n":               false, // other line breaks
		"a: '{b: c,\u0085d: e}'\n":                 false,
	} {
		text, err := Parse([]byte(src))
		if err != nil {
			t.Fatalf("%q: %v", src, err)
		}
		if got := text.Documents()[0].Field("a").Embedded() != nil; got != want {
			t.Errorf("%q: %t", src, got)
		}
	}
}

// TestAWrongQuoteIsNotUnquoted plays a parser that tells a wrong place or value.
func TestAWrongQuoteIsNotUnquoted(t *testing.T) {
	text, err := Parse([]byte(`a: "b: c\nd: e" # "x` + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	for name, y := range map[string]yaml.Node{
		"another value": {Kind: yaml.ScalarNode, Line: 1, Column: 4, Style: yaml.DoubleQuotedStyle, Value: "b: x\nd: e"},
		"no quote":      {Kind: yaml.ScalarNode, Line: 1, Column: 5, Style: yaml.DoubleQuotedStyle, Value: "b: c\nd: e"},
		"not closed":    {Kind: yaml.ScalarNode, Line: 1, Column: 19, Style: yaml.DoubleQuotedStyle, Value: "x: c\nd: e"},
		"no block":      {Kind: yaml.ScalarNode, Line: 1, Column: 4, Style: yaml.LiteralStyle, Value: "b: c\nd: e"},
		"outside":       {Kind: yaml.ScalarNode, Line: 9, Column: 4, Style: yaml.LiteralStyle, Value: "b: c\nd: e"},
		"at the end":    {Kind: yaml.ScalarNode, Line: 2, Column: 1, Style: yaml.LiteralStyle, Value: "b: c\nd: e"},
	} {
		if inner := (&Node{text: text, yaml: &y}).Embedded(); inner != nil {
			t.Errorf("%s: %v", name, inner.Documents()[0].Fields())
		}
	}
	for _, src := range []string{`\`, `\x4`, `\u00`, `\q`, `\U00110000`, "\\\n\n x"} {
		if u := (unquoter{src: []byte(src), quote: '"'}); u.next() {
			t.Errorf("%q is unquoted: %q", src, u.text)
		}
	}
}

func TestTextsAreEmbeddedUpToADepth(t *testing.T) {
	src := "tag: v1\n"
	for range maxEmbedding + 2 {
		src = "v: |\n  " + strings.ReplaceAll(strings.TrimSuffix(src, "\n"), "\n", "\n  ") + "\n"
	}
	text, err := Parse([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	depth := 0
	for inner := text; inner != nil; inner = inner.Documents()[0].Field("v").Embedded() {
		depth++
	}
	if depth != maxEmbedding+1 {
		t.Errorf("%d texts are read", depth)
	}
}

func TestNestingIsBounded(t *testing.T) {
	for name, test := range map[string]struct{ src, want string }{
		"deep enough":  {strings.Repeat("[", maxNesting-1) + strings.Repeat("]", maxNesting-1), ""},
		"too deep":     {"a: 1\nb: " + strings.Repeat("[", 2*maxNesting) + strings.Repeat("]", 2*maxNesting), "line 2: is nested deeper than 500 levels"},
		"a long value": {"a: " + strings.Repeat("x", 3*maxNesting), ""},
	} {
		if _, err := Parse([]byte(test.src)); words(err) != test.want {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
}

// TestLongLinesAreFound holds that positions in a long line are those that the
// parser counts, in characters.
func TestLongLinesAreFound(t *testing.T) {
	src := "l: [" + each(600, "é%d, ") + "v1, " + each(600, "ü%d, ") + "v3]\n"
	got, err := edit(src, "l[600]", "v2")
	if want := strings.Replace(src, "v1", "v2", 1); err != nil || got != want {
		t.Errorf("%.80s, %v", got, err)
	}
	got, err = edit(src, "l[1201]", "v4")
	if want := strings.Replace(src, "v3", "v4", 1); err != nil || got != want {
		t.Errorf("%.80s, %v", got, err)
	}
}

func TestJSONIsReadByItsOwnRules(t *testing.T) {
	for src, want := range map[string]string{
		"{\"a\": \"1\" // x\n}": "line 1: is not JSON: invalid character '/' after object key:value pair",
		"a: 1\n":                "line 1: is not JSON: invalid character 'a' looking for beginning of value",
		"":                      "line 1: is not JSON: unexpected end of JSON input",
		"[1]\n\n[2]":            "line 3: is not JSON: invalid character '[' after top-level value",
		"\xef\xbb\xbf{\"a\":1}": "",
		"[\"\\ud83d\\ude00\"]":  "",
		"[\"\\ud83d\"]":         "",
		"[\"\x7f\"]":            "cannot be parsed near line 1: control characters are not allowed",
		"[1, \xff]":             "line 1: is not UTF-8",
		strings.Repeat("[", 600) + strings.Repeat("]", 600): "line 1: is nested deeper than 500 levels",
	} {
		if _, err := ParseJSON([]byte(src)); words(err) != want {
			t.Errorf("%.30q: %v\nwant %s", src, err, want)
		}
	}
	text, err := ParseJSON([]byte(`{"n": 1, "s": "a\/b", "u": "\ud83d\ude00", "b\/": null}`))
	if err != nil {
		t.Fatal(err)
	}
	root := text.Documents()[0]
	for key, want := range map[string]string{
		"n":  `{"n": "v2", "s": "a\/b", "u": "\ud83d\ude00", "b\/": null}`,
		"s":  `{"n": 1, "s": "v2", "u": "\ud83d\ude00", "b\/": null}`,
		"u":  `{"n": 1, "s": "a\/b", "u": "v2", "b\/": null}`,
		"b/": `{"n": 1, "s": "a\/b", "u": "\ud83d\ude00", "b\/": "v2"}`,
	} {
		s, err := root.Field(key).Scalar()
		if err != nil {
			t.Fatal(key, err)
		}
		e, err := s.Replace("v2")
		if err != nil {
			t.Fatal(key, err)
		}
		if after, err := text.Apply(e); err != nil || string(after) != want {
			t.Errorf("%s: %s, %v", key, after, err)
		}
	}
	if got := fmt.Sprint(root.Field("s").Value(), root.Field("u").Value(), root.Field("b/").Value()); got != "a/b😀" {
		t.Errorf("values are %s", got)
	}
}
