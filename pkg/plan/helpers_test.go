package plan

import (
	"io/fs"
	"testing"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/textedit"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// find lists the image's places in a tree that is scanned for it.
func find(tree fs.FS, repository string) ([]Target, error) {
	x, err := Scan(tree, ScanOptions{})
	if err != nil {
		return nil, err
	}
	places, err := x.Find(repository, FindOptions{})
	return places.Targets, err
}

// makePlan plans in a tree that is scanned for it.
func makePlan(tree fs.FS, wants []Want) (*Plan, error) {
	x, err := Scan(tree, ScanOptions{})
	if err != nil {
		return nil, err
	}
	return x.Plan(wants)
}

func wantsOf(targets []Target, ref image.Ref) []Want {
	wants := make([]Want, len(targets))
	for i, target := range targets {
		wants[i] = Want{Target: target, Ref: ref}
	}
	return wants
}

// newFile is a file of an index of its own.
func newFile(name string, src []byte) *file {
	return &file{index: &Index{parse: textedit.Open}, name: name, src: src}
}

// parse reads the text as an index does.
func parse(src []byte) (*yamledit.Text, error) {
	f := newFile("a.yaml", src)
	if text := f.read(); text != nil {
		return text, nil
	}
	return nil, f.err
}

func mustPath(t *testing.T, text string) keypath.Path {
	t.Helper()
	path, err := keypath.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
