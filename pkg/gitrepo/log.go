package gitrepo

import (
	"bytes"
	"context"
	"errors"

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
	// Merged has the messages of the commits that a merge brought in, the newest first, as
	// far as they were read. It is empty for other commits.
	Merged []string
}

const (
	// logBudget is the most bytes of pack that a look into the past may cost. A commit is
	// some hundred bytes; a server without filters sends trees and files behind the commits.
	logBudget = 8 << 20
	// shortLog and longLog are how many commits are searched for those that changed a
	// file: the second number only when the first was not enough.
	shortLog, longLog = 256, 4096
	// maxMerged is how many commits of a merge are looked at.
	maxMerged = 50
)

// Log returns the latest commits up to a revision that changed one of files, the newest
// first; without files, all commits. Files are paths; a folder means every file below
// it. Of a merge only the first parent is followed, and a merge counts as a change when
// it differs from that parent.
//
// It returns at most most commits, among the latest 4,096: fewer where the history, or
// what the server sends of it, ends before. No file is read. Without files that is one
// request, or none where [Options.Recent] has brought them; with files one more for each
// level of folders above them.
func (r *Repo) Log(ctx context.Context, at Revision, files []string, most int) ([]CommitInfo, error) {
	tip, err := r.resolve(ctx, at)
	if err != nil {
		return nil, r.wrap(at.Branch, err)
	}
	if len(files) == 0 {
		c, err := r.chain(ctx, tip.Tip, most, onlyCommits)
		return c.commits, r.wrap(tip.Branch, err)
	}
	var changes []CommitInfo
	for _, n := range []int{shortLog, longLog} {
		var c chain
		if c, err = r.chain(ctx, tip.Tip, n, withRoots); err != nil {
			break
		}
		if changes, err = c.changes(ctx, files); err != nil || len(changes) >= most || !c.cut {
			break
		}
	}
	return changes[:min(most, len(changes))], r.wrap(tip.Branch, err)
}

// The filters with which commits are asked for.
const (
	onlyCommits = "tree:0"
	withRoots   = "tree:1" // and the tree of each
)

// A chain is commits in the order of first parents, the newest first.
type chain struct {
	repo    *Repo
	commits []CommitInfo
	roots   []plumbing.Hash // the commits' trees
	cut     bool            // the last commit has a parent that is not in the chain
}

// chain reads n commits up to tip, or fewer where they end. Commits that were read
// before are not asked for again.
func (r *Repo) chain(ctx context.Context, tip plumbing.Hash, n int, filter string) (chain, error) {
	c := chain{repo: r}
	merges := map[int][]plumbing.Hash{}
	id := tip
	for ; len(c.commits) < n && !id.IsZero(); id = r.parentOf(id) {
		if !r.store().Has(id) {
			err := r.fetchCommits(ctx, id, n-len(c.commits), filter)
			if errors.Is(err, wire.ErrDeclined) && len(c.commits) > 0 {
				err = nil // the server's own history ends here
			}
			if err != nil {
				return c, err
			}
			if !r.store().Has(id) {
				break
			}
		}
		info, root, parents, err := r.commitInfo(id)
		if err != nil {
			return c, err
		}
		if len(parents) > 1 {
			merges[len(c.commits)] = parents[1:]
		}
		c.commits, c.roots = append(c.commits, info), append(c.roots, root)
	}
	c.cut = !id.IsZero()
	r.addMerged(c.commits, merges)
	return c, nil
}

// parentOf returns the first parent of a commit, zero for the first of all.
func (r *Repo) parentOf(id plumbing.Hash) plumbing.Hash {
	if parents := r.store().Parents(id); len(parents) > 0 {
		return parents[0]
	}
	return plumbing.ZeroHash
}

// fetchCommits asks for n commits up to id, in less and less thrifty ways until the
// server takes one. A server that cannot leave anything out sends commits first, so it is
// hung up on when they are here.
func (r *Repo) fetchCommits(ctx context.Context, id plumbing.Hash, n int, filter string) error {
	base := wire.Request{Wants: []plumbing.Hash{id}, Depth: n, Filter: filter, Budget: logBudget}
	all := base
	all.Filter, all.Enough = "", r.hasChain(id, n)
	whole := all
	whole.Depth = 0
	requests := []wire.Request{base, all, whole}
	if r.picker.SendsAll() {
		requests = requests[1:]
	}
	var err error
	for _, req := range requests {
		err = r.remote.Fetch(ctx, req, r.store())
		if !errors.Is(err, wire.ErrDeclined) {
			break
		}
	}
	if errors.Is(err, wire.ErrBudget) || errors.Is(err, wire.ErrEnough) {
		return nil
	}
	return err
}

