package openssh

import (
	_ "embed" // for the keys of the large forges
	"slices"
	"strings"
)

// forgeKeys are the host keys that the large forges publish:
//
//   - https://docs.github.com/authentication/keeping-your-account-and-data-secure/githubs-ssh-key-fingerprints
//   - https://docs.gitlab.com/user/gitlab_com/#ssh-host-keys-fingerprints
//   - https://support.atlassian.com/bitbucket-cloud/docs/configure-ssh-and-two-step-verification/
//
// They are the ones that Argo CD 3.6.1 is shipped with (hack/ssh_known_hosts), without
// those for RSA.
//
//go:embed forges.txt
var forgeKeys string

// WithForges returns k and, if host is a large forge that no line of k names, the keys
// that it publishes. Files come first: who lists the host there pins it.
func (k *KnownHosts) WithForges(host, port string) *KnownHosts {
	name := hostPort(host, port)
	if slices.ContainsFunc(k.lines, func(l knownLine) bool { return l.marker != "revoked" && l.matches(name) }) {
		return k
	}
	built := &KnownHosts{}
	built.read("the built-in keys", strings.NewReader(forgeKeys))
	return &KnownHosts{Notes: k.Notes, lines: slices.Concat(k.lines, built.lines)}
}
