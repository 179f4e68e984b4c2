// Package image names container images as people write them in manifests.
//
// A reference in a chart is text, and its writer's spelling matters: nginx,
// docker.io/nginx and docker.io/library/nginx are one repository, but an edit
// must leave the spelling alone. So a Ref keeps the repository as it was
// written, and [SameRepository] compares as registries do: whole names, never
// prefixes (acme/api is not acme/api-worker).
//
// The package refuses what no registry would take (upper case in a repository,
// a tag of over 128 characters). One trap: a colon may belong to a port
// (localhost:5000/app), so the tag is what follows the last colon behind the
// last slash.
package image

import (
	"fmt"
	"strings"
	"time"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
)

// A Ref is an image reference: a repository, and which of its images is meant.
type Ref struct {
	Repository string // as written, with its registry if there is one: "ghcr.io/acme/web"
	Tag        string // "1.2.3", or "" when none is written
	Digest     string // "sha256:…", or "" when none is written
}

// Info describes one image, as far as its registry knows it.
type Info struct {
	Digest    string            // of the manifest or index that the tag names: "sha256:…"
	Platforms []string          // "linux/arm64", "linux/arm/v7", in the registry's order
	Created   time.Time         // zero when the image does not say, see [ParseCreated]
	Labels    map[string]string // of the image's config
}

// ErrInvalid is in the chain of every error for text that is not an image reference.
var ErrInvalid = fault.New(fault.Usage, "not an image reference")

// An invalid error explains itself, without ErrInvalid's words behind it.
type invalid struct{ why, hint string }

func (e invalid) Error() string { return e.why }

// Hint is the next step for the user, or "".
func (e invalid) Hint() string { return e.hint }

func (e invalid) Unwrap() error { return ErrInvalid }

func invalidf(format string, args ...any) error { return invalid{why: fmt.Sprintf(format, args...)} }

var (
	// Grammar of github.com/distribution/reference, v0.6.0.
	domainPattern = lazyregexp.New(`^(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*(?::[0-9]+)?$`)
	pathPattern   = lazyregexp.New(`^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$`)
	tagPattern    = lazyregexp.New(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)
	digestPattern = lazyregexp.New(`^sha256:[0-9a-f]{64}$`)
)

// Parse reads a reference such as "nginx", "ghcr.io/acme/web:1.2.3" or
// "web:1.2.3@sha256:…". A missing tag stays empty: nothing invents "latest".
func Parse(s string) (Ref, error) {
	ref := Split(s)
	name, _, _ := strings.Cut(s, "@")
	if tag := slashedTag(name); tag != "" {
		return Ref{}, fmt.Errorf("%q: %w", s, CheckTag(tag))
	}
	if err := CheckRepository(ref.Repository); err != nil {
		return Ref{}, fmt.Errorf("%q: %w", s, err)
	}
	if strings.HasSuffix(s, ":") {
		return Ref{}, invalidf("%q: the tag is empty", s)
	}
	if ref.Tag != "" {
		if err := CheckTag(ref.Tag); err != nil {
			return Ref{}, fmt.Errorf("%q: %w", s, err)
		}
	}
	if strings.Contains(s, "@") {
		if err := CheckDigest(ref.Digest); err != nil {
			return Ref{}, fmt.Errorf("%q: %w", s, err)
		}
	}
	return ref, nil
}

// Split cuts s where a reference's tag and digest begin and checks nothing, so
// that it also serves for text that is only partly known (a template).
// Split(s).String() is s, but for a trailing ":" or "@".
func Split(s string) Ref {
	var ref Ref
	s, ref.Digest, _ = strings.Cut(s, "@")
	ref.Repository = s
	if colon := strings.LastIndexByte(s, ':'); colon > strings.LastIndexByte(s, '/') {
		ref.Repository, ref.Tag = s[:colon], s[colon+1:]
	}
	return ref
}

