package rollout

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func read[T any](t testing.TB, name string) T {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var value T
	if err := json.Unmarshal(src, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// recorded is the registry of the recorded applications.
const recorded = "127.0.0.1:27411/haoict/send2ereader"

func tagged(tags ...string) []Image {
	var all []Image
	for _, tag := range tags {
		all = append(all, Image{Repository: recorded, Tag: tag})
	}
	return all
}

// TestRecordedApplications judges whole answers.
func TestRecordedApplications(t *testing.T) {
	const other = "0000000000000000000000000000000000000001"
	for _, test := range []struct {
		file   string
		wanted Wanted
		want   string // state: reason
	}{
		{"3.6/app-kustomize", Wanted{Images: tagged("master-202406151230")}, "done: Synced, Healthy, runs " + recorded + ":master-202406151230"},
		{"3.6/app-bad-image", Wanted{Commit: "66c8333891d30196c1724d9c0c18dc7bfd389076", Images: tagged("bad-1")}, `pending: Degraded: Deployment send2ereader: Deployment "send2ereader" exceeded its progress deadline`},
		{"3.6/app-bad-image", Wanted{Commit: other, Images: tagged("bad-1")}, "pending: waiting for 0000000, it is at 66c8333"},
		{"3.6/app-chart-broken", Wanted{Commit: other, Images: tagged("x")}, "pending: ComparisonError: Failed to load target state:"},
		{"3.6/app-git-unreachable", Wanted{Commit: other, Images: tagged("x")}, "pending: ComparisonError: Failed to load target state:"},
		{"3.6/app-sync-refused", Wanted{Commit: other, Images: tagged("x")}, "pending: waiting for 0000000, it is at 2c82dc7"},
		{"3.6/app-multi-source-full", Wanted{Commit: "3abd5381e28dc050fb4c5014b4ac444fa7cea8d0", Repository: "http://127.0.0.1:27410/gitops", Branch: "main", Images: tagged("master-202406151230")}, "done"},
		{"3.6/app-multi-source-full", Wanted{Commit: "66d5771e68da12c5add038b6a8091ed29b5f1fe8", Repository: "http://127.0.0.1:27410/gitops", Branch: "main", Images: tagged("master-202406151230")}, "pending: waiting for 66d5771, it is at 3abd538"},
		{"3.6/app-multi-source-full", Wanted{Commit: "66d5771e68da12c5add038b6a8091ed29b5f1fe8", Repository: "http://127.0.0.1:27410/charts.git", Branch: "main", Images: tagged("master-202406151230")}, "done"},
		{"3.6/app-of-apps-child", Wanted{Role: Child, Commit: other, Images: tagged("master-202406151230")}, "done"},
		{"3.6/app-of-apps-child", Wanted{Role: Child, Commit: other, Images: tagged("master-202406151242")}, "pending: waiting for its spec to change"},
		{"3.6/app-of-apps-child", Wanted{Role: Child, Commit: other, Images: tagged("master-202406151242"), Parent: Superseded}, "superseded: a later commit replaced the tag in its spec"},
		{"3.6/app-of-apps-child", Wanted{Role: Child, Commit: other, Images: tagged("master-202406151242"), Parent: Done}, "pending: waiting for its spec to change"},
		{"3.6/app-chart-from-helm-repo", Wanted{Role: Child, Commit: other, Images: tagged("master-202406151230")}, "done"},
		{"3.6/app-hydrated", Wanted{Commit: "2efa6ef64f2038f9b365e0c6db0cd5841c87ba76", Images: tagged("master-202406151245")}, "done"},
		{"3.6/app-hydrated", Wanted{Commit: "72e2e09654eca6bb34f65e4c61cafed9e75b0cdf", Images: tagged("master-202406151245")}, "pending: waiting for 72e2e09, it is at 2efa6ef"},
		{"3.6/app-hydration-failed", Wanted{Commit: other, Images: tagged("x")}, "pending: the source hydrator: Failed to hydrate"},
		{"3.6/app-cronjob-keeps-old-image", Wanted{Images: tagged("master-202406151241")}, "done"},
		{"3.6/app-other-branch", Wanted{Commit: other, Branch: "main", Repository: "http://127.0.0.1:27410/gitops.git", Images: tagged("x")}, "pending: ComparisonError"},
		{"3.6/app-manual-outofsync", Wanted{Commit: "3abd5381e28dc050fb4c5014b4ac444fa7cea8d0", Images: tagged("x")}, "pending: OutOfSync, Missing"},
		{"3.6/app-hook-running", Wanted{Images: tagged("master-202406151239")}, "pending: OutOfSync, syncing: waiting for completion of hook batch/Job/migrate, Healthy"},
	} {
		app := read[Application](t, test.file)
		if test.wanted.Commit == "" {
			test.wanted.Commit = app.Status.Sync.Revision
		}
		if test.wanted.Contains == nil {
			test.wanted.Contains = map[string]bool{}
		}
		verdict, _ := Decide(Observation{App: app, Refreshed: true}, History{}, test.wanted)
		if got := verdict.State.String() + ": " + verdict.Reason; !strings.HasPrefix(got, test.want) {
			t.Errorf("%s: %s\nwant %s", test.file, got, test.want)
		}
	}
}

// TestARefusedSyncNamesTheObject holds that the reason names the refused object.
func TestARefusedSyncNamesTheObject(t *testing.T) {
	for file, want := range map[string]State{"3.6/app-sync-refused": Failed, "3.6/app-hook-failed": Failed, "3.6/app-sync-refused-retrying": Pending} {
		app := read[Application](t, file)
		verdict, _ := Decide(Observation{App: app}, History{}, Wanted{Commit: app.Status.Sync.Revision, Images: tagged("x")})
		if verdict.State != want {
			t.Errorf("%s: %+v", file, verdict)
		}
		if file != "3.6/app-hook-failed" && !strings.Contains(verdict.Reason, `Service send2ereader: error when patching`) {
			t.Errorf("%s: %s", file, verdict.Reason)
		}
	}
	retrying := read[Application](t, "3.6/app-sync-refused-retrying")
	retrying.Status.OperationState.RetryCount = 2
	wanted := Wanted{Commit: retrying.Status.Sync.Revision}
	if verdict, _ := Decide(Observation{App: retrying}, History{}, wanted); verdict.State != Failed {
		t.Errorf("the second repetition: %+v", verdict)
	}
	wanted.Commit = strings.Repeat("1", 40)
	wanted.Contains = map[string]bool{retrying.Status.Sync.Revision: false}
	verdict, _ := Decide(Observation{App: retrying}, History{}, wanted)
	if verdict.State != Pending || !strings.Contains(verdict.Reason, "whose sync is refused and repeated") {
		t.Errorf("an older one: %+v", verdict)
	}
}

// settledApp is an application that runs a commit, healthy.
func settledApp(t testing.TB) (Application, Wanted) {
	app := read[Application](t, "3.6/app-kustomize")
	return app, Wanted{Commit: app.Status.Sync.Revision, Images: tagged("master-202406151230"), Contains: map[string]bool{}}
}

// TestEachConditionOfSuccessIsNeeded takes one away at a time.
func TestEachConditionOfSuccessIsNeeded(t *testing.T) {
	for name, spoil := range map[string]func(*Application, *Wanted){
		"another revision": func(app *Application, _ *Wanted) { app.Status.Sync.Revision = strings.Repeat("2", 40) },
		"OutOfSync":        func(app *Application, _ *Wanted) { app.Status.Sync.Status = "OutOfSync" },
		"Unknown":          func(app *Application, _ *Wanted) { app.Status.Sync.Status = "Unknown" },
		"an operation":     func(app *Application, _ *Wanted) { app.Operation = &Operation{} },
		"Running":          func(app *Application, _ *Wanted) { app.Status.OperationState.Phase = "Running" },
		"Terminating":      func(app *Application, _ *Wanted) { app.Status.OperationState.Phase = "Terminating" },
		"Progressing":      func(app *Application, _ *Wanted) { app.Status.Health.Status = "Progressing" },
		"Missing":          func(app *Application, _ *Wanted) { app.Status.Health.Status = "Missing" },
		"Suspended":        func(app *Application, _ *Wanted) { app.Status.Health.Status = "Suspended" },
		"Unknown health":   func(app *Application, _ *Wanted) { app.Status.Health.Status = "Unknown" },
		"another tag":      func(_ *Application, w *Wanted) { w.Images = tagged("master-202406151231") },
		"another image": func(_ *Application, w *Wanted) {
			w.Images = []Image{{Repository: "acme/web", Tag: "master-202406151230"}}
		},
		"no source of the repository": func(_ *Application, w *Wanted) { w.Repository = "https://github.com/acme/other" },
	} {
		app, wanted := settledApp(t)
		if verdict, _ := Decide(Observation{App: app}, History{}, wanted); verdict.State != Done {
			t.Fatalf("%+v", verdict)
		}
		spoil(&app, &wanted)
		if verdict, _ := Decide(Observation{App: app}, History{}, wanted); verdict.State != Pending {
			t.Errorf("%s: %v: %s", name, verdict.State, verdict.Reason)
		}
	}
}

// TestWhatARevisionIs holds which revisions are asked for and which count.
func TestWhatARevisionIs(t *testing.T) {
	app, wanted := settledApp(t)
	revision := app.Status.Sync.Revision
	wanted.Commit = strings.Repeat("1", 40)
	verdict, _ := Decide(Observation{App: app}, History{}, wanted)
	if len(verdict.Ask.Lineage) != 1 || verdict.Ask.Lineage[0] != revision {
		t.Errorf("asks for %q", verdict.Ask.Lineage)
	}
	wanted.Contains[revision] = true
	if verdict, _ := Decide(Observation{App: app}, History{}, wanted); verdict.State != Done {
		t.Errorf("a later commit with the image: %+v", verdict)
	}
	wanted.Contains[revision] = false
	if verdict, _ := Decide(Observation{App: app}, History{}, wanted); verdict.State != Pending || len(verdict.Ask.Lineage) != 0 {
		t.Errorf("an older commit: %+v", verdict)
	}
	app.Status.Sync.Revision = "main"
	if verdict, _ := Decide(Observation{App: app}, History{}, wanted); len(verdict.Ask.Lineage) != 0 {
		t.Errorf("asks git about a branch: %+v", verdict)
	}
}

// TestImagesOfTheManifestsDecide is about Pods that do not tell: none are there, or
// old ones are left.
func TestImagesOfTheManifestsDecide(t *testing.T) {
	ours, newer := recorded+":master-202406151230", recorded+":master-202406151299"
	for _, test := range []struct {
		name           string
		live, rendered []string
		later          bool
		want           string
	}{
		{"no replicas", nil, []string{ours}, false, "done"},
		{"no replicas, later", nil, []string{ours}, true, "done"},
		{"an old Job has the tag", []string{ours, newer}, []string{newer}, true, "superseded by master-202406151299"},
		{"an old Job has another tag", []string{ours, newer}, []string{ours}, true, "done"},
		{"replaced", []string{newer}, []string{newer}, true, "superseded by master-202406151299"},
		{"taken out", nil, nil, true, "superseded by "},
		{"overridden", []string{newer}, []string{newer}, false, "untouched"},
		{"nothing of it", nil, []string{"redis:7"}, false, "untouched"},
		{"an operator makes the Pods", []string{ours}, []string{"operator:1"}, false, "done"},
		{"a mirror", []string{"mirror.corp.example/" + ours}, nil, false, "done"},
		{"a pinned digest", []string{ours + "@sha256:11"}, nil, false, "done"},
	} {
		app, wanted := settledApp(t)
		app.Status.Summary.Images = test.live
		app.Status.OperationState.SyncResult.Resources = nil
		if test.later {
			wanted.Contains[app.Status.Sync.Revision] = true
			wanted.Commit = strings.Repeat("1", 40)
		}
		verdict, _ := Decide(Observation{App: app, Rendered: &test.rendered}, History{}, wanted)
		got := verdict.State.String()
		if verdict.State == Superseded {
			got += " by " + verdict.By
		}
		if got != test.want {
			t.Errorf("%s: %s (%s), want %s", test.name, got, verdict.Reason, test.want)
		}
	}
}

// TestAPodThatCannotStart is told at once and fails after the grace, not before.
func TestAPodThatCannotStart(t *testing.T) {
	app := read[Application](t, "3.6/app-bad-image")
	app.Status.Health = Health{Status: "Progressing"}
	tree := read[Tree](t, "3.6/tree-bad-image")
	wanted := Wanted{Commit: app.Status.Sync.Revision, Images: tagged("bad-1")}
	const why = `send2ereader-9574c4c9f-cf9p6 (127.0.0.1:27411/haoict/send2ereader:bad-1): Back-off pulling image "127.0.0.1:27411/haoict/send2ereader:bad-1"`
	look := func(h History, at time.Duration, tree *Tree) (Verdict, History) {
		return Decide(Observation{At: at, App: app, Tree: tree, Refreshed: true}, h, wanted)
	}
	first, h := look(History{}, 2*time.Second, &tree)
	if first.State != Pending || first.Warn != why {
		t.Errorf("at once: %+v", first)
	}
	early, h := look(h, 31*time.Second, &tree)
	if early.State != Pending {
		t.Errorf("after 29 s: %+v", early)
	}
	if _, reset := look(h, 32*time.Second, &Tree{}); reset.crashing.what != "" {
		t.Error("a Pod that started is remembered")
	}
	if unseen, _ := look(h, 33*time.Second, nil); unseen.State != Pending || !unseen.Ask.Tree {
		t.Errorf("without a tree: %+v", unseen)
	}
	if last, _ := look(h, 32*time.Second, &tree); last.State != Failed || last.Reason != why {
		t.Errorf("after 30 s: %+v", last)
	}
	wanted.Images = tagged("master-202406151235") // the old tag, whose Pod is healthy
	if verdict, _ := look(History{}, 0, &tree); verdict.Warn != "" {
		t.Errorf("another tag's Pod: %+v", verdict)
	}
}

// TestWhatTheTreeSaidIsKept holds that a look without a tree says what the last one with
// a tree saw: not every look has one, and each may be the last before the time is over.
func TestWhatTheTreeSaidIsKept(t *testing.T) {
	app := read[Application](t, "3.6/app-bad-image")
	app.Status.Health = Health{Status: "Progressing"}
	wanted := Wanted{Commit: app.Status.Sync.Revision, Images: tagged("bad-1")}
	tree := read[Tree](t, "3.6/tree-bad-image")
	crashing, h := Decide(Observation{App: app, Tree: &tree, Refreshed: true}, History{}, wanted)
	next, h := Decide(Observation{At: time.Second, App: app}, h, wanted)
	if next.State != Pending || next.Reason != crashing.Reason || next.Warn != "" {
		t.Errorf("after a Pod that cannot start: %+v", next)
	}
	app.Status.Health.Status = "Degraded"
	early, h := Decide(Observation{At: 2 * time.Second, App: app}, h, wanted)
	if early.State != Pending {
		t.Errorf("Degraded at once: %+v", early)
	}
	for _, tree := range []*Tree{nil, &tree} { // the Pod's grace is longer, and not needed
		if last, _ := Decide(Observation{At: 17 * time.Second, App: app, Tree: tree}, h, wanted); last.State != Failed {
			t.Errorf("Degraded for 15 s: %+v", last)
		}
	}

	app.Status.Health.Status = "Progressing"
	starting := Tree{Nodes: []Node{{Kind: "Pod", Images: []string{recorded + ":bad-1"}, Health: &Health{Status: "Progressing"}}}}
	for _, tree := range []*Tree{&starting, nil} {
		var verdict Verdict
		verdict, h = Decide(Observation{At: 3 * time.Second, App: app, Tree: tree, Refreshed: tree != nil}, h, wanted)
		if want := "Synced, Progressing, 0 of 1 new pods ready"; verdict.Reason != want {
			t.Errorf("got %q, want %q", verdict.Reason, want)
		}
	}
	app.Status.Health.Status, app.Status.Sync.Status = "Healthy", "OutOfSync" // the next sync
	if verdict, _ := Decide(Observation{At: 4 * time.Second, App: app}, h, wanted); strings.Contains(verdict.Reason, "pods") {
		t.Errorf("a rollout that is over is told: %q", verdict.Reason)
	}
}

// TestAHydrationFailsTwice holds that one failure is not enough, and that one which is not
// tried again is, after a while.
func TestAHydrationFailsTwice(t *testing.T) {
	failed := read[Application](t, "3.6/app-hydration-failed")
	again := read[Application](t, "3.6/app-hydration-failed")
	operation := *again.Status.SourceHydrator.CurrentOperation
	operation.StartedAt = "2026-11-26T13:05:29Z"
	again.Status.SourceHydrator.CurrentOperation = &operation
	running := read[Application](t, "3.6/app-hydration-failed")
	running.Status.SourceHydrator.CurrentOperation = &Hydration{Phase: "Hydrating", StartedAt: operation.StartedAt}
	wanted := Wanted{Commit: strings.Repeat("a", 40), Images: tagged("x"), Contains: map[string]bool{failed.Status.SourceHydrator.LastSuccessfulOperation.DrySHA: false}}
	_, h := Decide(Observation{App: failed, Refreshed: true}, History{}, wanted)
	for _, next := range []struct {
		name string
		at   time.Duration
		app  Application
		want State
	}{
		{"the same failure", 6 * time.Second, failed, Pending},
		{"it runs again", 6 * time.Second, running, Pending},
		{"the second, at once", 2 * time.Second, again, Pending},
		{"the second", 6 * time.Second, again, Failed},
		{"not tried again", 31 * time.Second, failed, Failed},
	} {
		verdict, _ := Decide(Observation{At: next.at, App: next.app}, h, wanted)
		if verdict.State != next.want || !strings.Contains(verdict.Reason, "Failed to hydrate") {
			t.Errorf("%s: %+v", next.name, verdict)
		}
	}
}

// TestARepeatedSyncKeepsItsReason holds that the object stays in the reason while Argo CD
// only says that it tries again, and that the object's file is not told.
func TestARepeatedSyncKeepsItsReason(t *testing.T) {
	app := read[Application](t, "3.6/app-sync-refused-retrying")
	app.Status.OperationState.RetryCount = 1
	op := *app.Status.OperationState
	op.SyncResult = &Synced{
		Revision: app.Status.Sync.Revision, Source: op.SyncResult.Source,
		Resources: []SyncedPart{{Kind: "Service", Name: "web", Status: "SyncFailed", Message: `error when patching "/dev/shm/1797944333": Service "web" is invalid`}},
	}
	app.Status.OperationState = &op
	wanted := Wanted{Commit: app.Status.Sync.Revision, Images: tagged("x")}
	const want = `the sync is refused and repeated: Service web: error when patching: Service "web" is invalid`
	first, h := Decide(Observation{App: app}, History{}, wanted)
	repeated := op
	repeated.Message, repeated.SyncResult = "Retrying operation. Attempt #1", &Synced{Revision: app.Status.Sync.Revision, Source: op.SyncResult.Source}
	app.Status.OperationState = &repeated
	next, _ := Decide(Observation{At: time.Second, App: app}, h, wanted)
	if first.Reason != want || next.Reason != want {
		t.Errorf("got %q, then %q; want %q", first.Reason, next.Reason, want)
	}
}

// TestNobodySyncs is about applications that stay OutOfSync.
func TestNobodySyncs(t *testing.T) {
	manual := read[Application](t, "3.6/app-manual-outofsync")
	window := read[Application](t, "3.6/app-window-outofsync")
	deny := &Windows{Active: []Window{{"deny", "* * * * *", "1h"}}, Assigned: []Window{{"deny", "* * * * *", "1h"}}}
	allow := &Windows{CanSync: true, Assigned: []Window{{"allow", "0 3 * * *", "1h"}}}
	for _, test := range []struct {
		name    string
		app     Application
		after   time.Duration
		windows *Windows
		trigger Trigger
		want    string
		ask     Ask
	}{
		{"manual, at first", manual, 0, nil, SyncByArgoCD, "pending: OutOfSync, Missing", Ask{}},
		{"manual, later", manual, 10 * time.Second, &Windows{CanSync: true}, SyncByArgoCD, "failed: OutOfSync, and nobody will sync it: the application has no automated sync", Ask{}},
		{"manual, with --sync", manual, 0, nil, SyncByUs, "pending: asking for a sync", Ask{Sync: true, Windows: true}},
		{"automated, at first", window, 9 * time.Second, nil, SyncByUs, "pending: OutOfSync, Missing, waiting for a sync", Ask{}},
		{"automated, later", window, 10 * time.Second, nil, SyncByArgoCD, "pending: OutOfSync, Missing, waiting for a sync", Ask{Windows: true}},
		{"automated, no window", window, 10 * time.Second, &Windows{CanSync: true}, SyncByArgoCD, "pending: OutOfSync, Missing, waiting for a sync", Ask{}},
		{"automated, with --sync", window, 10 * time.Second, &Windows{CanSync: true}, SyncByUs, "pending: asking for a sync", Ask{Sync: true}},
		{"a deny window", window, 10 * time.Second, deny, SyncByArgoCD, "failed: OutOfSync, and nobody will sync it: the sync window (deny * * * * * for 1h) denies it", Ask{}},
		{"outside of an allow window", window, 10 * time.Second, allow, SyncByArgoCD, "failed: OutOfSync, and nobody will sync it: the sync window (allow 0 3 * * * for 1h) denies it", Ask{}},
		{"a window that is not named", window, 10 * time.Second, &Windows{}, SyncByArgoCD, "failed: OutOfSync, and nobody will sync it: a sync window denies it", Ask{}},
	} {
		wanted := Wanted{Commit: test.app.Status.Sync.Revision, Trigger: test.trigger}
		_, h := Decide(Observation{App: test.app}, History{}, wanted)
		verdict, _ := Decide(Observation{At: test.after, App: test.app, Windows: test.windows}, h, wanted)
		verdict.Ask.Tree = false
		if got := verdict.State.String() + ": " + verdict.Reason; got != test.want || verdict.Ask.Sync != test.ask.Sync || verdict.Ask.Windows != test.ask.Windows {
			t.Errorf("%s: %s %+v\nwant %s %+v", test.name, got, verdict.Ask, test.want, test.ask)
		}
	}
}

// TestOtherStates are rules with one case each.
func TestOtherStates(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Application, *Wanted)
		want   string
	}{
		"follows a tag": {func(app *Application, w *Wanted) {
			app.Spec.Source.TargetRevision, app.Status.Sync.Revision = "v1.2.0", strings.Repeat("3", 40)
			w.Branch, w.Contains[app.Status.Sync.Revision] = "main", false
		}, `failed: follows "v1.2.0", and the commit is on main`},
		"follows a tag that has the commit": {func(app *Application, w *Wanted) {
			app.Spec.Source.TargetRevision, w.Branch = "v1.2.0", "main"
		}, "done: Synced, Healthy, runs"},
		"a suspended rollout": {func(app *Application, w *Wanted) {
			app.Status.Health.Status = "Suspended"
			app.Status.Resources = []Resource{{Kind: "Rollout", Name: "web", Health: Health{"Suspended", "CanaryPauseStep"}}}
		}, "pending: Suspended: Rollout web: CanaryPauseStep waits to be resumed"},
		"a suspended one is enough": {func(app *Application, w *Wanted) {
			app.Status.Health.Status, w.Suspended = "Suspended", SuspendedIsDone
		}, "done: Synced, Healthy, runs"},
		"what was refused is taken back": {func(app *Application, w *Wanted) {
			op := app.Status.OperationState
			op.Phase, op.SyncResult = "Failed", &Synced{Revision: strings.Repeat("3", 40)}
			w.Contains[strings.Repeat("3", 40)] = false
		}, "done: Synced, Healthy, runs"},
		"ours has failed": {func(app *Application, _ *Wanted) {
			app.Status.OperationState.Phase, app.Status.OperationState.Message = "Error", "hook failed"
		}, "failed: the sync was refused: hook failed"},
		"ours has failed, and another sync begins": {func(app *Application, _ *Wanted) {
			app.Status.OperationState.Phase, app.Operation = "Error", &Operation{}
		}, "pending: Synced, sync begins, Healthy"},
		"never synced": {func(app *Application, _ *Wanted) { app.Status.OperationState = nil }, "done: Synced, Healthy, runs"},
		"a wrong spec": {func(app *Application, _ *Wanted) {
			app.Status.Conditions = []Condition{{"InvalidSpecError", "app is not allowed in project \"shop\"\x1b[31m\nat all"}}
		}, `pending: InvalidSpecError: app is not allowed in project "shop"[31m; at all`},
		"a warning": {func(app *Application, _ *Wanted) {
			app.Status.Conditions = []Condition{{"SharedResourceWarning", "x"}, {"SyncError", "x"}}
		}, "done: Synced, Healthy, runs"},
		"nothing but the commit": {func(_ *Application, w *Wanted) { w.Images = nil }, "done: Synced, Healthy"},
	} {
		app, wanted := settledApp(t)
		test.change(&app, &wanted)
		verdict, _ := Decide(Observation{App: app, Refreshed: true}, History{}, wanted)
		if got := verdict.State.String() + ": " + verdict.Reason; !strings.HasPrefix(got, test.want) {
			t.Errorf("%s: %s\nwant %s", name, got, test.want)
		}
	}
}

