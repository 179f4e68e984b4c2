package main

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// An Image is an image that a repository names, with the places of its tag.
type Image struct {
	Name   string
	Places []Place
}

// A Place is a line that has the image's tag.
type Place struct {
	File   string
	Line   int
	Text   string
	Tag    string
	Kind   Kind
	Digest bool // a digest beside the tag holds the deployed content
}

func (p Place) at() string { return fmt.Sprintf("%s:%d", p.File, p.Line) }

// A Kind says whether a careful person would change a place.
type Kind string

// Kinds of places.
const (
	Deploys  Kind = "deploys"  // must change
	Aside    Kind = "aside"    // CI, tests, documents, archives: only if nothing else deploys the image
	Optional Kind = "optional" // names the image and its tag in a way that may mean anything
	Sealed   Kind = "sealed"   // in a file that an encryption signs: must not change
)

// A file is a text of the repository with its lines.
type file struct {
	name  string
	lines []line
	text  string
}

var yamlName = regexp.MustCompile(`\.(ya?ml|tpl|tplt|gotmpl)$`)

// readFiles returns the YAML files and templates below dir.
func readFiles(dir string) ([]file, error) {
	var files []file
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || !yamlName.MatchString(name) {
			return err
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(dir, name)
		files = append(files, newFile(filepath.ToSlash(relative), string(content)))
		return err
	})
	return files, err
}

func newFile(name, text string) file {
	f := file{name: name, text: text}
	for _, raw := range strings.Split(text, "\n") {
		f.lines = append(f.lines, parseLine(strings.TrimSuffix(raw, "\r")))
	}
	return f
}

// A line is a line of YAML as a person reads it.
type line struct {
	raw    string
	column int  // of the key
	item   bool // a list item begins in front of the key
	key    string
	value  string
}

var keyValue = regexp.MustCompile(`^(\s*)((?:- +)*)["']?([A-Za-z0-9_.$/-]+)["']?\s*:(?:\s+(.*))?$`)

func parseLine(raw string) line {
	m := keyValue.FindStringSubmatch(raw)
	if m == nil || strings.HasPrefix(strings.TrimSpace(raw), "#") {
		return line{raw: raw, column: -1}
	}
	return line{raw: raw, column: len(m[1]) + len(m[2]), item: m[2] != "", key: m[3], value: plain(m[4])}
}

// plain returns a scalar without its anchor, quotes and comment.
func plain(value string) string {
	value = strings.TrimSpace(value)
	if strings.HasPrefix(value, "&") {
		_, value, _ = strings.Cut(value, " ")
	}
	if value != "" && (value[0] == '"' || value[0] == '\'') {
		if end := strings.IndexByte(value[1:], value[0]); end >= 0 {
			return value[1 : 1+end]
		}
	}
	if comment := strings.Index(value, " #"); comment >= 0 {
		value = value[:comment]
	}
	return strings.TrimSpace(value)
}

const (
	namePattern = `(?:[a-z0-9.-]+(?::[0-9]+)?/)?[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*`
	tagPattern  = `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`
)

var (
	nameOnly  = regexp.MustCompile(`^` + namePattern + `$`)
	tagOnly   = regexp.MustCompile(`^(` + tagPattern + `)(@sha256:[0-9a-f]+)?$`)
	reference = regexp.MustCompile(`^(` + namePattern + `):(` + tagPattern + `)(@sha256:[0-9a-f]+)?$`)
	anywhere  = regexp.MustCompile(`(^|[^A-Za-z0-9._/:@-])(` + namePattern + `):(` + tagPattern + `)(@sha256:[0-9a-f]+)?`)
	imageKey  = regexp.MustCompile(`(?i)image`)
	tagKey    = regexp.MustCompile(`^(?i:(.*[a-z])?(tag|image_?version)|version)$`)
	digestKey = regexp.MustCompile(`(?i)(digest|sha256|sha)$`)
	flowPair  = regexp.MustCompile(`\{[^{}]*\}`)
	notImages = regexp.MustCompile(`(?i)^(chart|charts|git|source|sourceRef|ref|module|plugin|submodule)$`)
	// environment is a folder that says "test" and means an environment.
	environment = regexp.MustCompile(`((?:^|/)(?:overlays|environments|envs|clusters))/tests?/`)
	aside       = regexp.MustCompile(`(?i)(^|/)(\.[^/]+|tests?|chainsaw|testdata|fixtures|e2e|docs?|archived?|deprecated|trash[^/]*|old|node_modules|vendor)/|^ci/|(^|/)(\.[^/]+|docker-compose[^/]*|compose[^/]*|skaffold[^/]*|mkdocs[^/]*|cloudbuild[^/]*|azure-pipelines[^/]*)$`)
)

