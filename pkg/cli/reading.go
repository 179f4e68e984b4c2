package cli

import (
	"cmp"
	"context"
	"slices"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/config"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/registry"
	"github.com/tagbump/tagbump/pkg/wire"
)

// A reading is one run of a command that reads a repository and does not change it,
// with everything open.
type reading struct {
	talk     talk
	flags    *repoFlags
	world    wire.World
	project  project
	place    wire.Place
	repo     *wire.Repository
	registry *registry.Client
	runner   bump.Runner
}

// openReading opens the repository, the registry, and the project file: here or in
// the repository's root.
func openReading(ctx context.Context, env Env, f *repoFlags, t talk) (*reading, error) {
	world, err := f.world(env, t)
	if err != nil {
		return nil, err
	}
	found, err := openProject(world, f.config)
	if err != nil {
		return nil, err
	}
	r, err := openAt(world, found, f, t)
	if err != nil {
		return nil, err
	}
	if r.project.file == "" && (!r.place.Local || f.repo != "") {
		if r.project, err = r.project.inRoot(ctx, r.repo.Repo, f.branch, r.place.Where, nil); err != nil {
			r.close()
			return nil, err
		}
	}
	return r, nil
}

// openBare opens a repository and the registry, and no project file.
func openBare(env Env, f *repoFlags, t talk) (*reading, error) {
	world, err := f.world(env, t)
	if err != nil {
		return nil, err
	}
	return openAt(world, project{Config: new(config.Config)}, f, t)
}

// openAt opens the repository that the flags or the project name, and the registry.
func openAt(world wire.World, p project, f *repoFlags, t talk) (*reading, error) {
	r := &reading{talk: t, flags: f, world: world, project: p}
	var err error
	if r.place, err = world.Locate(firstOf(f.repo, p.repository())); err != nil {
		return nil, err
	}
	if f.repo == "" {
		r.place = r.place.ByProject()
	}
	if r.place.Local && f.branch != "" {
		return nil, fault.Errorf(fault.Usage, "--branch needs a remote repository, and %s is a local folder", r.place.Where).WithHint("give --repo URL")
	}
	if r.registry, err = world.OpenRegistry(); err != nil {
		return nil, err
	}
	if r.repo, err = world.OpenRepository(r.place, wire.Options{SSHKey: f.sshKey, SSHKnownHosts: f.sshKnownHosts, SSHHostKey: f.sshHostKey}); err != nil {
		return nil, err
	}
	r.runner = bump.Runner{Repo: r.repo.Repo, Registry: r.registry, Log: t.detail}
	return r, nil
}

func (r *reading) close() { _ = r.repo.Close() }

// areas returns the named environments, else all of the project file.
func (r *reading) areas(names []string) ([]bump.Area, error) {
	if len(names) == 0 {
		names = r.project.inPromotionOrder()
	}
	var areas []bump.Area
	for _, name := range names {
		environment, err := r.project.environment("--env", name)
		if err != nil {
			return nil, err
		}
		selection, err := files.Select(environment.Files...)
		if err != nil {
			return nil, fault.As(fault.Usage, err)
		}
		areas = append(areas, bump.Area{Name: name, Branch: r.project.branchOf(r.flags.branch, name), Files: selection})
	}
	return areas, nil
}

// inPromotionOrder returns the names of all environments, each behind the one that
// its tags come from.
func (p project) inPromotionOrder() []string {
	depth := func(name string) int {
		n := 0
		for from := p.Environments[name].From; from != "" && n < len(p.Environments); from = p.Environments[from].From {
			n++
		}
		return n
	}
	names := p.EnvironmentNames()
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(depth(a), depth(b)) })
	return names
}