// TestAnErrorOfTheOldAnswerDoesNotCount holds that only refreshed answers do.
func TestAnErrorOfTheOldAnswerDoesNotCount(t *testing.T) {
	app := read[Application](t, "3.6/app-chart-broken")
	wanted := Wanted{Commit: strings.Repeat("1", 40)}
	_, h := Decide(Observation{App: app, Refreshed: true}, History{}, wanted)
	for at := time.Second; at < 20*time.Second; at += time.Second {
		var verdict Verdict
		if verdict, h = Decide(Observation{At: at, App: app}, h, wanted); verdict.State != Pending {
			t.Fatalf("at %v: %+v", at, verdict)
		}
	}
	if verdict, _ := Decide(Observation{At: 20 * time.Second, App: app, Refreshed: true}, h, wanted); verdict.State != Failed {
		t.Errorf("%+v", verdict)
	}
	good, _ := settledApp(t)
	_, h = Decide(Observation{At: 4 * time.Second, App: good}, h, wanted)
	if verdict, _ := Decide(Observation{At: 6 * time.Second, App: app, Refreshed: true}, h, wanted); verdict.State != Pending {
		t.Errorf("an error that was gone in between: %+v", verdict)
	}
}

func TestHasWord(t *testing.T) {
	for _, test := range []struct {
		text, word string
		want       bool
	}{
		{"1.2", "1.2", true},
		{"image: acme/web:1.2\n", "1.2", true},
		{"acme/web:1.25", "1.2", false},
		{"acme/web:v1.2", "1.2", false},
		{"1.25 1.2", "1.2", true},
		{"acme/web-worker", "acme/web", false},
		{"ghcr.io/acme/web", "acme/web", true},
		{"x", "", false},
	} {
		if got := hasWord(test.text, test.word); got != test.want {
			t.Errorf("hasWord(%q, %q) = %v", test.text, test.word, got)
		}
	}
}

// TestAChildThatTheCommitLeavesAlone is told from one whose spec is about to change.
func TestAChildThatTheCommitLeavesAlone(t *testing.T) {
	app := read[Application](t, "3.6/app-of-apps-child")
	wanted := Wanted{Role: Child, Images: tagged("master-202406151242"), Parent: Done}
	_, h := Decide(Observation{App: app}, History{}, wanted)
	if verdict, _ := Decide(Observation{At: 4 * time.Second, App: app}, h, wanted); verdict.State != Pending {
		t.Errorf("%+v", verdict)
	}
	if verdict, _ := Decide(Observation{At: 5 * time.Second, App: app}, h, wanted); verdict.State != Untouched {
		t.Errorf("%+v", verdict)
	}
}
