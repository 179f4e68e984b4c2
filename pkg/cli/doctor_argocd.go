package cli

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/argocd"
	"github.com/tagbump/tagbump/pkg/fault"
)

// checkArgoCD asks Argo CD whether it takes the token, and for the applications of each
// environment that has some.
func (r *reading) checkArgoCD(ctx context.Context) []finding {
	names := r.project.inPromotionOrder()
	named := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !r.namesApplications(name) })
	switch {
	case len(named) == 0 && !r.world.NamesArgoCD():
		return nil
	case !r.world.NamesArgoCD():
		return []finding{{what: "argocd", skipped: "ARGOCD_SERVER is not set; --wait and status need it for " + andList(named)}}
	}
	server := r.checkArgoCDServer(ctx)
	all := []finding{server}
	for _, name := range names {
		one := finding{what: "argocd applications of " + name, credential: server.credential}
		if server.err != nil {
			one.skipped, one.credential = "Argo CD cannot be asked", ""
		} else {
			one.note, one.err = r.applicationsOf(ctx, name)
		}
		isNone := errors.Is(one.err, fault.NotFound) || errors.Is(one.err, fault.Usage)
		if isNone && !r.namesApplications(name) { // nobody says that there is one
			one.skipped, one.err = one.err.Error(), nil
		}
		all = append(all, one)
	}
	return all
}

// namesApplications reports whether the project file says that an environment has
// applications.
func (r *reading) namesApplications(environment string) bool {
	return r.project.Environments[environment].ArgoCD != nil
}

// checkArgoCDServer lists applications, which any valid token may do.
func (r *reading) checkArgoCDServer(ctx context.Context) finding {
	found := finding{what: "argocd", credential: r.world.ArgoCDCredential()}
	client, err := r.world.OpenArgoCD("", "")
	if err != nil {
		found.err = err
		return found
	}
	found.what += ": " + client.Host()
	seen, err := client.Applications(ctx)
	found.note, found.err = "the token sees "+plural(len(seen), "application"), err
	return found
}

// applicationsOf returns how the applications of an environment are, in a few words.
func (r *reading) applicationsOf(ctx context.Context, environment string) (string, error) {
	areas, err := r.areas([]string{environment})
	if err != nil {
		return "", err
	}
	d, err := newDeployer(r.world, &waitFlags{}, r.project, environment, r.origin(ctx), r.repo.Repo, r.talk)
	if err != nil {
		return "", err
	}
	states, err := d.states(ctx, r.runner, areas[0])
	return strings.Join(summaries(states), "; "), err
}

func summaries(states []argocd.State) []string {
	all := make([]string, len(states))
	for i, state := range states {
		all[i] = state.ID.String() + ": " + state.Summary
	}
	return all
}
