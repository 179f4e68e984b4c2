package wire

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/format/objfile"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/gitrepo/internal/object"
)

// localRemote is a repository on this machine, read and written in place. It takes git's
// own locks, so git may work on the repository at the same time.
type localRemote struct {
	path    string
	dir     string // where HEAD, refs and objects are
	bare    bool
	shallow map[plumbing.Hash]bool // the commits whose parents were left out
	storage *filesystem.Storage
}

// NewLocal returns a Remote for the repository at path, which may be relative to the
// process's folder: a bare one, or a checkout.
func NewLocal(path string) (Remote, error) {
	abs, err := filepath.Abs(path)
	return &localRemote{path: abs}, err
}

func (l *localRemote) open() error {
	if l.storage != nil {
		return nil
	}
	dir, err := repositoryDir(l.path)
	if err != nil {
		return err
	}
	// Without AlternatesFS, go-git looks for the objects that a repository borrows from
	// another (objects/info/alternates) below its own folder.
	storage := filesystem.NewStorageWithOptions(osfs.New(dir), cache.NewObjectLRU(8*cache.MiByte), filesystem.Options{
		AlternatesFS:         osfs.New("/"),
		LargeObjectThreshold: files.MaxSize,
	})
	config, err := storage.Config()
	if err != nil {
		return Because(ErrUnsupported, err, "its config")
	}
	extensions := config.Raw.Section("extensions")
	if format := extensions.Option("objectformat"); format != "" && format != "sha1" {
		return errSHA256
	}
	if refs := extensions.Option("refstorage"); refs != "" && refs != "files" {
		return Fail(ErrUnsupported, "keeps its refs as %q, which is not supported", refs)
	}
	ends, err := storage.Shallow()
	if err != nil {
		return Because(ErrUnsupported, err, "its list of shallow commits")
	}
	l.shallow = make(map[plumbing.Hash]bool, len(ends))
	for _, id := range ends {
		l.shallow[id] = true
	}
	l.dir, l.storage, l.bare = dir, storage, config.Core.IsBare
	return nil
}

// repositoryDir finds the repository in a bare directory or a checkout, linked
// ones included.
func repositoryDir(path string) (string, error) {
	for _, dir := range []string{filepath.Join(path, ".git"), path} {
		if text, err := os.ReadFile(dir); err == nil {
			return linkedDir(path, string(text))
		}
		if isRepository(dir) {
			return dir, nil
		}
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return "", Fail(ErrNotFound, "no such directory").WithHint("a URL begins with https:// or ssh://, or is user@host:path")
	}
	return "", Fail(ErrNotFound, "is not a git repository")
}

func linkedDir(path, text string) (string, error) {
	dir, is := strings.CutPrefix(strings.TrimSpace(text), "gitdir: ")
	if !is {
		return "", Fail(ErrNotFound, "is not a git repository")
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(path, dir)
	}
	if common, err := os.ReadFile(filepath.Join(dir, "commondir")); err == nil {
		dir = filepath.Join(dir, strings.TrimSpace(string(common)))
	}
	if !isRepository(dir) {
		return "", Fail(ErrNotFound, "is not a git repository")
	}
	return dir, nil
}

