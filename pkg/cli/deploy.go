package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tagbump/tagbump/pkg/argocd"
	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/config"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/giturl"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/rollout"
	"github.com/tagbump/tagbump/pkg/safetext"
	"github.com/tagbump/tagbump/pkg/wire"
)

// A deployer asks Argo CD what becomes of the commits of one environment.
type deployer struct {
	waiter      argocd.Waiter
	environment string
	project     project
	origin      origin
	repo        bump.Repo
	within      time.Duration
	progress    *progressLines
	junit       string // the file of the report as a person named it, "" for none
	world       wire.World
}

// newDeployer opens Argo CD as an environment of the project file names it.
func newDeployer(w wire.World, f *waitFlags, p project, environment string, origin origin, repo bump.Repo, t talk) (*deployer, error) {
	configured := config.ArgoCD{}
	if named := p.Environments[environment].ArgoCD; named != nil {
		configured = *named
	}
	client, err := w.OpenArgoCD(f.argocd, configured.Server)
	if err != nil {
		return nil, err
	}
	if err := checkJUnit(w, f.junit); err != nil {
		return nil, err
	}
	d := &deployer{
		environment: environment, project: p, origin: origin, repo: repo, within: f.waitFor, progress: newProgressLines(t),
		junit: f.junit, world: w,
	}
	d.waiter = argocd.Waiter{
		Client: client, Project: configured.Project, Suspended: f.suspension(), Trigger: f.trigger(),
		Progress: d.progress.look, Warn: d.progress.warn,
	}
	for _, name := range configured.Applications {
		namespace, short, found := strings.Cut(name, "/")
		if !found {
			namespace, short = "", name
		}
		d.waiter.Named = append(d.waiter.Named, argocd.ID{Name: short, Namespace: namespace, Project: configured.Project})
	}
	if len(d.waiter.Named) == 0 && origin.address == "" {
		return nil, fault.New(fault.Usage, "which application runs the files is not known: the repository's address is needed to find it").
			WithHint("write it into the project file: environments.ENV.argocd.application, or repository")
	}
	return d, nil
}

// openDeployer opens Argo CD before anything is pushed, where it is to be asked.
func (j *job) openDeployer(ctx context.Context, req bump.Request) error {
	switch {
	case !j.flags.asks() || j.flags.dryRun:
		return nil
	case req.Publish == bump.Propose:
		return fault.Errorf(fault.Usage, "--wait and --refresh: %s has publish: pull-request for %s", j.project.file, req.To).
			WithHint("after the merge: tagbump wait --env %s", req.To)
	case j.place.Local && !j.flags.push:
		return fault.Errorf(fault.Usage, "--wait and --refresh: Argo CD does not see the files of %s before they are pushed", j.place.Where).
			WithHint("give --push, or --repo URL")
	}
	var err error
	j.deployer, err = newDeployer(j.world, &j.flags.waitFlags, j.project, req.To, j.origin(ctx), j.repo.Repo, j.printer.talk)
	return err
}

// An origin is the repository as Argo CD knows it.
type origin struct {
	address string // "" when it is not known
	branch  string // of a checkout's upstream; "" when the branch is told otherwise
	prefix  string // of the files in the repository, where a checkout's folder is below its root
}

// originOf returns the origin of the files in a place: of a checkout the upstream of its
// branch, though with the project file's address where that has one. The error says why a
// folder has no upstream; its origin then has the project file's address alone.
func originOf(ctx context.Context, place wire.Place, p project, repo bump.Repo) (origin, error) {
	checkout, isCheckout := repo.(wire.Checkout)
	if !isCheckout {
		return origin{address: place.Where}, nil
	}
	upstream, err := checkout.Upstream(ctx)
	o := origin{upstream.Address, upstream.Branch, upstream.Prefix}
	if isRemote(p.Repository) {
		o.address = p.Repository
	}
	if !isRemote(o.address) {
		o.address = ""
	}
	return o, err
}

// isRemote reports whether a text is the address of a repository on another machine, as
// Argo CD has it.
func isRemote(text string) bool {
	address, err := giturl.Parse(text)
	return err == nil && !address.IsLocal()
}

