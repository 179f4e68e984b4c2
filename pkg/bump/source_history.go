package bump

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/history"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/record"
	"github.com/tagbump/tagbump/pkg/safetext"
)

// A Back says how far a rollback goes. The zero value goes to the tag before the present
// one, and nowhere where the present one was set by a rollback already: so a job that
// is run again does not go back twice.
type Back struct {
	To    string // the tag; it must be one that the files had
	Steps int    // how many values, without those that were taken back; 0 is one, see above
	// Last goes back with the images alone that the latest commit changed of those
	// asked for.
	Last bool
}

// Past says where in the history a tag is from.
type Past struct {
	Left    []string  // the tags that the files have now
	Commit  string    // one that had the tag; "" when that was not looked for
	When    time.Time // of that commit
	Digest  string    // that was pinned beside the tag; "" when none was
	Commits int       // how many commits were looked at
}

// FromHistory is the source of a rollback: the tag that the same files had before.
type FromHistory struct {
	Back
	where place
	among []Image // all images of the request: their past is read once
	left  string  // the tag that the files must still have; "" is any
}

// Back returns the request that sets the images of req back to what its files had before.
// The sources of the images do not matter. The registry must still have the tags; a digest
// that was pinned beside a tag is restored.
func (req Request) Back(back Back) Request {
	images := slices.Clone(req.Images)
	for i := range images {
		source := FromHistory{Back: back, where: req.place(), among: req.Images}
		images[i].Source, images[i].Digest, images[i].Revision = source, "", ""
	}
	req.Images, req.Add = images, false
	return req
}

// Undo returns the request that sets the images that a report changed back to the tags
// that they had before it. It fails where an image had none, or several; a run of it
// fails where a later commit has replaced what the report wrote.
func (req Request) Undo(report Report) (Request, error) {
	undo := req.Back(Back{})
	undo.Images = nil
	for _, outcome := range report.changedImages() {
		if len(outcome.Changes) == 0 {
			continue // goes back with the image whose value it shares
		}
		before := outcome.previous()
		source := FromHistory{where: req.place(), among: req.Images, left: outcome.Tag}
		switch {
		case len(before) > 1 || slices.Contains(before, ""):
			return req, fault.Errorf(fault.Failed, "%s had no tag before, or several: which one to go back to is not known", outcome.Repository)
		case len(before) == 1:
			source.To = before[0]
		}
		img := req.image(outcome.Repository)
		img.Source = source
		img.Digest, img.Revision = "", ""
		undo.Images = append(undo.Images, img)
	}
	return undo, nil
}

func (h FromHistory) check(img Image) error {
	if h.To != "" && h.Steps > 0 {
		return &FieldError{FieldSource, img.Repository, "a tag and a number of steps contradict each other"}
	}
	return nil
}

func (h FromHistory) selection() files.Selection { return h.where.files }

func (h FromHistory) resolve(context.Context, Runner, Image) (Resolved, error) {
	return Resolved{}, fault.New(fault.Usage, "the tags of before are in a repository's history")
}

func (h FromHistory) resolveIn(ctx context.Context, r Runner, at scene, img Image) (Resolved, error) {
	resolved := Resolved{Repository: img.Repository, Source: h.where.environment}
	places, err := at.find(h.where, img)
	if err != nil {
		return resolved, err
	}
	resolved.Source = SourceHistory
	s := search{r, at, h, img, places.Targets}
	if err := s.checkLeft(); err != nil {
		return resolved, err
	}
	if h.Last {
		if err := s.checkLast(ctx); err != nil {
			return resolved, err
		}
	}
	found, err := s.find(ctx)
	if err != nil {
		return resolved, err
	}
	resolved.Tag, resolved.Past = found.value.Tag, &found.Past
	resolved.Past.Digest, resolved.Past.Left = found.value.Digest, s.tags()
	return resolved, nil
}

// A passedOver says why an image is left out of a run.
type passedOver struct{ why string }

func (e *passedOver) Error() string { return e.why }

// A search looks for the value of before of one image.
type search struct {
	r       Runner
	at      scene
	source  FromHistory
	img     Image
	targets []plan.Target
}

// A found value, and where it was.
type found struct {
	value history.Value
	Past
}

// depths are how many commits are looked at, one after the other until the value is
// found: a rollback is usually near the tip.
var depths = []int{RecentCommits, 500, 4096}

