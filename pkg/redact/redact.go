// Package redact takes secrets out of text before people read it.
//
// [URL] and [Text] mask the user part of URLs. [Secrets] also masks values that
// it was told of: tokens, passwords and keys. It does not find other secrets.
//
// One trap: a secret travels in other spellings. A server that echoes a request
// repeats it percent-encoded, in JSON, or as base64 together with the user's name,
// whatever that name is. Secrets knows these spellings.
package redact

import (
	"net/url"
	"strings"

	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
)

// Mask is written in place of a secret.
const Mask = "REDACTED"

var (
	// userPart matches the user part of a URL anywhere in a text. A user name
	// alone is masked too: forges take tokens there.
	userPart = lazyregexp.New(`([A-Za-z][A-Za-z0-9+.-]*://)([^/?#\s"'@]+(?:@[^/?#\s"'@]+)*)@`)
	// oddUserPart matches a user part whose password has an unescaped "/", "#" or
	// "?". It is known by its colon, which no port follows.
	oddUserPart = lazyregexp.New(`([A-Za-z][A-Za-z0-9+.-]*://)([^/?#\s"'@:\[\]]*:[^/?#\s"'@]*[^0-9/?#\s"'@][^/?#\s"'@]*[/?#][^\s"']*)@`)
	// anyUserPart matches everything between the scheme and the last "@" where a
	// colon comes before the first "/".
	anyUserPart = lazyregexp.New(`^([A-Za-z][A-Za-z0-9+.-]*://)([^/?#@\[\]]*:.*)@`)
)

// URL returns raw without its user part and without the values of its query,
// where presigned URLs carry signatures. The user name of an ssh URL stays.
func URL(raw string) string {
	s := anyUserPart.ReplaceAllString(raw, "${1}"+Mask+"@")
	s = Text(s)
	u, err := url.Parse(s)
	if err != nil || u.RawQuery == "" {
		return s
	}
	query := u.Query()
	for key := range query {
		query.Set(key, Mask)
	}
	u.RawQuery = query.Encode()
	return u.String()
}

// Text masks the user part of every URL in s. The user name of an ssh URL stays:
// it is not a secret.
func Text(s string) string {
	s = oddUserPart.ReplaceAllString(s, "${1}"+Mask+"@")
	return userPart.ReplaceAllStringFunc(s, func(match string) string {
		parts := userPart.FindStringSubmatch(match)
		scheme, user := parts[1], parts[2]
		if user == "git" || isSSH(scheme) && !strings.Contains(user, ":") {
			return match
		}
		return scheme + Mask + "@"
	})
}

func isSSH(scheme string) bool {
	scheme = strings.ToLower(strings.TrimSuffix(scheme, "://"))
	return scheme == "ssh" || scheme == "git+ssh" || scheme == "ssh+git"
}
