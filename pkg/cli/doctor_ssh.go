package cli

import (
	"context"
	"fmt"
)

// checkSSH looks at both keys of a repository that is reached over ssh: the server's, and
// the one that it takes. There are no findings for others.
func (r *reading) checkSSH(ctx context.Context) []finding {
	found, isSSH := r.repo.SSHAccess(ctx)
	if !isSSH {
		return nil
	}
	host := finding{what: "ssh host key: " + found.Server, note: fmt.Sprintf("%s, known by %s", found.HostKey, found.TrustedBy), err: found.HostErr}
	key := finding{what: "ssh key", note: fmt.Sprintf("%s lets %q in", found.Server, found.User), credential: found.Key, err: found.KeyErr}
	if found.HostErr != nil {
		key = finding{what: "ssh key", skipped: "no key is offered to this server"}
	}
	return []finding{host, key}
}
