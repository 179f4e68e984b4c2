// Package pick reads a few files out of a large repository with few requests.
//
// A [Picker] walks from a commit to the selected files. Objects that the walk misses are
// asked for in the way of a rung of a ladder: the first rung asks for trees in advance,
// the last reads everything until the files have come. When a server declines, or sends
// more than the speculation is worth, the Picker goes down the ladder, and stays there for
// the next read.
//
// The trap to know: a server may believe that the client has everything below a commit
// that it named as its own. After a revert that is not true of objects that were never
// asked for, so a walk asks again for what is missing after every answer.
package pick

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/gitrepo/internal/object"
	"github.com/tagbump/tagbump/pkg/gitrepo/internal/wire"
)

// A Server is what a Picker needs of a remote repository.
type Server interface {
	Capabilities(ctx context.Context) (wire.Capabilities, error)
	Fetch(ctx context.Context, req wire.Request, s *object.Store) error
}

// A Picker reads files from one repository. What it has read is kept in Store, so a
// second read of a branch that moved costs only what changed.
type Picker struct {
	Server Server
	Store  *object.Store
	Log    func(format string, args ...any) // is told of what takes long

	rung  int           // index in ladder
	base  plumbing.Hash // the last commit that was read whole
	slow  bool          // Log was told that the server cannot leave anything out
	shown int           // the number of files that Log was told of
}

// Rung returns the name of the way in which the server is asked.
func (p *Picker) Rung() string { return ladder[p.rung].name }

// SendsAll reports whether the server cannot leave objects out of an answer.
func (p *Picker) SendsAll() bool { return ladder[p.rung].needs != filters }

// Files returns the selected files of the commit tip. A required file that is missing is
// files.ErrMissing.
func (p *Picker) Files(ctx context.Context, tip plumbing.Hash, want files.Selection) ([]files.File, error) {
	if err := p.catchUp(ctx, tip); err != nil {
		return nil, err
	}
	w := newWalk(p.Store, want, tip)
	for {
		if err := w.resumeAll(); err != nil {
			return nil, err
		}
		missing := w.firstMissing()
		if missing.IsZero() {
			p.base = tip
			return w.files, w.checkRequired()
		}
		before := p.Store.Count()
		if err := p.ask(ctx, w); err != nil {
			return nil, err
		}
		if p.Store.Count() > before || w.askSingly() {
			continue
		}
		if err := p.lower(ctx, fmt.Errorf("the server did not send object %s", missing)); err != nil {
			return nil, err
		}
	}
}

// FilesBeside is Files for a commit that may be older than the last one, or have nothing
// to do with it: one request, as a rule, for what differs between the two. The last one
// stays the one that Files goes on from.
func (p *Picker) FilesBeside(ctx context.Context, commit plumbing.Hash, want files.Selection) ([]files.File, error) {
	last := p.base
	if last.IsZero() || last == commit {
		return p.Files(ctx, commit, want)
	}
	defer func() { p.base = last }()
	if !p.SendsAll() && !p.Store.Has(commit) {
		// Whatever goes wrong, the walk asks for what has not come.
		_ = p.Server.Fetch(ctx, wire.Request{
			Wants:  []plumbing.Hash{commit},
			Base:   last,
			Depth:  1,
			Filter: smallFiles,
			Budget: besideBudget,
		}, p.Store)
	}
	p.base = plumbing.ZeroHash
	return p.Files(ctx, commit, want)
}

// besideBudget is the most bytes of pack that the difference of two commits may cost.
const besideBudget = 128 << 10

// catchUp asks for what a new tip has that the last one had not: after a lost race that
// is one request for everything. Where it does not work, the walk asks as usual.
//
// The depth bounds what a server sends that does not know the last tip any more, after a
// force push. A depth of 1 would make it send everything.
func (p *Picker) catchUp(ctx context.Context, tip plumbing.Hash) error {
	if p.base.IsZero() || p.base == tip || p.SendsAll() || p.Store.Has(tip) {
		return nil
	}
	err := p.Server.Fetch(ctx, wire.Request{
		Wants:  []plumbing.Hash{tip},
		Haves:  []plumbing.Hash{p.base},
		Depth:  catchUpDepth,
		Filter: "blob:limit=64k",
		Budget: haveBudget,
	}, p.Store)
	if errors.Is(err, wire.ErrDeclined) || errors.Is(err, wire.ErrBudget) {
		p.base = plumbing.ZeroHash
		return nil
	}
	return err
}

const catchUpDepth = 100

// ask sends one request for what the walk misses, and goes down the ladder until the
// server takes it.
func (p *Picker) ask(ctx context.Context, w *walk) error {
	for {
		rung := ladder[p.rung]
		req := rung.request(w)
		p.tell(w, &req)
		err := p.Server.Fetch(ctx, req, p.Store)
		switch {
		case err == nil || errors.Is(err, wire.ErrEnough):
			return nil
		case errors.Is(err, wire.ErrBudget) && rung.thrifty != "":
			p.rung = rungNamed(rung.thrifty) // what came is kept
			return nil
		case errors.Is(err, wire.ErrBudget):
			return wire.Fail(wire.ErrUnsupported, "the server sends over %d MiB to have a few files read", packBudget>>20)
		case !errors.Is(err, wire.ErrDeclined):
			return err
		}
		if err := p.lower(ctx, err); err != nil {
			return err
		}
	}
}

// lower goes to the next rung that the server can take, or returns cause. A server that
// names what it declines knows filters, and only not this one.
func (p *Picker) lower(ctx context.Context, cause error) error {
	if p.rung == len(ladder)-1 {
		return wire.Because(wire.ErrUnavailable, cause, "")
	}
	if wire.IsReasoned(cause) && ladder[p.rung+1].needs == filters {
		p.rung++
		return nil
	}
	caps, err := p.Server.Capabilities(ctx)
	if err != nil {
		return err
	}
	for p.rung++; !ladder[p.rung].suits(caps); {
		p.rung++
	}
	return nil
}

// suits reports whether a server can do what the rung needs.
func (r rung) suits(caps wire.Capabilities) bool {
	switch r.needs {
	case filters:
		return caps.Filter && caps.Shallow
	case shallow:
		return caps.Shallow
	}
	return true
}

// manyFiles and manyBytes are from where on reading is worth a line in the log.
const (
	manyFiles = 200
	manyBytes = 1 << 20
)

// tell reports what takes long.
func (p *Picker) tell(w *walk, req *wire.Request) {
	if count := len(w.blobs.places); w.hasTrees() && count > manyFiles && p.shown != count {
		p.shown = count
		p.Log("reading %d files", count)
	}
	enough := req.Enough
	if enough == nil || p.slow {
		return
	}
	req.Enough = func(id plumbing.Hash) bool {
		if !p.slow && p.Store.Used() > manyBytes {
			p.slow = true
			p.Log("the server cannot leave anything out; reading until the files have come")
		}
		return enough(id)
	}
}
