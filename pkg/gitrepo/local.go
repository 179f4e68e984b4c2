package gitrepo

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
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// localRemote is a repository on this machine, read and written in place. It
// takes git's own locks, so that git may work on it at the same time.
type localRemote struct {
	path    string
	dir     string // where HEAD, refs and objects are
	bare    bool
	storage *filesystem.Storage
}

func newLocalRemote(path string) (*localRemote, error) {
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
	storage := filesystem.NewStorage(osfs.New(dir), cache.NewObjectLRU(8*cache.MiByte))
	config, err := storage.Config()
	if err != nil {
		return because(ErrUnsupported, err, "its config")
	}
	extensions := config.Raw.Section("extensions")
	if format := extensions.Option("objectformat"); format != "" && format != "sha1" {
		return errSHA256
	}
	if refs := extensions.Option("refstorage"); refs != "" && refs != "files" {
		return fail(ErrUnsupported, "keeps its refs as %q, which is not supported", refs)
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
		return "", fail(ErrNotFound, "no such directory")
	}
	return "", fail(ErrNotFound, "is not a git repository")
}

func linkedDir(path, text string) (string, error) {
	dir, is := strings.CutPrefix(strings.TrimSpace(text), "gitdir: ")
	if !is {
		return "", fail(ErrNotFound, "is not a git repository")
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(path, dir)
	}
	if common, err := os.ReadFile(filepath.Join(dir, "commondir")); err == nil {
		dir = filepath.Join(dir, strings.TrimSpace(string(common)))
	}
	if !isRepository(dir) {
		return "", fail(ErrNotFound, "is not a git repository")
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

func (l *localRemote) refs(ctx context.Context, branch string) (ref, error) {
	if err := errors.Join(network(ctx, ctx.Err()), l.open()); err != nil {
		return ref{}, err
	}
	found := ref{branch: branch}
	if branch == "" {
		head, err := l.storage.Reference(plumbing.HEAD)
		if err != nil || head.Type() != plumbing.SymbolicReference || !head.Target().IsBranch() {
			return found, fail(ErrNotFound, "its HEAD names no branch").withHint("name the branch")
		}
		found.branch = head.Target().Short()
	}
	at, err := l.storage.Reference(plumbing.NewBranchReferenceName(found.branch))
	switch {
	case errors.Is(err, plumbing.ErrReferenceNotFound) && branch == "":
		return ref{}, headless(ref{})
	case errors.Is(err, plumbing.ErrReferenceNotFound):
		return found, nil
	case err != nil:
		return found, err
	case at.Type() != plumbing.HashReference:
		return found, fail(ErrUnsupported, "is a symbolic ref, which is not supported")
	}
	found.tip = at.Hash()
	return found, nil
}

func (l *localRemote) capabilities(context.Context) (capabilities, error) { return assumed, nil }

// fetch reads exactly what is wanted, and with a depth the commits below: there
// is no round trip to save by more.
func (l *localRemote) fetch(ctx context.Context, req fetchRequest, s *store) error {
	if err := l.open(); err != nil {
		return err
	}
	wants := req.wants
	depth := req.depth
	if len(req.haves) > 0 {
		depth = 1
	}
	for depth = max(depth, 1); depth > 0 && len(wants) > 0; depth-- {
		var parents []plumbing.Hash
		for _, id := range wants {
			if err := errors.Join(network(ctx, ctx.Err()), l.read(id, s)); err != nil {
				return err
			}
			parents = append(parents, parentsOf(s, id)...)
		}
		wants = parents
	}
	return nil
}

func parentsOf(s *store, commit plumbing.Hash) []plumbing.Hash {
	o, err := s.get(plumbing.CommitObject, commit)
	if err != nil {
		return nil
	}
	var parents []plumbing.Hash
	for line := range strings.Lines(string(o.data)) {
		if id, is := strings.CutPrefix(line, "parent "); is {
			parents = append(parents, plumbing.NewHash(strings.TrimSpace(id)))
		} else if len(parents) > 0 {
			break
		}
	}
	return parents
}

func (l *localRemote) read(id plumbing.Hash, s *store) error {
	encoded, err := l.storage.EncodedObject(plumbing.AnyObject, id)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		l.storage.Reindex() // a pack may be newer than our list
		encoded, err = l.storage.EncodedObject(plumbing.AnyObject, id)
	}
	if err != nil {
		return because(ErrUnavailable, err, "object %s", id)
	}
	if encoded.Size() > MaxFileSize {
		s.tooBig[id] = encoded.Size()
		return nil
	}
	r, err := encoded.Reader()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.add(gitObject{encoded.Type(), data})
	return nil
}

// push writes the objects and then moves the branch under git's lock.
func (l *localRemote) push(ctx context.Context, u update) error {
	if err := errors.Join(network(ctx, ctx.Err()), l.open(), l.checkPush(u.branch)); err != nil {
		return err
	}
	for _, o := range u.objects {
		if err := l.write(o.gitObject); err != nil {
			return &rejection{status: err.Error()}
		}
	}
	return l.moveRef(u)
}

// checkPush refuses what git's own receive-pack would, or would do more for.
func (l *localRemote) checkPush(branch string) error {
	head, err := l.storage.Reference(plumbing.HEAD)
	if err == nil && !l.bare && head.Target() == plumbing.NewBranchReferenceName(branch) {
		return &rejection{status: "the branch is checked out there"}
	}
	for _, hook := range []string{"pre-receive", "update", "post-receive", "post-update", "reference-transaction", "proc-receive"} {
		info, err := os.Stat(filepath.Join(l.dir, "hooks", hook))
		if err == nil && info.Mode()&0o111 != 0 {
			return &rejection{status: "it has a " + hook + " hook, and hooks run only when pushed to through ssh or http"}
		}
	}
	return nil
}

func (l *localRemote) write(o gitObject) error {
	if l.storage.HasEncodedObject(o.hash()) == nil {
		return nil
	}
	encoded := l.storage.NewEncodedObject()
	encoded.SetType(o.kind)
	w, err := encoded.Writer()
	if err != nil {
		return err
	}
	if _, err := w.Write(o.data); err != nil {
		return err
	}
	_, err = l.storage.SetEncodedObject(encoded)
	return errors.Join(w.Close(), err)
}

func (l *localRemote) moveRef(u update) (err error) {
	name := filepath.Join(l.dir, filepath.FromSlash(branchRef(u.branch)))
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return &rejection{status: err.Error()}
	}
	lock, err := os.OpenFile(name+".lock", os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return &rejection{status: "cannot lock the branch: " + err.Error()}
	}
	defer func() {
		if err != nil {
			_ = os.Remove(lock.Name())
		}
	}()
	at, err := l.refs(context.Background(), u.branch)
	if err == nil && at.tip != u.old {
		err = &rejection{status: "stands at " + at.tip.String()}
	}
	if err == nil {
		_, err = lock.WriteString(u.new.String() + "\n")
	}
	if err = errors.Join(err, lock.Sync(), lock.Close()); err != nil {
		return err
	}
	if err := os.Rename(lock.Name(), name); err != nil {
		return &rejection{status: err.Error()}
	}
	return nil
}

func (l *localRemote) close() error {
	if l.storage == nil {
		return nil
	}
	return l.storage.Close()
}
