package gitrepo

import (
	"bytes"
	"context"
	"errors"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/tagbump/tagbump/pkg/files"
)

// A LogEntry is one commit of a branch.
type LogEntry struct {
	Hash    string // 40 hex digits
	Message string
}

// logBudget is the most bytes of pack that a log may cost. A commit is some
// hundred bytes; a server without filters sends files behind the commits.
const logBudget = 4 << 20

// Log returns the latest commits up to t's tip, first parents only, the newest
// first: n of them, or fewer where the history or the budget ends. It costs one
// request and reads no file.
func (r *Repo) Log(ctx context.Context, t *files.Tree, n int) ([]LogEntry, error) {
	history, tip := newStore(), plumbing.NewHash(t.Tip())
	req := fetchRequest{wants: []plumbing.Hash{tip}, depth: n, filter: "tree:0", budget: logBudget}
	err := r.remote.fetch(ctx, req, history)
	if errors.Is(err, errDeclined) {
		req.filter = ""
		err = r.remote.fetch(ctx, req, history)
	}
	if err != nil && !errors.Is(err, errBudget) {
		return nil, r.wrap(t.Branch(), err)
	}
	var entries []LogEntry
	for id := tip; len(entries) < n && history.has(id); {
		commit, err := history.get(plumbing.CommitObject, id)
		if err != nil {
			return nil, r.wrap(t.Branch(), err)
		}
		_, message, _ := bytes.Cut(commit.data, []byte("\n\n"))
		entries = append(entries, LogEntry{id.String(), string(message)})
		parents := parentsOf(history, id)
		if len(parents) == 0 {
			break
		}
		id = parents[0]
	}
	return entries, nil
}
