package render

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
)

// sourcesOf returns everything that the changed files are rendered by, sorted by
// name.
func sourcesOf(fsys fs.FS, changed []string) ([]source, error) {
	found := map[string]source{}
	for _, file := range changed {
		sources := sourcesOfFile(fsys, file)
		if len(sources) == 0 {
			return nil, fmt.Errorf("%s: neither a chart nor a kustomization above it renders it: %w", file, ErrNotRendered)
		}
		for _, s := range sources {
			found[s.name()] = s
		}
	}
	var all []source
	for _, name := range slices.Sorted(maps.Keys(found)) {
		all = append(all, found[name])
	}
	return all, nil
}

func sourcesOfFile(fsys fs.FS, file string) []source {
	for dir := path.Dir(file); ; dir = path.Dir(dir) {
		switch {
		case exists(fsys, path.Join(dir, "Chart.yaml")):
			return chartsOf(fsys, dir, file)
		case kustomizationIn(fsys, dir) != "":
			return kustomizationsOf(fsys, dir)
		case dir == ".":
			return plainSource(fsys, file)
		}
	}
}

// ownFiles are the parts of a chart that all its environments share.
var ownFiles = lazyregexp.New(`^(values\.ya?ml|Chart\.(yaml|lock)|requirements\.(yaml|lock)|(templates|crds|charts|files)/.*)$`)

// chartsOf returns the chart in dir with the values that file is part of, and the
// charts that depend on it.
func chartsOf(fsys fs.FS, dir, file string) []source {
	if !ownFiles.MatchString(below(dir, file)) {
		return []source{chart{dir, file}}
	}
	all := withValues(fsys, dir)
	for _, user := range usersOf(fsys, dir) {
		all = append(all, withValues(fsys, user)...)
	}
	return all
}

// withValues returns the chart alone, and with each of the files of values in its
// folder.
func withValues(fsys fs.FS, dir string) []source {
	all := []source{chart{dir, ""}}
	_ = fs.WalkDir(fsys, dir, func(name string, entry fs.DirEntry, err error) error {
		rel := below(dir, name)
		switch {
		case err != nil || name == dir:
		case entry.IsDir():
			if slices.Contains([]string{"templates", "crds", "charts", "files"}, rel) || files.KindOf(rel+"/x.yaml") != files.Deploys {
				return fs.SkipDir
			}
		case isValues(rel):
			all = append(all, chart{dir, name})
		}
		return nil
	})
	return all
}

var valuesName = lazyregexp.New(`^(values[-._].+|.+[-._]values)\.ya?ml$`)

// isValues reports whether the file of a chart is one of further values: by its
// name, or by its folder.
func isValues(rel string) bool {
	folder := path.Base(path.Dir(rel))
	inFolder := slices.Contains([]string{"values", "envs", "env", "environments"}, folder)
	return !ownFiles.MatchString(rel) && (valuesName.MatchString(path.Base(rel)) || inFolder && isYAML(rel))
}

func isYAML(name string) bool { return path.Ext(name) == ".yaml" || path.Ext(name) == ".yml" }

// usersOf returns the folders of the charts that depend on the chart in dir: those
// that hold it, and those that name it in a file:// dependency; and so on.
func usersOf(fsys fs.FS, dir string) []string {
	direct := map[string][]string{} // users, by folder
	for _, user := range foldersWith(fsys, "Chart.yaml") {
		for _, d := range dependenciesOf(fsys, user) {
			if folder, ok := d.local(user); ok {
				direct[folder] = append(direct[folder], user)
			}
		}
		if parent := path.Dir(user); path.Base(parent) == "charts" && exists(fsys, path.Join(path.Dir(parent), "Chart.yaml")) {
			direct[user] = append(direct[user], path.Dir(parent))
		}
	}
	return reach(direct, dir)
}

// kustomizationsOf returns the kustomization in dir, and those that build upon it.
func kustomizationsOf(fsys fs.FS, dir string) []source {
	direct := map[string][]string{}
	for _, name := range kustomizationFiles {
		for _, user := range foldersWith(fsys, name) {
			for _, folder := range foldersOf(fsys, user) {
				direct[folder] = append(direct[folder], user)
			}
		}
	}
	all := []source{kustomization(dir)}
	for _, user := range reach(direct, dir) {
		all = append(all, kustomization(user))
	}
	return all
}

// reach returns all that start leads to, without start, each once.
func reach(direct map[string][]string, start string) []string {
	seen := map[string]bool{start: true}
	var all []string
	for waiting := []string{start}; len(waiting) > 0; waiting = waiting[1:] {
		for _, next := range direct[waiting[0]] {
			if !seen[next] {
				seen[next] = true
				all, waiting = append(all, next), append(waiting, next)
			}
		}
	}
	return all
}

// foldersWith returns the folders that have a file of that name.
func foldersWith(fsys fs.FS, name string) []string {
	var folders []string
	_ = fs.WalkDir(fsys, ".", func(file string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && path.Base(file) == name {
			folders = append(folders, path.Dir(file))
		}
		return nil
	})
	return folders
}

// A plain is the path of a manifest that is applied as it is.
type plain string

var manifestKind = lazyregexp.New(`(?m)^kind:`)

func plainSource(fsys fs.FS, file string) []source {
	text, err := fs.ReadFile(fsys, file)
	if err != nil || !isYAML(file) || !manifestKind.Match(text) {
		return nil
	}
	return []source{plain(file)}
}

func (p plain) name() string { return string(p) }

func (p plain) render(_ context.Context, _ *runner, fsys fs.FS) (string, []string, error) {
	text, err := fs.ReadFile(fsys, string(p))
	return strings.TrimSuffix(string(text), "\n") + "\n", nil, err
}
