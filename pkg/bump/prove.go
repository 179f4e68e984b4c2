package bump

import (
	"strings"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/plan"
)

// A Replacement is an image reference that a plan puts in another's place.
type Replacement struct {
	Old image.Ref // zero when none was written
	New image.Ref
}

// replacements returns what the plan replaces, each once, in the order of the
// files.
func replacements(p *plan.Plan, wants []plan.Want) []Replacement {
	var all []Replacement
	seen := map[Replacement]bool{}
	for _, file := range p.Files {
		for _, change := range file.Changes {
			r := Replacement{Old: oldRef(change, repositoryOf(change, wants))}
			for _, want := range wants {
				if want.Target.File == change.Target.File && want.Target.Doc == change.Target.Doc && want.Target.Path.Equal(change.Target.Path) {
					r.New = want.Ref
				}
			}
			if r.New.Repository != "" && !seen[r] {
				seen[r] = true
				all = append(all, r)
			}
		}
	}
	return all
}

// oldRef returns the reference that was written; zero when it had no tag.
func oldRef(change plan.Change, repository string) image.Ref {
	from, _ := FromTo(change)
	if from == "(none)" || strings.HasPrefix(from, "sha256:") {
		return image.Ref{}
	}
	return image.Split(repository + ":" + from)
}
