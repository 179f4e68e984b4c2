package github

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/redact"
)

// scpLike matches git's short form of ssh, user@host:path. A slash before the
// colon makes it a path, by git's rule, and one letter before it a Windows drive.
var scpLike = regexp.MustCompile(`^(?:[^@/:\s]+@)?[^@/:\s]{2,}:([^\s]+)$`)

// ParseURL returns the owner and the name of the repository that a git remote
// names, in the forms https://host/owner/repo, ssh://git@host:22/owner/repo and
// git@host:owner/repo, each with or without ".git". Anything else, a local path
// included, is forge.ErrInvalid.
func ParseURL(gitURL string) (owner, repo string, err error) {
	path, err := remotePath(gitURL)
	if err != nil {
		return "", "", refuseURL(gitURL, err)
	}
	names := strings.Split(strings.TrimSuffix(strings.Trim(path, "/"), ".git"), "/")
	if len(names) != 2 {
		return "", "", refuseURL(gitURL, fmt.Errorf("its path is not owner/repository"))
	}
	if err := checkNames(names...); err != nil {
		return "", "", refuseURL(gitURL, err)
	}
	return names[0], names[1], nil
}

func remotePath(gitURL string) (string, error) {
	if !strings.Contains(gitURL, "://") {
		match := scpLike.FindStringSubmatch(gitURL)
		if match == nil {
			return "", fmt.Errorf("not the URL of a remote repository")
		}
		return match[1], nil
	}
	u, err := url.Parse(gitURL)
	if err != nil {
		return "", fmt.Errorf("not a URL") // url.Parse's error quotes the whole of it
	}
	switch u.Scheme {
	case "https", "http", "ssh", "git", "git+ssh", "ssh+git":
	default:
		return "", fmt.Errorf("scheme %q has no forge behind it", u.Scheme)
	}
	if u.Host == "" {
		return "", fmt.Errorf("it names no host")
	}
	return u.Path, nil
}

func refuseURL(gitURL string, why error) error {
	return &failure{where: fmt.Sprintf("%q", redact.URL(gitURL)), why: why.Error(), kind: forge.ErrInvalid}
}
