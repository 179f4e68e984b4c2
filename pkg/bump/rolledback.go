package bump

import (
	"context"
	"fmt"
	"slices"

	"github.com/tagbump/tagbump/pkg/history"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/safetext"
)

// rolledBack returns the rollback that forbids to write a tag into targets: one of the
// latest commits took back the tag, or one that is not older, and the files confirm it.
// Without such a rollback it is nil. A rollback does not count where nothing tells which
// of two tags is newer.
func (r Runner) rolledBack(ctx context.Context, req Request, at scene, one Resolved, targets []plan.Target) (*history.RolledBack, error) {
	changes := func(target plan.Target) bool { return target.Current.Tag != one.Tag }
	if !slices.ContainsFunc(targets, changes) {
		return nil, nil
	}
	commits, err := at.recent(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("looking whether %s:%s was rolled back: %w", one.Repository, one.Tag, err)
	}
	for _, back := range history.Rollbacks(commits, one.Repository, req.To) {
		newer, err := r.isNewer(ctx, req, at, one, back.Tag)
		if err != nil {
			return nil, err
		}
		if newer {
			continue
		}
		confirmed, err := r.confirms(ctx, req, at, one.Repository, back)
		if err != nil {
			return nil, err
		}
		if confirmed {
			return &back, nil
		}
		r.log("%s: commit %.7s says that it rolled back %s, and the files say otherwise: ignored", one.Repository, back.Commit, safetext.Line(back.Tag))
	}
	return nil, nil
}

// isNewer reports whether a resolved tag is newer than one that was rolled back.
func (r Runner) isNewer(ctx context.Context, req Request, at scene, one Resolved, left string) (bool, error) {
	if left == one.Tag {
		return false, nil
	}
	found, err := r.compare(ctx, req, at.Tree, one, image.Ref{Repository: one.Repository, Tag: left})
	return !found.known || found.order > 0, err
}

// confirms looks into the files: before the commit one of the image's places had the tag
// that was left, and then it had another one. What a message says is not enough: labels
// and pull requests write into messages, too.
func (r Runner) confirms(ctx context.Context, req Request, at scene, repository string, back history.RolledBack) (bool, error) {
	img := req.image(repository)
	places, err := at.find(req.place(), img)
	if err != nil {
		return false, err
	}
	var names []string
	for _, target := range places.Targets {
		if !slices.Contains(names, target.File) {
			names = append(names, target.File)
		}
	}
	read, err := r.Repo.History(ctx, Revision{at.Branch(), back.Commit}, names, 2)
	if err != nil {
		return false, fmt.Errorf("looking at commit %.7s, which rolled back %s: %w", back.Commit, back.Tag, err)
	}
	for _, name := range names {
		versions := read.Files[name]
		if len(versions) < 2 {
			continue
		}
		after, before := at.valuesIn(name, versions[0].Data, req.place(), []Image{img})[0], at.valuesIn(name, versions[1].Data, req.place(), []Image{img})[0]
		if before.Tag == back.Tag && after.Tag != back.Tag && (back.To == "" || after.Tag == back.To) {
			return true, nil
		}
	}
	return false, nil
}

// rolledBackError says that the wanted tag, or a newer one, was rolled back.
type rolledBackError struct {
	resolved    Resolved
	environment string
	back        history.RolledBack
}

func (e rolledBackError) Error() string {
	where := ""
	if e.environment != "" {
		where = e.environment + ": "
	}
	text := fmt.Sprintf("%s%s: %s", where, e.resolved.Repository, e.resolved.Tag)
	if e.back.Tag != e.resolved.Tag {
		text += fmt.Sprintf(" is not newer than %s, which", safetext.Line(e.back.Tag))
	}
	return fmt.Sprintf("%s was rolled back by %s, %s (%.7s)", text, history.NameOf(e.back.Who), e.back.When.UTC().Format("2006-01-02 15:04"), e.back.Commit)
}

func (e rolledBackError) Unwrap() error { return ErrRolledBack }

// Hint names the way to bring the tag back on purpose.
func (e rolledBackError) Hint() string {
	return "a newer tag is written as usual; to bring this one back on purpose, give --on-stale allow"
}
