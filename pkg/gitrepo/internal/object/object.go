// Package object holds git's objects in memory and takes trees and commits apart.
//
// A [Store] keeps what a server sent: every object under the hash of its content, so a
// server cannot pass off one object as another. The trap to know: the names and modes in
// a tree come from whoever wrote the commit. [ParseTree] refuses names that would leave
// the folder, and it keeps a mode exactly as it was written, because git accepts modes
// (100664) that go-git would rewrite, and a tree must not change by being read.
package object

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// An Object is a git object as it is hashed, without its header.
type Object struct {
	Kind plumbing.ObjectType
	Data []byte
}

// Hash returns the object's id.
func (o Object) Hash() plumbing.Hash { return plumbing.ComputeHash(o.Kind, o.Data) }

// A Mode says what an entry of a tree is, as git writes it: in octal digits.
type Mode string

// IsDir reports whether the entry is a folder.
func (m Mode) IsDir() bool { return m == "40000" || m == "040000" }

// IsFile reports whether the entry is a regular file.
func (m Mode) IsFile() bool { return m == "100644" || m == "100755" || m == "100664" }

// IsExecutable reports whether the entry is a file that can be run.
func (m Mode) IsExecutable() bool { return m == "100755" }

// IsLink reports whether the entry is a symbolic link.
func (m Mode) IsLink() bool { return m == "120000" }

// IsSubmodule reports whether the entry is a commit of another repository.
func (m Mode) IsSubmodule() bool { return m == "160000" }

// An Entry is one line of a tree.
type Entry struct {
	Mode Mode
	Name string
	ID   plumbing.Hash
	// Offset is where in the tree's bytes the 20 bytes of the id begin: replacing them
	// there changes nothing else in the tree.
	Offset int
}

var errBadTree = errors.New("is not a git tree")

// ParseTree reads a tree's entries in their order. A name with a slash, "", "." and ".."
// are errors.
func ParseTree(data []byte) ([]Entry, error) {
	var entries []Entry
	for start := 0; start < len(data); {
		space := bytes.IndexByte(data[start:], ' ')
		null := bytes.IndexByte(data[start:], 0)
		if space <= 0 || null < space+2 || start+null+21 > len(data) {
			return nil, errBadTree
		}
		e := Entry{
			Mode:   Mode(data[start : start+space]),
			Name:   string(data[start+space+1 : start+null]),
			Offset: start + null + 1,
		}
		if strings.Contains(e.Name, "/") || e.Name == "." || e.Name == ".." {
			return nil, errBadTree
		}
		copy(e.ID[:], data[e.Offset:])
		entries = append(entries, e)
		start = e.Offset + len(e.ID)
	}
	return entries, nil
}

// header returns the values of a commit's header lines of that name. The header ends at
// the first empty line.
func header(commit []byte, name string) []string {
	var values []string
	for line := range bytes.Lines(commit) {
		if len(bytes.TrimSpace(line)) == 0 {
			break
		}
		if value, is := bytes.CutPrefix(line, []byte(name+" ")); is {
			values = append(values, string(bytes.TrimSpace(value)))
		}
	}
	return values
}

// RootOf returns the id of a commit's tree.
func (s *Store) RootOf(commit plumbing.Hash) (plumbing.Hash, error) {
	o, err := s.Get(plumbing.CommitObject, commit)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	line, _, _ := bytes.Cut(o.Data, []byte("\n"))
	id, is := strings.CutPrefix(string(line), "tree ")
	if !is || !plumbing.IsHash(id) {
		return plumbing.ZeroHash, fmt.Errorf("commit %s does not begin with its tree", commit)
	}
	return plumbing.NewHash(id), nil
}

// Parents returns the ids of a commit's parents; none for an object that is missing or
// is not a commit.
func (s *Store) Parents(commit plumbing.Hash) []plumbing.Hash {
	o, err := s.Get(plumbing.CommitObject, commit)
	if err != nil {
		return nil
	}
	var parents []plumbing.Hash
	for _, id := range header(o.Data, "parent") {
		parents = append(parents, plumbing.NewHash(id))
	}
	return parents
}

// Tree returns the entries of a tree.
func (s *Store) Tree(id plumbing.Hash) ([]Entry, error) {
	o, err := s.Get(plumbing.TreeObject, id)
	if err != nil {
		return nil, err
	}
	entries, err := ParseTree(o.Data)
	if err != nil {
		return nil, fmt.Errorf("tree %s: %w", id, err)
	}
	return entries, nil
}
