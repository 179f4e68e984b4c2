package plan

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// Find lists where the repository's tag or digest is written in the YAML files
// of fsys (.yaml, .yml, .tpl, Kustomization), sorted by file and line. Nothing found is an error
// that wraps [ErrNoTarget] and lists images that are there. A file that may name
// the image and cannot be read as YAML is an error too; but a template of which
// single lines can be read is searched by line. Files are read several at a time,
// which fsys must allow.
func Find(fsys fs.FS, repository string) ([]Target, error) {
	if err := image.CheckRepository(repository); err != nil {
		return nil, err
	}
	f := finder{repository: repository, name: []byte(image.BaseName(repository))}
	all, err := eachYAML(fsys, f.file)
	if err != nil {
		return nil, err
	}
	var sum found
	for _, here := range all {
		sum.targets = append(sum.targets, here.targets...)
		if sum.computed == nil {
			sum.computed = here.computed
		}
	}
	switch {
	case len(sum.targets) > 0:
		return sum.targets, nil
	case sum.computed != nil:
		return nil, sum.computed
	}
	return nil, f.notFound(fsys, len(all))
}

// eachYAML reads the YAML files of fsys, as many at a time as there are
// processors, and returns what read makes of each, in the order of their names.
// Of several errors the first file's comes back.
func eachYAML[T any](fsys fs.FS, read func(name string, text []byte) (T, error)) ([]T, error) {
	names, err := namesOfYAML(fsys)
	if err != nil {
		return nil, err
	}
	results, errs := make([]T, len(names)), make([]error, len(names))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(names)) {
		workers.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(names); i = next.Add(1) - 1 {
				var text []byte
				if text, errs[i] = fs.ReadFile(fsys, names[i]); errs[i] == nil {
					results[i], errs[i] = read(names[i], text)
				}
			}
		})
	}
	workers.Wait()
	if at := slices.IndexFunc(errs, func(err error) bool { return err != nil }); at >= 0 {
		return nil, errs[at]
	}
	return results, nil
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
		case !entry.IsDir() && isYAML(name):
			names = append(names, name)
		}
		return nil
	})
	return names, err
}

// walkYAML visits the YAML files of fsys one after the other, in the order of
// their names. The visitor can end it with fs.SkipAll.
func walkYAML(fsys fs.FS, visit func(name string, text []byte) error) error {
	names, err := namesOfYAML(fsys)
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		switch err := visit(name, text); {
		case err == fs.SkipAll:
			return nil
		case err != nil:
			return err
		}
	}
	return nil
}

func isYAML(name string) bool {
	switch path.Ext(name) {
	case ".yaml", ".yml", ".tpl":
		return true
	}
	return path.Base(name) == "Kustomization" // kustomize reads that too
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

func (f finder) file(name string, src []byte) (found, error) {
	if !bytes.Contains(src, f.name) && !isWide(src, f.name) {
		return found{}, nil
	}
	text, err := yamledit.Parse(src)
	switch {
	case err == nil:
		return f.text(name, text), nil
	case mayName(src, f.name) || isWide(src, f.name):
		return f.byLine(name, src, err)
	}
	return found{}, nil
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
func (f finder) byLine(name string, src []byte, refused error) (found, error) {
	text, err := yamledit.ParseLines(src)
	if err != nil {
		return found{}, inFile(name, refused)
	}
	here := f.text(name, text)
	if len(here.targets) == 0 && here.computed == nil {
		return found{}, inFile(name, refused)
	}
	return here, nil
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
func (f finder) notFound(fsys fs.FS, files int) error {
	e := &missing{repository: f.repository, files: files}
	for round, part := range []string{string(f.name), "mage"} {
		err := walkYAML(fsys, func(name string, src []byte) error {
			if !bytes.Contains(src, []byte(part)) {
				return nil
			}
			text, err := yamledit.Parse(src)
			if err != nil {
				return nil // it was refused above if it mattered
			}
			eachSpot(text, part, func(s spot) { e.add(name, s) })
			if round == 0 {
				e.addWritten(name, src)
			}
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

// At lists the values at path in the YAML files of fsys, as targets of the
// repository. A value with a / or : is a whole reference and must name the
// repository; anything else is a bare tag. Files without the path are passed
// over; when no file has it, the error wraps [ErrNoTarget].
func At(fsys fs.FS, path keypath.Path, repository string) ([]Target, error) {
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
	path  keypath.Path
	files int
}

func (e *noPath) Error() string {
	return fmt.Sprintf("%s: not found in %d YAML files", e.path, e.files)
}

func (e *noPath) Hint() string { return "check --path and --file" }

func (e *noPath) Unwrap() error { return ErrNoTarget }

func targetsAt(name string, src []byte, path keypath.Path, repository string) ([]Target, error) {
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
			Path: s.value.Path(), Line: s.value.Line(), Err: ErrNoTarget,
			Why:  fmt.Sprintf("holds the image %q, not %q", s.ref.Repository, repository),
			Help: "check --path, or the image's name",
		}
	}
	return nil
}
