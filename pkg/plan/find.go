package plan

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// Find lists where the repository's tag or digest is written in the YAML files
// of fsys (.yaml, .yml, .tpl), sorted by file and line. Nothing found is an error
// that wraps [ErrNoTarget] and lists images that are there. A file that may name
// the image and cannot be read as YAML is an error too; but a template of which
// single lines can be read is searched by line.
func Find(fsys fs.FS, repository string) ([]Target, error) {
	if err := image.CheckRepository(repository); err != nil {
		return nil, err
	}
	f := finder{repository: repository, name: []byte(image.BaseName(repository))}
	if err := walkYAML(fsys, f.file); err != nil {
		return nil, err
	}
	if len(f.targets) == 0 {
		return nil, f.notFound(fsys)
	}
	return f.targets, nil
}

// walkYAML visits the YAML files of fsys in the order of their names.
func walkYAML(fsys fs.FS, visit func(name string, text []byte) error) error {
	return fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && entry.Name() == ".git" {
			return fs.SkipDir
		}
		if entry.IsDir() || !isYAML(name) {
			return nil
		}
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		return visit(name, text)
	})
}

func isYAML(name string) bool {
	switch path.Ext(name) {
	case ".yaml", ".yml", ".tpl":
		return true
	}
	return false
}

type finder struct {
	repository string
	name       []byte // its last segment, which every shape has on one line
	targets    []Target
	computed   error // a place whose tag comes from a template action
	files      int
}

func (f *finder) file(name string, src []byte) error {
	f.files++
	if !bytes.Contains(src, f.name) && !isWide(src, f.name) {
		return nil
	}
	text, err := yamledit.Parse(src)
	if err != nil && (mayName(src, f.name) || isWide(src, f.name)) {
		return f.byLine(name, src, err)
	}
	if err != nil {
		return nil
	}
	f.text(name, text)
	return nil
}

// isWide reports whether src is UTF-16 with the name in it, which is refused then.
func isWide(src, name []byte) bool {
	if !bytes.HasPrefix(src, []byte("\xff\xfe")) && !bytes.HasPrefix(src, []byte("\xfe\xff")) {
		return false
	}
	wide := bytes.ReplaceAll(name, nil, []byte{0}) // NUL before, between and behind
	return bytes.Contains(src, bytes.Trim(wide, "\x00"))
}

// byLine looks into a template that is no YAML even with placeholders. That it
// cannot be read is no matter if its lines name the image.
func (f *finder) byLine(name string, src []byte, refused error) error {
	before, computed := len(f.targets), f.computed
	text, err := yamledit.ParseLines(src)
	if err != nil {
		return inFile(name, refused)
	}
	if f.text(name, text); len(f.targets) == before && f.computed == computed {
		return inFile(name, refused)
	}
	return nil
}

// mayName reports whether a line of a file that cannot be read might write the
// image: the name alone is a word that turns up anywhere.
func mayName(src, name []byte) bool {
	named := []byte("image")
	if bytes.Contains(src, []byte("tag")) || bytes.Contains(src, []byte("Tag")) {
		named = []byte("name")
	}
	for line := range bytes.Lines(src) {
		at := bytes.Index(line, name)
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

func (f *finder) text(name string, text *yamledit.Text) {
	var found []Target
	eachSpot(text, string(f.name), func(s spot) {
		if !s.names(f.repository) {
			return
		}
		if s.computedTag() != "" {
			f.noteComputed(name, s)
			return
		}
		found = append(found, s.target(name))
	})
	slices.SortStableFunc(found, func(a, b Target) int { return a.Line - b.Line })
	f.targets = append(f.targets, found...)
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

func (f *finder) noteComputed(file string, s spot) {
	if f.computed == nil {
		f.computed = inFile(file, s.computed("set it in the values file: add that to --file"))
	}
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
func (f *finder) notFound(fsys fs.FS) error {
	if f.computed != nil {
		return f.computed
	}
	e := &missing{repository: f.repository, files: f.files}
	for _, part := range []string{string(f.name), "mage"} {
		err := walkYAML(fsys, func(name string, src []byte) error {
			if !bytes.Contains(src, []byte(part)) {
				return nil
			}
			text, err := yamledit.Parse(src)
			if err != nil {
				return nil // it was refused above if it mattered
			}
			eachSpot(text, part, func(s spot) { e.add(name, s) })
			if len(e.there) >= maxListed {
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return e
}

// A missing error says that no file names the image.
type missing struct {
	repository string
	files      int
	there      []string // "acme/api-worker (values.yaml:14)"
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

func (e *missing) Error() string {
	files := "1 YAML file"
	if e.files != 1 {
		files = fmt.Sprintf("%d YAML files", e.files)
	}
	text := fmt.Sprintf("%s: not found in %s", e.repository, files)
	if len(e.there) == 0 {
		return text + ", which name no image"
	}
	return text + ", which name: " + strings.Join(e.there, ", ")
}

func (e *missing) Hint() string {
	return "check the image's name and --file, or give the key with --path"
}

func (e *missing) Unwrap() error { return ErrNoTarget }

// At lists the values at path in the YAML files of fsys, as targets of the
// repository. A value with a / or : is a whole reference and must name the
// repository; anything else is a bare tag. Files without the path are passed
// over; when no file has it, the error wraps [ErrNoTarget].
func At(fsys fs.FS, path yamledit.Path, repository string) ([]Target, error) {
	if err := image.CheckRepository(repository); err != nil {
		return nil, err
	}
	var targets []Target
	var missing error // why the last file has no such value
	files := 0
	err := walkYAML(fsys, func(name string, src []byte) error {
		files++
		if files > 1 && !bytes.Contains(src, []byte(path.Key())) {
			return nil
		}
		found, err := targetsAt(name, src, path, repository)
		if errors.Is(err, yamledit.ErrNotFound) {
			missing = err
			return nil
		}
		targets = append(targets, found...)
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case len(targets) > 0:
		return targets, nil
	case files == 1:
		return nil, missing
	}
	return nil, &noPath{path, files}
}

// A noPath error says that none of several files has the path.
type noPath struct {
	path  yamledit.Path
	files int
}

func (e *noPath) Error() string {
	return fmt.Sprintf("%s: not found in %d YAML files", e.path, e.files)
}

func (e *noPath) Hint() string { return "check --path and --file" }

func (e *noPath) Unwrap() error { return ErrNoTarget }

func targetsAt(name string, src []byte, path yamledit.Path, repository string) ([]Target, error) {
	text, err := yamledit.Parse(src)
	if err != nil {
		return nil, inFile(name, err)
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
			Path: s.value.Path(), Line: s.value.Line(),
			Why:  fmt.Sprintf("holds the image %q, not %q", s.ref.Repository, repository),
			Help: "check --path, or the image's name",
		}
	}
	return nil
}