func isRepository(dir string) bool {
	for _, name := range []string{"HEAD", "objects"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

// Refs reads a branch.
func (l *localRemote) Refs(ctx context.Context, branch string) (Ref, error) {
	if err := errors.Join(Classify(ctx, ctx.Err()), l.open()); err != nil {
		return Ref{}, err
	}
	found := Ref{Branch: branch}
	if branch == "" {
		head, err := l.storage.Reference(plumbing.HEAD)
		if err != nil || head.Type() != plumbing.SymbolicReference || !head.Target().IsBranch() {
			return found, Fail(ErrNotFound, "its HEAD names no branch").WithHint("name the branch with --branch")
		}
		found.Branch = head.Target().Short()
	}
	at, err := l.storage.Reference(plumbing.NewBranchReferenceName(found.Branch))
	switch {
	case errors.Is(err, plumbing.ErrReferenceNotFound) && branch == "":
		return Ref{}, headless(Ref{})
	case errors.Is(err, plumbing.ErrReferenceNotFound):
		return found, nil
	case err != nil:
		return found, err
	case at.Type() != plumbing.HashReference:
		return found, Fail(ErrUnsupported, "is a symbolic ref, which is not supported")
	}
	found.Tip = at.Hash()
	return found, nil
}

// Branches reads the names of the branches.
func (l *localRemote) Branches(ctx context.Context, prefix string) ([]string, error) {
	if err := errors.Join(Classify(ctx, ctx.Err()), l.open()); err != nil {
		return nil, err
	}
	refs, err := l.storage.IterReferences()
	if err != nil {
		return nil, err
	}
	var names []string
	err = refs.ForEach(func(ref *plumbing.Reference) error {
		if name := ref.Name(); name.IsBranch() && strings.HasPrefix(name.Short(), prefix) {
			names = append(names, name.Short())
		}
		return nil
	})
	return names, err
}

// Capabilities returns those of git itself.
func (l *localRemote) Capabilities(context.Context) (Capabilities, error) { return assumed, nil }

// Fetch reads exactly what is wanted, and with a depth the commits below: there is no
// round trip to save by reading more.
func (l *localRemote) Fetch(ctx context.Context, req Request, s *object.Store) error {
	if err := l.open(); err != nil {
		return err
	}
	wants := req.Wants
	depth := req.Depth
	if len(req.Haves) > 0 {
		depth = 1
	}
	for depth = max(depth, 1); depth > 0 && len(wants) > 0; depth-- {
		var parents []plumbing.Hash
		for _, id := range wants {
			if err := errors.Join(Classify(ctx, ctx.Err()), l.read(id, s)); err != nil {
				return err
			}
			if !l.shallow[id] {
				parents = append(parents, s.Parents(id)...)
			}
		}
		wants = parents
	}
	return nil
}

// Beside reads at once.
func (l *localRemote) Beside(ctx context.Context, req Request, s *object.Store) (wait func()) {
	_ = l.Fetch(ctx, req, s)
	return func() {}
}

// read brings one object into s.
func (l *localRemote) read(id plumbing.Hash, s *object.Store) error {
	if found, err := l.readLoose(id, s); found || err != nil {
		return err
	}
	encoded, err := l.storage.EncodedObject(plumbing.AnyObject, id)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		l.storage.Reindex() // a pack may be newer than our list
		encoded, err = l.storage.EncodedObject(plumbing.AnyObject, id)
	}
	if errors.Is(err, plumbing.ErrObjectNotFound) && len(l.shallow) > 0 {
		return Because(ErrDeclined, err, "object %s", id)
	}
	if err != nil {
		return Because(ErrUnavailable, err, "object %s", id)
	}
	if encoded.Size() > files.MaxSize {
		s.AddLarge(id, encoded.Size())
		return nil
	}
	r, err := encoded.Reader()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	return addTo(s, id, encoded.Type(), encoded.Size(), r)
}

// readLoose reads an object that is a file of its own. go-git's reader would unpack all
// of it into memory, however much more that is than the object's header says.
func (l *localRemote) readLoose(id plumbing.Hash, s *object.Store) (found bool, err error) {
	name := id.String()
	f, err := os.Open(filepath.Join(l.dir, "objects", name[:2], name[2:]))
	if err != nil {
		return false, nil // it may be in a pack
	}
	defer func() { _ = f.Close() }()
	r, err := objfile.NewReader(f)
	if err != nil {
		return false, Because(ErrUnavailable, err, "object %s", id)
	}
	defer func() { _ = r.Close() }()
	kind, size, err := r.Header()
	switch {
	case err != nil:
		return false, Because(ErrUnavailable, err, "object %s", id)
	case size > files.MaxSize:
		s.AddLarge(id, size)
		return true, nil
	}
	return true, addTo(s, id, kind, size, r)
}

func addTo(s *object.Store, id plumbing.Hash, kind plumbing.ObjectType, size int64, r io.Reader) error {
	data, err := io.ReadAll(io.LimitReader(r, size+1))
	if err != nil {
		return Because(ErrUnavailable, err, "object %s", id)
	}
	if int64(len(data)) != size {
		return Fail(ErrUnavailable, "object %s is not as long as it says", id).Final()
	}
	_, err = s.Add(object.Object{Kind: kind, Data: data})
	return packError(err)
}

// Push writes the objects and then moves the branch under git's lock.
func (l *localRemote) Push(ctx context.Context, u Update) (remark string, err error) {
	return "", l.push(ctx, u)
}

func (l *localRemote) push(ctx context.Context, u Update) error {
	if err := errors.Join(Classify(ctx, ctx.Err()), l.open(), l.checkPush(u.Branch)); err != nil {
		return err
	}
	for _, o := range u.Objects {
		if err := l.write(o.Object); err != nil {
			return &Rejection{Status: err.Error()}
		}
	}
	return l.moveRef(u)
}

// checkPush refuses what receive-pack would refuse (the checked-out branch), and what it
// would run hooks for.
func (l *localRemote) checkPush(branch string) error {
	head, err := l.storage.Reference(plumbing.HEAD)
	if err == nil && !l.bare && head.Target() == plumbing.NewBranchReferenceName(branch) {
		return &Rejection{Status: "the branch is checked out there"}
	}
	for _, hook := range []string{"pre-receive", "update", "post-receive", "post-update", "reference-transaction", "proc-receive"} {
		info, err := os.Stat(filepath.Join(l.dir, "hooks", hook))
		if err == nil && info.Mode()&0o111 != 0 {
			return &Rejection{Status: "it has a " + hook + " hook, and hooks run only when pushed to through ssh or http"}
		}
	}
	return nil
}

func (l *localRemote) write(o object.Object) error {
	if l.storage.HasEncodedObject(o.Hash()) == nil {
		return nil
	}
	encoded := l.storage.NewEncodedObject()
	encoded.SetType(o.Kind)
	w, err := encoded.Writer()
	if err != nil {
		return err
	}
	if _, err := w.Write(o.Data); err != nil {
		return err
	}
	_, err = l.storage.SetEncodedObject(encoded)
	return errors.Join(w.Close(), err)
}

func (l *localRemote) moveRef(u Update) (err error) {
	name := filepath.Join(l.dir, filepath.FromSlash(branchRef(u.Branch)))
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return &Rejection{Status: err.Error()}
	}
	lock, err := os.OpenFile(name+".lock", os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return &Rejection{Status: "cannot lock the branch: " + err.Error()}
	}
	defer func() {
		if err != nil {
			_ = os.Remove(lock.Name())
		}
	}()
	at, err := l.Refs(context.Background(), u.Branch)
	if err == nil && at.Tip != u.Old {
		err = &Rejection{Status: "is at " + at.Tip.String()}
	}
	if err == nil {
		_, err = lock.WriteString(u.New.String() + "\n")
	}
	if err = errors.Join(err, lock.Sync(), lock.Close()); err != nil {
		return err
	}
	if err := os.Rename(lock.Name(), name); err != nil {
		return &Rejection{Status: err.Error()}
	}
	return nil
}

// Close closes the files that are open.
func (l *localRemote) Close() error {
	if l.storage == nil {
		return nil
	}
	return l.storage.Close()
}
