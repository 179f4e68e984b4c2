package status

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"sync"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/history"
	"github.com/tagbump/tagbump/pkg/image"
)

// A besides is what a report has beside the files and the registry.
type besides struct {
	events  [][]history.Event // by spot
	pending []bump.Pending
	health  [][]Application // by environment
	errs    []error
}

// lookBeside asks for the history and the forge once for each branch, and Argo CD once
// for each environment, side by side. What fails is an error of the result, and its
// cells are empty.
func lookBeside(ctx context.Context, r bump.Runner, q Question, found reading) besides {
	b := besides{health: make([][]Application, len(found.environments))}
	var mu sync.Mutex
	var group sync.WaitGroup
	ask := func(what string, question func() error) {
		group.Go(func() {
			if err := question(); err != nil {
				mu.Lock()
				defer mu.Unlock()
				b.errs = append(b.errs, fmt.Errorf("%s: %w", what, err))
			}
		})
	}
	if q.Commits > 0 {
		ask("history", func() (err error) {
			b.events, err = r.Past(ctx, found.view, found.spots(), q.Commits)
			return err
		})
	}
	if r.Forge != nil {
		ask("pull requests", func() (err error) {
			b.pending, err = pendingIn(ctx, r, found)
			return err
		})
	}
	if q.Health != nil {
		for i, name := range found.environments {
			ask("health of "+name, func() (err error) {
				b.health[i], err = q.Health(ctx, name)
				return err
			})
		}
	}
	group.Wait()
	sort.Slice(b.errs, func(i, j int) bool { return b.errs[i].Error() < b.errs[j].Error() })
	return b
}

// spots returns where each image is in each environment, image by image.
func (found reading) spots() []bump.Spot {
	var spots []bump.Spot
	for _, row := range found.rows {
		for i, targets := range row.cells {
			spots = append(spots, bump.Spot{Area: found.areas[i], Image: row.img.In(found.areas[i].Name), Targets: targets})
		}
	}
	return spots
}

// pendingIn asks the forge once for each branch that has been read.
func pendingIn(ctx context.Context, r bump.Runner, found reading) ([]bump.Pending, error) {
	var all []bump.Pending
	var asked []string
	for _, area := range found.areas {
		branch := found.view.Tree(area).Branch()
		if slices.Contains(asked, branch) {
			continue
		}
		asked = append(asked, branch)
		pending, err := r.Pending(ctx, branch)
		if fault.KindOf(err) == fault.NotFound {
			err = fault.As(fault.NoAccess, err) // git has read the repository: the token may not see pull requests
		}
		if err != nil {
			return all, err
		}
		all = append(all, pending...)
	}
	return all, nil
}

// addTo puts everything into the cells that it is about.
func (b besides) addTo(report *Report, found reading) {
	report.Errs = b.errs
	spot := 0
	for n := range report.Images {
		for i := range found.rows[n].cells {
			cell := &report.Images[n].Cells[i]
			if spot < len(b.events) {
				cell.setBy(b.events[spot])
				report.Events = append(report.Events, named(b.events[spot], report.Environments[i])...)
			}
			spot++
			if len(cell.Deployed) == 0 {
				continue
			}
			img := found.rows[n].img.In(found.areas[i].Name)
			for _, one := range b.pending {
				if one.Environment == found.areas[i].Name && image.SameRepository(one.Ref.Repository, img.Repository) {
					cell.Pending = append(cell.Pending, one)
				}
			}
			cell.Health = running(b.health[i], img)
		}
	}
}

// named returns events of a column.
func named(events []history.Event, environment string) []history.Event {
	events = slices.Clone(events)
	for i := range events {
		events[i].Environment = environment
	}
	return events
}

// setBy finds the commit that set each deployed tag: the newest one that changed the
// image in the tag's file. One that set another tag says that the file has been edited
// since.
func (c *Cell) setBy(events []history.Event) {
	for i := range c.Deployed {
		one := &c.Deployed[i]
		newest := slices.IndexFunc(events, func(e history.Event) bool { return slices.ContainsFunc(e.Files, one.isIn) })
		if newest >= 0 && events[newest].To.String() == one.Ref() {
			one.Set = &events[newest]
		}
	}
}

// isIn reports whether a file has the tag.
func (d Deployed) isIn(file string) bool {
	for _, target := range d.Places {
		if target.File == file {
			return true
		}
	}
	return false
}

// running returns the applications that run an image. One that says of no image that it
// runs it may run any.
func running(applications []Application, img bump.Image) []Application {
	var all []Application
	for _, app := range applications {
		runs := func(ref string) bool {
			isNamed := func(name string) bool { return image.SameRepository(image.Split(ref).Repository, name) }
			return isNamed(img.Repository) || slices.ContainsFunc(img.As, isNamed)
		}
		if len(app.Images) == 0 || slices.ContainsFunc(app.Images, runs) {
			all = append(all, app)
		}
	}
	return all
}
