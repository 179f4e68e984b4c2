package plan

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/yamledit"
)

// A layer is a mapping of values that lies over others.
type layer struct {
	file  *file
	root  *yamledit.Node // a mapping, or the list of a release's parameters
	below [][]source     // for each release that uses the layer: what is below it, the lowest first
}

// layers collects what may lie over the values that name one image.
type layers struct {
	index *Index
	part  string // the last segment of the image's name
	all   []*layer
}

// layersFor collects the layers that may hold a tag of the image whose last
// segment is part. For each of them the first of these rules that fits says what is
// below it: its own chart, a helmfile, a patched object, a release, the only chart
// of its name.
func (x *Index) layersFor(part string) []*layer {
	l := &layers{index: x, part: part}
	seeds := l.seeds()
	if len(seeds) == 0 {
		return nil
	}
	charts := l.chartsOf(seeds)
	l.addOwn(charts)
	l.addHelmfiles()
	l.addPatches(seeds)
	l.addReleases(charts, seeds)
	if x.opts.Whole {
		l.addNamesakes(charts)
	}
	return l.all
}

// seeds are the files that may name the image.
func (l *layers) seeds() []*file {
	var seeds []*file
	for _, f := range l.index.files {
		if bytes.Contains(f.src, []byte(l.part)) {
			seeds = append(seeds, f)
		}
	}
	return seeds
}

// chartsOf are the charts that a seed belongs to, and those that contain them.
func (l *layers) chartsOf(seeds []*file) []*chart {
	named := map[*chart]bool{}
	for _, f := range seeds {
		if c := l.index.chartOf(f.name); c != nil {
			named[c] = true
		} else if c := l.index.folderChart(f.name); c != nil {
			named[c] = true
		}
	}
	for grown := true; grown; {
		grown = false
		for _, c := range l.index.charts() {
			for _, d := range c.needs {
				if sub := l.index.charts()[d.dir]; sub != nil && named[sub] && !named[c] {
					named[c], grown = true, true
				}
			}
		}
	}
	var charts []*chart
	for c := range named {
		charts = append(charts, c)
	}
	slices.SortFunc(charts, func(a, b *chart) int { return strings.Compare(a.dir, b.dir) })
	return charts
}

// add notes what is below a mapping. What an earlier rule said of it stays.
func (l *layers) add(f *file, root *yamledit.Node, rule *ruleSet, below ...source) {
	if f == nil || root == nil || !root.IsMapping() && !root.IsList() {
		return
	}
	for _, known := range l.all {
		if known.file == f && known.root.Is(root) {
			if rule.has(known) {
				known.below = append(known.below, below)
			}
			return
		}
	}
	added := &layer{file: f, root: root, below: [][]source{below}}
	l.all = append(l.all, added)
	rule.layers = append(rule.layers, added)
}

// A ruleSet holds the layers that one rule added.
type ruleSet struct{ layers []*layer }

func (r *ruleSet) has(known *layer) bool { return slices.Contains(r.layers, known) }

// chartFolders are folders of a chart that hold no values.
var chartFolders = []string{"templates", "crds", "files", "dashboards", "tests", "charts"}

// addOwn adds the values files in a chart's folder: they lie over its values.yaml.
// In values.yaml itself, the keys of contained charts lie over theirs.
func (l *layers) addOwn(charts []*chart) {
	rule := &ruleSet{}
	for _, f := range l.index.files {
		c := l.index.chartOf(f.name)
		if c == nil {
			c = l.index.folderChart(f.name)
		}
		if c == nil || !slices.Contains(charts, c) {
			continue
		}
		rest := f.name
		if c.dir != "." {
			rest = strings.TrimPrefix(rest, c.dir+"/")
		}
		if !slices.Contains(chartFolders, strings.Split(rest, "/")[0]) && isValuesFile(f) {
			l.add(f, rootOf(f), rule, c)
		}
	}
}

// isValuesFile reports whether the file may hold Helm values: one mapping that is
// no Kubernetes object.
func isValuesFile(f *file) bool {
	switch base := path.Base(f.name); {
	case path.Ext(base) != ".yaml" && path.Ext(base) != ".yml" && path.Ext(base) != ".gotmpl":
		return false
	case base == "Chart.yaml" || base == "requirements.yaml" || isKustomization(base) || isHelmfile(f.name):
		return false
	}
	root := rootOf(f)
	return root != nil && root.Field("kind") == nil
}

