package gitrepo

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// A walk goes from a commit to the wanted files, through what the store has, and
// notes what is missing on the way.
type walk struct {
	store *store
	want  selection
	tip   plumbing.Hash
	root  bool // missing: the tip itself
	trees []missingTree
	blobs []plumbing.Hash // missing
	files []file
	bytes int64 // of files
	odd   map[string]string
	seen  map[plumbing.Hash]bool // among the missing
	met   map[string]bool        // paths of files, for the literal patterns
}

// A missingTree is a directory that may hold wanted files, at most reach levels
// down.
type missingTree struct {
	id    plumbing.Hash
	reach int
}

// begin walks from tip through what is here.
func begin(s *store, want selection, tip plumbing.Hash) (*walk, error) {
	w := &walk{store: s, want: want, tip: tip, odd: map[string]string{}, seen: map[plumbing.Hash]bool{}, met: map[string]bool{}}
	return w, w.commit(tip)
}

// first is the first missing object, or zero when nothing is missing.
func (w *walk) first() plumbing.Hash {
	switch {
	case w.root:
		return w.tip
	case len(w.trees) > 0:
		return w.trees[0].id
	case len(w.blobs) > 0:
		return w.blobs[0]
	}
	return plumbing.ZeroHash
}

// treeIDs lists the missing trees that are wanted in the same way as the first.
func (w *walk) treeIDs() (ids []plumbing.Hash, reach int) {
	for _, t := range w.trees {
		reach = max(reach, t.reach)
	}
	for _, t := range w.trees {
		if (t.reach >= anyDepth) == (reach >= anyDepth) {
			ids = append(ids, t.id)
		}
	}
	return ids, reach
}

func (w *walk) commit(id plumbing.Hash) error {
	if !w.store.has(id) {
		w.root = true
		return nil
	}
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
		if w.isNew(id) {
			w.trees = append(w.trees, missingTree{id, w.want.reach(dir)})
		}
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
		if w.want.below(name) {
			return w.tree(name, e.id)
		}
		return nil
	}
	if !e.isFile() {
		w.odd[name] = e.oddity()
		return nil
	}
	w.met[name] = true
	if w.want.file(name) {
		return w.blob(name, e)
	}
	return nil
}

func (w *walk) blob(name string, e treeEntry) error {
	if size, big := w.store.tooBig[e.id]; big {
		return fail(ErrUnsupported, "%s: has %d bytes, and %d is the most", name, size, MaxFileSize).withHint("name the files that are to be read: --file")
	}
	if !w.store.has(e.id) {
		if w.isNew(e.id) {
			w.blobs = append(w.blobs, e.id)
		}
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
	w.files = append(w.files, file{path: name, executable: e.mode == "100755", data: o.data})
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

// isNew reports whether a missing object is met for the first time.
func (w *walk) isNew(id plumbing.Hash) bool {
	if w.seen[id] {
		return false
	}
	w.seen[id] = true
	return true
}

// checkLiterals refuses a plain path that names no file, and says what is there
// instead.
func (w *walk) checkLiterals() error {
	for _, p := range w.want.patterns {
		if p.literal && !w.met[p.text] {
			return fail(ErrNoFile, "%s: %s", p.text, w.whyNot(p.text))
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
