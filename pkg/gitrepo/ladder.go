package gitrepo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/tagbump/tagbump/pkg/files"
)

// A rung is a way to ask for what is missing. The first costs the fewest round
// trips; each of the others asks less of the server, and moves more bytes.
type rung int

const (
	look     rung = iota // trees in advance, two levels a request
	sweep                // all trees and small files, if they are few
	branch               // trees one by one to the second level, and below it all as in sweep
	step                 // trees one by one, as they are needed
	blobless             // every tree and no file, then the files
	stream               // everything, hung up on once the trees are here; then the files
	whole                // everything, hung up on once the files are here
	full                 // the same with all history, for servers without shallow clones
)

func (r rung) String() string {
	return [...]string{"look", "sweep", "branch", "step", "blobless", "stream", "whole", "full"}[r]
}

const (
	lookBudget = 1 << 20   // bytes of pack that taking more than is needed may cost
	haveBudget = 4 << 20   // of what is new since the last tip
	packBudget = 512 << 20 // of everything else
	// maxFiles and maxBytes bound what one Read returns.
	maxFiles = 50_000
	maxBytes = 64 << 20
	// maxWants bounds a request.
	maxWants = 4096
	// smallFile is what a file may have to come along with the trees.
	smallFile = "blob:limit=32k"
)

// collect asks for missing objects until the wanted files are here.
func (r *Repo) collect(ctx context.Context, tip plumbing.Hash, want files.Selection) ([]files.File, error) {
	if err := r.catchUp(ctx, tip); err != nil {
		return nil, err
	}
	w := newWalk(r.store, want, tip)
	for {
		if err := errors.Join(w.advance(), w.checkSize()); err != nil {
			return nil, err
		}
		missing := w.first()
		if missing.IsZero() {
			r.base = tip
			return w.files, w.checkLiterals()
		}
		before := r.store.count()
		if err := r.ask(ctx, w); err != nil {
			return nil, err
		}
		if r.store.count() > before || w.askSingly() {
			continue
		}
		if err := r.lower(ctx, fmt.Errorf("the server did not send object %s", missing)); err != nil {
			return nil, err
		}
	}
}

func (w *walk) checkSize() error {
	count := len(w.files) + len(w.blobs.at)
	if count <= maxFiles && w.bytes <= maxBytes {
		return nil
	}
	return fail(ErrUnsupported, "%d files with %d MiB match, and %d files with %d MiB are the most", count, w.bytes>>20, maxFiles, maxBytes>>20).withHint("name the files that are to be read: --file")
}

// catchUp asks for what a new tip has that the last one had not: after a lost
// race that is one request for everything. It is worth a try, and no more.
func (r *Repo) catchUp(ctx context.Context, tip plumbing.Hash) error {
	if r.base.IsZero() || r.base == tip || r.rung > step || r.store.has(tip) {
		return nil
	}
	req := fetchRequest{
		wants:  []plumbing.Hash{tip},
		haves:  []plumbing.Hash{r.base},
		depth:  historyDepth,
		filter: "blob:limit=64k",
		budget: haveBudget,
	}
	err := r.fetch(ctx, req)
	if errors.Is(err, errDeclined) || errors.Is(err, errBudget) {
		r.base = plumbing.ZeroHash
		return nil
	}
	return err
}

// ask sends one request for what the walk misses, and climbs down when the server
// does not take it.
func (r *Repo) ask(ctx context.Context, w *walk) error {
	for {
		at := r.rung
		req := at.request(w)
		r.tell(w, at)
		err := r.fetch(ctx, req)
		switch {
		case err == nil || errors.Is(err, errEnough):
			return nil
		case errors.Is(err, errBudget) && at < step:
			r.rung = next(at) // what came is kept
			return nil
		case errors.Is(err, errBudget):
			return fail(ErrUnsupported, "the server sends over %d MiB to have a few files read", packBudget>>20)
		case !errors.Is(err, errDeclined):
			return err
		}
		if err := r.lower(ctx, err); err != nil {
			return err
		}
	}
}

