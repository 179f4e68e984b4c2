package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// A spot is a place that names an image, with the keys that belong to it.
type spot struct {
	form   Form
	ref    image.Ref      // what is written, template actions included
	value  *yamledit.Node // the value to change
	digest *yamledit.Node // the digest's own key, or nil; value itself for FormDigest
}

// spotsOf lists what the mapping's keys, or the list's items, name.
func spotsOf(n *yamledit.Node) []spot {
	if n.IsList() {
		return itemSpots(n)
	}
	var spots []spot
	fields := n.Fields()
	for i, f := range fields {
		if f.Value.IsMapping() || f.Value.IsList() {
			continue
		}
		if s, ok := fieldSpot(fields, i); ok {
			spots = append(spots, s)
		}
	}
	return spots
}

// itemSpots are the plain references in a list such as images: [nginx:1.27].
func itemSpots(list *yamledit.Node) []spot {
	if key := list.Key(); key != "images" && !strings.HasSuffix(key, "Images") {
		return nil
	}
	var spots []spot
	for _, item := range list.Items() {
		if item.IsScalar() && item.Value() != "" {
			spots = append(spots, referenceSpot(item))
		}
	}
	return spots
}

// fieldSpot is the spot whose repository stands in field i.
func fieldSpot(fields []yamledit.Field, i int) (spot, bool) {
	f := fields[i]
	switch key := f.Key; {
	case key == "repository":
		return pairSpot(fields, i, "tag", "imageTag")
	case key == "newName", key == "name" && !has(fields, "newName"):
		return nameSpot(fields, i)
	case key == "imageName":
		return pairSpot(fields, i, "imageTag")
	case key == "image":
		return imageSpot(fields, i, "imageTag", "tag")
	case strings.HasSuffix(key, "Image"):
		return imageSpot(fields, i, key+"Tag")
	case strings.HasSuffix(key, "_image"), strings.HasSuffix(key, "-image"):
		return imageSpot(fields, i, key+"_tag", key+"-tag")
	}
	return spot{}, false
}

func has(fields []yamledit.Field, key string) bool {
	return slices.ContainsFunc(fields, func(f yamledit.Field) bool { return f.Key == key })
}

// nameSpot is an entry of a kustomization's images, or a {name, tag}.
func nameSpot(fields []yamledit.Field, i int) (spot, bool) {
	if s, ok := pairSpot(fields, i, "newTag", "tag"); ok {
		return s, true
	}
	digest := sibling(fields, i, "digest")
	if digest == nil || !strings.HasPrefix(digest.Value(), "sha256:") {
		return spot{}, false
	}
	ref := image.Ref{Repository: fields[i].Value.Value(), Digest: digest.Value()}
	return spot{form: FormDigest, ref: ref, value: digest, digest: digest}, true
}

// imageSpot is a key that holds a whole reference, or a repository whose tag
// has a key of its own.
func imageSpot(fields []yamledit.Field, i int, tagKeys ...string) (spot, bool) {
	value := fields[i].Value
	if value.Value() == "" {
		return spot{}, false
	}
	if image.Split(value.Value()).Tag == "" && !strings.Contains(value.Value(), "@") {
		if s, ok := pairSpot(fields, i, tagKeys...); ok {
			return s, true
		}
	}
	return referenceSpot(value), true
}

func referenceSpot(value *yamledit.Node) spot {
	return spot{form: FormReference, ref: splitTemplate(value.Value()), value: value}
}

// pairSpot is a repository in field i with its tag under the first of tagKeys
// that is there.
func pairSpot(fields []yamledit.Field, i int, tagKeys ...string) (spot, bool) {
	for _, key := range tagKeys {
		tag := sibling(fields, i, key)
		if tag == nil || tag.IsMapping() || tag.IsList() {
			continue
		}
		s := spot{form: FormTag, value: tag, digest: digestBeside(fields, i)}
		s.ref.Repository = withRegistry(fields, i)
		s.ref.Tag, s.ref.Digest, _ = strings.Cut(tag.Value(), "@")
		if s.digest != nil && s.digest.Value() != "" {
			s.ref.Digest = fullDigest(s.digest.Value())
		}
		return s, s.ref.Repository != ""
	}
	return spot{}, false
}

