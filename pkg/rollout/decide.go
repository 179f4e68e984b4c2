package rollout

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tagbump/tagbump/pkg/safetext"
)

// The times of the rules.
const (
	// ErrorAfter is how much later a second refresh must have the same error, and how
	// long the spec of a child may stay as it is after its parent is done.
	ErrorAfter = 5 * time.Second
	// DegradedAfter is how long a synced application must stay Degraded: the health of
	// before the sync is still there for some seconds, also after it has Succeeded.
	DegradedAfter = 15 * time.Second
	// HydrationAfter is how long the source hydrator may have failed without trying again.
	HydrationAfter = 30 * time.Second
	// IdleAfter is how long an application may be OutOfSync without an operation.
	IdleAfter = 10 * time.Second
	// CrashAfter is how long a Pod with the new image may be Degraded.
	CrashAfter = 30 * time.Second
	// refusals is the number of repetitions after which a refused sync has failed.
	refusals = 2
)

// A State says what an application has made of a commit.
type State int

// The states; the zero value is that of an application that is on its way.
const (
	Pending    State = iota
	Done             // it runs the image, healthy
	Superseded       // it has settled on a later commit that replaced the image
	Failed           // it will not get there
	Untouched        // it has settled on the commit, which does not give it the image
)

// String is the state's name in JSON.
func (s State) String() string {
	return [...]string{"pending", "done", "superseded", "failed", "untouched"}[s]
}

// MarshalText returns the state's name.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Settled reports whether more waiting would not change the state.
func (s State) Settled() bool { return s != Pending }

// An Observation is one look at an application.
type Observation struct {
	At        time.Duration // since the wait began
	App       Application
	Refreshed bool // the answer was computed after a refresh that this look asked for

	// What a [Verdict] asks for, nil as long as it was not looked up.
	Tree     *Tree
	Windows  *Windows
	Rendered *[]string // the images in the manifests of the revision
}

// A Role says how an application gets the commit.
type Role int

// The roles.
const (
	// Direct applications have the repository as a source.
	Direct Role = iota
	// Child applications are made by another one: the commit changes their spec.
	Child
)

// Wanted is what an application should run.
type Wanted struct {
	Role       Role
	Repository string  // the address that was pushed to; "" means every source of the application
	Branch     string  // that was pushed to; "" when it is not known
	Commit     string  // its hash
	Images     []Image // that the commit sets
	// Contains tells of other revisions whether Commit is in their history. Those
	// that a [Verdict] asks for are to be added.
	Contains map[string]bool

	// Parent is what became of the application that makes a [Child].
	Parent State
	// Suspended is what a suspended application means.
	Suspended Suspension
	// Trigger says who begins a sync that Argo CD does not begin itself.
	Trigger Trigger
}

// A Suspension says what a paused rollout or Deployment means.
type Suspension int

// The meanings.
const (
	SuspendedWaits Suspension = iota // for a person, and so the waiter waits
	SuspendedIsDone
)

// A Trigger says who begins a sync.
type Trigger int

// The triggers.
const (
	SyncByArgoCD Trigger = iota // its automation, or a person elsewhere
	SyncByUs
)

// A Verdict is what one look says. A settled one may ask for what makes its reason
// clearer.
type Verdict struct {
	State  State
	Reason string // for a person; of a pending application what it waits for
	Hint   string // the next step, where one is known
	By     string // the tag that replaced the wanted one, where it is known
	Warn   string // a problem that is not certain yet: a Pod that cannot start
	Ask    Ask
}

// Ask is what the next decision needs. Whoever cannot find it out leaves it.
type Ask struct {
	Tree, Windows, Rendered bool
	Lineage                 []string // revisions of which it is not known whether they contain the commit
	Sync                    bool     // begin a sync, once for each revision
}

