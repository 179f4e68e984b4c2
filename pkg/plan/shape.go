package plan

import (
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// The shapes in which files write an image: which keys belong together.

// spotsOf lists what the mapping's keys, or the list's items, name.
func spotsOf(n *yamledit.Node) []spot {
	switch {
	case n.IsList():
		return listSpots(n)
	case n.IsMapping():
		m := newMapping(n)
		if !m.mayName() {
			return nil
		}
		m.keys = keysTo(n)
		m.add(mergedFields(n.Fields()))
		return m.spots()
	}
	return nil
}

// mayName reports whether a key of the mapping, or of one that it merges, can
// hold an image's name.
func (m mapping) mayName() bool {
	return slices.ContainsFunc(m.fields, func(f field) bool {
		_, role := roleOf(f.plain)
		return role != noRole || f.Key == "<<"
	}) || m.isInImages()
}

// spots lists the images that the mapping names, one for each key that holds a
// repository.
func (m mapping) spots() []spot {
	var spots []spot
	for i, f := range m.fields {
		if f.Value.IsMapping() || f.Value.IsList() {
			continue
		}
		s, ok := m.spot(i)
		if !ok {
			continue
		}
		if m.node != nil && !s.value.Parent().Is(m.node) {
			if i >= m.own || s.form != FormTag {
				continue // the spot of the mapping that this one merges
			}
			s = s.withoutTag(f.Value)
		}
		spots = append(spots, s.fallbacks()...)
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
				if !hasKey(own, inherited.Key) && !hasKey(merged, inherited.Key) {
					merged = append(merged, inherited)
				}
			}
		}
	}
	return merged
}

func hasKey(fields []yamledit.Field, key string) bool {
	return slices.ContainsFunc(fields, func(f yamledit.Field) bool { return f.Key == key })
}

// withoutTag is the spot of a repository whose tag comes from a merged mapping:
// the repository has no tag of its own. Inserting one is refused later, with an
// error that names the merge.
func (s spot) withoutTag(repository *yamledit.Node) spot {
	s.fill, s.value = s.value.Key(), repository
	return s
}

// spot is the spot whose repository field i holds.
func (m mapping) spot(i int) (spot, bool) {
	f := m.fields[i]
	stem, role := roleOf(f.plain)
	switch role {
	case repositoryRole:
		return m.repositorySpot(i, stem)
	case imageRole:
		return m.imageSpot(i, stem)
	case nameRole, newNameRole:
		return m.nameSpot(i, role)
	case valueRole:
		if s, ok := m.valueSpot(i); ok {
			return s, true
		}
	}
	if role == looseRole || m.isInImages() {
		return m.looseSpot(i)
	}
	return spot{}, false
}

// isInImages reports whether the mapping belongs to a map of images, such as
// images: {web: repo:tag}.
func (m mapping) isInImages() bool {
	return m.node != nil && slices.ContainsFunc(append([]string{m.node.Key()}, parentKey(m.node)), func(key string) bool {
		return saysImage(key)
	})
}

func parentKey(n *yamledit.Node) string {
	for n = n.Parent(); n != nil; n = n.Parent() {
		if key := n.Key(); key != "" {
			return key
		}
	}
	return ""
}

// looseSpot is a whole reference under a key that only has something to do with
// images. A host with a port looks like one, and is not.
func (m mapping) looseSpot(i int) (spot, bool) {
	f := m.fields[i]
	if hasWord(f.Key, "registry", "host", "url", "endpoint", "proxy", "cache", "mirror", "address", "repository") {
		return spot{}, false
	}
	s := referenceSpot(f.Value)
	if strings.HasPrefix(f.Value.Value(), "sha256:") || !s.isTagged() || !s.looksTagged() || f.plain == "version" && !strings.Contains(s.ref.Repository, "/") {
		return spot{}, false
	}
	return s.withRegistry(m.registry(i, "")), true
}

// looksTagged tells a reference from a host with a port: redis:6379.
func (s spot) looksTagged() bool {
	return strings.Contains(s.ref.Repository, "/") || s.ref.Digest != "" || len(s.ref.Tag) < 3 || strings.Trim(s.ref.Tag, "0123456789") != ""
}

// valueSpot is a variable or parameter {name: WEB_IMAGE, value: repo:tag}, or a
// JSON patch {path: /spec/image, value: repo:tag}. As in [argumentSpot],
// redis:6379 is no image unless the name says so.
func (m mapping) valueSpot(i int) (spot, bool) {
	name := m.value(i, "name", "path")
	if name == nil {
		return spot{}, false
	}
	s := referenceSpot(m.fields[i].Value)
	return s, s.isTagged() && (saysImage(name.Value()) || strings.Contains(s.ref.Repository, "/"))
}

