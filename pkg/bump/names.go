package bump

import (
	"maps"
	"slices"
)

// In returns the image as an environment has it: with the names that its files write,
// the first of which is where the registry is asked. Without an environment these are
// the names of all.
func (img Image) In(environment string) Image {
	if len(img.AsIn) == 0 {
		return img
	}
	if img.general == nil {
		img.general = append([]string{img.Repository}, img.As...)
	}
	own := img.AsIn[environment]
	names := slices.Clone(img.general)
	switch {
	case environment == "":
		for _, name := range slices.Sorted(maps.Keys(img.AsIn)) {
			names = append(names, img.AsIn[name]...)
		}
	case len(own) > 0 && namesRegistry(own[0]):
		names = slices.Clone(own)
	case len(own) > 0: // a short name, which no registry can be asked for
		names = append(names[:1], own...)
	}
	img.Repository, img.As = names[0], names[1:]
	return img
}
