package draft

import (
	"path"
	"slices"

	"github.com/tagbump/tagbump/pkg/image"
)

// Own returns the images of the owner who has most of the images, in their order.
// An image that a named environment has counts twice, because that is where one
// deploys what one builds. Docker's official images are nobody's own.
func Own(images []Image) []Image {
	votes := map[string]int{}
	for _, img := range images {
		for _, one := range append([]Image{img}, img.Also...) {
			owner := ownerOf(one.Repository)
			votes[owner]++
			if slices.ContainsFunc(one.Places, func(place Place) bool { return place.Environment != "" }) {
				votes[owner]++
			}
		}
	}
	delete(votes, ownerOf("library/any"))
	best := ""
	for owner, n := range votes {
		if n > votes[best] || n == votes[best] && owner < best {
			best = owner
		}
	}
	var own []Image
	for _, img := range images {
		isOwn := func(one Image) bool { return ownerOf(one.Repository) == best }
		if best != "" && slices.ContainsFunc(append([]Image{img}, img.Also...), isOwn) {
			own = append(own, img)
		}
	}
	return own
}

// ownerOf returns the registry and the owner of a repository.
func ownerOf(repository string) string { return path.Dir(image.Canonical(repository)) }
