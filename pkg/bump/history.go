package bump

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tagbump/tagbump/pkg/history"
	"github.com/tagbump/tagbump/pkg/image"
)

// A Chronicle is what happened to images in an environment.
type Chronicle struct {
	Events  []history.Event // the newest first
	Commits int             // how many commits were looked at
	More    bool            // there are older ones
	Shallow bool            // and the checkout does not have them
	Oldest  time.Time       // of the commits that were looked at
}

// History tells what happened to the images of req in its files, in the latest most
// commits, but not before since. The sources of the images do not matter. Of images that
// are not in the files today it tells nothing.
func (r Runner) History(ctx context.Context, req Request, since time.Time, most int) (Chronicle, error) {
	r.Log = once(r.Log)
	at, err := r.readForHistory(ctx, req, most)
	if err != nil {
		return Chronicle{}, err
	}
	present := false
	for _, img := range req.Images {
		_, err := at.find(req.place(), img)
		if err != nil && (!isAbsent(err) || !img.Optional) {
			return Chronicle{}, err
		}
		present = present || err == nil
	}
	if !present {
		return Chronicle{}, noImageError(req.To)
	}
	p, err := r.pastOf(ctx, at, req.place(), req.Images, most)
	if err != nil {
		return Chronicle{}, err
	}
	told := Chronicle{Commits: len(p.Commits), More: p.More, Shallow: p.Shallow}
	if len(p.Commits) > 0 {
		told.Oldest = p.Commits[len(p.Commits)-1].When
	}
	for _, e := range history.Events(p.Commits, p.changes, req.To) {
		if !e.When.Before(since) {
			told.Events = append(told.Events, e)
		}
	}
	return told, nil
}

// readForHistory reads the files. Where they are named one by one, their history is read
// first: it brings the trees that lead to them along.
func (r Runner) readForHistory(ctx context.Context, req Request, most int) (scene, error) {
	tip := Revision{Branch: req.Branch}
	if names := req.Files.Required(); len(names) > 0 && len(names) == len(req.Files.Globs()) {
		read, err := r.Repo.History(ctx, tip, names, most)
		if err == nil && len(read.Commits) > 0 {
			tip.Commit = read.Commits[0].Hash
		}
	}
	return r.read(ctx, tip, req.selection(), nil)
}

// Created returns when the images of events were created, as far as the registry still
// has them: those that were deployed last are asked for, at most most.
func (r Runner) Created(ctx context.Context, events []history.Event, most int) func(history.Event) time.Time {
	times := make([]time.Time, min(most, len(events)))
	var group errgroup.Group
	group.SetLimit(resolveParallel)
	cached := &cache{Registry: r.Registry}
	for i := range times {
		e := events[i]
		if e.To.Tag == "" || e.Kind == history.Rollback {
			continue
		}
		group.Go(func() error {
			info, err := cached.InspectFor(ctx, image.Ref{Repository: e.Image, Tag: e.To.Tag}, nil)
			if err == nil {
				times[i] = info.Created
			}
			return nil
		})
	}
	_ = group.Wait() // an image that is gone has no time
	byTag := map[string]time.Time{}
	for i, at := range times {
		byTag[events[i].Image+":"+events[i].To.Tag] = at
	}
	return func(e history.Event) time.Time { return byTag[e.Image+":"+e.To.Tag] }
}
