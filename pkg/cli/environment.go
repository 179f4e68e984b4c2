package cli

import (
	"context"
	"io/fs"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/config"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
)

// A scope is the environment that a command changes: a name, and which files.
type scope struct {
	name string // "" without an environment
	config.Environment
}

// scopeOf returns what --env and --file name. A project file with environments wants
// one of both, or --all, so that no run changes all of them by accident; a single
// environment is the default.
func (f *placeFlags) scopeOf(p project) (scope, error) {
	name := f.env
	if name == "" && len(f.files) == 0 && !f.all {
		switch names := p.EnvironmentNames(); len(names) {
		case 0:
		case 1:
			name = names[0]
		default:
			return scope{}, fault.Errorf(fault.Usage, "--env is needed: %s has %s", p.file, andList(names)).
				WithHint("give --env ENV, --file GLOB for files of your own choice, or --all for all of them")
		}
	}
	environment, err := p.environment("--env", name)
	return scope{name, environment}, err
}

// narrowed returns the scope with only those of its files that globs match too. A
// scope without an environment gets the globs as they are.
func (s scope) narrowed(ctx context.Context, repo bump.Repo, branch string, globs []string) (scope, error) {
	if len(globs) == 0 {
		return s, nil
	}
	if s.name == "" {
		s.Files = globs
		return s, nil
	}
	own, err := files.Select(s.Files...)
	if err != nil {
		return s, err
	}
	named, err := namedFiles(ctx, repo, branch, globs)
	if err != nil {
		return s, err
	}
	all := s.Files
	s.Files = slices.DeleteFunc(named, func(name string) bool { return !own.Wants(name) })
	if len(s.Files) == 0 {
		return s, fault.Errorf(fault.NotFound, "--file: %s names no file of %s", strings.Join(globs, ", "), s.name).
			WithHint("%s has %s; leave --env out to change other files", s.name, strings.Join(all, ", "))
	}
	return s, nil
}

// namedFiles returns the files that globs match. It looks into the repository only
// where a glob has a wildcard.
func namedFiles(ctx context.Context, repo bump.Repo, branch string, globs []string) ([]string, error) {
	var names, patterns []string
	for _, text := range globs {
		glob, err := files.ParseGlob(text)
		switch {
		case err != nil:
			return nil, fault.Errorf(fault.Usage, "--file: %w", err)
		case glob.IsLiteral():
			names = append(names, glob.String())
		default:
			patterns = append(patterns, text)
		}
	}
	if len(patterns) == 0 {
		return names, nil
	}
	selection, err := files.Select(patterns...)
	if err != nil {
		return nil, err
	}
	tree, err := repo.Read(ctx, bump.Revision{Branch: branch}, selection)
	if err != nil {
		return nil, err
	}
	err = fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !slices.Contains(names, name) {
			names = append(names, name)
		}
		return err
	})
	return names, err
}

// sets returns the further values of a scope's environment.
func (p project) sets(s scope) ([]bump.Set, error) {
	var all []bump.Set
	for i, set := range s.Set {
		one, err := bump.NewSet(set.File, set.Path.String(), set.Value)
		if err != nil {
			return nil, fault.Errorf(fault.Usage, "%s: environments.%s.set[%d]: %w", p.file, s.name, i, err)
		}
		all = append(all, one)
	}
	return all, nil
}

// andList joins names as a sentence does.
func andList(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
