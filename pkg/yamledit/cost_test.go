package yamledit

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// shapesOfMany are texts with n values v1 to replace.
var shapesOfMany = map[string]func(n int) string{
	"documents": func(n int) string {
		return strings.Repeat("kind: Deployment\nspec:\n  image: v1\n---\n", n)
	},
	"named items": func(n int) string {
		return "spec:\n  containers:\n" + each(n, "  - name: c%d\n    image: v1\n")
	},
	"keys": func(n int) string { return "images:\n" + each(n, "  app%d: v1\n") },
	"aliases": func(n int) string {
		return "tag: &tag v1\nimages:\n" + each(n, "- {name: c%d, tag: *tag}\n")
	},
	"one block": func(n int) string { return "values: |\n  images:\n" + each(n, "  - {name: c%d, tag: v1}\n") },
	"one quoted": func(n int) string {
		return `values: "images:\n` + each(n, `- {name: c%d, tag: v1}\n`) + "\"\n"
	},
	"blocks": func(n int) string { return each(n, "values%d: |\n  tag: v1\n") },
	"one line": func(n int) string {
		return `{"images": [` + strings.TrimSuffix(each(n, `{"name": "é%d", "tag": "v1"}, `), ", ") + "]}"
	},
	"template": func(n int) string {
		return "{{ if .x }}\n" + each(n, "app%d: \"{{ .registry }}/x:v1\"\n") + "{{ end }}\n"
	},
	"template in one line": func(n int) string {
		return "{{ if .x }}\nall: [" + each(n, `"{{ .r%d }}/x:v1", `) + "]\n{{ end }}\n"
	},
	"lines": func(n int) string {
		return "{{ if .x }}\n  b\n c: [\n" + each(n, "app%d: v1\n") + "{{ end }}\n"
	},
}

func each(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// replaceAll replaces every v1 the way a caller with paths does: it finds each
// place anew, asks what the callers ask of a place, and makes all edits at once.
func replaceAll(tb testing.TB, src string) {
	text, err := Read([]byte(src))
	if err != nil {
		tb.Fatal(err)
	}
	var places []*Node
	var visit func(*Node)
	visit = func(n *Node) {
		if inner := n.Embedded(); inner != nil {
			for _, root := range inner.Documents() {
				root.Walk(visit)
			}
		} else if strings.HasSuffix(n.Value(), "v1") {
			places = append(places, n)
		}
	}
	for _, root := range text.Documents() {
		root.Walk(visit)
	}
	var edits []Edit
	for _, place := range places {
		nodes, err := text.FindIn(place.Document(), place.Path())
		if err != nil || len(nodes) != 1 || !nodes[0].Is(place) {
			tb.Fatalf("%s: %v", place.Path(), err)
		}
		n := nodes[0]
		if err := n.CheckKeys(); err != nil {
			tb.Fatal(err)
		}
		s, err := n.SharedScalar()
		if err != nil {
			tb.Fatal(err)
		}
		if n.IsAlias() && n.Anchor().Value() == "v1" {
			continue // one edit changes them all
		}
		e, err := s.Replace(strings.Replace(s.Value, "v1", "v2", 1))
		if err != nil {
			tb.Fatal(err)
		}
		edits = append(edits, e)
	}
	after, err := text.Apply(edits...)
	if err != nil {
		tb.Fatal(err)
	}
	if want := strings.ReplaceAll(src, "v1", "v2"); string(after) != want {
		tb.Fatalf("not all are replaced:\n%.300s", after)
	}
}

// TestCostIsLinear holds that eight times the places take about eight times the
// memory, and so the work: what is looked up again and again is kept. Time would
// tell more, but not on a busy machine; for that see BenchmarkMany.
func TestCostIsLinear(t *testing.T) {
	for name, shape := range shapesOfMany {
		few, many := allocated(t, shape(100)), allocated(t, shape(800))
		if many > 14*few {
			t.Errorf("%s: 100 places take %d kB, 800 take %d kB", name, few/1000, many/1000)
		}
	}
}

// allocated returns how many bytes replacing all values of the text takes.
func allocated(t *testing.T, src string) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	replaceAll(t, src)
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// BenchmarkMany prints how the time and the memory grow with the places in a text.
func BenchmarkMany(b *testing.B) {
	for name, shape := range shapesOfMany {
		for _, n := range []int{500, 1000, 2000, 4000} {
			src := shape(n)
			b.Run(fmt.Sprintf("%s/%d", strings.ReplaceAll(name, " ", "-"), n), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(src)))
				for b.Loop() {
					replaceAll(b, src)
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/place")
			})
		}
	}
}
