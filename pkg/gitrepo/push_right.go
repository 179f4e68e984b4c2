package gitrepo

import (
	"context"

	"github.com/tagbump/tagbump/pkg/gitrepo/internal/wire"
)

// MayPush asks the server whether it would let a push in, and pushes nothing. Rules
// for branches and hooks are not asked. A repository on this machine is not asked at
// all.
func (r *Repo) MayPush(ctx context.Context) error {
	prober, ok := r.remote.Remote.(wire.Prober)
	if !ok {
		return nil
	}
	if err := prober.MayPush(ctx); err != nil {
		return r.wrap("", err)
	}
	return nil
}
