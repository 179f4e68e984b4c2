package plan

import (
	"path"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/yamledit"
)

// A tag in values-prod.yaml belongs to the image that the chart's values.yaml
// names, so a run over few files reads some more, which it does not change. They
// take two rounds at most: [Context] tells from the names of the wanted files what
// may be beside and above them, and [Index.Needs] what those name. A tree that is
// at hand is read whole instead, see [Everything].

// contextFiles are the files of a folder that may say what a values file is for.
var contextFiles = []string{"Chart.yaml", "requirements.yaml", "values.yaml", "helmfile*.yaml", "helmfile*.yaml.gotmpl", "kustomization.yaml", "kustomization.yml", "Kustomization"}

// Everything matches all files that help to understand others.
var Everything = []string{"**/*.yaml", "**/*.yml", "**/*.tpl", "**/*.gotmpl", "**/Kustomization"}

// Context returns the globs of the files that may help to understand those which
// globs match: a Chart.yaml, values.yaml, helmfile or kustomization in their
// folders and in the folders above. It returns nothing without globs, since all
// files are read then.
func Context(globs []string) []string {
	dirs := map[string]bool{}
	for _, glob := range globs {
		for dir := folderOf(glob); ; dir = path.Dir(dir) {
			dirs[dir] = true
			if dir == "." || dir == "/" {
				break
			}
		}
	}
	var context []string
	for _, dir := range sortedKeys(dirs) {
		for _, base := range contextFiles {
			context = append(context, path.Join(dir, base))
		}
	}
	return context
}

// folderOf is the folder part of a glob. Alternatives with slashes in them cannot
// be cut, so the folder ends in front of them.
func folderOf(glob string) string {
	glob = path.Clean(glob)
	if brace := strings.IndexByte(glob, '{'); brace >= 0 && strings.Contains(glob[brace:], "/") {
		glob = glob[:brace] + "x"
	}
	return path.Dir(glob)
}

// Needs returns globs of further files that help to understand the wanted ones,
// and that the index lacks: the values of a chart's dependencies, what a helmfile
// or a release lists before a wanted file, the base of a patch. Files that are
// wanted and hold no tag without a name need none. Some of the files may not exist.
func (x *Index) Needs(opts FindOptions) []string {
	n := needs{index: x, names: map[string]bool{}}
	for _, f := range x.files {
		if opts.Files.Wants(f.name) && (len(f.openTags()) > 0 || mayHoldRelease(f.src) || isKustomization(path.Base(f.name))) {
			n.file(f)
		}
	}
	return sortedKeys(n.names)
}

// needs gathers the names of missing files.
type needs struct {
	index *Index
	names map[string]bool
}

func (n *needs) add(names ...string) {
	for _, name := range names {
		if name = path.Clean(name); n.index.byName[name] == nil && !strings.HasPrefix(name, "..") && !actionPattern.MatchString(name) {
			n.names[name] = true
		}
	}
}

func (n *needs) chart(dir string) { n.add(path.Join(dir, "Chart.yaml"), path.Join(dir, "values.yaml")) }

func (n *needs) file(f *file) {
	if c := n.index.chartOf(f.name); c != nil {
		n.dependencies(c)
	}
	if root := rootOf(f); root != nil {
		root.Walk(n.release)
	}
	for _, other := range n.index.files {
		dir := path.Dir(other.name)
		switch {
		case isHelmfile(other.name) && other.read() != nil:
			n.helmfile(other)
		case isKustomization(path.Base(other.name)) && isBelow(f.name, dir):
			n.kustomization(other)
		}
	}
}

func isBelow(name, dir string) bool { return dir == "." || strings.HasPrefix(name, dir+"/") }

// dependencies adds the values of the charts that c contains.
func (n *needs) dependencies(c *chart) {
	for _, d := range c.needs {
		if d.dir != "" {
			n.chart(d.dir)
			continue
		}
		n.chart(path.Join(c.dir, "charts", d.key))
	}
	root := rootOf(n.index.byName[path.Join(c.dir, "Chart.yaml")])
	if root == nil {
		return
	}
	for _, item := range items(root, "dependencies") {
		if textAt(item, "repository") == "" {
			n.chart(path.Join(c.dir, "charts", textAt(item, "name")))
		}
	}
}

// items lists the items of the mapping's list.
func items(n *yamledit.Node, key string) []*yamledit.Node {
	if list := n.Field(key); list != nil {
		return list.Items()
	}
	return nil
}

// release adds the chart and the values files that a release in a wanted file names.
func (n *needs) release(at *yamledit.Node) {
	if helm := at.Field("helm"); helm != nil && at.Field("path") != nil {
		dir := textAt(at, "path")
		n.chart(dir)
		for _, item := range items(helm, "valueFiles") {
			n.add(path.Join(dir, item.Value()))
		}
	}
	if spec := at.Field("spec"); spec != nil && strings.Contains(textAt(spec, "chart"), "/") {
		n.chart(textAt(spec, "chart"))
		for _, item := range items(spec, "valuesFiles") {
			n.add(item.Value())
		}
	}
}

// helmfile adds the charts and the values files that a helmfile names.
func (n *needs) helmfile(f *file) {
	dir := path.Dir(f.name)
	for _, root := range f.text.Documents() {
		for _, release := range items(root, "releases") {
			if chart := textAt(release, "chart"); strings.HasPrefix(chart, ".") {
				n.chart(path.Join(dir, chart))
			}
			for _, entry := range items(release, "values") {
				if entry.Value() != "" {
					n.add(path.Join(dir, entry.Value()))
				}
			}
		}
	}
}

// kustomization adds what a kustomization builds from.
func (n *needs) kustomization(f *file) {
	root := rootOf(f)
	if root == nil {
		return
	}
	for _, key := range []string{"resources", "bases", "components"} {
		for _, item := range items(root, key) {
			name := path.Join(path.Dir(f.name), item.Value())
			switch {
			case strings.Contains(item.Value(), "://") || strings.Contains(item.Value(), "?"):
			case slices.Contains([]string{".yaml", ".yml"}, path.Ext(name)):
				n.add(name)
			default:
				n.add(path.Join(name, "*.yaml"), path.Join(name, "*.yml"))
			}
		}
	}
}
