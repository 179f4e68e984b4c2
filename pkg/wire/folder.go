package wire

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/worktree"
)

// folder is a local folder as bump sees it: one branch without a name.
type folder struct {
	dir    *worktree.Dir
	keep   Keep
	author string // "" is whom the user's git takes
}

// Keep says how far a change in a local folder goes.
type Keep int

// The ways to keep a change.
const (
	KeepFiles  Keep = iota // the files are written
	KeepCommit             // and committed
	KeepPush               // and pushed
)

// folderTree is the files of a folder, which has neither branch nor tip.
type folderTree struct{ fs.FS }

func (folderTree) Branch() string { return "" }
func (folderTree) Tip() string    { return "" }

func (f folder) Read(_ context.Context, _ string, globs []string) (bump.Tree, error) {
	selection, err := files.Select(globs...)
	if err != nil {
		return nil, err
	}
	fsys, err := f.dir.Read(selection)
	return folderTree{fsys}, err
}

func (f folder) Tip(context.Context, string) (string, error) { return "", nil }

// Save writes the files. With a commit it is all or nothing: when git refuses,
// the files are put back as they were.
func (f folder) Save(ctx context.Context, base bump.Tree, c bump.Commit) (bump.Saved, error) {
	if f.keep == KeepFiles {
		if err := f.dir.Write(c.Files); err != nil {
			return bump.Saved{}, err
		}
		return bump.Saved{State: bump.Written}, nil
	}
	names := slices.Sorted(maps.Keys(c.Files))
	if err := f.dir.CheckClean(ctx, names); err != nil {
		return bump.Saved{}, err
	}
	before, err := contentsOf(base, names)
	if err != nil {
		return bump.Saved{}, err
	}
	if err := f.dir.Write(c.Files); err != nil {
		return bump.Saved{}, err
	}
	hash, err := f.dir.Commit(ctx, names, c.Message, f.author)
	if err != nil {
		return bump.Saved{}, errors.Join(err, f.dir.Write(before))
	}
	saved := bump.Saved{State: bump.Committed, Commit: hash}
	if f.keep == KeepPush {
		if err := f.dir.Push(ctx); err != nil {
			return saved, unpushed{err, hash}
		}
		saved.State = bump.Pushed
	}
	return saved, nil
}

func contentsOf(fsys fs.FS, names []string) (map[string][]byte, error) {
	contents := make(map[string][]byte, len(names))
	for _, name := range names {
		content, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		contents[name] = content
	}
	return contents, nil
}

// unpushed is the error of a commit that is in the checkout only.
type unpushed struct {
	err  error
	hash string
}

func (e unpushed) Error() string { return e.err.Error() }
func (e unpushed) Unwrap() error { return e.err }

// Hint says where the commit is, and what never loses a race.
func (e unpushed) Hint() string {
	return fmt.Sprintf("commit %.10s is in the checkout: git pull --rebase && git push; or give --repo URL, which needs no checkout and plans again when the branch has moved", e.hash)
}
