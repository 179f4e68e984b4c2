package bump

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/history"
	"github.com/tagbump/tagbump/pkg/internal/delay"
	"github.com/tagbump/tagbump/pkg/plan"
)

// Errors that callers decide on.
var (
	// ErrMoved is what a Repo returns when the branch's tip is not the one that
	// the commit expects.
	ErrMoved = fault.New(fault.Refused, "the branch has moved")
	// ErrStale says that the wanted tag is older than the deployed one.
	ErrStale = fault.New(fault.Guard, "older than the deployed tag")
	// ErrRolledBack says that the wanted tag, or one that is not older, was rolled back.
	ErrRolledBack = fault.New(fault.Guard, "was rolled back")
	// ErrConflict says that the request contradicts itself or the files.
	ErrConflict = fault.New(fault.Usage, "conflicting request")
)

// A Repo holds the files to change: a branch of a repository, or a local folder.
type Repo interface {
	// Read returns the selected files at a revision.
	Read(ctx context.Context, at Revision, selection files.Selection) (Tree, error)
	// Tip returns the latest commit of branch, "" when the branch does not exist.
	Tip(ctx context.Context, branch string) (string, error)
	// Log returns the latest commits up to a revision that changed one of the named
	// files, the newest first; without names, all commits. A folder without a
	// history has none.
	Log(ctx context.Context, at Revision, names []string, most int) ([]CommitInfo, error)
	// History returns the latest commits up to a revision, at most most, and what the
	// named files were in them. A folder without a history has none.
	History(ctx context.Context, at Revision, names []string, most int) (History, error)
	// Save makes commit, on top of base, the new tip of its branch; in a local
	// folder it writes the files. A branch whose tip is not commit.Old is
	// ErrMoved. An error comes with how far the change got.
	Save(ctx context.Context, base Tree, commit Commit) (Saved, error)
}

// A Checker is a Repo that can tell before a Save whether the files are fit for
// it. A dry run asks it.
type Checker interface {
	// Check returns the error that a Save of the named files would end with.
	Check(ctx context.Context, base Tree, names []string) error
}

// A Finisher is a Repo in which earlier runs may have left commits that nobody has
// pushed. A Save pushes them along.
type Finisher interface {
	// Unpushed returns these commits, the oldest first.
	Unpushed(base Tree) []CommitInfo
	// Finish pushes them, where there is nothing to Save.
	Finish(ctx context.Context, base Tree) error
}

// A Revision names a state of a repository. The zero value is the tip of the
// default branch.
type Revision struct {
	Branch string // its tip, unless Commit is set; "" is the default branch
	Commit string // a commit's hash
}

// A CommitInfo is what a commit says about itself.
type CommitInfo = history.Commit

// A History is commits, and what files were in them.
type History struct {
	Commits []CommitInfo // the newest first
	// More says that there are older commits, and Shallow that they cannot be read,
	// because the checkout does not have them.
	More, Shallow bool
	// Files has the versions of each file by the name that it has now, the newest first.
	Files map[string][]Version
}

// A Version is what a file was from one commit on, until the Version above it.
type Version struct {
	// Commit is the index of the commit that made it; len(Commits) when that is an
	// older one, which was not read.
	Commit int
	Data   []byte // nil where the file did not exist
}

// Saved says what Repo.Save did.
type Saved struct {
	State  State  // Written, Committed or Pushed
	Commit string // the commit's hash, "" when none was made
}

// A Tree is the files of one commit.
type Tree interface {
	fs.FS
	Branch() string // "" in a local folder
	Tip() string    // the commit's hash, "" in a local folder
}

// A Commit is what Repo.Save is to write.
type Commit struct {
	Branch  string            // the branch to move; "" is the base's own
	Old     string            // where Branch stands; "" when it is new or the base's own
	Files   map[string][]byte // whole new contents, by name
	Message string
}

// Prove returns an error when a plan for the tree does not do what it should.
type Prove func(ctx context.Context, base Tree, p *plan.Plan, replaced []Replacement) error

// A Runner has what a run needs from outside.
type Runner struct {
	Registry Registry
	Repo     Repo
	Forge    forge.Host // needed to Propose only
	Sources  Sources    // tells what changed between two images; nil does not know

	// Renderer tells what a pull request changes in a cluster; nil does not know.
	Renderer Renderer

	// Prove has the last word on a plan before it is shown or published; nil
	// agrees to all.
	Prove Prove
	// Enter is told of each phase that begins; the one before ends with it. Nil is
	// told nothing.
	Enter func(Phase)
	// Log takes a line of talk for a person who waits; nil is silent.
	Log func(format string, args ...any)
	// Sleep waits between attempts; nil is a real sleep that the context ends.
	Sleep func(ctx context.Context, d time.Duration) error
}

