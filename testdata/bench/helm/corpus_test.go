package helm

import (
	"cmp"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/testdata/bench/corpus"
)

// TestHelmReadsOnlyTheTagAnewFromRealValues bumps one tag in every values file
// below CORPUS (or of this module's charts) to a number, and has Helm print all
// the values before and after: one line differs, and in it only the tag. Real
// values files come without their templates, so a chart that prints what it was
// given stands in for all of them.
func TestHelmReadsOnlyTheTagAnewFromRealValues(t *testing.T) {
	const tag = "202406151230"
	files, err := corpus.Read(cmp.Or(os.Getenv("CORPUS"), "../charts"))
	if err != nil {
		t.Fatal(err)
	}
	found := corpus.Collect(valuesFiles(files), tag)
	if len(found.Samples) < 4 {
		t.Fatalf("only %d values files with an image's tag among %d files", len(found.Samples), len(files))
	}
	t.Logf("%d values files of %d", len(found.Samples), found.Files)
	for _, s := range found.Samples {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			made, err := corpus.Plan(fstest.MapFS{s.Want.Target.File: {Data: s.Text}}, []plan.Want{s.Want})
			if err != nil {
				t.Fatal(err)
			}
			before, after := readValues(t, s.Text), readValues(t, made.Files[0].After)
			if got, want := differing(t, before, after), s.NewPart; len(got) != 1 || !readsString(got[0], want) {
				t.Errorf("the lines that differ are now %q; want one with the string %s", got, want)
			}
		})
	}
}

func valuesFiles(files []corpus.File) []corpus.File {
	var values []corpus.File
	for _, f := range files {
		if name := path.Base(f.Name); strings.Contains(name, "values") && path.Ext(name) != ".tpl" {
			values = append(values, f)
		}
	}
	return values
}

// readValues is how Helm prints the values file that it is given.
func readValues(t *testing.T, text []byte) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "values.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return strings.Split(template(t, "../charts/values", "--values", file), "\n")
}

// differing lists after's lines that are not before's.
func differing(t *testing.T, before, after []string) []string {
	t.Helper()
	if len(before) != len(after) {
		t.Fatalf("helm prints %d lines where it printed %d", len(after), len(before))
	}
	var differ []string
	for i := range before {
		if before[i] != after[i] {
			differ = append(differ, after[i])
		}
	}
	return differ
}

// readsString reports whether the line that Helm printed ends with the tag in
// quotes, which it writes where a string would otherwise be a number, or with a
// reference to it.
func readsString(line, tag string) bool {
	return strings.HasSuffix(line, ` "`+tag+`"`) || strings.HasSuffix(strings.TrimRight(line, `"'`), ":"+tag)
}
