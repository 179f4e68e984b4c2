package yamledit

import (
	"errors"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/tagbump/tagbump/pkg/keypath"
)

// scalarAt reads src and returns the one value at path, as plan does.
func scalarAt(src, path string) (*Text, Scalar, error) {
	p, err := keypath.Parse(path)
	if err != nil {
		return nil, Scalar{}, err
	}
	text, err := Read([]byte(src))
	if err != nil {
		return nil, Scalar{}, err
	}
	nodes, err := text.Find(p)
	if err != nil {
		return nil, Scalar{}, err
	}
	if err := nodes[0].CheckKeys(); err != nil {
		return nil, Scalar{}, err
	}
	s, err := nodes[0].Scalar()
	return text, s, err
}

// edit replaces the first value at path.
func edit(src, path, value string) (string, error) {
	text, s, err := scalarAt(src, path)
	if err != nil {
		return "", err
	}
	e, err := s.Replace(value)
	if err != nil {
		return "", err
	}
	after, err := text.Apply(e)
	return string(after), err
}

func TestReplaceKeepsEverythingElse(t *testing.T) {
	for name, test := range map[string]struct{ before, path, value, after string }{
		"plain":            {"a: {b: 1}\n", "a.b", "v2", "a: {b: v2}\n"},
		"double quotes":    {"a: \"1\" # x\n", "a", "2", "a: \"2\" # x\n"},
		"single quotes":    {"a: '1'\n", "a", "it's", "a: 'it''s'\n"},
		"quotes added":     {"a: v1\n", "a", "1e3", "a: \"1e3\"\n"},
		"empty value":      {"a:\nb: 2\n", "a", "1.0", "a: \"1.0\"\nb: 2\n"},
		"empty, comment":   {"a:  # c\n", "a", "x", "a: x  # c\n"},
		"empty in flow":    {"{a: , b: {a: }}\n", "b.a", "x", "{a: , b: {a: x }}\n"},
		"empty quotes":     {"a: \"\"\n", "a", "x", "a: \"x\"\n"},
		"second document":  {"b: 1\n---\na: v1\n", "a", "v2", "b: 1\n---\na: v2\n"},
		"CR LF":            {"a: v1\r\nb: 2\r\n", "a", "v2", "a: v2\r\nb: 2\r\n"},
		"byte order mark":  {"\ufeffa: v1\n", "a", "v2", "\ufeffa: v2\n"},
		"wide runes":       {"é: 😀\nö: {ü: v1}\n", "ö.ü", "v2", "é: 😀\nö: {ü: v2}\n"},
		"odd line breaks":  {"x: a\u0085y: b\u2028z: v1\n", "z", "v2", "x: a\u0085y: b\u2028z: v2\n"},
		"no final newline": {"a: v1", "a", "v2", "a: v2"},
		"anchor":           {"a: &t v1\n", "a", "v2", "a: &t v2\n"},
		"explicit string":  {"a: !!str 1\n", "a", "v2", "a: !!str v2\n"},
		"one-line block":   {"a: >-\n  v1\nb: 2\n", "a", "v2", "a: >-\n  v2\nb: 2\n"},
		"selector":         {"l:\n- name: x\n  t: v1\n- name: y\n  t: v1\n", "l[name=y].t", "v2", "l:\n- name: x\n  t: v1\n- name: y\n  t: v2\n"},
		"template":         {"{{- if .A }}\na: v1\n{{- end }}\n", "a", "v2", "{{- if .A }}\na: v2\n{{- end }}\n"},
		"beside an action": {"a: \"{{ .R }}/app:v1\"\n", "a", "{{ .R }}/app:v2", "a: \"{{ .R }}/app:v2\"\n"},
		"YAML 1.2":         {"%YAML 1.2\n---\na: v1\n", "a", "v2", "%YAML 1.2\n---\na: v2\n"},
		"tabs":             {"a: v1\t# x\nb: \"\t\"\n", "a", "v2", "a: v2\t# x\nb: \"\t\"\n"},
		"argument":         {"a:\n- --image=x:1\n", "a[0]", "--image=x:2", "a:\n- --image=x:2\n"},
		"odd plain text":   {"a: ${R}/x:v1\n", "a", "${R}/x:v2", "a: ${R}/x:v2\n"},
		"odd from scratch": {"a: x\n", "a", "@x", "a: \"@x\"\n"},
		"odd, colon":       {"a: ${R}:v1\n", "a", "${R}:", "a: \"${R}:\"\n"},
		"odd, a number":    {"a: 1.2.3\n", "a", "1.2", "a: \"1.2\"\n"},
		"odd, a date":      {"a: x\n", "a", "2026-01-02", "a: \"2026-01-02\"\n"},
		"backslashes":      {"a: \"x\"\n", "a", `\"`, "a: \"\\\\\\\"\"\n"},
		"escapes":          {`a: "\x76\u0031" # c` + "\n", "a", "v2", "a: \"v2\" # c\n"},
		"embedded":         {"v: |\n  # c\n  a: v1\n", "v | a", "v2", "v: |\n  # c\n  a: v2\n"},
	} {
		got, err := edit(test.before, test.path, test.value)
		if err != nil || got != test.after {
			t.Errorf("%s: got %q, %v; want %q", name, got, err, test.after)
		}
	}
}

