package gitrepo

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/tagbump/tagbump/pkg/files"
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
	// Old is where Branch must stand for it to be moved, as 40 hex digits; "" for
	// a branch that must not exist yet. For the Tree's own branch it is always the
	// Tree's tip. Default: "".
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

// compose makes the objects of a commit on top of base: new blobs, the trees
// above them, and the commit as the last one.
func (r *Repo) compose(base *files.Tree, c Commit) ([]newObject, error) {
	root, err := rootOf(r.store, plumbing.NewHash(base.Tip()))
	if err != nil {
		return nil, err
	}
	edit := &treeEdit{store: r.store}
	for _, name := range sortedKeys(c.Files) {
		if _, known := base.File(name); !known {
			return nil, fail(ErrNoFile, "%s: is not among the files that were read", name)
		}
	}
	newRoot, err := edit.replace(root, "", c.Files)
	if err != nil {
		return nil, err
	}
	if newRoot == root {
		return nil, errors.New("nothing to commit: the files are as they were")
	}
	commit, err := encodeCommit(plumbing.NewHash(base.Tip()), newRoot, c)
	if err != nil {
		return nil, err
	}
	return append(edit.made, newObject{gitObject: commit}), nil
}

// A treeEdit rebuilds the trees on the way to changed files, by patching ids in
// their raw bytes: nothing else in them can change.
type treeEdit struct {
	store *store
	made  []newObject
}

func (t *treeEdit) replace(tree plumbing.Hash, dir string, files map[string][]byte) (plumbing.Hash, error) {
	entries, err := readTree(t.store, tree)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	old, err := t.store.get(plumbing.TreeObject, tree)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	raw := bytes.Clone(old.data)
	for _, e := range entries {
		id, err := t.replaceEntry(e, dir+e.name, files)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		copy(raw[e.at:], id[:])
	}
	if bytes.Equal(raw, old.data) {
		return tree, nil
	}
	return t.make(changed(plumbing.TreeObject, tree, old.data, raw)), nil
}

func (t *treeEdit) replaceEntry(e treeEntry, name string, files map[string][]byte) (plumbing.Hash, error) {
	if e.isDir() {
		if !anyBelow(files, name+"/") {
			return e.id, nil
		}
		return t.replace(e.id, name+"/", files)
	}
	data, given := files[name]
	if !given || !e.isFile() {
		return e.id, nil
	}
	if len(data) > MaxFileSize {
		return e.id, fail(ErrUnsupported, "%s: has %d bytes, and %d is the most", name, len(data), MaxFileSize)
	}
	if plumbing.ComputeHash(plumbing.BlobObject, data) == e.id {
		return e.id, nil
	}
	return t.make(changed(plumbing.BlobObject, e.id, t.store.objects[e.id].data, bytes.Clone(data))), nil
}

func (t *treeEdit) make(o newObject) plumbing.Hash {
	t.made = append(t.made, o)
	return o.hash()
}

func anyBelow(files map[string][]byte, prefix string) bool {
	for name := range files {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func sortedKeys(files map[string][]byte) []string {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func encodeCommit(parent, tree plumbing.Hash, c Commit) (gitObject, error) {
	if c.Committer == (Signature{}) {
		c.Committer = c.Author
	}
	if err := checkCommit(c); err != nil {
		return gitObject{}, err
	}
	commit := object.Commit{
		Author:       object.Signature(c.Author),
		Committer:    object.Signature(c.Committer),
		Message:      strings.TrimRight(c.Message, "\n") + "\n",
		TreeHash:     tree,
		ParentHashes: []plumbing.Hash{parent},
	}
	if c.Signer != nil {
		unsigned, err := encoded(commit.EncodeWithoutSignature)
		if err != nil {
			return gitObject{}, err
		}
		if commit.PGPSignature, err = c.Signer.Sign(unsigned); err != nil {
			return gitObject{}, err
		}
	}
	data, err := encoded(commit.Encode)
	return gitObject{plumbing.CommitObject, data}, err
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
