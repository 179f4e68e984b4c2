package files

import "slices"

// A Selection says which files of a repository are read. The zero value wants
// every file that [IsManifest] accepts and has no context.
type Selection struct {
	wanted, context []Glob
}

// Select returns the selection that wants what globs match; without globs, the
// zero value. Its error quotes the glob that is wrong.
func Select(globs ...string) (Selection, error) {
	wanted, err := parseGlobs(globs)
	return Selection{wanted: wanted}, err
}

// MustSelect is [Select] for globs that are known to be right.
func MustSelect(globs ...string) Selection {
	s, err := Select(globs...)
	if err != nil {
		panic(err)
	}
	return s
}

// WithContext returns s with files that are read where they exist, and never
// changed.
func (s Selection) WithContext(globs ...string) (Selection, error) {
	context, err := parseGlobs(globs)
	return Selection{wanted: s.wanted, context: append(slices.Clip(s.context), context...)}, err
}

// Union returns the selection of the files of both: wanted is what either wants.
// Where only one of them wants every manifest, what the other wants is context.
func (s Selection) Union(t Selection) Selection {
	union := Selection{context: slices.Concat(s.context, t.context)}
	switch {
	case len(s.wanted) == 0:
		union.context = append(union.context, t.wanted...)
	case len(t.wanted) == 0:
		union.context = append(union.context, s.wanted...)
	default:
		union.wanted = slices.Concat(s.wanted, t.wanted)
	}
	return union
}

func parseGlobs(globs []string) ([]Glob, error) {
	var parsed []Glob
	for _, text := range globs {
		glob, err := ParseGlob(text)
		if err != nil {
			return nil, err
		}
		parsed = append(parsed, glob)
	}
	return parsed, nil
}

// Wants reports whether the file name may be changed.
func (s Selection) Wants(name string) bool {
	if len(s.wanted) == 0 {
		return IsManifest(name)
	}
	return slices.ContainsFunc(s.wanted, func(g Glob) bool { return g.Match(name) })
}

// Includes reports whether the file name is read: it is wanted or context.
func (s Selection) Includes(name string) bool {
	return s.Wants(name) || slices.ContainsFunc(s.context, func(g Glob) bool { return g.Match(name) })
}

// Required returns the wanted files that must exist: the globs without
// wildcards.
func (s Selection) Required() []string {
	var names []string
	for _, glob := range s.wanted {
		if glob.literal {
			names = append(names, glob.text)
		}
	}
	return names
}

// Globs returns all patterns, the wanted ones first; none when s wants every
// manifest and has no context.
func (s Selection) Globs() []Glob { return slices.Concat(s.wanted, s.context) }

// Spells reports whether a glob writes name out, see [Glob.Spells].
func (s Selection) Spells(name string) bool {
	return slices.ContainsFunc(s.Globs(), func(g Glob) bool { return g.Spells(name) })
}

// MayHold reports whether a selected file can be below the folder dir.
func (s Selection) MayHold(dir string) bool { return s.Depth(dir) > 0 }

// Depth returns how many levels below the folder dir the deepest selected file
// can be, see [Glob.Depth].
func (s Selection) Depth(dir string) int {
	if len(s.wanted) == 0 {
		return AnyDepth
	}
	most := 0
	for _, glob := range s.Globs() {
		most = max(most, glob.Depth(dir))
	}
	return most
}
