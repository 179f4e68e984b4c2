package plan

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

var update = flag.Bool("update", false, "write the goldens anew")

// TestGoldens runs testdata/update/*.txtar: the first words of each say what is
// wanted ("want acme/web:2", then perhaps "path KEY", "crlf" or "bom"), its files
// are the tree, and its last section, "diff" or "error", is what must come out.
// In a diff a carriage return is shown as "␍".
func TestGoldens(t *testing.T) {
	names, err := filepath.Glob("testdata/update/*.txtar")
	if err != nil || len(names) < 10 {
		t.Fatalf("%d goldens, %v", len(names), err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			c := newGolden(t, archive)
			kind, got := c.run()
			last := len(archive.Files) - 1
			if *update {
				archive.Files[last] = txtar.File{Name: kind, Data: []byte(got)}
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want := archive.Files[last]; kind != want.Name || got != string(want.Data) {
				t.Errorf("got %s:\n%swant %s:\n%s", kind, got, want.Name, want.Data)
			}
		})
	}
}

type golden struct {
	tree fstest.MapFS
	want image.Ref
	path yamledit.Path
}

func newGolden(t *testing.T, archive *txtar.Archive) golden {
	t.Helper()
	c := golden{tree: fstest.MapFS{}}
	change := func(text []byte) []byte { return text }
	for _, line := range strings.Split(string(archive.Comment), "\n") {
		word, rest, _ := strings.Cut(line, " ")
		var err error
		switch word {
		case "want":
			c.want, err = image.Parse(rest)
		case "path":
			c.path, err = yamledit.ParsePath(rest)
		case "crlf":
			change = func(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")) }
		case "bom":
			change = func(text []byte) []byte { return append([]byte("\ufeff"), text...) }
		case "unended":
			change = func(text []byte) []byte { return bytes.TrimSuffix(text, []byte("\n")) }
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range archive.Files[:len(archive.Files)-1] {
		c.tree[file.Name] = &fstest.MapFile{Data: change(file.Data)}
	}
	return c
}

func (c golden) run() (kind, text string) {
	plan, err := c.plan()
	if err == nil {
		err = c.checkOneLineEach(plan)
	}
	if err != nil {
		text = err.Error() + "\n"
		var hinter interface{ Hint() string }
		if errors.As(err, &hinter) && hinter.Hint() != "" {
			text += "hint: " + hinter.Hint() + "\n"
		}
		return "error", text
	}
	return "diff", strings.ReplaceAll(string(plan.Diff()), "\r", "␍")
}

func (c golden) plan() (*Plan, error) {
	find := func() ([]Target, error) { return Find(c.tree, c.want.Repository) }
	if !c.path.IsZero() {
		find = func() ([]Target, error) { return At(c.tree, c.path, c.want.Repository) }
	}
	targets, err := find()
	if err != nil {
		return nil, err
	}
	return Make(c.tree, wantsOf(targets, c.want))
}

func wantsOf(targets []Target, ref image.Ref) []Want {
	wants := make([]Want, len(targets))
	for i, target := range targets {
		wants[i] = Want{target, ref}
	}
	return wants
}

// checkOneLineEach holds the promise of every golden: as many lines differ as
// the plan says, and a second run finds nothing to do.
func (c golden) checkOneLineEach(made *Plan) error {
	after := fstest.MapFS{}
	for name, file := range c.tree {
		after[name] = file
	}
	for _, file := range made.Files {
		before, now := bytes.SplitAfter(file.Before, []byte("\n")), bytes.SplitAfter(file.After, []byte("\n"))
		lines := map[int]bool{}
		for i := range before {
			if len(now) != len(before) {
				return fmt.Errorf("%s: %d lines are now %d", file.Name, len(before), len(now))
			}
			if !bytes.Equal(before[i], now[i]) {
				lines[i+1] = true
			}
		}
		for _, change := range file.Changes {
			delete(lines, change.Target.Line)
			delete(lines, change.Target.Line+1) // the body of a block scalar
		}
		if len(lines) > 0 {
			return fmt.Errorf("%s: other lines differ: %v", file.Name, lines)
		}
		after[file.Name] = &fstest.MapFile{Data: file.After}
	}
	again, err := golden{after, c.want, c.path}.plan()
	if err == nil && !again.Empty() {
		err = errors.New("a second run finds something to do")
	}
	return err
}

func TestGitTakesTheDiff(t *testing.T) {
	before := "# a\r\nimage: acme/web:1\r\nb: 2"
	tree := fstest.MapFS{"x y.yaml": &fstest.MapFile{Data: []byte(before)}, "ü/z.yaml": &fstest.MapFile{Data: []byte("image: acme/web:1")}}
	targets, err := Find(tree, "acme/web")
	if err != nil {
		t.Fatal(err)
	}
	made, err := Make(tree, wantsOf(targets, image.Ref{Repository: "acme/web", Tag: "2"}))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, file := range tree {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, file.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	applyWithGit(t, dir, made.Diff())
	for _, file := range made.Files {
		got, err := os.ReadFile(filepath.Join(dir, file.Name))
		if err != nil || !bytes.Equal(got, file.After) {
			t.Errorf("%s: %q, %v; want %q", file.Name, got, err, file.After)
		}
	}
}
