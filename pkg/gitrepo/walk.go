package gitrepo

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/tagbump/tagbump/pkg/files"
)

// A walk goes from a commit to the wanted files, through what the store has, and
// notes what is missing on the way. What arrives later takes it further.
type walk struct {
	store *store
	want  files.Selection
	tip   plumbing.Hash

	root   bool            // missing: the tip itself
	trees  pending[string] // missing, and the directories that they are
	blobs  pending[blobAt] // missing, and where they stand
	files  []files.File
	bytes  int64             // of files
	singly bool              // ask for one object at a time
	odd    map[string]string // what is not a file, and what it is
	met    map[string]bool   // paths of files, for the literal patterns
	err    error
}

type blobAt struct {
	name  string
	entry treeEntry
}

// pending holds missing objects in the order in which they were met.
type pending[T any] struct {
	at    map[plumbing.Hash][]T
	order []plumbing.Hash
}

func (p *pending[T]) add(id plumbing.Hash, where T) {
	if p.at == nil {
		p.at = map[plumbing.Hash][]T{}
	}
	if _, known := p.at[id]; !known {
		p.order = append(p.order, id)
	}
	p.at[id] = append(p.at[id], where)
}

// take returns where id is, and forgets it.
func (p *pending[T]) take(id plumbing.Hash) []T {
	where := p.at[id]
	delete(p.at, id)
	return where
}

// ids lists what is still missing.
func (p *pending[T]) ids() []plumbing.Hash {
	p.order = slices.DeleteFunc(p.order, func(id plumbing.Hash) bool { return p.at[id] == nil })
	return slices.Clone(p.order)
}

// newWalk begins at tip.
func newWalk(s *store, want files.Selection, tip plumbing.Hash) *walk {
	w := &walk{store: s, want: want, tip: tip, root: true, odd: map[string]string{}, met: map[string]bool{}}
	w.arrived(tip)
	return w
}

// arrived goes on from an object that may have been missing.
func (w *walk) arrived(id plumbing.Hash) {
	switch {
	case w.err != nil || !w.store.knows(id):
		return
	case w.root && id == w.tip:
		w.root = false
		w.err = w.commit(id)
	}
	for _, dir := range w.trees.take(id) {
		w.err = errors.Join(w.err, w.tree(dir, id))
	}
	for _, b := range w.blobs.take(id) {
		w.err = errors.Join(w.err, w.blob(b.name, b.entry))
	}
}

// advance goes on from all that has arrived.
func (w *walk) advance() error {
	w.arrived(w.tip)
	for _, id := range append(w.trees.ids(), w.blobs.ids()...) {
		w.arrived(id)
	}
	return w.err
}

// hasTrees reports whether no directory is missing.
func (w *walk) hasTrees() bool { return !w.root && len(w.trees.at) == 0 }

// first is the first missing object, or zero when nothing is missing.
func (w *walk) first() plumbing.Hash {
	if w.root {
		return w.tip
	}
	for _, id := range append(w.trees.ids(), w.blobs.ids()...) {
		return id
	}
	return plumbing.ZeroHash
}

// treeIDs lists the missing trees that are wanted in the same way as the one that
// reaches furthest.
func (w *walk) treeIDs() (ids []plumbing.Hash, furthest int) {
	all := w.trees.ids()
	reaches := make([]int, len(all))
	for i, id := range all {
		for _, dir := range w.trees.at[id] {
			reaches[i] = max(reaches[i], w.want.Depth(cmp.Or(dir, ".")))
		}
		furthest = max(furthest, reaches[i])
	}
	for i, id := range all {
		if (reaches[i] >= files.AnyDepth) == (furthest >= files.AnyDepth) {
			ids = append(ids, id)
		}
	}
	return ids, furthest
}

func (w *walk) commit(id plumbing.Hash) error {
	root, err := rootOf(w.store, id)
	if err != nil {
		return err
	}
	return w.tree("", root)
}

// rootOf reads the tree's id from a commit.
func rootOf(s *store, commit plumbing.Hash) (plumbing.Hash, error) {
	o, err := s.get(plumbing.CommitObject, commit)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	line, _, _ := bytes.Cut(o.data, []byte("\n"))
	id, is := strings.CutPrefix(string(line), "tree ")
	if !is || len(id) != 40 {
		return plumbing.ZeroHash, fmt.Errorf("commit %s does not begin with its tree", commit)
	}
	return plumbing.NewHash(id), nil
}

