package rollout

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// An event is one line of a recorded stream.
type event struct {
	At         time.Duration `json:"-"`
	Rev        string        `json:"rev"`
	Sync       string        `json:"sync"`
	Health     string        `json:"health"`
	PendingOp  bool          `json:"pendingOp"`
	Op         string        `json:"op"`
	OpRev      string        `json:"opRev"`
	Images     []string      `json:"images"`
	Conditions []string      `json:"conditions"`
	Msg        string        `json:"msg"`
	Retry      int           `json:"retry"`
	Hydrator   *struct {
		Phase, Dry, Hydrated, Message, LastDry, LastHydrated string
	} `json:"hydrator"`
}

func readStream(t testing.TB, name string) []event {
	t.Helper()
	file, err := os.Open(filepath.Join("testdata", name+".txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var events []event
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		seconds, rest, _ := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		var e event
		if err := json.Unmarshal([]byte(rest), &e); err != nil {
			t.Fatal(err)
		}
		at, err := strconv.ParseFloat(seconds, 64)
		if err != nil {
			t.Fatal(err)
		}
		e.At = time.Duration(at * float64(time.Second))
		events = append(events, e)
	}
	return events
}

// hash makes a whole hash of the eight digits that a stream has.
func hash(short string) string {
	if len(short) != 8 || strings.Trim(short, "0123456789abcdef") != "" {
		return short // "main", "0.1.0"
	}
	return short + strings.Repeat("0", 32)
}

const charts = "http://127.0.0.1:27410/gitops.git"

// applications makes the application of each event.
func applications(t testing.TB, s story, events []event) []Application {
	t.Helper()
	apps := make([]Application, len(events))
	for i, e := range events {
		spec := map[string]any{"source": map[string]any{"repoURL": charts, "path": "charts/send2ereader", "targetRevision": "main"}}
		if !s.manual {
			spec["syncPolicy"] = map[string]any{"automated": map[string]any{}}
		}
		compared := spec["source"]
		if s.child {
			withTag := func(tag string) any {
				return map[string]any{
					"repoURL": "http://127.0.0.1:27410/charts.git", "targetRevision": "main",
					"helm": map[string]any{"valuesObject": map[string]any{"image": map[string]any{"tag": tag}}},
				}
			}
			spec["source"], compared = withTag("master-202406151230"), withTag("master-202406151230")
			if i > 0 { // the second event is the change of the spec
				spec["source"] = withTag(s.tag)
			}
			if e.At >= s.compared {
				compared = withTag(s.tag)
			}
		}
		status := map[string]any{
			"sync":       map[string]any{"status": e.Sync, "revision": hash(e.Rev), "comparedTo": map[string]any{"source": compared}},
			"health":     map[string]any{"status": e.Health},
			"summary":    map[string]any{"images": e.Images},
			"conditions": conditionsOf(e),
		}
		if e.Op != "" {
			revision := e.OpRev
			for j := i; revision == "" && j < len(events); j++ {
				revision = events[j].OpRev // what a running operation will have synced
			}
			status["operationState"] = map[string]any{
				"phase": e.Op, "message": e.Msg, "retryCount": e.Retry,
				"operation":  map[string]any{"sync": map[string]any{"revision": hash(revision), "source": compared}},
				"syncResult": map[string]any{"revision": hash(e.OpRev), "source": compared},
			}
		}
		if h := e.Hydrator; h != nil {
			spec = map[string]any{"syncPolicy": spec["syncPolicy"], "sourceHydrator": map[string]any{"drySource": spec["source"]}}
			status["sourceHydrator"] = map[string]any{
				"lastSuccessfulOperation": map[string]any{"drySHA": hash(h.LastDry), "hydratedSHA": hash(h.LastHydrated)},
				"currentOperation":        map[string]any{"phase": h.Phase, "message": h.Message, "drySHA": hash(h.Dry)},
			}
		}
		whole := map[string]any{"metadata": map[string]any{"name": "s2e"}, "spec": spec, "status": status}
		if e.PendingOp {
			whole["operation"] = map[string]any{"sync": map[string]any{}}
		}
		src, err := json.Marshal(whole)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(src, &apps[i]); err != nil {
			t.Fatal(err)
		}
	}
	return apps
}

func conditionsOf(e event) []map[string]string {
	var all []map[string]string
	for _, kind := range e.Conditions {
		all = append(all, map[string]string{"type": kind, "message": "helm template: exit status 1"})
	}
	return all
}

// A story is what somebody waits for in a stream.
type story struct {
	stream, commit, tag string
	// history lists the commits, the oldest first; default: the order in which the
	// stream shows them.
	history []string
	from    float64 // the refresh after the push, in seconds; 0 is the whole stream
	to      float64 // the end of the part that is of this commit; 0 is the whole stream

	manual, child bool
	compared      time.Duration // of a child: when the status is of the new spec
	windows       *Windows
	rendered      []string // the images of the manifests, where they are asked for

	want State
	at   float64 // the earliest second at which the state is true
	says string  // in the reason
}

const image0 = "send2ereader"

var stories = []story{
	{stream: "3.6/stream-good", commit: "39edf900", tag: "master-202406151231", want: Done, at: 2.54, says: "runs send2ereader:master-202406151231"},
	{stream: "3.6/stream-promote-s2e-production", commit: "4d2febcb", tag: "master-202406151235", want: Done, at: 2.20},
	{stream: "3.6/stream-promote-s2e-staging", commit: "4d2febcb", tag: "master-202406151235", want: Done, at: 1.07},
	{stream: "3.6/stream-git-revert", commit: "4b4684aa", tag: "master-202406151230", want: Done, at: 2.13},
	{stream: "3.6/stream-two-pushes-one-refresh", commit: "23f9587e", tag: "master-202406151233", want: Done, at: 2.18},
	{
		stream: "3.6/stream-two-pushes-one-refresh", commit: "11111111", tag: "master-202406151232", history: []string{"39edf900", "11111111", "23f9587e"},
		rendered: []string{image0 + ":master-202406151233"}, want: Superseded, at: 2.18, says: "send2ereader:master-202406151233",
	},
	{stream: "3.6/stream-second-push-during-the-first-sync", commit: "5fbe631f", tag: "master-202406151235", want: Done, at: 2.78},
	{
		stream: "3.6/stream-second-push-during-the-first-sync", commit: "70cb12f0", tag: "master-202406151234",
		rendered: []string{image0 + ":master-202406151235"}, want: Superseded, at: 2.78, says: "replaced the tag",
	},
	{stream: "3.6/stream-bad-image-then-good", commit: "66c83338", tag: "bad-1", to: 69.9, want: Failed, at: 61.44, says: "Degraded"},
	{stream: "3.6/stream-bad-image-then-good", commit: "9da3ef8d", tag: "master-202406151236", from: 69.83, want: Done, at: 71.36},
	{stream: "3.5/stream-bad-image", commit: "39d09ce6", tag: "bad-1", want: Failed, at: 63.44, says: "Degraded"},
	{
		stream: "3.6/stream-chart-broken-then-mended", commit: "22222222", tag: "master-202406151237", to: 9.4,
		history: []string{"9da3ef8d", "22222222", "23981be7"}, want: Failed, at: 5.88, says: "ComparisonError: helm template: exit status 1",
	},
	{stream: "3.6/stream-chart-broken-then-mended", commit: "23981be7", tag: "master-202406151237", from: 9.33, want: Done, at: 10.83},
	{stream: "3.6/stream-git-unreachable", commit: "962ef3ee", tag: "master-202406151248", want: Done, at: 3.56},
	{stream: "3.6/stream-refused-sync", commit: "2c82dc71", tag: "master-202406151238", to: 3.9, want: Failed, at: 2.05, says: "refused: one or more objects failed to apply"},
	{stream: "3.6/stream-refused-sync", commit: "fd2e134c", tag: "master-202406151238", from: 3.83, want: Done, at: 5.49},
	{stream: "3.6/stream-refused-default-retries", commit: "21cf89dc", tag: "master-202406151231", to: 137, want: Failed, at: 10.72, says: "refused"},
	{stream: "3.6/stream-refused-default-retries", commit: "e4b4f751", tag: "master-202406151231", from: 137.8, to: 310.7, want: Pending},
	{stream: "3.6/stream-presync-hook", commit: "78951b4e", tag: "master-202406151239", want: Done, at: 9.42},
	{stream: "3.6/stream-presync-hook-fails", commit: "e4b4f751", tag: "bad-2", want: Failed, at: 20.26, says: "completed unsuccessfully"},
	{stream: "3.6/stream-cronjob-keeps-the-old-image", commit: "388d4bf2", tag: "master-202406151241", want: Done, at: 2.17},
	{stream: "3.6/stream-manual-sync-app", commit: "e45512d3", tag: "master-202406151247", manual: true, want: Failed, at: 10.77, says: "no automated sync"},
	{
		stream: "3.6/stream-sync-window", commit: "962ef3ee", tag: "master-202406151248", want: Failed, at: 10.77, says: "deny * * * * * for 1h",
		windows: &Windows{Active: []Window{{"deny", "* * * * *", "1h"}}, Assigned: []Window{{"deny", "* * * * *", "1h"}}},
	},
	{stream: "3.6/stream-app-of-apps-child-inline-apps", commit: "cbca84d3", tag: "", want: Done, at: 1.27},
	{stream: "3.6/stream-app-of-apps-child-helmrepo-apps", commit: "fbb4e682", tag: "", want: Done, at: 0.99},
	{stream: "3.6/stream-app-of-apps-child-inline-child-inline", child: true, compared: 1235 * time.Millisecond, tag: "master-202406151242", want: Done, at: 2.54},
	{stream: "3.6/stream-app-of-apps-child-helmrepo-child-helmrepo", child: true, compared: 1105 * time.Millisecond, tag: "master-202406151243", want: Done, at: 2.39},
	{stream: "3.6/stream-hydrator", commit: "2efa6ef6", tag: "master-202406151245", from: 0.57, to: 2.5, history: []string{"36b9826a", "2efa6ef6", "bc27fea3"}, want: Done, at: 2.43},
	{stream: "3.6/stream-hydrator", commit: "bc27fea3", tag: "master-202406151245", from: 2.55, to: 4.74, history: []string{"36b9826a", "2efa6ef6", "bc27fea3"}, want: Done, at: 3.01},
	{stream: "3.6/stream-hydrator", commit: "73040c29", tag: "master-202406151245", from: 4.73, to: 7.94, history: []string{"36b9826a", "2efa6ef6", "bc27fea3", "73040c29"}, want: Failed, at: 9.9, says: "the source hydrator: Failed to hydrate"},
	{stream: "3.6/stream-hydrator", commit: "3af8fa2c", tag: "master-202406151245", from: 7.93, history: []string{"36b9826a", "2efa6ef6", "bc27fea3", "73040c29", "3af8fa2c"}, want: Done, at: 8.39},
}

func (s story) name() string { return s.stream + " " + s.commit }

// wanted returns what the story waits for, with all that git knows.
func (s story) wanted(events []event) Wanted {
	w := Wanted{Repository: charts, Branch: "main", Commit: hash(s.commit), Contains: map[string]bool{}}
	if s.child {
		w.Role = Child
	}
	if s.tag != "" {
		w.Images = []Image{{Repository: image0, Tag: s.tag}}
	}
	history := s.history
	if history == nil {
		for _, e := range events {
			if !slices.Contains(history, e.Rev) {
				history = append(history, e.Rev)
			}
		}
	}
	ours := slices.Index(history, s.commit)
	for i, commit := range history {
		w.Contains[hash(commit)] = i >= ours
	}
	for _, e := range events { // revisions of another repository, and those before the story
		if _, known := w.Contains[hash(e.Rev)]; !known {
			w.Contains[hash(e.Rev)] = false
		}
		if _, known := w.Contains[hash(e.OpRev)]; !known {
			w.Contains[hash(e.OpRev)] = false
		}
	}
	return w
}

// part returns the events of the story: from the last one before the refresh on.
func (s story) part(events []event) (first, last int) {
	last = len(events)
	for i, e := range events {
		if e.At.Seconds() <= s.from {
			first = i
		}
		if s.to > 0 && e.At.Seconds() > s.to {
			last = min(last, i)
		}
	}
	return first, last
}

// look decides, with all that the decision asks for.
func (s story) look(now Observation, h History, w Wanted) (Verdict, History) {
	verdict, after := Decide(now, h, w)
	if verdict.Ask.Rendered || verdict.Ask.Windows || verdict.Ask.Tree {
		now.Rendered, now.Windows, now.Tree = &s.rendered, s.windows, &Tree{}
		if now.Windows == nil {
			now.Windows = &Windows{CanSync: true}
		}
		verdict, after = Decide(now, h, w)
	}
	return verdict, after
}

// check holds that a settled verdict is the right one, and not too early.
func (s story) check(t *testing.T, verdict Verdict, at time.Duration) {
	t.Helper()
	if verdict.State != s.want || !strings.Contains(verdict.Reason, s.says) {
		t.Fatalf("at %v: %v: %s; want %v: …%s…", at, verdict.State, verdict.Reason, s.want, s.says)
	}
	if verdict.State != Failed && at.Seconds() < s.at {
		t.Fatalf("%v at %v, %v s too early: %s", verdict.State, at, s.at-at.Seconds(), verdict.Reason)
	}
}

// TestEveryEventOfEveryStream replays the streams event by event, and then waits with
// the last one.
func TestEveryEventOfEveryStream(t *testing.T) {
	for _, s := range stories {
		t.Run(s.name(), func(t *testing.T) {
			events := readStream(t, s.stream)
			apps, w := applications(t, s, events), s.wanted(events)
			first, last := s.part(events)
			var h History
			var verdict Verdict
			for i := first; i < last; i++ {
				verdict, h = s.look(Observation{At: events[i].At, App: apps[i], Refreshed: true}, h, w)
				if verdict.State.Settled() {
					s.check(t, verdict, events[i].At)
					return
				}
			}
			s.waitWithLast(t, events[last-1].At, apps[last-1], h, w)
		})
	}
}

// waitWithLast looks at the last answer again, each two seconds: after a minute the
// story must have ended.
func (s story) waitWithLast(t *testing.T, at time.Duration, app Application, h History, w Wanted) {
	t.Helper()
	for end := at + time.Minute; at < end; at += 2 * time.Second {
		var verdict Verdict
		verdict, h = s.look(Observation{At: at, App: app, Refreshed: true}, h, w)
		if verdict.State.Settled() {
			s.check(t, verdict, at)
			return
		}
	}
	if s.want != Pending {
		t.Fatalf("still pending after a minute; want %v", s.want)
	}
}

// TestPolledStreams looks at the streams as a waiter does: at intervals, beginning at
// any moment after the refresh.
func TestPolledStreams(t *testing.T) {
	for _, s := range stories {
		events := readStream(t, s.stream)
		apps, w := applications(t, s, events), s.wanted(events)
		first, last := s.part(events)
		for _, interval := range []time.Duration{100, 1000, 7000} {
			for phase := time.Duration(0); phase < interval; phase += interval / 5 {
				t.Run(fmt.Sprintf("%s each %d ms from %d", s.name(), interval, phase), func(t *testing.T) {
					s.poll(t, events[:last], apps, first, w, phase*time.Millisecond, interval*time.Millisecond)
				})
			}
		}
	}
}

func (s story) poll(t *testing.T, events []event, apps []Application, first int, w Wanted, phase, interval time.Duration) {
	var h History
	i := first
	at := events[first].At + phase
	for ; at < events[len(events)-1].At; at += interval {
		for i+1 < len(events) && events[i+1].At <= at {
			i++
		}
		var verdict Verdict
		verdict, h = s.look(Observation{At: at, App: apps[i], Refreshed: true}, h, w)
		if verdict.State.Settled() {
			s.check(t, verdict, at)
			return
		}
	}
	s.waitWithLast(t, at, apps[len(events)-1], h, w)
}

// TestShuffledStreams holds that no order of answers, as several caches could give
// them, makes a success of an event that is before the true end.
func TestShuffledStreams(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, s := range stories {
		if s.want != Done && s.want != Superseded {
			continue
		}
		events := readStream(t, s.stream)
		apps, w := applications(t, s, events), s.wanted(events)
		first, last := s.part(events)
		for range 100 {
			var h History
			at := events[first].At
			for range 40 {
				i := first + random.IntN(last-first)
				at += time.Duration(random.IntN(3000)) * time.Millisecond
				var verdict Verdict
				verdict, h = s.look(Observation{At: at, App: apps[i], Refreshed: random.IntN(2) == 0}, h, w)
				succeeded := verdict.State == Done || verdict.State == Superseded
				if succeeded && events[i].At.Seconds() < s.at {
					t.Fatalf("%s: %v by the event at %v, true at %v s", s.name(), verdict.State, events[i].At, s.at)
				}
				if verdict.State.Settled() {
					break
				}
			}
		}
	}
}