// A History is what earlier looks have seen and later ones decide on. The zero
// History is that of the first look.
type History struct {
	broken, unhydrated, idle, crashing, unchanged, degraded sighting

	refusal   string // of the sync that is repeated: "Retrying operation" replaces it for a while
	hydration string // when the hydration began that failed first
	pods      string // their text in the last look at the tree
}

// A sighting is when something was first seen, as long as it has been there since.
type sighting struct {
	what  string
	since time.Duration
}

// seen returns the sighting after a look that saw what; "" means that it saw nothing.
func (s sighting) seen(what string, at time.Duration) sighting {
	if what == "" || s.what != "" {
		s.what = what
		return s
	}
	return sighting{what, at}
}

func (s sighting) lasts(at, least time.Duration) bool { return s.what != "" && at-s.since >= least }

// Decide judges one look at an application by the earlier ones.
func Decide(now Observation, before History, wanted Wanted) (Verdict, History) {
	v := view{now, wanted, now.App}
	after := v.remember(before)
	for _, rule := range rules {
		if verdict := rule(v, after); verdict != nil {
			return v.complete(*verdict), after
		}
	}
	return v.complete(Verdict{Reason: after.latest(v)}), after
}

// latest says where an application is, with its Pods as of the last look at its tree: not
// every look has the tree.
func (h History) latest(v view) string {
	if h.crashing.what != "" {
		return h.crashing.what
	}
	return v.progress() + after(", ", h.pods)
}

// A rule returns a verdict, or nil where it has none.
type rule func(v view, h History) *Verdict

// rules in the order in which they are asked: the first that has a verdict is right.
var rules = []rule{broken, unhydrated, elsewhere, notYet, refused, crashing, idle, settled}

// A view is one look, as rules see it.
type view struct {
	Observation
	wanted Wanted
	app    Application
}

// remember adds a look to the history.
func (v view) remember(h History) History {
	if v.Refreshed {
		h.broken = h.broken.seen(v.app.brokenBy().Type, v.At)
	} else if v.app.brokenBy().Type == "" {
		h.broken = sighting{}
	}
	h = v.rememberHydration(h)
	op := v.app.Status.OperationState
	switch refusal := v.app.refusal(); {
	case refusal != "":
		h.refusal = refusal
	case op == nil || op.RetryCount == 0:
		h.refusal = ""
	}
	ours, _ := v.revision()
	isIdle := ours.contains() && v.app.isIdle()
	h.idle = h.idle.seen(wordIf(isIdle, "idle"), v.At)
	isDegraded := ours.contains() && v.isSettled() && v.app.Status.Health.Status == "Degraded"
	h.degraded = h.degraded.seen(wordIf(isDegraded, "degraded"), v.At)
	h.unchanged = h.unchanged.seen(wordIf(v.wanted.Role == Child && v.wanted.Parent == Done && !ours.contains(), "unchanged"), v.At)
	switch {
	case v.Tree != nil:
		pod, found := v.crashingPod()
		h.crashing = h.crashing.seen(wordIf(found && ours.contains(), pod.text()), v.At)
		h.pods = v.pods()
	case v.app.Status.Health.Status == "Healthy":
		h.pods = "" // of a rollout that is over
	}
	return h
}

// rememberHydration adds what a look says of the source hydrator. Each refresh begins a
// hydration anew, so that a failure is not over as long as one is on its way.
func (v view) rememberHydration(h History) History {
	current := v.app.Status.SourceHydrator.CurrentOperation
	if h.unhydrated.what != "" && current != nil && current.Phase == "Hydrating" {
		return h
	}
	isFirst := h.unhydrated.what == ""
	h.unhydrated = h.unhydrated.seen(v.app.unhydrated(), v.At)
	if isFirst && h.unhydrated.what != "" {
		h.hydration = current.StartedAt
	}
	return h
}

func wordIf(holds bool, word string) string {
	if holds {
		return word
	}
	return ""
}

