package gitrepo

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
)

// A Tree is a file system of the files that a Read asked for, as they stand in
// one commit. It holds no other file, and directories only where a file is in
// them. It implements fs.FS, fs.ReadFileFS, fs.ReadDirFS and fs.StatFS.
type Tree struct {
	branch string
	tip    plumbing.Hash
	files  map[string]file
	dirs   map[string][]fs.DirEntry // sorted by name; "." is the root
}

// A file is a blob and where it stands.
type file struct {
	path       string
	executable bool
	data       []byte
}

func newTree(branch string, tip plumbing.Hash, files []file) *Tree {
	t := &Tree{branch: branch, tip: tip, files: map[string]file{}, dirs: map[string][]fs.DirEntry{".": nil}}
	for _, f := range files {
		t.files[f.path] = f
		t.enter(f.path, info{name: path.Base(f.path), size: int64(len(f.data)), mode: f.mode()})
	}
	for _, entries := range t.dirs {
		slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	}
	return t
}

// enter adds an entry to its directory, and new directories to theirs.
func (t *Tree) enter(name string, entry info) {
	dir := path.Dir(name)
	entries, known := t.dirs[dir]
	t.dirs[dir] = append(entries, fs.FileInfoToDirEntry(entry))
	if !known {
		t.enter(dir, dirInfo(dir))
	}
}

func (f file) mode() fs.FileMode {
	if f.executable {
		return 0o755
	}
	return 0o644
}

// Branch is the name of the branch that was read, without "refs/heads/".
func (t *Tree) Branch() string { return t.branch }

// Tip is the commit that was read, as 40 hex digits.
func (t *Tree) Tip() string { return t.tip.String() }

// Open opens a file or directory. The file's info says nothing of times.
func (t *Tree) Open(name string) (fs.File, error) {
	at, err := t.stat("open", name)
	if err != nil {
		return nil, err
	}
	if at.IsDir() {
		return &openDir{at, t.dirs[name]}, nil
	}
	return &openFile{at, bytes.NewReader(t.files[name].data)}, nil
}

// Stat describes a file or directory.
func (t *Tree) Stat(name string) (fs.FileInfo, error) { return t.stat("stat", name) }

// ReadFile returns a copy of the file's content.
func (t *Tree) ReadFile(name string) ([]byte, error) {
	f, ok := t.files[name]
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	return bytes.Clone(f.data), nil
}

// ReadDir lists a directory, sorted by name.
func (t *Tree) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, ok := t.dirs[name]
	if !ok {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	return slices.Clone(entries), nil
}

func (t *Tree) stat(op, name string) (info, error) {
	if !fs.ValidPath(name) {
		return info{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	if _, ok := t.dirs[name]; ok {
		return dirInfo(name), nil
	}
	f, ok := t.files[name]
	if !ok {
		return info{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
	}
	return info{name: path.Base(name), size: int64(len(f.data)), mode: f.mode()}, nil
}

type info struct {
	name string
	size int64
	mode fs.FileMode
}

func dirInfo(name string) info { return info{name: path.Base(name), mode: fs.ModeDir | 0o755} }

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.mode.IsDir() }
func (i info) Sys() any           { return nil }

type openFile struct {
	info info
	*bytes.Reader
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

type openDir struct {
	info info
	rest []fs.DirEntry
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *openDir) Close() error               { return nil }

func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.name, Err: fs.ErrInvalid}
}

// ReadDir follows fs.ReadDirFile: n entries, or all that are left when n <= 0.
func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 || n > len(d.rest) {
		if n > 0 && len(d.rest) == 0 {
			return nil, io.EOF
		}
		n = len(d.rest)
	}
	out := slices.Clone(d.rest[:n])
	d.rest = d.rest[n:]
	return out, nil
}
