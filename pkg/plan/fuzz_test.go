package plan

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// FuzzFindAndMake bumps acme/web in any text, the goldens' to begin with: only
// the values' bytes change, the new tag is what Find then reads, a second run
// has nothing to do, and going back gives the old text.
func FuzzFindAndMake(f *testing.F) {
	names, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(names) == 0 {
		f.Fatalf("no goldens: %v", err)
	}
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files[:len(archive.Files)-1] {
			f.Add(string(file.Data), "2.0", "")
			f.Add(strings.ReplaceAll(string(file.Data), "\n", "\r\n"), "v2", corpusDigest)
		}
	}
	f.Fuzz(func(t *testing.T, src, tag, digest string) {
		ref := image.Ref{Repository: "acme/web", Tag: tag, Digest: digest}
		if len(src) > 4096 || checkWant(ref) != nil || tag == "" {
			return
		}
		tree := fstest.MapFS{"a.yaml": &fstest.MapFile{Data: []byte(src)}}
		targets, err := find(tree, ref.Repository)
		if err != nil {
			return
		}
		made, err := makePlan(tree, wantsOf(targets, ref))
		if err != nil || made.Empty() {
			return // refused, and nothing written
		}
		checkBump(t, made.Files[0], targets, ref)
	})
}

func checkBump(t *testing.T, f File, targets []Target, ref image.Ref) {
	t.Helper()
	after := fstest.MapFS{f.Name: &fstest.MapFile{Data: f.After}}
	found, err := find(after, ref.Repository)
	if err != nil || len(found) != len(targets) {
		t.Fatalf("%q -> %q: %d targets are now %d: %v", f.Before, f.After, len(targets), len(found), err)
	}
	for _, target := range found {
		if target.Form != FormDigest && target.Current.Tag != ref.Tag || ref.Digest != "" && target.Current.Digest != ref.Digest {
			t.Fatalf("%q -> %q: %s reads %v", f.Before, f.After, target.Path, target.Current)
		}
	}
	again, err := makePlan(after, wantsOf(found, ref))
	if err != nil || !again.Empty() {
		t.Fatalf("%q -> %q: a second run: %v, %v", f.Before, f.After, again, err)
	}
	checkUndone(t, f, wantsOf(targets, ref))
}

// checkUndone takes the edits back byte by byte, and holds that each replaced
// nothing but a value that the plan tells of.
func checkUndone(t *testing.T, f File, wants []Want) {
	t.Helper()
	e := editor{file: newFile(f.Name, f.Before)}
	e.file.read()
	if err := e.gather(wants); err != nil {
		t.Fatal(err)
	}
	edits := slices.SortedFunc(slices.Values(e.edits), func(a, b yamledit.Edit) int { return a.Start - b.Start })
	undone, moved := slices.Clone(f.After), 0
	for _, edit := range edits {
		old := f.Before[edit.Start:edit.End]
		if !slices.ContainsFunc(f.Changes, func(c Change) bool {
			return strings.Contains(c.Old, strings.Trim(string(old), `"'`)) || c.Old == "" || strings.ContainsAny(string(old), `\'`)
		}) {
			t.Fatalf("%q -> %q: %q was no value", f.Before, f.After, old)
		}
		undone = slices.Replace(undone, edit.Start, edit.Start+len(edit.New), old...)
		moved += len(edit.New) - len(old)
	}
	if !bytes.Equal(undone, f.Before) || len(f.After) != len(f.Before)+moved {
		t.Fatalf("%q -> %q: undone, it is %q", f.Before, f.After, undone)
	}
}
