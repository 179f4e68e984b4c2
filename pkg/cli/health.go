package cli

import (
	"context"

	"github.com/tagbump/tagbump/pkg/argocd"
	"github.com/tagbump/tagbump/pkg/bump"
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
		d, err := newDeployer(r.world, &waitFlags{}, r.project, environment, addressOf(r.place, r.project), r.repo.Repo, r.talk)
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

// states returns how well the applications of an area run now. Each is asked for once.
// Where the project file does not name them, the area's files are read to find them.
func (d *deployer) states(ctx context.Context, runner bump.Runner, area bump.Area) ([]argocd.State, error) {
	push := argocd.Push{Repository: d.address, Branch: area.Branch}
	if len(d.waiter.Named) == 0 {
		var err error
		if push, err = d.pushIn(ctx, runner, area, nil); err != nil {
			return nil, err
		}
	}
	return d.waiter.States(ctx, push)
}