func (s search) find(ctx context.Context) (found, error) {
	if quick, ok, err := s.byTrailers(ctx); ok || err != nil {
		return quick, err
	}
	var p past
	for _, most := range depths {
		var err error
		if p, err = s.r.pastOf(ctx, s.at, s.source.where, s.source.among, most); err != nil {
			return found{}, err
		}
		if hit, ok, err := s.in(p); ok || err != nil {
			return hit, err
		}
		if !p.More || p.Shallow {
			break
		}
	}
	return found{}, s.nothing(p)
}

// checkLeft refuses to go back from another tag than the one to be left.
func (s search) checkLeft() error {
	replaced := func(tag string) bool { return tag != s.source.left && tag != s.source.To }
	if i := slices.IndexFunc(s.tags(), replaced); s.source.left != "" && i >= 0 {
		return fault.Errorf(fault.Guard, "%s: a later commit has replaced %s by %s", s.img.Repository, s.source.left, safetext.Line(s.tags()[i]))
	}
	return nil
}

// tags returns the tags that the places have now, each once.
func (s search) tags() []string {
	var all []string
	for _, target := range s.targets {
		if !slices.Contains(all, target.Current.Tag) {
			all = append(all, target.Current.Tag)
		}
	}
	return all
}

// present returns the value that the places have now. The history of places with
// different tags is not one history.
func (s search) present() (history.Value, error) {
	first := s.targets[0].Current
	if _, err := oneTag(s.name(), s.img.Repository, s.targets); err != nil && s.source.To == "" {
		return history.Value{}, err
	}
	return history.Value{Tag: first.Tag, Digest: first.Digest}, nil
}

func (s search) name() string {
	if s.source.where.environment != "" {
		return s.source.where.environment
	}
	return "the files"
}

// byTrailers asks the messages of the latest commits: the one that set the present tag
// is near, as a rule, and the commit below it has the tag of before. The files of that
// commit are read, and decide.
func (s search) byTrailers(ctx context.Context) (hit found, ok bool, err error) {
	if s.source.To != "" || s.source.Steps > 1 {
		return hit, false, nil
	}
	now, err := s.present()
	if err != nil {
		return hit, false, err
	}
	commits, err := s.at.recent(ctx, s.r)
	if err != nil {
		return hit, false, err
	}
	i, said := s.setBy(commits, now)
	switch {
	case i < 0 || i+1 == len(commits):
		return hit, false, nil
	case said.Kind == record.Rollback && s.source.Steps == 0:
		s.r.log("%s: %s is what %.7s rolled back to; --steps 1 goes back further", s.img.Repository, safetext.Line(now.String()), commits[i].Hash)
		return found{now, Past{Commit: commits[i].Hash, When: commits[i].When, Commits: len(commits)}}, true, nil
	case said.Kind == record.Rollback:
		return hit, false, nil
	}
	below, err := s.r.read(ctx, Revision{s.at.Branch(), commits[i+1].Hash}, s.source.where.files, s.at.needs)
	if err != nil || below.Tip() == s.at.Tip() {
		return hit, false, nil // the longer way finds the error
	}
	places, err := below.find(s.source.where, s.img)
	if err != nil {
		return hit, false, nil
	}
	before := places.Targets[0].Current
	if before.Tag == "" || before.Tag == now.Tag || slices.ContainsFunc(places.Targets, func(t plan.Target) bool { return t.Current.Tag != before.Tag }) {
		return hit, false, nil
	}
	return found{
		history.Value{Tag: before.Tag, Digest: before.Digest},
		Past{Commit: commits[i+1].Hash, When: commits[i+1].When, Commits: len(commits)},
	}, true, nil
}

// setBy returns the latest commit that says it set the present value, or -1.
func (s search) setBy(commits []CommitInfo, now history.Value) (int, record.Message) {
	for i, c := range commits {
		for _, text := range append([]string{c.Message}, c.Merged...) {
			said := record.Parse(text)
			if said.Environment != "" && s.source.where.environment != "" && said.Environment != s.source.where.environment {
				continue
			}
			if said.Sets(image.Ref{Repository: s.img.Repository, Tag: now.Tag}) {
				return i, said
			}
		}
	}
	return -1, record.Message{}
}

