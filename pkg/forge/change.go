package forge

import (
	"slices"
	"sort"
	"time"

	"github.com/tagbump/tagbump/pkg/fault"
)

// A Change is a commit that a forge is asked to make by its API, without a git
// connection.
type Change struct {
	Branch  string            // the branch to move, which is made when Old is ""
	Old     string            // the commit that Branch must be at; "" when there must be no such branch
	Parent  string            // the commit that the new one is on top of
	Files   map[string][]byte // whole new contents, by path; all of them exist in Parent
	Message string

	// Author is "NAME <EMAIL>"; "" is the token's own user. Only GitLab takes one:
	// GitHub signs the commits of its API, and so makes them the token's.
	Author string
}

// A LogEntry is one commit of a branch's history.
type LogEntry struct {
	Hash    string
	Author  string // "Ada <ada@acme.example>"
	When    time.Time
	Message string
}

// LogOfEach joins the logs of the named files, which logOf returns one by one; without
// names it is the log of "", all files. It returns the newest entries, at most most, each
// commit once.
func LogOfEach(names []string, most int, logOf func(name string) ([]LogEntry, error)) ([]LogEntry, error) {
	if len(names) == 0 {
		names = []string{""}
	}
	var all []LogEntry
	for _, name := range names {
		entries, err := logOf(name)
		if err != nil {
			return nil, err
		}
		all = append(all, entries...)
	}
	return newestFirst(all, most), nil
}

// newestFirst returns the newest of entries, at most most, each commit once. Commits of
// the same time keep their order.
func newestFirst(entries []LogEntry, most int) []LogEntry {
	sort.SliceStable(entries, func(i, j int) bool { return entries[i].When.After(entries[j].When) })
	seen := map[string]bool{}
	entries = slices.DeleteFunc(entries, func(e LogEntry) bool { was := seen[e.Hash]; seen[e.Hash] = true; return was })
	return entries[:min(most, len(entries))]
}

// Errors of commits.
var (
	// ErrMoved says that a branch is at another commit than the one that was expected.
	ErrMoved = fault.New(fault.Refused, "the branch has moved")

	// ErrRefused says that the branch's rules forbid the commit.
	ErrRefused = fault.New(fault.Refused, "the branch does not take the commit")
)
