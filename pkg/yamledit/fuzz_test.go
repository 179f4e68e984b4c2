package yamledit

import (
	"slices"
	"testing"
)

// fuzzSeeds are texts, and how many replacements and insertions must succeed in
// them. A fault that refuses more than it should would be invisible to the fuzzer.
var fuzzSeeds = []struct {
	src                string
	replaced, inserted int
}{
	{"a: v1\n", 1, 1},
	{"a: \"1\" # x\r\nb: 'c'\r\n", 2, 2},
	{"\ufeffa:\n  b: &x 1\n  c: [*x]\n", 2, 2},
	{"a: |\n  b: 1\n", 2, 2},
	{"---\na: 1\n---\nb: >-\n  x\n", 2, 2},
	{"{{- if .A }}\na: {{ .B | quote }}\n{{- end }}\nimage: x:1\n", 1, 0},
	{"a: {{ include \"x\" . | nindent 2 }}\n  b: 1\n", 1, 0},
	{"a: \"{{ .R }}:1\"\n", 0, 1},
	{"{{/* a }} */}}\nb: x\n", 1, 0},
	{"{a: {b: c}, d: [e, f]}\n", 3, 1},
	{"? a\n: b\n", 1, 0},
	{"a:\n- b: c # d\n  e: |\n    - f: g\r\n", 3, 3},
	{"a: {{ default \"x:1\" .B }}\n  b: [\n", 0, 0},
	{"a: x\u2028b: y\u0085c: z\n", 3, 0},
	{"v: \"a: 'x'\\n\\u0062: y\\n\"\nw: '[{\"c\": \"d\"}]'\n", 5, 5},
	{"v: \"a: x\\\n  \\ny: y\\nb:\n  z\"\n", 3, 3},
	{"{\"a\":\"1\",\n  \"b\" : [{\"c\":\"\\u00e9\"}]}", 2, 2},
}

func TestSeedsAreEdited(t *testing.T) {
	for _, seed := range fuzzSeeds {
		text, err := Read([]byte(seed.src))
		if err != nil {
			t.Errorf("%q: %v", seed.src, err)
			continue
		}
		if replaced, inserted := editAll(t, text, "2.0"); replaced != seed.replaced || inserted != seed.inserted {
			t.Errorf("%q: %d replaced, %d inserted; want %d and %d", seed.src, replaced, inserted, seed.replaced, seed.inserted)
		}
	}
}

// FuzzEveryScalar replaces each scalar of a text: what is not refused changes
// nothing else, reads back, and can be undone byte by byte.
func FuzzEveryScalar(f *testing.F) {
	for _, seed := range fuzzSeeds {
		f.Add(seed.src, "2.0")
	}
	f.Fuzz(func(t *testing.T, src, value string) {
		if len(src) > 4096 {
			return
		}
		if text, err := Read([]byte(src)); err == nil {
			editAll(t, text, value)
		}
		if text, err := ParseJSON([]byte(src)); err == nil {
			editAll(t, text, value)
		}
	})
}

// editAll makes every edit of the text, each alone, and counts those that succeed.
func editAll(t *testing.T, text *Text, value string) (replaced, inserted int) {
	var visit func(*Node)
	visit = func(n *Node) {
		for _, s := range append(n.Fallbacks(), scalarsOf(n)...) {
			if isReplaced(t, text, s, value) {
				replaced++
			}
			if isInserted(t, text, s, value) {
				inserted++
			}
		}
		if inner := n.Embedded(); inner != nil {
			for _, root := range inner.Documents() {
				root.Walk(visit)
			}
		}
	}
	for _, root := range text.Documents() {
		root.Walk(visit)
	}
	return replaced, inserted
}

func scalarsOf(n *Node) []Scalar {
	if s, err := n.SharedScalar(); err == nil {
		return []Scalar{s}
	}
	return nil
}

// readAgain reads the text as the other one was read.
func readAgain(t *testing.T, text *Text, after []byte) *Text {
	read := Read
	if text.mode == asJSON {
		read = ParseJSON
	}
	again, err := read(after)
	if err != nil {
		t.Fatalf("%q -> %q: %v", text.src, after, err)
	}
	return again
}

// isInserted puts an entry in after the scalar. It takes nothing away and reads back.
func isInserted(t *testing.T, text *Text, s Scalar, value string) bool {
	e, err := s.InsertBehind(Entry{"tagKey", value})
	if err != nil {
		return false
	}
	after, err := text.Apply(e)
	if err != nil {
		return false
	}
	if want := string(text.src[:e.Start]) + e.New + string(text.src[e.Start:]); string(after) != want || e.Start != e.End {
		t.Fatalf("bytes are lost: %q -> %q", text.src, after)
	}
	found, err := readAgain(t, text, after).Find(s.Path.Parent().Child("tagKey"))
	if err != nil || !slices.ContainsFunc(found, func(n *Node) bool { return n.yaml.Value == value }) {
		t.Fatalf("%q -> %q: %s is not there: %v", text.src, after, s.Path.Parent().Child("tagKey"), err)
	}
	return true
}

// isReplaced replaces the scalar. That changes no other byte, can be undone, and
// reads back.
func isReplaced(t *testing.T, text *Text, s Scalar, value string) bool {
	e, err := s.Replace(value)
	if err != nil {
		return false
	}
	after, err := text.Apply(e)
	if err != nil {
		return false
	}
	want := string(text.src[:e.Start]) + e.New + string(text.src[e.End:])
	if string(after) != want {
		t.Fatalf("bytes outside the value differ: %q -> %q", text.src, after)
	}
	if undone := string(after[:e.Start]) + e.old + string(after[e.Start+len(e.New):]); undone != string(text.src) {
		t.Fatalf("%q -> %q: undone, it is %q", text.src, after, undone)
	}
	if text.IsTemplate() || s.Style == Block || len(text.actions) > 0 {
		return true // found by its position only, which is for the comparison in Apply
	}
	again := readAgain(t, text, after)
	if found, err := again.Find(s.Path); err == nil && len(found) == 1 && found[0].IsScalar() && found[0].yaml.Value != value {
		t.Fatalf("%q -> %q: %s reads %q, not %q", text.src, after, s.Path, found[0].yaml.Value, value)
	}
	return true
}

// FuzzMask holds that placeholders keep the length of a template and all that is
// outside of its actions, and leave nothing of an action.
func FuzzMask(f *testing.F) {
	for _, seed := range fuzzSeeds {
		f.Add([]byte(seed.src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		actions := templateActions(src)
		masked := mask(src, actions)
		if len(masked) != len(src) {
			t.Fatalf("%q: %d bytes, not %d", src, len(masked), len(src))
		}
		isAction := make([]bool, len(src))
		for _, g := range actionGroups(src, actions) {
			from, to := g.start, g.end
			if g.isAlone(src) {
				from, to = g.lineStart, g.lineEnd
			}
			for i := from; i < to; i++ {
				isAction[i] = true
			}
		}
		for _, a := range actions {
			for i := a.start; i < a.end; i++ {
				if !isAction[i] {
					t.Fatalf("%q: byte %d of an action is outside of its group", src, i)
				}
			}
		}
		for i, c := range masked {
			if !isAction[i] && c != src[i] {
				t.Fatalf("%q -> %q: byte %d is outside of the actions", src, masked, i)
			}
			if isAction[i] && c != '_' && c != ' ' && c != '\n' {
				t.Fatalf("%q -> %q: byte %d of an action is left", src, masked, i)
			}
		}
	})
}