// complete adds to a verdict what it asks for and tells.
func (v view) complete(verdict Verdict) Verdict {
	if verdict.State == Pending {
		_, unknown := v.revision()
		_, more := v.operationIsOurs()
		for _, revision := range append(unknown, more...) {
			if !slices.Contains(verdict.Ask.Lineage, revision) {
				verdict.Ask.Lineage = append(verdict.Ask.Lineage, revision)
			}
		}
		verdict.Ask.Tree = verdict.Ask.Tree || v.Tree == nil && v.Refreshed && v.app.Status.Health.Status != "Healthy"
	}
	verdict.Reason, verdict.Hint, verdict.Warn = line(verdict.Reason), line(verdict.Hint), line(verdict.Warn)
	return verdict
}

// line is a text of Argo CD's, or of a tool that it ran, fit for a log.
func line(s string) string { return safetext.Cut(strings.Join(safetext.Lines(s), "; "), 600) }

// broken fails an application that cannot be compared: a chart that does not render,
// or a repository that cannot be read.
func broken(v view, h History) *Verdict {
	condition := v.app.brokenBy()
	reason := fmt.Sprintf("%s: %s", condition.Type, condition.Message)
	switch {
	case condition.Type == "":
		return nil
	case v.Refreshed && h.broken.lasts(v.At, ErrorAfter):
		return &Verdict{State: Failed, Reason: reason}
	}
	return &Verdict{Reason: reason, Warn: reason + " (failed if the next look still has it)"}
}

// brokenBy returns the condition by which an application cannot be compared; the zero
// Condition when it can. A SyncError is judged by its operation.
func (app Application) brokenBy() Condition {
	for _, condition := range app.Status.Conditions {
		if strings.HasSuffix(condition.Type, "Error") && condition.Type != "SyncError" {
			return condition
		}
	}
	return Condition{}
}

// unhydrated fails an application whose source hydrator fails, which no condition says.
// The second failure counts, or one that is not tried again.
func unhydrated(v view, h History) *Verdict {
	if ours, _ := v.revision(); ours.contains() || h.unhydrated.what == "" {
		return nil // a failure after ours was hydrated is of a later commit
	}
	reason := "the source hydrator: " + h.unhydrated.what
	if v.app.unhydrated() == "" {
		return &Verdict{Reason: reason} // it tries again
	}
	isSecond := v.app.Status.SourceHydrator.CurrentOperation.StartedAt != h.hydration && h.unhydrated.lasts(v.At, ErrorAfter)
	if isSecond || h.unhydrated.lasts(v.At, HydrationAfter) {
		return &Verdict{State: Failed, Reason: reason}
	}
	return &Verdict{Reason: reason, Warn: reason + " (failed if the next look still has it)"}
}

func (app Application) unhydrated() string {
	current := app.Status.SourceHydrator.CurrentOperation
	if app.Spec.SourceHydrator == nil || current == nil || current.Phase != "Failed" {
		return ""
	}
	return current.Message
}

// elsewhere fails an application that follows another branch, a tag or a commit.
func elsewhere(v view, _ History) *Verdict {
	ours, _ := v.revision()
	followed := v.wanted.followed(v.app.Spec)
	if ours.contains() || v.wanted.Role == Child || len(followed.sources) == 0 || followed.any() {
		return nil
	}
	target := v.app.Spec.AllSources()[followed.sources[0]].TargetRevision
	return &Verdict{
		State: Failed, Reason: fmt.Sprintf("follows %q, and the commit is on %s", target, v.wanted.Branch),
		Hint: "does the environment name the right branch and application?",
	}
}

