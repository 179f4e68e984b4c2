package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/config"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/giturl"
	"github.com/tagbump/tagbump/pkg/internal/smallfile"
	"github.com/tagbump/tagbump/pkg/wire"
)

// A project is a project file, or the lack of one.
type project struct {
	*config.Config
	file   string // as a person finds it again; "" without a project file
	looked string // where a project file was looked for, for a message that there is none

	// A project file in a folder above the one where tagbump runs: that folder, and
	// the way back down from it. Both are "" for other files.
	above, below string
}

func parseProject(name string, src []byte) (project, error) {
	parsed, err := config.Parse(name, src)
	return project{Config: parsed, file: name}, err
}

// openProject reads the project file that --config names, else the one that lies in
// the world's folder or in one above it, up to the root of the checkout. Commands
// that need one say so when there is none.
func openProject(w wire.World, named string) (project, error) {
	if named != "" {
		src, err := w.ReadFlag("--config", named, smallfile.Text)
		if errors.Is(err, fs.ErrNotExist) {
			return project{}, hinted(err, nearProject(w, named))
		}
		if err != nil {
			return project{}, err
		}
		return parseProject(named, src)
	}
	here, err := filepath.Abs(w.Path("."))
	if err != nil {
		return project{}, err
	}
	folders := upToRoot(here)
	for _, folder := range folders {
		found, err := projectIn(here, folder)
		if err != nil || found.file != "" {
			return found, err
		}
	}
	looked := "here"
	if len(folders) > 1 {
		looked += " or in the folders above, up to " + folders[len(folders)-1]
	}
	return project{Config: new(config.Config), looked: looked}, nil
}

// nearProject names the project file beside one that does not exist.
func nearProject(w wire.World, missing string) string {
	for _, name := range config.FileNames() {
		beside := filepath.Join(filepath.Dir(missing), name)
		if _, err := os.Lstat(w.Path(beside)); err == nil {
			return "there is " + beside
		}
	}
	return ""
}

// upToRoot returns a folder and those above it, up to the root of the checkout that
// they are in; outside of a checkout only the folder itself.
func upToRoot(here string) []string {
	var folders []string
	for folder := here; ; folder = filepath.Dir(folder) {
		folders = append(folders, folder)
		if _, err := os.Lstat(filepath.Join(folder, ".git")); err == nil {
			return folders
		}
		if folder == filepath.Dir(folder) {
			return []string{here}
		}
	}
}

// projectIn reads the project file in a folder at or above here.
func projectIn(here, folder string) (project, error) {
	above, err := filepath.Rel(here, folder)
	if err != nil {
		return project{}, err
	}
	var found project
	for _, name := range config.FileNames() {
		// Not a pipe: a run would wait for its writer without end.
		src, err := smallfile.ReadRegular(filepath.Join(folder, name), smallfile.Text)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return project{}, fault.As(fault.Usage, err)
		}
		if found.file != "" {
			return project{}, twoProjects(found.file, filepath.Join(above, name))
		}
		if found, err = parseProject(filepath.Join(above, name), src); err != nil {
			return project{}, err
		}
	}
	if above != "." && found.file != "" {
		below, err := filepath.Rel(folder, here)
		if err != nil {
			return project{}, err
		}
		found.above, found.below = above, filepath.ToSlash(below)
	}
	return found, nil
}

func twoProjects(one, other string) error {
	return fault.Errorf(fault.Usage, "%s and %s are both project files", one, other).WithHint("keep one of them")
}

// repository returns the repository to change: what the file says, relative to its
// folder, else that folder.
func (p project) repository() string {
	if p.Repository == "" {
		return firstOf(p.above, ".")
	}
	address, err := giturl.Parse(p.Repository)
	if p.above != "" && err == nil && address.IsLocal() && !filepath.IsAbs(address.Path) {
		return filepath.Join(p.above, address.Path)
	}
	return p.Repository
}

// globsFromHere returns what a person wrote below the project's folder as seen from
// that folder, which is the root of the files.
func (p project) globsFromHere(globs []string) []string {
	if p.below == "" || p.Repository != "" {
		return globs
	}
	all := make([]string, len(globs))
	for i, glob := range globs {
		all[i] = path.Join(p.below, glob)
	}
	return all
}

// inRoot returns p, or when p has no file the project that the repository's root
// holds. The globs are of files that the command reads anyway, and so costs no
// request more.
func (p project) inRoot(ctx context.Context, repo bump.Repo, branch, where string, globs []string) (project, error) {
	if p.file != "" {
		return p, nil
	}
	selection, err := rootSelection(globs)
	if err != nil {
		return p, err
	}
	tree, err := repo.Read(ctx, bump.Revision{Branch: branch}, selection)
	if err != nil {
		return p, err
	}
	found := project{Config: p.Config, looked: p.looked + ", nor in the root of " + where}
	for _, name := range config.FileNames() {
		src, err := fs.ReadFile(tree, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return p, err
		}
		if found.file != "" {
			return p, twoProjects(found.file, name)
		}
		if found, err = parseProject(name+" of "+where, src); err != nil {
			return p, err
		}
	}
	return found, nil
}

func rootSelection(globs []string) (files.Selection, error) {
	const projectFile = ".tagbump.{yaml,yml}"
	if len(globs) == 0 {
		return files.Select(projectFile)
	}
	wanted, err := files.Select(globs...)
	if err != nil {
		return wanted, fault.Errorf(fault.Usage, "--file: %w", err)
	}
	return wanted.WithContext(projectFile)
}

// lacks says that the project file has no such entries, or that there is none.
func (p project) lacks(entries string) string {
	if p.file == "" {
		return "there is no " + config.FileName + " " + p.looked
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
		hint := p.lacks("environments") + "; tagbump init proposes some"
		if flag == "--env" {
			hint = p.lacks("environments") + "; leave --env out, or write one: tagbump init"
		}
		if names := p.EnvironmentNames(); len(names) > 0 {
			hint = p.file + " has " + strings.Join(names, ", ")
		}
		return environment, missingName(flag, "environment", name, p.EnvironmentNames()).WithHint("%s", hint)
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
