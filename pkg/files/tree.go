package files

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// A File is one regular file of a [Tree].
type File struct {
	Path       string
	Executable bool
	Data       []byte
}

// A Tree is a file system of the selected files of one commit, in memory. It has
// a folder only where a file is in it. Its files have no times.
//
// It implements fs.FS, fs.ReadFileFS, fs.ReadDirFS and fs.StatFS.
type Tree struct {
	branch, tip string
	files       map[string]File
	dirs        map[string][]fs.DirEntry // sorted by name
}

// NewTree returns the file system of list. Branch and tip are what [Tree.Branch]
// and [Tree.Tip] return. The Tree takes over the files' data. Of two files with
// one path it keeps the first.
func NewTree(branch, tip string, list []File) *Tree {
	t := &Tree{branch, tip, make(map[string]File, len(list)), map[string][]fs.DirEntry{".": nil}}
	for _, f := range list {
		if _, known := t.files[f.Path]; known {
			continue
		}
		t.files[f.Path] = f
		t.enter(f.Path, f.info())
	}
	for _, entries := range t.dirs {
		slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	}
	return t
}

// enter adds an entry to its folder, and the folder to its parent when it is new.
func (t *Tree) enter(name string, entry info) {
	dir := path.Dir(name)
	entries, known := t.dirs[dir]
	t.dirs[dir] = append(entries, fs.FileInfoToDirEntry(entry))
	if !known {
		t.enter(dir, dirInfo(dir))
	}
}

// Branch is the name of the branch that was read, without "refs/heads/"; "" when
// no branch was read.
func (t *Tree) Branch() string { return t.branch }

// Tip is the hash of the commit that was read.
func (t *Tree) Tip() string { return t.tip }

// File returns the file called name without copying its data.
func (t *Tree) File(name string) (File, bool) {
	f, ok := t.files[name]
	return f, ok
}

// Open opens a file or folder.
func (t *Tree) Open(name string) (fs.File, error) {
	at, err := t.stat("open", name)
	if err != nil {
		return nil, err
	}
	if at.IsDir() {
		return OpenDir(at, t.dirs[name]), nil
	}
	return &openFile{at, bytes.NewReader(t.files[name].Data)}, nil
}

// Stat describes a file or folder.
func (t *Tree) Stat(name string) (fs.FileInfo, error) { return t.stat("stat", name) }

// ReadFile returns a copy of the file's content.
func (t *Tree) ReadFile(name string) ([]byte, error) {
	f, ok := t.files[name]
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
	}
	return bytes.Clone(f.Data), nil
}

// ReadDir lists a folder, sorted by name.
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
	return f.info(), nil
}

type info struct {
	name string
	size int64
	mode fs.FileMode
}

func (f File) info() info {
	mode := fs.FileMode(0o644)
	if f.Executable {
		mode = 0o755
	}
	return info{path.Base(f.Path), int64(len(f.Data)), mode}
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

// OpenDir returns an open folder with the given entries, for file systems that
// make their own listings.
func OpenDir(info fs.FileInfo, entries []fs.DirEntry) fs.ReadDirFile {
	return &openDir{info, entries}
}

type openDir struct {
	info fs.FileInfo
	rest []fs.DirEntry
}

func (d *openDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *openDir) Close() error               { return nil }

func (d *openDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.Name(), Err: fs.ErrInvalid}
}

// ReadDir returns the next n entries, or all that are left when n <= 0.
func (d *openDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 || n > len(d.rest) {
		if n > 0 && len(d.rest) == 0 {
			return nil, io.EOF
		}
		n = len(d.rest)
	}
	next := slices.Clone(d.rest[:n])
	d.rest = d.rest[n:]
	return next, nil
}
