package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	gitobject "github.com/go-git/go-git/v5/plumbing/object"

	"github.com/tagbump/tagbump/pkg/gitrepo/internal/object"
	"github.com/tagbump/tagbump/pkg/gitrepo/internal/wire"
)

// CommitInfo is what a commit says about itself.
type CommitInfo struct {
	Hash              string // 40 hex digits
	Author, Committer Signature
	Message           string
}

const (
	// logBudget is the most bytes of pack that a log may cost. A commit is some hundred
	// bytes; a server without filters sends trees and files behind the commits.
	logBudget = 8 << 20
	// shortLog and longLog are how many commits are searched for those that changed a
	// file: the second number only when the first was not enough.
	shortLog, longLog = 256, 4096
	// maxWants is how many trees one request asks for.
	maxWants = 4096
)

// Log returns the latest commits up to a revision that changed one of files, the newest
// first; without files, all commits. Files are paths; a folder means every file below
// it. Of a merge only the first parent is followed, and a merge counts as a change when
// it differs from that parent.
//
// It returns at most most commits, among the latest 4,096: fewer where the history, or
// what the server sends of it, ends before. No file is read. Without files that is one
// request; with files one more for each level of folders above them.
func (r *Repo) Log(ctx context.Context, at Revision, files []string, most int) ([]CommitInfo, error) {
	tip, err := r.resolve(ctx, at)
	if err != nil {
		return nil, r.wrap(at.Branch, err)
	}
	if len(files) == 0 {
		h, err := r.history(ctx, tip.Tip, most)
		return h.commits[:min(most, len(h.commits))], r.wrap(tip.Branch, err)
	}
	h, err := r.history(ctx, tip.Tip, shortLog)
	changes := h.changes(ctx, files)
	if err == nil && len(changes) < most && h.cut {
		h, err = r.history(ctx, tip.Tip, longLog)
		changes = h.changes(ctx, files)
	}
	err = errors.Join(err, wire.Classify(ctx, ctx.Err()))
	return changes[:min(most, len(changes))], r.wrap(tip.Branch, err)
}

// A history is a chain of first parents, the newest commit first.
type history struct {
	repo    *Repo
	store   *object.Store
	commits []CommitInfo
	roots   []plumbing.Hash // the commits' trees
	cut     bool            // the last commit has a parent that was not read
}

// history reads n commits up to tip, or fewer where they end.
func (r *Repo) history(ctx context.Context, tip plumbing.Hash, n int) (history, error) {
	h := history{repo: r, store: object.NewStore()}
	req := wire.Request{Wants: []plumbing.Hash{tip}, Depth: n, Filter: "tree:0", Budget: logBudget}
	err := r.remote.Fetch(ctx, req, h.store)
	if errors.Is(err, wire.ErrDeclined) {
		req.Filter = ""
		err = r.remote.Fetch(ctx, req, h.store)
	}
	if err != nil && !errors.Is(err, wire.ErrBudget) {
		return h, err
	}
	for id := tip; len(h.commits) < n; {
		if !h.store.Has(id) {
			h.cut = true
			return h, nil
		}
		next, err := h.add(id)
		if err != nil || next.IsZero() {
			return h, err
		}
		id = next
	}
	h.cut = true
	return h, nil
}

// add appends a commit, and returns its first parent: zero for the first of all.
func (h *history) add(id plumbing.Hash) (plumbing.Hash, error) {
	raw, err := h.store.Get(plumbing.CommitObject, id)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	var encoded plumbing.MemoryObject
	encoded.SetType(plumbing.CommitObject)
	_, _ = encoded.Write(raw.Data) // a MemoryObject takes everything
	var c gitobject.Commit
	if err := c.Decode(&encoded); err != nil {
		return plumbing.ZeroHash, err
	}
	_, message, _ := bytes.Cut(raw.Data, []byte("\n\n"))
	h.commits = append(h.commits, CommitInfo{id.String(), Signature(c.Author), Signature(c.Committer), string(message)})
	h.roots = append(h.roots, c.TreeHash)
	if len(c.ParentHashes) == 0 {
		return plumbing.ZeroHash, nil
	}
	return c.ParentHashes[0], nil
}

// changes returns the commits in which one of files differs from the commit before. The
// last one counts only when it is the first of all, because its parent is not known.
func (h *history) changes(ctx context.Context, files []string) []CommitInfo {
	differs := make([]bool, len(h.commits))
	for _, file := range files {
		ids := h.idsOf(ctx, path.Clean(file))
		for i := range ids {
			before := plumbing.ZeroHash // in front of the first commit there is no file
			if i+1 < len(ids) {
				before = ids[i+1]
			} else if h.cut {
				break
			}
			differs[i] = differs[i] || ids[i] != before
		}
	}
	var changed []CommitInfo
	for i, c := range h.commits {
		if differs[i] {
			changed = append(changed, c)
		}
	}
	return changed
}

// idsOf returns the id that the file has in each commit, zero where it is missing. It
// goes down one folder at a time, in all commits at once: neighbours share most trees,
// so a level costs one request. It stops at the first commit whose trees do not come.
func (h *history) idsOf(ctx context.Context, file string) []plumbing.Hash {
	ids := slices.Clone(h.roots)
	names := strings.Split(file, "/")
	for level, name := range names {
		last := level == len(names)-1
		h.fetchTrees(ctx, ids)
		for i, id := range ids {
			if id.IsZero() {
				continue
			}
			entries, err := h.store.Tree(id)
			if err != nil {
				ids = ids[:i]
				h.cut = true
				break
			}
			ids[i] = plumbing.ZeroHash
			if e, found := entryOf(entries, name); found && (last || e.Mode.IsDir()) {
				ids[i] = e.ID
			}
		}
	}
	return ids
}

func entryOf(entries []object.Entry, name string) (object.Entry, bool) {
	i := slices.IndexFunc(entries, func(e object.Entry) bool { return e.Name == name })
	if i < 0 {
		return object.Entry{}, false
	}
	return entries[i], true
}

// fetchTrees asks for the trees that are missing. What does not come shows when the
// tree is read.
func (h *history) fetchTrees(ctx context.Context, ids []plumbing.Hash) {
	var wants []plumbing.Hash
	asked := map[plumbing.Hash]bool{}
	for _, id := range ids {
		if !id.IsZero() && !h.store.Has(id) && !asked[id] {
			asked[id] = true
			wants = append(wants, id)
		}
	}
	for chunk := range slices.Chunk(wants, maxWants) {
		_ = h.repo.remote.Fetch(ctx, wire.Request{Wants: chunk, Filter: "tree:0", Budget: logBudget}, h.store)
	}
}
