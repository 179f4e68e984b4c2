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

	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
)

// A chart is a folder with a Chart.yaml, rendered with its own values and at most
// one more file.
type chart struct {
	dir    string
	values string // the path of the further values file, "" for none
}

func (c chart) name() string {
	if c.values == "" {
		return c.dir
	}
	return c.dir + " with " + below(c.dir, c.values)
}

func (c chart) render(ctx context.Context, r *runner, fsys fs.FS) (string, []string, error) {
	dest, err := r.folder()
	if err != nil {
		return "", nil, err
	}
	notes, err := copyChart(fsys, c.dir, dest, 0)
	if err != nil {
		return "", notes, err
	}
	args := []string{"template", releaseName(c.dir), dest, "--skip-tests", "--namespace", "default"}
	if c.values != "" {
		args = append(args, "--values", filepath.Join(dest, filepath.FromSlash(below(c.dir, c.values))))
	}
	text, err := r.helm(ctx, args...)
	return text, notes, err
}

var notInName = lazyregexp.New(`[^a-z0-9-]+`)

// releaseName makes a name that helm accepts of a folder's.
func releaseName(dir string) string {
	name := strings.Trim(notInName.ReplaceAllString(strings.ToLower(path.Base(dir)), "-"), "-")
	if name == "" || len(name) > 53 {
		return "release"
	}
	return name
}

// A dependency is another chart that a chart needs.
type dependency struct {
	Name       string `yaml:"name"`
	Repository string `yaml:"repository"`
}

// local returns the folder of a file:// dependency of the chart in dir.
func (d dependency) local(dir string) (folder string, ok bool) {
	relative, ok := strings.CutPrefix(d.Repository, "file://")
	if !ok {
		return "", false
	}
	folder = path.Join(dir, relative)
	return folder, fs.ValidPath(folder)
}

// dependencyFiles are where a chart lists its dependencies: since Helm 3, and
// before.
var dependencyFiles = []string{"Chart.yaml", "requirements.yaml"}

// dependenciesOf reads the dependencies of the chart in dir.
func dependenciesOf(fsys fs.FS, dir string) []dependency {
	var all []dependency
	for _, name := range dependencyFiles {
		var list struct {
			Dependencies []dependency `yaml:"dependencies"`
		}
		text, err := fs.ReadFile(fsys, path.Join(dir, name))
		if err == nil && yaml.Unmarshal(text, &list) == nil {
			all = append(all, list.Dependencies...)
		}
	}
	return all
}

// maxDepth is how deep charts may be in charts.
const maxDepth = 10

// copyChart copies the chart in dir, with its file:// dependencies in charts/, and
// takes out the dependencies that the repository does not have. It returns notes
// of these.
func copyChart(fsys fs.FS, dir, dest string, depth int) ([]string, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%s: its charts depend on each other, or are more than %d deep", dir, maxDepth)
	}
	if err := copyFolder(fsys, dir, dest); err != nil {
		return nil, err
	}
	return completeChart(fsys, dir, dest, depth)
}

// completeChart is copyChart for a chart that is copied.
func completeChart(fsys fs.FS, dir, dest string, depth int) ([]string, error) {
	var notes []string
	missing := map[string]bool{}
	for _, d := range dependenciesOf(fsys, dir) {
		folder, isLocal := d.local(dir)
		switch {
		case isVendored(dest, d.Name):
		case isLocal && exists(fsys, path.Join(folder, "Chart.yaml")):
			more, err := copyChart(fsys, folder, filepath.Join(dest, "charts", filepath.Base(d.Name)), depth+1)
			if err != nil {
				return notes, err
			}
			notes = append(notes, more...)
		default:
			missing[d.Name] = true
			notes = append(notes, fmt.Sprintf("%s: the dependency %s (%s) is left out: it is not in the repository", dir, d.Name, d.Repository))
		}
	}
	if err := takeOut(dest, missing); err != nil {
		return notes, err
	}
	inside, _ := fs.ReadDir(fsys, path.Join(dir, "charts")) // a chart without it has none
	for _, entry := range inside {
		sub := path.Join(dir, "charts", entry.Name())
		if !entry.IsDir() || !exists(fsys, path.Join(sub, "Chart.yaml")) {
			continue
		}
		more, err := completeChart(fsys, sub, filepath.Join(dest, "charts", entry.Name()), depth+1)
		if err != nil {
			return notes, err
		}
		notes = append(notes, more...)
	}
	return notes, nil
}

// isVendored reports whether the copied chart has the dependency in charts/, as a
// folder or an archive.
func isVendored(dest, name string) bool {
	if _, err := os.Stat(filepath.Join(dest, "charts", name, "Chart.yaml")); err == nil {
		return true
	}
	archives, _ := filepath.Glob(filepath.Join(dest, "charts", name+"-*.tgz"))
	return len(archives) > 0
}

// takeOut removes dependencies from the copied chart's lists. Helm refuses a
// chart whose listed dependencies are not there.
func takeOut(dest string, missing map[string]bool) error {
	if len(missing) == 0 {
		return nil
	}
	for _, name := range dependencyFiles {
		file := filepath.Join(dest, name)
		text, err := os.ReadFile(file)
		if err != nil {
			continue // not each chart has each file
		}
		var about map[string]any
		if err := yaml.Unmarshal(text, &about); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		list, _ := about["dependencies"].([]any)
		var kept []any
		for _, item := range list {
			entry, _ := item.(map[string]any)
			if called, _ := entry["name"].(string); !missing[called] {
				kept = append(kept, item)
			}
		}
		about["dependencies"] = kept
		if text, err = yaml.Marshal(about); err != nil {
			return err
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func exists(fsys fs.FS, name string) bool {
	info, err := fs.Stat(fsys, name)
	return err == nil && !info.IsDir()
}
