package plan

import (
	"path"
	"strings"

	"github.com/tagbump/tagbump/pkg/yamledit"
)

// Helm lays values over each other: a chart's values.yaml, the files of a release
// in their order, its inline values, its parameters. A tag in an upper layer
// belongs to the image that a lower one names at the same keys.

// A source is a place below a layer where values are looked up.
type source interface {
	// at lists the mappings that the keys lead to, the lowest first.
	at(keys []string) []*yamledit.Node
}

// values are one mapping of values.
type values struct{ root *yamledit.Node }

func (v values) at(keys []string) []*yamledit.Node {
	n := resolved(v.root)
	for _, key := range keys {
		if n == nil || !n.IsMapping() {
			return nil
		}
		n = resolved(n.Field(key))
	}
	if n == nil || !n.IsMapping() {
		return nil
	}
	return []*yamledit.Node{n}
}

// resolved follows an alias to its anchor.
func resolved(n *yamledit.Node) *yamledit.Node {
	if n != nil && n.IsAlias() {
		return n.Anchor()
	}
	return n
}

// scalarAt is the value that the keys lead to in the topmost of the sources that
// has one, or nil.
func scalarAt(sources []source, keys []string) *yamledit.Node {
	var found *yamledit.Node
	for _, below := range sources {
		for _, n := range below.at(keys[:len(keys)-1]) {
			if value := n.Field(keys[len(keys)-1]); value != nil && !value.IsMapping() && !value.IsList() {
				found = value
			}
		}
	}
	return found
}

// A chart is a folder with a Chart.yaml.
type chart struct {
	index  *Index
	dir    string
	name   string
	values *file // its values.yaml, or nil
	needs  []dependency
}

// A dependency is a chart that another one contains, under the key name.
type dependency struct {
	key string
	dir string // where it is in the repository; "" for a remote one
}

func (c *chart) at(keys []string) []*yamledit.Node { return c.atDepth(keys, 0) }

const maxChartDepth = 8 // charts that contain themselves end there

func (c *chart) atDepth(keys []string, depth int) []*yamledit.Node {
	var found []*yamledit.Node
	if sub := c.sub(keys); sub != nil && depth < maxChartDepth {
		found = sub.atDepth(keys[1:], depth+1)
	}
	return append(found, values{c.root()}.at(keys)...)
}

// sub is the contained chart whose values the keys lead to, or nil.
func (c *chart) sub(keys []string) *chart {
	for _, d := range c.needs {
		if len(keys) > 0 && d.key == keys[0] && d.dir != "" {
			return c.index.charts()[d.dir]
		}
	}
	return nil
}

// root is the mapping of the chart's values.yaml, or nil.
func (c *chart) root() *yamledit.Node {
	if c.values == nil {
		return nil
	}
	return rootOf(c.values)
}

// rootOf is the mapping that a file with one document holds, or nil.
func rootOf(f *file) *yamledit.Node {
	if f == nil || f.read() == nil || f.err != nil {
		return nil
	}
	if docs := f.text.Documents(); len(docs) > 0 && docs[0].IsMapping() {
		return docs[0]
	}
	return nil
}

// charts are the chart folders of the index, by their paths.
func (x *Index) charts() map[string]*chart {
	x.findingCharts.Do(func() {
		x.chartsByDir = map[string]*chart{}
		for _, f := range x.files {
			if path.Base(f.name) == "Chart.yaml" {
				x.addChart(f)
			}
		}
		for _, c := range x.chartsByDir {
			c.needs = append(c.needs, x.contained(c)...)
		}
	})
	return x.chartsByDir
}

func (x *Index) addChart(f *file) {
	dir := path.Dir(f.name)
	c := &chart{index: x, dir: dir, name: path.Base(dir), values: x.byName[path.Join(dir, "values.yaml")]}
	x.chartsByDir[dir] = c
	root := rootOf(f)
	if root == nil {
		return
	}
	if name := textAt(root, "name"); name != "" {
		c.name = name
	}
	needs := root.Field("dependencies")
	if needs == nil {
		if old := rootOf(x.byName[path.Join(dir, "requirements.yaml")]); old != nil {
			needs = old.Field("dependencies")
		}
	}
	if needs == nil {
		return
	}
	for _, item := range needs.Items() {
		name, address := textAt(item, "name"), textAt(item, "repository")
		d := dependency{key: name}
		if alias := textAt(item, "alias"); alias != "" {
			d.key = alias
		}
		switch local, isLocal := strings.CutPrefix(address, "file://"); {
		case isLocal:
			d.dir = path.Join(dir, local)
		case x.byName[path.Join(dir, "charts", name, "Chart.yaml")] != nil:
			d.dir = path.Join(dir, "charts", name)
		}
		c.needs = append(c.needs, d)
	}
}

// contained lists the charts in c's folder charts that Chart.yaml does not mention.
func (x *Index) contained(c *chart) []dependency {
	var more []dependency
	for dir, other := range x.chartsByDir {
		if path.Dir(dir) != path.Join(c.dir, "charts") {
			continue
		}
		known := false
		for _, d := range c.needs {
			known = known || d.dir == dir
		}
		if !known {
			more = append(more, dependency{key: other.name, dir: dir})
		}
	}
	return more
}

// textAt is the text of the mapping's key, or "".
func textAt(n *yamledit.Node, key string) string {
	if n == nil {
		return ""
	}
	if value := n.Field(key); value != nil {
		return value.Value()
	}
	return ""
}

// folderChart is what a values.yaml is without a chart above it, for the values
// files beside it: a chart of that folder without a name. It is nil elsewhere.
func (x *Index) folderChart(name string) *chart {
	dir := path.Dir(name)
	values := x.byName[path.Join(dir, "values.yaml")]
	if values == nil || x.chartOf(name) != nil || !isValuesName(path.Base(name)) && name != values.name {
		return nil
	}
	x.charts()
	x.folding.Lock()
	defer x.folding.Unlock()
	c := x.folders[dir]
	if c == nil {
		c = &chart{index: x, dir: dir, values: values}
		if x.folders == nil {
			x.folders = map[string]*chart{}
		}
		x.folders[dir] = c
	}
	return c
}

// chartOf is the nearest chart folder above the file, or nil.
func (x *Index) chartOf(name string) *chart {
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		if c := x.charts()[dir]; c != nil {
			return c
		}
		if dir == "." || dir == "/" {
			return nil
		}
	}
}
