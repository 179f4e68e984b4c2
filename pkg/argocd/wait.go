package argocd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/internal/delay"
	"github.com/tagbump/tagbump/pkg/rollout"
)

// How often a [Waiter] looks.
const (
	lookPause    = time.Second     // between two looks
	refreshPause = 5 * time.Second // between two that refresh
	// unreachableFor is how long an Argo CD may be out of reach while it is waited for.
	unreachableFor = 60 * time.Second
	maxDepth       = 4 // of applications that make applications
)

// A Push is a pushed commit, with the images that the cluster should run then.
type Push struct {
	Repository string // its address
	Branch     string
	Commit     string
	Images     []rollout.Image
	Files      []string // that the commit changed, or that have the images
}

// A Waiter waits until applications run a push.
type Waiter struct {
	Client *Client
	// Named are the applications to wait for. Default: those that render one of the
	// push's files, found by repository, branch and path.
	Named   []ID
	Project string // of the applications; "" is any

	Suspended rollout.Suspension
	Trigger   rollout.Trigger
	// Contains tells whether the history of a revision has the push's commit.
	Contains func(ctx context.Context, revision string) (bool, error)
	// Progress is told of each look at an application, Warn of what a person should
	// know before it is certain. Default: nobody is told.
	Progress, Warn func(application, text string)

	now   func() time.Duration // since the wait began
	sleep func(context.Context, time.Duration) error
}

// An Application is what a wait knows of one application.
type Application struct {
	ID       ID
	State    rollout.State
	Reason   string
	Hint     string
	By       string // the tag that replaced the wanted one
	Revision string
	Sync     string
	Health   string
	Images   []string // of its Pods
}

// ErrNotDeployed is in the chain of the error of a wait that ends without success.
var ErrNotDeployed = fault.New(fault.NotDeployed, "not deployed")

// tracked is an application that is waited for.
type tracked struct {
	Application
	app        rollout.Application
	wanted     rollout.Wanted
	history    rollout.History
	found      bool     // not named by a person
	parent     *tracked // of a child
	refreshed  time.Duration
	everSeen   bool
	unanswered string          // why the last refresh did not tell anything; "" when it did
	synced     map[string]bool // revisions for which a sync was asked
	warned     map[string]bool
	depth      int
	children   map[string]bool // names that were looked at
}

// A wait is one run of a Waiter.
type wait struct {
	Waiter
	push     Push
	contains map[string]bool
	failed   map[string]int // how often it could not be found out whether a revision contains the commit
	all      []*tracked
	list     []rollout.Application // nil as long as it was not read
	lostAt   time.Duration         // when Argo CD was reached last
}

// Wait waits until every application runs the push, or one will not. The error says
// why, and wraps [ErrNotDeployed], also when ctx ends before. The
// applications come back in any case, as far as they are known.
func (w Waiter) Wait(ctx context.Context, push Push) ([]Application, error) {
	run := &wait{Waiter: w.withDefaults(), push: push, contains: map[string]bool{}, failed: map[string]int{}}
	if err := run.begin(ctx); err != nil {
		return nil, err
	}
	for {
		err := run.look(ctx)
		switch {
		case ctx.Err() != nil:
			return run.report(), run.outOfTime(ctx)
		case err != nil:
			return run.report(), err
		}
		if done, err := run.verdict(); done {
			return run.report(), err
		}
		if run.sleep(ctx, lookPause) != nil {
			return run.report(), run.outOfTime(ctx)
		}
	}
}

func (w Waiter) withDefaults() Waiter {
	silent := func(string, string) {}
	if w.Progress == nil {
		w.Progress = silent
	}
	if w.Warn == nil {
		w.Warn = silent
	}
	if w.now == nil {
		start := time.Now()
		w.now = func() time.Duration { return time.Since(start) }
	}
	if w.sleep == nil {
		w.sleep = delay.For
	}
	return w
}

// begin finds the applications.
func (w *wait) begin(ctx context.Context) error {
	for _, id := range w.Named {
		w.all = append(w.all, w.track(id, nil))
	}
	if len(w.Named) > 0 {
		return nil
	}
	ids, err := w.Client.Find(ctx, w.push, w.Project)
	for _, id := range ids {
		app := w.track(id, nil)
		app.found = true
		w.all = append(w.all, app)
	}
	return err
}

