// Package snapshot keeps what a forge's API told of one commit, for clients that read a
// repository without git.
//
// A selection of files is asked for in three ways: a path is asked for itself, a folder
// is listed for a pattern such as web/*.yaml, and the whole tree is listed for a pattern
// that spans folders. Links, submodules, LFS pointers and files of git-crypt are left
// out, as a reader by git leaves them out.
package snapshot

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // git's own hash
	"encoding/hex"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/forge"
)

// Hint is the way on for a selection that an API cannot read.
const Hint = "name the files to read: --file; or commit by git: --commit-via git"

// maxFiles is how many files a read loads.
const maxFiles = 500

// The modes of files, as git writes them.
const (
	File       = "100644"
	Executable = "100755"
)

// An Entry is one path of a commit.
type Entry struct {
	OID, Mode string
	Data      []byte // nil when it was not loaded yet
	Changed   string // the latest commit that changed the path, where the API tells it
}

// IsFile leaves out links, submodules and folders.
func (e *Entry) IsFile() bool { return e != nil && (e.Mode == File || e.Mode == Executable) }

// A Snapshot is the known part of one commit.
type Snapshot struct {
	Branch, Tip string
	Entries     map[string]*Entry // nil for a path that does not exist
	Folders     map[string]bool   // whose entries are all known
	Whole       bool              // all entries are known
}

// New returns a snapshot of which nothing is known.
func New(branch, tip string) *Snapshot {
	return &Snapshot{Branch: branch, Tip: tip, Entries: map[string]*Entry{}, Folders: map[string]bool{}}
}

// Add enters a path unless it is known.
func (s *Snapshot) Add(name, oid, mode string) {
	if s.Entries[name] == nil {
		s.Entries[name] = &Entry{OID: oid, Mode: mode}
	}
}

// A Need lists the questions for a selection: paths, and folders in which any file
// may be meant. Deep says that a pattern spans folders.
type Need struct {
	Names, Folders []string
	Deep           bool
}

// NeedOf returns the need of a selection.
func NeedOf(selection files.Selection) Need {
	need := Need{Deep: selection.Depth(".") == files.AnyDepth}
	for _, glob := range selection.Globs() {
		text := glob.String()
		switch dir := path.Dir(text); {
		case glob.IsLiteral():
			need.Names = append(need.Names, text)
		case strings.ContainsAny(dir, `*?[{\`), glob.Depth(dir) != 1:
			need.Deep = true
		default:
			need.Folders = append(need.Folders, dir)
		}
	}
	slices.Sort(need.Names)
	slices.Sort(need.Folders)
	need.Names, need.Folders = slices.Compact(need.Names), slices.Compact(need.Folders)
	return need
}

// Unknown returns the part of need that s does not know.
func (s *Snapshot) Unknown(need Need) Need {
	unknown := Need{Deep: need.Deep && !s.Whole}
	if s.Whole {
		return unknown
	}
	for _, name := range need.Names {
		if _, known := s.Entries[name]; !known {
			unknown.Names = append(unknown.Names, name)
		}
	}
	for _, dir := range need.Folders {
		if !s.Folders[dir] {
			unknown.Folders = append(unknown.Folders, dir)
		}
	}
	return unknown
}

// Read returns the selected files that exist; where names the commit in errors. Load is
// called with the names of those whose content is not known yet, and keeps it by
// [Snapshot.Load].
func (s *Snapshot) Read(where string, selection files.Selection, load func(names []string) error) (*files.Tree, error) {
	selected, err := s.selected(where, selection)
	if err != nil {
		return nil, err
	}
	unknown := slices.DeleteFunc(slices.Clone(selected), func(name string) bool { return s.Entries[name].Data != nil })
	if err := load(unknown); err != nil {
		return nil, err
	}
	return s.tree(where, selected, selection)
}

// selected returns the names of the selected files that exist, sorted.
func (s *Snapshot) selected(where string, selection files.Selection) ([]string, error) {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(s.Entries)) {
		if s.Entries[name].IsFile() && selection.Includes(name) {
			names = append(names, name)
		}
	}
	if len(names) > maxFiles {
		return nil, fault.Errorf(fault.Failed, "%s: over %d files match: %w", where, maxFiles, forge.ErrInvalid).WithHint(Hint)
	}
	return names, nil
}

// Load keeps the content of a file after a check of its size and its hash. Server names
// whose answer it is.
func (s *Snapshot) Load(where, server, name string, data []byte) error {
	e := s.Entries[name]
	switch {
	case len(data) > files.MaxSize:
		return fault.Errorf(fault.Failed, "%s: %s: %w", where, name, files.ErrTooLarge).WithHint("leave it out: name the other files with --file")
	case len(e.OID) == sha1.Size*2 && BlobHash(data) != e.OID:
		return fault.Errorf(fault.Failed, "%s: %s: %s's answer is not the file's content, by its hash: %w", where, name, server, forge.ErrInvalid)
	}
	e.Data = append([]byte{}, data...)
	return nil
}

// tree returns the files of the given names. A file that the selection requires and that
// is not among them is an error that wraps files.ErrMissing.
func (s *Snapshot) tree(where string, names []string, selection files.Selection) (*files.Tree, error) {
	var list []files.File
	for _, name := range names {
		e := s.Entries[name]
		if bytes.HasPrefix(e.Data, []byte("version https://git-lfs.github.com/spec/")) || bytes.HasPrefix(e.Data, []byte("\x00GITCRYPT\x00")) {
			continue
		}
		list = append(list, files.File{Path: name, Executable: e.Mode == Executable, Data: e.Data})
	}
	tree := files.NewTree(s.Branch, s.Tip, list)
	for _, name := range selection.Required() {
		if _, ok := tree.File(name); ok {
			continue
		}
		why := "no such file"
		if s.Entries[name] != nil {
			why = "is a link, a folder, a submodule, an LFS pointer or encrypted"
		}
		return nil, fault.Errorf(fault.NotFound, "%s: %s: %s%w", where, name, why, silent{files.ErrMissing})
	}
	return tree, nil
}

// silent keeps an error in the chain without its words.
type silent struct{ error }

func (silent) Error() string   { return "" }
func (s silent) Unwrap() error { return s.error }

// BlobHash returns the name that git gives to a file's content.
func BlobHash(data []byte) string {
	hash := sha1.New() //nolint:gosec // git's own hash
	fmt.Fprintf(hash, "blob %d\x00", len(data))
	hash.Write(data)
	return hex.EncodeToString(hash.Sum(nil))
}
