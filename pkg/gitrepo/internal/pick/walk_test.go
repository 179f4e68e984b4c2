package pick

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/gitrepo/internal/object"
	"github.com/tagbump/tagbump/pkg/gitrepo/internal/wire"
)

// A builder writes trees into a store.
type builder struct {
	t *testing.T
	s *object.Store
}

func newBuilder(t *testing.T) builder { return builder{t, object.NewStore()} }

func (b builder) add(kind plumbing.ObjectType, data string) plumbing.Hash {
	b.t.Helper()
	id, err := b.s.Add(object.Object{Kind: kind, Data: []byte(data)})
	if err != nil {
		b.t.Fatal(err)
	}
	return id
}

func (b builder) blob(data string) plumbing.Hash { return b.add(plumbing.BlobObject, data) }

// tree writes a tree of "MODE NAME" and an id each.
func (b builder) tree(entries ...any) plumbing.Hash {
	raw := ""
	for i := 0; i < len(entries); i += 2 {
		id := entries[i+1].(plumbing.Hash)
		raw += entries[i].(string) + "\x00" + string(id[:])
	}
	return b.add(plumbing.TreeObject, raw)
}

func (b builder) commit(tree plumbing.Hash) plumbing.Hash {
	return b.add(plumbing.CommitObject, fmt.Sprintf("tree %s\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nx\n", tree))
}

func (b builder) walk(tree plumbing.Hash, globs ...string) (*walk, error) {
	w := newWalk(b.s, files.MustSelect(globs...), b.commit(tree))
	return w, w.resumeAll()
}

// Ten objects are a tree of a billion paths.
func TestATreeBombIsRefused(t *testing.T) {
	for _, test := range []struct{ glob, want string }{
		{"**/*.yaml", "over 50000 files or 64 MiB match"},
		{"**/none.yaml", "the tree has over 2000000 paths"},
		{"*/*/*/*/*/*/*/*/*/0.yaml", "over 50000 files or 64 MiB match"},
	} {
		b := newBuilder(t)
		blob := b.blob("tag: 1\n")
		var leaf []any
		for i := range 10 {
			leaf = append(leaf, fmt.Sprintf("100644 %d.yaml", i), blob)
		}
		tree := b.tree(leaf...)
		for range 9 {
			var level []any
			for i := range 10 {
				level = append(level, fmt.Sprintf("40000 d%d", i), tree)
			}
			tree = b.tree(level...)
		}
		_, err := b.walk(tree, test.glob)
		if !errors.Is(err, wire.ErrUnsupported) || err.Error() != test.want {
			t.Errorf("%s: got %v, want %s", test.glob, err, test.want)
		}
	}
}

func TestADeepTreeIsRefused(t *testing.T) {
	b := newBuilder(t)
	tree := b.tree("100644 x.yaml", b.blob("tag: 1\n"))
	for range 3000 {
		tree = b.tree("40000 d", tree)
	}
	w, err := b.walk(tree, "**/x.yaml")
	if err == nil || err.Error() != "the tree has a path of over 4096 bytes" {
		t.Errorf("got %v", err)
	}
	if len(w.others) > 0 {
		t.Errorf("%d folders are remembered, and no error could be about them", len(w.others))
	}
}

// A walk over objects that come in any order ends with the same files.
func TestAWalkGoesOnFromWhatArrives(t *testing.T) {
	b := newBuilder(t)
	shared := b.blob("tag: 1\n")
	web := b.tree("100644 values.yaml", shared, "120000 link.yaml", shared)
	tree := b.tree("40000 api", web, "100755 run.yaml", b.blob("x: y\n"), "40000 web", web)
	tip := b.commit(tree)
	ids := []plumbing.Hash{shared, web, tree, tip, b.blob("x: y\n")}
	for first := range ids {
		s := object.NewStore()
		w := newWalk(s, files.MustSelect("**/*.yaml"), tip)
		for i := range ids {
			id := ids[(first+i)%len(ids)]
			o, _ := b.s.Peek(id)
			_, _ = s.Add(o)
			w.resume(id)
		}
		if err := w.resumeAll(); err != nil || !w.hasAll() {
			t.Fatalf("%v, missing %s", err, w.firstMissing())
		}
		var names []string
		for _, f := range w.files {
			names = append(names, fmt.Sprintf("%s %t", f.Path, f.Executable))
		}
		for _, want := range []string{"api/values.yaml false", "run.yaml true", "web/values.yaml false"} {
			if !strings.Contains(strings.Join(names, ","), want) {
				t.Errorf("first %d: files %s, want %s", first, names, want)
			}
		}
		if len(w.files) != 3 {
			t.Errorf("first %d: %d files", first, len(w.files))
		}
	}
}

func TestAMissingFileIsExplained(t *testing.T) {
	b := newBuilder(t)
	id := b.blob("tag: 1\n")
	lfs := b.blob("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
	tree := b.tree(
		"40000 dir", b.tree("100644 a.yaml", id), "100644 file", id, "120000 link", id, "100644 lfs.yaml", lfs,
		"160000 module", id, "100600 odd", id, "100644 secret.yaml", b.blob("\x00GITCRYPT\x00x"),
	)
	for name, want := range map[string]string{
		"none.yaml":     "no such file",
		"dir":           "is a directory",
		"dir/none.yaml": "no such file",
		"file/x.yaml":   "no such file: file is a file",
		"link/x.yaml":   "no such file: link is a symbolic link, which is not followed",
		"module":        "is a submodule, which is not followed",
		"module/a.yaml": "no such file: module is a submodule, which is not followed",
		"odd":           "has a mode that git does not know",
		"lfs.yaml":      "is an LFS pointer, and its text is not in the repository",
		"secret.yaml":   "is encrypted by git-crypt",
	} {
		w, err := b.walk(tree, name)
		if err != nil {
			t.Fatal(err)
		}
		err = w.checkRequired()
		if !errors.Is(err, files.ErrMissing) || err.Error() != name+": "+want {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
}

func TestEveryRungOfTheLadderIsReachable(t *testing.T) {
	for i, r := range ladder {
		if r.name == "" || rungNamed(r.name) != i {
			t.Errorf("rung %d: name %q", i, r.name)
		}
		if r.thrifty != "" && rungNamed(r.thrifty) <= i {
			t.Errorf("%s: gives way to %s, which is not below it", r.name, r.thrifty)
		}
		if i > 0 && r.needs > ladder[i-1].needs {
			t.Errorf("%s: needs more of a server than the rung above it", r.name)
		}
	}
	if last := ladder[len(ladder)-1]; last.needs != nothing {
		t.Errorf("the last rung, %s, does not suit every server", last.name)
	}
}
