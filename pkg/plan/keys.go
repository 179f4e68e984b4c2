package plan

import (
	"slices"
	"strings"
	"unicode"

	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// A role is what a key says about an image.
type role int

const (
	noRole         role = iota
	repositoryRole      // repository, repo, imageRepository
	imageRole           // image, initImage, WEB_IMAGE, imageName
	nameRole            // name
	newNameRole         // newName
	valueRole           // value, default: named by another key
	looseRole           // a key that has "image" in it: a whole reference or nothing
)

// nameRoles are the endings of keys that hold a repository, the longest first.
var nameRoles = []struct {
	ending string
	role   role
}{
	{"imagerepository", repositoryRole},
	{"imagerepo", repositoryRole},
	{"repository", repositoryRole},
	{"repo", repositoryRole},
	{"imagename", imageRole},
	{"image", imageRole},
}

// roleOf returns a plain key's role and what is in front of it: "init" for
// initImage.
func roleOf(key string) (stem string, r role) {
	switch key {
	case "name":
		return "", nameRole
	case "newname":
		return "", newNameRole
	case "value", "default":
		return "", valueRole
	case "img", "version":
		return "", looseRole
	}
	for _, known := range nameRoles {
		if stem, found := strings.CutSuffix(key, known.ending); found {
			return stem, known.role
		}
	}
	if strings.Contains(key, "image") {
		return "", looseRole
	}
	return "", noRole
}

// wordsOf splits a key at its separators and capitals: chartVersion is chart and
// version.
func wordsOf(key string) []string {
	var words []string
	var word strings.Builder
	end := func() {
		if word.Len() > 0 {
			words = append(words, word.String())
			word.Reset()
		}
	}
	lower := false
	for _, c := range key {
		if !unicode.IsLetter(c) && !unicode.IsDigit(c) || unicode.IsUpper(c) && lower {
			end()
		}
		if unicode.IsLetter(c) || unicode.IsDigit(c) {
			word.WriteRune(unicode.ToLower(c))
		}
		lower = unicode.IsLower(c) || unicode.IsDigit(c)
	}
	end()
	return words
}

// hasWord reports whether one of the key's words is among words.
func hasWord(key string, words ...string) bool {
	return slices.ContainsFunc(wordsOf(key), func(word string) bool { return slices.Contains(words, word) })
}

// saysImage reports whether a key or an option has the word image in it.
func saysImage(name string) bool { return strings.Contains(strings.ToLower(name), "image") }

// A field is a key of a mapping, in a plain spelling too.
type field struct {
	yamledit.Field
	plain string
}

// A mapping is a mapping of a text as shapes see it: its fields, those that it
// inherits from others, and the keys that lead to it.
type mapping struct {
	node   *yamledit.Node // whose own fields come first; nil for Helm parameters
	fields []field
	own    int      // number of its own fields
	keys   []string // from the nearest to the root, without list items
}

func newMapping(n *yamledit.Node) mapping {
	m := mapping{node: n}
	m.add(n.Fields())
	m.own = len(m.fields)
	return m
}

func (m *mapping) add(fields []yamledit.Field) {
	m.fields = slices.Grow(m.fields, len(fields))
	for _, f := range fields {
		m.fields = append(m.fields, field{f, keypath.Plain(f.Key)})
	}
}

// keysTo lists the keys that lead to n, the nearest first, through the texts that
// n is embedded in.
func keysTo(n *yamledit.Node) []string {
	var keys []string
	for ; n != nil; n = n.Parent() {
		if key := n.Key(); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

// isOfImage reports whether the key that holds the mapping is an image's.
func (m mapping) isOfImage() bool { return len(m.keys) > 0 && saysImage(m.keys[0]) }

// sibling returns what the plain key holds beside field i. In a template a key can
// occur once per branch; then the first behind the field, up to the next
// occurrence of the field's own key, belongs to it, else the last one before.
func (m mapping) sibling(i int, key string) *yamledit.Node {
	for j := i + 1; j < len(m.fields) && m.fields[j].Key != m.fields[i].Key; j++ {
		if m.fields[j].plain == key {
			return m.fields[j].Value
		}
	}
	for j := i - 1; j >= 0 && m.fields[j].Key != m.fields[i].Key; j-- {
		if m.fields[j].plain == key {
			return m.fields[j].Value
		}
	}
	return nil
}

// value returns the first of the plain keys beside field i that holds a value.
func (m mapping) value(i int, keys ...string) *yamledit.Node {
	for _, key := range keys {
		if n := m.sibling(i, key); n != nil && !n.IsMapping() && !n.IsList() {
			return n
		}
	}
	return nil
}

// has reports whether one of the plain keys is beside field i.
func (m mapping) has(i int, keys ...string) bool {
	return slices.ContainsFunc(keys, func(key string) bool { return m.sibling(i, key) != nil })
}
