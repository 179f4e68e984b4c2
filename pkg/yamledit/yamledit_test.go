package yamledit

import (
	"bytes"
	"errors"
	"slices"
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
		"a: *x\n":                      "cannot be parsed: unknown anchor 'x' referenced",
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

var fuzzSeeds = []string{
	"a: v1\n", "a: \"1\" # x\r\nb: 'c'\r\n", "\ufeffa:\n  b: &x 1\n  c: [*x]\n", "a: |\n  b: 1\n", "---\na: 1\n---\nb: >-\n  x\n",
	"{{- if .A }}\na: {{ .B | quote }}\n{{- end }}\nimage: x:1\n", "a: {{ include \"x\" . | nindent 2 }}\n  b: 1\n", "a: \"{{ .R }}:1\"\n",
	"{{/* a }} */}}\nb: `\n", "{a: {b: c}, d: [e, f]}\n", "? a\n: b\n", "a:\n- b: c # d\n  e: |\n    - f: g\r\n", "a: {{ default \"x:1\" .B }}\n  b: [\n", "a: x\u2028b: y\u0085c: z\n",
}

// FuzzEveryScalar replaces each scalar of a text: what is not refused changes
// nothing else, reads back, and can be undone byte by byte.
func FuzzEveryScalar(f *testing.F) {
	for _, seed := range fuzzSeeds {
		f.Add(seed, "2.0")
	}
	f.Fuzz(func(t *testing.T, src, value string) {
		if len(src) > 4096 {
			return
		}
		text, err := Parse([]byte(src))
		if err != nil {
			text, err = ParseLines([]byte(src))
		}
		if err != nil {
			return
		}
		for _, root := range text.Documents() {
			root.Walk(func(n *Node) { checkNode(t, text, n, value) })
		}
	})
}

func checkNode(t *testing.T, text *Text, n *Node, value string) {
	if s, err := n.SharedScalar(); err == nil {
		checkReplace(t, text, s, value)
		checkInsert(t, text, s, value)
	}
	for _, literal := range n.Fallbacks() {
		checkReplace(t, text, literal, value)
	}
	if inner := n.Embedded(); inner != nil {
		for _, root := range inner.Documents() {
			root.Walk(func(n *Node) {
				if s, err := n.Scalar(); err == nil {
					checkReplace(t, text, s, value)
					checkInsert(t, text, s, value)
				}
			})
		}
	}
}

// checkInsert holds that a new entry takes nothing away and reads back.
func checkInsert(t *testing.T, text *Text, s Scalar, value string) {
	e, err := s.InsertBehind(Entry{"tagKey", value})
	if err != nil {
		return
	}
	after, err := text.Apply(e)
	if err != nil {
		return // refused, and nothing written
	}
	if want := string(text.src[:e.Start]) + e.New + string(text.src[e.Start:]); string(after) != want || e.Start != e.End {
		t.Fatalf("bytes are lost: %q -> %q", text.src, after)
	}
	again, err := Parse(after)
	if err != nil {
		t.Fatalf("%q -> %q: %v", text.src, after, err)
	}
	found, err := again.Find(s.Path.Parent().Child("tagKey"))
	if err != nil || !slices.ContainsFunc(found, func(n *Node) bool { return n.yaml.Value == value }) {
		t.Fatalf("%q -> %q: %s is not there: %v", text.src, after, s.Path.Parent().Child("tagKey"), err)
	}
}

func checkReplace(t *testing.T, text *Text, s Scalar, value string) {
	e, err := s.Replace(value)
	if err != nil {
		return
	}
	after, err := text.Apply(e)
	if err != nil {
		return // refused, and nothing written
	}
	want := string(text.src[:e.Start]) + e.New + string(text.src[e.End:])
	if string(after) != want {
		t.Fatalf("bytes outside the value differ: %q -> %q", text.src, after)
	}
	if undone := string(after[:e.Start]) + e.old + string(after[e.Start+len(e.New):]); undone != string(text.src) {
		t.Fatalf("%q -> %q: undone, it is %q", text.src, after, undone)
	}
	if text.mode == byLine {
		return
	}
	again, err := Parse(after)
	if err != nil {
		t.Fatalf("%q -> %q: %v", text.src, after, err)
	}
	if s.Style == Block || len(text.actions) > 0 {
		return // found by position only, which the checks in Apply are for
	}
	if found, err := again.Find(s.Path); err == nil && len(found) == 1 && found[0].IsScalar() && found[0].yaml.Value != value {
		t.Fatalf("%q -> %q: %s reads %q, not %q", text.src, after, s.Path, found[0].yaml.Value, value)
	}
}

// FuzzMask holds that placeholders keep the length of a template, and all that
// stands outside its actions.
func FuzzMask(f *testing.F) {
	for _, seed := range fuzzSeeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		actions := templateActions(src)
		masked := mask(src, actions)
		if len(masked) != len(src) {
			t.Fatalf("%q: %d bytes, not %d", src, len(masked), len(src))
		}
		if bytes.Contains(masked, []byte("{{")) && len(actions) > 0 && strings.Count(string(masked), "{{") >= strings.Count(string(src), "{{") {
			t.Fatalf("%q: an action is left in %q", src, masked)
		}
	})
}
