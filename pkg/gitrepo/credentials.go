package gitrepo

import (
	"fmt"

	"github.com/tagbump/tagbump/pkg/gitrepo/internal/wire"
	"github.com/tagbump/tagbump/pkg/giturl"
)

// credentialsFor returns what http requests are signed with. A user or a password in the
// URL must not contradict the options: it is not for this package to choose.
func credentialsFor(addr giturl.Address, opts Options) (wire.Credentials, error) {
	if opts.Token != "" && addr.Password != "" && opts.Token != addr.Password {
		return wire.Credentials{}, fmt.Errorf("repository %q: a token and a password in the URL are given, and differ", addr.String())
	}
	if opts.Username != "" && addr.User != "" && opts.Username != addr.User && addr.IsHTTP() {
		return wire.Credentials{}, fmt.Errorf("repository %q: the user name %q is given, and the URL has another one", addr.String(), opts.Username)
	}
	user := firstOf(opts.Username, addr.User)
	switch {
	case opts.Token != "":
		user = firstOf(user, "x-access-token")
		source := "the token"
		if opts.TokenSource != "" {
			source += " in " + opts.TokenSource
		}
		return wire.Credentials{Username: user, Password: opts.Token, Source: fmt.Sprintf("%s (user %q)", source, user)}, nil
	case addr.Password != "":
		return wire.Credentials{Username: user, Password: addr.Password, Source: "the URL's user and password"}, nil
	case tokenIn(addr) != "":
		return wire.Credentials{Username: user, Source: "the URL's token"}, nil
	}
	// A user name alone opens nothing: servers answer it as they answer nobody.
	return wire.Credentials{Source: opts.TokenSource}, nil
}

// tokenIn returns the token that addr holds in the place of the user name, or "".
func tokenIn(addr giturl.Address) string {
	if addr.IsHTTP() && addr.Password == "" && addr.HasCredentials() {
		return addr.User
	}
	return ""
}

// firstOf returns the first value that is not empty.
func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
