package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/tagbump/tagbump/pkg/gitrepo/internal/object"
	"github.com/tagbump/tagbump/pkg/gitrepo/internal/wire"
)

// A History is the latest commits of a branch, and what files were in them.
type History struct {
	Commits []CommitInfo // the newest first; of a merge only the first parent is followed
	More    bool         // there are older commits
	// Files has the versions of each file by the name that it has now, the newest first.
	Files map[string][]Version
}

// A Version is what a file was from one commit on until the next Version above it.
type Version struct {
	// Commit is the index in Commits of the commit that made it; len(Commits) when that
	// is an older one, which was not read.
	Commit int
	Data   []byte // nil when the file did not exist, or is larger than MaxFileSize
}

// History returns the latest commits up to a revision, at most most, and the versions of
// the named files in them. A file or folder that was renamed without another change in
// the same folder is followed.
//
// It costs one request for the commits, one for each level of folders above the files,
// and one for the files, however many commits there are; and the bytes of the trees that
// differ, not of the repository. Objects that were read before are not asked for again, so a longer
// look after a short one costs the difference.
func (r *Repo) History(ctx context.Context, at Revision, names []string, most int) (History, error) {
	tip, err := r.resolve(ctx, at)
	if err != nil {
		return History{}, r.wrap(at.Branch, err)
	}
	c, err := r.chain(ctx, tip.Tip, most, withRoots)
	if err != nil {
		return History{}, r.wrap(tip.Branch, err)
	}
	h, err := c.history(ctx, names)
	return h, r.wrap(tip.Branch, err)
}

func (c chain) history(ctx context.Context, names []string) (History, error) {
	h := History{Commits: c.commits, More: c.cut, Files: map[string][]Version{}}
	tracks, err := c.descend(ctx, names)
	if err != nil {
		return h, err
	}
	if err := c.repo.fetchFiles(ctx, tracks); err != nil {
		return h, err
	}
	for i, t := range tracks {
		h.Files[names[i]] = c.versions(t)
	}
	return h, nil
}

// versions returns the runs of commits in which a file is the same.
func (c chain) versions(t track) []Version {
	var all []Version
	for i, id := range t.ids {
		last := i == len(t.ids)-1
		if !last && t.ids[i+1] == id {
			continue
		}
		v := Version{Commit: i}
		if last && c.endsEarly(t) {
			v.Commit = len(c.commits)
		}
		if o, err := c.repo.store().Get(plumbing.BlobObject, id); err == nil {
			v.Data = o.Data
		}
		all = append(all, v)
	}
	return all
}

// endsEarly reports whether there are older commits than those that a track was followed
// through.
func (c chain) endsEarly(t track) bool { return c.cut || len(t.ids) < len(c.commits) }

// A track follows one path through the commits of a chain.
type track struct {
	names []string
	// ids has the id at the path in each commit, down to the level that was reached; zero
	// where it is missing. It is shorter than the chain where trees did not come.
	ids []plumbing.Hash
}

// descend goes down to files one folder at a time, in all commits at once: neighbours
// share most trees, so a level costs one request.
func (c chain) descend(ctx context.Context, names []string) ([]track, error) {
	var tracks []track
	deepest := 0
	for _, name := range names {
		t := track{strings.Split(path.Clean(name), "/"), slices.Clone(c.roots)}
		tracks, deepest = append(tracks, t), max(deepest, len(t.names))
	}
	for level := range deepest {
		under := slices.DeleteFunc(slices.Clone(tracks), func(t track) bool { return len(t.names) <= level })
		if err := c.fetchTrees(ctx, under, level); err != nil {
			return nil, err
		}
		for i := range tracks {
			tracks[i].step(c.repo.store(), level)
		}
	}
	for _, t := range tracks {
		if len(t.ids) < min(2, len(c.commits)) {
			return nil, wire.Fail(wire.ErrUnsupported, "the server cannot leave files out of its answers: to read the last %d commits would be over %d MiB", len(c.commits), logBudget>>20).
				WithHint("run it in a clone, with --repo DIR")
		}
	}
	return tracks, nil
}

// step goes from the folders at a level to the entries in them. It ends the track at the
// first commit whose tree did not come.
func (t *track) step(s *object.Store, level int) {
	if level >= len(t.names) {
		return
	}
	name, last := t.names[level], level == len(t.names)-1
	above := folder{}
	for i, id := range t.ids {
		if id.IsZero() {
			above = folder{}
			continue
		}
		here := folder{id: id, entries: above.entries}
		if id != above.id {
			var err error
			if here.entries, err = s.Tree(id); err != nil {
				t.ids = t.ids[:i]
				return
			}
		}
		here.entry, here.has = entryOf(here.entries, name)
		if !here.has && above.has {
			if here.entry, here.has = here.before(above); here.has {
				name = here.entry.Name
			}
		}
		t.ids[i] = plumbing.ZeroHash
		if here.has && (last || here.entry.Mode.IsDir()) {
			t.ids[i] = here.entry.ID
		}
		above = here
	}
}