func isHelmfile(name string) bool {
	base := path.Base(name)
	return strings.HasPrefix(base, "helmfile") && strings.Contains(base, ".yaml") || path.Base(path.Dir(name)) == "helmfile.d"
}

func isKustomization(base string) bool {
	return base == "kustomization.yaml" || base == "kustomization.yml" || base == "Kustomization"
}

// addHelmfiles adds the files that helmfiles list: each lies over the chart of its
// release and over the entries before it.
func (l *layers) addHelmfiles() {
	rule := &ruleSet{}
	for _, f := range l.index.files {
		if !isHelmfile(f.name) || f.read() == nil {
			continue
		}
		for _, root := range f.text.Documents() {
			releases := root.Field("releases")
			if releases == nil {
				continue
			}
			for _, release := range releases.Items() {
				l.addHelmfileRelease(rule, f, release)
			}
		}
	}
}

func (l *layers) addHelmfileRelease(rule *ruleSet, f *file, release *yamledit.Node) {
	dir := path.Dir(f.name)
	var below []source
	if c := l.index.charts()[path.Join(dir, textAt(release, "chart"))]; c != nil {
		below = append(below, c)
	}
	entries := release.Field("values")
	if entries == nil {
		return
	}
	for _, entry := range entries.Items() {
		if entry.IsMapping() {
			l.add(f, entry, rule, below...)
			below = append(slices.Clip(below), values{entry})
			continue
		}
		var lower []source
		for _, file := range l.index.matching(path.Join(dir, entry.Value())) {
			l.add(file, rootOf(file), rule, below...)
			lower = append(lower, values{rootOf(file)})
		}
		below = append(slices.Clip(below), lower...)
	}
}

// matching lists the files whose name is the given one, in which a template action
// or a variable may be any text.
func (x *Index) matching(name string) []*file {
	if !actionPattern.MatchString(name) {
		if f := x.byName[name]; f != nil {
			return []*file{f}
		}
		return nil
	}
	var pattern strings.Builder
	rest := name
	for _, at := range actionPattern.FindAllStringIndex(name, -1) {
		pattern.WriteString(regexp.QuoteMeta(rest[:at[0]-(len(name)-len(rest))]) + "[^/]*")
		rest = name[at[1]:]
	}
	pattern.WriteString(regexp.QuoteMeta(rest))
	match, err := regexp.Compile("^" + pattern.String() + "$")
	if err != nil {
		return nil
	}
	var found []*file
	for _, f := range x.files {
		if match.MatchString(f.name) {
			found = append(found, f)
		}
	}
	return found
}

// addReleases adds the values of Applications and HelmReleases that use one of the
// charts or one of the files: inline values, parameters and values files.
func (l *layers) addReleases(charts []*chart, seeds []*file) {
	rule := &ruleSet{}
	words := wordsFor(charts, seeds)
	for _, f := range l.index.files {
		concerned := func(word []byte) bool { return bytes.Contains(f.src, word) }
		if !mayHoldRelease(f.src) || !slices.Contains(seeds, f) && !slices.ContainsFunc(words, concerned) || f.read() == nil || f.err != nil {
			continue
		}
		for _, root := range f.text.Documents() {
			root.Walk(func(n *yamledit.Node) {
				if helm := n.Field("helm"); helm != nil && helm.IsMapping() && (n.Field("path") != nil || n.Field("chart") != nil || n.Field("repoURL") != nil) {
					l.addApplication(rule, f, n, helm)
				}
			})
			if textAt(root, "kind") == "HelmRelease" {
				l.addHelmRelease(rule, f, root)
			}
		}
	}
}

func mayHoldRelease(src []byte) bool {
	return bytes.Contains(src, []byte("helm:")) || bytes.Contains(src, []byte("HelmRelease"))
}

// wordsFor lists what a release must mention to concern one of the charts or files.
func wordsFor(charts []*chart, seeds []*file) [][]byte {
	names := map[string]bool{}
	for _, c := range charts {
		if c.name != "" {
			names[path.Base(c.dir)] = true
		}
	}
	for _, f := range seeds {
		names[path.Base(f.name)] = true
	}
	var words [][]byte
	for _, name := range sortedKeys(names) {
		words = append(words, []byte(name))
	}
	return words
}

