package argocd

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/rollout"
)

const (
	ours   = "1111111111111111111111111111111111111111"
	older  = "2222222222222222222222222222222222222222"
	newer  = "3333333333333333333333333333333333333333"
	gitops = "https://github.com/acme/charts"
)

// A scene is an Argo CD in a test: what it answers at a time, which the waiter's own
// pauses move.
type scene struct {
	t       *testing.T
	clock   time.Duration
	answers map[string]func(at time.Duration, r *http.Request) any // by the path below /api/v1/
	asked   []string
}

func (s *scene) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/api/v1/")
	s.asked = append(s.asked, r.Method+" "+path)
	answer := s.answers[path]
	if answer == nil {
		http.Error(w, `{"message": "permission denied", "code": 7}`, http.StatusForbidden)
		return
	}
	switch value := answer(s.clock, r).(type) {
	case int:
		w.WriteHeader(value)
	case string:
		fmt.Fprint(w, value)
	default:
		_ = json.NewEncoder(w).Encode(value)
	}
}

// wait waits in the scene, for at most a while.
func (s *scene) wait(w Waiter, push Push, most time.Duration) ([]Application, error) {
	w.Client = clientOf(s.t, s.ServeHTTP)
	w.now = func() time.Duration { return s.clock }
	ctx, cancel := context.WithCancelCause(s.t.Context())
	defer cancel(nil)
	w.sleep = func(ctx context.Context, d time.Duration) error {
		if s.clock += d; s.clock > most {
			cancel(fault.Errorf(fault.NotDeployed, "%w after %v", ErrNotDeployed, most))
			return context.Cause(ctx)
		}
		return nil
	}
	if w.Contains == nil {
		w.Contains = func(_ context.Context, revision string) (bool, error) { return revision == newer, nil }
	}
	return w.Wait(ctx, push)
}

var push = Push{
	Repository: gitops, Branch: "main", Commit: ours, Files: []string{"web/deployment.yaml"},
	Images: []rollout.Image{{Repository: "acme/web", Tag: "1.4.2"}},
}

// An answer is an application in a few words.
type answer struct {
	name, repo, path, revision, sync, health, phase string
	images, children                                []string
	condition                                       string
	manual                                          bool
}

func (a answer) whole() map[string]any {
	set := func(text, other string) string {
		if text == "" {
			return other
		}
		return text
	}
	resources := []any{}
	for _, child := range a.children {
		resources = append(resources, map[string]any{"group": "argoproj.io", "kind": "Application", "namespace": "argocd", "name": child})
	}
	source := map[string]any{"repoURL": set(a.repo, gitops), "path": set(a.path, "web"), "targetRevision": "main"}
	spec := map[string]any{"project": "shop", "source": source}
	if !a.manual {
		spec["syncPolicy"] = map[string]any{"automated": map[string]any{}}
	}
	status := map[string]any{
		"sync":           map[string]any{"status": set(a.sync, "Synced"), "revision": a.revision, "comparedTo": map[string]any{"source": source}},
		"health":         map[string]any{"status": set(a.health, "Healthy")},
		"operationState": map[string]any{"phase": set(a.phase, "Succeeded"), "syncResult": map[string]any{"revision": a.revision, "source": source}},
		"summary":        map[string]any{"images": a.images}, "resources": resources,
	}
	if a.condition != "" {
		status["conditions"] = []any{map[string]any{"type": "ComparisonError", "message": a.condition}}
	}
	return map[string]any{"metadata": map[string]any{"name": set(a.name, "web"), "namespace": "argocd"}, "spec": spec, "status": status}
}

// then answers with one after the other, each from its second on.
func then(first answer, later map[int]answer) func(time.Duration, *http.Request) any {
	return func(at time.Duration, _ *http.Request) any {
		best, current := -1, first
		for second, a := range later {
			if at >= time.Duration(second)*time.Second && second > best {
				best, current = second, a
			}
		}
		return current.whole()
	}
}

var (
	before = answer{revision: older, images: []string{"acme/web:1.4.1"}}
	done   = answer{revision: ours, images: []string{"acme/web:1.4.2"}}
)

func list(all ...answer) func(time.Duration, *http.Request) any {
	return func(time.Duration, *http.Request) any {
		items := []any{}
		for _, a := range all {
			items = append(items, a.whole())
		}
		return map[string]any{"items": items}
	}
}

type answers = map[string]func(time.Duration, *http.Request) any

