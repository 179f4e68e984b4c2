package bump

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/environs"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/safetext"
)

// An EnvironmentsError says that the places of an image belong to several
// environments, or have several tags, and that the request does not say which of
// them to change. Its kind is fault.Usage.
type EnvironmentsError struct {
	Image  string
	Tag    string // the wanted one
	Groups []PlaceGroup
}

// A PlaceGroup is places of one environment that have one tag.
type PlaceGroup struct {
	Environment string // as the paths tell it; "" for files that all environments share
	Tag         string // the deployed one; "" where none is written
	Targets     []plan.Target
}

// shownPlaces is how many places of a group an error names.
const shownPlaces = 3

func (e *EnvironmentsError) Error() string {
	lines := []string{fmt.Sprintf("%s: is written in several environments or with several tags, and not all of them are %s", e.Image, e.Tag)}
	wide := 0
	for _, group := range e.Groups {
		wide = max(wide, len(group.Environment))
	}
	if wide > 0 {
		wide = max(wide, len(shared))
	}
	for _, group := range e.Groups {
		var places []string
		for _, target := range group.Targets[:min(len(group.Targets), shownPlaces)] {
			places = append(places, fmt.Sprintf("%s:%d", target.File, target.Line))
		}
		text := strings.Join(places, ", ")
		if more := len(group.Targets) - shownPlaces; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		lines = append(lines, fmt.Sprintf("  %-*s %s  %s", wide, group.name(wide), safetext.Line(orNone(group.Tag)), safetext.Line(text)))
	}
	return strings.Join(lines, "\n")
}

// shared is what an error calls files that all environments share.
const shared = "(shared)"

// name returns the environment for a column of the given width, which is 0 when
// the files have no environments.
func (g PlaceGroup) name(width int) string {
	if g.Environment == "" && width > 0 {
		return shared
	}
	return g.Environment
}

func orNone(tag string) string {
	if tag == "" {
		return "(none)"
	}
	return tag
}

// Unwrap returns fault.Usage.
func (e *EnvironmentsError) Unwrap() error { return fault.Usage }

// Hint names the ways to choose.
func (e *EnvironmentsError) Hint() string {
	return "choose with --env or --file, or change all of them with --all"
}

// choosesFiles reports whether the request says which environment to change.
func (req Request) choosesFiles() bool {
	return req.All || req.To != "" || len(req.Files.Globs()) > 0
}

// checkEnvironments refuses to change places of several environments, or with
// several tags, that nobody has chosen.
func (req Request) checkEnvironments(resolved Resolved, targets []plan.Target) error {
	isWanted := func(target plan.Target) bool { return target.Current.Tag == resolved.Tag }
	if req.choosesFiles() || !slices.ContainsFunc(targets, func(target plan.Target) bool { return !isWanted(target) }) {
		return nil
	}
	groups := groupPlaces(targets)
	if len(groups) < 2 || !severalEnvironments(targets) && !severalTags(groups) {
		return nil
	}
	return &EnvironmentsError{resolved.Repository, resolved.Tag, groups}
}

func severalEnvironments(targets []plan.Target) bool {
	for i, target := range targets {
		if slices.ContainsFunc(targets[:i], func(other plan.Target) bool { return environs.Different(other.File, target.File) }) {
			return true
		}
	}
	return false
}

// severalTags ignores places without a tag: they are filled in.
func severalTags(groups []PlaceGroup) bool {
	first := ""
	for _, group := range groups {
		switch {
		case group.Tag == "" || group.Tag == first:
		case first == "":
			first = group.Tag
		default:
			return true
		}
	}
	return false
}

// groupPlaces sorts places by environment and tag.
func groupPlaces(targets []plan.Target) []PlaceGroup {
	var names []string
	for _, target := range targets {
		if !slices.Contains(names, target.File) {
			names = append(names, target.File)
		}
	}
	var groups []PlaceGroup
	for _, environment := range environs.Group(names) {
		for _, target := range targets {
			if !slices.Contains(environment.Files, target.File) {
				continue
			}
			at := slices.IndexFunc(groups, func(g PlaceGroup) bool {
				return g.Environment == environment.Name && g.Tag == target.Current.Tag
			})
			if at < 0 {
				at, groups = len(groups), append(groups, PlaceGroup{Environment: environment.Name, Tag: target.Current.Tag})
			}
			groups[at].Targets = append(groups[at].Targets, target)
		}
	}
	return groups
}
