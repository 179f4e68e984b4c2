package pick

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/gitrepo/internal/object"
	"github.com/tagbump/tagbump/pkg/gitrepo/internal/wire"
)

const (
	// maxFiles and maxBytes bound what one walk returns.
	maxFiles = 50_000
	maxBytes = 64 << 20
	// maxEntries bounds the entries that one walk looks at. Twelve objects are enough for a
	// tree with a billion paths, because a tree may have the same subtree many times.
	maxEntries = 2_000_000
	// maxPath bounds the bytes of a path, and so the depth of a tree. It is the longest
	// path that Linux opens.
	maxPath = 4096
)

// A walk goes from a commit to the selected files, through the objects that the store
// has, and notes what is missing on the way. An object that arrives later takes it
// further.
type walk struct {
	store *object.Store
	want  files.Selection
	tip   plumbing.Hash

	needsTip bool            // the commit itself is missing
	trees    pending[string] // missing trees, and the folders that they are ("." is the root)
	blobs    pending[place]  // missing blobs, and where they are

	files   []files.File
	bytes   int64 // of files
	entries int   // that were looked at

	required map[string]bool   // the paths that must be files
	found    map[string]bool   // the required paths that are
	others   map[string]nature // what is at required paths, and above them, that is not a file

	singly bool // ask for one object at a time
	err    error
}

// A place is an entry of a tree and its path.
type place struct {
	name  string
	entry object.Entry
}

// A nature says what is at a path instead of a file that can be changed.
type nature int

const (
	folder nature = iota + 1
	link
	submodule
	lfsPointer
	encrypted
	unknownMode
)

var natures = map[nature]string{
	folder:      "is a directory",
	link:        "is a symbolic link, which is not followed",
	submodule:   "is a submodule, which is not followed",
	lfsPointer:  "is an LFS pointer, and its text is not in the repository",
	encrypted:   "is encrypted by git-crypt",
	unknownMode: "has a mode that git does not know",
}

func (n nature) String() string { return natures[n] }

// pending holds missing objects in the order in which they were met.
type pending[T any] struct {
	places map[plumbing.Hash][]T
	order  []plumbing.Hash
}

func (p *pending[T]) add(id plumbing.Hash, where T) {
	if p.places == nil {
		p.places = map[plumbing.Hash][]T{}
	}
	if _, known := p.places[id]; !known {
		p.order = append(p.order, id)
	}
	p.places[id] = append(p.places[id], where)
}

// take returns where id is missing, and forgets it.
func (p *pending[T]) take(id plumbing.Hash) []T {
	where := p.places[id]
	delete(p.places, id)
	return where
}

// ids lists the objects that are still missing.
func (p *pending[T]) ids() []plumbing.Hash {
	p.order = slices.DeleteFunc(p.order, func(id plumbing.Hash) bool { return p.places[id] == nil })
	return slices.Clone(p.order)
}

// newWalk starts at the commit tip, and goes as far as the store allows.
func newWalk(s *object.Store, want files.Selection, tip plumbing.Hash) *walk {
	w := &walk{
		store: s, want: want, tip: tip, needsTip: true,
		required: map[string]bool{}, found: map[string]bool{}, others: map[string]nature{},
	}
	for _, name := range want.Required() {
		for ; name != "."; name = path.Dir(name) {
			w.required[name] = true
		}
	}
	w.resume(tip)
	return w
}

// resume goes on from the object id, if it was missing and is in the store now.
func (w *walk) resume(id plumbing.Hash) {
	if w.err != nil || !w.store.Knows(id) {
		return
	}
	if w.needsTip && id == w.tip {
		w.needsTip = false
		w.err = w.commit(id)
	}
	for _, dir := range w.trees.take(id) {
		w.err = errors.Join(w.err, w.tree(dir, id))
	}
	for _, b := range w.blobs.take(id) {
		w.err = errors.Join(w.err, w.blob(b.name, b.entry))
	}
}

// resumeAll goes on from everything that has arrived.
func (w *walk) resumeAll() error {
	w.resume(w.tip)
	for _, id := range append(w.trees.ids(), w.blobs.ids()...) {
		w.resume(id)
	}
	return w.err
}

// hasTrees reports whether no commit and no tree is missing.
func (w *walk) hasTrees() bool { return !w.needsTip && len(w.trees.places) == 0 }

// hasAll reports whether nothing is missing.
func (w *walk) hasAll() bool { return w.hasTrees() && len(w.blobs.places) == 0 }

// firstMissing returns a missing object, or zero when nothing is missing.
func (w *walk) firstMissing() plumbing.Hash {
	if w.needsTip {
		return w.tip
	}
	for _, id := range append(w.trees.ids(), w.blobs.ids()...) {
		return id
	}
	return plumbing.ZeroHash
}