// next is the rung after a budget was hit: a server that lets itself be asked for
// a few levels is asked for single trees, without another try at all of them.
func next(at rung) rung {
	if at == sweep {
		return branch
	}
	return step
}

// tell reports what may take long.
func (r *Repo) tell(w *walk, at rung) {
	switch {
	case at >= stream && !w.hasTrees():
		r.progress("%s: the server cannot leave anything out; reading until the files have come", r.addr)
	case w.hasTrees() && len(w.blobs.at) > 200:
		r.progress("%s: reading %d files", r.addr, len(w.blobs.at))
	}
}

// lower goes to the next rung that the server can take, or returns cause.
func (r *Repo) lower(ctx context.Context, cause error) error {
	var said serverError
	switch {
	case r.rung == full:
		return because(ErrUnavailable, cause, "")
	case r.rung < blobless && errors.As(cause, &said):
		r.rung++ // it knows filters, and not this one
		return nil
	}
	caps, err := r.remote.capabilities(ctx)
	if err != nil {
		return err
	}
	r.rung++
	if !caps.filter {
		r.rung = max(r.rung, stream)
	}
	if !caps.shallow {
		r.rung = full
	}
	return nil
}

// request asks for what w misses in the rung's way.
func (at rung) request(w *walk) fetchRequest {
	tip := fetchRequest{wants: []plumbing.Hash{w.tip}, depth: 1, budget: packBudget}
	switch {
	case at < whole && w.hasTrees():
		return fetchRequest{wants: w.some(w.blobs.ids()), budget: packBudget}
	case at < blobless && at != sweep && !w.root:
		return at.trees(w)
	case at == look:
		tip.filter, tip.budget = ahead(w.want.Depth("."), 2), lookBudget
	case at == sweep:
		tip.filter, tip.budget = smallFile, lookBudget
	case at == branch, at == step:
		tip.filter = "tree:0"
	case at == blobless:
		tip.filter = "blob:none"
	case at == stream:
		tip.enough = w.until(w.hasTrees)
	case at == full:
		tip.depth = 0
		fallthrough
	default:
		tip.enough = w.until(func() bool { return w.hasTrees() && len(w.blobs.at) == 0 })
	}
	return tip
}

// trees asks for directories by their ids.
func (at rung) trees(w *walk) fetchRequest {
	ids, reach := w.treeIDs()
	req := fetchRequest{wants: w.some(ids), budget: packBudget}
	switch {
	case at == look:
		req.filter, req.budget = ahead(reach, 1), lookBudget
	case at == branch && w.below(2, ids):
		req.filter, req.budget = smallFile, lookBudget
	case reach >= files.AnyDepth:
		req.filter = "blob:none"
	default:
		req.filter = "tree:0"
	}
	return req
}

// below reports whether all the missing trees are so many levels below the root.
func (w *walk) below(levels int, trees []plumbing.Hash) bool {
	for _, id := range trees {
		for _, dir := range w.trees.at[id] {
			if dir == "" || strings.Count(dir, "/")+1 < levels {
				return false
			}
		}
	}
	return true
}

// ahead is the filter that brings a directory and what will be asked for next:
// its subdirectories, and the files when they are two levels down. Deeper trees
// would bring the files of every neighbour along.
func ahead(reach, levels int) string {
	switch {
	case reach >= files.AnyDepth:
		return smallFile
	case reach == 2:
		levels = 2
	}
	return fmt.Sprintf("tree:%d", levels)
}

// some is what one request asks for.
func (w *walk) some(ids []plumbing.Hash) []plumbing.Hash {
	if w.singly {
		return ids[:1]
	}
	return ids[:min(len(ids), maxWants)]
}

// askSingly goes over to one object a request, once: of a single file that is too
// big the size shows, and with it its name.
func (w *walk) askSingly() bool {
	if w.singly || !w.hasTrees() {
		return false
	}
	w.singly = true
	return true
}

// until walks on with what arrives, and is true once enough has come or the walk
// has come to an error.
func (w *walk) until(enough func() bool) func(plumbing.Hash) bool {
	return func(id plumbing.Hash) bool {
		w.arrived(id)
		return w.err != nil || enough()
	}
}