// notYet waits for Argo CD to compare the commit.
func notYet(v view, h History) *Verdict {
	ours, _ := v.revision()
	switch {
	case ours.contains():
		return nil
	case v.wanted.Role == Child && v.wanted.Parent == Superseded:
		return &Verdict{State: Superseded, Reason: "a later commit replaced the tag in its spec", By: v.app.tagInSpec(v.wanted)}
	case v.wanted.Role == Child && !v.app.specHas(v.wanted) && h.unchanged.lasts(v.At, ErrorAfter):
		return &Verdict{State: Untouched, Reason: "its spec does not have the new tag"}
	case v.wanted.Role == Child:
		return &Verdict{Reason: "waiting for its spec to change"}
	}
	reason := fmt.Sprintf("waiting for %.7s, it is at %s", v.wanted.Commit, short(v.revisionsText()))
	if op := v.app.Status.OperationState; op != nil && op.RetryCount > 0 && op.Phase == "Running" {
		reason += fmt.Sprintf(", whose sync is refused and repeated: %s", op.Message)
	}
	return &Verdict{Reason: reason}
}

// refused fails an application whose sync of the commit failed, or is refused again
// and again.
func refused(v view, h History) *Verdict {
	op := v.app.Status.OperationState
	if op == nil {
		return nil
	}
	ours, _ := v.operationIsOurs()
	reason := firstOf(h.refusal, op.Message)
	failed := (op.Phase == "Failed" || op.Phase == "Error") && v.app.Operation == nil
	repeated := op.Phase == "Running" && op.RetryCount >= refusals
	switch {
	case ours && (failed || repeated):
		return &Verdict{State: Failed, Reason: "the sync was refused: " + reason}
	case ours && op.Phase == "Running" && op.RetryCount > 0:
		return &Verdict{Reason: "the sync is refused and repeated: " + reason, Warn: "the sync is refused and repeated: " + reason}
	case !ours && op.Phase == "Running" && op.RetryCount > 0:
		return &Verdict{Reason: fmt.Sprintf("an older sync (%s) is refused and repeated, and the commit waits behind it: %s", short(op.revisionsText()), reason)}
	}
	return nil
}

// refusal returns the message of the first refused object, or "".
func (app Application) refusal() string {
	op := app.Status.OperationState
	if op == nil || op.SyncResult == nil {
		return ""
	}
	for _, part := range op.SyncResult.Resources {
		if part.Status == "SyncFailed" && part.Message != "" {
			return fmt.Sprintf("%s %s: %s", part.Kind, part.Name, withoutFile(part.Message))
		}
	}
	return ""
}

// withoutFile takes out the file in which Argo CD had the object, another one each time:
// error when patching "/dev/shm/1797944333": Service "web" is invalid.
func withoutFile(message string) string {
	doing, rest, found := strings.Cut(message, ` "/dev/shm/`)
	_, why, isFile := strings.Cut(rest, `": `)
	if !found || !isFile {
		return message
	}
	return doing + ": " + why
}

// crashing fails an application with a Pod of the new image that does not start. The
// application itself says so only after the deadline of the rollout.
func crashing(v view, h History) *Verdict {
	if v.Tree == nil {
		return nil
	}
	pod, found := v.crashingPod()
	if !found || h.degraded.lasts(v.At, DegradedAfter) {
		return nil
	}
	reason := pod.text()
	if h.crashing.lasts(v.At, CrashAfter) {
		return &Verdict{State: Failed, Reason: reason}
	}
	return &Verdict{Reason: reason, Warn: reason}
}

// idle fails an application that differs from the commit while nobody syncs it.
func idle(v view, h History) *Verdict {
	if !v.app.isIdle() {
		return nil
	}
	automated, lasting := v.app.Spec.Automated(), h.idle.lasts(v.At, IdleAfter)
	if v.wanted.Trigger == SyncByUs && (!automated || lasting) {
		return &Verdict{Reason: "asking for a sync", Ask: Ask{Sync: true, Windows: v.Windows == nil}}
	}
	if !lasting {
		return &Verdict{Reason: v.progress()}
	}
	if v.Windows != nil {
		if window, blocks := v.Windows.blocking(); blocks {
			return &Verdict{State: Failed, Reason: "OutOfSync, and nobody will sync it: " + window.text(), Hint: "the commit is in the repository; Argo CD syncs it when the window permits"}
		}
	}
	if !automated {
		return &Verdict{
			State: Failed, Reason: "OutOfSync, and nobody will sync it: the application has no automated sync",
			Hint: "--sync asks for a sync, or: argocd app sync " + v.app.Metadata.Name,
		}
	}
	return &Verdict{Reason: v.progress(), Ask: Ask{Windows: v.Windows == nil}}
}

