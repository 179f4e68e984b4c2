// Package giturl parses the addresses of git repositories.
//
// [Parse] takes every form that tagbump takes anywhere: https://, http://, ssh://,
// file://, git's short form of ssh (git@host:path) and a path on this machine. The
// scheme and the host may be written in any case. The result answers what the rest of
// the program asks: which host, which owner and name, are there credentials in it,
// does it travel without encryption.
//
// The text of an [Address] and of every error is fit for a log: it holds no password
// and no token. The trap to know: forges take tokens in the place of the user name
// (https://TOKEN@host/…), so a user name that looks like a token is a credential, while
// the plain user name in the clone URLs of Azure DevOps and Bitbucket is not.
package giturl

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
)

// A Scheme is a way to reach a repository. Its text is the scheme of a URL.
type Scheme string

// The schemes that Parse returns. "git+ssh" and "ssh+git" are SSH.
const (
	HTTP  Scheme = "http"
	HTTPS Scheme = "https"
	SSH   Scheme = "ssh"
	File  Scheme = "file"
)

// An Address is a parsed repository address. Parse makes it.
type Address struct {
	Scheme Scheme

	// User and Password are what the address holds in front of the host, without
	// escapes. For ssh there is never a password.
	User, Password string

	// Host is in lower case, without its port and without brackets; "" for File.
	Host string
	// Port is a decimal number; "" means the scheme's default.
	Port string

	// Path is what a server is asked for. For HTTP and HTTPS it begins with a slash,
	// is escaped, and has no slash at its end. For SSH it is what the remote shell
	// gets: "acme/web.git", "/srv/web.git" or "~ci/web.git". For File it is the path
	// as it was written, which may be relative.
	Path string

	form form // how it was written
}

// A form is a way to write an address. String keeps it.
type form int

const (
	asURL   form = iota // scheme://host/path
	asShort             // git@host:path
	asPath              // a path on this machine
)

// Parse reads an address, or returns an [Error] that says why it is not one.
func Parse(raw string) (Address, error) {
	a, why := split(raw)
	if why == "" {
		why = a.problem()
	}
	if why != "" {
		return Address{}, &Error{Shown: Redact(raw), Why: why}
	}
	return a, nil
}

// HostOf returns the host that raw names, in lower case and without its port, or ""
// when raw names none. Unlike Parse it also takes the address of a whole server
// ("https://github.example.com").
func HostOf(raw string) string {
	a, _ := split(raw)
	return a.Host
}

// An Error says why a text is not the address of a repository.
type Error struct {
	Shown string // the text without what may be secret
	Why   string
}

func (e *Error) Error() string { return "repository " + strconv.Quote(e.Shown) + ": " + e.Why }

func split(raw string) (a Address, why string) {
	switch {
	case raw == "":
		return a, "is empty"
	case strings.ContainsFunc(raw, isControl):
		return a, "has a control character in it"
	case namesHelper(raw):
		return a, "names a remote helper, and tagbump starts no program"
	case strings.Contains(raw, "://"):
		return splitURL(raw)
	case oneSlash.MatchString(raw):
		return a, "has one slash after its scheme, where two belong"
	case hostAndPort.MatchString(raw):
		return a, "looks like a host and its port: write https:// or ssh:// in front of it"
	case isShort(raw):
		return splitShort(raw)
	}
	return Address{Scheme: File, Path: raw, form: asPath}, ""
}

var (
	oneSlash = lazyregexp.New(`^(?:https?|ssh|file):/[^/]`)
	// page is the path of a file or a branch on a forge, behind OWNER/REPOSITORY.
	page = lazyregexp.New(`^(?:/[^/]+){2,}/(?:-/)?(?:tree|blob)/.`)
	// Without a user, a port is likelier than a folder on an SSH server that has a number
	// for a name.
	hostAndPort = lazyregexp.New(`^[A-Za-z0-9.-]+:[0-9]+/`)
)

func splitURL(raw string) (a Address, why string) {
	u, err := url.Parse(raw)
	if err != nil {
		if strings.ContainsAny(raw, "\"'`") {
			return a, "has quotes in it"
		}
		return a, "is not a URL" // the error of url.Parse repeats the password
	}
	a = Address{User: u.User.Username(), Host: strings.ToLower(u.Hostname()), Port: u.Port(), Path: u.Path}
	a.Password, _ = u.User.Password()
	switch scheme := u.Scheme; scheme { // which url.Parse made lower case
	case "http", "https":
		a.Scheme, a.Path = Scheme(scheme), strings.TrimRight(u.EscapedPath(), "/")
	case "ssh", "git+ssh", "ssh+git":
		a.Scheme = SSH
		if home, is := strings.CutPrefix(a.Path, "/~"); is {
			a.Path = "~" + home
		}
	case "file":
		a.Scheme = File
	default:
		return a, "the scheme " + strconv.Quote(u.Scheme) + " is not supported (use https, ssh or a path)"
	}
	if a.IsHTTP() && page.MatchString(a.Path) {
		return a, "is the address of a page: leave out what follows the repository"
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return a, "has a query or a fragment, which no git server takes"
	}
	return a, ""
}