// missingTrees lists missing trees that can share a filter: those under which files may
// be at any depth, or else all, and how many levels below them the deepest file may be.
func (w *walk) missingTrees() (ids []plumbing.Hash, depth int) {
	all := w.trees.ids()
	depths := make([]int, len(all))
	for i, id := range all {
		for _, dir := range w.trees.places[id] {
			depths[i] = max(depths[i], w.want.Depth(dir))
		}
		depth = max(depth, depths[i])
	}
	for i, id := range all {
		if (depths[i] >= files.AnyDepth) == (depth >= files.AnyDepth) {
			ids = append(ids, id)
		}
	}
	return ids, depth
}

func (w *walk) commit(id plumbing.Hash) error {
	root, err := w.store.RootOf(id)
	if err != nil {
		return err
	}
	return w.tree(".", root)
}

// tree goes through the folder dir.
func (w *walk) tree(dir string, id plumbing.Hash) error {
	if !w.store.Has(id) {
		w.trees.add(id, dir)
		return nil
	}
	entries, err := w.store.Tree(id)
	if err != nil {
		return err
	}
	if w.entries += len(entries); w.entries > maxEntries {
		return wire.Fail(wire.ErrUnsupported, "the tree has over %d paths", maxEntries).WithHint("name the files to read: --file")
	}
	for _, e := range entries {
		if err := w.entry(path.Join(dir, e.Name), e); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) entry(name string, e object.Entry) error {
	if len(name) > maxPath {
		return wire.Fail(wire.ErrUnsupported, "the tree has a path of over %d bytes", maxPath)
	}
	switch {
	case e.Mode.IsDir():
		w.note(name, folder)
		if w.want.MayHold(name) {
			return w.tree(name, e.ID)
		}
	case e.Mode.IsLink():
		w.note(name, link)
	case e.Mode.IsSubmodule():
		w.note(name, submodule)
	case !e.Mode.IsFile():
		w.note(name, unknownMode)
	default:
		if w.required[name] {
			w.found[name] = true
		}
		if w.want.Includes(name) {
			return w.blob(name, e)
		}
	}
	return nil
}

// note remembers the nature of a path that an error could be about.
func (w *walk) note(name string, n nature) {
	if w.required[name] {
		w.others[name] = n
	}
}

func (w *walk) blob(name string, e object.Entry) error {
	if size, large := w.store.Large(e.ID); large {
		return wire.Fail(wire.ErrUnsupported, "%s: has %d bytes, and %d is the most", name, size, files.MaxSize).WithHint("leave it out: name the other files with --file")
	}
	if !w.store.Has(e.ID) {
		w.blobs.add(e.ID, place{name, e})
		return w.checkSize()
	}
	o, err := w.store.Get(plumbing.BlobObject, e.ID)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if n := natureOf(o.Data); n != 0 {
		w.note(name, n)
		delete(w.found, name)
		return nil
	}
	w.bytes += int64(len(o.Data))
	w.files = append(w.files, files.File{Path: name, Executable: e.Mode.IsExecutable(), Data: o.Data})
	return w.checkSize()
}

// checkSize refuses more files than anybody changes.
func (w *walk) checkSize() error {
	count := len(w.files) + len(w.blobs.places)
	if count <= maxFiles && w.bytes <= maxBytes {
		return nil
	}
	return wire.Fail(wire.ErrUnsupported, "over %d files or %d MiB match", maxFiles, maxBytes>>20).WithHint("name the files to read: --file")
}

// natureOf knows files whose text is elsewhere or encrypted; 0 is any other file.
func natureOf(data []byte) nature {
	switch {
	case bytes.HasPrefix(data, []byte("version https://git-lfs.github.com/spec/")):
		return lfsPointer
	case bytes.HasPrefix(data, []byte("\x00GITCRYPT\x00")):
		return encrypted
	}
	return 0
}

// checkRequired refuses a required path that is not a file, and says what it is instead.
func (w *walk) checkRequired() error {
	for _, name := range w.want.Required() {
		if !w.found[name] {
			return wire.Fail(files.ErrMissing, "%s: %s", name, w.whyMissing(name))
		}
	}
	return nil
}

func (w *walk) whyMissing(name string) string {
	if n, ok := w.others[name]; ok {
		return n.String()
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if n, ok := w.others[dir]; ok && n != folder {
			return fmt.Sprintf("no such file: %s %s", dir, n)
		}
		if w.found[dir] {
			return fmt.Sprintf("no such file: %s is a file", dir)
		}
	}
	return "no such file"
}

// level returns how many folders deep the folder dir is; the root is at level 0.
func level(dir string) int {
	if dir == "." {
		return 0
	}
	return strings.Count(dir, "/") + 1
}
