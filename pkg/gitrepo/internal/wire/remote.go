package wire

import (
	"context"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/tagbump/tagbump/pkg/gitrepo/internal/object"
)

// A Remote is a way to reach a repository. It is not for several goroutines at once.
type Remote interface {
	// Refs returns a branch and its tip; branch "" is the one that HEAD names.
	Refs(ctx context.Context, branch string) (Ref, error)
	// Branches returns the names of the branches that begin with prefix, in no order.
	Branches(ctx context.Context, prefix string) ([]string, error)
	// Capabilities returns what the server can do. It may have to ask.
	Capabilities(ctx context.Context) (Capabilities, error)
	// Fetch brings what req wants into s. An error leaves in s what came before it.
	Fetch(ctx context.Context, req Request, s *object.Store) error
	// Beside is a Fetch that is on its way together with those that follow, so that it
	// costs no round trip. It may bring less than req wants, and tells no error. Nobody
	// may use s until wait returns.
	Beside(ctx context.Context, req Request, s *object.Store) (wait func())
	// Push sends objects and moves a branch, if its tip is still u.Old. On success it
	// returns what the server said beside its report, such as the link with which a
	// merge request can be opened.
	Push(ctx context.Context, u Update) (remark string, err error)
	// Close ends the connection.
	Close() error
}

// A Ref is a branch and its tip.
type Ref struct {
	Branch string        // without "refs/heads/"
	Tip    plumbing.Hash // zero when there is no such branch
}

// Capabilities are what a server says that it can do.
type Capabilities struct {
	Filter  bool // it can leave objects out
	Shallow bool // it can leave history out

	v0       bool // it speaks version 0 (or 1) only
	sideband bool // version 0; in version 2 there are always side bands
	multiACK bool // version 0; Azure DevOps refuses clients that do not ask for it
}

// assumed is what a server is taken for until it shows otherwise. That saves the request
// by which git asks first.
var assumed = Capabilities{Filter: true, Shallow: true, sideband: true}

// A Request names the objects that are wanted, and how little beside them.
type Request struct {
	Wants []plumbing.Hash
	Haves []plumbing.Hash // these need not be sent, nor their ancestors
	// Base is a commit whose files need not be sent, unlike those of its ancestors:
	// so a commit before Base costs only what differs. The answer's deltas may be built on
	// any of Base's objects, and whoever has not all of them may get an error behind
	// objects that are of use. Zero for none.
	Base   plumbing.Hash
	Depth  int    // of history; 0 when Wants has no commit, or for all of it
	Filter string // as in git's --filter; "" for none
	Budget int64  // end with ErrBudget after so many bytes of pack; 0: never
	// Enough is called with each object that has arrived, and ends the fetch with
	// ErrEnough when it returns true. Nil fetches everything.
	Enough func(plumbing.Hash) bool
}

// haves returns the commits that the server is told of.
func (req Request) haves() []plumbing.Hash {
	if req.Base.IsZero() {
		return req.Haves
	}
	return append(slices.Clone(req.Haves), req.Base)
}

// An Update moves a branch from Old to New, or makes it when Old is zero.
type Update struct {
	Branch   string
	Old, New plumbing.Hash
	Objects  []NewObject
}

// Whole returns u without deltas, and whether there were any.
func (u Update) Whole() (whole Update, hadDeltas bool) {
	objects := slices.Clone(u.Objects)
	for i := range objects {
		hadDeltas = hadDeltas || objects[i].delta != nil
		objects[i].delta = nil
	}
	u.Objects = objects
	return u, hadDeltas
}

func branchRef(branch string) string { return "refs/heads/" + branch }