func withRegistry(fields []yamledit.Field, i int) string {
	repository := fields[i].Value.Value()
	if key := fields[i].Key; key == "name" || key == "newName" {
		return repository
	}
	if registry := sibling(fields, i, "registry"); registry != nil && registry.Value() != "" && repository != "" {
		return strings.TrimSuffix(registry.Value(), "/") + "/" + repository
	}
	return repository
}

func digestBeside(fields []yamledit.Field, i int) *yamledit.Node {
	for _, key := range []string{"digest", "sha", "sha256", "imageDigest"} {
		if n := sibling(fields, i, key); n != nil && !n.IsMapping() && !n.IsList() {
			return n
		}
	}
	return nil
}

// sibling is what key holds beside field i. In a template a key can stand there
// once per branch; then the first behind the field, up to its key's next
// occurrence, belongs to it, else the last one before.
func sibling(fields []yamledit.Field, i int, key string) *yamledit.Node {
	for j := i + 1; j < len(fields) && fields[j].Key != fields[i].Key; j++ {
		if fields[j].Key == key {
			return fields[j].Value
		}
	}
	for j := i - 1; j >= 0 && fields[j].Key != fields[i].Key; j-- {
		if fields[j].Key == key {
			return fields[j].Value
		}
	}
	return nil
}

// spotAt is the spot whose tag or digest n holds. Where no repository belongs to
// n, its own text decides: a whole reference, or a tag of repository.
func spotAt(n *yamledit.Node, repository string) spot {
	if up := n.Parent(); up != nil {
		for _, s := range spotsOf(up) {
			if s.value.Is(n) {
				return s
			}
		}
	}
	if text := n.Value(); isReference(text, repository) {
		return referenceSpot(n)
	}
	s := spot{form: FormTag, value: n, ref: image.Ref{Repository: repository}}
	s.ref.Tag, s.ref.Digest, _ = strings.Cut(n.Value(), "@")
	return s
}

// isReference tells repo, repo:tag and repo@digest from a bare tag.
func isReference(text, repository string) bool {
	name, _, _ := strings.Cut(text, "@")
	return strings.ContainsAny(name, "/:") || image.SameRepository(name, repository)
}

// splitTemplate is [image.Split] for text in which actions may hold : and @.
func splitTemplate(text string) image.Ref {
	end := strings.LastIndex(text, "}}")
	if end < 0 {
		return image.Split(text)
	}
	end += len("}}")
	ref := image.Split(text[end:])
	if ref.Tag != "" || !strings.Contains(text[:end], ":{{") {
		ref.Repository = text[:end] + ref.Repository
		return ref
	}
	colon := strings.Index(text, ":{{")
	return image.Ref{Repository: text[:colon], Tag: text[colon+1:]}
}

// names reports whether the spot is the repository's. Where an action computes
// the repository's beginning, the literal segments behind it decide.
func (s spot) names(repository string) bool {
	if repository == "" {
		return false
	}
	name := s.ref.Repository
	end := strings.LastIndex(name, "}}")
	if end < 0 {
		return image.SameRepository(name, repository)
	}
	tail := name[end+len("}}"):]
	return strings.HasPrefix(tail, "/") && strings.HasSuffix("/"+image.Canonical(repository), tail)
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
	return &yamledit.Error{
		Path: n.Path(), Line: n.Line(),
		Why:  fmt.Sprintf("the image is pinned by digest (%s), so a new tag alone would change nothing", shorten(s.ref.Digest)),
		Help: "give --pin-digest to write the new tag's digest as well",
	}
}

func shorten(digest string) string {
	if len(digest) > len("sha256:")+8 {
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
		return want.String()
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
	if strings.Contains(text, ":") {
		return text
	}
	return "sha256:" + text
}