func (w *walk) tree(dir string, id plumbing.Hash) error {
	if !w.store.has(id) {
		w.trees.add(id, dir)
		return nil
	}
	entries, err := readTree(w.store, id)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := w.entry(path.Join(dir, e.name), e); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) entry(name string, e treeEntry) error {
	if e.isDir() {
		w.odd[name] = "is a directory"
		if w.want.MayHold(name) {
			return w.tree(name, e.id)
		}
		return nil
	}
	if !e.isFile() {
		w.odd[name] = e.oddity()
		return nil
	}
	w.met[name] = true
	if w.want.Includes(name) {
		return w.blob(name, e)
	}
	return nil
}

func (w *walk) blob(name string, e treeEntry) error {
	if size, big := w.store.tooBig[e.id]; big {
		return fail(ErrUnsupported, "%s: has %d bytes, and %d is the most", name, size, MaxFileSize).withHint("name the files that are to be read: --file")
	}
	if !w.store.has(e.id) {
		w.blobs.add(e.id, blobAt{name, e})
		return nil
	}
	o, err := w.store.get(plumbing.BlobObject, e.id)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if what := notText(o.data); what != "" {
		w.odd[name] = what
		delete(w.met, name)
		return nil
	}
	w.bytes += int64(len(o.data))
	w.files = append(w.files, files.File{Path: name, Executable: e.mode == "100755", Data: o.data})
	return nil
}

// notText tells what stands for a file whose text is elsewhere or encrypted.
func notText(data []byte) string {
	switch {
	case bytes.HasPrefix(data, []byte("version https://git-lfs.github.com/spec/")):
		return "is an LFS pointer, and its text is not in the repository"
	case bytes.HasPrefix(data, []byte("\x00GITCRYPT\x00")):
		return "is encrypted by git-crypt"
	}
	return ""
}

// checkLiterals refuses a plain path that names no file, and says what is there
// instead.
func (w *walk) checkLiterals() error {
	for _, name := range w.want.Required() {
		if !w.met[name] {
			return fail(ErrNoFile, "%s: %s", name, w.whyNot(name))
		}
	}
	return nil
}

func (w *walk) whyNot(name string) string {
	if odd, ok := w.odd[name]; ok {
		return odd
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if odd, ok := w.odd[dir]; ok && odd != "is a directory" {
			return fmt.Sprintf("no such file: %s %s", dir, odd)
		}
		if w.met[dir] {
			return fmt.Sprintf("no such file: %s is a file", dir)
		}
	}
	return "no such file"
}

// A treeEntry is a line of a git tree. Its mode is as it was written: git takes
// 100664 for a file, too, and a tree must not change by being read.
type treeEntry struct {
	mode string
	name string
	id   plumbing.Hash
	at   int // where in the tree's bytes the id stands
}

func (e treeEntry) isDir() bool { return e.mode == "40000" || e.mode == "040000" }

func (e treeEntry) isFile() bool {
	return e.mode == "100644" || e.mode == "100755" || e.mode == "100664"
}

func (e treeEntry) oddity() string {
	switch e.mode {
	case "120000":
		return "is a symbolic link, which is not followed"
	case "160000":
		return "is a submodule, which is not followed"
	}
	return fmt.Sprintf("has the unknown mode %s", e.mode)
}

var errBadTree = errors.New("is not a git tree")

func readTree(s *store, id plumbing.Hash) ([]treeEntry, error) {
	o, err := s.get(plumbing.TreeObject, id)
	if err != nil {
		return nil, err
	}
	entries, err := parseTree(o.data)
	if err != nil {
		return nil, fmt.Errorf("tree %s: %w", id, err)
	}
	return entries, nil
}

func parseTree(data []byte) ([]treeEntry, error) {
	var entries []treeEntry
	for at := 0; at < len(data); {
		space := bytes.IndexByte(data[at:], ' ')
		null := bytes.IndexByte(data[at:], 0)
		if space <= 0 || null < space+2 || at+null+21 > len(data) {
			return nil, errBadTree
		}
		e := treeEntry{mode: string(data[at : at+space]), name: string(data[at+space+1 : at+null]), at: at + null + 1}
		if strings.Contains(e.name, "/") || e.name == "." || e.name == ".." {
			return nil, errBadTree
		}
		copy(e.id[:], data[e.at:])
		entries = append(entries, e)
		at = e.at + 20
	}
	return entries, nil
}
