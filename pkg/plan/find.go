package plan

import (
	"bytes"
	"errors"
	"slices"
	"sort"
	"strings"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// FindOptions restrict and help a search. The zero value searches every file.
type FindOptions struct {
	// Files are the files that may be changed. The others are context: they can
	// name the image of a tag in another file, but are never targets.
	Files files.Selection
	// As is how the files write the repository, where that differs from the name
	// that the registry knows: a mirror, or a short name behind a global registry.
	As string
	// Paths are the places of the image's tag, where the files do not tell. With
	// Paths nothing else is searched.
	Paths []keypath.Path
}

// Places are where an image is written.
type Places struct {
	Targets []Target // the places to change, sorted by file and line
	Left    []Left   // places that also name the image and are not changed
}

// A Left is a place that names the image and is left as it is.
type Left struct {
	File   string
	Line   int          // 1-based; 0 when the whole file is meant
	Doc    int          // 0-based
	Path   keypath.Path // zero when the whole file is meant
	Reason string       // completes "the place …": "is a test", "has no tag, and …"
}

// A candidate is a spot that names the wanted image.
type candidate struct {
	file *file
	spot spot
}

func (c candidate) left(reason string) Left {
	return Left{File: c.file.name, Line: c.spot.value.Line(), Doc: c.spot.value.Document(), Path: c.spot.path(), Reason: reason}
}

// Find lists where the repository's tag or digest is written, and the places that
// also name the image and are left. When there is no target, the error wraps
// [ErrNoTarget] and says what the files name instead; or it says which place
// cannot be changed: the tag comes from a template action, or the file that may
// name the image cannot be read.
func (x *Index) Find(repository string, opts FindOptions) (Places, error) {
	if err := image.CheckRepository(repository); err != nil {
		return Places{}, err
	}
	if len(opts.Paths) > 0 {
		return x.atAll(opts.Paths, repository, opts)
	}
	s := newSearch(x, repository, opts)
	s.run()
	if err := s.attach(); err != nil {
		return Places{}, err
	}
	s.leaveBareImages()
	s.leaveOtherKinds()
	s.leaveFillsInTemplates()
	s.leaveText()
	return s.places()
}

func (x *Index) atAll(paths []keypath.Path, repository string, opts FindOptions) (Places, error) {
	var all Places
	var missing error
	for _, path := range paths {
		targets, err := x.At(path, repository, opts)
		if isPathMissing(err) {
			missing = err
			continue
		}
		if err != nil {
			return Places{}, err
		}
		all.Targets = append(all.Targets, targets...)
	}
	if len(all.Targets) == 0 {
		return Places{}, missing
	}
	return all, nil
}

// isPathMissing reports whether the error only says that no file has the path.
func isPathMissing(err error) bool {
	return errors.As(err, new(*noPath)) || errors.Is(err, yamledit.ErrNotFound)
}

// A search looks for one image in the files of an index.
type search struct {
	index      *Index
	opts       FindOptions
	repository string // as the files write it
	part       string // its last segment, which every shape has on one line
	findings
}

// findings are what a search found, in one file or in all.
type findings struct {
	found   []candidate
	left    []Left
	blocked []error // places of the image whose tag is made elsewhere
	broken  []error // files that may name the image and cannot be read
}

func newSearch(x *Index, repository string, opts FindOptions) *search {
	if opts.As != "" {
		repository = opts.As
	}
	return &search{index: x, opts: opts, repository: repository, part: image.BaseName(repository)}
}

// run searches the files that may be changed, several at a time.
func (s *search) run() {
	results := make([]findings, len(s.index.files))
	inParallel(len(results), func(i int) {
		if f := s.index.files[i]; s.mayChange(f) && f.mayHold([]byte(s.part)) {
			results[i] = s.file(f)
		}
	})
	for _, r := range results {
		s.found = append(s.found, r.found...)
		s.left = append(s.left, r.left...)
		s.blocked = append(s.blocked, r.blocked...)
		s.broken = append(s.broken, r.broken...)
	}
}

func (s *search) mayChange(f *file) bool { return s.opts.Files.Wants(f.name) }

// file searches one file.
func (s *search) file(f *file) findings {
	var here findings
	spots := slices.DeleteFunc(slices.Clone(f.spots(s.part)), func(spot spot) bool { return !spot.names(s.repository) })
	for _, spot := range spots {
		if !spot.isSetBy(spots) {
			s.judge(&here, candidate{f, spot})
		}
	}
	if f.err != nil && len(here.found)+len(here.blocked) == 0 && (mayName(f.src, []byte(s.part)) || isWide(f.src, []byte(s.part))) {
		here.broken = append(here.broken, inFile(f.name, f.err))
		here.left = append(here.left, Left{File: f.name, Reason: f.err.Error()})
	}
	sort.SliceStable(here.found, func(i, j int) bool { return here.found[i].spot.value.Line() < here.found[j].spot.value.Line() })
	here.found = slices.CompactFunc(here.found, candidate.isSame)
	return here
}

// judge tells a place to change from one to leave.
func (s *search) judge(here *findings, c candidate) {
	registry := c.spot.global
	switch comment := c.file.placeholderBeside(c.spot); {
	case comment != "":
		here.left = append(here.left, c.left("is empty, but for "+comment+", which another tool replaces"))
	case c.spot.computedTag() != "":
		err := c.spot.computed(c.file)
		here.blocked = append(here.blocked, inFile(c.file.name, err))
		here.left = append(here.left, c.left("has a tag that is made elsewhere: "+c.spot.computedTag()))
	case c.spot.reasonToLeave() != "":
		here.left = append(here.left, c.left(c.spot.reasonToLeave()))
	case registry != nil && s.opts.As == "" && c.spot.isBehind(registry, s.repository):
		here.left = append(here.left, c.left("is "+join(registry.Value(), c.spot.short())+", because "+registry.Path().String()+" (line "+itoa(registry.Line())+") is set"))
	default:
		here.found = append(here.found, c)
	}
}

// isSame reports whether both candidates would change the same value.
func (c candidate) isSame(other candidate) bool {
	a, b := c.spot, other.spot
	return a.value.Is(b.value) && a.fill == b.fill && (a.literal == nil) == (b.literal == nil) && (a.literal == nil || a.literal.Value == b.literal.Value)
}

// leaveOtherKinds leaves tests, CI configuration and the like when a file that
// deploys names the image.
func (s *search) leaveOtherKinds() {
	kindOf := func(c candidate) files.Kind { return s.opts.Files.Kind(c.file.name) }
	if !slices.ContainsFunc(s.found, func(c candidate) bool { return kindOf(c) == files.Deploys }) {
		return
	}
	s.leave(func(c candidate) string {
		if kind := kindOf(c); kind != files.Deploys {
			return "is in a file that is " + kind.String()
		}
		return ""
	})
}

// leaveFillsInTemplates leaves places in templates where the tag's key is missing,
// which cannot be put in there, when the image has other places.
func (s *search) leaveFillsInTemplates() {
	cannot := func(c candidate) bool { return c.spot.fill != "" && c.file.text.IsTemplate() }
	if !slices.ContainsFunc(s.found, func(c candidate) bool { return !cannot(c) }) {
		return
	}
	s.leave(func(c candidate) string {
		if cannot(c) {
			return "has no tag, and is in a template, where none can be put in"
		}
		return ""
	})
}

// maxText is how many lines of other text are told of.
const maxText = 20

// leaveText tells of lines that have the image's name and a tag, where no key holds
// them: in a script, or in text that cannot be read.
func (s *search) leaveText() {
	if len(s.found) == 0 || !strings.Contains(s.repository, "/") {
		return // redis:6379 is a host more often than an image
	}
	known := map[string]bool{}
	for _, c := range s.found {
		line := c.spot.value.Line()
		known[place(c.file.name, line)], known[place(c.file.name, line+1)] = true, true // a block scalar's text is below
	}
	for _, left := range s.left {
		known[place(left.File, left.Line)] = true
	}
	count := 0
	for _, f := range s.index.files {
		if !s.mayChange(f) || s.opts.Files.Kind(f.name) != files.Deploys || !bytes.Contains(f.src, []byte(s.repository)) {
			continue
		}
		for _, line := range linesWith(f.src, s.repository) {
			if !known[place(f.name, line)] && count < maxText {
				count++
				s.left = append(s.left, Left{File: f.name, Line: line, Reason: "is text, in which no key holds an image"})
			}
		}
	}
}

// leave moves the candidates with a reason from the found ones to the left ones.
func (s *search) leave(reason func(candidate) string) {
	var kept []candidate
	for _, c := range s.found {
		if why := reason(c); why != "" {
			s.left = append(s.left, c.left(why))
			continue
		}
		kept = append(kept, c)
	}
	s.found = kept
}

// places is the search's result.
func (s *search) places() (Places, error) {
	var places Places
	for _, c := range s.found {
		places.Targets = append(places.Targets, c.spot.target(c.file.name))
	}
	switch {
	case len(places.Targets) > 0:
		places.Left = s.left
		return places, nil
	case len(s.blocked) > 0:
		return Places{Left: s.left}, s.blocked[0]
	case len(s.broken) > 0:
		return Places{Left: s.left}, s.broken[0]
	}
	return Places{Left: s.left}, s.missing()
}

// isWide reports whether src is UTF-16 with the name in it, which is refused then.
func isWide(src, name []byte) bool {
	if !bytes.HasPrefix(src, []byte("\xff\xfe")) && !bytes.HasPrefix(src, []byte("\xfe\xff")) {
		return false
	}
	wide := bytes.ReplaceAll(name, nil, []byte{0}) // NUL before, between and behind
	return bytes.Contains(src, bytes.Trim(wide, "\x00"))
}

// mayName reports whether a line of a file that cannot be read might write the
// image: the name alone is a word that turns up anywhere.
func mayName(src, name []byte) bool {
	named := []byte("image")
	if bytes.Contains(src, []byte("tag")) || bytes.Contains(src, []byte("Tag")) {
		named = []byte("name")
	}
	for line := range bytes.Lines(src) {
		at := bytes.LastIndex(line, name)
		if at < 0 {
			continue
		}
		before := bytes.ToLower(line[:at])
		if bytes.HasSuffix(before, []byte("/")) || bytes.Contains(before, []byte("image")) ||
			bytes.Contains(before, []byte("repository")) || bytes.Contains(before, named) {
			return true
		}
	}
	return false
}