// splitShort reads git@host:path and git@[::1]:path.
func splitShort(raw string) (a Address, why string) {
	host, path, _ := strings.Cut(raw, ":")
	if open := strings.IndexByte(raw, '['); open >= 0 && open < len(host) {
		if end := strings.Index(raw, "]:"); end > 0 {
			host, path = raw[:end+1], raw[end+2:]
		}
	}
	a = Address{Scheme: SSH, Host: host, Path: path, form: asShort}
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		a.User, a.Host = host[:at], host[at+1:]
	}
	a.Host = strings.ToLower(a.Host)
	if ip, is := strings.CutPrefix(a.Host, "["); is {
		a.Host = strings.TrimSuffix(ip, "]")
	}
	first, _, _ := strings.Cut(path, "/")
	if strings.Contains(first, "@") { // user:password@host:path
		a.Password = first
	}
	return a, ""
}

func (a Address) problem() string {
	if a.Scheme == File {
		if a.Host != "" && a.Host != "localhost" {
			return "a file URL names no host, and this one names " + strconv.Quote(a.Host)
		}
		if a.Path == "" {
			return "has no path"
		}
		return ""
	}
	switch {
	case a.Host == "":
		return "has no host"
	case !isHost(a.Host):
		return strconv.Quote(a.Host) + " is not a host name"
	case a.Scheme == SSH && a.Password != "":
		return "has a password, which ssh does not take from a URL"
	case strings.Trim(a.Path, "/") == "":
		return "has no path"
	case strings.HasPrefix(a.Path, "-") || strings.HasPrefix(a.Path, ":"):
		return "has a path that begins with " + strconv.Quote(a.Path[:1])
	case strings.HasPrefix(a.User, "-"):
		return "has a user name that begins with a dash"
	}
	return ""
}

// isHost reports whether host is a name or an IP address. A name that began with a
// dash would be an option to a program that is given it.
func isHost(host string) bool {
	if strings.Contains(host, ":") {
		_, err := netip.ParseAddr(host)
		return err == nil
	}
	return !strings.HasPrefix(host, "-") && !strings.ContainsFunc(host, func(c rune) bool {
		return c < 0x80 && c != '.' && c != '-' && c != '_' && !unicode.IsLetter(c) && !unicode.IsDigit(c)
	})
}

func isControl(c rune) bool { return c < ' ' || c == 0x7f }

// namesHelper recognizes "ext::sh -c …", for which git would run a program.
func namesHelper(raw string) bool {
	name, _, found := strings.Cut(raw, "::")
	return found && !strings.ContainsAny(name, "/:[@")
}