// origin returns the known part of the origin: a push has its own branch.
func (j *job) origin(ctx context.Context) origin {
	known, _ := originOf(ctx, j.place, j.project, j.repo.Repo)
	return known
}

// branchOr returns the branch as Argo CD knows it.
func (o origin) branchOr(branch string) string { return firstOf(o.branch, branch) }

// wait waits until the environment's applications run a push. An end of the time for
// it is an error of the kind fault.NotDeployed.
func (d *deployer) wait(ctx context.Context, push argocd.Push) (deployment, error) {
	start := time.Now()
	outOfTime := fault.Errorf(fault.NotDeployed, "%w after %s", argocd.ErrNotDeployed, d.within).
		WithHint("--wait DURATION allows more time")
	ctx, cancel := context.WithTimeoutCause(ctx, d.within, outOfTime)
	defer cancel()
	d.waiter.Contains = d.contains(push)
	stop := d.progress.begin(ctx)
	applications, err := d.waiter.Wait(ctx, push)
	stop()
	return deployment{commit: push.Commit, applications: applications, took: time.Since(start), err: err}, err
}

// lineage is how many commits behind a revision the pushed one is looked for.
const lineage = 1000

// contains tells whether a revision has the push in its history. The tip of the branch
// has it: pushes are not forced.
func (d *deployer) contains(push argocd.Push) func(context.Context, string) (bool, error) {
	return func(ctx context.Context, revision string) (bool, error) {
		if checkout, ok := d.repo.(wire.Checkout); ok {
			return checkout.Contains(ctx, revision, push.Commit)
		}
		tip, err := d.repo.Tip(ctx, push.Branch)
		if err != nil {
			return false, err
		}
		if tip == revision {
			return true, nil
		}
		commits, err := d.repo.Log(ctx, bump.Revision{Branch: push.Branch, Commit: revision}, nil, lineage)
		return slices.ContainsFunc(commits, func(c bump.CommitInfo) bool { return c.Hash == push.Commit }), err
	}
}

// pushIn finds what the files of an area say: the tip of their branch, and the tag of
// each image.
func (d *deployer) pushIn(ctx context.Context, runner bump.Runner, area bump.Area, images []bump.Image) (argocd.Push, error) {
	push := argocd.Push{Repository: d.origin.address}
	view, err := runner.View(ctx, []bump.Area{area})
	if err != nil {
		return push, err
	}
	tree := view.Tree(area)
	push.Branch, push.Commit = d.origin.branchOr(tree.Branch()), tree.Tip()
	if len(images) == 0 {
		for _, repository := range view.Repositories(area) {
			images = append(images, bump.Image{Repository: repository})
		}
	}
	for _, img := range images {
		targets, err := view.Find(area, img)
		if err != nil {
			return push, err
		}
		for _, target := range targets {
			push = withTarget(push, img.In(area.Name), target)
		}
	}
	err = d.checkPushed(ctx, tree, push.Files)
	push.Files = d.origin.inRepository(push.Files)
	return push, err
}

// checkPushed refuses files of a checkout whose changes the upstream does not have: Argo
// CD does not see them.
func (d *deployer) checkPushed(ctx context.Context, tree bump.Tree, files []string) error {
	if finisher, ok := d.repo.(bump.Finisher); ok {
		if commits := finisher.Unpushed(tree); len(commits) > 0 {
			return fault.Errorf(fault.Refused, "%.10s is not pushed yet, so Argo CD does not see it", commits[0].Hash).WithHint("git push first")
		}
	}
	if checker, ok := d.repo.(bump.Checker); ok {
		return checker.Check(ctx, tree, files)
	}
	return nil
}

// inRepository returns names of files as seen from the repository's root.
func (o origin) inRepository(files []string) []string {
	all := make([]string, len(files))
	for i, name := range files {
		all[i] = o.prefix + name
	}
	return all
}

// withTarget adds a place of an image to a push.
func withTarget(push argocd.Push, img bump.Image, target plan.Target) argocd.Push {
	if !slices.Contains(push.Files, target.File) {
		push.Files = append(push.Files, target.File)
	}
	wanted := rollout.Image{Repository: img.Repository, As: img.As, Tag: target.Current.Tag, Digest: target.Current.Digest}
	same := func(other rollout.Image) bool {
		return image.SameRepository(other.Repository, wanted.Repository) && other.Tag == wanted.Tag
	}
	if !slices.ContainsFunc(push.Images, same) {
		push.Images = append(push.Images, wanted)
	}
	return push
}

