package plan

import (
	"bytes"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/internal/suggest"
)

// A missing error says that no file names the image, and what the files do name.
type missing struct {
	repository string
	files      int
	names      []nearName
	written    []string // "values.yaml:14": lines with the wanted name that are no target
	left       []Left   // places of the image that are not changed
	outside    []string // places in files that may not be changed
	open       []string // "image.tag: v1 (values.yaml:3)": tags without a name
	openPath   string   // the path of the first of them
}

// A nearName is an image that the files name.
type nearName struct {
	name, place string
	distance    int // from the wanted name: the smaller, the nearer
}

const (
	maxListed  = 6 // names
	maxWritten = 3 // lines
	maxScanned = 200
)

// missing says what the files name instead, names that resemble the wanted one
// first.
func (s *search) missing() error {
	e := &missing{repository: s.repository, left: s.left}
	seen := map[string]bool{}
	few := s.isNarrow()
	for round, part := range []string{s.part, "mage"} {
		e.files = 0
		for _, f := range s.index.files {
			if !s.mayChange(f) {
				continue
			}
			e.files++
			if round == 0 && few {
				e.addOpen(f)
			}
			if len(e.names) >= maxScanned || !bytes.Contains(f.src, []byte(part)) || f.read() == nil || f.err != nil {
				continue
			}
			for _, spot := range f.spots(part) {
				e.add(seen, f.name, spot)
			}
			if round == 0 {
				e.addWritten(f.name, f.src)
			}
		}
	}
	sort.SliceStable(e.names, func(i, j int) bool { return e.names[i].distance < e.names[j].distance })
	e.outside = s.outside()
	return e
}

// isNarrow reports whether few files may be changed: then it helps to list their
// tags without names.
func (s *search) isNarrow() bool {
	count := 0
	for _, f := range s.index.files {
		if s.mayChange(f) {
			count++
		}
	}
	return count <= maxScanned
}

// outside lists the image's places in files that may not be changed.
func (s *search) outside() []string {
	var places []string
	for _, f := range s.index.files {
		if s.mayChange(f) || !f.mayHold([]byte(s.part)) {
			continue
		}
		for _, spot := range f.spots(s.part) {
			if spot.names(s.repository) && len(places) < maxWritten {
				places = append(places, fmt.Sprintf("%s:%d", f.name, spot.value.Line()))
			}
		}
	}
	return places
}

func (e *missing) add(seen map[string]bool, file string, s spot) {
	name := s.ref.Repository
	if seen[name] || image.CheckRepository(name) != nil || isNoName(name) || s.names(e.repository) {
		return
	}
	seen[name] = true
	e.names = append(e.names, nearName{name, fmt.Sprintf("%s:%d", file, s.value.Line()), distance(name, e.repository)})
}

// isNoName reports whether the text is a value that only looks like a name.
func isNoName(text string) bool {
	return slices.Contains([]string{"true", "false", "yes", "no", "on", "off", "none", "null", "default", "always", "never"}, text) || strings.Trim(text, "0123456789.") == ""
}

// distance is how far a name is from the wanted one: the same last segment, one
// that has it as a part, a common part, nothing.
func distance(name, wanted string) int {
	base, other := image.BaseName(name), image.BaseName(wanted)
	switch {
	case base == other:
		return 0
	case strings.Contains(base, other) || strings.Contains(other, base):
		return 1
	}
	for _, word := range wordsOf(base) {
		if len(word) > 2 && slices.Contains(wordsOf(other), word) {
			return 2
		}
	}
	return 3
}

// addWritten notes the lines that hold the repository as text.
func (e *missing) addWritten(file string, src []byte) {
	for _, line := range linesWith(src, e.repository) {
		if len(e.written) < maxWritten {
			e.written = append(e.written, fmt.Sprintf("%s:%d", file, line))
		}
	}
}

