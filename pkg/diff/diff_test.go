package diff_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/diff"
)

func ExampleUnified() {
	fmt.Printf("%s", diff.Unified(diff.File{
		Name:   "web/values.yaml",
		Before: []byte("image:\n  repository: acme/web\n  tag: v1\n"),
		After:  []byte("image:\n  repository: acme/web\n  tag: v2\n"),
	}))
	// Output:
	// diff --git a/web/values.yaml b/web/values.yaml
	// --- a/web/values.yaml
	// +++ b/web/values.yaml
	// @@ -1,3 +1,3 @@
	//  image:
	//    repository: acme/web
	// -  tag: v1
	// +  tag: v2
}

// numbered returns the lines "l1" to "ln" with some replaced or, by "", removed;
// a replacement may hold several lines.
func numbered(n int, replaced map[int]string) string {
	var b strings.Builder
	for i := 1; i <= n; i++ {
		line, ok := replaced[i]
		if !ok {
			line = fmt.Sprintf("l%d\n", i)
		}
		b.WriteString(line)
	}
	return b.String()
}

// TestLikeGit compares with what git diff prints.
func TestLikeGit(t *testing.T) {
	for name, test := range map[string]struct{ file, before, after string }{
		"one line":                {"a.yaml", "tag: v1\n", "tag: v2\n"},
		"no line feed at the end": {"a.yaml", "a: 1\ntag: v1", "a: 1\ntag: v2"},
		"line feed added":         {"a.yaml", "a: 1", "a: 1\n"},
		"carriage returns":        {"a.yaml", "a: 1\r\ntag: v1\r\nb: 2\r\n", "a: 1\r\ntag: v2\r\nb: 2\r\n"},
		"a line put in":           {"a.yaml", numbered(9, nil), numbered(9, map[int]string{5: "l5\nnew\n"})},
		"a line taken out":        {"a.yaml", numbered(9, nil), numbered(9, map[int]string{5: ""})},
		"two hunks":               {"a.yaml", numbered(30, nil), numbered(30, map[int]string{3: "x\n", 20: "y\n"})},
		"contexts that touch":     {"a.yaml", numbered(30, nil), numbered(30, map[int]string{3: "x\n", 10: "y\n"})},
		"contexts that do not":    {"a.yaml", numbered(30, nil), numbered(30, map[int]string{3: "x\n", 11: "y\n"})},
		"heading":                 {"a.yaml", "image:\n  a: 1\n  b: 1\n  c: 1\n  d: 1\n  tag: v1\n", "image:\n  a: 1\n  b: 1\n  c: 1\n  d: 1\n  tag: v2\n"},
		"long heading":            {"a.yaml", strings.Repeat("k", 100) + ":\n - 1\n - 2\n - 3\n - 4\n - v1\n", strings.Repeat("k", 100) + ":\n - 1\n - 2\n - 3\n - 4\n - v2\n"},
		"filled":                  {"a.yaml", "", "a: 1\nb: 2\n"},
		"emptied":                 {"a.yaml", "a: 1\nb: 2\n", ""},
		"blank in the name":       {"x y.yaml", "tag: v1\n", "tag: v2\n"},
		"quotes in the name":      {"a\"b\\.yaml", "tag: v1\n", "tag: v2\n"},
		"tab in the name":         {"a\tb.yaml", "tag: v1\n", "tag: v2\n"},
		"umlaut in the name":      {"ü/ä.yaml", "tag: v1\n", "tag: v2\n"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := newRepository(t, test.file, test.before)
			writeFile(t, filepath.Join(dir, test.file), test.after)
			want := withoutIndex(git(t, dir, "-c", "core.autocrlf=false", "diff", "--no-color", "--no-ext-diff"))
			got := string(diff.Unified(diff.File{Name: test.file, Before: []byte(test.before), After: []byte(test.after)}))
			if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestGitApplies applies diffs of random changes, small and large, in one go.
func TestGitApplies(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var files []diff.File
	dir := newRepository(t, "README.md", "# x\n")
	for i := range 60 {
		lines := 1 + random.IntN(40)
		if i%6 == 0 {
			lines = 400 + random.IntN(400)
		}
		f := diff.File{Name: fmt.Sprintf("f %d.yaml", i), Before: randomText(random, lines)}
		f.After = changed(random, f.Before)
		files = append(files, f)
		writeFile(t, filepath.Join(dir, f.Name), string(f.Before))
	}
	apply := exec.Command("git", "apply", "--whitespace=nowarn", "-")
	apply.Dir, apply.Stdin = dir, bytes.NewReader(diff.Unified(files...))
	if out, err := apply.CombinedOutput(); err != nil {
		t.Fatalf("git apply: %v\n%s", err, out)
	}
	for _, f := range files {
		if got, err := os.ReadFile(filepath.Join(dir, f.Name)); err != nil || !bytes.Equal(got, f.After) {
			t.Errorf("%s: %v\ngot  %q\nwant %q", f.Name, err, got, f.After)
		}
	}
}

// randomText has lines of a small alphabet, so that many are alike.
func randomText(random *rand.Rand, lines int) []byte {
	var b bytes.Buffer
	for range lines {
		fmt.Fprintf(&b, "k%d: v\n", random.IntN(20))
	}
	return b.Bytes()
}

func changed(random *rand.Rand, text []byte) []byte {
	var b bytes.Buffer
	for line := range bytes.Lines(text) {
		switch random.IntN(6) {
		case 0:
			fmt.Fprintf(&b, "new%d\n", random.IntN(3))
		case 1:
			b.Write(line)
			b.Write(line)
		case 2:
		default:
			b.Write(line)
		}
	}
	fmt.Fprintf(&b, "end")
	return b.Bytes()
}

// TestManyChanges holds the cost of a file with thousands of changed lines, with
// lines between that tell the places apart, without them, and with a line added.
func TestManyChanges(t *testing.T) {
	const places = 4000
	for name, test := range map[string]struct {
		line  string // of one place
		added string // in front of all
		want  int    // removed lines
	}{
		"told apart":    {"app%d:\n  tag: v1\n", "", places},
		"alike":         {"- acme/web:v1\n", "", places},
		"and one added": {"app%d:\n  tag: v1\n", "new: 1\n", places},
		"alike, added":  {"- acme/web:v1\n", "- new\n", places},
	} {
		var before strings.Builder
		for i := range places {
			if strings.Contains(test.line, "%d") {
				fmt.Fprintf(&before, test.line, i)
			} else {
				before.WriteString(test.line)
			}
		}
		after := test.added + strings.ReplaceAll(before.String(), "v1", "v2")
		start := time.Now()
		got := diff.Unified(diff.File{Name: "a.yaml", Before: []byte(before.String()), After: []byte(after)})
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
		if removed := bytes.Count(got, []byte("\n-")) - 1; removed != test.want {
			t.Errorf("%s: %d lines removed; want %d", name, removed, test.want)
		}
	}
}

func TestUnchanged(t *testing.T) {
	if got := diff.Unified(diff.File{Name: "a", Before: []byte("x"), After: []byte("x")}); len(got) > 0 {
		t.Errorf("%s", got)
	}
}

func newRepository(t *testing.T, name, text string) string {
	t.Helper()
	dir := t.TempDir()
	git(t, dir, "init", "-q")
	writeFile(t, filepath.Join(dir, name), text)
	git(t, dir, "-c", "core.autocrlf=false", "add", "-A")
	return dir
}

func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_NOSYSTEM=1")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %v: %v", args, err)
	}
	return string(out)
}

func withoutIndex(text string) string {
	var kept []string
	for _, line := range strings.SplitAfter(text, "\n") {
		if !strings.HasPrefix(line, "index ") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}
