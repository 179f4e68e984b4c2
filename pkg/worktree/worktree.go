// Package worktree reads and writes a local folder of files, and commits and
// pushes it where it is a git checkout.
//
// Everything happens below the folder that was opened: a symbolic link that
// leads out of it is refused ([os.Root]). A link inside it is followed where its
// name was given, and the file behind it is written, so that the link remains.
// New contents are written aside and synced before the first file is replaced; a
// crash in between leaves each file whole, either old or new.
//
// The trap to know: rename replaces a file and with it its mode and owner, so
// these are set on the new one first.
package worktree

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
)

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

// Name returns the folder's name as it was opened.
func (d *Dir) Name() string { return d.name }

// Close releases the folder.
func (d *Dir) Close() error { return d.root.Close() }

// Read returns a file system of the selected files. They are read when they are
// opened, and one over [files.MaxSize] is an error then.
//
// A wanted file that was named in full must exist, else the error wraps
// [files.ErrMissing]. Links are followed where a glob spells them out, and only
// inside the folder. FIFOs, devices, .git, repositories inside the repository and,
// in a git checkout, ignored files that were not named in full are left out.
func (d *Dir) Read(ctx context.Context, selection files.Selection) (fs.FS, error) {
	return d.read(selection, d.notIgnored(ctx, selection.Required()))
}

// notIgnored returns the files of a git checkout that are not ignored, and the
// named ones; nil where git cannot tell.
func (d *Dir) notIgnored(ctx context.Context, named []string) *nameSet {
	if !isBelowRepository(d.name) {
		return nil
	}
	out, err := newGit(d.name).out(ctx, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return nil
	}
	return newNameSet(append(strings.Split(out, "\x00"), named...))
}

// isBelowRepository reports whether the folder or one above it has a .git.
func isBelowRepository(name string) bool {
	dir, err := filepath.Abs(name)
	for err == nil {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return true
		}
		if filepath.Dir(dir) == dir {
			return false
		}
		dir = filepath.Dir(dir)
	}
	return false
}

func (d *Dir) read(selection files.Selection, known *nameSet) (fs.FS, error) {
	view := newView(d, selection, known)
	for _, name := range selection.Required() {
		if _, err := view.Stat(name); err != nil {
			return nil, fmt.Errorf("%s: %w", path.Join(d.name, name), d.whyHidden(name, known, err))
		}
	}
	for _, glob := range selection.Globs() {
		if _, err := d.resolve(glob.Base()); errors.As(err, new(escape)) {
			return nil, fmt.Errorf("%s: %w", path.Join(d.name, glob.String()), err)
		}
	}
	return view, nil
}

// whyHidden says why the view does not show a file that was named.
func (d *Dir) whyHidden(name string, known *nameSet, hidden error) error {
	real, err := d.resolve(name)
	if errors.Is(err, fs.ErrNotExist) {
		return files.ErrMissing
	}
	if err != nil {
		return reason(err)
	}
	if name == ".git" || strings.HasPrefix(name, ".git/") {
		return errors.New("is git's own")
	}
	for dir := path.Dir(real); dir != "."; dir = path.Dir(dir) {
		if isRepository(d.root, dir) {
			return fault.Errorf(fault.Usage, "is in %s, a repository of its own", dir)
		}
	}
	info, err := d.root.Lstat(real)
	switch {
	case err != nil:
		return reason(err)
	case info.IsDir():
		return fault.Errorf(fault.Usage, "is a folder; write %s for the files in it", path.Join(name, "**"))
	case !info.Mode().IsRegular():
		return errors.New("is not a regular file")
	case known != nil && !known.files[real]:
		return fault.Errorf(fault.Refused, "is not tracked by git").WithHint("git add and commit it first; or leave --commit and --push out")
	}
	return reason(hidden)
}

