package plan

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// Find is [Index.Find] in a tree that is read for it.
func Find(fsys fs.FS, repository string) ([]Target, error) {
	x, err := Scan(fsys, ScanOptions{})
	if err != nil {
		return nil, err
	}
	places, err := x.Find(repository, FindOptions{})
	return places.Targets, err
}

// namesOfYAML lists the YAML files of fsys, sorted by directory and name.
func namesOfYAML(fsys fs.FS) ([]string, error) {
	var names []string
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == ".git":
			return fs.SkipDir
		case !entry.IsDir() && files.IsManifest(name):
			names = append(names, name)
		}
		return nil
	})
	return names, err
}

type finder struct {
	repository string
	name       []byte // its last segment, which every shape has on one line
}

// found is what one file has.
type found struct {
	targets  []Target
	computed error // a place whose tag comes from a template action
}

func (f finder) file(in *file) (found, error) {
	if !bytes.Contains(in.src, f.name) && !isWide(in.src, f.name) {
		return found{}, nil
	}
	text := in.read()
	if in.err == nil {
		return f.text(in.name, text), nil
	}
	if !mayName(in.src, f.name) && !isWide(in.src, f.name) {
		return found{}, nil
	}
	if text == nil {
		return found{}, inFile(in.name, in.err)
	}
	here := f.text(in.name, text)
	if len(here.targets) == 0 && here.computed == nil {
		return found{}, inFile(in.name, in.err)
	}
	return here, nil
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

func (f finder) text(name string, text *yamledit.Text) found {
	var here found
	eachSpot(text, string(f.name), func(s spot) {
		switch {
		case !s.names(f.repository):
		case s.computedTag() == "":
			here.targets = append(here.targets, s.target(name))
		case here.computed == nil:
			here.computed = inFile(name, s.computed("set it in the values file: add that to --file"))
		}
	})
	slices.SortStableFunc(here.targets, func(a, b Target) int { return a.Line - b.Line })
	return here
}

// eachSpot visits every spot of the text, and of the YAML in those of its block
// scalars that contain part.
func eachSpot(text *yamledit.Text, part string, visit func(spot)) {
	for _, root := range text.Documents() {
		root.Walk(func(n *yamledit.Node) {
			for _, s := range spotsOf(n) {
				if !s.isPattern() {
					visit(s)
				}
			}
			if !n.Contains(part) {
				return
			}
			if inner := n.Embedded(); inner != nil {
				eachSpot(inner, part, visit)
			}
		})
	}
}

func (s spot) target(file string) Target {
	path := s.value.Path()
	if s.fill != "" {
		path = path.Parent().Child(s.fill)
	}
	return Target{File: file, Path: path, Form: s.form, Line: s.value.Line(), Doc: s.value.Document(), Current: s.ref}
}

// computedTag is the template action, or the ${…} of a tool that substitutes,
// that the tag comes from; or "".
func (s spot) computedTag() string {
	for _, marks := range [][2]string{{"{{", "}}"}, {"${", "}"}, {"$(", ")"}} {
		start := strings.Index(s.ref.Tag, marks[0])
		if start < 0 {
			continue
		}
		if end := strings.LastIndex(s.ref.Tag, marks[1]); end > start {
			return s.ref.Tag[start : end+len(marks[1])]
		}
		return s.ref.Tag[start:]
	}
	return ""
}

// isPattern reports whether what looks like a reference has no tag that a
// registry could have: image: "redis:*" chooses images, and names none.
func (s spot) isPattern() bool {
	return s.form == FormReference && s.ref.Tag != "" && s.computedTag() == "" && image.CheckTag(s.ref.Tag) != nil
}

// computed says that the tag is made elsewhere.
func (s spot) computed(help string) error {
	from := "a template action"
	if strings.HasPrefix(s.computedTag(), "$") {
		from, help = "a substitution", "set it where that gets its value"
	}
	return &yamledit.Error{
		Path: s.value.Path(), Line: s.value.Line(), Err: yamledit.ErrNotFound,
		Why: "the tag comes from " + from + " (" + s.computedTag() + ")", Help: help,
	}
}

const maxListed = 10

// notFound says what is there instead, names that resemble the wanted one first.
func (f finder) notFound(x *Index, opts FindOptions) error {
	e := &missing{repository: f.repository}
	for round, part := range []string{string(f.name), "mage"} {
		e.files = 0
		for _, in := range x.files {
			if !opts.mayChange(in.name) {
				continue
			}
			e.files++
			if len(e.there) >= maxListed || !bytes.Contains(in.src, []byte(part)) || in.read() == nil || in.err != nil {
				continue
			}
			eachSpot(in.text, part, func(s spot) { e.add(in.name, s) })
			if round == 0 {
				e.addWritten(in.name, in.src)
			}
		}
	}
	return e
}

// A missing error says that no file names the image.
type missing struct {
	repository string
	files      int
	there      []string // "acme/api-worker (values.yaml:14)"
	written    []string // "values.yaml:14": lines with the wanted name that are no target
	seen       map[string]bool
}

func (e *missing) add(file string, s spot) {
	name := s.ref.Repository
	if e.seen == nil {
		e.seen = map[string]bool{}
	}
	if len(e.there) == maxListed || e.seen[name] || image.CheckRepository(name) != nil {
		return
	}
	e.seen[name] = true
	e.there = append(e.there, fmt.Sprintf("%s (%s:%d)", name, file, s.value.Line()))
}

// addWritten notes the lines where the repository stands outside of comments: in
// a script, in JSON in quotes, between template actions.
func (e *missing) addWritten(file string, src []byte) {
	number := 0
	for line := range bytes.Lines(src) {
		number++
		if len(e.written) < maxWritten && !bytes.HasPrefix(bytes.TrimSpace(line), []byte("#")) && writes(string(line), e.repository) {
			e.written = append(e.written, fmt.Sprintf("%s:%d", file, number))
		}
	}
}

const maxWritten = 3

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
	files := "1 YAML file"
	if e.files != 1 {
		files = fmt.Sprintf("%d YAML files", e.files)
	}
	text := fmt.Sprintf("%s: not found in %s", e.repository, files)
	if len(e.there) == 0 {
		text += ", which name no image"
	} else {
		text += ", which name: " + strings.Join(e.there, ", ")
	}
	if len(e.written) > 0 {
		text += "; it is written in " + strings.Join(e.written, ", ") + ", where no key holds it as an image"
	}
	return text
}

