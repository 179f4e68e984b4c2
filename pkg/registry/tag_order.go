package registry

import (
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/policy"
)

// An orderProof collects evidence that a registry lists tags byte by byte.
//
// A sorted page alone proves nothing: a registry that lists tags as they were pushed,
// or without regard to case, has sorted pages too, and reading would stop before the
// newest tag. What no such list has is tags in the order of bytes whose numbers fall,
// again and again: 1.10 before 1.9. Three of them among a hundred tags are proof.
type orderProof struct {
	last     string // the tag before
	tags     int
	falls    int // neighbours whose numbers fall
	unsorted bool
}

const (
	provenTags  = 100
	provenFalls = 3
)

// note looks at the next tags of the list.
func (p *orderProof) note(tags []string) {
	for _, tag := range tags {
		if p.tags > 0 && tag <= p.last {
			p.unsorted = true
		}
		if p.tags > 0 && policy.NaturalKey(tag) < policy.NaturalKey(p.last) {
			p.falls++
		}
		p.last = tag
		p.tags++
	}
}

func (p *orderProof) isProven() bool {
	return !p.unsorted && p.tags >= provenTags && p.falls >= provenFalls
}

// A shortcut is the part of a list in which tags with a prefix can be. The zero
// shortcut is the whole list.
type shortcut struct{ prefix string }

// newShortcut makes the shortcut for a prefix. Digits at its end are left out: in an
// order by numbers v10 is far from v1.
func newShortcut(prefix string) shortcut {
	return shortcut{strings.TrimRight(prefix, "0123456789")}
}

// last returns a text that is sorted after every tag below the prefix and before
// every tag that starts with it. The tilde is greater than all characters of a tag.
func (s shortcut) last() string {
	end := len(s.prefix) - 1
	return s.prefix[:end] + string(rune(s.prefix[end]-1)) + "~"
}

// isBehind reports whether the part begins far enough behind a tag to jump there.
func (s shortcut) isBehind(tag string) bool { return s.prefix != "" && tag < s.last() }

// isBefore reports whether the part ends before a tag, in every order that a registry
// might have: by bytes, without regard to case, by letters and digits alone, and by
// numbers.
func (s shortcut) isBefore(tag string) bool {
	if s.prefix == "" {
		return false
	}
	return !slices.ContainsFunc(sortKeys, func(key func(string) string) bool {
		from, at := key(s.prefix), key(tag)
		return at <= from || strings.HasPrefix(at, from)
	})
}

var sortKeys = []func(string) string{
	func(tag string) string { return tag },
	strings.ToLower,
	func(tag string) string {
		return strings.Map(func(c rune) rune {
			if strings.ContainsRune("._-", c) {
				return -1
			}
			return c
		}, strings.ToLower(tag))
	},
	policy.NaturalKey,
}