func (w Window) text() string {
	if w.Kind == "" {
		return "a sync window denies it"
	}
	return fmt.Sprintf("the sync window (%s %s for %s) denies it", w.Kind, w.Schedule, w.Duration)
}

// isIdle reports whether the application differs and no operation is on its way.
func (app Application) isIdle() bool {
	op := app.Status.OperationState
	running := op != nil && (op.Phase == "Running" || op.Phase == "Terminating")
	return app.Status.Sync.Status == "OutOfSync" && app.Operation == nil && !running
}

// settled judges an application that has nothing left to do.
func settled(v view, h History) *Verdict {
	if !v.isSettled() {
		return nil
	}
	switch health := v.app.Status.Health; health.Status {
	case "Degraded":
		verdict := &Verdict{Reason: "Degraded: " + v.degradedText(), Ask: Ask{Tree: v.Tree == nil}}
		if h.degraded.lasts(v.At, DegradedAfter) {
			verdict.State = Failed
		}
		return verdict
	case "Healthy":
		return v.byImages()
	case "Suspended":
		if v.wanted.Suspended == SuspendedIsDone {
			return v.byImages()
		}
		return &Verdict{Reason: "Suspended: " + v.app.resourcesIn("Suspended") + " waits to be resumed"}
	}
	return nil
}

// isSettled reports whether the cluster has what the revision says and nothing is on
// its way. The last operation must have Succeeded; one of another revision that did
// not is past: where a commit reverts a refused one, nothing is left to sync,
// and the old failure stays in the status.
func (v view) isSettled() bool {
	if v.app.Status.Sync.Status != "Synced" || v.app.Operation != nil {
		return false
	}
	op := v.app.Status.OperationState
	if op == nil || op.Phase == "Succeeded" {
		return true
	}
	ours, unknown := v.operationIsOurs()
	return (op.Phase == "Failed" || op.Phase == "Error") && !ours && len(unknown) == 0
}

// degradedText names the degraded Pod where it is known, else the degraded objects.
func (v view) degradedText() string {
	if v.Tree != nil {
		if pod, found := v.crashingPod(); found {
			return pod.text()
		}
	}
	if text := v.app.resourcesIn("Degraded"); text != "" {
		return text
	}
	return v.app.Status.Health.Message
}

// resourcesIn names the objects that have a health, and what they say.
func (app Application) resourcesIn(health string) string {
	var all []string
	for _, resource := range app.Status.Resources {
		if resource.Health.Status != health {
			continue
		}
		text := resource.Kind + " " + resource.Name
		if resource.Health.Message != "" {
			text += ": " + resource.Health.Message
		}
		all = append(all, text)
	}
	return strings.Join(all, "; ")
}

// progress says in a few words where an application is.
func (v view) progress() string {
	status := v.app.Status
	parts := []string{firstOf(status.Sync.Status, "not compared")}
	switch op := status.OperationState; {
	case v.app.Operation != nil && (op == nil || op.Phase != "Running"):
		parts = append(parts, "sync begins")
	case op != nil && op.Phase == "Running":
		parts = append(parts, "syncing"+after(": ", op.Message))
	}
	if status.Health.Status != "" {
		parts = append(parts, status.Health.Status)
	}
	if v.app.isIdle() && v.app.Spec.Automated() {
		parts = append(parts, "waiting for a sync")
	}
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ", ")
}

// Summary says in a few words where an application is, without a judgement.
func Summary(app Application) string { return line(view{app: app}.progress()) }

func after(separator, text string) string {
	if text == "" {
		return ""
	}
	return separator + text
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}
