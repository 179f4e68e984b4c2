package github

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/giturl"
)

// ParseURL returns the owner and the name of the repository that a git remote names, in
// every form of address that giturl takes, with or without ".git". An address that
// cannot be a repository of GitHub, such as a local path, is forge.ErrInvalid.
func ParseURL(gitURL string) (owner, repo string, err error) {
	address, err := giturl.Parse(gitURL)
	if err != nil {
		return "", "", refuseAddress(giturl.Redact(gitURL), problemOf(err))
	}
	owner, repo = address.Owner(), address.Name()
	switch {
	case address.IsLocal():
		err = errors.New("is a path on this machine, not a repository of a forge")
	case owner == "" || strings.Contains(owner, "/"):
		err = errors.New("its path is not owner/repository")
	default:
		err = checkNames(owner, repo)
	}
	if err != nil {
		return "", "", refuseAddress(address.String(), err.Error())
	}
	return owner, repo, nil
}

func problemOf(err error) string {
	var invalid *giturl.Error
	if errors.As(err, &invalid) {
		return invalid.Why
	}
	return err.Error()
}

func refuseAddress(shown, why string) error {
	return &failure{where: fmt.Sprintf("%q", shown), why: why, kind: forge.ErrInvalid}
}
