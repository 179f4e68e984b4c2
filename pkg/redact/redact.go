// Package redact takes secrets out of text before people read it.
//
// Every place that formats a URL, a header or a server's answer goes through
// it: [URL] for a single URL, [Secrets] for free text in which a known token
// may stand. It does not find secrets that it was not told of, but for the
// user part of URLs. One trap: a token travels in other spellings, so Secrets
// also replaces its query-escaped form and the Basic credentials made of it.
package redact

import (
	"encoding/base64"
	"net/url"
	"regexp"
	"strings"
)

// Mask is what stands where a secret stood.
const Mask = "REDACTED"

// userPart matches the user part of a URL anywhere in a text. A user name alone
// is masked too: forges take tokens there.
var userPart = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)([^/?#\s"'@]+(?:@[^/?#\s"'@]+)*)@`)

// URL returns raw without its user part and without the values of its query,
// where presigned URLs carry signatures. The user name "git" of ssh URLs stays.
func URL(raw string) string {
	s := Text(raw)
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

// Text masks the user part of every URL in s.
func Text(s string) string {
	return userPart.ReplaceAllStringFunc(s, func(match string) string {
		parts := userPart.FindStringSubmatch(match)
		if parts[2] == "git" {
			return match
		}
		return parts[1] + Mask + "@"
	})
}

// Secrets knows the secrets of one run.
type Secrets struct{ replacer *strings.Replacer }

// NewSecrets returns Secrets that mask each of values in every spelling in which
// it may travel. Values shorter than 4 bytes are left out: they would mask
// ordinary words (CircleCI draws the line there too).
func NewSecrets(values ...string) Secrets {
	var pairs []string
	for _, value := range values {
		value = strings.TrimSpace(value)
		if len(value) < 4 {
			continue
		}
		for _, spelling := range spellings(value) {
			pairs = append(pairs, spelling, Mask)
		}
	}
	return Secrets{strings.NewReplacer(pairs...)}
}

// Text masks the known secrets in s, and the user part of every URL.
func (s Secrets) Text(text string) string {
	if s.replacer != nil {
		text = s.replacer.Replace(text)
	}
	return Text(text)
}

func spellings(value string) []string {
	all := []string{value, url.QueryEscape(value), url.PathEscape(value), url.UserPassword("u", value).String()[2:]}
	for _, user := range []string{"x-access-token", "oauth2", "git", value} {
		all = append(all, base64.StdEncoding.EncodeToString([]byte(user+":"+value)))
	}
	return append(all, base64.StdEncoding.EncodeToString([]byte(value)), base64.StdEncoding.EncodeToString([]byte(value+":")))
}
