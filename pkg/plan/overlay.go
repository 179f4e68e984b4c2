package plan

import (
	"fmt"
	"path"
	"slices"
	"sort"
	"strings"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/internal/suggest"
	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// A setting is a tag that a layer sets over a lower mapping.
type setting struct {
	layer *layer
	value *yamledit.Node
}

func (s setting) place() string { return place(s.layer.file.name, s.value.Line()) }

// overlays attaches the tags of layers to the image.
type overlays struct {
	*search
	layers []*layer
	over   map[string][]hiding // by the lower mapping's place and the tag's key
	split  []splitImage
}

// A splitImage has its name in a layer and its tag in a mapping below.
type splitImage struct{ name, tag *yamledit.Node }

// A hiding is a lower mapping with the tags that are set over its own.
type hiding struct {
	lower *yamledit.Node
	by    []setting
}

// attach adds the tags without a name that belong to the image by the values below
// them, and leaves the tags that are hidden below others.
func (s *search) attach() error {
	o := overlays{search: s, layers: s.index.layersFor(s.part), over: map[string][]hiding{}}
	for _, l := range o.layers {
		if err := o.layer(l); err != nil {
			return err
		}
	}
	if s.index.opts.Whole {
		if err := o.joinTemplates(); err != nil {
			return err
		}
	}
	o.leaveSplit()
	o.leaveHidden()
	sort.SliceStable(s.found, func(i, j int) bool {
		a, b := s.found[i], s.found[j]
		if a.file != b.file {
			return a.file.order < b.file.order
		}
		return a.spot.value.Line() < b.spot.value.Line()
	})
	return nil
}

// layer attaches the tags of one layer.
func (o *overlays) layer(l *layer) error {
	var claims []claim
	if l.root.IsList() {
		for _, m := range append(parameterMappings(l.root), patchMappings(l.root)...) {
			claims = o.claim(claims, l, *m, nil, reversed(m.keys))
		}
	} else {
		claims = o.walk(claims, l, l.root, nil)
	}
	for _, c := range claims {
		if len(c.mine) > 0 && !sameNames(c.names) {
			return ambiguous(c.mine[0], sortedKeys(c.names))
		}
	}
	for _, c := range claims {
		for _, mine := range c.mine {
			o.take(mine)
		}
	}
	return nil
}

// A claim is a tag of a layer with the names of the images that read it.
type claim struct {
	value *yamledit.Node
	names map[string]bool
	mine  []candidate // those that the search wants
}

func reversed(keys []string) []string {
	keys = slices.Clone(keys)
	slices.Reverse(keys)
	return keys
}

// walk gathers the claims of a mapping and of those in it. Lists are not entered,
// since Helm replaces them.
func (o *overlays) walk(claims []claim, l *layer, n *yamledit.Node, keys []string) []claim {
	m := newMapping(n)
	m.add(mergedFields(n.Fields()))
	if slices.ContainsFunc(m.fields, func(f field) bool { return isTagKey(f.plain) || o.isBare(f.Value) }) {
		m.keys, m.own, m.node = keysTo(n), len(m.fields), nil
		claims = o.claim(claims, l, m, n, keys)
	}
	for _, f := range m.fields {
		if f.Value.IsMapping() {
			claims = o.walk(claims, l, f.Value, append(slices.Clip(keys), f.Key))
		}
	}
	return claims
}

// isTagKey reports whether a plain key can hold a tag.
func isTagKey(key string) bool {
	return strings.HasSuffix(key, "tag") || strings.HasSuffix(key, "version") || key == "digest"
}

// claim adds the tags of a mapping, whose keys lead to it from the layer's root,
// with the names that they get from each release that uses the layer. A tag with a
// name beside it needs none. An empty one deletes the one below, and is no place to
// fill.
func (o *overlays) claim(claims []claim, l *layer, m mapping, own *yamledit.Node, keys []string) []claim {
	named := m.spots()
	for _, below := range l.below {
		merged := m
		var lower []*yamledit.Node
		for _, from := range below {
			lower = append(lower, from.at(keys)...)
		}
		slices.Reverse(lower) // the uppermost wins
		for _, n := range lower {
			if own != nil && n.Is(own) {
				continue
			}
			o.note(l, m, n)
			merged.inherit(n)
		}
		for _, s := range merged.spots() {
			o.noteSplit(m, s)
			if s.digest != nil && s.ref.Digest != "" && m.holds(s.digest) && !m.holds(s.value) && s.names(o.repository) {
				o.pinned(l.file, s)
			}
			if !m.holds(s.value) || s.fill != "" || s.ref.Repository == "" || !s.isTagged() && s.computedTag() == "" || hasValue(named, s.value) {
				continue
			}
			i := slices.IndexFunc(claims, func(c claim) bool { return c.value.Is(s.value) })
			if i < 0 {
				i = len(claims)
				claims = append(claims, claim{value: s.value, names: map[string]bool{}})
			}
			claims[i].names[s.ref.Repository] = true
			switch {
			case !s.names(o.repository):
			case s.form == FormDigest || s.digest != nil && s.ref.Digest != "" && !m.holds(s.digest):
				o.pinned(l.file, s)
			default:
				claims[i].mine = append(claims[i].mine, candidate{l.file, s})
			}
		}
	}
	return claims
}

// isBare reports whether the value is the image's name without a tag.
func (o *overlays) isBare(n *yamledit.Node) bool {
	return n.IsScalar() && image.SameRepository(n.Value(), o.repository)
}

// noteSplit remembers the names in the mapping whose tag is in one below it.
func (o *overlays) noteSplit(m mapping, s spot) {
	if s.form != FormTag || !s.isTagged() || m.holds(s.value) || !s.names(o.repository) {
		return
	}
	for _, f := range m.fields[:m.own] {
		if o.isBare(f.Value) {
			o.split = append(o.split, splitImage{f.Value, s.value})
		}
	}
}

// leaveSplit leaves whole references without a tag when the tag is a key of the values
// below: the chart joins both, and a tag behind the name would be a second one.
func (o *overlays) leaveSplit() {
	o.leave(func(c candidate) string {
		i := slices.IndexFunc(o.split, func(s splitImage) bool { return s.name.Is(c.spot.value) })
		if i < 0 || c.spot.form != FormReference || !c.spot.isUnwritten() {
			return ""
		}
		return "has no tag, because it is " + o.split[i].tag.Path().String() + " in the values below"
	})
}

// pinned leaves a tag that a digest in another layer hides, and a digest whose tag is
// in another layer: one of the two would stay as it is.
func (o *overlays) pinned(f *file, s spot) {
	if !o.mayChange(f) {
		return
	}
	o.left = append(o.left, candidate{f, s}.left("is pinned by a digest ("+shorten(s.ref.Digest)+"), which is in another layer than the tag"))
	o.blocked = append(o.blocked, inFile(f.name, s.refuse(
		"is pinned by a digest ("+shorten(s.ref.Digest)+"), which is in another layer than the tag", "write both by hand, or take the digest out",
	)))
}

// take adds a candidate that the search has not found yet.
func (o *overlays) take(c candidate) {
	if !o.mayChange(c.file) || slices.ContainsFunc(o.found, c.isSame) {
		return
	}
	var here findings
	o.judge(&here, c)
	o.found = append(o.found, here.found...)
	o.blocked = append(o.blocked, here.blocked...)
	for _, left := range here.left {
		if !slices.ContainsFunc(o.left, func(known Left) bool {
			return known.File == left.File && known.Line == left.Line && known.Path.Equal(left.Path)
		}) {
			o.left = append(o.left, left)
		}
	}
}

func sameNames(names map[string]bool) bool {
	first := ""
	for name := range names {
		if first != "" && !image.SameRepository(first, name) {
			return false
		}
		first = name
	}
	return true
}

// ambiguous refuses a tag that belongs to several images.
func ambiguous(c candidate, names []string) error {
	return inFile(c.file.name, &yamledit.Error{
		Path: c.spot.path(), Line: c.spot.value.Line(), Err: yamledit.ErrNotFound,
		Why:  "is the tag of " + strings.Join(names, " and of "),
		Help: "if that is meant, give the path: --path " + quoteArgument(c.spot.path().String()),
	})
}

// holds reports whether n is the value of one of the mapping's own fields.
func (m mapping) holds(n *yamledit.Node) bool {
	return slices.ContainsFunc(m.fields[:m.own], func(f field) bool { return f.Value.Is(n) })
}

// inherit adds the lower mapping's fields that the mapping does not set.
func (m *mapping) inherit(lower *yamledit.Node) {
	for _, f := range append(lower.Fields(), mergedFields(lower.Fields())...) {
		if !slices.ContainsFunc(m.fields, func(own field) bool { return own.Key == f.Key }) {
			m.fields = append(slices.Clip(m.fields), field{f, keypath.Plain(f.Key)})
		}
	}
}

// note remembers that the layer sets a tag over the lower mapping.
func (o *overlays) note(l *layer, m mapping, lower *yamledit.Node) {
	for _, f := range m.fields[:m.own] {
		if !isTagKey(f.plain) || f.Value.Value() == "" || f.Value.Parent().Is(lower) {
			continue
		}
		key := spotKey(lower, f.plain)
		i := slices.IndexFunc(o.over[key], func(h hiding) bool { return h.lower.Is(lower) })
		if i < 0 {
			i = len(o.over[key])
			o.over[key] = append(o.over[key], hiding{lower: lower})
		}
		if by := o.over[key][i].by; !slices.ContainsFunc(by, func(known setting) bool { return known.value.Is(f.Value) }) {
			o.over[key][i].by = append(by, setting{l, f.Value})
		}
	}
}

// hiders lists the tags that are set over the mapping's key.
func (o *overlays) hiders(n *yamledit.Node, key string) []setting {
	for _, h := range o.over[spotKey(n, key)] {
		if h.lower.Is(n) {
			return h.by
		}
	}
	return nil
}

// spotKey names a key of a mapping.
func spotKey(n *yamledit.Node, key string) string {
	return fmt.Sprintf("%s\x00%d\x00%d\x00%s", n.Path(), n.Document(), n.Line(), key)
}

// leaveHidden leaves tags that others hide: an empty or missing one below any, and
// a set one in a chart's values.yaml when each values file beside it sets the key.
func (o *overlays) leaveHidden() {
	o.leave(func(c candidate) string {
		up := c.spot.value.Parent()
		if up == nil || !up.IsMapping() || c.spot.form == FormReference {
			return ""
		}
		over := slices.DeleteFunc(slices.Clone(o.hiders(up, keypath.Plain(c.spot.path().Key()))), func(s setting) bool { return s.value.Is(c.spot.value) })
		if len(over) == 0 || c.spot.isTagged() && !o.areAll(c.file, over) {
			return ""
		}
		return "is hidden by " + listSettings(over)
	})
}

// areAll reports whether f is a chart's values.yaml, and each of the values files
// beside it sets the key. A single one does not tell: another environment may use
// values.yaml alone.
func (o *overlays) areAll(f *file, over []setting) bool {
	if c := o.index.chartOf(f.name); c == nil || c.values != f {
		return false
	}
	count := 0
	for _, other := range o.index.files {
		if other == f || path.Dir(other.name) != path.Dir(f.name) || !isValuesName(path.Base(other.name)) {
			continue
		}
		count++
		if !slices.ContainsFunc(over, func(s setting) bool { return s.layer.file == other }) {
			return false
		}
	}
	return count > 1
}

// isValuesName reports whether a file beside values.yaml holds values for one
// environment: values-prod.yaml, prod.values.yaml.
func isValuesName(base string) bool {
	stem := strings.TrimSuffix(base, path.Ext(base))
	return stem != base && stem != "values" && (strings.HasPrefix(stem, "values") || strings.HasSuffix(stem, "values"))
}

func listSettings(over []setting) string {
	var places []string
	for _, s := range over {
		places = append(places, s.place())
	}
	return suggest.List(places, maxWritten)
}
