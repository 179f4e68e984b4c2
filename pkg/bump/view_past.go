package bump

import (
	"context"
	"slices"

	"github.com/tagbump/tagbump/pkg/history"
	"github.com/tagbump/tagbump/pkg/plan"
)

// A Spot is where one environment's files have an image.
type Spot struct {
	Area    Area
	Image   Image
	Targets []plan.Target // as View.Find returned them
}

// Past returns what happened at each spot in the latest most commits, the newest first.
// The history of each branch is read once, for all files of its spots. A branch whose
// history cannot be read is the error; the spots of the others have their events.
func (r Runner) Past(ctx context.Context, view *View, spots []Spot, most int) ([][]history.Event, error) {
	events := make([][]history.Event, len(spots))
	var failed error
	for branch, at := range view.scenes {
		onBranch := func(s Spot) bool { return s.Area.Branch == branch && len(s.Targets) > 0 }
		names := filesOfSpots(spots, onBranch)
		if len(names) == 0 {
			continue
		}
		read, err := r.Repo.History(ctx, at.revision(), names, most)
		if err != nil {
			failed = err
			continue
		}
		changes := at.changesAt(read, spots, onBranch)
		for i, spot := range spots {
			if onBranch(spot) {
				events[i] = history.Events(read.Commits, changes[i], spot.Area.Name)
			}
		}
	}
	return events, failed
}

func filesOfSpots(spots []Spot, wanted func(Spot) bool) []string {
	var names []string
	for _, spot := range spots {
		if !wanted(spot) {
			continue
		}
		for _, target := range spot.Targets {
			names = append(names, target.File)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// changesAt returns the changes at each of the wanted spots. Each version of a file is
// read once for all images of an environment.
func (s scene) changesAt(read History, spots []Spot, wanted func(Spot) bool) [][]history.Change {
	type key struct{ environment, file string }
	var order []key
	at := map[key][]int{} // the spots that are in a file
	for i, spot := range spots {
		if !wanted(spot) {
			continue
		}
		for _, name := range filesOfSpots(spots[i:i+1], wanted) {
			k := key{spot.Area.Name, name}
			if at[k] == nil {
				order = append(order, k)
			}
			at[k] = append(at[k], i)
		}
	}
	changes := make([][]history.Change, len(spots))
	for _, k := range order {
		var images []Image
		for _, i := range at[k] {
			images = append(images, spots[i].Image)
		}
		area := spots[at[k][0]].Area
		for _, change := range s.changesOf(k.file, read, place{environment: area.Name, files: area.Files}, images) {
			for _, i := range at[k] {
				if spots[i].Image.Repository == change.Image {
					changes[i] = append(changes[i], change)
				}
			}
		}
	}
	return changes
}
