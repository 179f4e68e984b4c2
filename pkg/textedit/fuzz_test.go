package textedit

import (
	"testing"

	"github.com/tagbump/tagbump/pkg/yamledit"
)

// fuzzSeeds are files, and how many of their values can be replaced by "2.0".
var fuzzSeeds = []struct {
	name, src string
	replaced  int
}{
	{"a.tfvars", variables, 8},
	{"a.tf", release, 8},
	{"a.hcl", "a = <<EOT\nx\nEOT\nb \"c\" \"d\" {\n  e = [\"f\", 1, null]\n}\n", 3},
	{".env", "# a\nexport A=b # c\nD='e'\nF=\"g\"\nH=\nI=${J}/k:1\nL='m'n\n", 4},
	{"a.json", "{\"a\": [\"b\\/\", 1, {\"c\": null}], \"d\": \"\\ud83d\\ude00\"}\n", 4},
	{"versions", "A=1\nB=2\n", 2},
	{"versions", "a: 1\nb: 2\n", 2},
}

func TestSeedsAreEdited(t *testing.T) {
	for _, seed := range fuzzSeeds {
		if got := replaceAll(t, seed.name, seed.src, "2.0"); got != seed.replaced {
			t.Errorf("%q: %d values are replaced, want %d", seed.src, got, seed.replaced)
		}
	}
}

// FuzzOpen replaces each value of a file, in every format: what is not refused
// changes no other byte, reads back, and makes every other value the same.
func FuzzOpen(f *testing.F) {
	for _, seed := range fuzzSeeds {
		f.Add(seed.src, "2.0")
	}
	f.Fuzz(func(t *testing.T, src, value string) {
		if len(src) > 2048 {
			return
		}
		for _, name := range []string{"a.tfvars", ".env", "a.json", "versions"} {
			replaceAll(t, name, src, value)
		}
	})
}

// replaceAll replaces each value alone, and counts those that are not refused.
func replaceAll(t *testing.T, name, src, value string) (replaced int) {
	text, err := Open(name, []byte(src))
	if err != nil {
		return 0
	}
	before := values(text)
	for i, n := range before {
		s, err := n.Scalar()
		if err != nil {
			continue
		}
		e, err := s.Replace(value)
		if err != nil {
			continue
		}
		after, err := text.Apply(e)
		if err != nil {
			continue
		}
		replaced++
		if want := src[:e.Start] + e.New + src[e.End:]; string(after) != want {
			t.Fatalf("%s: bytes outside the value differ: %q -> %q", name, src, after)
		}
		again, err := Open(name, after)
		if err != nil {
			t.Fatalf("%s: %q -> %q: %v", name, src, after, err)
		}
		for j, other := range values(again) {
			want := before[j].Value()
			if i == j {
				want = value
			}
			if s.Style != yamledit.Block && !text.IsTemplate() && other.Value() != want && !other.IsAlias() {
				t.Fatalf("%s: %q -> %q: %s reads %q, not %q", name, src, after, other.Path(), other.Value(), want)
			}
		}
	}
	return replaced
}

// values lists the single values of the file.
func values(text *yamledit.Text) []*yamledit.Node {
	var all []*yamledit.Node
	for _, root := range text.Documents() {
		root.Walk(func(n *yamledit.Node) {
			if n.IsScalar() || n.IsAlias() {
				all = append(all, n)
			}
		})
	}
	return all
}
