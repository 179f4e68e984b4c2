package gitrepo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-git/go-git/v5/plumbing"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/gitrepo/internal/object"
	"github.com/tagbump/tagbump/pkg/gitrepo/internal/wire"
)

// A Signature is who made a commit, and when.
type Signature struct {
	Name, Email string
	When        time.Time
}

// A Commit says what is to be committed on top of a Tree's commit, and which
// branch is to be moved to it.
type Commit struct {
	// Branch is the branch to move. Default: the Tree's.
	Branch string
	// Old is the tip that Branch must have for it to be moved, as 40 hex digits; "" for a
	// branch that must not exist yet. For the Tree's own branch it is always the Tree's
	// tip. Default: "".
	Old string
	// Files holds the new contents of files that the Tree has, by their path.
	// Modes stay.
	Files map[string][]byte
	// Message is the whole message; a line end is added when it lacks one.
	Message string
	// Author made the change, Committer the commit. Committer: the author.
	Author, Committer Signature
	// Signer signs the commit. Default: it is not signed.
	Signer Signer
}

// compose makes the objects of a commit on top of base: new blobs, the trees above them,
// and the commit as the last one.
func compose(store *object.Store, base *files.Tree, c Commit) ([]wire.NewObject, error) {
	for _, name := range slices.Sorted(maps.Keys(c.Files)) {
		if _, known := base.File(name); !known {
			return nil, wire.Fail(ErrNoFile, "%s: is not among the files that were read", name)
		}
	}
	tip := plumbing.NewHash(base.Tip())
	root, err := store.RootOf(tip)
	if err != nil {
		return nil, err
	}
	edit := &treeEdit{store: store, files: c.Files}
	newRoot, err := edit.tree(root, "")
	if err != nil {
		return nil, err
	}
	if newRoot == root {
		return nil, errors.New("nothing to commit: the files are as they were")
	}
	commit, err := encodeCommit(tip, newRoot, c)
	if err != nil {
		return nil, err
	}
	return append(edit.made, wire.NewObject{Object: commit}), nil
}

// A treeEdit rebuilds the trees above changed files by patching ids in their raw bytes:
// nothing else in them can change.
type treeEdit struct {
	store *object.Store
	files map[string][]byte // new contents by path
	made  []wire.NewObject
}

// tree returns the id of the tree with the new files. Dir is the tree's path with a slash
// at its end, "" for the root.
func (t *treeEdit) tree(id plumbing.Hash, dir string) (plumbing.Hash, error) {
	entries, err := t.store.Tree(id)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	old, err := t.store.Get(plumbing.TreeObject, id)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	raw := bytes.Clone(old.Data)
	for _, e := range entries {
		newID, err := t.entry(e, dir+e.Name)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		copy(raw[e.Offset:], newID[:])
	}
	if bytes.Equal(raw, old.Data) {
		return id, nil
	}
	return t.make(wire.Changed(plumbing.TreeObject, id, old.Data, raw)), nil
}

// entry returns the id that the entry of a tree gets: the old one unless it is a changed
// file, or a folder above one.
func (t *treeEdit) entry(e object.Entry, name string) (plumbing.Hash, error) {
	if e.Mode.IsDir() {
		if !anyBelow(t.files, name+"/") {
			return e.ID, nil
		}
		return t.tree(e.ID, name+"/")
	}
	data, given := t.files[name]
	if !given || !e.Mode.IsFile() {
		return e.ID, nil
	}
	if len(data) > MaxFileSize {
		return e.ID, wire.Fail(ErrUnsupported, "%s: has %d bytes, and %d is the most", name, len(data), MaxFileSize)
	}
	if plumbing.ComputeHash(plumbing.BlobObject, data) == e.ID {
		return e.ID, nil
	}
	old, err := t.store.Get(plumbing.BlobObject, e.ID)
	if err != nil {
		return e.ID, fmt.Errorf("%s: %w", name, err)
	}
	return t.make(wire.Changed(plumbing.BlobObject, e.ID, old.Data, bytes.Clone(data))), nil
}

func (t *treeEdit) make(o wire.NewObject) plumbing.Hash {
	t.made = append(t.made, o)
	return o.Hash()
}

func anyBelow(files map[string][]byte, prefix string) bool {
	for name := range files {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func encodeCommit(parent, tree plumbing.Hash, c Commit) (object.Object, error) {
	if c.Committer == (Signature{}) {
		c.Committer = c.Author
	}
	if err := checkCommit(c); err != nil {
		return object.Object{}, err
	}
	commit := gitobject.Commit{
		Author:       gitobject.Signature(c.Author),
		Committer:    gitobject.Signature(c.Committer),
		Message:      strings.TrimRight(c.Message, "\n") + "\n",
		TreeHash:     tree,
		ParentHashes: []plumbing.Hash{parent},
	}
	if c.Signer != nil {
		unsigned, err := encoded(commit.EncodeWithoutSignature)
		if err != nil {
			return object.Object{}, err
		}
		if commit.PGPSignature, err = c.Signer.Sign(unsigned); err != nil {
			return object.Object{}, err
		}
	}
	data, err := encoded(commit.Encode)
	return object.Object{Kind: plumbing.CommitObject, Data: data}, err
}

// encoded returns what go-git's encode writes.
func encoded(encode func(plumbing.EncodedObject) error) ([]byte, error) {
	var o plumbing.MemoryObject
	if err := encode(&o); err != nil {
		return nil, err
	}
	r, err := o.Reader()
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func checkCommit(c Commit) error {
	if err := checkSignature("author", c.Author); err != nil {
		return err
	}
	if err := checkSignature("committer", c.Committer); err != nil {
		return err
	}
	return checkMessage(c.Message)
}

// checkSignature refuses what would end the header line or the name within it.
func checkSignature(role string, s Signature) error {
	switch {
	case strings.TrimSpace(s.Name) == "":
		return fmt.Errorf("the %s has no name", role)
	case strings.TrimSpace(s.Email) == "":
		return fmt.Errorf("the %s has no email address", role)
	case badInHeader(s.Name):
		return fmt.Errorf("the %s's name %q holds a control character, < or >", role, s.Name)
	case badInHeader(s.Email):
		return fmt.Errorf("the %s's email address %q holds a control character, < or >", role, s.Email)
	case s.When.IsZero():
		return fmt.Errorf("the %s has no time", role)
	}
	return nil
}

func badInHeader(s string) bool {
	return !utf8.ValidString(s) || strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f || c == '<' || c == '>' })
}

func checkMessage(message string) error {
	switch {
	case strings.TrimSpace(message) == "":
		return errors.New("the commit message is empty")
	case strings.ContainsRune(message, 0):
		return errors.New("the commit message holds a NUL")
	case !utf8.ValidString(message):
		return errors.New("the commit message is not UTF-8")
	}
	return nil
}