// attempts is how often a run plans before it gives up. Of fifty jobs at once on one
// branch the unluckiest lost 9 to 13 races, so this many mean that somebody moves
// the branch all the time.
const attempts = 50

// Run brings req's images up to date and reports what it did. On an error the
// branch is as before, unless the error says that this is not known, and Report
// tells what was found out until then.
func (r Runner) Run(ctx context.Context, req Request) (Report, error) {
	if err := req.Check(); err != nil {
		return Report{}, err
	}
	if r.Registry != nil {
		r.Registry = &cache{Registry: r.Registry}
	}
	r.Log = once(r.Log)
	report := Report{DryRun: req.Publish == Preview, Environment: req.To}
	images, mismatched, err := req.permitted()
	if err != nil || len(images) == 0 {
		report.Images = mismatched
		return report, err
	}
	req.Images = images
	r.enter(PhaseResolve)
	at, known, err := r.readAndResolve(ctx, req)
	report.Resolved = known
	if err != nil {
		return report, err
	}
	var slots delay.Slots
	for report.Attempts = 1; ; report.Attempts++ {
		start := time.Now()
		if report.Resolved, err = r.resolveIn(ctx, req, at, known); err != nil {
			return report, err
		}
		report.Outcome, err = r.attempt(ctx, req, at, report.Resolved)
		report.Images = append(report.Images, mismatched...)
		if !errors.Is(err, ErrMoved) {
			return report, err
		}
		if report.Attempts == attempts {
			return report, fmt.Errorf("push to %s: %w (%d attempts)", at.Branch(), ErrMoved, attempts)
		}
		wait := slots.Next(report.Attempts, time.Since(start))
		r.log("%s has moved, planning again on the new tip (attempt %d)", at.Branch(), report.Attempts+1)
		if err := r.sleep(ctx, wait); err != nil {
			return report, err
		}
		r.enter(PhaseResolve)
		if at, err = r.read(ctx, Revision{Branch: req.Branch}, req.selection(), at.needs); err != nil {
			return report, err
		}
	}
}

// readAndResolve asks the repository and the registry at the same time: neither
// needs the other's answer, except for the tags of tree sources, which it leaves
// out. With an error it returns what was resolved until then.
func (r Runner) readAndResolve(ctx context.Context, req Request) (scene, []Resolved, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type read struct {
		scene
		err error
	}
	reading := make(chan read, 1)
	go func() {
		at, err := r.read(ctx, Revision{Branch: req.Branch}, req.selection(), req.setFiles())
		reading <- read{at, err}
	}()
	resolved, failed := r.resolveAll(ctx, req.required())
	if failed != nil {
		cancel()
	}
	got := <-reading
	if failed != nil {
		return scene{}, resolved, failed
	}
	if got.err != nil {
		return scene{}, resolved, got.err
	}
	present, err := r.present(req, got.scene)
	if err != nil {
		return scene{}, resolved, err
	}
	more, err := r.resolveAll(ctx, present)
	return got.scene, append(resolved, more...), err
}

// resolveIn adds to known what the tree sources find in the tree, in the order of
// the request.
func (r Runner) resolveIn(ctx context.Context, req Request, at scene, known []Resolved) ([]Resolved, error) {
	all := slices.Clone(known)
	environment := ""
	var failed []error
	for _, img := range req.Images {
		source, ok := img.Source.(treeSource)
		if !ok {
			continue
		}
		resolved, err := source.resolveIn(ctx, r, at, img)
		if isAbsent(err) && img.Optional {
			environment = resolved.Source
			r.log("%s: not in the files of %s, passed over", img.Repository, resolved.Source)
			continue
		}
		if passed := new(passedOver); errors.As(err, &passed) {
			r.log("%s: %s", img.Repository, passed.why)
			continue
		}
		if err == nil {
			resolved, err = r.verified(ctx, img, resolved)
			err = promoted(img, err)
		}
		if err != nil {
			failed = append(failed, err)
			continue
		}
		all = append(all, resolved)
	}
	if len(failed) == 0 && len(all) == 0 {
		return all, noImageError(environment)
	}
	return all, errors.Join(failed...)
}

// resolveParallel is how many images are resolved at the same time.
const resolveParallel = 8

