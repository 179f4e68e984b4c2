package giturl

import (
	"slices"
	"strings"
)

// SameRepository reports whether two addresses name one repository, as forges
// compare: whatever the scheme, the user, the port of ssh, the case and a final
// .git are. Of Azure DevOps, where the paths of ssh and https differ, both are known.
// An address that is not one names only itself.
//
// Two HTTP servers on one host are told apart by their ports.
func SameRepository(one, other string) bool {
	a, err := Parse(one)
	b, otherErr := Parse(other)
	if err != nil || otherErr != nil {
		return one == other
	}
	if a.IsHTTP() && b.IsHTTP() && a.port() != b.port() && a.Scheme == b.Scheme {
		return false
	}
	return a.comparedHost() == b.comparedHost() && strings.EqualFold(strings.Join(a.named(), "/"), strings.Join(b.named(), "/"))
}

// port returns the port that an HTTP address means.
func (a Address) port() string {
	switch {
	case a.Port != "":
		return a.Port
	case a.Scheme == HTTP:
		return "80"
	}
	return "443"
}

// azure is the host of Azure DevOps, which has another one for ssh.
const azure = "dev.azure.com"

func (a Address) comparedHost() string {
	if a.Host == "ssh."+azure {
		return azure
	}
	return a.ForgeHost()
}

// named returns the parts of the path that name the repository.
func (a Address) named() []string {
	parts := a.parts()
	if a.comparedHost() != azure {
		return parts
	}
	if parts[0] == "v3" { // git@ssh.dev.azure.com:v3/ORGANIZATION/PROJECT/NAME
		return parts[1:]
	}
	return slices.DeleteFunc(parts, func(part string) bool { return part == "_git" })
}
