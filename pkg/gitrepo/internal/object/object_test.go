package object

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
)

const id20 = "iiiiiiiiiiiiiiiiiiii"

func TestParseTreeKeepsModesAndSaysWhereIDsAre(t *testing.T) {
	raw := []byte("100664 group.yaml\x00" + id20 + "40000 web\x00" + id20 + "120000 l\x00" + id20 + "160000 m\x00" + id20 + "100755 run\x00" + id20)
	entries, err := ParseTree(raw)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		m := e.Mode
		got = append(got, fmt.Sprintf("%s %s file %t run %t dir %t link %t module %t", m, e.Name, m.IsFile(), m.IsExecutable(), m.IsDir(), m.IsLink(), m.IsSubmodule()))
		if string(raw[e.Offset:e.Offset+20]) != id20 || string(e.ID[:]) != id20 {
			t.Errorf("%s: the id is not at offset %d", e.Name, e.Offset)
		}
	}
	const want = `100664 group.yaml file true run false dir false link false module false
40000 web file false run false dir true link false module false
120000 l file false run false dir false link true module false
160000 m file false run false dir false link false module true
100755 run file true run true dir false link false module false`
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
}

func TestParseTreeRefusesNamesThatLeaveTheFolder(t *testing.T) {
	for _, raw := range []string{
		"100644 a/b\x00" + id20, "40000 ..\x00" + id20, "40000 .\x00" + id20, "100644 \x00" + id20, " a\x00" + id20,
		"100644 a\x00short", "100644 a", "100644\x00" + id20, "x",
	} {
		if entries, err := ParseTree([]byte(raw)); !errors.Is(err, errBadTree) {
			t.Errorf("%q: %v, %v", raw, entries, err)
		}
	}
}

func TestAStoreIsBounded(t *testing.T) {
	s := NewStore()
	if err := s.Reserve(MaxStore - 1000); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Add(Object{plumbing.BlobObject, make([]byte, 1000)}); !errors.Is(err, ErrFull) {
		t.Errorf("got %v, want ErrFull", err)
	}
	s.Release(MaxStore - 1000)
	id, err := s.Add(Object{plumbing.BlobObject, make([]byte, 1000)})
	if err != nil {
		t.Fatal(err)
	}
	used := s.Used()
	if _, err := s.Add(Object{plumbing.BlobObject, make([]byte, 1000)}); err != nil || s.Used() != used || s.Count() != 1 {
		t.Errorf("the same object again: %v, %d bytes, %d objects", err, s.Used(), s.Count())
	}
	if _, err := s.Get(plumbing.TreeObject, id); err == nil || err.Error() != "object "+id.String()+" is a blob where a tree should be" {
		t.Errorf("the wrong kind: %v", err)
	}
	var none plumbing.Hash
	if _, err := s.Tree(none); err == nil || err.Error() != "the server did not send tree "+none.String() {
		t.Errorf("a missing object: %v", err)
	}
	s.AddLarge(none, 5)
	if size, is := s.Large(none); size != 5 || !is || !s.Knows(none) || s.Has(none) {
		t.Errorf("a large object: %d, %t", size, is)
	}
}

func TestACommitIsTakenApart(t *testing.T) {
	s := NewStore()
	add := func(text string) plumbing.Hash {
		id, _ := s.Add(Object{plumbing.CommitObject, []byte(text)})
		return id
	}
	tree, a, b := strings.Repeat("1", 40), strings.Repeat("a", 40), strings.Repeat("b", 40)
	merge := add("tree " + tree + "\nparent " + a + "\nparent " + b + "\nauthor A <a@b> 1 +0000\n\nparent " + tree + "\n")
	if root, err := s.RootOf(merge); err != nil || root.String() != tree {
		t.Errorf("tree %s, %v", root, err)
	}
	if parents := fmt.Sprint(s.Parents(merge)); parents != "["+a+" "+b+"]" {
		t.Errorf("parents %s: a line of the message is not one", parents)
	}
	for _, text := range []string{"", "parent " + a + "\n", "tree 12\n"} {
		if _, err := s.RootOf(add(text)); err == nil {
			t.Errorf("%q has a tree", text)
		}
	}
	if parents := s.Parents(plumbing.NewHash(a)); parents != nil {
		t.Errorf("a missing commit has parents %v", parents)
	}
}

func FuzzParseTree(f *testing.F) {
	f.Add([]byte("100664 group.yaml\x00" + id20 + "40000 web\x00" + id20))
	f.Add([]byte("100644 a/b\x00" + id20))
	f.Fuzz(func(t *testing.T, raw []byte) {
		entries, err := ParseTree(raw)
		if err != nil {
			return
		}
		var again bytes.Buffer
		for _, e := range entries {
			if e.Name == "" || e.Name == "." || e.Name == ".." || strings.Contains(e.Name, "/") {
				t.Errorf("the name %q", e.Name)
			}
			fmt.Fprintf(&again, "%s %s\x00%s", e.Mode, e.Name, e.ID[:])
		}
		if !bytes.Equal(again.Bytes(), raw) {
			t.Errorf("%q is read as %q", raw, again.Bytes())
		}
	})
}