// linesWith lists the lines (1-based) outside of comments that hold the repository
// with a tag or digest: in a script, in JSON in quotes, between template actions.
func linesWith(src []byte, repository string) []int {
	var lines []int
	number := 0
	for line := range bytes.Lines(src) {
		number++
		if !bytes.HasPrefix(bytes.TrimSpace(line), []byte("#")) && writes(string(line), repository) {
			lines = append(lines, number)
		}
	}
	return lines
}

// writes reports whether the line has the repository with a tag or digest behind it.
func writes(line, repository string) bool {
	for at := 0; ; {
		i := strings.Index(line[at:], repository)
		if i < 0 {
			return false
		}
		end := at + i + len(repository)
		before := strings.TrimRightFunc(line[:at+i], isNameRune)
		if len(before) == at+i && len(line) > end+1 && (line[end] == ':' || line[end] == '@') && isNameRune(rune(line[end+1])) {
			return true
		}
		at = end
	}
}

func isNameRune(c rune) bool {
	return c == '/' || c == '-' || c == '_' || c == '.' || c == ':' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func (e *missing) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", e.repository, notFoundIn(e.files))
	if e.files > 0 && len(e.names)+len(e.left)+len(e.written)+len(e.outside)+len(e.open) == 0 {
		b.WriteString(", which name no image")
		return b.String()
	}
	for _, left := range e.left {
		fmt.Fprintf(&b, "\n  %s: %s %s", place(left.File, left.Line), left.Path, left.Reason)
	}
	if len(e.outside) > 0 {
		fmt.Fprintf(&b, "\n  it is in %s, which this run leaves out", strings.Join(e.outside, ", "))
	}
	if len(e.written) > 0 && len(e.left) == 0 {
		fmt.Fprintf(&b, "\n  it is written in %s, where no key holds it as an image", strings.Join(e.written, ", "))
	}
	list(&b, "tags without an image's name", e.open)
	var names []string
	for _, near := range e.names {
		names = append(names, near.name+" ("+near.place+")")
	}
	list(&b, "images in these files", names)
	return b.String()
}

// list writes the items one per line, the first of them if there are many.
func list(b *strings.Builder, title string, items []string) {
	if len(items) == 0 {
		return
	}
	fmt.Fprintf(b, "\n  %s:", title)
	for i, item := range items {
		if i == maxListed {
			fmt.Fprintf(b, "\n    and %d more", len(items)-i)
			break
		}
		b.WriteString("\n    " + item)
	}
}

func place(file string, line int) string {
	if line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d", file, line)
}

// notFoundIn says how many files were searched in vain.
func notFoundIn(files int) string {
	switch files {
	case 0:
		return "no YAML file is selected"
	case 1:
		return "not found in 1 YAML file"
	}
	return fmt.Sprintf("not found in %d YAML files", files)
}

// nothingSelectedHint is for a search of no file at all.
const nothingSelectedHint = "check --file, or the environment's files in the project file"

func (e *missing) Hint() string {
	switch {
	case e.files == 0:
		return nothingSelectedHint
	case len(e.outside) > 0 && len(e.open) == 0:
		return "name that file with --file, or check the image's name"
	case e.meant() != "":
		return "did you mean " + e.meant() + "?"
	case e.openPath != "":
		return "where a tag is the image's, give its key: --path " + quoteArgument(e.openPath)
	}
	return "check the image's name and --file, or give the key with --path"
}

// meant returns the image that was meant by a misspelt name, or "". A longer name is that
// of another image: acme/web-worker is not acme/web.
func (e *missing) meant() string {
	var names []string
	for _, near := range e.names {
		if !strings.HasPrefix(near.name, e.repository) {
			names = append(names, near.name)
		}
	}
	return suggest.Nearest(e.repository, names)
}

func (e *missing) Unwrap() error { return noTargetIn(e.files) }

// noTargetIn returns [ErrNoFile] where no file was searched, else [ErrNoTarget].
func noTargetIn(files int) error {
	if files == 0 {
		return ErrNoFile
	}
	return ErrNoTarget
}