// String writes the reference as manifests do: repository[:tag][@digest].
func (r Ref) String() string {
	s := r.Repository
	if r.Tag != "" {
		s += ":" + r.Tag
	}
	if r.Digest != "" {
		s += "@" + r.Digest
	}
	return s
}

// CheckRepository returns an error that wraps [ErrInvalid] unless name can
// stand before a tag: an optional registry and a path in lower case.
func CheckRepository(name string) error {
	domain, path := splitDomain(name)
	switch {
	case name == "":
		return invalidf("the repository is empty")
	case strings.ToLower(path) != path:
		return invalid{fmt.Sprintf("repository %q: upper case is not allowed", name), hintForRepository(name)}
	case domain != "" && !domainPattern.MatchString(domain), !pathPattern.MatchString(path):
		return invalid{fmt.Sprintf("repository %q: %s", name, whyNoRepository(path, name)), hintForRepository(name)}
	}
	return nil
}

// whyNoRepository explains why a name cannot be a repository.
func whyNoRepository(path, name string) string {
	before, _, colon := strings.Cut(path, ":")
	switch {
	case strings.Contains(name, "://"):
		return "an image's name has no scheme such as https://"
	case strings.ContainsAny(name, " \t\r\n"):
		return "a name has no blanks"
	case strings.ContainsAny(name, quotes):
		return "a name has no quotes"
	case colon && pathPattern.MatchString(before):
		return "there are two tags"
	}
	return "a name has small letters and digits, and single signs of . _ - / between them"
}

// quotes are those of a shell or a YAML file that became part of a text.
const quotes = "\"'`"

// hintForRepository returns the repository that was meant by a text that is not one,
// or "" when that is not known.
func hintForRepository(name string) string {
	_, behind, hasScheme := strings.Cut(name, "://")
	behind = strings.TrimPrefix(behind, "hub.docker.com/r/") // a page about acme/web
	before, tag, hasEqual := strings.Cut(name, "=")
	domain, path := splitDomain(name)
	lower := strings.ToLower(path)
	if domain != "" {
		lower = domain + "/" + lower
	}
	switch {
	case hasScheme && CheckRepository(behind) == nil:
		return "leave the scheme out: " + behind
	case hasEqual && CheckRepository(before) == nil && CheckTag(tag) == nil:
		return "a tag comes after a colon: " + before + ":" + tag
	case strings.HasSuffix(name, "/") && CheckRepository(name[:len(name)-1]) == nil:
		return "leave the slash at its end out: " + name[:len(name)-1]
	case lower != name && CheckRepository(lower) == nil:
		return "did you mean " + lower + "?"
	case strings.ContainsAny(name, quotes):
		return "quotes inside of other quotes are part of the text: leave one pair out"
	}
	return ""
}

// slashedTag returns what follows the first colon behind a repository, where it has
// a slash: a branch's name, which was meant as a tag. Else it returns "".
func slashedTag(name string) string {
	domain, path := splitDomain(name)
	if _, port, found := strings.Cut(domain, ":"); found && strings.Trim(port, "0123456789") != "" {
		path = name // web:feature/dark has no registry "web:feature"
	}
	before, after, _ := strings.Cut(path, ":")
	if !strings.Contains(after, "/") || strings.HasPrefix(after, "//") || !pathPattern.MatchString(before) {
		return "" // "//" follows a scheme
	}
	return after
}

// longestTag is the most characters that a tag has.
const longestTag = 128

// whyNoTag explains why a text cannot be a tag.
func whyNoTag(tag string) string {
	switch {
	case tag == "":
		return "is empty"
	case len(tag) > longestTag:
		return "has more than 128 characters"
	case tag[0] == '-' || tag[0] == '.':
		return "must begin with a letter, a digit or _"
	}
	return "only letters a-z and A-Z, digits and the signs . _ - are allowed"
}