// addApplication adds the layers of a source of an Application: values files in
// their order, values, valuesObject and parameters.
func (l *layers) addApplication(rule *ruleSet, f *file, from, helm *yamledit.Node) {
	dir := path.Clean(textAt(from, "path"))
	var below []source
	if c := l.index.charts()[dir]; c != nil && textAt(from, "path") != "" {
		below = append(below, c)
	}
	if list := helm.Field("valueFiles"); list != nil {
		for _, item := range list.Items() {
			below = l.addValueFile(rule, below, dir, item.Value())
		}
	}
	for _, key := range []string{"values", "valuesObject"} {
		n := helm.Field(key)
		if n == nil {
			continue
		}
		if inner := embeddedRoot(n); inner != nil {
			n = inner
		}
		l.add(f, n, rule, below...)
		if n.IsMapping() {
			below = append(slices.Clip(below), values{n})
		}
	}
	if list := helm.Field("parameters"); list != nil {
		l.add(f, list, rule, below...)
	}
}

func embeddedRoot(n *yamledit.Node) *yamledit.Node {
	if inner := n.Embedded(); inner != nil && len(inner.Documents()) > 0 {
		return inner.Documents()[0]
	}
	return nil
}

// addValueFile adds a values file that a release names, relative to its chart, from
// the root, or by the name of another source: $values/envs/prod.yaml.
func (l *layers) addValueFile(rule *ruleSet, below []source, dir, name string) []source {
	full := path.Join(dir, name)
	switch {
	case strings.HasPrefix(name, "$"):
		_, rest, _ := strings.Cut(name, "/")
		full = path.Clean(rest)
	case strings.HasPrefix(name, "/"):
		full = path.Clean(name[1:])
	case strings.Contains(name, "://"):
		return below
	}
	var lower []source
	for _, file := range l.index.matching(full) {
		if c := l.index.chartOf(file.name); c == nil || c.values != file {
			l.add(file, rootOf(file), rule, below...)
			lower = append(lower, values{rootOf(file)})
		}
	}
	return append(slices.Clip(below), lower...)
}

// addHelmRelease adds the layers of a HelmRelease whose chart is in the repository.
func (l *layers) addHelmRelease(rule *ruleSet, f *file, root *yamledit.Node) {
	spec := root.Field("spec")
	if spec == nil {
		return
	}
	var below []source
	dir := ""
	if chart := spec.Field("chart"); chart != nil && chart.Field("spec") != nil {
		chart = chart.Field("spec")
		dir = path.Clean(textAt(chart, "chart"))
		if c := l.index.charts()[dir]; c != nil && strings.Contains(textAt(chart, "chart"), "/") {
			below = append(below, c)
		}
		if list := chart.Field("valuesFiles"); list != nil {
			for _, item := range list.Items() {
				below = l.addValueFile(rule, below, ".", item.Value())
			}
		}
	}
	if n := spec.Field("values"); n != nil && len(below) > 0 {
		l.add(f, n, rule, below...)
	}
}

// addNamesakes adds the files that have the name of a chart, or are in a folder of
// that name, when no other chart has it.
func (l *layers) addNamesakes(charts []*chart) {
	rule := &ruleSet{}
	byName := map[string]*chart{}
	for _, c := range charts {
		if c.name != "" && l.isUnique(c) {
			byName[c.name], byName[path.Base(c.dir)] = c, c
		}
	}
	for _, f := range l.index.files {
		for _, part := range strings.Split(strings.TrimSuffix(f.name, path.Ext(f.name)), "/") {
			if c := byName[part]; c != nil && l.index.chartOf(f.name) == nil && isValuesFile(f) {
				l.add(f, rootOf(f), rule, c)
			}
		}
	}
}

// isUnique reports whether no other chart has the chart's name or its folder's.
func (l *layers) isUnique(c *chart) bool {
	for _, other := range l.index.charts() {
		if other != c && (other.name == c.name || path.Base(other.dir) == path.Base(c.dir)) {
			return false
		}
	}
	return true
}