// pushOf is what a run has pushed, or found in place.
func (j *job) pushOf(ctx context.Context, d *deployer, req bump.Request, report bump.Report) (argocd.Push, error) {
	if !report.Changed() {
		return d.pushIn(ctx, j.runner, bump.Area{Name: req.To, Branch: req.Branch, Files: req.Files}, req.Images)
	}
	return d.pushed(req, report.Outcome), nil
}

// pushed returns the push of an outcome.
func (d *deployer) pushed(req bump.Request, outcome bump.Outcome) argocd.Push {
	push := argocd.Push{Repository: d.origin.address, Branch: d.origin.branchOr(outcome.Branch), Commit: outcome.Commit}
	for _, img := range outcome.Images {
		if img.State != bump.Changed && img.State != bump.Shared {
			continue
		}
		var as []string
		for _, asked := range req.Images {
			if asked.Repository == img.Repository {
				as = asked.As
			}
		}
		push.Images = append(push.Images, rollout.Image{Repository: img.Repository, As: as, Tag: img.Tag, Digest: img.Digest})
	}
	for _, change := range outcome.Changes() {
		if !slices.Contains(push.Files, change.Target.File) {
			push.Files = append(push.Files, change.Target.File)
		}
	}
	push.Files = d.origin.inRepository(push.Files)
	return push
}

// conclude prints the report, and asks Argo CD what becomes of the commit. With JSON
// the report is printed afterwards, with what Argo CD said.
func (j *job) conclude(ctx context.Context, req bump.Request, report bump.Report) error {
	waits := j.deployer != nil && !report.DryRun
	if !waits || j.flags.output != formatJSON {
		if err := j.printer.print(report); err != nil || !waits {
			return err
		}
	}
	deployment, err := j.deploy(ctx, req, report)
	j.flags.course.add(func(soFar *conclusion) { soFar.deployment = &deployment })
	err = j.deployer.writeJUnit(deployment, err)
	if j.flags.output != formatJSON {
		j.printer.printDeployment(deployment)
		return err
	}
	j.printer.deployment = &deployment
	if err != nil {
		j.printer.failure = err
		err = printedError{err}
	}
	return errors.Join(j.printer.print(report), err)
}

// A printedError is one that the JSON document on stdout has told already.
type printedError struct{ error }

func (e printedError) Unwrap() error { return e.error }

// deploy asks Argo CD what becomes of a report's commit.
func (j *job) deploy(ctx context.Context, req bump.Request, report bump.Report) (deployment, error) {
	if report.State == bump.Proposed {
		return deployment{}, fault.Errorf(fault.NotDeployed, "pull request #%d is not merged, so there is nothing to wait for", report.PullRequest.Number).
			WithHint("after the merge: tagbump wait --env %s", firstOf(req.To, "ENV"))
	}
	push, err := j.pushOf(ctx, j.deployer, req, report)
	if err != nil {
		return deployment{}, err
	}
	if j.flags.refreshOnly {
		return j.refresh(ctx, push)
	}
	made, err := j.wait(ctx, push)
	if fault.KindOf(err) != fault.NotDeployed || !j.flags.takesBack || report.State != bump.Pushed || !report.Changed() {
		return made, err
	}
	made.rollback, err = j.takeBack(ctx, req, report, err)
	return made, err
}

// wait is the last phase of a run.
func (j *job) wait(ctx context.Context, push argocd.Push) (deployment, error) {
	j.runner.Enter(bump.PhaseWait)
	return j.deployer.wait(ctx, push)
}

// refreshWithin is how long --refresh waits for an answer: Argo CD looks at the
// repository in any case, a few minutes later.
const refreshWithin = 20 * time.Second