// Write replaces the contents of existing files: all of them, or, when an error
// comes before the first replacement, none. Two names of one file are an error
// unless they get the same content.
func (d *Dir) Write(contents map[string][]byte) error {
	staged, err := d.stageAll(contents)
	defer func() {
		for _, s := range staged {
			_ = d.root.Remove(s.aside)
		}
	}()
	if err != nil {
		return err
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

// stageAll writes all contents aside. On an error it returns what it has written
// until then.
func (d *Dir) stageAll(contents map[string][]byte) ([]staged, error) {
	var all []staged
	names := map[string]string{} // the name that was given for a real one
	for _, name := range slices.Sorted(maps.Keys(contents)) {
		real, err := d.resolve(name)
		if err != nil {
			return all, fmt.Errorf("%s: %w", path.Join(d.name, name), reason(err))
		}
		if other, known := names[real]; known {
			if !bytes.Equal(contents[other], contents[name]) {
				return all, fmt.Errorf("%s: is the same file as %s, and gets another content", path.Join(d.name, name), other)
			}
			continue
		}
		names[real] = name
		s, err := d.stage(real, contents[name])
		if err != nil {
			return all, fmt.Errorf("%s: %w", path.Join(d.name, name), reason(err))
		}
		all = append(all, s)
	}
	return all, nil
}

// A staged file waits aside to take the place of name.
type staged struct{ aside, name string }

func (d *Dir) stage(name string, content []byte) (staged, error) {
	info, err := d.root.Lstat(name)
	if err != nil {
		return staged{}, err
	}
	if !info.Mode().IsRegular() {
		return staged{}, errors.New("is not a regular file")
	}
	d.removeLeftovers(name)
	s := staged{aside: asideName(name, rand.Text()), name: name}
	f, err := d.root.OpenFile(s.aside, os.O_CREATE|os.O_EXCL|os.O_WRONLY, info.Mode().Perm())
	if err != nil {
		return staged{}, err
	}
	_, err = f.Write(content)
	keepOwner(f, info)
	// The umask may have taken bits from the mode given above, and a new owner
	// takes others.
	err = errors.Join(err, f.Chmod(info.Mode().Perm()), f.Sync(), f.Close())
	if err != nil {
		_ = d.root.Remove(s.aside)
	}
	return s, err
}

// asideName is where the new content of name waits.
func asideName(name, suffix string) string {
	return path.Join(path.Dir(name), "."+path.Base(name)+".tagbump-"+suffix)
}

// leftoverAge is the age at which a file that waits aside is a leftover of a
// process that was killed. A run holds one for milliseconds.
const leftoverAge = time.Hour

// removeLeftovers removes what killed processes have left beside name. It does
// what it can: a leftover is in nobody's way.
func (d *Dir) removeLeftovers(name string) {
	prefix := path.Base(asideName(name, ""))
	entries, err := fs.ReadDir(d.root.FS(), path.Dir(name))
	if err != nil {
		return
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err == nil && strings.HasPrefix(entry.Name(), prefix) && info.Mode().IsRegular() && time.Since(info.ModTime()) > leftoverAge {
			_ = d.root.Remove(path.Join(path.Dir(name), entry.Name()))
		}
	}
}

// escape is the error of a symbolic link that leads out of the folder.
type escape struct{ target string }

func (e escape) Error() string { return "is a symbolic link out of the folder, to " + e.target }

// maxLinks is how many symbolic links a path may have, as on Linux.
const maxLinks = 40

// resolve returns the path of name without symbolic links.
func (d *Dir) resolve(name string) (string, error) {
	real, rest, links := ".", strings.Split(name, "/"), 0
	for len(rest) > 0 {
		next := path.Join(real, rest[0])
		rest = rest[1:]
		if next == "." {
			real = next
			continue
		}
		info, err := d.root.Lstat(next)
		if err != nil {
			return "", err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			real = next
			continue
		}
		if links++; links > maxLinks {
			return "", errors.New("too many symbolic links")
		}
		target, err := d.root.Readlink(next)
		if err != nil {
			return "", err
		}
		target = filepath.ToSlash(target)
		if filepath.IsAbs(target) || path.IsAbs(target) || !within(path.Join(real, target)) {
			return "", escape{target}
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return real, nil
}

// within reports whether the clean relative path stays in the folder.
func within(name string) bool { return name != ".." && !strings.HasPrefix(name, "../") }

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
