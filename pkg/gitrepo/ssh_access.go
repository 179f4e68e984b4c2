package gitrepo

import (
	"context"

	"github.com/tagbump/tagbump/pkg/gitrepo/internal/wire"
)

// An SSHAccess says by which keys an ssh server and this side know each other.
type SSHAccess = wire.Access

// SSHAccess connects to the server once more and says by which keys it and this side
// know each other. It is false for a repository that is not reached over ssh.
func (r *Repo) SSHAccess(ctx context.Context) (SSHAccess, bool) {
	accessor, ok := r.remote.Remote.(wire.Accessor)
	if !ok {
		return SSHAccess{}, false
	}
	found := accessor.Access(ctx)
	if found.HostErr != nil {
		found.HostErr = r.wrap("", found.HostErr)
	}
	if found.KeyErr != nil {
		found.KeyErr = r.wrap("", found.KeyErr)
	}
	return found, true
}
