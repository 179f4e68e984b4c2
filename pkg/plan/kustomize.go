package plan

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/yamledit"
)

// A kustomization names the files that it builds from, and patches over them.

// kustomizationIn is the kustomization of a folder, or nil.
func (x *Index) kustomizationIn(dir string) *file {
	for _, base := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
		if f := x.byName[path.Join(dir, base)]; f != nil {
			return f
		}
	}
	return nil
}

// reach lists the files that the kustomization builds from, through others too.
func (x *Index) reach(k *file) []*file {
	x.reaching.Lock()
	defer x.reaching.Unlock()
	if reached, known := x.reached[k]; known {
		return reached
	}
	reached := x.follow(k)
	if x.reached == nil {
		x.reached = map[*file][]*file{}
	}
	x.reached[k] = reached
	return reached
}

func (x *Index) follow(k *file) []*file {
	seen := map[*file]bool{}
	var reached []*file
	var follow func(k *file)
	follow = func(k *file) {
		root := rootOf(k)
		if root == nil || seen[k] {
			return
		}
		seen[k] = true
		for _, key := range []string{"resources", "bases", "components"} {
			list := root.Field(key)
			if list == nil {
				continue
			}
			for _, item := range list.Items() {
				name := path.Join(path.Dir(k.name), item.Value())
				if f := x.byName[name]; f != nil {
					reached = append(reached, f)
				} else if next := x.kustomizationIn(name); next != nil {
					follow(next)
				}
			}
		}
	}
	follow(k)
	return reached
}

// addPatches adds the objects that a kustomization lays over an object of a seed:
// those of the same kind and name.
func (l *layers) addPatches(seeds []*file) {
	rule := &ruleSet{}
	for _, k := range l.index.files {
		if !isKustomization(path.Base(k.name)) || !bytes.Contains(k.src, []byte("patch")) {
			continue
		}
		reached := slices.DeleteFunc(slices.Clone(l.index.reach(k)), func(f *file) bool { return !slices.Contains(seeds, f) })
		if len(reached) == 0 {
			continue
		}
		for _, patch := range l.index.patches(k) {
			l.addPatch(rule, patch, reached)
		}
	}
}

// A patch is an object in a file, which lies over another object; or the list of a
// JSON patch with its target.
type patch struct {
	file   *file
	root   *yamledit.Node
	target *yamledit.Node // kind and name of a JSON patch's object; or nil
}

// patches lists the patches of the kustomization.
func (x *Index) patches(k *file) []patch {
	var all []patch
	root := rootOf(k)
	if root == nil {
		return nil
	}
	for _, key := range []string{"patches", "patchesStrategicMerge", "patchesJson6902"} {
		list := root.Field(key)
		if list == nil {
			continue
		}
		for _, item := range list.Items() {
			name := item.Value()
			if item.IsMapping() {
				name = textAt(item, "path")
			}
			if f := x.byName[path.Join(path.Dir(k.name), name)]; f != nil && f.read() != nil && f.err == nil {
				for _, doc := range f.text.Documents() {
					all = append(all, patch{f, doc, item.Field("target")})
				}
			}
			if inline := item.Field("patch"); inline != nil {
				if inner := embeddedRoot(inline); inner != nil {
					all = append(all, patch{k, inner, item.Field("target")})
				}
			}
		}
	}
	return all
}

func (l *layers) addPatch(rule *ruleSet, p patch, reached []*file) {
	for _, f := range reached {
		if f.read() == nil || f.err != nil {
			continue
		}
		for _, doc := range f.text.Documents() {
			if p.isOver(doc) {
				l.add(p.file, p.root, rule, values{doc})
			}
		}
	}
}

// isOver reports whether the patch is for the object.
func (p patch) isOver(object *yamledit.Node) bool {
	kind, name := textAt(p.root, "kind"), textAt(p.root.Field("metadata"), "name")
	if p.root.IsList() {
		kind, name = textAt(p.target, "kind"), textAt(p.target, "name")
	}
	return kind != "" && kind == textAt(object, "kind") && name == textAt(object.Field("metadata"), "name")
}

// patchMappings reads the operations of a JSON patch that set a value as mappings
// with one field.
func patchMappings(list *yamledit.Node) []*mapping {
	var all []*mapping
	for _, item := range list.Items() {
		value, op := item.Field("value"), textAt(item, "op")
		pointer, isPointer := strings.CutPrefix(textAt(item, "path"), "/")
		if value == nil || !value.IsScalar() || !isPointer || op != "add" && op != "replace" {
			continue
		}
		keys := strings.Split(pointer, "/")
		for i, key := range keys {
			keys[i] = strings.ReplaceAll(strings.ReplaceAll(key, "~1", "/"), "~0", "~")
		}
		last := len(keys) - 1
		m := &mapping{keys: reversed(keys[:last])}
		m.add([]yamledit.Field{{Key: keys[last], Value: value}})
		m.own = 1
		all = append(all, m)
	}
	return all
}

// leaveBareImages leaves images without a tag that a kustomization builds from and
// whose tag is its newTag.
func (s *search) leaveBareImages() {
	reasons := map[*file]string{}
	for _, f := range s.index.files {
		if !isKustomization(path.Base(f.name)) || !f.mayHold([]byte(s.part)) {
			continue
		}
		for _, spot := range f.spots(s.part) {
			key := spot.value.Key()
			if key != "newTag" && key != "digest" || spot.fill != "" || !spot.names(s.repository) || !isNamed(textAt(spot.value.Parent(), "name"), s.repository) {
				continue
			}
			for _, reached := range s.index.reach(f) {
				reasons[reached] = fmt.Sprintf("has no tag, because it is %s in %s:%d", key, f.name, spot.value.Line())
			}
		}
	}
	s.leave(func(c candidate) string {
		if c.spot.form == FormReference && c.spot.isUnwritten() {
			return reasons[c.file]
		}
		return ""
	})
}
