package openssh

import (
	"bufio"
	"fmt"
	"os"
	"os/user"
	"path"
	"path/filepath"
	"strings"
)

// A Host is what ssh_config says about a host. Empty fields are not set there.
type Host struct {
	HostName, Port, User string
	IdentityFiles        []string // paths, in their order
	IdentitiesOnly       bool     // of the agent's keys, offer only those of IdentityFiles
	IdentityAgent        string   // the agent's socket; "none" means no agent
	UserKnownHosts       []string
	GlobalKnownHosts     []string
	HostKeyAlias         string // the name to look for in known_hosts
	Proxy                string // the ProxyJump or ProxyCommand through which the host is reached
	Notes                []string
}

// Lookup returns what ~/.ssh/config and the system's ssh_config say about the host that
// a URL calls name, for the remote user of that URL ("" when it has none). The first
// value that matches counts, as in ssh; a file that does not exist says nothing. Home is
// "" when there is no home.
//
// Of Match, the criteria all, host, originalhost, user and localuser are understood. A
// block with another one (exec would run a program) is left out and noted.
func Lookup(home, systemDir, name, remoteUser string) Host {
	l := &lookup{home: home, name: name, user: remoteUser, values: map[string]string{}}
	if home != "" {
		l.dir = filepath.Join(home, ".ssh")
		l.file(filepath.Join(l.dir, "config"), 0)
	}
	l.dir = systemDir
	l.file(filepath.Join(systemDir, "ssh_config"), 0)
	return l.host()
}

// A lookup collects the values for one host while it reads files.
type lookup struct {
	home, dir  string // dir is where Include looks
	name, user string
	values     map[string]string // by keyword in lower case; the first counts
	identities []string
	active     bool // the current block is about the host
	notes      []string
}

// maxIncludes is how deep files may include each other, as in ssh.
const maxIncludes = 16

func (l *lookup) file(name string, depth int) {
	f, err := os.Open(name)
	if err != nil {
		return
	}
	defer func() { _ = f.Close() }()
	before := l.active
	if depth == 0 {
		l.active = true
	}
	lines := bufio.NewScanner(f)
	for number := 1; lines.Scan(); number++ {
		keyword, args := splitLine(lines.Text())
		if keyword != "" && len(args) > 0 {
			l.line(keyword, args, depth, fmt.Sprintf("%s: line %d", name, number))
		}
	}
	l.active = before
}

func (l *lookup) line(keyword string, args []string, depth int, where string) {
	switch keyword {
	case "host":
		l.active = matchList(args, l.name)
	case "match":
		l.active = l.match(args, where)
	case "include":
		if l.active && depth < maxIncludes {
			l.include(args, depth+1)
		}
	case "identityfile":
		if l.active {
			l.identities = append(l.identities, args[0])
		}
	default:
		if _, set := l.values[keyword]; l.active && !set {
			l.values[keyword] = strings.Join(args, " ")
		}
	}
}

func (l *lookup) include(patterns []string, depth int) {
	for _, pattern := range patterns {
		pattern = l.expandHome(pattern)
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(l.dir, pattern)
		}
		names, _ := filepath.Glob(pattern)
		for _, name := range names {
			l.file(name, depth)
		}
	}
}

// match reads the criteria of a Match line.
func (l *lookup) match(args []string, where string) bool {
	for i := 0; i < len(args); i++ {
		criterion, negated := strings.CutPrefix(strings.ToLower(args[i]), "!")
		subject := ""
		switch criterion {
		case "all":
			continue
		case "host":
			subject = firstOf(l.values["hostname"], l.name)
		case "originalhost":
			subject = l.name
		case "user":
			subject = firstOf(l.user, l.values["user"])
		case "localuser":
			if me, err := user.Current(); err == nil {
				subject = me.Username
			}
		default:
			l.notes = append(l.notes, fmt.Sprintf("%s: Match %s is not understood, the block is left out", where, args[i]))
			return false
		}
		if i++; i == len(args) || matchList(strings.Split(args[i], ","), subject) == negated {
			return false
		}
	}
	return true
}

