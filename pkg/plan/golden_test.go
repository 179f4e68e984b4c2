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

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/keypath"
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
	tree  fstest.MapFS
	want  image.Ref
	find  FindOptions
	scan  ScanOptions
	globs []string
}

func newGolden(t *testing.T, archive *txtar.Archive) golden {
	t.Helper()
	c := golden{tree: fstest.MapFS{}}
	change := func(text []byte) []byte { return text }
	then := func(next func([]byte) []byte) {
		before := change
		change = func(text []byte) []byte { return next(before(text)) }
	}
	for _, line := range strings.Split(string(archive.Comment), "\n") {
		word, rest, _ := strings.Cut(line, " ")
		var err error
		switch word {
		case "want":
			c.want, err = image.Parse(rest)
		case "path":
			var path keypath.Path
			path, err = keypath.Parse(rest)
			c.find.Paths = append(c.find.Paths, path)
		case "file":
			c.globs = append(c.globs, rest)
		case "as":
			c.find.As = rest
		case "whole":
			c.scan.Whole = true
		case "crlf":
			then(func(text []byte) []byte { return bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")) })
		case "bom":
			then(func(text []byte) []byte { return append([]byte("\ufeff"), text...) })
		case "utf16":
			then(func(text []byte) []byte { return append([]byte("\xff\xfe"), bytes.ReplaceAll(text, nil, []byte{0})...) })
		case "latin1":
			then(func(text []byte) []byte { return bytes.ReplaceAll(text, []byte("é"), []byte{0xe9}) })
		case "unended":
			then(func(text []byte) []byte { return bytes.TrimRight(text, "\r\n") })
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if c.find.Files, err = files.Select(c.globs...); err != nil {
		t.Fatal(err)
	}
	for _, file := range archive.Files[:len(archive.Files)-1] {
		c.tree[file.Name] = &fstest.MapFile{Data: change(file.Data)}
	}
	return c
}

func (c golden) run() (kind, text string) {
	made, places, err := c.plan()
	if err == nil {
		err = c.checkOnlyTheValues(made)
	}
	if err != nil {
		text = err.Error() + "\n"
		var hinter interface{ Hint() string }
		if errors.As(err, &hinter) && hinter.Hint() != "" {
			text += "hint: " + hinter.Hint() + "\n"
		}
		return "error", text
	}
	for _, left := range places.Left {
		text += fmt.Sprintf("left %s: %s %s\n", place(left.File, left.Line), left.Path, left.Reason)
	}
	return "diff", text + notes(made) + strings.ReplaceAll(string(made.Diff()), "\r", "␍")
}

// notes says which changes put something in where nothing stood.
func notes(made *Plan) string {
	var b strings.Builder
	for _, file := range made.Files {
		for _, change := range file.Changes {
			if change.Filled {
				fmt.Fprintf(&b, "%s:%d: %s is new: %q -> %q\n", file.Name, change.Target.Line, change.Target.Path, change.Old, change.New)
			}
		}
	}
	return b.String()
}

func (c golden) plan() (*Plan, Places, error) {
	x, err := Scan(c.tree, c.scan)
	if err != nil {
		return nil, Places{}, err
	}
	places, err := x.Find(c.want.Repository, c.find)
	if err != nil {
		return nil, Places{}, err
	}
	made, err := x.Plan(wantsOf(places.Targets, c.want))
	return made, places, err
}

// checkOnlyTheValues holds the promise of every golden: nothing differs but what
// the plan says, and a second run finds nothing to do.
func (c golden) checkOnlyTheValues(made *Plan) error {
	after := fstest.MapFS{}
	for name, file := range c.tree {
		after[name] = file
	}
	for _, file := range made.Files {
		if err := checkOnlyValues(file); err != nil {
			return fmt.Errorf("%s: %w", file.Name, err)
		}
		after[file.Name] = &fstest.MapFile{Data: file.After}
	}
	c.tree = after
	again, _, err := c.plan()
	if err == nil && !again.Empty() {
		err = errors.New("a second run finds something to do")
	}
	return err
}
