package worktree

import (
	"io/fs"
	"path"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// A view shows of a folder only the files that its globs match, and only the
// folders that can hold some. Nothing is read before it is asked for: a folder
// of 20,000 files costs its listing.
//
// What the listing reaches lies in the folder, since it follows no links; only a
// name that a glob spells out can lead elsewhere, and is opened through rooted,
// which refuses that. Doing so for all files takes four times as long.
type view struct {
	rooted fs.FS // of os.Root
	plain  fs.FS
	globs  []string
}

// of is the file system through which name is opened.
func (v view) of(name string) fs.FS {
	if v.names(name) {
		return v.rooted
	}
	return v.plain
}

func (v view) Open(name string) (fs.File, error) {
	if info, err := fs.Stat(v.of(name), name); err == nil && !info.IsDir() && !v.matches(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return v.of(name).Open(name)
}

func (v view) ReadFile(name string) ([]byte, error) {
	if !v.matches(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return fs.ReadFile(v.of(name), name)
}

func (v view) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(v.plain, name)
	if err != nil {
		return nil, err
	}
	kept := entries[:0]
	for _, entry := range entries {
		full := path.Join(name, entry.Name())
		switch {
		case entry.IsDir():
			if entry.Name() != ".git" && v.mayHold(full) {
				kept = append(kept, entry)
			}
		case entry.Type().IsRegular() && v.matches(full):
			kept = append(kept, entry)
		case entry.Type()&fs.ModeSymlink != 0 && v.names(full):
			kept = append(kept, followed{entry, v.rooted, full})
		}
	}
	return kept, nil
}

func (v view) matches(name string) bool {
	for _, glob := range v.globs {
		if doublestar.MatchUnvalidated(glob, name) {
			return true
		}
	}
	return false
}

// names reports whether a glob spells out name. Only such a symbolic link is
// looked behind: what a wildcard reaches through a link, it reaches without too.
func (v view) names(name string) bool {
	for _, glob := range v.globs {
		if glob == name {
			return true
		}
	}
	return false
}

// mayHold reports whether a match can lie in the folder dir.
func (v view) mayHold(dir string) bool {
	for _, glob := range v.globs {
		base, _ := doublestar.SplitPattern(glob)
		if base == "." || within(dir, base) || within(base, dir) {
			return true
		}
	}
	return false
}

func within(name, dir string) bool { return name == dir || strings.HasPrefix(name, dir+"/") }

// followed is the entry of a symbolic link that stands for the file behind it.
type followed struct {
	fs.DirEntry
	fsys fs.FS
	name string
}

func (f followed) Type() fs.FileMode          { return 0 }
func (f followed) Info() (fs.FileInfo, error) { return fs.Stat(f.fsys, f.name) }
