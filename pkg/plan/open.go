package plan

import (
	"fmt"
	"strings"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// openTags lists the values under a tag's key that have no image's name beside
// them, and that may be an image's tag.
func (f *file) openTags() []*yamledit.Node {
	if f.read() == nil || f.err != nil {
		return nil
	}
	known := f.spots("")
	var open []*yamledit.Node
	for _, root := range f.text.Documents() {
		root.Walk(func(n *yamledit.Node) {
			if tag := openTag(n); tag != nil && !hasValue(known, tag) {
				open = append(open, tag)
			}
		})
	}
	return open
}

func hasValue(spots []spot, n *yamledit.Node) bool {
	for _, s := range spots {
		if s.value.Is(n) {
			return true
		}
	}
	return false
}

// openTag returns n's value when n is a tag without a name: under a key such as
// tag, or a parameter of that name; else nil.
func openTag(n *yamledit.Node) *yamledit.Node {
	key, value := n.Key(), n
	if n.IsMapping() {
		name := textAt(n, "name")
		value = n.Field("value")
		if value == nil || n.Parent() == nil || !n.Parent().IsList() {
			return nil
		}
		key = name[strings.LastIndex(name, ".")+1:]
	}
	if !value.IsScalar() || value.HasAction() || image.CheckTag(value.Value()) != nil {
		return nil
	}
	switch keypath.Plain(key) {
	case "tag", "imagetag", "newtag":
	case "version", "imageversion":
		if !saysImage(parentKey(n)) {
			return nil
		}
	default:
		return nil
	}
	if _, kind := object(n); idleKinds[kind] || inListWithoutImage(n) && !n.IsMapping() {
		return nil
	}
	return value
}

// inListWithoutImage reports whether n is in a list and no key that leads to it is
// an image's: filters of log shippers have tags, too.
func inListWithoutImage(n *yamledit.Node) bool {
	inList := false
	for at := n; at != nil; at = at.Parent() {
		inList = inList || at.IsList()
		if saysImage(at.Key()) {
			return false
		}
	}
	return inList
}

// addOpen notes the tags of the file that have no name.
func (e *missing) addOpen(f *file) {
	for _, tag := range f.openTags() {
		if len(e.open) == 0 {
			e.openPath = tag.Path().String()
		}
		e.open = append(e.open, fmt.Sprintf("%s: %s (%s:%d)", tag.Path(), tag.Value(), f.name, tag.Line()))
	}
}
