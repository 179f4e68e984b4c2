package draft

import (
	"path"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/environs"
	"github.com/tagbump/tagbump/pkg/files"
)

// An Environment is the files that belong together.
type Environment struct {
	Name   string
	Branch string   // "" is the project's
	Files  []string // globs
	From   string   // the environment whose tags it gets; "" when none is known
}

// Shared is the name of the files that belong to no environment.
const Shared = "shared"

// Environments turns groups of files into environments of a project file. Their globs
// also match new files of the same kind, and no file of another group. Groups that
// are one without a name give none.
func Environments(groups []environs.Environment) []Environment {
	if len(groups) < 2 {
		return nil
	}
	var all []Environment
	for _, group := range groups {
		var others []string
		for _, other := range groups {
			if other.Name != group.Name {
				others = append(others, other.Files...)
			}
		}
		all = append(all, Environment{Name: Name(group.Name), Files: globs(group, others)})
	}
	return WithSources(all)
}

// Name returns the name that a group of files gets in a project file.
func Name(group string) string {
	if group == "" {
		return Shared
	}
	safe := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("._-", c) {
			return c
		}
		return '-'
	}, group)
	if safe = strings.TrimLeft(safe, "._-"); safe != "" {
		return safe
	}
	return "environment"
}

// globs returns globs of the group's files that match none of others.
func globs(group environs.Environment, others []string) []string {
	var all []string
	covered := func(name string) bool {
		return slices.ContainsFunc(all, func(glob string) bool { return matches(glob, name) })
	}
	for _, file := range group.Files {
		if covered(file) {
			continue
		}
		glob := files.Quote(file)
		for _, wider := range []string{folderGlob(file, group.Name), siblingGlob(file, group.Files)} {
			if wider != "" && !slices.ContainsFunc(others, func(other string) bool { return matches(wider, other) }) {
				glob = wider
				break
			}
		}
		all = append(all, glob)
	}
	return all
}

func matches(glob, name string) bool {
	parsed, err := files.ParseGlob(glob)
	return err == nil && parsed.Match(name)
}

// folderGlob is all of the deepest folder of file that is the environment's by its
// name; "" without one.
func folderGlob(file, environment string) string {
	parts := strings.Split(path.Dir(file), "/")
	segments := strings.Split(environment, "/")
	last := segments[len(segments)-1]
	for i := len(parts); i > 0; i-- {
		if environs.SameWord(parts[i-1], last) {
			return files.Quote(strings.Join(parts[:i], "/")) + "/**"
		}
	}
	return ""
}

// siblingGlob matches the files of one name in several folders beside each other,
// as charts/*/values-prod.yaml; "" where there is only one.
func siblingGlob(file string, group []string) string {
	parent := path.Dir(path.Dir(file))
	count := 0
	for _, other := range group {
		if path.Base(other) == path.Base(file) && path.Dir(path.Dir(other)) == parent && path.Dir(other) != "." {
			count++
		}
	}
	switch {
	case count < 2:
		return ""
	case parent == ".":
		return "*/" + files.Quote(path.Base(file))
	}
	return files.Quote(parent) + "/*/" + files.Quote(path.Base(file))
}

// ladder is the way of a tag to production, by the words that name its steps.
var ladder = []string{"dev", "test", "qa", "uat", "stage", "preprod", "prod"}

// WithSources lets each environment that is named after a step on the way to
// production take its tags from the step below.
func WithSources(all []Environment) []Environment {
	step := func(e Environment) int { return stepOf(e.Name) }
	for i := range all {
		best, bestStep := "", -1
		for _, other := range all {
			if s := step(other); s >= 0 && s < step(all[i]) && s > bestStep {
				best, bestStep = other.Name, s
			}
		}
		all[i].From = best
	}
	return all
}

// stepOf returns which step to production an environment is, -1 for none.
func stepOf(environment string) int {
	return slices.IndexFunc(ladder, func(word string) bool { return environs.SameWord(environment, word) })
}
