package draft

import (
	"maps"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/environs"
	"github.com/tagbump/tagbump/pkg/image"
)

// Joined returns images in which those are one that differ only in the registry or the
// owner that an environment pulls from: web of staging.acme.example and of
// eu.acme.example, in different environments. The name is that of the environment that
// comes first on the way to production.
func Joined(images []Image) []Image {
	var all []Image
	for _, img := range images {
		i := slices.IndexFunc(all, func(known Image) bool { return known.isBeside(img) })
		switch {
		case i < 0:
			all = append(all, img)
		case img.step() >= 0 && img.step() < all[i].step():
			others := append([]Image{all[i]}, all[i].Also...)
			others[0].Also = nil
			img.Also = others
			all[i] = img
		default:
			all[i].Also = append(slices.Clip(all[i].Also), img)
		}
	}
	return all
}

// isBeside reports whether other is the image in the registry of another environment.
func (img Image) isBeside(other Image) bool {
	for _, one := range append([]Image{img}, img.Also...) {
		for environment := range one.environments() {
			if environment == "" || other.environments()[environment] {
				return false
			}
		}
	}
	environments := other.environments()
	return len(environments) > 0 && !environments[""] && len(img.Places) > 0 && alike(img, other)
}

// alike reports whether two images have one path in two registries, or one name below
// owners or registries that are called after their environments.
func alike(a, b Image) bool {
	if image.BaseName(a.Repository) != image.BaseName(b.Repository) {
		return false
	}
	_, pathA, _ := strings.Cut(image.Canonical(a.Repository), "/")
	_, pathB, _ := strings.Cut(image.Canonical(b.Repository), "/")
	return pathA == pathB || a.isCalledAfterEnvironment() && b.isCalledAfterEnvironment()
}

// isCalledAfterEnvironment reports whether a registry or an owner has the name of an
// environment that the image is in.
func (img Image) isCalledAfterEnvironment() bool {
	for word := range strings.FieldsFuncSeq(ownerOf(img.Repository), func(c rune) bool { return strings.ContainsRune("/.-_:", c) }) {
		for environment := range img.environments() {
			if environs.SameWord(word, environment) {
				return true
			}
		}
	}
	return false
}

// environments are those that the image is in, "" for files that all share.
func (img Image) environments() map[string]bool {
	all := map[string]bool{}
	for _, place := range img.Places {
		all[place.Environment] = true
	}
	return all
}

// step is the first step to production that the image is in, -1 for none.
func (img Image) step() int {
	first := -1
	for environment := range img.environments() {
		if at := stepOf(environment); at >= 0 && (first < 0 || at < first) {
			first = at
		}
	}
	return first
}

// Files are the files that name the image, under all of its names.
func (img Image) Files() []string {
	var names []string
	for _, one := range append([]Image{img}, img.Also...) {
		for _, place := range one.Places {
			names = append(names, place.File)
		}
	}
	return names
}

// Names reports whether the image has a name.
func (img Image) Names(repository string) bool {
	return image.SameRepository(img.Repository, repository) ||
		slices.ContainsFunc(img.Also, func(other Image) bool { return image.SameRepository(other.Repository, repository) })
}

// namesIn returns the image's further names by the environments of the project that have
// them: those whose globs match their files.
func (img Image) namesIn(environments []Environment) map[string][]string {
	names := map[string][]string{}
	for _, other := range img.Also {
		for _, place := range other.Places {
			for _, environment := range environments {
				has := slices.ContainsFunc(environment.Files, func(glob string) bool { return matches(glob, place.File) })
				if has && !slices.Contains(names[environment.Name], other.Repository) {
					names[environment.Name] = append(names[environment.Name], other.Repository)
				}
			}
		}
	}
	return names
}

// as writes the further names of an image: by environment, or all of them where there
// are no environments.
func (img Image) as(environments []Environment) []string {
	if len(img.Also) == 0 {
		return nil
	}
	if len(environments) == 0 {
		var all []string
		for _, other := range img.Also {
			all = append(all, quoted(other.Repository))
		}
		return []string{"as: [" + strings.Join(all, ", ") + "]"}
	}
	lines := []string{"as:  # the registries that environments pull from"}
	names := img.namesIn(environments)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		var all []string
		for _, one := range names[name] {
			all = append(all, quoted(one))
		}
		lines = append(lines, "  "+quoted(name)+": ["+strings.Join(all, ", ")+"]")
	}
	return lines
}
