package hcl

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"github.com/tagbump/tagbump/pkg/textedit"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// values lists each value with its path, what it reads as, and whether it can be
// replaced. HashiCorp's reader normalizes what it reads.
func values(text *yamledit.Text) string {
	var all strings.Builder
	text.Documents()[0].Walk(func(n *yamledit.Node) {
		if !n.IsScalar() {
			return
		}
		line := n.Line()
		_, err := n.Scalar()
		fmt.Fprintf(&all, "%d %s %q %v\n", line, n.Path(), norm.NFC.String(n.Value()), err)
	})
	return all.String()
}

// compare reports whether HashiCorp's reader takes the text.
func compare(t *testing.T, name, src string) (isValid bool) {
	t.Helper()
	want, err := yamledit.ParseForeign([]byte(src), theirs{})
	if err != nil {
		return false
	}
	got, err := textedit.Open("a.tf", []byte(src))
	if err != nil {
		t.Errorf("%s: %v\n%s", name, err, src)
		return true
	}
	if got, want := values(got), values(want); got != want {
		t.Errorf("%s: got\n%s\nwant\n%s\nof\n%s", name, got, want, src)
	}
	return true
}

var samples = []string{
	"a = \"1\"\nb = 2\nc = -3\nd = [1, \"2\", true, null]\n",
	"a = { b = \"1\", \"c\" : 2\n d = { e = \"${f}\" } }\n",
	"resource \"x\" y {\n  z = \"${a}/b:1\"\n  w {}\n  w {}\n}\nresource \"x\" \"q\" { v = 1 }\n",
	"a = <<-EOT\n  x ${y} \n  EOT\nb = x ? \"y\" : \"z\" # c\n",
	"a = [for x in y : x]\nb = {for k, v in z : k => v... if v != \"}\"}\nc = x[*].y[0].z.1\n",
	"a = jsonencode({ b = \"1\" })\nc = yamlencode([\"1\"])\nd = f(\"x\", g...)\n",
	"a = \"\\u00e9\\n\\\"$${x}%%{y}%{ if z }w%{ endif }\"\nb = (\n\"1\"\n)\n",
	"a = 1.5e3 /* x */\n// y\nb = !c && d || (e == f) // z\ng = ns::h(1)\n",
}

func TestSamples(t *testing.T) {
	for _, src := range samples {
		if !compare(t, "sample", src) {
			t.Errorf("is not HCL: %s", src)
		}
	}
}

// TestFiles compares what files of other modules hold.
func TestFiles(t *testing.T) {
	cache, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	_ = filepath.WalkDir(strings.TrimSpace(string(cache)), func(path string, entry fs.DirEntry, err error) error {
		switch filepath.Ext(path) {
		case ".tf", ".tfvars", ".hcl", ".nomad":
		default:
			return nil
		}
		if src, err := os.ReadFile(path); err == nil && compare(t, path, string(src)) {
			read++
		}
		return nil
	})
	t.Logf("%d files", read)
}

func FuzzSame(f *testing.F) {
	for _, src := range samples {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) { compare(t, "fuzz", src) })
}