// TestWaits are waits from their first request to their end.
func TestWaits(t *testing.T) {
	named := []ID{{Name: "web"}}
	crashing := `{"nodes": [{"kind": "Pod", "name": "web-1", "images": ["acme/web:1.4.2"], "health": {"status": "Degraded", "message": "Back-off pulling image \"acme/web:1.4.2\""}}]}`
	progressing := answer{revision: ours, health: "Progressing", images: []string{"acme/web:1.4.1", "acme/web:1.4.2"}}
	outOfSync := answer{revision: ours, sync: "OutOfSync", images: before.images}
	manual := outOfSync
	manual.manual = true
	broken := before
	broken.revision, broken.sync, broken.condition = "main", "Unknown", "helm template: exit status 1"
	child := answer{name: "web", repo: "https://charts.example", path: "web/1.4.2", revision: "0.1.0", images: done.images}
	oldChild := answer{name: "web", repo: "https://charts.example", path: "web/1.4.1", revision: "0.1.0", images: before.images}

	for _, test := range []struct {
		name    string
		named   []ID
		answers answers
		trigger rollout.Trigger
		want    string        // states, or error
		at      time.Duration // when it ended
	}{
		{"named", named, answers{"applications/web": then(before, map[int]answer{2: progressing, 4: done}), "applications/web/resource-tree": list()}, 0, "web done", 4 * time.Second},
		{"found", nil, answers{"applications": list(before, answer{name: "other", path: "other"}), "applications/web": then(before, map[int]answer{1: done})}, 0, "web done", time.Second},
		{"found by the image", nil, answers{"applications": list(answer{name: "web", path: "base", images: before.images}, answer{name: "other", path: "other"}), "applications/web": then(done, nil)}, 0, "web done", 0},
		{"none found", nil, answers{"applications": list(answer{name: "web", repo: "https://github.com/acme/other"})}, 0, "none of its 1 applications that the token may see has web/deployment.yaml of https://github.com/acme/charts", 0},
		{"forbidden", named, answers{}, 0, "application web: HTTP 403: permission denied", 0},
		{"a hiccup", named, answers{"applications/web": func(at time.Duration, _ *http.Request) any {
			if at < 5*time.Second {
				return http.StatusBadGateway
			}
			return done.whole()
		}}, 0, "web done", 5 * time.Second},
		{"out of reach", named, answers{"applications/web": func(time.Duration, *http.Request) any { return http.StatusBadGateway }}, 0, "refresh of application web: HTTP 502: Bad Gateway", time.Minute},
		{"a controller that does not run", named, answers{"applications/web": func(_ time.Duration, r *http.Request) any {
			if r.URL.Query().Has("refresh") {
				return http.StatusGatewayTimeout
			}
			return before.whole()
		}}, 0, "not deployed after 2m0s: web: waiting for 1111111, it is at 2222222 (Argo CD answers, but does not refresh: is its application controller busy, or does it not run?)", 121 * time.Second},
		{"a controller with much to do", named, answers{"applications/web": func(at time.Duration, r *http.Request) any {
			switch {
			case r.URL.Query().Has("refresh"):
				return http.StatusGatewayTimeout
			case at < 90*time.Second:
				return before.whole()
			}
			return done.whole()
		}}, 0, "web done", 90 * time.Second},
		{"out of time", named, answers{"applications/web": then(before, nil)}, 0, "not deployed after 2m0s: web: waiting for 1111111, it is at 2222222", 121 * time.Second},
		{"a Pod that cannot start", named, answers{"applications/web": then(progressing, nil), "applications/web/resource-tree": func(time.Duration, *http.Request) any { return crashing }}, 0, `web: not deployed: web-1 (acme/web:1.4.2): Back-off pulling image "acme/web:1.4.2"`, 30 * time.Second},
		{"a broken chart", named, answers{"applications/web": then(broken, nil)}, 0, "web: not deployed: ComparisonError: helm template: exit status 1", 5 * time.Second},
		{"a broken chart that is mended", named, answers{"applications/web": then(broken, map[int]answer{4: done})}, 0, "web done", 4 * time.Second},
		{"nobody syncs", named, answers{"applications/web": then(manual, nil), "applications/web/resource-tree": list(), "applications/web/syncwindows": func(time.Duration, *http.Request) any { return `{"canSync": true}` }}, 0, "web: not deployed: OutOfSync, and nobody will sync it: the application has no automated sync", 10 * time.Second},
		{"we sync", named, answers{"applications/web": then(manual, map[int]answer{3: done}), "applications/web/syncwindows": list(), "applications/web/resource-tree": list(), "applications/web/sync": then(manual, nil)}, rollout.SyncByUs, "web done", 3 * time.Second},
		{"we may not sync", named, answers{"applications/web": then(manual, nil), "applications/web/syncwindows": list(), "applications/web/resource-tree": list()}, rollout.SyncByUs, "sync of application web: HTTP 403: permission denied", 0},
		{"superseded", named, answers{
			"applications/web":           then(answer{revision: newer, images: []string{"acme/web:1.4.3"}}, nil),
			"applications/web/manifests": func(time.Duration, *http.Request) any { return `{"manifests": ["{\"image\": \"acme/web:1.4.3\"}"]}` },
		}, 0, "web superseded", 0},
		{"overridden", named, answers{
			"applications/web":           then(answer{revision: ours, images: before.images}, nil),
			"applications/web/manifests": func(time.Duration, *http.Request) any { return `{"manifests": ["{\"image\": \"acme/web:1.4.1\"}"]}` },
		}, 0, "web: not deployed: has the commit, and runs acme/web:1.4.1, not acme/web:1.4.2", 0},
		{"an app of apps", []ID{{Name: "apps"}}, answers{
			"applications/apps":           then(answer{name: "apps", path: "apps", revision: ours, children: []string{"web", "db"}}, nil),
			"applications/apps/manifests": func(time.Duration, *http.Request) any { return `{}` },
			"applications/web":            then(oldChild, map[int]answer{3: child}),
			"applications/db":             then(answer{name: "db", images: []string{"postgres:17"}}, nil),
		}, 0, "apps done, web done", 3 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &scene{t: t, answers: test.answers}
			applications, err := s.wait(Waiter{Named: test.named, Trigger: test.trigger}, push, 2*time.Minute)
			var states []string
			for _, app := range applications {
				states = append(states, app.ID.Name+" "+app.State.String())
			}
			got := strings.Join(states, ", ")
			if err != nil {
				got = err.Error() + " hint: " + fault.HintOf(err)
			}
			if !strings.Contains(got, test.want) || s.clock != test.at {
				t.Errorf("%s at %v\nwant %s at %v", got, s.clock, test.want, test.at)
			}
		})
	}
}

