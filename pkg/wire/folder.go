package wire

import (
	"context"
	"io/fs"

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

// folderTree is the files of a folder.
type folderTree struct {
	fs.FS
	checkout *worktree.Checkout // nil when the files are only written
}

// Branch returns the branch that a change goes to, "" when it goes to none.
func (t folderTree) Branch() string {
	if t.checkout == nil {
		return ""
	}
	return t.checkout.Branch()
}

// Tip returns the commit that is checked out, "" when none is made on it.
func (t folderTree) Tip() string {
	if t.checkout == nil {
		return ""
	}
	return t.checkout.Head()
}

// Read returns the files. Where a change is to be committed or pushed, it refuses
// a checkout in which that cannot be finished.
func (f folder) Read(ctx context.Context, _ bump.Revision, selection files.Selection) (bump.Tree, error) {
	if f.keep == KeepFiles {
		fsys, err := f.dir.Read(ctx, selection)
		return folderTree{fsys, nil}, err
	}
	reach := worktree.ToBranch
	if f.keep == KeepPush {
		reach = worktree.ToUpstream
	}
	checkout, err := f.dir.Checkout(ctx, reach)
	if err != nil {
		return nil, err
	}
	fsys, err := checkout.Read(ctx, selection)
	return folderTree{fsys, checkout}, err
}

// Log returns the latest commits of the checkout that the folder is in. A folder whose
// files are only written may be anything, so there it is no error that git cannot tell.
func (f folder) Log(ctx context.Context, at bump.Revision, _ []string, most int) ([]bump.CommitInfo, error) {
	read, err := f.History(ctx, at, nil, most)
	if f.keep == KeepFiles {
		err = nil
	}
	return read.Commits, err
}

// History returns the latest commits of the checkout, and what files were in them.
func (f folder) History(ctx context.Context, at bump.Revision, names []string, most int) (bump.History, error) {
	read, err := f.dir.History(ctx, at.Commit, names, most)
	h := bump.History{More: read.More, Shallow: read.Shallow, Files: map[string][]bump.Version{}}
	for _, c := range read.Commits {
		h.Commits = append(h.Commits, bump.CommitInfo(c))
	}
	for name, versions := range read.Files {
		for _, v := range versions {
			h.Files[name] = append(h.Files[name], bump.Version(v))
		}
	}
	return h, err
}

// AtHand makes folder a bump.AtHand.
func (folder) AtHand() {}

// A Checkout is the repository of a folder, with the upstream of the branch that is checked
// out. For a plain folder, which has no upstream, both methods return an error.
type Checkout interface {
	// Upstream returns where the branch is pushed to.
	Upstream(ctx context.Context) (Upstream, error)
	// Contains reports whether a commit of the upstream has another one in its history.
	Contains(ctx context.Context, revision, commit string) (bool, error)
}

// An Upstream is where the branch of a checkout is pushed to.
type Upstream worktree.Upstream

// Upstream makes folder a Checkout.
func (f folder) Upstream(ctx context.Context) (Upstream, error) {
	upstream, err := f.dir.Upstream(ctx)
	return Upstream(upstream), err
}

// Contains makes folder a Checkout.
func (f folder) Contains(ctx context.Context, revision, commit string) (bool, error) {
	return f.dir.Contains(ctx, revision, commit)
}

func (f folder) Tip(context.Context, string) (string, error) { return "", nil }

// Check makes folder a bump.Checker.
func (f folder) Check(ctx context.Context, base bump.Tree, names []string) error {
	if checkout := base.(folderTree).checkout; checkout != nil {
		return checkout.Check(ctx, names)
	}
	return nil
}

// Unpushed makes folder a bump.Finisher.
func (folder) Unpushed(base bump.Tree) []bump.CommitInfo {
	checkout := base.(folderTree).checkout
	if checkout == nil {
		return nil
	}
	var all []bump.CommitInfo
	for _, c := range checkout.Unpushed() {
		all = append(all, bump.CommitInfo(c))
	}
	return all
}

// Finish pushes them.
func (folder) Finish(ctx context.Context, base bump.Tree) error {
	return base.(folderTree).checkout.Finish(ctx)
}

// Save writes the files, or makes a commit of them.
func (f folder) Save(ctx context.Context, base bump.Tree, c bump.Commit) (bump.Saved, error) {
	checkout := base.(folderTree).checkout
	if checkout == nil {
		if err := f.dir.Write(c.Files); err != nil {
			return bump.Saved{}, err
		}
		return bump.Saved{State: bump.Written}, nil
	}
	hash, err := checkout.Save(ctx, worktree.Change{Files: c.Files, Message: c.Message, Author: f.author})
	switch {
	case hash == "":
		return bump.Saved{}, err
	case f.keep == KeepPush:
		return bump.Saved{State: bump.Pushed, Commit: hash}, err
	}
	return bump.Saved{State: bump.Committed, Commit: hash}, err
}
