package plan

import (
	"bytes"
	"slices"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/image"
)

// Repositories lists the images that the files which deploy name, each once and
// sorted, also those whose tag is in another file: an overlay has it, or nothing
// has. Names that a template computes are left out, and so are files that cannot be
// read.
func (x *Index) Repositories(opts FindOptions) []string {
	byName := map[string]string{} // as written, by the canonical name
	for _, f := range x.files {
		if !opts.Files.Wants(f.name) || opts.Files.Kind(f.name) != files.Deploys || !bytes.Contains(f.src, []byte("mage")) && !bytes.Contains(f.src, []byte("repo")) {
			continue
		}
		for _, s := range f.spots("mage") {
			if s.reasonToLeave() != "" || s.ref.Tag != "" && !s.isTagged() || image.CheckRepository(s.ref.Repository) != nil {
				continue
			}
			canonical := image.Canonical(s.ref.Repository)
			if known, found := byName[canonical]; !found || len(s.ref.Repository) < len(known) {
				byName[canonical] = s.ref.Repository
			}
		}
	}
	names := make([]string, 0, len(byName))
	for _, name := range byName {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
