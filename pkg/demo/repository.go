package demo

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"sort"
	"strings"
	"time"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// files are the GitOps repository of the demo.
//
//go:embed all:repository
var files embed.FS

const branch = plumbing.ReferenceName("refs/heads/main")

// makeRepository makes a bare repository of the embedded files, without git. It uses
// go-git's plumbing alone: the rest would add half a megabyte to the program.
func makeRepository(dir string, now time.Time) (*filesystem.Storage, error) {
	storage := filesystem.NewStorage(osfs.New(dir), cache.NewObjectLRUDefault())
	settings := config.NewConfig()
	settings.Core.IsBare = true
	if err := storage.SetConfig(settings); err != nil {
		return nil, err
	}
	tree, err := writeTree(storage, "repository")
	if err != nil {
		return nil, err
	}
	person := object.Signature{Name: "Ada", Email: "ada@example.com", When: now.Add(-72 * time.Hour)}
	commit, err := write(storage, &object.Commit{
		Author: person, Committer: person, Message: "add the chart of send2ereader\n", TreeHash: tree,
	})
	if err != nil {
		return nil, err
	}
	if err := storage.SetReference(plumbing.NewHashReference(branch, commit)); err != nil {
		return nil, err
	}
	return storage, storage.SetReference(plumbing.NewSymbolicReference(plumbing.HEAD, branch))
}

// writeTree stores an embedded folder with all below it.
func writeTree(to storer.EncodedObjectStorer, dir string) (plumbing.Hash, error) {
	entries, err := files.ReadDir(dir)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	tree := &object.Tree{}
	for _, entry := range entries {
		name := path.Join(dir, entry.Name())
		mode, write := filemode.Regular, writeBlob
		if entry.IsDir() {
			mode, write = filemode.Dir, writeTree
		}
		hash, err := write(to, name)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		tree.Entries = append(tree.Entries, object.TreeEntry{Name: entry.Name(), Mode: mode, Hash: hash})
	}
	sort.Slice(tree.Entries, func(i, j int) bool { return sortName(tree.Entries[i]) < sortName(tree.Entries[j]) })
	return write(to, tree)
}

// sortName is what git sorts an entry by: folders as if they ended with a slash.
func sortName(e object.TreeEntry) string {
	if e.Mode == filemode.Dir {
		return e.Name + "/"
	}
	return e.Name
}

func writeBlob(to storer.EncodedObjectStorer, name string) (plumbing.Hash, error) {
	content, err := fs.ReadFile(files, name)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	blob := to.NewEncodedObject()
	blob.SetType(plumbing.BlobObject)
	w, err := blob.Writer()
	if err != nil {
		return plumbing.ZeroHash, err
	}
	if _, err := w.Write(content); err != nil {
		return plumbing.ZeroHash, err
	}
	if err := w.Close(); err != nil {
		return plumbing.ZeroHash, err
	}
	return to.SetEncodedObject(blob)
}

func write(to storer.EncodedObjectStorer, o interface {
	Encode(o plumbing.EncodedObject) error
},
) (plumbing.Hash, error) {
	encoded := to.NewEncodedObject()
	if err := o.Encode(encoded); err != nil {
		return plumbing.ZeroHash, err
	}
	return to.SetEncodedObject(encoded)
}

// newest returns the branch's commit, as git log prints it, and the lines that it adds
// to and takes from each file, as --stat does.
func newest(from *filesystem.Storage) (string, error) {
	tip, err := from.Reference(branch)
	if err != nil {
		return "", err
	}
	commit, err := object.GetCommit(from, tip.Hash())
	if err != nil {
		return "", err
	}
	after, err := texts(commit)
	if err != nil {
		return "", err
	}
	before := map[string]string{}
	if parent, err := commit.Parent(0); err == nil {
		if before, err = texts(parent); err != nil {
			return "", err
		}
	}
	return commit.String() + stat(before, after), nil
}

func texts(commit *object.Commit) (map[string]string, error) {
	all, err := commit.Files()
	if err != nil {
		return nil, err
	}
	found := make(map[string]string)
	err = all.ForEach(func(f *object.File) error {
		text, err := f.Contents()
		found[f.Name] = text
		return err
	})
	return found, err
}

// stat lists the files that differ. It counts lines that only one side has, which is
// what git counts where none has moved.
func stat(before, after map[string]string) string {
	type change struct {
		name           string
		added, removed int
	}
	var changes []change
	longest := 0
	for name, text := range after {
		if text != before[name] {
			changes = append(changes, change{name, linesBeyond(text, before[name]), linesBeyond(before[name], text)})
			longest = max(longest, len(name))
		}
	}
	sort.Slice(changes, func(i, j int) bool { return changes[i].name < changes[j].name })
	var out strings.Builder
	for _, c := range changes {
		fmt.Fprintf(&out, " %-*s | %d %s%s\n", longest, c.name, c.added+c.removed, strings.Repeat("+", c.added), strings.Repeat("-", c.removed))
	}
	return out.String()
}

// linesBeyond counts the lines of text that other does not have.
func linesBeyond(text, other string) int {
	have := make(map[string]int)
	for line := range strings.Lines(other) {
		have[line]++
	}
	beyond := 0
	for line := range strings.Lines(text) {
		if have[line]--; have[line] < 0 {
			beyond++
		}
	}
	return beyond
}