// repositorySpot is a repository with its tag beside it or, in the mapping of an
// image, with the tag's line missing.
func (m mapping) repositorySpot(i int, stem string) (spot, bool) {
	value := m.fields[i].Value.Value()
	if isAddress(value) || m.isSource(i) {
		return spot{}, false
	}
	if name := m.value(i, "image", "imagename"); name != nil && isPartOf(name.Value(), value) {
		return spot{}, false // the image's own spot joins this part
	}
	keys := []string{stem + "tag", stem + "imagetag", stem + "imageversion", stem + "defaulttag"}
	if stem == "image" || strings.HasSuffix(stem, "image") {
		keys = append([]string{stem + "tag"}, keys...)
	}
	if keypath.Plain(m.fields[i].Key) != "repository" && m.isOnlyName(i) {
		keys = append(keys, "imagetag", "tag", "imageversion")
	}
	if m.versionIsTag(i) {
		keys = append(keys, stem+"version")
	}
	if s, ok := m.pairSpot(i, stem, keys...); ok {
		return s, true
	}
	if s, ok := m.digestSpot(i, stem); ok {
		return s, true
	}
	if !m.isImageMapping(i) {
		return spot{}, false
	}
	return m.fillSpot(i, stem, "tag")
}

// imageSpot is a key that holds a whole reference, or a repository whose tag has a
// key of its own.
func (m mapping) imageSpot(i int, stem string) (spot, bool) {
	value := m.fields[i].Value
	if value.Value() == "" || isAddress(value.Value()) {
		return spot{}, false
	}
	s := referenceSpot(value)
	if s.ref.Tag != "" || s.ref.Digest != "" {
		s = s.withRegistry(m.registry(i, stem))
		s.digest = m.digestBeside(i, stem)
		if s.digest != nil && s.digest.Value() != "" {
			s.ref.Digest = fullDigest(s.digest.Value())
		}
		return s, true
	}
	key := m.fields[i].plain
	keys := []string{key + "tag", stem + "imagetag", stem + "tag", key + "version", stem + "imageversion", stem + "version", stem + "defaulttag"}
	if m.isOnlyName(i) {
		keys = append(keys, "imagetag", "tag", "imageversion", "version", "defaulttag")
	}
	if pair, ok := m.pairSpot(i, stem, keys...); ok {
		return pair, true
	}
	if digest, ok := m.digestSpot(i, stem); ok {
		return digest, true
	}
	s = s.withRegistry(m.registry(i, stem))
	s.rival = m.rivalTag(i)
	return s, stem == "" || m.isOfContainer() || strings.ContainsAny(value.Value(), "/{$")
}

// isOfContainer reports whether the mapping is one of a workload's containers.
func (m mapping) isOfContainer() bool {
	return len(m.keys) > 0 && strings.HasSuffix(strings.ToLower(m.keys[0]), "containers")
}

// isOnlyName reports whether no other key of the mapping can name an image, so
// that a key such as version belongs to field i.
func (m mapping) isOnlyName(i int) bool {
	for j, f := range m.fields {
		if _, role := roleOf(f.plain); j != i && f.Key != m.fields[i].Key && (role == imageRole || role == repositoryRole) {
			return false
		}
	}
	return true
}

// rivalTag is a key beside field i that may hold its tag, though no rule says so;
// nil when there is none. A new tag behind the name would then be a second one.
func (m mapping) rivalTag(i int) *yamledit.Node {
	for j, f := range m.fields {
		if j == i || f.Value.IsMapping() || f.Value.IsList() || f.Value.Value() == "" || m.belongsToAnother(i, f.plain) {
			continue
		}
		if hasWord(f.Key, "tag", "version", "imagetag", "imageversion") && f.plain != "apiversion" {
			return f.Value
		}
	}
	return nil
}

// belongsToAnother reports whether the key begins as another image's key does:
// sidecarTag beside sidecarImage.
func (m mapping) belongsToAnother(i int, key string) bool {
	for j, f := range m.fields {
		stem, role := roleOf(f.plain)
		if j != i && stem != "" && (role == imageRole || role == repositoryRole) && strings.HasPrefix(key, stem) {
			return true
		}
	}
	return false
}

