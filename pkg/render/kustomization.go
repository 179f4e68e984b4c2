package render

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"
)

// A kustomization is the path of a folder with a kustomization.yaml.
type kustomization string

func (k kustomization) name() string { return string(k) }

func (k kustomization) render(ctx context.Context, r *runner, fsys fs.FS) (string, []string, error) {
	root, err := r.folder()
	if err != nil {
		return "", nil, err
	}
	var notes []string
	for _, dir := range closure(fsys, string(k)) {
		dest := filepath.Join(root, filepath.FromSlash(dir))
		if err := copyFolder(fsys, dir, dest); err != nil {
			return "", notes, err
		}
		more, err := takeOutRemotes(fsys, dir, dest)
		if err != nil {
			return "", notes, err
		}
		notes = append(notes, more...)
	}
	text, err := r.kustomize(ctx, filepath.Join(root, filepath.FromSlash(string(k))))
	return text, notes, err
}

var kustomizationFiles = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// kustomizationIn returns the kustomization file of a folder, "" when there is
// none.
func kustomizationIn(fsys fs.FS, dir string) string {
	for _, name := range kustomizationFiles {
		if file := path.Join(dir, name); exists(fsys, file) {
			return file
		}
	}
	return ""
}

// buildLists are the keys of a kustomization that list other kustomizations and
// files.
var buildLists = []string{"resources", "bases", "components"}

// listed returns what a kustomization lists in buildLists.
func listed(fsys fs.FS, dir string) []string {
	var about map[string]any
	text, err := fs.ReadFile(fsys, kustomizationIn(fsys, dir))
	if err != nil || yaml.Unmarshal(text, &about) != nil {
		return nil
	}
	var all []string
	for _, key := range buildLists {
		items, _ := about[key].([]any)
		for _, item := range items {
			if text, ok := item.(string); ok {
				all = append(all, text)
			}
		}
	}
	return all
}

// isRemote reports whether kustomize would fetch the resource.
func isRemote(resource string) bool {
	first, _, _ := strings.Cut(resource, "/")
	return strings.Contains(resource, "://") || strings.Contains(resource, "?ref=") || strings.HasPrefix(resource, "git@") ||
		first == "github.com" || first == "gitlab.com" || first == "bitbucket.org"
}

// foldersOf returns the folders of the repository that a kustomization builds
// upon.
func foldersOf(fsys fs.FS, dir string) []string {
	var folders []string
	for _, resource := range listed(fsys, dir) {
		folder := path.Join(dir, resource)
		if isRemote(resource) || !fs.ValidPath(folder) {
			continue
		}
		if path.Ext(folder) != "" && exists(fsys, folder) {
			folder = path.Dir(folder)
		}
		folders = append(folders, folder)
	}
	return folders
}

// closure returns the folder and all those that it builds upon, each once.
func closure(fsys fs.FS, dir string) []string {
	found := []string{dir}
	seen := map[string]bool{dir: true}
	for i := 0; i < len(found); i++ {
		for _, folder := range foldersOf(fsys, found[i]) {
			if info, err := fs.Stat(fsys, folder); err == nil && info.IsDir() && !seen[folder] {
				seen[folder] = true
				found = append(found, folder)
			}
		}
	}
	return found
}

// takeOutRemotes removes resources that kustomize would fetch from a copied
// kustomization, and returns notes of them.
func takeOutRemotes(fsys fs.FS, dir, dest string) ([]string, error) {
	var notes []string
	for _, resource := range listed(fsys, dir) {
		if isRemote(resource) {
			notes = append(notes, fmt.Sprintf("%s: %s is left out: it is not in the repository", dir, resource))
		}
	}
	if len(notes) == 0 {
		return nil, nil
	}
	file := filepath.Join(dest, path.Base(kustomizationIn(fsys, dir)))
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var about map[string]any
	if err := yaml.Unmarshal(text, &about); err != nil {
		return nil, err
	}
	for _, key := range buildLists {
		items, ok := about[key].([]any)
		if !ok {
			continue
		}
		var kept []any
		for _, item := range items {
			if text, ok := item.(string); !ok || !isRemote(text) {
				kept = append(kept, item)
			}
		}
		about[key] = kept
	}
	if text, err = yaml.Marshal(about); err != nil {
		return nil, err
	}
	return notes, os.WriteFile(file, text, 0o600)
}