func (e *missing) Hint() string {
	return "check the image's name and --file, or give the key with --path"
}

func (e *missing) Unwrap() error { return ErrNoTarget }

// At is [Index.At] in a tree that is read for it.
func At(fsys fs.FS, path keypath.Path, repository string) ([]Target, error) {
	x, err := Scan(fsys, ScanOptions{})
	if err != nil {
		return nil, err
	}
	return x.At(path, repository, FindOptions{})
}

// At lists the values at path, as targets of the repository. A value with a / or :
// is a whole reference and must name the repository; anything else is a bare tag.
// Files without the path are passed over; when no file has it, the error wraps
// [ErrNoTarget].
func (x *Index) At(path keypath.Path, repository string, opts FindOptions) ([]Target, error) {
	if err := image.CheckRepository(repository); err != nil {
		return nil, err
	}
	var targets []Target
	var missing error // why the last file has no such value
	files := 0
	for _, f := range x.files {
		if !opts.mayChange(f.name) {
			continue
		}
		files++
		if files > 1 && !bytes.Contains(f.src, []byte(path.Key())) {
			continue
		}
		found, err := targetsAt(f, path, repository)
		if errors.Is(err, yamledit.ErrNotFound) {
			missing = err
			continue
		}
		if err != nil {
			return nil, err
		}
		targets = append(targets, found...)
	}
	switch {
	case len(targets) > 0:
		return targets, nil
	case files == 1:
		return nil, missing
	}
	return nil, &noPath{path, files}
}

// A noPath error says that none of several files has the path.
type noPath struct {
	path  keypath.Path
	files int
}

func (e *noPath) Error() string {
	return fmt.Sprintf("%s: not found in %d YAML files", e.path, e.files)
}

func (e *noPath) Hint() string { return "check --path and --file" }

func (e *noPath) Unwrap() error { return ErrNoTarget }

func targetsAt(f *file, path keypath.Path, repository string) ([]Target, error) {
	name := f.name
	text, err := f.whole()
	if err != nil {
		return nil, err
	}
	spots, err := spotsAtPath(text, path, repository)
	if err != nil {
		return nil, inFile(name, err)
	}
	var targets []Target
	var refused error
	for _, s := range spots {
		if err := s.checkNamed(repository); err != nil {
			refused = inFile(name, err)
			continue
		}
		targets = append(targets, s.target(name))
	}
	if len(targets) == 0 || refused != nil && !text.IsTemplate() {
		return nil, refused
	}
	return targets, nil
}

// checkNamed refuses a spot at a given path whose tag is not the repository's,
// or no tag at all.
func (s spot) checkNamed(repository string) error {
	switch {
	case s.computedTag() != "":
		return s.computed("set it in the values file: give that with --file")
	case !s.names(repository) && !s.isNameless():
		return &yamledit.Error{
			Path: s.value.Path(), Line: s.value.Line(), Err: ErrNoTarget,
			Why:  fmt.Sprintf("holds the image %q, not %q", s.ref.Repository, repository),
			Help: "check --path, or the image's name",
		}
	}
	return nil
}