// imagesOf finds the images of all files that have a tag somewhere.
func imagesOf(files []file) []Image {
	places := make(map[string][]Place)
	for _, f := range files {
		for name, found := range f.places() {
			name = canonical(name)
			places[name] = append(places[name], found...)
		}
	}
	var images []Image
	for name, found := range places {
		if slices.ContainsFunc(found, func(p Place) bool { return p.Kind != Optional }) {
			images = append(images, Image{name, onlyDeployed(found)})
		}
	}
	slices.SortFunc(images, func(a, b Image) int { return cmp.Compare(a.Name, b.Name) })
	return images
}

// canonical writes the names of Docker Hub in one way.
func canonical(name string) string {
	for _, prefix := range []string{"docker.io/", "index.docker.io/", "registry-1.docker.io/", "library/"} {
		name = strings.TrimPrefix(name, prefix)
	}
	return name
}

// pinned reports whether a digest is beside one of the image's tags.
func (img Image) pinned() bool {
	return slices.ContainsFunc(img.Places, func(p Place) bool { return p.Digest && p.Kind != Optional })
}

// onlyDeployed makes places aside required when nothing deploys the image: then
// the person who names it means them.
func onlyDeployed(places []Place) []Place {
	if slices.ContainsFunc(places, func(p Place) bool { return p.Kind == Deploys || p.Kind == Sealed }) {
		return places
	}
	for i, p := range places {
		if p.Kind == Aside {
			places[i].Kind = Deploys
		}
	}
	return places
}

// places finds the places of a file, by the image's name.
func (f file) places() map[string][]Place {
	found := make(map[string][]Place)
	add := func(i int, name, tag string, kind Kind, digest bool) {
		if slices.ContainsFunc(found[name], func(p Place) bool { return p.Line == i+1 }) {
			return
		}
		found[name] = append(found[name], Place{f.name, i + 1, f.lines[i].raw, tag, f.kind(kind), digest})
	}
	for i, l := range f.lines {
		if strings.HasPrefix(strings.TrimSpace(l.raw), "#") {
			continue
		}
		if name, tag, digest, ok := f.writtenOut(i); ok {
			add(i, name, tag, Deploys, digest)
		}
		if name, tag, digest, ok := f.beside(i); ok {
			add(i, name, tag, Deploys, digest)
		}
		if name, tag, ok := flow(l.raw); ok {
			add(i, name, tag, Deploys, strings.Contains(l.raw, "sha256:"))
		}
		for _, m := range anywhere.FindAllStringSubmatch(l.raw, -1) {
			add(i, m[2], m[3], Optional, m[4] != "")
		}
	}
	return found
}

func (f file) kind(kind Kind) Kind {
	switch {
	case kind == Optional:
		return Optional
	case strings.Contains(f.text, "\nsops:\n") && !strings.Contains(f.text, "mac_only_encrypted: true"):
		return Sealed
	case aside.MatchString(environment.ReplaceAllString(f.name, "$1/environment/")):
		return Aside
	}
	return kind
}

// writtenOut reads "image: name:tag" and the like.
func (f file) writtenOut(i int) (name, tag string, digest, ok bool) {
	l := f.lines[i]
	m := reference.FindStringSubmatch(l.value)
	if m == nil || !f.saysImage(i) {
		return "", "", false, false
	}
	name = f.joined(i, m[1])
	return name, m[2], m[3] != "" || f.hasDigest(i), true
}

// saysImage reports whether the key of line i, or kind: DockerImage beside it,
// says that the value is an image.
func (f file) saysImage(i int) bool {
	if imageKey.MatchString(f.lines[i].key) {
		return true
	}
	return f.lines[i].key == "name" && f.sibling(i, "kind") == "DockerImage"
}

// nameKeys are the keys beside a tag that name its image, the best first.
var nameKeys = []string{"newName", "repository", "image", "imageRepository", "image_repository", "imageName", "repo"}

