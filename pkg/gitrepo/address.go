package gitrepo

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/tagbump/tagbump/pkg/redact"
)

// An address is a repository's URL, taken apart.
type address struct {
	scheme string // "http", "https", "ssh" or "file"
	user   string
	secret string // the password in the URL
	host   string // with its port, when there is one
	path   string // as the server is to be asked for it; of file: on this machine
	shown  string // fit for people
}

func (a address) String() string { return a.shown }

func parseAddress(raw string) (address, error) {
	addr, err := splitAddress(raw)
	addr.shown = redact.URL(raw)
	if err != nil {
		return address{}, fmt.Errorf("repository %q: %w", addr.shown, err)
	}
	return addr, nil
}

func splitAddress(raw string) (address, error) {
	switch {
	case raw == "":
		return address{}, errors.New("is empty")
	case strings.ContainsFunc(raw, func(c rune) bool { return c < ' ' || c == 0x7f }):
		return address{}, errors.New("holds a control character")
	case isHelper(raw):
		return address{}, errors.New("names a remote helper, and no program is started")
	case strings.Contains(raw, "://"):
		return splitURL(raw)
	case isSCP(raw):
		return splitSCP(raw)
	}
	return localAddress(raw)
}

func splitURL(raw string) (address, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return address{}, errors.New("is not a URL") // url.Error would repeat the secret
	}
	addr := address{scheme: strings.ToLower(u.Scheme), user: u.User.Username(), host: strings.ToLower(u.Host), path: u.Path}
	addr.secret, _ = u.User.Password()
	switch addr.scheme {
	case "http", "https":
		addr.path = strings.TrimRight(u.EscapedPath(), "/")
	case "ssh", "git+ssh", "ssh+git":
		addr.scheme = "ssh"
		addr.path = strings.TrimPrefix(addr.path, "/~")
		if addr.path != u.Path {
			addr.path = "~" + addr.path
		}
	case "file":
		if addr.host != "" && addr.host != "localhost" {
			return address{}, fmt.Errorf("file: a host (%s) is not supported", addr.host)
		}
		return localAddress(addr.path)
	default:
		return address{}, fmt.Errorf("scheme %q is not supported (use https, ssh or a path)", u.Scheme)
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return address{}, errors.New("has a query or a fragment, which no git server takes")
	}
	return addr, checkRemote(addr)
}

// isHelper knows "ext::sh -c …", by which git would run a program.
func isHelper(raw string) bool {
	name, _, is := strings.Cut(raw, "::")
	return is && !strings.ContainsAny(name, "/:[@")
}

// isSCP follows git: a colon ahead of the first slash makes it host:path.
func isSCP(raw string) bool {
	colon := strings.IndexByte(raw, ':')
	slash := strings.IndexByte(raw, '/')
	return colon > 0 && (slash < 0 || colon < slash)
}

func splitSCP(raw string) (address, error) {
	host, path, _ := strings.Cut(raw, ":")
	if strings.HasPrefix(host, "[") { // [::1]:path
		if end := strings.Index(raw, "]:"); end > 0 {
			host, path = raw[:end+1], raw[end+2:]
		}
	}
	addr := address{scheme: "ssh", host: host, path: path}
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		addr.user, addr.host = host[:at], host[at+1:]
	}
	return addr, checkRemote(addr)
}

func checkRemote(addr address) error {
	switch {
	case addr.host == "" || strings.HasPrefix(addr.host, "-") || strings.ContainsAny(addr.host, " '\""):
		return errors.New("has no host")
	case strings.Trim(addr.path, "/") == "":
		return errors.New("has no path")
	case strings.HasPrefix(addr.path, "-"):
		return errors.New("has a path that begins with a dash")
	case addr.scheme == "ssh" && addr.secret != "":
		return errors.New("has a password, which ssh does not take from a URL")
	}
	return nil
}

func localAddress(path string) (address, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return address{}, err
	}
	return address{scheme: "file", path: abs}, nil
}

// credentials are what http requests are signed with, and where they came from.
type credentials struct {
	username, password string
	source             string // for people: "the token", "the URL's password", "no credentials"
}

// secret is what nobody may see: forges take tokens as a user name, too.
func (c credentials) secret() string { return firstOf(c.password, c.username) }

func credentialsFor(addr address, opts Options) (credentials, error) {
	if opts.Token != "" && addr.secret != "" && opts.Token != addr.secret {
		return credentials{}, fmt.Errorf("repository %q: a token and a password in the URL are given, and differ", addr.shown)
	}
	if opts.Username != "" && addr.user != "" && opts.Username != addr.user && strings.HasPrefix(addr.scheme, "http") {
		return credentials{}, fmt.Errorf("repository %q: a user name and one in the URL are given, and differ", addr.shown)
	}
	user := firstOf(opts.Username, addr.user)
	switch {
	case opts.Token != "":
		user = firstOf(user, "x-access-token")
		return credentials{user, opts.Token, fmt.Sprintf("the token (user %q)", user)}, nil
	case addr.secret != "":
		return credentials{user, addr.secret, "the URL's user and password"}, nil
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