// refresh tells Argo CD of a push. That it cannot be told is a warning: the change is
// in the repository, where Argo CD finds it.
func (j *job) refresh(ctx context.Context, push argocd.Push) (deployment, error) {
	ctx, cancel := context.WithTimeout(ctx, refreshWithin)
	defer cancel()
	ids, err := j.deployer.waiter.Refresh(ctx, push)
	if err != nil {
		j.printer.say("warning: Argo CD was not told: %v; it looks by itself within some minutes", err)
		return deployment{}, nil
	}
	for _, id := range ids {
		j.printer.say("%s: refreshed", id)
	}
	return deployment{}, nil
}

// takeBack commits the tags of before, waits for them, and returns the failure with
// what became of that.
func (j *job) takeBack(ctx context.Context, req bump.Request, report bump.Report, failure error) (*deployment, error) {
	j.printer.say("%v; going back to the tags of before", failure)
	back, err := req.Undo(report)
	if err != nil {
		return nil, fault.Errorf(fault.NotDeployed, "%w; not rolled back: %w", failure, err)
	}
	undone, err := j.runner.Run(ctx, back)
	if err != nil {
		return nil, fault.Errorf(fault.NotDeployed, "%w; not rolled back: %w", failure, err)
	}
	for _, change := range undone.Changes() {
		j.printer.say("%s", changeText(change))
	}
	push, err := j.pushOf(ctx, j.deployer, back, undone)
	if err != nil {
		return nil, err
	}
	made, err := j.wait(ctx, push)
	text := fmt.Sprintf("rolled back by %.10s", push.Commit)
	if err != nil {
		return &made, fault.Errorf(fault.NotDeployed, "%w; %s, which is not healthy either: %w", failure, text, err)
	}
	return &made, fault.Errorf(fault.NotDeployed, "%w; %s, healthy", failure, text)
}

// A deployment is what Argo CD said of a commit.
type deployment struct {
	commit       string
	applications []argocd.Application
	took         time.Duration
	err          error
	rollback     *deployment // of the commit that took it back; nil when none did
}

// state is the whole deployment's: the worst of its applications'.
func (d deployment) state() string {
	switch {
	case d.err != nil && fault.KindOf(d.err) == fault.NotDeployed:
		return rollout.Failed.String()
	case d.err != nil:
		return "unknown"
	case slices.ContainsFunc(d.applications, func(app argocd.Application) bool { return app.State == rollout.Superseded }):
		return rollout.Superseded.String()
	}
	return rollout.Done.String()
}

// printDeployment says for each application what it runs.
func (p printer) printDeployment(d deployment) {
	for _, app := range d.applications {
		if app.State == rollout.Done || app.State == rollout.Superseded {
			fmt.Fprintf(p.env.Stdout, "%s: %s: %s (%.1f s)\n", app.ID, app.State, app.Reason, d.took.Seconds())
		}
		if app.State == rollout.Untouched {
			p.say("note: %s: %s", app.ID, app.Reason)
		}
	}
}

// deploymentDoc is a deployment as --output json prints it.
type deploymentDoc struct {
	State        string           `json:"state"` // done, superseded, failed or unknown
	Commit       string           `json:"commit"`
	Seconds      float64          `json:"seconds"`
	Applications []applicationDoc `json:"applications"`
	Rollback     *deploymentDoc   `json:"rollback,omitempty"` // of the commit that took it back
}

type applicationDoc struct {
	Name     string        `json:"name"`
	State    rollout.State `json:"state"` // pending, done, superseded, failed or untouched
	Reason   string        `json:"reason"`
	By       string        `json:"by,omitempty"` // the tag that replaced the wanted one
	Revision string        `json:"revision"`
	Sync     string        `json:"sync"`
	Health   string        `json:"health"`
	Images   []string      `json:"images"`
}

func newDeploymentDoc(d *deployment) *deploymentDoc {
	if d == nil || d.commit == "" {
		return nil
	}
	doc := &deploymentDoc{
		State: d.state(), Commit: d.commit, Seconds: d.took.Round(10 * time.Millisecond).Seconds(),
		Applications: []applicationDoc{}, Rollback: newDeploymentDoc(d.rollback),
	}
	for _, app := range d.applications {
		images := app.Images
		if images == nil {
			images = []string{}
		}
		doc.Applications = append(doc.Applications, applicationDoc{
			app.ID.String(), app.State, safetext.Line(app.Reason), app.By, app.Revision, app.Sync, app.Health, images,
		})
	}
	return doc
}
