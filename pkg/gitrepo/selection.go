package gitrepo

import (
	"fmt"
	"path"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// everyYAML is what a Read without globs means.
var everyYAML = []string{"**/*.yaml", "**/*.yml", "**/*.tpl", "**/Kustomization"}

// A selection says which files are wanted, and so which directories need not be
// looked into.
type selection struct {
	patterns []pattern
}

type pattern struct {
	text     string
	segments []string
	literal  bool // without meta characters: it must name a file
}

func newSelection(globs []string) (selection, error) {
	if len(globs) == 0 {
		globs = everyYAML
	}
	var sel selection
	for _, glob := range globs {
		p, err := newPattern(glob)
		if err != nil {
			return selection{}, err
		}
		sel.patterns = append(sel.patterns, p)
	}
	return sel, nil
}

func newPattern(glob string) (pattern, error) {
	text := strings.TrimPrefix(glob, "./")
	switch {
	case text == "" || strings.HasPrefix(text, "/"):
		return pattern{}, fmt.Errorf("%q: a path in the repository does not begin with a slash", glob)
	case path.Clean("/"+text) != "/"+text:
		return pattern{}, fmt.Errorf("%q: is not a clean path", glob)
	case !doublestar.ValidatePattern(text):
		return pattern{}, fmt.Errorf("%q: is not a glob", glob)
	}
	p := pattern{text: text, literal: !strings.ContainsAny(text, `*?[{\`)}
	p.segments = splitSegments(text)
	return p, nil
}

// splitSegments cuts a pattern at its slashes, up to a brace that may hold one:
// from there on any depth is possible.
func splitSegments(text string) []string {
	var segments []string
	for text != "" {
		segment, rest, _ := strings.Cut(text, "/")
		if strings.Contains(segment, "{") && strings.Contains(rest, "}") {
			return append(segments, "**")
		}
		segments, text = append(segments, segment), rest
	}
	return segments
}

// file reports whether the file at name is wanted.
func (s selection) file(name string) bool {
	for _, p := range s.patterns {
		if p.text == name || !p.literal && doublestar.MatchUnvalidated(p.text, name) {
			return true
		}
	}
	return false
}

// below reports whether a wanted file may be somewhere below the directory.
func (s selection) below(dir string) bool {
	names := strings.Split(dir, "/")
	for _, p := range s.patterns {
		if mayHold(p.segments, names) {
			return true
		}
	}
	return false
}

func mayHold(segments, dir []string) bool {
	switch {
	case len(segments) == 0:
		return false
	case segments[0] == "**":
		return true
	case len(dir) == 0:
		return true
	case !doublestar.MatchUnvalidated(segments[0], dir[0]):
		return false
	}
	return mayHold(segments[1:], dir[1:])
}

// anyDepth is a reach without an end.
const anyDepth = 1 << 20

// reach tells how many levels below the directory the furthest wanted file may
// be: 1 when it is in the directory itself, anyDepth for a "**". The directory ""
// is the root.
func (s selection) reach(dir string) int {
	var names []string
	if dir != "" {
		names = strings.Split(dir, "/")
	}
	most := 0
	for _, p := range s.patterns {
		most = max(most, reach(p.segments, names))
	}
	return most
}

func reach(segments, dir []string) int {
	switch {
	case len(segments) == 0:
		return 0
	case segments[0] == "**":
		return anyDepth
	case len(dir) == 0:
		return len(segments)
	case !doublestar.MatchUnvalidated(segments[0], dir[0]):
		return 0
	}
	return reach(segments[1:], dir[1:])
}
