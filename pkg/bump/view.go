package bump

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/plan"
)

// An Area is where one environment's tags are written. The zero value is every
// manifest of the default branch.
type Area struct {
	Name   string
	Branch string // "" is the repository's HEAD
	Files  files.Selection
}

// A View is what the files of several areas say. Each branch is read once. It may
// be used by several goroutines.
type View struct{ scenes map[string]scene } // by the branch that was asked for

// View reads the files of areas.
func (r Runner) View(ctx context.Context, areas []Area) (*View, error) {
	wanted := map[string]files.Selection{}
	for _, area := range areas {
		if known, found := wanted[area.Branch]; found {
			wanted[area.Branch] = known.Union(area.Files)
			continue
		}
		wanted[area.Branch] = area.Files
	}
	var mu sync.Mutex
	view := &View{map[string]scene{}}
	group, ctx := errgroup.WithContext(ctx)
	for branch, selection := range wanted {
		group.Go(func() error {
			found, err := r.read(ctx, Revision{Branch: branch}, selection, nil)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			view.scenes[branch] = found
			return nil
		})
	}
	return view, group.Wait()
}

// Tree returns the files of an area's branch that were read.
func (v *View) Tree(area Area) Tree { return v.scenes[area.Branch].Tree }

// Repositories lists the images that the area's files name.
func (v *View) Repositories(area Area) []string {
	return v.scenes[area.Branch].index.Repositories(plan.FindOptions{Files: area.Files})
}

// Find returns the places of the area's files that have a tag or a digest of img.
// An area without such a place is not an error.
func (v *View) Find(area Area, img Image) ([]plan.Target, error) {
	found, err := v.scenes[area.Branch].find(place{environment: area.Name, files: area.Files}, img)
	if isAbsent(err) || errors.Is(err, plan.ErrNoTarget) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", img.Repository, err)
	}
	return slices.DeleteFunc(found.Targets, func(t plan.Target) bool { return t.Current.Tag == "" && t.Current.Digest == "" }), nil
}
