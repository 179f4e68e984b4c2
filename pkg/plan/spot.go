package plan

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// A spot is a place that names an image, with the keys that belong to it.
type spot struct {
	form    Form
	ref     image.Ref        // what is written, template actions included
	value   *yamledit.Node   // the value to change or, with fill, the repository
	digest  *yamledit.Node   // the digest's own key, or nil; value itself for FormDigest
	prefix  string           // of value, before the reference: "--image=", "old/name="
	fill    string           // the key that is missing beside value, or ""
	literal *yamledit.Scalar // the string in value's template action that holds the tag, or nil
}

// spotsAt lists the spots whose tag or digest n holds; more than one where a
// template action has several fallbacks. Where no repository belongs to n, its
// own text decides: a whole reference, or a tag of repository.
func spotsAt(n *yamledit.Node, repository string) []spot {
	if spots := knownSpots(n); len(spots) > 0 {
		return spots
	}
	if text := n.Value(); isReference(text, repository) {
		return referenceSpot(n).fallbacks()
	}
	s := spot{form: FormTag, value: n, ref: image.Ref{Repository: repository}}
	return s.withTag(n).fallbacks()
}

// knownSpots lists n's spots by the repository that stands beside it. A
// parameter's is in another item of its list.
func knownSpots(n *yamledit.Node) []spot {
	up := n.Parent()
	if up == nil {
		return nil
	}
	all := spotsOf(up)
	if list := up.Parent(); list != nil && list.IsList() {
		all = append(all, spotsOf(list)...)
	}
	return slices.DeleteFunc(all, func(s spot) bool { return s.fill != "" || !s.value.Is(n) })
}

// fillsAt lists the places of a missing key in the mapping.
func fillsAt(mapping *yamledit.Node, key string) []spot {
	return slices.DeleteFunc(spotsOf(mapping), func(s spot) bool { return s.fill != key })
}

// isReference tells repo, repo:tag and repo@digest from a bare tag.
func isReference(text, repository string) bool {
	name, _, _ := strings.Cut(text, "@")
	return strings.ContainsAny(name, "/:") || image.SameRepository(name, repository)
}

// splitTemplate is [image.Split] for text in which template actions, and the ${…}
// of tools that substitute, may hold : and @.
func splitTemplate(text string) image.Ref {
	hidden := actionPattern.ReplaceAllStringFunc(text, func(action string) string {
		return strings.Repeat("_", len(action))
	})
	ref := image.Split(hidden)
	rest := text[len(ref.Repository):]
	ref.Repository = text[:len(ref.Repository)]
	if ref.Tag != "" {
		ref.Tag, rest = rest[1:1+len(ref.Tag)], rest[1+len(ref.Tag):]
	}
	if ref.Digest != "" {
		ref.Digest = rest[len(rest)-len(ref.Digest):]
	}
	return ref
}

var actionPattern = regexp.MustCompile(`(?s)\{\{.*?\}\}|\$\{[^}]*\}|\$\([^)]*\)`)

// literalTail is what stands behind the last action in text; false when there is none.
func literalTail(text string) (string, bool) {
	actions := actionPattern.FindAllStringIndex(text, -1)
	if len(actions) == 0 {
		return text, false
	}
	return text[actions[len(actions)-1][1]:], true
}

// names reports whether the spot is the repository's. Where an action computes
// the repository's beginning, the literal segments behind it decide.
func (s spot) names(repository string) bool {
	if repository == "" {
		return false
	}
	tail, isComputed := literalTail(s.ref.Repository)
	if !isComputed {
		return image.SameRepository(s.ref.Repository, repository)
	}
	return strings.HasPrefix(tail, "/") && strings.HasSuffix("/"+image.Canonical(repository), tail)
}

// isNameless reports whether a template action computes the whole repository,
// so that only a path can say whose place it is.
func (s spot) isNameless() bool {
	tail, isComputed := literalTail(s.ref.Repository)
	return isComputed && tail == ""
}

// isStale reports whether a new tag would stand beside a digest of the old one.
func (s spot) isStale(ref image.Ref) bool {
	return ref.Digest == "" && s.ref.Digest != "" && ref.Tag != s.ref.Tag
}

func (s spot) staleDigest() error {
	n := s.value
	if s.digest != nil {
		n = s.digest
	}
	help := "give --pin-digest to write the new tag's digest as well"
	if actionPattern.MatchString(s.ref.Digest) {
		help = "set the tag and the digest where that comes from, or write both here"
	}
	return &yamledit.Error{
		Path: n.Path(), Line: n.Line(), Help: help,
		Why: fmt.Sprintf("the image is pinned by digest (%s), so a new tag alone would change nothing", shorten(s.ref.Digest)),
	}
}

func shorten(digest string) string {
	if !strings.Contains(digest, "{{") && len(digest) > len("sha256:")+8 {
		return digest[:len("sha256:")+8] + "…"
	}
	return digest
}

// textFor is what the spot's value reads once it holds ref.
func (s spot) textFor(ref image.Ref) string {
	if s.form == FormDigest {
		if ref.Digest == "" {
			return s.value.Value() // the same tag: nothing to write
		}
		return digestText(s.value, ref.Digest)
	}
	want := image.Ref{Tag: ref.Tag, Digest: ref.Digest}
	if want.Digest == "" {
		want.Digest = s.ref.Digest // not stale, so the tag's own
	}
	if s.digest != nil {
		want.Digest = ""
	}
	if s.form == FormReference {
		want.Repository = s.ref.Repository
		return s.prefix + want.String()
	}
	return strings.TrimPrefix(want.String(), ":")
}

// digestText writes the digest as the key beside the tag does: keys named sha
// leave out the algorithm, because their charts write it.
func digestText(n *yamledit.Node, digest string) string {
	if n.Key() != "digest" && n.Key() != "imageDigest" && !strings.HasPrefix(n.Value(), "sha256:") {
		return strings.TrimPrefix(digest, "sha256:")
	}
	return digest
}

func fullDigest(text string) string {
	if strings.Contains(text, ":") || strings.Contains(text, "{{") {
		return text
	}
	return "sha256:" + text
}
