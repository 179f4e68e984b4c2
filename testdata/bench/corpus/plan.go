package corpus

import (
	"io/fs"

	"github.com/tagbump/tagbump/pkg/plan"
)

// Find lists the image's places in a tree that is scanned for it.
func Find(tree fs.FS, repository string) ([]plan.Target, error) {
	index, err := plan.Scan(tree, plan.ScanOptions{Whole: true})
	if err != nil {
		return nil, err
	}
	places, err := index.Find(repository, plan.FindOptions{})
	return places.Targets, err
}

// Plan plans the wants in a tree that is scanned for it.
func Plan(tree fs.FS, wants []plan.Want) (*plan.Plan, error) {
	index, err := plan.Scan(tree, plan.ScanOptions{})
	if err != nil {
		return nil, err
	}
	return index.Plan(wants)
}
