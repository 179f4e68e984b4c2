package gitrepo

import (
	"fmt"

	"github.com/tagbump/tagbump/pkg/giturl"
)

// credentials are what http requests are signed with, and where they came from.
type credentials struct {
	username, password string
	source             string // for people: "the token", "the URL's password", "no credentials"
}

// tokenIn returns the token that addr holds in the place of the user name, or "".
func tokenIn(addr giturl.Address) string {
	if addr.IsHTTP() && addr.Password == "" && addr.HasCredentials() {
		return addr.User
	}
	return ""
}

func credentialsFor(addr giturl.Address, opts Options) (credentials, error) {
	if opts.Token != "" && addr.Password != "" && opts.Token != addr.Password {
		return credentials{}, fmt.Errorf("repository %q: a token and a password in the URL are given, and differ", addr.String())
	}
	if opts.Username != "" && addr.User != "" && opts.Username != addr.User && addr.IsHTTP() {
		return credentials{}, fmt.Errorf("repository %q: a user name and one in the URL are given, and differ", addr.String())
	}
	user := firstOf(opts.Username, addr.User)
	switch {
	case opts.Token != "":
		user = firstOf(user, "x-access-token")
		return credentials{user, opts.Token, fmt.Sprintf("the token (user %q)", user)}, nil
	case addr.Password != "":
		return credentials{user, addr.Password, "the URL's user and password"}, nil
	case user != "":
		return credentials{user, "", "the URL's user, without a password"}, nil
	}
	return credentials{source: "no credentials"}, nil
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
