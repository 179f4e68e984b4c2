package render

import (
	"bytes"
	"context"
	"io/fs"
	"path"
	"slices"

	"github.com/tagbump/tagbump/pkg/files"
)

// A Scope says where to look for charts and kustomizations that use the changed
// files.
type Scope int

// The scopes.
const (
	Around     Scope = iota // in the folders above the files, and in what these name
	Everywhere              // in the whole repository, which must be at hand
)

// maxRounds bounds how often Gather asks: each round follows the paths that the
// files of the round before name.
const maxRounds = 8

// Gather reads what [Check] needs to render the changed files. It calls read with
// globs of files that may be missing, and again with more of them when the files
// name others: the bases of a kustomization, file:// dependencies of a chart.
func Gather(ctx context.Context, read func(ctx context.Context, globs []string) (fs.FS, error), changed []string, scope Scope) (fs.FS, error) {
	globs := around(changed)
	if scope == Everywhere {
		globs = append(globs, "**/Chart.yaml", "**/requirements.yaml", "**/kustomization.yaml", "**/kustomization.yml", "**/Kustomization")
	}
	for range maxRounds {
		fsys, err := read(ctx, globs)
		if err != nil {
			return nil, err
		}
		more := missing(globs, needs(fsys, changed))
		if len(more) == 0 {
			return fsys, nil
		}
		globs = append(globs, more...)
	}
	return read(ctx, globs)
}

// around returns the changed files and what can render them in the folders above.
func around(changed []string) []string {
	var globs []string
	for _, file := range changed {
		globs = append(globs, files.Quote(file))
		for dir := path.Dir(file); ; dir = path.Dir(dir) {
			for _, name := range slices.Concat(dependencyFiles, kustomizationFiles) {
				globs = append(globs, files.Quote(path.Join(dir, name)))
			}
			if dir == "." {
				break
			}
		}
	}
	slices.Sort(globs)
	return slices.Compact(globs)
}

// needs returns globs of what the sources of the changed files are made of, as far
// as fsys tells.
func needs(fsys fs.FS, changed []string) []string {
	var globs []string
	for _, file := range changed {
		for _, s := range sourcesOfFile(fsys, file) {
			switch s := s.(type) {
			case chart:
				globs = append(globs, chartNeeds(fsys, s.dir, 0)...)
			case kustomization:
				for _, dir := range append(closure(fsys, string(s)), foldersOf(fsys, string(s))...) {
					globs = append(globs, all(dir))
					for _, folder := range foldersOf(fsys, dir) {
						globs = append(globs, all(folder))
					}
				}
			}
		}
	}
	return globs
}

func chartNeeds(fsys fs.FS, dir string, depth int) []string {
	globs := []string{all(dir)}
	if depth > maxDepth {
		return globs
	}
	for _, d := range dependenciesOf(fsys, dir) {
		if folder, ok := d.local(dir); ok {
			globs = append(globs, chartNeeds(fsys, folder, depth+1)...)
		}
	}
	return globs
}

// all is the glob of everything below a folder.
func all(dir string) string { return path.Join(files.Quote(dir), "**") }

// missing returns the globs that are not known yet, each once.
func missing(known, wanted []string) []string {
	var more []string
	for _, glob := range wanted {
		if !slices.Contains(known, glob) && !slices.Contains(more, glob) {
			more = append(more, glob)
		}
	}
	return more
}

// With returns fsys with new contents for some of its files.
func With(fsys fs.FS, contents map[string][]byte) fs.FS { return overlay{fsys, contents} }

// An overlay is a file system in which some files have other contents.
type overlay struct {
	fs.FS
	contents map[string][]byte
}

// Open opens a file with its new content.
func (o overlay) Open(name string) (fs.File, error) {
	content, changed := o.contents[name]
	if !changed {
		return o.FS.Open(name)
	}
	if _, err := fs.Stat(o.FS, name); err != nil {
		return nil, err
	}
	return files.NewTree("", "", []files.File{{Path: name, Data: bytes.Clone(content)}}).Open(name)
}