func TestRefusalsNameThePlace(t *testing.T) {
	for src, want := range map[string]string{
		"a: &x 1\nb: {a: *x}\nc: *x\n": "a: line 1: has the anchor &x, which is used in lines 2 and 3 as well",
		"a: &x 1\n*x : 2\n":            "a: line 1: has the anchor &x, which is used in line 2 as well",
		"? b: &x 1\na: *x\n":           "a: line 2: is an alias (*x) of the value at line 1",
		"b: 1\na: *x\n":                "cannot be parsed near line 2: unknown anchor 'x' referenced",
		"{% if x %}\na: 1\n":           "cannot be parsed near line 1: found character that cannot start any token",
		"b: 1\na: \a\n":                "cannot be parsed near line 2: control characters are not allowed",
		"x: &x 1\na: *x\n":             "a: line 2: is an alias (*x) of the value at line 1",
		"a: {b: 1}\n":                  "a: line 1: is a mapping, not a value",
		"a: [1]\n":                     "a: line 1: is a list, not a value",
		"b: 1\na: \"x\n  y\"\n":        "a: line 2: goes over several lines",
		"a: x\n  y\n":                  "a: line 1: goes over several lines",
		"a: |\n  x\n  y\n":             "a: line 1: goes over several lines",
		"a: !!int 1\n":                 "a: line 1: has the explicit tag !!int",
		"a: 1\na: 2\n":                 "a: is defined 2 times (lines 1 and 2)",
		"b: 1\n":                       `a: not found: the document has no key "a"`,
		"a: [\n":                       "cannot be parsed near line 1: did not find expected node content",
		"\xff\xfea\x00":                "is UTF-16",
		"b: 1\na: \x00\n":              "line 2: has a NUL byte, so it is not a text",
		"b: 1\na: \xff\n":              "line 2: is not UTF-8",
		"{{ if x }}\na: {{ .T }}\n":    "a: line 2: is set by the template action {{ .T }}",
	} {
		_, err := edit(src, "a", "v2")
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v\nwant %s", src, err, want)
		}
	}
	if _, err := edit("b: 1\n", "a", "v2"); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v is not ErrNotFound", err)
	}
}

// TestNewValuesAreRefused holds what a value cannot be replaced by.
func TestNewValuesAreRefused(t *testing.T) {
	for name, test := range map[string]struct{ src, value, want string }{
		"a line break":        {"a: x\n", "v\n2", `a: line 1: the new value "v\n2" has a line break, a control character or is not UTF-8`},
		"an odd line break":   {"a: 'x'\n", "v\u20282", `a: line 1: the new value "v\u20282" has a line break, a control character or is not UTF-8`},
		"a control character": {"a: 'x'\n", "v\x7f", `a: line 1: the new value "v\x7f" has a line break, a control character or is not UTF-8`},
		"no UTF-8":            {"a: 'x'\n", "v\xff", `a: line 1: the new value "v\xff" has a line break, a control character or is not UTF-8`},
		"an action":           {"a: 'x'\n", "{{ .x }}", `a: line 1: the new value "{{ .x }}" has a template action`},
		"a block, blank":      {"a: |\n  x\n", " v2", `a: line 1: the new value " v2" does not fit in a block scalar`},
		"a block, comment":    {"a: |\n  x\n", "#v2", `a: line 1: the new value "#v2" does not fit in a block scalar`},
		"a block, empty":      {"a: |\n  x\n", "", `a: line 1: the new value "" does not fit in a block scalar`},
		"into an action":      {"a: \"{{ .R }}:v1\"\n", "{{ .RX }}:v1", "a: line 1: is set by the template action {{ .R }}"},
		"over an action":      {"a: \"{{ .R }}:v1\"\n", "x:v1", "a: line 1: is set by the template action {{ .R }}"},
		"beside an action":    {"a: \"{{ .R }}:v1\"\n", "{{ .R }}:v\"1", `a: line 1: the new value "\"" does not fit beside a template action`},
	} {
		if _, err := edit(test.src, "a", test.value); words(err) != test.want {
			t.Errorf("%s: %v\nwant %s", name, err, test.want)
		}
	}
}