// resolveAll resolves images side by side, and returns all errors in their order.
func (r Runner) resolveAll(ctx context.Context, images []Image) ([]Resolved, error) {
	all, errs := make([]Resolved, len(images)), make([]error, len(images))
	var group errgroup.Group
	group.SetLimit(resolveParallel)
	for i, img := range images {
		group.Go(func() error {
			all[i], errs[i] = r.Resolve(ctx, img)
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs, where they have an order
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return all, nil
}

// required returns the images that must be in the files, without those whose tag
// is in the tree.
func (req Request) required() []Image {
	return slices.DeleteFunc(slices.Clone(req.Images), func(img Image) bool { return img.Optional || isTreeSource(img.Source) })
}

// present returns the optional images that are in the files: the registry is not
// asked about the others.
func (r Runner) present(req Request, at scene) ([]Image, error) {
	var found []Image
	for _, img := range req.Images {
		if !img.Optional || isTreeSource(img.Source) {
			continue
		}
		_, err := at.find(req.place(), img)
		if isAbsent(err) {
			r.log("%s: not in the files%s, passed over", img.Repository, of(req.To))
			continue
		}
		if err != nil {
			return nil, err
		}
		found = append(found, img)
	}
	return found, nil
}

// attempt plans in the tree and publishes. An error comes with what was found out
// and done until then.
func (r Runner) attempt(ctx context.Context, req Request, at scene, resolved []Resolved) (Outcome, error) {
	r.enter(PhasePlan)
	outcome := Outcome{Branch: at.Branch(), Base: at.Tip(), Earlier: r.unpushed(at.Tree)}
	images, wants, err := r.wants(ctx, req, at, resolved)
	outcome.Images = images
	if err != nil {
		return outcome, err
	}
	made, err := at.index.Plan(wants)
	if err != nil {
		return outcome, err
	}
	outcome.Plan, outcome.Images = made, withPlan(images, made, wants)
	if made.Empty() {
		switch req.Publish {
		case Propose:
			return r.retire(ctx, req, at, outcome)
		case Save:
			return r.finish(ctx, at.Tree, outcome)
		}
		return outcome, nil
	}
	further, err := req.assignments(outcome)
	if err != nil {
		return outcome, err
	}
	if made, outcome.Sets, err = at.index.Assign(made, further); err != nil {
		return outcome, err
	}
	outcome.Plan = made
	said, err := message(req, outcome)
	if err != nil {
		return outcome, err
	}
	outcome.Message = said.String()
	if r.Prove != nil {
		if err := r.Prove(ctx, at.Tree, made, replacements(made, wants)); err != nil {
			return outcome, err
		}
	}
	if req.Publish != Preview {
		r.enter(PhasePush)
	}
	switch req.Publish {
	case Save:
		saved, err := r.Repo.Save(ctx, at.Tree, Commit{Files: contents(made), Message: outcome.Message})
		outcome.State, outcome.Commit = saved.State, saved.Commit
		return outcome, err
	case Propose:
		return r.propose(ctx, req, at, proposal{wants, further}, outcome)
	}
	if checker, ok := r.Repo.(Checker); ok {
		err = checker.Check(ctx, at.Tree, slices.Sorted(maps.Keys(contents(made))))
	}
	return outcome, err
}

// unpushed returns the commits of earlier runs that a push publishes along.
func (r Runner) unpushed(base Tree) []CommitInfo {
	if finisher, ok := r.Repo.(Finisher); ok {
		return finisher.Unpushed(base)
	}
	return nil
}

// finish pushes what earlier runs have committed: a change is done when its branch has
// it, and not when a checkout does.
func (r Runner) finish(ctx context.Context, base Tree, outcome Outcome) (Outcome, error) {
	if len(outcome.Earlier) == 0 {
		return outcome, nil
	}
	r.enter(PhasePush)
	if err := r.Repo.(Finisher).Finish(ctx, base); err != nil {
		return outcome, err
	}
	outcome.State, outcome.Commit = Pushed, outcome.Earlier[len(outcome.Earlier)-1].Hash
	return outcome, nil
}

func (r Runner) sleep(ctx context.Context, d time.Duration) error {
	if r.Sleep != nil {
		return r.Sleep(ctx, d)
	}
	return delay.For(ctx, d)
}

func contents(p *plan.Plan) map[string][]byte {
	files := make(map[string][]byte, len(p.Files))
	for _, file := range p.Files {
		files[file.Name] = file.After
	}
	return files
}

// once returns a log that drops a line that was logged before: the same is true
// of many places, and again after a lost race.
func once(log func(format string, args ...any)) func(format string, args ...any) {
	if log == nil {
		return nil
	}
	var mu sync.Mutex
	logged := map[string]bool{}
	return func(format string, args ...any) {
		line := fmt.Sprintf(format, args...)
		mu.Lock()
		defer mu.Unlock()
		if !logged[line] {
			logged[line] = true
			log("%s", line)
		}
	}
}

func (r Runner) log(format string, args ...any) {
	if r.Log != nil {
		r.Log(format, args...)
	}
}