// in looks for the value in the past; ok is false when the past must be longer.
func (s search) in(p past) (hit found, ok bool, err error) {
	now, err := s.present()
	if err != nil {
		return hit, false, err
	}
	events := s.events(p)
	if s.source.To != "" {
		return s.given(p, events)
	}
	var stack history.Stack
	made := map[string]history.Event{} // the latest event that set a value
	for _, e := range slices.Backward(events) {
		if e.From != (history.Value{}) && !stack.Holds(e.From) {
			stack.Set(e.From)
		}
		if e.Kind == history.Rollback && !stack.Holds(e.To) {
			stack.Restart(e.To)
		}
		stack.Set(e.To)
		made[e.To.String()] = e
	}
	stack.Set(now) // a folder may have a tag that no commit has yet
	steps := s.source.Steps
	if last, set := made[now.String()]; steps == 0 && set && last.Kind == history.Rollback && len(events) > 0 && events[0].Commit == last.Commit {
		s.r.log("%s: %s is what %.7s rolled back to; --steps 1 goes back further", s.img.Repository, safetext.Line(now.String()), last.Commit)
		steps = -1
	}
	value, ok := now, true
	if steps >= 0 {
		value, ok = stack.Below(max(steps, 1))
	}
	past := Past{Commits: len(p.Commits)}
	if e, known := made[value.String()]; known {
		past.Commit, past.When = e.Commit, e.When
	}
	return found{value, past}, ok, nil
}

// events returns what happened to the image in the first of its files.
func (s search) events(p past) []history.Event {
	var mine []history.Change
	for _, change := range p.changes {
		if change.Image == s.img.Repository && change.File == s.targets[0].File {
			mine = append(mine, change)
		}
	}
	return history.Events(p.Commits, mine, s.source.where.environment)
}

// given looks for the tag that was asked for.
func (s search) given(p past, events []history.Event) (hit found, ok bool, err error) {
	for _, e := range events {
		for _, value := range []history.Value{e.To, e.From} {
			if value.Tag == s.source.To {
				return found{value, Past{Commit: e.Commit, When: e.When, Commits: len(p.Commits)}}, true, nil
			}
		}
	}
	now := s.targets[0].Current
	if now.Tag == s.source.To {
		return found{history.Value{Tag: now.Tag, Digest: now.Digest}, Past{Commits: len(p.Commits)}}, true, nil
	}
	return hit, false, nil
}

// checkLast passes the image over unless the latest commit that changed one of the
// images changed it.
func (s search) checkLast(ctx context.Context) error {
	var last history.Event
	for _, most := range depths {
		p, err := s.r.pastOf(ctx, s.at, s.source.where, s.source.among, most)
		if err != nil {
			return err
		}
		all := history.Events(p.Commits, p.changes, s.source.where.environment)
		if len(all) > 0 {
			last = all[0]
			if !slices.ContainsFunc(all, func(e history.Event) bool { return e.Commit == last.Commit && e.Image == s.img.Repository }) {
				return &passedOver{fmt.Sprintf("the latest change, %.7s, did not set it: left as it is", last.Commit)}
			}
			return nil
		}
		if !p.More || p.Shallow {
			return s.nothing(p)
		}
	}
	return nil
}

// nothing says that there is nothing to go back to, and how far it was looked.
func (s search) nothing(p past) error {
	looked := fmt.Sprintf("the last %d commits", len(p.Commits))
	switch {
	case len(p.Commits) == 1:
		looked = "the one commit"
	case !p.More:
		looked = fmt.Sprintf("all %d commits", len(p.Commits))
	}
	where := s.img.Repository
	if s.source.where.environment != "" {
		where = s.source.where.environment + ": " + where
	}
	text := fmt.Sprintf("%s: %s of the history had no other tag than %s", where, looked, strings.Join(s.tags(), ", "))
	hint := "tagbump update " + s.img.Repository + ":TAG --on-stale allow writes a tag that you know"
	switch {
	case s.source.To != "":
		text = fmt.Sprintf("%s: never had the tag %s in %s", where, s.source.To, looked)
	case s.source.Steps > 1:
		text = fmt.Sprintf("%s: %s of the history have no %d tags before %s", where, looked, s.source.Steps, strings.Join(s.tags(), ", "))
	}
	if len(p.Commits) == 0 {
		text = where + ": this folder is not a git checkout, so no earlier tag is known"
	}
	if p.Shallow {
		hint = "this checkout is a shallow clone: git fetch --unshallow; or give --repo URL, which needs no checkout"
	}
	return fault.Errorf(fault.NotFound, "%s", text).WithHint("%s", hint)
}
