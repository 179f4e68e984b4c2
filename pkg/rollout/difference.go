package rollout

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/tagbump/tagbump/pkg/safetext"
)

// longestValue is the longest value in a difference, in bytes.
const longestValue = 300

// Difference tells what differs between two sets of rendered manifests, each as JSON:
// for each object its name, and a line for each value that went or came. Objects are
// compared by what they mean, so their order and the order of their keys do not
// matter. Of a Secret it tells only that it differs. The result is "" where nothing
// differs.
//
//	 apps/v1 Deployment shop/web
//	-  spec.template.spec.containers[web].image: "acme/web:1.4.0"
//	+  spec.template.spec.containers[web].image: "acme/web:1.5.0"
func Difference(before, after []string) (string, error) {
	old, err := objectsOf(before)
	if err != nil {
		return "", err
	}
	now, err := objectsOf(after)
	if err != nil {
		return "", err
	}
	names := slices.Collect(maps.Keys(old))
	for name := range now {
		if _, both := old[name]; !both {
			names = append(names, name)
		}
	}
	sort.Slice(names, func(i, j int) bool { return names[i].compare(names[j]) < 0 })
	var b strings.Builder
	for _, name := range names {
		writeObject(&b, name, old[name], now[name])
	}
	return b.String(), nil
}

// An objectName is what Kubernetes knows an object by.
type objectName struct{ version, kind, namespace, name string }

func (n objectName) compare(other objectName) int {
	return cmp.Or(cmp.Compare(n.kind, other.kind), cmp.Compare(n.namespace, other.namespace), cmp.Compare(n.name, other.name), cmp.Compare(n.version, other.version))
}

func (n objectName) String() string {
	name := n.name
	if n.namespace != "" {
		name = n.namespace + "/" + name
	}
	return safetext.Line(fmt.Sprintf("%s %s %s", n.version, n.kind, name))
}

func (n objectName) isSecret() bool { return n.kind == "Secret" }

// objectsOf reads manifests. Of an object that is there twice the last counts, as in a
// cluster.
func objectsOf(manifests []string) (map[objectName]values, error) {
	all := map[objectName]values{}
	for _, text := range manifests {
		var object struct {
			APIVersion, Kind string
			Metadata         struct{ Namespace, Name, GenerateName string }
		}
		var content any
		if err := errors.Join(json.Unmarshal([]byte(text), &object), json.Unmarshal([]byte(text), &content)); err != nil {
			return nil, fmt.Errorf("a rendered manifest: %w", err)
		}
		if content == nil {
			continue
		}
		name := objectName{object.APIVersion, object.Kind, object.Metadata.Namespace, cmp.Or(object.Metadata.Name, object.Metadata.GenerateName)}
		all[name] = values{}
		all[name].add("", content)
	}
	return all, nil
}

// values are the values of an object, by their paths.
type values map[string]any

// An empty value is a map or a list without content, as JSON spells it.
type empty string

// add adds the values below a path. An item of a list goes by its name, where it has one.
func (v values) add(path string, content any) {
	switch content := content.(type) {
	case map[string]any:
		if len(content) == 0 {
			v[path] = empty("{}")
		}
		for key, value := range content {
			v.add(strings.TrimPrefix(path+"."+key, "."), value)
		}
	case []any:
		if len(content) == 0 {
			v[path] = empty("[]")
		}
		seen := map[string]bool{}
		for i, value := range content {
			label := fmt.Sprint(i)
			if item, _ := value.(map[string]any); item != nil {
				if name, _ := item["name"].(string); name != "" && !seen[name] {
					label = name
				}
			}
			seen[label] = true
			v.add(path+"["+label+"]", value)
		}
	default:
		v[path] = content
	}
}

// writeObject writes how an object differs; nil values are of one that is not there.
func writeObject(b *strings.Builder, name objectName, old, now values) {
	paths := slices.Collect(maps.Keys(old))
	for path := range now {
		if _, both := old[path]; !both {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	paths = slices.DeleteFunc(paths, func(path string) bool {
		was, had := old[path]
		is, has := now[path]
		return had == has && was == is
	})
	switch {
	case old == nil:
		fmt.Fprintf(b, "+%s\n", name)
	case now == nil:
		fmt.Fprintf(b, "-%s\n", name)
		return // its values do not matter any more
	case len(paths) > 0:
		fmt.Fprintf(b, " %s\n", name)
	}
	if name.isSecret() {
		if len(paths) > 0 {
			b.WriteString("   (differs; the values of a Secret are left out)\n")
		}
		return
	}
	for _, path := range paths {
		was, is := linesOf(old, path), linesOf(now, path)
		for len(was) > 0 && len(is) > 0 && was[0] == is[0] {
			was, is = was[1:], is[1:]
		}
		for len(was) > 0 && len(is) > 0 && was[len(was)-1] == is[len(is)-1] {
			was, is = was[:len(was)-1], is[:len(is)-1]
		}
		writeValue(b, "-", path, was)
		writeValue(b, "+", path, is)
	}
}

// linesOf returns the lines of a text of several, and of other values their JSON.
func linesOf(v values, path string) []string {
	value, found := v[path]
	if !found {
		return nil
	}
	if text, isText := value.(string); isText && strings.Contains(text, "\n") {
		return strings.SplitAfter(text, "\n")
	}
	if bare, isEmpty := value.(empty); isEmpty {
		return []string{string(bare)}
	}
	spelled, _ := json.Marshal(value) // it came from JSON
	return []string{string(spelled)}
}

func writeValue(b *strings.Builder, sign, path string, lines []string) {
	for _, line := range lines {
		fmt.Fprintf(b, "%s  %s: %s\n", sign, safetext.Line(path), safetext.Cut(safetext.Line(line), longestValue))
	}
}

// SourcesOf returns the places in the spec of the sources that follow a branch of a
// repository.
func SourcesOf(app Application, repository, branch string) []int {
	followed := Wanted{Repository: repository, Branch: branch}.followed(app.Spec)
	var places []int
	for i, place := range followed.sources {
		if followed.branch[i] {
			places = append(places, place)
		}
	}
	return places
}