// TestAnotherProjectIsNotFound holds that a project limits the search: here all
// applications are of shop.
func TestAnotherProjectIsNotFound(t *testing.T) {
	for project, want := range map[string]bool{"shop": true, "bank": false} {
		s := &scene{t: t, answers: answers{"applications": list(done), "applications/web": then(done, nil)}}
		_, err := s.wait(Waiter{Project: project}, push, time.Minute)
		if found := err == nil; found != want || !found && fault.KindOf(err) != fault.NotFound {
			t.Errorf("%s: %v", project, err)
		}
	}
}

// TestASyncIsAskedForOnce holds that an application which stays OutOfSync for a while after
// our sync is not synced at each look.
func TestASyncIsAskedForOnce(t *testing.T) {
	manual := answer{revision: ours, sync: "OutOfSync", images: before.images, manual: true}
	s := &scene{t: t, answers: answers{
		"applications/web": then(manual, map[int]answer{4: done}), "applications/web/sync": then(manual, nil),
		"applications/web/syncwindows": list(), "applications/web/resource-tree": list(),
	}}
	if _, err := s.wait(Waiter{Named: []ID{{Name: "web"}}, Trigger: rollout.SyncByUs}, push, time.Minute); err != nil {
		t.Fatal(err)
	}
	if asked := strings.Count(strings.Join(s.asked, "\n"), "POST applications/web/sync"); asked != 1 {
		t.Errorf("asked for %d syncs", asked)
	}
}

// TestStates holds what a look without a wait tells.
func TestStates(t *testing.T) {
	src, err := os.ReadFile(filepath.Join("..", "rollout", "testdata", "3.6", "app-bad-image.json"))
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{t: t, answers: answers{"applications/s2e-staging": func(time.Duration, *http.Request) any { return string(src) }}}
	w := Waiter{Client: clientOf(t, s.ServeHTTP), Named: []ID{{Name: "s2e-staging"}}}
	states, err := w.States(t.Context(), Push{})
	if err != nil || len(states) != 1 || states[0].IsHealthy() || states[0].Summary != "Synced, Degraded" {
		t.Errorf("%+v, %v", states, err)
	}
	if ids, err := w.Refresh(t.Context(), Push{}); err != nil || len(ids) != 1 {
		t.Errorf("%v, %v", ids, err)
	}
}