// Find returns the applications that render one of the push's files, else those of
// the repository and branch that have one of its images.
func (c *Client) Find(ctx context.Context, push Push, project string) ([]ID, error) {
	list, err := c.Applications(ctx)
	if err != nil {
		return nil, err
	}
	var including, having []ID
	for _, app := range list {
		if project != "" && app.Spec.Project != project {
			continue
		}
		id := idOf(app)
		switch use := rollout.UseOf(app, push.Repository, push.Branch, push.Files); {
		case use == rollout.Includes:
			including = append(including, id)
		case use == rollout.Follows && app.Mentions(push.Images):
			having = append(having, id)
		}
	}
	switch {
	case len(including) > 0:
		return including, nil
	case len(having) > 0:
		return having, nil
	}
	return nil, fault.Errorf(fault.NotFound, "%s: none of its %d applications that the token may see has %s of %s", c.Host(), len(list), orFiles(push.Files), push.Repository).
		WithHint("name it in the project file, environments.ENV.argocd.application, or check the token's project")
}

// idOf names an application. Argo CD's own namespace, usually argocd, is left out.
func idOf(app rollout.Application) ID {
	id := ID{Name: app.Metadata.Name, Namespace: app.Metadata.Namespace, Project: app.Spec.Project}
	if id.Namespace == firstOf(app.Status.ControllerNamespace, "argocd") {
		id.Namespace = ""
	}
	return id
}

func orFiles(names []string) string {
	if len(names) == 0 {
		return "a file"
	}
	return strings.Join(names, ", ")
}

func (w *wait) track(id ID, parent *tracked) *tracked {
	t := &tracked{
		Application: Application{ID: id}, parent: parent, synced: map[string]bool{}, warned: map[string]bool{}, children: map[string]bool{},
		wanted: rollout.Wanted{
			Repository: w.push.Repository, Branch: w.push.Branch, Commit: w.push.Commit, Images: w.push.Images,
			Contains: w.contains, Suspended: w.Suspended, Trigger: w.Trigger,
		},
	}
	if parent != nil {
		t.wanted.Role, t.found, t.depth = rollout.Child, true, parent.depth+1
	}
	return t
}

// look looks at each application that has not settled, also at those that a look
// finds. One that Argo CD does not answer for is left for the next round.
func (w *wait) look(ctx context.Context) error {
	for i := 0; i < len(w.all); i++ {
		t := w.all[i]
		if t.State.Settled() {
			continue
		}
		err := w.lookAt(ctx, t)
		switch {
		case err == nil:
			w.lostAt = w.now()
		case !isOutOfReach(err) || ctx.Err() != nil:
			return err
		case w.now()-w.lostAt >= unreachableFor:
			return err
		default:
			w.warn(t, err.Error())
		}
	}
	return nil
}

// lookAt looks at one application, and decides.
func (w *wait) lookAt(ctx context.Context, t *tracked) error {
	at := w.now()
	now := rollout.Observation{}
	var err error
	if !t.everSeen || at-t.refreshed >= refreshPause {
		now.App, now.Refreshed, err = w.refresh(ctx, t)
		t.refreshed = w.now() // it takes its time
	} else {
		now.App, err = w.Client.Application(ctx, t.ID)
	}
	if err != nil {
		return err
	}
	now.At, t.everSeen = w.now(), true
	t.app = now.App
	w.takeRole(t)
	if err := w.decide(ctx, t, now); err != nil {
		return err
	}
	w.Progress(t.ID.String(), t.Reason)
	return w.adopt(ctx, t)
}

// refresh refreshes an application. A controller with much to do takes longer than a
// request may; that it was asked counts, and the application is looked at as it is.
func (w *wait) refresh(ctx context.Context, t *tracked) (app rollout.Application, refreshed bool, err error) {
	app, err = w.Client.Refresh(ctx, t.ID)
	if err == nil || !isOutOfReach(err) || ctx.Err() != nil {
		t.unanswered = ""
		return app, err == nil, err
	}
	app, plain := w.Client.Application(ctx, t.ID)
	if plain != nil {
		return app, false, err
	}
	t.unanswered = "Argo CD answers, but does not refresh: is its application controller busy, or does it not run?"
	w.warn(t, err.Error()+"; "+t.unanswered)
	return app, false, nil
}

// takeRole makes a child of a named application that does not have the repository.
func (w *wait) takeRole(t *tracked) {
	if t.parent != nil {
		t.wanted.Parent = t.parent.State
		return
	}
	if !t.found && w.push.Repository != "" && !rollout.HasRepository(t.app, w.push.Repository) {
		t.wanted.Role = rollout.Child
	}
}

