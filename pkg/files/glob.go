package files

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
)

// AnyDepth is the [Glob.Depth] of a pattern that can match at any depth.
const AnyDepth = 1 << 20

// A Glob is a checked pattern over slash-separated paths that are relative to
// the root. The zero value matches nothing.
type Glob struct {
	text     string
	segments []string // up to a brace that holds a slash; from there on "**"
	base     string   // the path up to the first wildcard: a folder, or the file itself
	literal  bool
}

// ParseGlob checks text. "./a//b" is read as "a/b". A path that is absolute,
// leaves the root or names the root is an error, which quotes text.
func ParseGlob(text string) (Glob, error) {
	if text == "" {
		return Glob{}, fmt.Errorf("%q: is empty", text)
	}
	clean := path.Clean(text)
	switch {
	case !doublestar.ValidatePattern(text):
		return Glob{}, fmt.Errorf("%q: is not a glob", text)
	case path.IsAbs(text):
		return Glob{}, fmt.Errorf("%q: must be relative to the repository's root", text)
	case slices.Contains(strings.Split(text, "/"), ".."):
		return Glob{}, fmt.Errorf("%q: must not leave the repository", text)
	case clean == ".":
		return Glob{}, fmt.Errorf("%q: names no file; write **/*.yaml for all", text)
	case strings.HasSuffix(text, "/"):
		return Glob{}, fmt.Errorf("%q: names a folder; write %q for all files in it", text, clean+"/**")
	}
	g := Glob{text: clean, segments: segmentsOf(clean), base: clean, literal: !hasWildcard(clean)}
	for hasWildcard(g.base) {
		g.base = path.Dir(g.base)
	}
	return g, nil
}

func hasWildcard(text string) bool { return strings.ContainsAny(text, `*?[{\`) }

// segmentsOf cuts a pattern at its slashes. It stops at a brace that may hold a
// slash, because such a brace matches at more than one depth.
func segmentsOf(text string) []string {
	var segments []string
	for text != "" {
		segment, rest, _ := strings.Cut(text, "/")
		if strings.Contains(segment, "{") && strings.Contains(rest, "}") && !isBalanced(segment) {
			return append(segments, "**")
		}
		segments, text = append(segments, segment), rest
	}
	return segments
}

// isBalanced reports whether the braces of segment close in it. It says no in
// doubt, where brackets or backslashes may take a brace's meaning away.
func isBalanced(segment string) bool {
	return strings.Count(segment, "{") == strings.Count(segment, "}") && !strings.ContainsAny(segment, `[\`)
}

// Quote returns a pattern that matches the path name and nothing else, whatever
// signs it has.
func Quote(name string) string {
	return wildcards.ReplaceAllString(name, `\$0`)
}

var wildcards = lazyregexp.New(`[*?{}\[\]\\]`)

// String returns the pattern in its clean form.
func (g Glob) String() string { return g.text }

// IsLiteral reports whether the pattern has no wildcard and so is the path of
// one file.
func (g Glob) IsLiteral() bool { return g.literal }

// Match reports whether the file name matches.
func (g Glob) Match(name string) bool {
	return g.text != "" && (g.text == name || !g.literal && doublestar.MatchUnvalidated(g.text, name))
}

// Base returns the path up to the first wildcard: the file itself for a literal
// glob, else a folder, "." for the root.
func (g Glob) Base() string { return g.base }

// Spells reports whether name is on the path that the pattern writes out: its
// [Glob.Base] or a folder above that.
func (g Glob) Spells(name string) bool { return within(g.base, name) }

// MayHold reports whether a match can be somewhere below the folder dir; "." is
// the root.
func (g Glob) MayHold(dir string) bool { return g.Depth(dir) > 0 }

// Depth returns how many levels of folders below dir the pattern spells: 0 where
// no match can be, 1 for files in dir itself. It is [AnyDepth] when the pattern
// goes on with "**" at dir; a "**" further on counts as one level. "." is the
// root.
func (g Glob) Depth(dir string) int {
	segments := g.segments
	for _, name := range pathSegments(dir) {
		switch {
		case len(segments) == 0:
			return 0
		case segments[0] == "**":
			return AnyDepth
		case !doublestar.MatchUnvalidated(segments[0], name):
			return 0
		}
		segments = segments[1:]
	}
	if len(segments) > 0 && segments[0] == "**" {
		return AnyDepth
	}
	return len(segments)
}

func pathSegments(dir string) []string {
	if dir == "." || dir == "" {
		return nil
	}
	return strings.Split(dir, "/")
}

// within reports whether name is dir or below it.
func within(name, dir string) bool { return name == dir || strings.HasPrefix(name, dir+"/") }
