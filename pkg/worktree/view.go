package worktree

import (
	"io"
	"io/fs"
	"os"
	"path"
	"sync"
	"syscall"

	"github.com/tagbump/tagbump/pkg/files"
)

// A view shows of a folder only the selected files, and only the folders that can
// hold some. It reads nothing before it is asked to: a folder of 20,000 files
// costs its listing.
//
// Everything is opened through os.Root, so that no link leads out of the folder.
// Inside it, only a link that a glob spells out is followed: what a wildcard
// reaches through a link, it finds at its real path as well, and a file must not
// appear twice. FIFOs, devices, sockets, .git and repositories inside the
// repository (submodules, linked worktrees) do not exist in a view, and neither
// do files that git does not know, where it was asked.
type view struct {
	dir       *Dir
	root      *os.Root
	selection files.Selection
	known     *nameSet // to git; nil: all files count

	mu      sync.Mutex
	folders map[string]bool // folders that were judged by isFolder
}

func newView(dir *Dir, selection files.Selection, known *nameSet) *view {
	return &view{dir: dir, root: dir.root, selection: selection, known: known, folders: map[string]bool{".": true}}
}

// A nameSet is a set of files and the folders that they are in.
type nameSet struct{ files, folders map[string]bool }

func newNameSet(names []string) *nameSet {
	s := &nameSet{files: make(map[string]bool, len(names)), folders: map[string]bool{}}
	for _, name := range names {
		s.files[name] = true
		for dir := path.Dir(name); !s.folders[dir]; dir = path.Dir(dir) {
			s.folders[dir] = true
		}
	}
	return s
}

// includes reports whether the view shows the file.
func (v *view) includes(name string) bool {
	if !v.selection.Includes(name) {
		return false
	}
	if v.known == nil || v.known.files[name] {
		return true
	}
	real, err := v.dir.resolve(name) // git knows a file behind a link by its own path
	return err == nil && v.known.files[real]
}

// mayHold reports whether a file that the view shows can be in the folder.
func (v *view) mayHold(dir string) bool {
	return v.selection.MayHold(dir) && (v.known == nil || v.known.folders[dir] || v.selection.Spells(dir))
}

// Open opens a selected file or a folder that can hold some.
func (v *view) Open(name string) (fs.File, error) {
	info, err := v.stat("open", name)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return v.openFile(name)
	}
	entries, err := v.ReadDir(name)
	if err != nil {
		return nil, err
	}
	return files.OpenDir(info, entries), nil
}

// openFile opens a regular file. Without O_NONBLOCK, opening a FIFO that took
// the file's place would wait for a writer for ever.
func (v *view) openFile(name string) (*os.File, error) {
	f, err := v.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: reason(err)}
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		_ = f.Close()
		return nil, notExist("open", name)
	}
	return f, nil
}

// Stat describes a selected file or a folder that can hold some.
func (v *view) Stat(name string) (fs.FileInfo, error) { return v.stat("stat", name) }

// ReadFile returns the content of a selected file, or an error that wraps
// [files.ErrTooLarge].
func (v *view) ReadFile(name string) ([]byte, error) {
	info, err := v.stat("read", name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrInvalid}
	}
	f, err := v.openFile(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	content, err := io.ReadAll(io.LimitReader(f, files.MaxSize+1))
	if err == nil && len(content) > files.MaxSize {
		err = files.ErrTooLarge
	}
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: reason(err)}
	}
	return content, nil
}

// ReadDir lists what a view shows of a folder, sorted by name.
func (v *view) ReadDir(name string) ([]fs.DirEntry, error) {
	if !fs.ValidPath(name) || !v.isFolder(name) {
		return nil, notExist("readdir", name)
	}
	entries, err := fs.ReadDir(v.root.FS(), name)
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: reason(err)}
	}
	shown := make([]fs.DirEntry, 0, len(entries))
	for _, entry := range entries {
		full := path.Join(name, entry.Name())
		switch {
		case entry.IsDir():
			if v.isFolder(full) {
				shown = append(shown, entry)
			}
		case entry.Type().IsRegular():
			if v.includes(full) {
				shown = append(shown, entry)
			}
		case entry.Type()&fs.ModeSymlink != 0 && v.selection.Spells(full):
			if info, err := v.stat("stat", full); err == nil {
				shown = append(shown, fs.FileInfoToDirEntry(info))
			}
		}
	}
	return shown, nil
}

// stat describes name, or says that it does not exist in the view.
func (v *view) stat(op, name string) (fs.FileInfo, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	if !v.isFolder(path.Dir(name)) {
		return nil, notExist(op, name)
	}
	info, err := v.lookUp(name)
	switch {
	case err != nil:
		return nil, &fs.PathError{Op: op, Path: name, Err: reason(err)}
	case info.IsDir() && v.isFolder(name), info.Mode().IsRegular() && v.includes(name):
		return info, nil
	}
	return nil, notExist(op, name)
}

// lookUp describes name, or the file behind it when it is a link that a glob
// spells out.
func (v *view) lookUp(name string) (fs.FileInfo, error) {
	info, err := v.root.Lstat(name)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 && v.selection.Spells(name) {
		return v.root.Stat(name)
	}
	return info, err
}

// isFolder reports whether the view shows the folder dir.
func (v *view) isFolder(dir string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.judge(dir)
}

func (v *view) judge(dir string) bool {
	shown, known := v.folders[dir]
	if !known {
		shown = v.judge(path.Dir(dir)) && path.Base(dir) != ".git" && v.mayHold(dir) && v.isRealFolder(dir)
		v.folders[dir] = shown
	}
	return shown
}

func (v *view) isRealFolder(dir string) bool {
	info, err := v.lookUp(dir)
	return err == nil && info.IsDir() && !isRepository(v.root, dir)
}

// isRepository reports whether dir, a folder below the root, is the top of a
// repository of its own: a clone, a submodule or a linked worktree.
func isRepository(root *os.Root, dir string) bool {
	_, err := root.Lstat(path.Join(dir, ".git"))
	return err == nil
}

func notExist(op, name string) error {
	return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}
