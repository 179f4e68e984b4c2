package status

import (
	"context"
	"errors"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/policy"
)

// lookUp compares one image with the registry. The deployed tags and the newest one
// are looked up side by side.
func lookUp(ctx context.Context, r bump.Runner, q Question, row row, areas []bump.Area) Image {
	img := Image{Repository: row.img.Repository, Errs: row.errs, Cells: make([]Cell, len(row.cells))}
	for i, targets := range row.cells {
		img.Cells[i] = Cell{Deployed: deployed(targets)}
	}
	tags := img.tags()
	if q.Offline {
		if q.Suggest && row.img.Policy == nil {
			img.Suggestion, _ = policy.Suggest(tags, tags)
		}
		return img
	}
	var found chosen
	var failed error
	var group errgroup.Group
	group.Go(func() error {
		found, failed = choose(ctx, r, q, row.img, tags)
		return nil
	})
	unknown := inspectCells(ctx, r, row.img, img.Cells, areas)
	_ = group.Wait() // the error is in failed
	img.Errs = append(img.Errs, distinct(append([]error{failed}, unknown...))...)
	img.Suggestion = found.suggestion
	if found.choice == nil || failed != nil {
		return img
	}
	img.Policy, img.Newest = found.choice.Policy, &found.newest
	for _, cell := range img.Cells {
		for i, one := range cell.Deployed {
			cell.Deployed[i].Behind = behind(one, found.newest, found.choice)
		}
	}
	return img
}

// deployed returns the different tags of places.
func deployed(targets []plan.Target) []Deployed {
	var all []Deployed
	for _, target := range targets {
		same := func(d Deployed) bool { return d.Tag == target.Current.Tag && d.Digest == target.Current.Digest }
		i := slices.IndexFunc(all, same)
		if i < 0 {
			i, all = len(all), append(all, Deployed{Build: Build{Tag: target.Current.Tag, Digest: target.Current.Digest}})
		}
		all[i].Places = append(all[i].Places, target)
	}
	return all
}

// tags returns the tags that are deployed anywhere.
func (img Image) tags() []string {
	var tags []string
	for _, cell := range img.Cells {
		for _, one := range cell.Deployed {
			if one.Tag != "" && !slices.Contains(tags, one.Tag) {
				tags = append(tags, one.Tag)
			}
		}
	}
	return tags
}

// A chosen is the newest tag of an image, and how it was found.
type chosen struct {
	suggestion policy.Suggestion // zero where the image has a policy of its own
	choice     *bump.Choice      // nil without a policy
	newest     Build
}

// choose lets the image's policy choose, or the one that the tags suggest, and looks
// the chosen tag up.
func choose(ctx context.Context, r bump.Runner, q Question, img bump.Image, deployed []string) (chosen, error) {
	var found chosen
	if img.Policy == nil && q.Suggest {
		tags, err := r.Registry.TagsWithPrefix(ctx, img.Repository, "")
		if err != nil {
			found.suggestion, _ = policy.Suggest(deployed, deployed)
			return found, err
		}
		found.suggestion, _ = policy.Suggest(tags, deployed)
		img.Policy = q.policyOf(found.suggestion)
	}
	if img.Policy == nil {
		return found, nil
	}
	img.Source = bump.ByPolicy{}
	choice, err := r.Choose(ctx, img)
	if err != nil {
		return found, err
	}
	found.choice = choice
	found.newest, err = inspect(ctx, r, img, image.Ref{Repository: img.Repository, Tag: choice.Candidates[0]})
	return found, err
}

// policyOf returns the policy of a suggestion; nil for none, and for one that looks up
// times where these are not asked for.
func (q Question) policyOf(suggestion policy.Suggestion) *policy.Policy {
	if suggestion == (policy.Suggestion{}) {
		return nil
	}
	p, err := policy.New(suggestion.Rule)
	if err != nil || p.NeedsTimes() && !q.Times {
		return nil
	}
	return p
}

// inspectCells looks up the deployed tags, each in the registry of its environment, and returns the errors in the order of the
// cells.
func inspectCells(ctx context.Context, r bump.Runner, img bump.Image, cells []Cell, areas []bump.Area) []error {
	var all []*Deployed
	var images []bump.Image
	for n, cell := range cells {
		for i := range cell.Deployed {
			all, images = append(all, &cell.Deployed[i]), append(images, img.In(areas[n].Name))
		}
	}
	failed := make([]error, len(all))
	var group errgroup.Group
	for i, one := range all {
		group.Go(func() error {
			build, err := inspect(ctx, r, images[i], image.Ref{Repository: images[i].Repository, Tag: one.Tag, Digest: one.Digest})
			switch {
			case errors.Is(err, fault.NotFound):
				one.Gone = true
			case err != nil:
				one.Unknown, failed[i] = true, err
			default:
				one.Build = build
			}
			return nil
		})
	}
	_ = group.Wait() // the errors are in failed
	return failed
}

// inspect looks up one image. Its digest is the one that ref names, if it names one.
func inspect(ctx context.Context, r bump.Runner, img bump.Image, ref image.Ref) (Build, error) {
	info, err := r.Registry.InspectFor(ctx, ref, img.Platforms[:min(1, len(img.Platforms))])
	if err != nil {
		return Build{}, err
	}
	build := Build{Tag: ref.Tag, Digest: info.Digest, Created: info.Created}
	for _, platform := range img.Platforms {
		if !image.HasPlatform(info.Platforms, platform) {
			build.Missing = append(build.Missing, platform)
		}
	}
	return build, nil
}

// behind compares a deployed tag with the newest one.
func behind(one Deployed, newest Build, choice *bump.Choice) Behind {
	at := slices.Index(choice.Candidates, one.Tag)
	if one.Digest != "" && one.Digest == newest.Digest {
		at = 0 // another tag of the same image
	}
	if at < 0 {
		return Behind{}
	}
	b := Behind{Known: true, Tags: at}
	if at > 0 && newest.Created.After(one.Created) && !one.Created.IsZero() {
		b.By = newest.Created.Sub(one.Created)
	}
	return b
}

// distinct returns the errors that say different things: a registry that is down
// says the same of each tag.
func distinct(errs []error) []error {
	var kept []error
	for _, err := range errs {
		says := func(other error) bool { return other.Error() == err.Error() }
		if err != nil && !slices.ContainsFunc(kept, says) {
			kept = append(kept, err)
		}
	}
	return kept
}

// A memory asks for each list of tags and each image once.
type memory struct {
	bump.Registry
	lists, infos sync.Map
}

type inspected struct {
	ref      image.Ref
	platform string
}

func (m *memory) TagsWithPrefix(ctx context.Context, repository, prefix string) ([]string, error) {
	if whole, found := m.lists.Load([2]string{repository, ""}); found {
		return whole.(func() ([]string, error))()
	}
	ask := sync.OnceValues(func() ([]string, error) { return m.Registry.TagsWithPrefix(ctx, repository, prefix) })
	answer, _ := m.lists.LoadOrStore([2]string{repository, prefix}, ask)
	return answer.(func() ([]string, error))()
}

func (m *memory) InspectFor(ctx context.Context, ref image.Ref, platforms []string) (image.Info, error) {
	key := inspected{ref: ref}
	if len(platforms) > 0 {
		key.platform = platforms[0]
	}
	ask := sync.OnceValues(func() (image.Info, error) { return m.Registry.InspectFor(ctx, ref, platforms) })
	answer, _ := m.infos.LoadOrStore(key, ask)
	return answer.(func() (image.Info, error))()
}