// hasChain returns a function that reports whether n commits up to id have arrived.
func (r *Repo) hasChain(id plumbing.Hash, n int) func(plumbing.Hash) bool {
	return func(plumbing.Hash) bool {
		for n > 0 && r.store().Has(id) {
			if id = r.parentOf(id); id.IsZero() {
				return true
			}
			n--
		}
		return n == 0
	}
}

// commitInfo takes a commit apart that was read.
func (r *Repo) commitInfo(id plumbing.Hash) (info CommitInfo, root plumbing.Hash, parents []plumbing.Hash, err error) {
	raw, err := r.store().Get(plumbing.CommitObject, id)
	if err != nil {
		return info, root, nil, err
	}
	var encoded plumbing.MemoryObject
	encoded.SetType(plumbing.CommitObject)
	_, _ = encoded.Write(raw.Data) // a MemoryObject takes everything
	var c gitobject.Commit
	if err := c.Decode(&encoded); err != nil {
		return info, root, nil, err
	}
	_, message, _ := bytes.Cut(raw.Data, []byte("\n\n"))
	info = CommitInfo{Hash: id.String(), Author: Signature(c.Author), Committer: Signature(c.Committer), Message: string(message)}
	return info, c.TreeHash, c.ParentHashes, nil
}

// addMerged fills in what merges brought in: the commits above their other parents that
// the chain does not have.
func (r *Repo) addMerged(commits []CommitInfo, merges map[int][]plumbing.Hash) {
	if len(merges) == 0 {
		return
	}
	inChain := make(map[string]bool, len(commits))
	for _, c := range commits {
		inChain[c.Hash] = true
	}
	for i, parents := range merges {
		for _, id := range parents {
			for n := 0; n < maxMerged && !id.IsZero() && !inChain[id.String()] && r.store().Has(id); n++ {
				info, _, _, err := r.commitInfo(id)
				if err != nil {
					break
				}
				commits[i].Merged = append(commits[i].Merged, info.Message)
				id = r.parentOf(id)
			}
		}
	}
}

// lookAhead sends for the latest commits, beside the requests of a Read, when the options
// say so. Only the first Read does: later ones find most of them here.
func (r *Repo) lookAhead(ctx context.Context, tip plumbing.Hash) (wait func()) {
	if r.options.Recent <= 0 || r.lookedAhead {
		return func() {}
	}
	r.lookedAhead = true
	req := wire.Request{Wants: []plumbing.Hash{tip}, Depth: r.options.Recent, Filter: onlyCommits, Budget: logBudget}
	s := object.NewStore() // the other requests fill the usual one meanwhile
	arrived := r.remote.Beside(ctx, req, s)
	return func() {
		arrived()
		_ = r.store().Merge(s) // what has no room is asked for when it is needed
	}
}

// changes returns the commits in which one of files differs from the commit before. The
// last one counts only when it is the first of all, because its parent is not known.
func (c chain) changes(ctx context.Context, files []string) ([]CommitInfo, error) {
	tracks, err := c.descend(ctx, files)
	if err != nil {
		return nil, err
	}
	var changed []CommitInfo
	for i, info := range c.commits {
		for _, t := range tracks {
			if differs, known := t.differs(i, c); differs && known {
				changed = append(changed, info)
				break
			}
		}
	}
	return changed, nil
}

// differs reports whether what a track follows differs between commit i and the one
// below, and whether that is known.
func (t track) differs(i int, c chain) (differs, known bool) {
	before := plumbing.ZeroHash // in front of the first commit there is no file
	switch {
	case i >= len(t.ids), i == len(t.ids)-1 && c.endsEarly(t):
		return false, false
	case i < len(t.ids)-1:
		before = t.ids[i+1]
	}
	return t.ids[i] != before, true
}

func entryOf(entries []object.Entry, name string) (object.Entry, bool) {
	for _, e := range entries {
		if e.Name == name {
			return e, true
		}
	}
	return object.Entry{}, false
}