// A folder is the tree of a folder in one commit, and the entry that a track follows.
type folder struct {
	id      plumbing.Hash
	entries []object.Entry
	entry   object.Entry
	has     bool
}

// before returns the entry that the commit above renamed: the same content under a name
// that the commit above has not.
func (f folder) before(above folder) (object.Entry, bool) {
	for _, e := range f.entries {
		if _, kept := entryOf(above.entries, e.Name); e.ID == above.entry.ID && !kept {
			return e, true
		}
	}
	return object.Entry{}, false
}

const (
	// maxWants is how many trees one request asks for.
	maxWants = 4096
	// smallFolder is the most entries of a folder that is read with all that is in it, to
	// save round trips, and smallBudget what that may cost in bytes.
	smallFolder, smallBudget = 16, 64 << 10
)

// fetchTrees asks for the trees that are missing at a level. What does not come shows
// when the tree is read.
func (c chain) fetchTrees(ctx context.Context, tracks []track, level int) error {
	missing := c.repo.missing(tracks)
	if depth, worth := c.lookBelow(tracks, level, len(missing)); worth {
		req := wire.Request{Wants: missing, Filter: fmt.Sprintf("tree:%d", depth), Budget: smallBudget}
		if err := c.repo.fetchPast(ctx, req); err != nil {
			return err
		}
		missing = c.repo.missing(tracks)
	}
	for chunk := range slices.Chunk(missing, maxWants) {
		if err := c.repo.fetchPast(ctx, wire.Request{Wants: chunk, Filter: onlyCommits, Budget: logBudget}); err != nil {
			return err
		}
	}
	return nil
}

// lookBelow reports whether the content of the missing folders at a level may come along,
// and how many levels that are: when it is one folder, or when the latest commit, whose
// trees are here as a rule, shows that the folders are small.
func (c chain) lookBelow(tracks []track, level, missing int) (depth int, worth bool) {
	for _, t := range tracks {
		depth = max(depth, len(t.names)-level+1)
	}
	if missing <= 1 || level == 0 || missing > maxWants {
		return depth, missing == 1 && level > 0
	}
	for _, t := range tracks {
		if len(t.ids) == 0 {
			return depth, false
		}
		entries, err := c.repo.store().Tree(t.ids[0])
		if err != nil || len(entries) > smallFolder {
			return depth, false
		}
	}
	return depth, true
}

// missing returns the objects that tracks are at and that are not here, each once.
func (r *Repo) missing(tracks []track) []plumbing.Hash {
	var ids []plumbing.Hash
	seen := map[plumbing.Hash]bool{plumbing.ZeroHash: true}
	for _, t := range tracks {
		for _, id := range t.ids {
			if !seen[id] && !r.store().Has(id) {
				ids = append(ids, id)
			}
			seen[id] = true
		}
	}
	return ids
}

// fetchFiles asks for the files that tracks have come to.
func (r *Repo) fetchFiles(ctx context.Context, tracks []track) error {
	missing := slices.DeleteFunc(r.missing(tracks), func(id plumbing.Hash) bool { return r.store().Knows(id) })
	for chunk := range slices.Chunk(missing, maxWants) {
		if err := r.fetchPast(ctx, wire.Request{Wants: chunk, Budget: logBudget}); err != nil {
			return err
		}
	}
	return nil
}

// fetchPast sends a request. It is no error that not everything comes: a server that
// declines the filter sends all that is below the trees, up to the budget.
func (r *Repo) fetchPast(ctx context.Context, req wire.Request) error {
	if req.Filter != "" && r.picker.SendsAll() {
		req = r.unfiltered(req)
	}
	err := r.remote.Fetch(ctx, req, r.store())
	if errors.Is(err, wire.ErrDeclined) && req.Filter != "" {
		err = r.remote.Fetch(ctx, r.unfiltered(req), r.store())
	}
	switch {
	case errors.Is(err, wire.ErrBudget), errors.Is(err, wire.ErrEnough), errors.Is(err, wire.ErrDeclined):
		return nil
	}
	return err
}

// unfiltered is a request of a server that cannot leave anything out. It ends when what
// is wanted has come.
func (r *Repo) unfiltered(req wire.Request) wire.Request {
	left := len(req.Wants)
	wanted := make(map[plumbing.Hash]bool, left)
	for _, id := range req.Wants {
		wanted[id] = true
	}
	req.Filter, req.Budget = "", logBudget
	req.Enough = func(id plumbing.Hash) bool {
		if wanted[id] {
			delete(wanted, id)
			left--
		}
		return left == 0
	}
	return req
}
