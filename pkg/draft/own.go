package draft

import (
	"path"

	"github.com/tagbump/tagbump/pkg/image"
)

// Own returns the images of the owner who has most of the images, in their order.
// An image that a named environment has counts twice, because that is where one
// deploys what one builds. Docker's official images are nobody's own.
func Own(images []Image) []Image {
	votes := map[string]int{}
	for _, img := range images {
		owner := ownerOf(img.Repository)
		votes[owner]++
		for _, place := range img.Places {
			if place.Environment != "" {
				votes[owner]++
				break
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
		if best != "" && ownerOf(img.Repository) == best {
			own = append(own, img)
		}
	}
	return own
}

// ownerOf returns the registry and the owner of a repository.
func ownerOf(repository string) string { return path.Dir(image.Canonical(repository)) }