// isShort follows git: a colon before the first slash makes it host:path. One letter
// before the colon is the drive of a Windows path.
func isShort(raw string) bool {
	colon := strings.IndexByte(raw, ':')
	slash := strings.IndexAny(raw, `/\`)
	return colon > 1 && (slash < 0 || colon < slash)
}

// IsLocal reports whether the repository is on this machine's disk.
func (a Address) IsLocal() bool { return a.Scheme == File }

// IsHTTP reports whether the repository is reached by http or https.
func (a Address) IsHTTP() bool { return a.Scheme == HTTP || a.Scheme == HTTPS }

// IsPlainHTTP reports whether a token would travel to another machine without
// encryption. Loopback addresses do not count.
func (a Address) IsPlainHTTP() bool { return a.Scheme == HTTP && !a.isLoopback() }

func (a Address) isLoopback() bool {
	ip, err := netip.ParseAddr(a.Host)
	return a.Host == "localhost" || err == nil && ip.IsLoopback()
}

// HasCredentials reports whether the address holds a secret: a password, or a token in
// the place of the user name.
func (a Address) HasCredentials() bool {
	return a.Password != "" || a.IsHTTP() && looksLikeToken(a.User)
}

// tokenForm matches the tokens of the forges, which have prefixes of their own, and
// everything of 32 characters or more: names of people and organizations are shorter.
var tokenForm = lazyregexp.New(`^(?:gh[a-z]_|github_pat_|gl[a-z]{2,8}-|ATBB|ATCTT|x-oauth-basic$)|^[^@]{32,}$`)

func looksLikeToken(user string) bool { return tokenForm.MatchString(user) }

// HostPort returns the host as a URL has it: with brackets around an IPv6 address, and
// with the port when there is one.
func (a Address) HostPort() string {
	host := a.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if a.Port != "" {
		host += ":" + a.Port
	}
	return host
}

// forgeHosts lists other names of a forge's host: some forges take ssh at port 443 of
// a host of its own.
var forgeHosts = map[string]string{
	"www.github.com":       "github.com",
	"ssh.github.com":       "github.com",
	"altssh.gitlab.com":    "gitlab.com",
	"www.gitlab.com":       "gitlab.com",
	"altssh.bitbucket.org": "bitbucket.org",
	"www.bitbucket.org":    "bitbucket.org",
}

// ForgeHost returns the host under which a forge is known: Host, but "github.com" for
// ssh.github.com and www.github.com, and the like for other forges.
func (a Address) ForgeHost() string { return ForgeHost(a.Host) }

// ForgeHost returns the name under which the forge at host is known.
func ForgeHost(host string) string {
	host = strings.TrimSuffix(host, ".")
	if known, ok := forgeHosts[host]; ok {
		return known
	}
	return host
}

// Name returns the last part of the path without ".git".
func (a Address) Name() string {
	parts := a.parts()
	return parts[len(parts)-1]
}

// Owner returns the path in front of Name: a user, an organization, or a group with its
// subgroups ("acme/platform"). It is "" when the path has one part only.
func (a Address) Owner() string {
	parts := a.parts()
	return strings.Join(parts[:len(parts)-1], "/")
}

func (a Address) parts() []string {
	path := a.Path
	if plain, err := url.PathUnescape(path); err == nil && a.IsHTTP() {
		path = plain
	}
	return strings.Split(strings.TrimSuffix(strings.Trim(path, "/"), ".git"), "/")
}

// WebURL returns where a person finds the repository in a browser, without a slash at
// its end. It is "" for a local path and for a home directory on an ssh server.
func (a Address) WebURL() string {
	if a.IsLocal() || strings.HasPrefix(a.Path, "~") {
		return ""
	}
	site := Address{Host: a.ForgeHost()}
	scheme := HTTPS
	if a.IsHTTP() {
		scheme, site.Port = a.Scheme, a.Port
	}
	u := url.URL{Scheme: string(scheme), Host: site.HostPort(), Path: "/" + strings.Join(a.parts(), "/")}
	return u.String()
}

// mask is shown in the place of a secret.
const mask = "REDACTED"

// String returns the address for people, in the form in which it was written. A user
// and a password are masked when they are a secret.
func (a Address) String() string {
	user := a.User
	if a.HasCredentials() {
		user = mask
	}
	if user != "" && a.form == asURL {
		user = url.User(user).String()
	}
	if user != "" {
		user += "@"
	}
	switch a.form {
	case asPath:
		return a.Path
	case asShort:
		return user + a.HostPort() + ":" + a.Path
	}
	return string(a.Scheme) + "://" + user + a.HostPort() + a.shownPath()
}

// shownPath returns the path as a URL has it.
func (a Address) shownPath() string {
	if a.IsHTTP() {
		return a.Path // escaped already
	}
	path := a.Path
	if strings.HasPrefix(path, "~") {
		path = "/" + path
	}
	return (&url.URL{Path: path}).EscapedPath()
}

// Redact returns raw without what may be a secret in it: everything between "://" and
// the last "@", a query and a fragment. It also works for a text that Parse refuses,
// where a password with a slash in it ends up in the host or in the path.
func Redact(raw string) string {
	scheme, rest, found := strings.Cut(raw, "://")
	if !found {
		return redactShort(raw)
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		user := rest[:at]
		if strings.ContainsAny(user, `:/?#`) || looksLikeToken(user) {
			user = mask
		}
		rest = user + rest[at:]
	}
	if end := strings.IndexAny(rest, "?#"); end >= 0 {
		rest = rest[:end+1] + mask
	}
	return scheme + "://" + rest
}

// redactShort masks the password of "user:password@host:path", which Parse refuses.
func redactShort(raw string) string {
	user, _, found := strings.Cut(raw, ":")
	at := strings.LastIndexByte(raw, '@')
	if !found || at < len(user) || strings.ContainsAny(user, "/@") {
		return raw
	}
	return mask + raw[at:]
}