// TestHoldsAsksForQuotes holds that a value counts as written only if every reader
// takes it for that text.
func TestHoldsAsksForQuotes(t *testing.T) {
	for src, want := range map[string]bool{
		"a: '1.10'\n": true, "a: 1.10\n": false, "a: !!str 1.10\n": true, "a: |-\n  1.10\n": true, "a: \"1.10\" # c\n": true, "a: '1.1'\n": false,
		"{{ if x }}\na: 1.10{{ end }}\n": false,
	} {
		_, s, err := scalarAt(src, "a")
		if err != nil {
			t.Fatal(err)
		}
		if s.Holds("1.10") != want {
			t.Errorf("%q: %t", src, !want)
		}
	}
	for value, want := range map[string]bool{"${R}/x": true, "v1": true, "y": false, "": false} {
		_, s, err := scalarAt("a: "+value+"\n", "a")
		if err != nil {
			t.Fatal(err)
		}
		if s.Holds(value) != want {
			t.Errorf("%q: %t", value, !want)
		}
	}
}

func TestASharedScalarIsTheAnchors(t *testing.T) {
	for name, test := range map[string]struct{ src, path, want string }{
		"an alias":        {"b: &x v1 # c\na: *x\n", "a", "b: &x v2 # c\na: *x\n"},
		"the anchor":      {"a: &x v1\nb: [*x, *x]\n", "a", "a: &x v2\nb: [*x, *x]\n"},
		"without aliases": {"a: &x v1\n", "a", "a: &x v2\n"},
		"a key":           {"a: &x v1\n*x : 2\n", "a", "a: line 1: has the anchor &x, which is used in line 2 as well"},
		"anchored a key":  {"? &x v1\n: 1\na: *x\n", "a", "a: line 3: is an alias (*x) of the value at line 1"},
		"the same anchor": {"c: &x 1\nb: &x v1\na: *x\n", "a", "c: &x 1\nb: &x v2\na: *x\n"},
		"a merge":         {"b: &x {tag: v1}\na: *x\n", "a", "b: line 1: is a mapping, not a value"},
	} {
		text, err := Parse([]byte(test.src))
		if err != nil {
			t.Fatal(name, err)
		}
		s, err := text.Documents()[0].Field(test.path).SharedScalar()
		got := words(err)
		if err == nil {
			e, err := s.Replace("v2")
			if err != nil {
				t.Fatal(name, err)
			}
			after, err := text.Apply(e)
			got = string(after) + words(err)
		}
		if got != test.want {
			t.Errorf("%s: %q\nwant %q", name, got, test.want)
		}
	}
}

func TestMergesAreFollowedBack(t *testing.T) {
	text, err := Parse([]byte("base: &base {tag: v1}\nweb: {<<: *base}\napi:\n  <<: [*base]\njob: {x: *base}\nplain: {}\n"))
	if err != nil {
		t.Fatal(err)
	}
	root := text.Documents()[0]
	var users []string
	for _, n := range root.Field("base").MergedInto() {
		users = append(users, n.Path().String())
	}
	if got := strings.Join(users, " "); got != "web api" || root.Field("plain").MergedInto() != nil {
		t.Errorf("merged into %q", got)
	}
}