// hintForTag explains how to correct a text that is not a tag, or returns "". Most CI
// systems put a hyphen for the slash of a branch's name.
func hintForTag(tag string) string {
	usual := strings.ReplaceAll(tag, "/", "-")
	trimmed := strings.Trim(tag, " \t\r\n"+quotes)
	switch {
	case trimmed != tag && CheckTag(trimmed) == nil && strings.Contains(tag, "\r"):
		return "it ends with a carriage return, as lines of Windows do; without it: " + trimmed
	case trimmed != tag && CheckTag(trimmed) == nil:
		return "leave out what is around it: " + trimmed
	case strings.ContainsAny(tag, "$<{"):
		return "is it a placeholder that was not filled in? a shell fills in variables between double quotes only"
	case strings.Contains(tag, ","):
		return "several images have blanks between them, and no commas"
	case usual != tag && CheckTag(usual) == nil:
		return "is it a branch? most CI systems tag its image " + usual
	}
	return ""
}

// hintForDigest explains how to correct a text that is not a digest, or returns "".
func hintForDigest(digest string) string {
	lower := strings.ToLower(digest)
	switch {
	case digestPattern.MatchString(lower):
		return "write it in small letters: " + lower
	case digestPattern.MatchString("sha256:" + lower):
		return "write the algorithm in front of it: sha256:" + lower
	case CheckTag(digest) == nil:
		return "a tag comes after a colon, and not after an @"
	}
	return ""
}

// CheckTag returns an error that wraps [ErrInvalid] unless a registry could
// have a tag of this name: [A-Za-z0-9_][A-Za-z0-9_.-]{0,127} (OCI distribution spec).
func CheckTag(tag string) error {
	if !tagPattern.MatchString(tag) {
		return invalid{fmt.Sprintf("tag %q: %s", tag, whyNoTag(tag)), hintForTag(tag)}
	}
	return nil
}

// CheckDigest returns an error that wraps [ErrInvalid] unless digest reads
// "sha256:" and 64 hexadecimal digits in lower case.
func CheckDigest(digest string) error {
	if !digestPattern.MatchString(digest) {
		return invalid{fmt.Sprintf("digest %q: is not sha256: and 64 hexadecimal digits", digest), hintForDigest(digest)}
	}
	return nil
}

// SameRepository reports whether a and b name one repository, as registries
// mean it: "nginx" is "docker.io/library/nginx". Tags and digests must not be in them.
func SameRepository(a, b string) bool { return Canonical(a) == Canonical(b) }

// Canonical spells a repository in full: "nginx" becomes "docker.io/library/nginx".
func Canonical(repository string) string {
	domain, path := splitDomain(repository)
	switch domain {
	case "", "index.docker.io", "registry-1.docker.io", "docker.io":
		domain = "docker.io"
		if !strings.Contains(path, "/") {
			path = "library/" + path
		}
	}
	return strings.ToLower(domain) + "/" + path
}

// BaseName returns the last segment of a repository: "web" for "ghcr.io/acme/web".
// It is the only part that every shape in which charts write an image has on one
// line, so a search can look for it first.
func BaseName(repository string) string {
	return repository[strings.LastIndexByte(repository, '/')+1:]
}

// splitDomain parts a registry from the path behind it. As in Docker, the
// first segment is a registry only if it has a dot or a port or is "localhost".
func splitDomain(name string) (domain, path string) {
	first, rest, found := strings.Cut(name, "/")
	if !found || !strings.ContainsAny(first, ".:") && first != "localhost" {
		return "", name
	}
	return first, rest
}

// firstImages is when Docker was released. Builds that want to be reproducible
// write a constant into their images, and all known ones are earlier: the zero
// time, 1970-01-01 (Bazel, Nix), 1980-01-01 (buildpacks, the oldest date of zip).
var firstImages = time.Date(2013, time.March, 20, 0, 0, 0, 0, time.UTC)

// ParseCreated reads the time at which an image says it was created (RFC 3339).
// ok is false unless an image can have been made then.
func ParseCreated(text string) (created time.Time, ok bool) {
	created, err := time.Parse(time.RFC3339, text)
	if err != nil || created.Before(firstImages) {
		return time.Time{}, false
	}
	return created.UTC(), true
}
