package plan

import (
	"strings"

	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// listSpots are the references in a list: images: [nginx:1.27], a kustomize
// override "old=new:1.27" of Argo CD, an argument --image=nginx:1.27, a variable
// WEB_IMAGE=nginx:1.27, and the parameters that name a repository and its tag.
func listSpots(list *yamledit.Node) []spot {
	key := list.Key()
	isImages := key == "images" || strings.HasSuffix(key, "Images")
	spots := parameterSpots(list)
	var before *yamledit.Node
	for _, item := range list.Items() {
		if !item.IsScalar() || item.Value() == "" {
			continue
		}
		switch s := referenceSpot(item); {
		case isImages:
			spots = append(spots, s.overriding().fallbacks()...)
		case isFlagged(before) && s.isTagged():
			spots = append(spots, s)
		default:
			if s, ok := argumentSpot(item); ok {
				spots = append(spots, s)
			}
		}
		before = item
	}
	return spots
}

// overriding reads "old=new:tag", in which the new name is the image's.
func (s spot) overriding() spot {
	name, rest, found := strings.Cut(s.value.Value(), "=")
	if !found || strings.ContainsAny(name, "{$") {
		return s
	}
	s.prefix, s.isOverride = name+"=", true
	s.ref = splitTemplate(rest)
	return s
}

var (
	flagPattern     = lazyregexp.New(`^--?[A-Za-z0-9][A-Za-z0-9._-]*$`)
	variablePattern = lazyregexp.New(`^[A-Za-z_][A-Za-z0-9_.-]*$`)
)

// isFlagged reports whether the item is a flag --…image whose value follows.
func isFlagged(before *yamledit.Node) bool {
	return before != nil && flagPattern.MatchString(before.Value()) && saysImage(before.Value())
}

// argumentSpot is a flag or a variable with its value: --image=repo:tag,
// WEB_IMAGE=repo:tag. A value like host:80 looks the same, so either the name or
// a path in the repository must tell.
func argumentSpot(item *yamledit.Node) (spot, bool) {
	name, rest, found := strings.Cut(item.Value(), "=")
	if !found || !flagPattern.MatchString(name) && !variablePattern.MatchString(name) {
		return spot{}, false
	}
	s := spot{form: FormReference, ref: splitTemplate(rest), value: item, prefix: name + "="}
	return s, s.isTagged() && (saysImage(name) || strings.Contains(s.ref.Repository, "/"))
}

// parameterSpots are {name: image.repository, value: …} and {name: image.tag,
// value: …} in one list, as Argo CD has them for Helm.
func parameterSpots(list *yamledit.Node) []spot {
	var spots []spot
	for _, m := range parameterMappings(list) {
		for _, s := range m.spots() {
			if s.form != FormReference { // a whole reference is the spot of its own item
				spots = append(spots, s)
			}
		}
	}
	return spots
}

// parameterMappings reads parameters with a common beginning as one mapping each.
func parameterMappings(list *yamledit.Node) []*mapping {
	byPrefix := map[string]*mapping{}
	var all []*mapping
	for _, item := range list.Items() {
		name, value := item.Field("name"), item.Field("value")
		if name == nil || value == nil || value.IsMapping() || value.IsList() {
			continue
		}
		prefix, key := "", name.Value()
		if dot := strings.LastIndex(key, "."); dot >= 0 {
			prefix, key = key[:dot], key[dot+1:]
		}
		m := byPrefix[prefix]
		if m == nil {
			m = &mapping{keys: keysOf(prefix)}
			byPrefix[prefix] = m
			all = append(all, m)
		}
		m.add([]yamledit.Field{{Key: key, Value: value}})
		m.own = len(m.fields)
	}
	return all
}

// keysOf splits a parameter's name, the nearest key first.
func keysOf(prefix string) []string {
	var keys []string
	for _, key := range strings.Split(prefix, ".") {
		if key != "" {
			keys = append([]string{key}, keys...)
		}
	}
	return keys
}