// nameSpot is an entry of a kustomization's images, a {name, tag} of an image, or
// an ImageStream's {kind: DockerImage, name: repo:tag}.
func (m mapping) nameSpot(i int, r role) (spot, bool) {
	if r == nameRole && m.has(i, "newname") {
		return spot{}, false
	}
	if kind := m.value(i, "kind"); kind != nil && kind.Value() == "DockerImage" && r == nameRole {
		return referenceSpot(m.fields[i].Value), true
	}
	if tag := m.value(i, "newtag"); tag != nil {
		return m.pairSpot(i, "", "newtag")
	}
	if r == newNameRole {
		if s, ok := m.digestSpot(i, ""); ok {
			return s, true
		}
		return m.kustomizeFill(i)
	}
	if m.namesResource(i) {
		return spot{}, false
	}
	keys := []string{"tag", "imagetag"}
	if m.isOfImage() {
		keys = append(keys, "version", "imageversion", "defaulttag")
	}
	if s, ok := m.pairSpot(i, "", keys...); ok {
		return s, true
	}
	if s, ok := m.digestSpot(i, ""); ok {
		return s, true
	}
	return m.kustomizeFill(i)
}

// namesResource reports whether name is not the image's: another key is, or the
// mapping is a source, a filter or the like.
func (m mapping) namesResource(i int) bool {
	for j, f := range m.fields {
		switch _, role := roleOf(f.plain); {
		case j == i || f.Value.Value() == "":
		case role == imageRole && f.Key != m.fields[i].Key:
			return true
		case role == repositoryRole:
			return true // whose spot joins the name where it is a part
		}
	}
	return m.isSource(i) || !m.isOfImage() && !strings.Contains(m.fields[i].Value.Value(), "/") &&
		!m.has(i, "registry", "pullpolicy", "imagepullpolicy", "pullsecrets", "digest", "repository", "newtag")
}

func (m mapping) kustomizeFill(i int) (spot, bool) {
	if m.node == nil || !isKustomizeEntry(m.node) {
		return spot{}, false
	}
	return m.fillSpot(i, "", "newTag")
}

// digestSpot is a repository with only a digest beside it.
func (m mapping) digestSpot(i int, stem string) (spot, bool) {
	digest := m.digestBeside(i, stem)
	if digest == nil || !strings.HasPrefix(digest.Value(), "sha256:") {
		return spot{}, false
	}
	s := spot{form: FormDigest, ref: image.Ref{Digest: digest.Value()}, value: digest, digest: digest}
	return m.named(s, i, stem), true
}

// pairSpot is a repository in field i with its tag under the first of tagKeys
// that holds a value.
func (m mapping) pairSpot(i int, stem string, tagKeys ...string) (spot, bool) {
	tag := m.value(i, tagKeys...)
	if tag == nil || tag.Is(m.fields[i].Value) {
		return spot{}, false
	}
	s := m.named(spot{form: FormTag, value: tag, digest: m.digestBeside(i, stem)}, i, stem)
	return s.withTag(tag), s.ref.Repository != ""
}

// fillSpot is the place of a missing tag: behind a literal repository, where no
// other key could be the tag's.
func (m mapping) fillSpot(i int, stem, key string) (spot, bool) {
	value := m.fields[i].Value
	if m.node == nil || value.Parent() == nil || !value.IsScalar() || value.HasAction() || image.CheckRepository(value.Value()) != nil {
		return spot{}, false
	}
	if stem != "" {
		key = m.fields[i].Key[:len(m.fields[i].Key)-len("repository")] + "Tag" // webRepository, webTag
	}
	s := m.named(spot{form: FormTag, value: value, fill: key, digest: m.digestBeside(i, stem)}, i, stem)
	s.rival = m.rivalTag(i)
	return s, stem == "" || strings.HasSuffix(m.fields[i].Key, "Repository")
}

// isImageMapping reports whether the fields are an image's for certain: charts
// also write the repository of a chart, or of sources, under that key.
func (m mapping) isImageMapping(i int) bool {
	return m.isOfImage() || strings.Contains(m.fields[i].plain, "image") ||
		m.has(i, "pullpolicy", "imagepullpolicy", "registry", "pullsecrets", "digest", "sha")
}

func (m mapping) digestBeside(i int, stem string) *yamledit.Node {
	if key := m.fields[i].plain; stem != "" || key != "image" && key != "repository" && key != "name" && key != "newname" {
		return m.value(i, stem+"imagedigest", stem+"digest", stem+"sha", stem+"sha256", key+"digest", key+"sha")
	}
	return m.value(i, "digest", "sha", "sha256", "imagedigest", "imagesha")
}

