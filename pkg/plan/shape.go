package plan

import (
	"regexp"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// The shapes in which files write an image: which keys belong together.

// spotsOf lists what the mapping's keys, or the list's items, name.
func spotsOf(n *yamledit.Node) []spot {
	if n.IsList() {
		return itemSpots(n)
	}
	var spots []spot
	own := n.Fields()
	fields := append(own[:len(own):len(own)], mergedFields(own)...)
	for i, f := range fields {
		if f.Value.IsMapping() || f.Value.IsList() {
			continue
		}
		s, ok := fieldSpot(fields, i)
		if ok && !s.value.Parent().Is(n) {
			if i >= len(own) || s.form != FormTag {
				continue // the merged mapping's own spot
			}
			s = s.withoutTag(f.Value)
		}
		if ok {
			spots = append(spots, s.fallbacks()...)
		}
	}
	return spots
}

// mergedFields are those that << brings in and no own field overrides.
func mergedFields(own []yamledit.Field) []yamledit.Field {
	var merged []yamledit.Field
	for _, f := range own {
		if f.Key != "<<" {
			continue
		}
		for _, from := range append(f.Value.Items(), f.Value) {
			anchor := from.Anchor()
			if anchor == nil {
				continue
			}
			for _, inherited := range anchor.Fields() {
				if !has(own, inherited.Key) && !has(merged, inherited.Key) {
					merged = append(merged, inherited)
				}
			}
		}
	}
	return merged
}

// withoutTag is the spot of a repository whose tag comes from a merged mapping.
// Its own is missing, and that one is put in is then refused by name.
func (s spot) withoutTag(repository *yamledit.Node) spot {
	s.fill, s.value = s.value.Key(), repository
	return s
}

// itemSpots are the references in a list: images: [nginx:1.27], a kustomize
// override "old=new:1.27" of Argo CD, an argument --image=nginx:1.27, and the
// parameters that name a repository and its tag.
func itemSpots(list *yamledit.Node) []spot {
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
			spots = append(spots, s.overriding())
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
	if !found || strings.Contains(name, "{{") {
		return s
	}
	s.prefix = name + "="
	s.ref = splitTemplate(rest)
	return s
}

var (
	flagPattern  = regexp.MustCompile(`^--?[A-Za-z0-9][A-Za-z0-9._-]*$`)
	imagePattern = regexp.MustCompile(`(?i)image`)
)

// isFlagged reports whether the item is a flag --…image whose value follows.
func isFlagged(before *yamledit.Node) bool {
	return before != nil && flagPattern.MatchString(before.Value()) && imagePattern.MatchString(before.Value())
}

// argumentSpot is a flag with its value, --image=repo:tag. A value like host:80
// looks the same, so either the flag or a path in the repository must tell.
func argumentSpot(item *yamledit.Node) (spot, bool) {
	flag, rest, found := strings.Cut(item.Value(), "=")
	if !found || !flagPattern.MatchString(flag) {
		return spot{}, false
	}
	s := spot{form: FormReference, ref: splitTemplate(rest), value: item, prefix: flag + "="}
	return s, s.isTagged() && (imagePattern.MatchString(flag) || strings.Contains(s.ref.Repository, "/"))
}

// isTagged reports whether the spot has a literal tag or a digest.
func (s spot) isTagged() bool {
	return s.ref.Digest != "" || s.ref.Tag != "" && image.CheckTag(s.ref.Tag) == nil
}

// parameterSpots are {name: image.repository, value: …} and {name: image.tag,
// value: …} in one list, as Argo CD has them for Helm.
func parameterSpots(list *yamledit.Node) []spot {
	values := map[string]*yamledit.Node{}
	var names []string
	for _, item := range list.Items() {
		name, value := item.Field("name"), item.Field("value")
		if name == nil || value == nil || value.IsMapping() || value.IsList() {
			continue
		}
		if values[name.Value()] == nil {
			names = append(names, name.Value())
		}
		values[name.Value()] = value
	}
	var spots []spot
	for _, name := range names {
		prefix, found := strings.CutSuffix(name, "repository")
		tag := values[prefix+"tag"]
		if !found || tag == nil || values[name].Value() == "" {
			continue
		}
		s := spot{form: FormTag, value: tag, digest: values[prefix+"digest"]}
		s.ref.Repository = joinRegistry(values[prefix+"registry"], values[name].Value())
		spots = append(spots, s.withTag(tag))
	}
	return spots
}

// fieldSpot is the spot whose repository stands in field i.
func fieldSpot(fields []yamledit.Field, i int) (spot, bool) {
	f := fields[i]
	switch key := f.Key; {
	case key == "repository":
		return repositorySpot(fields, i)
	case key == "newName", key == "name" && !has(fields, "newName"):
		return nameSpot(fields, i)
	case key == "imageName":
		return pairSpot(fields, i, "imageTag")
	case key == "imageRepository":
		return pairSpot(fields, i, "imageTag", "tag")
	case key == "image":
		return imageSpot(fields, i, "imageTag", "tag")
	case key == "value", key == "default":
		return valueSpot(fields, i)
	case strings.HasSuffix(key, "Image"):
		return imageSpot(fields, i, key+"Tag")
	case strings.HasSuffix(key, "_IMAGE"):
		return imageSpot(fields, i, key+"_TAG", strings.TrimSuffix(key, "IMAGE")+"TAG")
	case strings.HasSuffix(key, "_image"), strings.HasSuffix(key, "-image"):
		return imageSpot(fields, i, key+"_tag", key+"-tag")
	}
	return spot{}, false
}

func has(fields []yamledit.Field, key string) bool {
	return slices.ContainsFunc(fields, func(f yamledit.Field) bool { return f.Key == key })
}

// valueSpot is a variable or parameter {name: WEB_IMAGE, value: repo:tag}, or a
// JSON patch {path: /spec/image, value: repo:tag}. As in [argumentSpot],
// redis:6379 is no image unless the name says so.
func valueSpot(fields []yamledit.Field, i int) (spot, bool) {
	name := sibling(fields, i, "name")
	if name == nil {
		name = sibling(fields, i, "path")
	}
	if name == nil || !name.IsScalar() {
		return spot{}, false
	}
	s := referenceSpot(fields[i].Value)
	return s, s.isTagged() && (imagePattern.MatchString(name.Value()) || strings.Contains(s.ref.Repository, "/"))
}

// repositorySpot is a repository with its tag beside it or, in the mapping of an
// image, with the tag's line missing.
func repositorySpot(fields []yamledit.Field, i int) (spot, bool) {
	if s, ok := pairSpot(fields, i, "tag", "imageTag"); ok {
		return s, true
	}
	if s, ok := digestSpot(fields, i); ok {
		return s, true
	}
	if !isImageMapping(fields, i) {
		return spot{}, false
	}
	return fillSpot(fields, i, "tag")
}

// isImageMapping reports whether the fields are an image's for certain: charts
// also write the repository of a chart, or of sources, under that key.
func isImageMapping(fields []yamledit.Field, i int) bool {
	for _, key := range []string{"pullPolicy", "imagePullPolicy", "registry", "pullSecrets", "digest", "sha"} {
		if sibling(fields, i, key) != nil {
			return true
		}
	}
	n := fields[i].Value.Parent()
	for n != nil && n.Key() == "" {
		n = n.Parent()
	}
	return n != nil && imagePattern.MatchString(n.Key())
}

// fillSpot is the place of a missing tag: behind a literal repository, where
// no other key could be the tag's.
func fillSpot(fields []yamledit.Field, i int, key string) (spot, bool) {
	value := fields[i].Value
	if value.Parent() == nil || !value.IsScalar() || value.HasAction() || image.CheckRepository(value.Value()) != nil {
		return spot{}, false
	}
	for _, f := range fields {
		if name := strings.ToLower(f.Key); strings.Contains(name, "tag") || strings.Contains(name, "version") {
			return spot{}, false
		}
	}
	s := spot{form: FormTag, value: value, fill: key, digest: digestBeside(fields, i)}
	s.ref.Repository = withRegistry(fields, i)
	return s, true
}

// fallbacks are the spots of the strings that the spot's template actions fall
// back to; the spot itself, when there are none.
func (s spot) fallbacks() []spot {
	if s.fill != "" || !s.value.HasAction() {
		return []spot{s}
	}
	literals := s.value.Fallbacks()
	if s.computedTag() != "" {
		return []spot{s.tagFallback(literals)}
	}
	spots := []spot{s}
	for _, literal := range literals {
		if ref, err := image.Parse(literal.Value); err == nil && (ref.Tag != "" || ref.Digest != "") {
			spots = append(spots, spot{form: FormReference, ref: ref, value: s.value, literal: &literal})
		}
	}
	return spots
}

// tagFallback reads acme/web:{{ .tag | default "1.2" }}, and the same with a
// repository that has a fallback too.
func (s spot) tagFallback(literals []yamledit.Scalar) spot {
	if len(literals) == 2 && strings.HasPrefix(s.ref.Repository, "{{") && image.CheckRepository(literals[0].Value) == nil {
		s.ref.Repository, literals = literals[0].Value, literals[1:]
	}
	if len(literals) != 1 {
		return s
	}
	tag, digest, _ := strings.Cut(literals[0].Value, "@")
	if image.CheckTag(tag) != nil {
		return s
	}
	s.form, s.literal = FormTag, &literals[0]
	s.ref.Tag, s.ref.Digest = tag, digest
	return s
}

// nameSpot is an entry of a kustomization's images, or a {name, tag}.
func nameSpot(fields []yamledit.Field, i int) (spot, bool) {
	if s, ok := pairSpot(fields, i, "newTag", "tag"); ok {
		return s, true
	}
	if s, ok := digestSpot(fields, i); ok {
		return s, true
	}
	if !isKustomizeEntry(fields[i].Value.Parent()) {
		return spot{}, false
	}
	return fillSpot(fields, i, "newTag")
}

// digestSpot is a repository that only a digest stands beside.
func digestSpot(fields []yamledit.Field, i int) (spot, bool) {
	digest := sibling(fields, i, "digest")
	if digest == nil || !strings.HasPrefix(digest.Value(), "sha256:") {
		return spot{}, false
	}
	ref := image.Ref{Repository: withRegistry(fields, i), Digest: digest.Value()}
	return spot{form: FormDigest, ref: ref, value: digest, digest: digest}, true
}

// isKustomizeEntry reports whether the mapping stands in the images of a
// kustomization: kustomize's own, often without a kind, or Flux's.
func isKustomizeEntry(entry *yamledit.Node) bool {
	list := entry.Parent()
	if list == nil || !list.IsList() || list.Key() != "images" {
		return false
	}
	if entry.Field("newName") != nil {
		return true
	}
	for _, key := range []string{"resources", "bases", "components", "patches", "patchesStrategicMerge", "configMapGenerator"} {
		if list.Parent().Field(key) != nil {
			return true
		}
	}
	for n := list.Parent(); n != nil; n = n.Parent() {
		if kind := n.Field("kind"); kind != nil && (kind.Value() == "Kustomization" || kind.Value() == "Component") {
			return true
		}
	}
	return false
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
		return s.withTag(tag), s.ref.Repository != ""
	}
	return spot{}, false
}

// withTag reads the tag, and the digest in it or beside it.
func (s spot) withTag(tag *yamledit.Node) spot {
	s.ref.Tag, s.ref.Digest, _ = strings.Cut(tag.Value(), "@")
	if s.digest != nil && s.digest.Value() != "" {
		s.ref.Digest = fullDigest(s.digest.Value())
	}
	return s
}

func withRegistry(fields []yamledit.Field, i int) string {
	repository := fields[i].Value.Value()
	if key := fields[i].Key; key == "name" || key == "newName" {
		return repository
	}
	return joinRegistry(sibling(fields, i, "registry"), repository)
}

func joinRegistry(registry *yamledit.Node, repository string) string {
	if registry == nil || registry.Value() == "" || repository == "" {
		return repository
	}
	return strings.TrimSuffix(registry.Value(), "/") + "/" + repository
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
