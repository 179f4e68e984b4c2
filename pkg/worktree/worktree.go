// Package worktree reads and atomically writes a local checkout, or any folder
// of files.
//
// Everything happens below the folder that was opened: a symbolic link that
// leads out of it is refused ([os.Root]). A link inside it is followed, and the
// file behind it is written, so that the link stays one. New contents are
// written aside and synced before the first file is replaced; a crash in
// between leaves each file whole, either old or new.
//
// One trap: rename replaces a file and with it its mode, so the mode is set on
// the new one first.
package worktree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"sort"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// ErrNoFile is in the chain when a file that was named is not there.
var ErrNoFile = errors.New("no such file")

// A Dir is a folder.
type Dir struct {
	name string
	root *os.Root
}

// Open opens the folder dir.
func Open(dir string) (*Dir, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, reason(err))
	}
	return &Dir{dir, root}, nil
}

// Name is the folder's, as it was opened.
func (d *Dir) Name() string { return d.name }

// Close frees the folder.
func (d *Dir) Close() error { return d.root.Close() }

// Read returns the regular files that globs match (all YAML files without any);
// they are read when they are opened. The folder .git is never looked into. A
// glob without wildcards must name a file, else the error wraps [ErrNoFile].
func (d *Dir) Read(globs []string) (fs.FS, error) {
	for _, glob := range globs {
		if !doublestar.ValidatePattern(glob) {
			return nil, fmt.Errorf("%s: %q is not a valid glob", d.name, glob)
		}
		if hasMeta(glob) {
			continue
		}
		switch info, err := d.root.Stat(glob); {
		case errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("%s: %w", path.Join(d.name, glob), ErrNoFile)
		case err != nil:
			return nil, fmt.Errorf("%s: %w", path.Join(d.name, glob), reason(err))
		case !info.Mode().IsRegular():
			return nil, fmt.Errorf("%s: not a regular file", path.Join(d.name, glob))
		}
	}
	if len(globs) == 0 {
		globs = []string{"**/*.{yaml,yml,tpl}", "**/Kustomization"}
	}
	return view{d.root.FS(), os.DirFS(d.name), globs}, nil
}

// Write replaces the contents of existing files: all of them, or on an error
// before the first replacement none.
func (d *Dir) Write(files map[string][]byte) error {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	sort.Strings(names)
	var staged []staged
	defer func() {
		for _, s := range staged {
			_ = d.root.Remove(s.aside)
		}
	}()
	for _, name := range names {
		s, err := d.stage(name, files[name])
		if err != nil {
			return fmt.Errorf("%s: %w", path.Join(d.name, name), reason(err))
		}
		staged = append(staged, s)
	}
	for len(staged) > 0 {
		s := staged[0]
		if err := d.root.Rename(s.aside, s.name); err != nil {
			return fmt.Errorf("%s: %w", path.Join(d.name, s.name), reason(err))
		}
		staged = staged[1:]
	}
	return nil
}

// A staged file waits aside to take the place of name.
type staged struct{ aside, name string }

func (d *Dir) stage(name string, content []byte) (staged, error) {
	name, err := d.follow(name)
	if err != nil {
		return staged{}, err
	}
	info, err := d.root.Lstat(name)
	if err != nil {
		return staged{}, err
	}
	s := staged{aside: path.Join(path.Dir(name), fmt.Sprintf(".%s.tagbump-%d", path.Base(name), os.Getpid())), name: name}
	f, err := d.root.OpenFile(s.aside, os.O_CREATE|os.O_EXCL|os.O_WRONLY, info.Mode().Perm())
	if err != nil {
		return staged{}, err
	}
	_, err = f.Write(content)
	// The umask may have taken bits from the mode given above.
	err = errors.Join(err, f.Chmod(info.Mode().Perm()), f.Sync(), f.Close())
	if err != nil {
		_ = d.root.Remove(s.aside)
	}
	return s, err
}

// follow returns the file at the end of the symbolic links that begin at name.
func (d *Dir) follow(name string) (string, error) {
	for range 40 { // as Linux does before ELOOP
		info, err := d.root.Lstat(name)
		if err != nil || info.Mode()&fs.ModeSymlink == 0 {
			return name, err
		}
		target, err := d.root.Readlink(name)
		if err != nil {
			return "", err
		}
		if path.IsAbs(target) {
			return "", fmt.Errorf("is a symbolic link out of the folder, to %s", target)
		}
		name = path.Join(path.Dir(name), target)
	}
	return "", errors.New("too many symbolic links")
}

// hasMeta reports whether glob can match more than the one file it spells.
func hasMeta(glob string) bool { return strings.ContainsAny(glob, `*?[{\`) }

// reason leaves the operation and path out of err; the caller names the place.
func reason(err error) error {
	if pathError := new(fs.PathError); errors.As(err, &pathError) {
		return pathError.Err
	}
	if linkError := new(os.LinkError); errors.As(err, &linkError) {
		return linkError.Err
	}
	return err
}
