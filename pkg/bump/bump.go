// Package bump runs a request from end to end: it resolves the wanted tags,
// plans the edits on the branch's tip, and previews, pushes or proposes them.
//
// It is the conductor: what it needs of the world it declares as small
// interfaces, so that it knows neither HTTP nor git. It refuses to write a tag
// that the registry does not have, and one that is older than the deployed one.
//
// One trap: a push can lose a race. Then nothing is merged or forced; the tip
// is read again and the plan is made again on it, because the winner may have
// changed the very value that this run was about to change.
package bump

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"text/template"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/internal/delay"
	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/policy"
)

// Errors that callers decide on.
var (
	// ErrMoved is what a Repo returns when the branch no longer stands where
	// the commit expects it.
	ErrMoved = errors.New("the branch has moved")
	// ErrStale is in the chain when the wanted tag is older than the deployed one.
	ErrStale = errors.New("older than the deployed tag")
	// ErrConflict is in the chain when the request contradicts itself or what it finds.
	ErrConflict = errors.New("conflicting request")
)

// A Repo holds the files to change: a branch of a repository, or a local folder.
type Repo interface {
	// Read returns the files that globs match at the tip of branch; "" is the
	// default branch, and no globs are all YAML files.
	Read(ctx context.Context, branch string, globs []string) (Tree, error)
	// Tip returns the commit at which branch stands, "" when there is no such branch.
	Tip(ctx context.Context, branch string) (string, error)
	// Save makes commit, on top of base, the new tip of its branch; in a local
	// folder it writes the files. A branch whose tip is not commit.Old is
	// ErrMoved. An error comes with how far the change got.
	Save(ctx context.Context, base Tree, commit Commit) (Saved, error)
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

// Forge opens pull requests.
type Forge interface {
	Find(ctx context.Context, head, base string) (forge.PullRequest, bool, error)
	Propose(ctx context.Context, p forge.Proposal) (forge.PullRequest, error)
}

// An Image is one image to bring up to date, and where its tag comes from.
type Image struct {
	Repository string
	Tag        string         // the tag is known; "" leaves it to Policy
	Digest     string         // what the tag must point at; "" is not checked
	Policy     *policy.Policy // chooses the tag, and says which of two is newer; nil: none
	Platforms  []string       // which the image must have; none by default
	NewestOf   int            // with an order by time: look at so many tags only, the last by name; default: all
	Revision   string         // the source commit that the image's label must name; it chooses where nothing else does
	Wait       time.Duration  // how long to wait for Tag, or for an image of Revision; default: not
	Unverified bool           // do not ask the registry; needs Tag
	Optional   bool           // pass over it where it is not in the files
}

// Publish says how a plan reaches the branch.
type Publish int

// Ways to publish; the zero value changes nothing.
const (
	Preview Publish = iota
	Save            // as far as the Repo goes: files, a commit, or a push
	Propose         // push to a branch of its own and open a pull request
)

// OnStale says what to do when the wanted tag is older than the deployed one.
type OnStale int

// Answers to a stale tag; the zero value is the safe one.
const (
	Fail OnStale = iota
	Skip
	Allow
)

// A Request is everything that one run is asked to do.
type Request struct {
	Images    []Image
	Branch    string       // default: the repository's HEAD
	Files     []string     // globs of the files to change; default: all YAML files
	Path      keypath.Path // the key to change; default: found by the image's name
	From      *Environment // take the tags from these files, not from the registry
	To        string       // the name of the environment, for messages
	PinDigest bool         // write the digest beside the tag
	OnStale   OnStale      // default: Fail
	Publish   Publish      // default: Preview

	Message    *template.Template // of the commit, over MessageData; default: Report.Subject and the changes
	Provenance Provenance         // goes into the commit's trailers; default: nothing is known
}

// An Environment is the place that a promotion starts from.
type Environment struct {
	Name  string
	Files []string // globs
}

// A Runner has what a run needs from outside.
type Runner struct {
	Registry Registry
	Repo     Repo
	Forge    Forge // needed to Propose only

	// Log takes a line of talk for a person who waits; nil is silent.
	Log func(format string, args ...any)
	// Sleep waits between attempts; nil is a real sleep that the context ends.
	Sleep func(ctx context.Context, d time.Duration) error
}

// attempts is how often a lost race is run. Of fifty jobs at once on one branch
// the unluckiest lost 9 to 13 races (facts/git.md, §6), so that this many mean a
// branch that never stands still.
const attempts = 50

// Run brings req's images up to date and reports what it did. On an error the
// branch is as before, unless the error says that this is not known, and Report
// tells what was found out until then.
func (r Runner) Run(ctx context.Context, req Request) (Report, error) {
	if err := req.check(); err != nil {
		return Report{}, err
	}
	if r.Registry != nil {
		r.Registry = &cache{Registry: r.Registry}
	}
	report := Report{DryRun: req.Publish == Preview, Environment: req.To}
	tree, resolved, err := r.readAndResolve(ctx, req)
	report.Resolved = resolved
	if err != nil {
		return report, err
	}
	var slots delay.Slots
	for report.Attempts = 1; ; report.Attempts++ {
		start := time.Now()
		report.Outcome, err = r.attempt(ctx, req, tree, resolved)
		if req.From != nil {
			report.Resolved = report.Outcome.resolved()
		}
		if !errors.Is(err, ErrMoved) {
			return report, err
		}
		if report.Attempts == attempts {
			return report, fmt.Errorf("push to %s: %w (%d attempts)", tree.Branch(), ErrMoved, attempts)
		}
		wait := slots.Next(report.Attempts, time.Since(start))
		r.log("%s has moved, planning again on the new tip (attempt %d)", tree.Branch(), report.Attempts+1)
		if err := r.sleep(ctx, wait); err != nil {
			return report, err
		}
		if tree, err = r.Repo.Read(ctx, req.Branch, req.globs()); err != nil {
			return report, err
		}
	}
}

// readAndResolve asks the repository and the registry at the same time: neither
// needs the other's answer unless the tags come from the repository. With an
// error it returns what was resolved until then.
func (r Runner) readAndResolve(ctx context.Context, req Request) (Tree, []Resolved, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type read struct {
		tree Tree
		err  error
	}
	reading := make(chan read, 1)
	go func() {
		tree, err := r.Repo.Read(ctx, req.Branch, req.globs())
		reading <- read{tree, err}
	}()
	var resolved []Resolved
	var failed error
	if req.From == nil {
		if resolved, failed = r.resolveAll(ctx, req.required()); failed != nil {
			cancel()
		}
	}
	got := <-reading
	if failed != nil {
		return nil, resolved, failed
	}
	if got.err != nil || req.From != nil {
		return got.tree, resolved, got.err
	}
	present, err := r.present(req, got.tree)
	if err != nil {
		return nil, resolved, err
	}
	more, err := r.resolveAll(ctx, present)
	return got.tree, append(resolved, more...), err
}

// resolveParallel is how many images are resolved at the same time.
const resolveParallel = 8

// resolveAll resolves images side by side, and reports the first error in their
// order, whichever came first.
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
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// required returns the images that must be in the files.
func (req Request) required() []Image {
	return slices.DeleteFunc(slices.Clone(req.Images), func(img Image) bool { return img.Optional })
}

// present are the optional images that are in the files: the registry is not
// asked about the others.
func (r Runner) present(req Request, tree Tree) ([]Image, error) {
	var found []Image
	for _, img := range req.Images {
		if !img.Optional {
			continue
		}
		targets, err := r.targets(req.To, req.Files, req.Path, img, tree)
		if err != nil {
			return nil, err
		}
		if len(targets) == 0 {
			r.log("%s: not in the files%s, passed over", img.Repository, of(req.To))
			continue
		}
		found = append(found, img)
	}
	return found, nil
}

func of(environment string) string {
	if environment == "" {
		return ""
	}
	return " of " + environment
}

// attempt plans on tree and publishes. An error comes with what was found out
// and done until then.
func (r Runner) attempt(ctx context.Context, req Request, tree Tree, resolved []Resolved) (Outcome, error) {
	outcome := Outcome{Branch: tree.Branch(), Base: tree.Tip()}
	if req.From != nil {
		var err error
		if resolved, err = r.deployed(ctx, req, tree); err != nil {
			return outcome, err
		}
	}
	images, wants, err := r.wants(ctx, req, tree, resolved)
	outcome.Images = images
	if err != nil {
		return outcome, err
	}
	made, err := plan.Make(tree, wants)
	if err != nil {
		return outcome, err
	}
	outcome.Plan, outcome.Images = made, withPlan(images, made, wants)
	if made.Empty() {
		return outcome, nil
	}
	if outcome.Message, err = message(req, outcome); err != nil {
		return outcome, err
	}
	switch req.Publish {
	case Save:
		saved, err := r.Repo.Save(ctx, tree, Commit{Files: contents(made), Message: outcome.Message})
		outcome.State, outcome.Commit = saved.State, saved.Commit
		return outcome, err
	case Propose:
		return r.propose(ctx, req, tree, wants, outcome)
	}
	return outcome, nil
}

func (req Request) check() error {
	if len(req.Images) == 0 {
		return fmt.Errorf("no image is named: %w", ErrConflict)
	}
	if !req.Path.IsZero() && len(req.Images) > 1 {
		return fmt.Errorf("one path (%s) cannot hold %d images: %w", req.Path, len(req.Images), ErrConflict)
	}
	for _, img := range req.Images {
		switch {
		case img.Unverified && req.PinDigest && img.Digest == "":
			return fmt.Errorf("%s: a digest cannot be pinned without asking the registry: %w", img.Repository, ErrConflict)
		case img.Wait > 0 && img.Tag == "" && img.Revision == "":
			return fmt.Errorf("%s: only a tag or a revision that is known can be waited for: %w", img.Repository, ErrConflict)
		case img.Unverified && img.Revision != "":
			return fmt.Errorf("%s: the revision cannot be known without asking the registry: %w", img.Repository, ErrConflict)
		case img.NewestOf != 0 && (img.Policy == nil || !img.Policy.NeedsTimes()):
			return fmt.Errorf("%s: the newest %d are looked at with order newest only: %w", img.Repository, img.NewestOf, ErrConflict)
		case req.From == nil && img.Tag == "" && img.Policy == nil && img.Revision == "":
			return fmt.Errorf("%s: neither a tag nor a policy that chooses one: %w", img.Repository, ErrConflict)
		case req.From == nil && img.Unverified && img.Tag == "":
			return fmt.Errorf("%s: without a tag the registry must be asked: %w", img.Repository, ErrConflict)
		}
	}
	return nil
}

// globs are all files that the run looks into.
func (req Request) globs() []string {
	if req.From == nil || len(req.Files) == 0 {
		return req.Files
	}
	return append(append([]string(nil), req.Files...), req.From.Files...)
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

func (r Runner) log(format string, args ...any) {
	if r.Log != nil {
		r.Log(format, args...)
	}
}