// beside reads a tag with its image's name in a key beside it.
func (f file) beside(i int) (name, tag string, digest, ok bool) {
	l := f.lines[i]
	m := tagOnly.FindStringSubmatch(l.value)
	if m == nil || !tagKey.MatchString(l.key) || notImages.MatchString(f.parent(i)) {
		return "", "", false, false
	}
	for _, key := range f.nameKeysFor(i) {
		value := f.sibling(i, key)
		if nameOnly.MatchString(value) && !strings.HasPrefix(value, "http") {
			return f.joined(i, value), m[1], m[2] != "" || f.hasDigest(i), true
		}
		if value != "" {
			return "", "", false, false
		}
	}
	return "", "", false, false
}

// nameKeysFor returns the keys that may name the image of the tag on line i:
// "webTag" goes with "webImage" or "webRepository" and nothing else.
func (f file) nameKeysFor(i int) []string {
	key := f.lines[i].key
	switch strings.ToLower(key) {
	case "newtag":
		return []string{"newName", "name"}
	case "version":
		return []string{"repository", "image"}
	case "tag", "imagetag", "image_tag", "imageversion", "image_version":
		if strings.Contains(strings.ToLower(f.parent(i)), "image") {
			return append(slices.Clone(nameKeys), "name")
		}
		return nameKeys
	}
	prefix := regexp.MustCompile(`(?i)(_?(image)?_?tag|_?image_?version)$`).ReplaceAllString(key, "")
	return []string{prefix + "Image", prefix + "Repository", prefix + "_image", prefix + "ImageRepository", prefix + "ImageName"}
}

// joined puts the registry of a key beside line i in front of name.
func (f file) joined(i int, name string) string {
	for _, key := range []string{"registry", "imageRegistry"} {
		if registry := f.sibling(i, key); registry != "" && nameOnly.MatchString(registry) {
			return registry + "/" + name
		}
	}
	return name
}

func (f file) hasDigest(i int) bool {
	for _, j := range f.siblings(i) {
		if digestKey.MatchString(f.lines[j].key) && strings.Contains(f.lines[j].value, "sha256:") {
			return true
		}
	}
	return false
}

func (f file) sibling(i int, key string) string {
	for _, j := range f.siblings(i) {
		if f.lines[j].key == key {
			return f.lines[j].value
		}
	}
	return ""
}

// siblings returns the lines with keys of the same mapping as line i.
func (f file) siblings(i int) []int {
	var found []int
	column := f.lines[i].column
	if !f.lines[i].item {
		for j := i - 1; j >= 0 && !f.ends(j, column); j-- {
			if f.lines[j].column == column {
				found = append(found, j)
				if f.lines[j].item {
					break
				}
			}
		}
	}
	for j := i + 1; j < len(f.lines) && !f.ends(j, column); j++ {
		if f.lines[j].column == column {
			if f.lines[j].item {
				break
			}
			found = append(found, j)
		}
	}
	return found
}

// ends reports whether line j is outside of a mapping whose keys are at column.
func (f file) ends(j, column int) bool {
	text := strings.TrimSpace(f.lines[j].raw)
	if text == "" || strings.HasPrefix(text, "#") || strings.HasPrefix(text, "{{") {
		return false
	}
	if f.lines[j].column >= 0 {
		return f.lines[j].column < column
	}
	return text == "---" || len(f.lines[j].raw)-len(strings.TrimLeft(f.lines[j].raw, " ")) < column
}

// parent returns the key of the mapping's owner.
func (f file) parent(i int) string {
	column := f.lines[i].column
	for j := i - 1; j >= 0; j-- {
		if c := f.lines[j].column; c >= 0 && c < column {
			return f.lines[j].key
		}
	}
	return ""
}

// flow reads "{repository: name, tag: tag}".
func flow(raw string) (name, tag string, ok bool) {
	for _, mapping := range flowPair.FindAllString(raw, -1) {
		values := make(map[string]string)
		for part := range strings.SplitSeq(strings.Trim(mapping, "{}"), ",") {
			key, value, _ := strings.Cut(part, ":")
			values[strings.Trim(strings.TrimSpace(key), `"'`)] = plain(value)
		}
		name = cmp.Or(values["newName"], values["repository"], values["image"], values["name"])
		tag = cmp.Or(values["newTag"], values["tag"])
		if nameOnly.MatchString(name) && tagOnly.MatchString(tag) && !strings.Contains(raw, "{{") {
			if values["registry"] != "" {
				name = values["registry"] + "/" + name
			}
			return name, tag, true
		}
	}
	return "", "", false
}
