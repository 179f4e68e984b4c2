package cli

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/config"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/gitrepo"
	"github.com/tagbump/tagbump/pkg/internal/smallfile"
	"github.com/tagbump/tagbump/pkg/wire"
)

// A project is a project file, or the lack of one.
type project struct {
	*config.Config
	file string // as a person finds it again; "" without a project file
}

func parseProject(name string, src []byte) (project, error) {
	parsed, err := config.Parse(name, src)
	return project{parsed, name}, err
}

// openProject reads the project file that --config names, else the one that lies
// in the world's folder. Commands that need one say so when there is none.
func openProject(w wire.World, named string) (project, error) {
	if named != "" {
		src, err := w.ReadFlag("--config", named, smallfile.Text)
		if err != nil {
			return project{}, err
		}
		return parseProject(named, src)
	}
	// Not a pipe: a run would wait for its writer without end.
	src, err := smallfile.ReadRegular(w.Path(config.FileName), smallfile.Text)
	if errors.Is(err, fs.ErrNotExist) {
		return project{Config: new(config.Config)}, nil
	}
	if err != nil {
		return project{}, fault.As(fault.Usage, err)
	}
	return parseProject(config.FileName, src)
}

// inRoot returns p, or when p has no file the project that the repository's root
// holds.
func (p project) inRoot(ctx context.Context, repo bump.Repo, branch, where string) (project, error) {
	if p.file != "" {
		return p, nil
	}
	tree, err := repo.Read(ctx, bump.Revision{Branch: branch}, files.MustSelect(config.FileName))
	if errors.Is(err, gitrepo.ErrNoFile) || errors.Is(err, files.ErrMissing) {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	src, err := fs.ReadFile(tree, config.FileName)
	if err != nil {
		return p, err
	}
	return parseProject(config.FileName+" of "+where, src)
}

// lacks says that the project file has no such entries, or that there is none.
func (p project) lacks(entries string) string {
	if p.file == "" {
		return "there is no " + config.FileName
	}
	return p.file + " has no " + entries
}

// environment returns the environment that a flag names; without a name it is the
// zero Environment.
func (p project) environment(flag, name string) (config.Environment, error) {
	if name == "" {
		return config.Environment{}, nil
	}
	environment, known := p.Environments[name]
	if !known {
		hint := p.lacks("environments")
		if names := p.EnvironmentNames(); len(names) > 0 {
			hint = p.file + " has " + strings.Join(names, ", ")
		}
		return environment, fault.Errorf(fault.Usage, "%s: no environment %q", flag, name).WithHint("%s", hint)
	}
	return environment, nil
}

// branchOf returns the branch to change, "" for the repository's HEAD.
func (p project) branchOf(given, environment string) string {
	if given != "" {
		return given
	}
	if named := p.Environments[environment].Branch; named != "" {
		return named
	}
	return p.Branch
}