// versionIsTag reports whether a key named version beside the repository in field i
// is the image's tag, and not a chart's or a package's version.
func (m mapping) versionIsTag(i int) bool {
	return m.isOfImage() || !m.has(i, "name", "chart", "alias", "condition")
}

// named gives the spot the repository that field i and the parts beside it make.
func (m mapping) named(s spot, i int, stem string) spot {
	f := m.fields[i]
	value := f.Value.Value()
	if value == "" {
		return s
	}
	_, role := roleOf(f.plain)
	if role == newNameRole {
		s.ref.Repository = value
		return s
	}
	s.ref.Repository = join(m.registry(i, stem), value)
	if role == repositoryRole && !hasHost(value) {
		s.bare = value
		if s.global = globalRegistry(f.Value); s.global != nil {
			s.also = append(s.also, join(s.global.Value(), value))
		}
	}
	switch name := m.value(i, "name"); {
	case role != repositoryRole || name == nil || name.Value() == "" || strings.Contains(name.Value(), "{{"):
	case isRegistry(value):
		s.ref.Repository = join(s.ref.Repository, name.Value())
	case m.isOfImage() && !strings.Contains(name.Value(), "/") && image.BaseName(value) != name.Value():
		s.also = append(s.also, join(s.ref.Repository, name.Value()))
	}
	return s
}

// registry returns the part in front of field i's name that other keys hold: a registry,
// or a repository that the name is a part of.
func (m mapping) registry(i int, stem string) string {
	f := m.fields[i]
	_, role := roleOf(f.plain)
	keys := []string{"registry", "imageregistry", "registryurl", "registryhost", "dockerregistry", "containerregistry", "hub"}
	if stem != "" {
		keys = append([]string{stem + "registry", stem + "imageregistry"}, keys...)
	}
	var front string
	if n := m.value(i, keys...); n != nil {
		front = trimScheme(n.Value())
	} else if n := m.sibling(i, "registry"); n != nil && n.IsMapping() {
		front = registryIn(n)
	}
	if owner := m.owner(i); owner != "" {
		front = join(front, owner)
	}
	if role == repositoryRole || role == newNameRole {
		return front
	}
	if n := m.value(i, "repository", "repo", "imagerepository", "imagerepo"); n != nil && isPartOf(f.Value.Value(), n.Value()) {
		front = join(front, trimScheme(n.Value()))
	}
	return front
}

// owner returns the part between the registry and the name: {registry: ghcr.io, org:
// acme, name: web}. Outside of an image's mapping such keys mean other things.
func (m mapping) owner(i int) string {
	keys := []string{"imageprefix", "registryprefix", "repositoryprefix", "imageorg", "imagenamespace", "registrynamespace", "dockerorg"}
	if m.isOfImage() || m.has(i, "registry", "imageregistry") {
		keys = append(keys, "org", "organization", "organisation", "owner", "namespace", "project", "user", "group", "account", "prefix")
	}
	if n := m.value(i, keys...); n != nil {
		return trimScheme(n.Value())
	}
	return ""
}

// registryIn reads registry: {url: ghcr.io}.
func registryIn(n *yamledit.Node) string {
	for _, key := range []string{"url", "host", "name", "server", "address", "registry"} {
		if value := n.Field(key); value != nil && value.Value() != "" {
			return trimScheme(value.Value())
		}
	}
	return ""
}

func trimScheme(address string) string {
	if _, rest, found := strings.Cut(address, "://"); found {
		address = rest
	}
	return strings.TrimSuffix(address, "/")
}

// isPartOf reports whether name is only the last part of an image's repository,
// whose first part is front.
func isPartOf(name, front string) bool {
	name = image.Split(name).Repository
	if front == "" || isAddress(front) || hasHost(name) || front == name || strings.HasSuffix(front, "/"+name) {
		return false
	}
	return isRegistry(front) || !strings.Contains(name, "/")
}

// isRegistry reports whether the text is a registry's host and nothing else.
func isRegistry(text string) bool {
	return !strings.Contains(strings.TrimSuffix(text, "/"), "/") && (strings.ContainsAny(text, ".:") || text == "localhost") && !strings.ContainsAny(text, "{$")
}

// hasHost reports whether the name begins with a registry's host.
func hasHost(name string) bool {
	host, _, found := strings.Cut(name, "/")
	return found && isRegistry(host)
}

// join puts a registry in front of a name, unless the name has it already.
func join(front, name string) string {
	front = strings.TrimSuffix(front, "/")
	if front == "" || name == "" || strings.HasPrefix(name, front+"/") {
		return name
	}
	return front + "/" + name
}

// isKustomizeEntry reports whether the mapping belongs to the images of a
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