// decide decides, and again with what the decision asks for.
func (w *wait) decide(ctx context.Context, t *tracked, now rollout.Observation) error {
	var verdict rollout.Verdict
	history := t.history
	for range 5 { // a decision may ask for one thing after the other
		verdict, history = rollout.Decide(now, t.history, t.wanted)
		asked, err := w.answer(ctx, t, &now, verdict.Ask)
		if err != nil {
			return err
		}
		if !asked {
			break
		}
	}
	t.history = history
	t.State, t.Reason, t.Hint, t.By = verdict.State, verdict.Reason, verdict.Hint, verdict.By
	if t.State == rollout.Pending && t.unanswered != "" {
		t.Reason += " (" + t.unanswered + ")"
	}
	status := t.app.Status
	t.Revision, t.Sync, t.Health, t.Images = status.Sync.Revision, status.Sync.Status, status.Health.Status, status.Summary.Images
	if len(status.Sync.Revisions) > 0 {
		t.Revision = strings.Join(status.Sync.Revisions, ",")
	}
	if verdict.Warn != "" {
		w.warn(t, verdict.Warn)
	}
	return nil
}

func (w *wait) warn(t *tracked, text string) {
	if !t.warned[text] {
		t.warned[text] = true
		w.Warn(t.ID.String(), text)
	}
}

// answer looks up what a decision asks for, and reports whether it learned anything.
// What the token may not see is left out: the decision goes without it.
func (w *wait) answer(ctx context.Context, t *tracked, now *rollout.Observation, ask rollout.Ask) (learned bool, err error) {
	for _, revision := range ask.Lineage {
		if w.Contains == nil || w.failed[revision] >= tries {
			continue
		}
		contains, err := w.Contains(ctx, revision)
		if err != nil {
			w.failed[revision]++
			w.warn(t, fmt.Sprintf("whether %.7s has the commit is not known: %v", revision, err))
			continue
		}
		w.contains[revision], learned = contains, true
	}
	if ask.Tree && now.Tree == nil {
		tree, err := w.Client.Tree(ctx, t.ID)
		if learned = true; err != nil {
			w.warn(t, err.Error())
		}
		now.Tree = &tree
	}
	if ask.Windows && now.Windows == nil {
		windows, err := w.Client.Windows(ctx, t.ID)
		if learned = true; err != nil {
			w.warn(t, err.Error())
			windows = rollout.Windows{CanSync: true}
		}
		now.Windows = &windows
	}
	if ask.Rendered && now.Rendered == nil {
		learned, now.Rendered = true, w.rendered(ctx, t)
	}
	if ask.Sync {
		return learned, w.sync(ctx, t)
	}
	return learned, nil
}

// rendered returns the images in the manifests of the revision that the application
// has; none where they cannot be read.
func (w *wait) rendered(ctx context.Context, t *tracked) *[]string {
	at := Revisions{0: t.app.Status.Sync.Revision}
	for i, revision := range t.app.Status.Sync.Revisions {
		at[i] = revision
	}
	var images []string
	texts, err := w.Client.Manifests(ctx, t.ID, t.app, at)
	if err != nil {
		w.warn(t, err.Error())
		return &images
	}
	var manifests []any
	for _, text := range texts {
		var manifest any
		if json.Unmarshal([]byte(text), &manifest) == nil {
			manifests = append(manifests, manifest)
		}
	}
	images = rollout.ImagesIn(manifests)
	return &images
}

// sync asks for a sync, once for each revision.
func (w *wait) sync(ctx context.Context, t *tracked) error {
	revision := t.app.Status.Sync.Revision + strings.Join(t.app.Status.Sync.Revisions, ",")
	if t.synced[revision] {
		return nil
	}
	t.synced[revision] = true
	err := w.Client.Sync(ctx, t.ID)
	if err == nil {
		w.Progress(t.ID.String(), "asked for a sync")
		return nil
	}
	if kind := fault.KindOf(err); kind == fault.Failed { // HTTP 400: another operation is in progress
		w.warn(t, err.Error())
		return nil
	}
	return err
}

// adopt also waits for the applications that an application makes and that have to do
// with the images.
func (w *wait) adopt(ctx context.Context, parent *tracked) error {
	children, sets := rollout.Children(parent.app)
	if parent.depth >= maxDepth || len(w.push.Images) == 0 {
		return nil
	}
	for _, child := range children {
		id := ID{Name: child.Name, Namespace: child.Namespace}
		if parent.children[id.Name] || w.isTracked(id) {
			continue
		}
		app, err := w.Client.Application(ctx, id)
		if err != nil {
			w.warn(parent, err.Error())
			continue
		}
		parent.children[id.Name] = true
		w.adoptOne(idOf(app), app, parent)
	}
	return w.adoptGenerated(ctx, sets, parent)
}

