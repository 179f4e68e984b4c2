package bump

import (
	"context"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/plan"
)

// FromEnvironment is the source of a promotion: the tag that another
// environment's files have, in the same tree.
type FromEnvironment struct {
	Name  string
	Files files.Selection
}

func (FromEnvironment) check(Image) error { return nil }

func (e FromEnvironment) selection() files.Selection { return e.Files }

func (e FromEnvironment) resolve(context.Context, Runner, Image) (Resolved, error) {
	return Resolved{}, fault.Errorf(fault.Usage, "the tags of %s are in a repository's files", e.Name)
}

func (e FromEnvironment) resolveIn(_ context.Context, _ Runner, at scene, img Image) (Resolved, error) {
	resolved := Resolved{Repository: img.Repository, Source: e.Name}
	places, err := at.find(place{environment: e.Name, files: e.Files}, img)
	if err != nil {
		return resolved, err
	}
	resolved.Tag, err = oneTag(e.Name, img.Repository, places.Targets)
	return resolved, err
}

// oneTag refuses an environment that has two tags of one image: only a person
// knows which of them is meant.
func oneTag(environment, repository string, targets []plan.Target) (string, error) {
	first := targets[0]
	for _, target := range targets {
		if target.Current.Tag == "" {
			return "", fault.Errorf(fault.NotFound, "%s:%d: %s has no tag", target.File, target.Line, repository)
		}
		if target.Current.Tag != first.Current.Tag {
			return "", fault.Errorf(fault.Usage, "%s: %s has two tags: %s (%s:%d) and %s (%s:%d)", environment, repository,
				first.Current.Tag, first.File, first.Line, target.Current.Tag, target.File, target.Line)
		}
	}
	return first.Current.Tag, nil
}
