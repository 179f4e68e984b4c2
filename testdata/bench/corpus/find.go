package corpus

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing/fstest"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// findTargets asks [Find] for every image that the file seems to name.
func findTargets(f File, text *yamledit.Text) []plan.Target {
	names := map[string]bool{}
	for _, root := range text.Documents() {
		collectNames(root, names)
	}
	tree := fstest.MapFS{f.fsName(): {Data: f.Text}}
	seen := map[string]bool{}
	var targets []plan.Target
	for name := range names {
		found, err := Find(tree, name)
		if err != nil {
			continue // a name that only looked like an image's
		}
		for _, t := range found {
			id := fmt.Sprint(t.Doc, " ", t.Line, " ", t.Path)
			if t.Current.Tag != "" && !seen[id] {
				seen[id] = true
				targets = append(targets, t)
			}
		}
	}
	slices.SortFunc(targets, func(a, b plan.Target) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return strings.Compare(a.Path.String(), b.Path.String())
	})
	return targets
}

// fsName is a name that io/fs takes and that still ends as the file's does.
func (f File) fsName() string { return "f" + filepath.Ext(f.Name) }

// collectNames gathers what stands under keys that hold images' names.
func collectNames(root *yamledit.Node, names map[string]bool) {
	root.Walk(func(n *yamledit.Node) {
		if inner := n.Embedded(); inner != nil {
			for _, root := range inner.Documents() {
				collectNames(root, names)
			}
		}
		if !n.IsScalar() || !mayNameImage(n) {
			return
		}
		name := literalName(n.Value())
		add(names, name)
		if registry := n.Parent().Field("registry"); registry != nil && registry.Value() != "" {
			add(names, registry.Value()+"/"+name)
		}
	})
}

func add(names map[string]bool, name string) {
	if image.CheckRepository(name) == nil {
		names[name] = true
	}
}

// mayNameImage is generous: what is no image is not found by tagbump.
func mayNameImage(n *yamledit.Node) bool {
	up := n.Parent()
	if up == nil {
		return false
	}
	key := n.Key()
	if key == "" {
		key = up.Key() // an item of a list
	}
	return strings.Contains(key, "mage") || strings.Contains(key, "repo") || key == "name" || key == "newName"
}

// literalName is the repository in a reference, behind its last template action.
func literalName(value string) string {
	if end := strings.LastIndex(value, "}}"); end >= 0 {
		value = strings.TrimPrefix(value[end+len("}}"):], "/")
	}
	return image.Split(value).Repository
}