// matchList reports whether a pattern matches, and none that begins with "!" does.
func matchList(patterns []string, subject string) bool {
	matched := false
	for _, pattern := range patterns {
		pattern, negated := strings.CutPrefix(pattern, "!")
		if !wildcard(strings.ToLower(pattern), strings.ToLower(subject)) {
			continue
		}
		if negated {
			return false
		}
		matched = true
	}
	return matched
}

// wildcard matches "*" and "?", the only two that ssh knows.
func wildcard(pattern, subject string) bool {
	pattern = strings.NewReplacer(`\`, `\\`, "[", `\[`).Replace(pattern)
	ok, err := path.Match(pattern, strings.ReplaceAll(subject, "/", "_"))
	return err == nil && ok
}

// splitLine returns the keyword in lower case and its arguments, of which those in
// double quotes may have spaces.
func splitLine(line string) (keyword string, args []string) {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return "", nil
	}
	end := strings.IndexAny(line, " \t=")
	if end < 0 {
		return strings.ToLower(line), nil
	}
	keyword = strings.ToLower(line[:end])
	rest := strings.TrimSpace(line[end:])
	rest = strings.TrimSpace(strings.TrimPrefix(rest, "="))
	for rest != "" && rest[0] != '#' {
		var arg string
		if rest[0] == '"' {
			arg, rest, _ = strings.Cut(rest[1:], `"`)
		} else if end := strings.IndexAny(rest, " \t"); end >= 0 {
			arg, rest = rest[:end], rest[end:]
		} else {
			arg, rest = rest, ""
		}
		args = append(args, arg)
		rest = strings.TrimSpace(rest)
	}
	return keyword, args
}

// host makes a Host of the values.
func (l *lookup) host() Host {
	h := Host{
		HostName:       strings.NewReplacer("%h", l.name, "%%", "%").Replace(l.values["hostname"]),
		Port:           l.values["port"],
		User:           l.values["user"],
		IdentitiesOnly: isYes(l.values["identitiesonly"]),
		HostKeyAlias:   l.values["hostkeyalias"],
		Proxy:          firstOf(l.values["proxyjump"], l.values["proxycommand"]),
		Notes:          l.notes,
	}
	if strings.EqualFold(h.Proxy, "none") {
		h.Proxy = ""
	}
	tokens := l.tokens(h)
	for _, file := range l.identities {
		if !strings.EqualFold(file, "none") {
			h.IdentityFiles = append(h.IdentityFiles, l.expandHome(tokens.Replace(file)))
		}
	}
	h.IdentityAgent = l.agent(tokens)
	h.UserKnownHosts = l.paths("userknownhostsfile", tokens)
	h.GlobalKnownHosts = l.paths("globalknownhostsfile", tokens)
	return h
}

// agent returns the socket of IdentityAgent. Variables of the environment are not read
// here, so $SSH_AUTH_SOCK in any spelling means the usual agent.
func (l *lookup) agent(tokens *strings.Replacer) string {
	socket := l.values["identityagent"]
	switch {
	case strings.EqualFold(socket, "none"):
		return "none"
	case socket == "SSH_AUTH_SOCK" || strings.HasPrefix(socket, "$"):
		return ""
	}
	return l.expandHome(tokens.Replace(socket))
}

func (l *lookup) paths(keyword string, tokens *strings.Replacer) []string {
	var paths []string
	for _, name := range strings.Fields(l.values[keyword]) {
		paths = append(paths, l.expandHome(tokens.Replace(name)))
	}
	return paths
}

func (l *lookup) tokens(h Host) *strings.Replacer {
	return strings.NewReplacer(
		"%%", "%", "%d", l.home, "%h", firstOf(h.HostName, l.name), "%n", l.name,
		"%p", firstOf(h.Port, "22"), "%r", firstOf(l.user, h.User), "%k", firstOf(h.HostKeyAlias, l.name),
	)
}

func (l *lookup) expandHome(name string) string { return ExpandHome(l.home, name) }

// ExpandHome returns name with home for a "~" at its beginning.
func ExpandHome(home, name string) string {
	if rest, is := strings.CutPrefix(name, "~/"); is && home != "" {
		return filepath.Join(home, rest)
	}
	return name
}

func isYes(value string) bool {
	return strings.EqualFold(value, "yes") || strings.EqualFold(value, "true")
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
