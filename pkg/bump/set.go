package bump

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/placeholder"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/safetext"
)

// A Set is a further value that changes in the same commit: a chart's appVersion,
// an annotation with the source commit. It is set only when an image changes.
type Set struct {
	File  string // its name, from the repository's root
	Path  keypath.Path
	Value placeholder.Text // over SetPlaceholders
}

// Placeholders of a Set's value, and of a commit's message.
var (
	SetPlaceholders     = []string{"Tag", "Digest", "Revision", "Image", "Environment"}
	MessagePlaceholders = append(slices.Clone(SetPlaceholders), "Subject", "Changes")
)

// NewSet returns the Set of a file, a key path and a text. Its errors have the kind
// fault.Usage.
func NewSet(file, path, text string) (Set, error) {
	glob, err := files.ParseGlob(file)
	if err != nil {
		return Set{}, fault.As(fault.Usage, err)
	}
	if strings.ContainsAny(file, "*?[{") {
		return Set{}, fault.Errorf(fault.Usage, "%q: a value is set in one file, not in those of a pattern", file)
	}
	s := Set{File: glob.String()}
	if s.Path, err = keypath.Parse(path); err != nil {
		return Set{}, fault.Errorf(fault.Usage, "%s: %w", file, err)
	}
	if s.Value, err = placeholder.Parse(text, SetPlaceholders...); err != nil {
		return Set{}, fmt.Errorf("%s: %s: %w", file, path, err)
	}
	return s, nil
}

// ParseSet reads FILE:KEY=TEXT, as in web/Chart.yaml:appVersion={{.Tag}}. The key
// may have a selector with "=" in brackets.
func ParseSet(text string) (Set, error) {
	file, rest, found := strings.Cut(text, ":")
	end := endOfKey(rest)
	if !found || file == "" || end < 1 {
		return Set{}, fault.Errorf(fault.Usage, "%q is not of the form FILE:KEY=TEXT", text).
			WithHint("for example web/Chart.yaml:appVersion={{.Tag}}")
	}
	return NewSet(file, rest[:end], rest[end+1:])
}

// endOfKey returns the offset of the first "=" outside of brackets, or -1.
func endOfKey(s string) int {
	depth := 0
	for i, c := range s {
		switch {
		case c == '[':
			depth++
		case c == ']':
			depth--
		case c == '=' && depth <= 0:
			return i
		}
	}
	return -1
}

// values are what the placeholders mean for an outcome. Several images have their
// values joined, each once.
func (o Outcome) values(environment string) map[string]string {
	joined := func(field func(ImageOutcome) string) string {
		var all []string
		for _, img := range o.changedImages() {
			if value := safetext.Line(field(img)); value != "" && !slices.Contains(all, value) {
				all = append(all, value)
			}
		}
		return strings.Join(all, ", ")
	}
	return map[string]string{
		"Tag":         joined(func(img ImageOutcome) string { return img.Tag }),
		"Digest":      joined(func(img ImageOutcome) string { return img.Digest }),
		"Revision":    joined(func(img ImageOutcome) string { return img.Revision }),
		"Image":       joined(func(img ImageOutcome) string { return img.Repository }),
		"Environment": safetext.Line(environment),
	}
}

// assignments are the values to set for an outcome. A placeholder that differs
// among the images, or that has no value, is refused.
func (req Request) assignments(outcome Outcome) ([]plan.Assignment, error) {
	values := outcome.values(req.To)
	if values["Revision"] == "" {
		values["Revision"] = safetext.Line(req.Provenance.Revision)
	}
	images := len(outcome.changedImages())
	var all []plan.Assignment
	for _, set := range req.Sets {
		for _, name := range set.Value.Names() {
			switch {
			case values[name] == "":
				return nil, fault.Errorf(fault.Usage, "%s: %s: {{.%s}} is not known", set.File, set.Path, name)
			case images > 1 && strings.Contains(values[name], ", "):
				return nil, fault.Errorf(fault.Usage, "%s: %s: {{.%s}} has several values, because %d images change: %s", set.File, set.Path, name, images, values[name]).
					WithHint("name one image")
			}
		}
		all = append(all, plan.Assignment{File: set.File, Path: set.Path, Value: set.Value.Fill(values)})
	}
	return all, nil
}

// setFiles returns the names of the files in which values are set.
func (req Request) setFiles() []string {
	var names []string
	for _, set := range req.Sets {
		if !slices.Contains(names, set.File) {
			names = append(names, set.File)
		}
	}
	return names
}