func TestPathsFindNodes(t *testing.T) {
	const src = "kind: Deployment\nmetadata: {name: web}\nspec:\n  containers:\n  - {name: web, image: a}\n  - {name: log, image: b}\n---\n" +
		"kind: Job\nmetadata: {name: web, labels: {a.b/c: x}}\nspec: {image: c}\n" +
		"apps:\n- chart: {name: java}\n  tag: d\n- chart: {name: go}\n  tag: e\n- chart: &c {name: rust}\n- chart: *c\n" +
		"values: |\n  x: [f, g]\npatch: '[{\"value\": \"h\"}]'\n"
	text, err := Parse([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"spec.containers[name=log].image":         "b",
		"spec.containers[*].image":                "a b",
		"spec.containers.1.image":                 "b",
		"spec.containers[1].image":                "b",
		"(kind=Job).spec.image":                   "c",
		"(kind=Job,metadata.name=web).spec.image": "c",
		`(metadata.labels."a.b/c"=x).spec.image`:  "c",
		`metadata.labels['a.b/c']`:                "x",
		"apps[chart.name=go].tag":                 "e",
		"apps[0].*":                               " d",
		"kind":                                    "Deployment Job",
		"values | x[1]":                           "g",
		"patch | [0].value":                       "h",
		"nothing":                                 `nothing: not found: the document has no key "nothing"`,
		"apps[chart.name=c].tag":                  "apps[chart.name=c].tag: line 12: not found: apps has no item [chart.name=c]",
		"apps[chart=java].tag":                    "apps[chart=java].tag: line 12: not found: apps has no item [chart=java]",
		"spec.containers[9]":                      "spec.containers[9]: line 5: not found: spec.containers has no item [9]",
		"spec.containers.x":                       "spec.containers.x: line 5: not found: spec.containers is not a mapping",
		"kind[0]":                                 "kind[0]: not found: kind is not a list",
		"kind.x":                                  "kind.x: not found: kind is not a mapping",
		"kind | x":                                "kind | x: not found: kind does not hold YAML or JSON as text",
		"(kind=Service).x":                        "(kind=Service).x: not found: there is no document (kind=Service)",
		"apps[3].chart.name":                      "apps[3].chart.name: line 17: not found: apps[3].chart is an alias (*c), which is not followed",
		"metadata.labels.a.b/c":                   `metadata.labels.a.b/c: line 9: not found: metadata.labels has no key "a"`,
		"(metadata=x).a":                          "(metadata=x).a: not found: there is no document (metadata=x)",
		"apps[chart.name.x=go].tag":               "apps[chart.name.x=go].tag: line 12: not found: apps has no item [chart.name.x=go]",
	} {
		p, err := keypath.Parse(path)
		if err != nil {
			t.Fatal(err)
		}
		nodes, err := text.Find(p)
		got := words(err)
		for i, n := range nodes {
			if i > 0 {
				got += " "
			}
			got += n.Value()
		}
		if got != want {
			t.Errorf("%s: %s\nwant %s", path, got, want)
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v is not ErrNotFound", path, err)
		}
	}
	p, _ := keypath.Parse("spec.image")
	if nodes, err := text.FindIn(1, p); err != nil || nodes[0].Value() != "c" {
		t.Errorf("FindIn: %v", err)
	}
	if _, err := text.FindIn(0, p); words(err) != `spec.image: line 4: not found: spec has no key "image"` {
		t.Errorf("FindIn: %v", err)
	}
	if _, err := text.FindIn(7, p); words(err) != "spec.image: not found: the text is empty" {
		t.Errorf("FindIn: %v", err)
	}
	p, _ = keypath.Parse("metadata.labels.a.b/c")
	_, err = text.FindIn(1, p)
	var located *Error
	if !errors.As(err, &located) || located.Hint() != `a key with dots is written in quotes: "a.b/c"` {
		t.Errorf("hint of %v", err)
	}
}

// TestTagsStayStrings holds that whatever a registry may call a tag reads back
// as that text.
func TestTagsStayStrings(t *testing.T) {
	for _, tag := range []string{
		"1.10", "1.0", "1e3", "0123", "08", "202406151230", "0x1F", "0o17", "0b11", "0_x1", "1_000", "1_", "1.", "on", "Off", "y", "N", "YES", "null",
		"2024-06-15", "2024-06-15T10", "12e4567", "7654321", "1.2.3", "v1", "latest", "_", "_1", "e01", "0e0", ".5", "infinity", "nan",
		"-1", "--1", "-1.5e3", "-.inf", "-0x1F", "-1:30", "=", "a=b", "--a=b:1", "a:", "-", "--",
	} {
		after, err := edit("a: x\n", "a", tag)
		if err != nil {
			t.Errorf("%s: %v", tag, err)
			continue
		}
		var got struct{ A any }
		if err := yaml.Unmarshal([]byte(after), &got); err != nil || got.A != tag {
			t.Errorf("%s: %q reads as %#v, %v", tag, after, got.A, err)
		}
	}
}