func (w *wait) adoptOne(id ID, app rollout.Application, parent *tracked) {
	grandchildren, sets := rollout.Children(app)
	if app.Mentions(w.push.Images) || len(grandchildren)+len(sets) > 0 {
		w.all = append(w.all, w.track(id, parent))
	}
}

// adoptGenerated adopts the applications of ApplicationSets, which only the list tells.
func (w *wait) adoptGenerated(ctx context.Context, sets []string, parent *tracked) error {
	if len(sets) == 0 {
		return nil
	}
	if w.list == nil {
		list, err := w.Client.Applications(ctx)
		if err != nil {
			return err
		}
		w.list = list
	}
	for _, app := range w.list {
		id := idOf(app)
		if app.MadeBy(sets) && !w.isTracked(id) && !parent.children[id.Name] {
			parent.children[id.Name] = true
			w.adoptOne(id, app, parent)
		}
	}
	return nil
}

func (w *wait) isTracked(id ID) bool {
	return slices.ContainsFunc(w.all, func(t *tracked) bool {
		return t.ID.Name == id.Name && (t.ID.Namespace == id.Namespace || t.ID.Namespace == "" || id.Namespace == "")
	})
}

// verdict reports whether the wait is over, and the error of one that failed.
func (w *wait) verdict() (done bool, err error) {
	done = true
	reached := false
	var untouched []*tracked
	for _, t := range w.all {
		switch t.State {
		case rollout.Failed:
			return true, notDeployed(t)
		case rollout.Untouched:
			untouched = append(untouched, t)
		case rollout.Pending:
			done = false
		default:
			reached = true
		}
	}
	if !done {
		return false, nil
	}
	for _, t := range untouched {
		if !t.found || !reached {
			return true, notDeployed(t)
		}
	}
	return true, nil
}

func notDeployed(t *tracked) error {
	err := fault.Errorf(fault.NotDeployed, "%s: %w: %s", t.ID, ErrNotDeployed, t.Reason)
	if t.Hint == "" {
		return err
	}
	return err.WithHint("%s", t.Hint)
}

// outOfTime names the last state that was waited for. An end from outside stays as it
// is.
func (w *wait) outOfTime(ctx context.Context) error {
	cause := context.Cause(ctx)
	var waiting []string
	for _, t := range w.all {
		if !t.State.Settled() {
			waiting = append(waiting, fmt.Sprintf("%s: %s", t.ID, firstOf(t.Reason, "Argo CD did not answer")))
		}
	}
	if len(waiting) == 0 || !errors.Is(cause, ErrNotDeployed) {
		return cause
	}
	return fmt.Errorf("%w: %s", cause, strings.Join(waiting, "; "))
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

func (w *wait) report() []Application {
	all := make([]Application, len(w.all))
	for i, t := range w.all {
		all[i] = t.Application
	}
	return all
}

// Refresh asks for a look at the repository by each application of the push, and does
// not wait for what becomes of it. It returns their names.
func (w Waiter) Refresh(ctx context.Context, push Push) ([]ID, error) {
	ids := w.Named
	if len(ids) == 0 {
		var err error
		if ids, err = w.Client.Find(ctx, push, w.Project); err != nil {
			return nil, err
		}
	}
	for _, id := range ids {
		if _, err := w.Client.Refresh(ctx, id); err != nil {
			return ids, err
		}
	}
	return ids, nil
}

// A State is how well the applications of an environment run, for a person.
type State struct {
	ID       ID
	Sync     string // Synced, OutOfSync or Unknown
	Health   string // Healthy, Progressing, Degraded, …
	Images   []string
	Revision string
	Summary  string // all of it in a few words
}

// IsHealthy reports whether the application runs what its revision says, healthy.
func (s State) IsHealthy() bool { return s.Sync == "Synced" && s.Health == "Healthy" }

// States returns how well applications run: the named ones, else those of the push.
// It refreshes nothing.
func (w Waiter) States(ctx context.Context, push Push) ([]State, error) {
	ids := w.Named
	if len(ids) == 0 {
		var err error
		if ids, err = w.Client.Find(ctx, push, w.Project); err != nil {
			return nil, err
		}
	}
	states := make([]State, len(ids))
	for i, id := range ids {
		app, err := w.Client.Application(ctx, id)
		if err != nil {
			return nil, err
		}
		states[i] = State{
			ID: id, Sync: app.Status.Sync.Status, Health: app.Status.Health.Status, Images: app.Status.Summary.Images,
			Revision: app.Status.Sync.Revision, Summary: rollout.Summary(app),
		}
	}
	return states, nil
}
