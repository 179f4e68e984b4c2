package status

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/environs"
	"github.com/tagbump/tagbump/pkg/plan"
)

// A Question says what a report is about.
type Question struct {
	Where string
	At    time.Time
	// Areas are the environments. Without any, they are recognised from the paths of
	// the files.
	Areas []bump.Area
	// Branch is read where there are no Areas. Default: the repository's HEAD.
	Branch string
	// Images are the rows. Without any, they are those that the files name.
	Images []bump.Image
	// Suggest gives images without a policy the one that their tags suggest. Default:
	// their newest tags are not known.
	Suggest bool
	// Times also uses suggested policies that look up the time of every image.
	Times bool
	// Offline leaves the registry out.
	Offline bool
	// Commits is how many of the latest commits are looked through for who set a tag.
	// Default: none.
	Commits int
	// Health asks Argo CD about an environment. Nil, nil is an environment without
	// Argo CD. Default: the health is left out.
	Health func(ctx context.Context, environment string) ([]Application, error)
}

// parallel is how many images are looked up at once. A registry 40 ms away answers
// 16 to 32 requests at once, and more are slower.
const parallel = 24

// Make answers a question. The error is that the files cannot be read; the
// errors of single images are in the report.
func Make(ctx context.Context, r bump.Runner, q Question) (Report, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.Registry = &memory{Registry: r.Registry}
	var asking sync.WaitGroup
	defer asking.Wait()
	asking.Go(func() { chooseAhead(ctx, r, q) })
	found, err := read(ctx, r, q)
	if err != nil {
		cancel()
		return Report{}, err
	}
	var beside besides
	asking.Go(func() { beside = lookBeside(ctx, r, q, found) })
	report := Report{Where: q.Where, At: q.At, Environments: found.environments, Images: make([]Image, len(found.rows))}
	var group errgroup.Group
	group.SetLimit(parallel)
	for i, row := range found.rows {
		group.Go(func() error {
			report.Images[i] = lookUp(ctx, r, q, row, found.areas)
			return nil
		})
	}
	_ = group.Wait() // no function returns an error
	asking.Wait()    // for lookBeside
	beside.addTo(&report, found)
	return report, ctx.Err()
}

// chooseAhead asks the registry for the newest tags while the files are read: those of
// images whose policy is known need nothing of them. The answers are kept in the
// registry's memory.
func chooseAhead(ctx context.Context, r bump.Runner, q Question) {
	if q.Offline {
		return
	}
	var group errgroup.Group
	group.SetLimit(parallel)
	for _, img := range q.Images {
		if img.Policy == nil {
			continue
		}
		group.Go(func() error {
			_, _ = choose(ctx, r, q, img, nil) // an error is kept, too, and told with the image
			return nil
		})
	}
	_ = group.Wait() // no function returns an error
}

// A reading is what the files say.
type reading struct {
	view         *bump.View
	environments []string
	areas        []bump.Area // of the environments; recognised ones have the files that were found
	rows         []row
}

// A row is one image: its places in each environment.
type row struct {
	img   bump.Image
	cells [][]plan.Target
	errs  []error
}

// read reads the files once.
func read(ctx context.Context, r bump.Runner, q Question) (reading, error) {
	areas := q.Areas
	if len(areas) == 0 {
		areas = []bump.Area{{Branch: q.Branch}}
	}
	view, err := r.View(ctx, areas)
	if err != nil {
		return reading{}, err
	}
	images := q.Images
	if len(images) == 0 {
		images = imagesIn(view, areas)
	}
	if len(q.Areas) == 0 {
		return recognised(view, areas[0], images), nil
	}
	found := reading{view: view, areas: areas, rows: make([]row, len(images))}
	for _, area := range areas {
		found.environments = append(found.environments, area.Name)
	}
	for i, img := range images {
		found.rows[i].img = img
		for _, area := range areas {
			targets, err := view.Find(area, img)
			if err != nil {
				found.rows[i].errs = append(found.rows[i].errs, fmt.Errorf("%s: %w", area.Name, err))
			}
			found.rows[i].cells = append(found.rows[i].cells, targets)
		}
	}
	return found, nil
}

// imagesIn returns the images that the files of areas name.
func imagesIn(view *bump.View, areas []bump.Area) []bump.Image {
	var names []string
	for _, area := range areas {
		names = append(names, view.Repositories(area)...)
	}
	slices.Sort(names)
	var images []bump.Image
	for _, name := range slices.Compact(names) {
		images = append(images, bump.Image{Repository: name})
	}
	return images
}

// The names of the column for files that belong to no environment.
const (
	Shared = "shared"
	Only   = "deployed" // where there are no environments
)

// recognised finds images in all files, and environments in the files' paths.
// Images without a tag anywhere are left out.
func recognised(view *bump.View, all bump.Area, images []bump.Image) reading {
	var found []plan.Target
	var rows []row
	for _, img := range images {
		targets, err := view.Find(all, img)
		if err != nil {
			rows = append(rows, row{img: img, errs: []error{err}})
			continue
		}
		if len(targets) == 0 {
			continue
		}
		found = append(found, targets...)
		rows = append(rows, row{img: img, cells: [][]plan.Target{targets}})
	}
	environments := environs.Group(filesOf(found))
	result := reading{view: view, rows: rows}
	for _, environment := range environments {
		name := environment.Name
		switch {
		case name == "" && len(environments) == 1:
			name = Only
		case name == "":
			name = Shared
		}
		result.environments = append(result.environments, name)
		result.areas = append(result.areas, bump.Area{Name: environment.Name, Branch: all.Branch})
	}
	for i, one := range rows {
		result.rows[i].cells = divide(slices.Concat(one.cells...), environments)
	}
	return result
}

func filesOf(targets []plan.Target) []string {
	var names []string
	seen := map[string]bool{}
	for _, target := range targets {
		if !seen[target.File] {
			seen[target.File] = true
			names = append(names, target.File)
		}
	}
	return names
}

// divide sorts places into the environments that their files belong to.
func divide(targets []plan.Target, environments []environs.Environment) [][]plan.Target {
	cells := make([][]plan.Target, len(environments))
	for i, environment := range environments {
		for _, target := range targets {
			if slices.Contains(environment.Files, target.File) {
				cells[i] = append(cells[i], target)
			}
		}
	}
	return cells
}
