package cli

import (
	"context"
	"fmt"
	"slices"

	"github.com/tagbump/tagbump/pkg/argocd"
	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/rollout"
	"github.com/tagbump/tagbump/pkg/safetext"
	"github.com/tagbump/tagbump/pkg/status"
	"github.com/tagbump/tagbump/pkg/wire"
)

// openForge lets the runner ask the forge, where it and a token for it are known.
func (r *reading) openForge() {
	if r.place.Local {
		return
	}
	p := r.project.Forge
	host, err := r.world.OpenForge(r.place.AtForge(wire.NamedForge{Type: p.Type, API: p.API}))
	if err != nil {
		r.talk.detail("pull requests are not looked up: %v", err)
		return
	}
	r.runner.Forge = host
}

// health returns how Argo CD is asked about an environment. Without a server that a
// person named, it is not asked at all.
func (r *reading) health(areas []bump.Area) func(context.Context, string) ([]status.Application, error) {
	if !r.world.NamesArgoCD() {
		return nil
	}
	known := map[string]bump.Area{}
	for _, area := range areas {
		known[area.Name] = area
	}
	return func(ctx context.Context, environment string) ([]status.Application, error) {
		if r.project.Environments[environment].ArgoCD == nil {
			return nil, nil
		}
		d, err := newDeployer(r.world, &waitFlags{}, r.project, environment, r.origin(ctx), r.repo.Repo, r.talk)
		if err != nil {
			return nil, err
		}
		states, err := d.states(ctx, r.runner, known[environment])
		var applications []status.Application
		for _, state := range states {
			applications = append(applications, status.Application{
				Name: state.ID.Name, Healthy: state.IsHealthy(), Summary: state.Summary, Images: state.Images,
			})
		}
		return applications, err
	}
}

// origin returns the origin as far as it is known: a folder may be no checkout.
func (r *reading) origin(ctx context.Context) origin {
	known, _ := originOf(ctx, r.place, r.project, r.repo.Repo)
	return known
}

// states returns how well the applications of an area run now. Each is asked for once.
// Where the project file does not name them, the area's files are read to find them.
func (d *deployer) states(ctx context.Context, runner bump.Runner, area bump.Area) ([]argocd.State, error) {
	push := argocd.Push{Repository: d.origin.address, Branch: area.Branch}
	if len(d.waiter.Named) == 0 {
		var err error
		if push, err = d.pushIn(ctx, runner, area, nil); err != nil {
			return nil, err
		}
	}
	return d.waiter.States(ctx, push)
}

// unfit says why applications do not run images, healthy; "" when they do. An image that
// none of them runs, such as a job's, does not count.
func unfit(states []argocd.State, images []rollout.Image) string {
	if len(states) == 0 {
		return "Argo CD has no application of it"
	}
	for _, state := range states {
		if !state.IsHealthy() {
			return safetext.Line(fmt.Sprintf("%s: %s", state.ID.Name, state.Summary))
		}
	}
	for _, img := range images {
		others := ""
		arrived := false
		for _, state := range states {
			for _, text := range state.Images {
				running := image.Split(text)
				if !isNamed(img, running.Repository) {
					continue
				}
				arrived = arrived || running.Tag == img.Tag
				others = state.ID.Name + " runs " + text
			}
		}
		if others != "" && !arrived {
			return safetext.Line(fmt.Sprintf("%s, and the files say %s", others, img.Tag))
		}
	}
	return ""
}

// isNamed reports whether an image has a name.
func isNamed(img rollout.Image, repository string) bool {
	same := func(name string) bool { return image.SameRepository(name, repository) }
	return same(img.Repository) || slices.ContainsFunc(img.As, same)
}
