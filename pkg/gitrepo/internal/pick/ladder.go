package pick

import (
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/gitrepo/internal/wire"
)

// A rung is a way to ask for missing objects. The first costs the fewest round trips;
// each of the others asks less of the server, and moves more bytes.
//
// When all trees are here, every rung but the last two asks for the missing files by
// their ids. A rung without trees never asks for a tree by its id, but for the commit
// again, with its own filter.
type rung struct {
	name  string
	needs need
	tip   func(w *walk) ask // what to ask for together with the commit
	trees func(w *walk) ask // how to ask for missing trees; nil: with the commit
	// stop ends the answer when it returns true; nil reads it to its end.
	stop func(w *walk) bool
	// withFiles reads the files from the same answer instead of asking for them.
	withFiles bool
	// history asks for all of it, because the server knows no shallow clones.
	history bool
	// thrifty is the rung to go on with when the answer is larger than its budget; the
	// zero value says that this rung is never given up for that.
	thrifty string
}

// A need is what a rung needs a server to be able to do.
type need int

const (
	nothing need = iota
	shallow      // it can leave history out
	filters      // it can leave objects out
)

// An ask is the filter and the budget of a request.
type ask struct {
	filter string
	budget int64
}

const (
	lookBudget = 1 << 20   // most bytes that a speculative fetch may cost
	haveBudget = 4 << 20   // most bytes for what is new since the last tip
	packBudget = 512 << 20 // most bytes of any other pack
	maxWants   = 4096      // most ids in one request

	// smallFiles leaves out the files that are too large to come along with the trees.
	smallFiles = "blob:limit=32k"
)

// ladder is the table of rungs, from the best server to the worst.
//
//   - look reads two levels of trees in advance with each request: 4 to 6 requests and
//     64 kB where a clone of one commit costs 66 MB (20,013 files). A third level would
//     bring the files of every neighbour along.
//   - sweep is for servers that refuse filters by depth: all trees and all small files in
//     one request, if that is cheap.
//   - branch takes over where sweep was not cheap: trees one by one down to the second
//     level, and everything below them as sweep does.
//   - step asks for trees one by one. It is also what look ends in after its budget was
//     hit once: beside large files, trying again cost 3.3 s and 2.2 MB, stepping 0.5 s and
//     3.5 kB.
//   - blobless is for servers that refuse filters for trees.
//   - stream, whole and full are for servers without filters. Git sends commits first,
//     then trees, then files, so the connection is closed as soon as enough is here:
//     2 to 4 MB instead of 66.
var ladder = []rung{
	{name: "look", needs: filters, tip: lookAtTip, trees: lookAtTrees, thrifty: "step"},
	{name: "sweep", needs: filters, tip: cheaply(smallFiles), thrifty: "branch"},
	{name: "branch", needs: filters, tip: always("tree:0"), trees: branchTrees, thrifty: "step"},
	{name: "step", needs: filters, tip: always("tree:0"), trees: stepTrees},
	{name: "blobless", needs: filters, tip: always("blob:none")},
	{name: "stream", needs: shallow, tip: always(""), stop: (*walk).hasTrees},
	{name: "whole", needs: shallow, tip: always(""), stop: (*walk).hasAll, withFiles: true},
	{name: "full", needs: nothing, tip: always(""), stop: (*walk).hasAll, withFiles: true, history: true},
}

func rungNamed(name string) int {
	for i, r := range ladder {
		if r.name == name {
			return i
		}
	}
	panic("no rung is called " + name)
}

func always(filter string) func(*walk) ask {
	return func(*walk) ask { return ask{filter, packBudget} }
}

func cheaply(filter string) func(*walk) ask {
	return func(*walk) ask { return ask{filter, lookBudget} }
}

func lookAtTip(w *walk) ask { return ask{lookAhead(w.want.Depth("."), 2), lookBudget} }

func lookAtTrees(w *walk) ask {
	_, depth := w.missingTrees()
	return ask{lookAhead(depth, 1), lookBudget}
}

// lookAhead is the filter that brings a folder together with what will be asked for next:
// its subfolders, and the files when they are two levels down. The levels of a filter
// count from the object that is wanted: of a tree, its entries are at level 1.
func lookAhead(depth, levels int) string {
	switch {
	case depth >= files.AnyDepth:
		return smallFiles
	case depth == 2:
		levels = 2
	}
	return fmt.Sprintf("tree:%d", levels)
}

func branchTrees(w *walk) ask {
	if w.missingBelow(2) {
		return ask{smallFiles, lookBudget}
	}
	return stepTrees(w)
}

// missingBelow reports whether all missing trees are at least so many levels below the
// root.
func (w *walk) missingBelow(levels int) bool {
	ids, _ := w.missingTrees()
	for _, id := range ids {
		for _, dir := range w.trees.places[id] {
			if level(dir) < levels {
				return false
			}
		}
	}
	return true
}

func stepTrees(w *walk) ask {
	if _, depth := w.missingTrees(); depth >= files.AnyDepth {
		return ask{"blob:none", packBudget}
	}
	return ask{"tree:0", packBudget}
}

// request asks for what w misses, in the way of the rung.
func (r rung) request(w *walk) wire.Request {
	switch {
	case w.hasTrees() && !r.withFiles:
		return wire.Request{Wants: w.some(w.blobs.ids()), Budget: packBudget}
	case r.trees != nil && !w.needsTip:
		ids, _ := w.missingTrees()
		ask := r.trees(w)
		return wire.Request{Wants: w.some(ids), Filter: ask.filter, Budget: ask.budget}
	}
	ask := r.tip(w)
	req := wire.Request{Wants: []plumbing.Hash{w.tip}, Depth: 1, Filter: ask.filter, Budget: ask.budget}
	if r.history {
		req.Depth = 0
	}
	if r.stop != nil {
		req.Enough = func(id plumbing.Hash) bool {
			w.resume(id)
			return w.err != nil || r.stop(w)
		}
	}
	return req
}

// some limits ids to what one request may ask for.
func (w *walk) some(ids []plumbing.Hash) []plumbing.Hash {
	if w.singly {
		return ids[:1]
	}
	return ids[:min(len(ids), maxWants)]
}

// askSingly makes the following requests ask for one object each, once. Of a single file
// that is too large the server tells the size, and so its name can be told.
func (w *walk) askSingly() (changed bool) {
	if w.singly || !w.hasTrees() {
		return false
	}
	w.singly = true
	return true
}
