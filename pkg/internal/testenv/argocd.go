package testenv

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// An ArgoCDApp is one application of the fake. It follows main of a repository, and
// renders one file of it.
type ArgoCDApp struct {
	Name, Project string   // Project "" is default
	RepoURL       string   // as its spec writes it
	Repo          *GitRepo // from where it is read
	File          string   // whose images it runs, by "image: …" or "repository: …" and "tag: …"
	Manual        bool     // nobody syncs it
	Frozen        bool     // a sync window denies every sync
	Spec          map[string]any
	// BeforeRefresh is run once, before the first refresh: somebody pushes meanwhile.
	BeforeRefresh func()

	revision string           // that the last refresh saw
	live     []string         // images that run
	states   []map[string]any // of the status that come next; the last one stays
	pending  []bool           // whether each of them has an operation
	synced   bool             // a person asked for a sync
}

// An ArgoCD is a fake of Argo CD's API, which answers what a real one (3.6.1) does:
// a refresh sees the tip of main at once, and the states of a sync follow, one a look,
// with those in it by which a waiter is misled. Tags tell what becomes of a sync: one
// that begins with "bad" never starts, one with "refused" is not taken by the API
// server, and a file with the word BROKEN does not render.
type ArgoCD struct {
	// Before, when set, sees every request first and returns true when it has
	// answered it. Set it before the first request.
	Before func(http.ResponseWriter, *http.Request) bool
	// MaySync is whether the token has the right "applications, sync".
	MaySync bool

	token    string
	routes   *http.ServeMux
	mu       sync.Mutex
	apps     map[string]*ArgoCDApp
	requests []string
}

// NewArgoCD returns a fake without applications, which wants the token.
func NewArgoCD(token string) *ArgoCD {
	a := &ArgoCD{token: token, routes: http.NewServeMux(), apps: map[string]*ArgoCDApp{}, MaySync: true}
	a.routes.HandleFunc("GET /api/v1/applications", a.list)
	a.routes.HandleFunc("GET /api/v1/applications/{name}", a.with(a.get))
	a.routes.HandleFunc("GET /api/v1/applications/{name}/resource-tree", a.with(a.tree))
	a.routes.HandleFunc("GET /api/v1/applications/{name}/syncwindows", a.with(a.windows))
	a.routes.HandleFunc("GET /api/v1/applications/{name}/manifests", a.with(a.manifests))
	a.routes.HandleFunc("POST /api/v1/applications/{name}/sync", a.with(a.sync))
	return a
}

// Listen serves the fake on a loopback port until stop is called.
func (a *ArgoCD) Listen() (host string, stop func() error, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("argocd: %w", err)
	}
	server := &http.Server{Handler: a, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(listener) //nolint:errcheck // it ends with ErrServerClosed
	return listener.Addr().String(), server.Close, nil
}

// Add makes an application, settled on the present tip of main.
func (a *ArgoCD) Add(app ArgoCDApp) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if app.Project == "" {
		app.Project = "default"
	}
	tip, err := app.tip()
	if err != nil {
		return err
	}
	app.revision, app.live = tip, app.images(tip)
	app.follow(app.status("Synced", "Healthy", "Succeeded", app.live))
	a.apps[app.Name] = &app
	return nil
}

// Requests returns the requests so far, in order: "GET /api/v1/applications/web?refresh=normal".
func (a *ArgoCD) Requests() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.requests)
}

// ServeHTTP answers one request.
func (a *ArgoCD) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.requests = append(a.requests, strings.TrimSuffix(r.Method+" "+r.URL.Path+"?"+r.URL.RawQuery, "?"))
	if a.Before != nil && a.Before(w, r) {
		return
	}
	switch token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); {
	case r.Method != http.MethodGet && r.Header.Get("Content-Type") != "application/json":
		http.Error(w, "Invalid content type", http.StatusUnsupportedMediaType)
	case !found:
		refuseRPC(w, http.StatusUnauthorized, 16, "no session information")
	case token != a.token:
		refuseRPC(w, http.StatusUnauthorized, 16, "invalid session: token is malformed: token contains an invalid number of segments")
	default:
		a.routes.ServeHTTP(w, r)
	}
}

func refuseRPC(w http.ResponseWriter, status, code int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": text, "code": code, "message": text})
}

// with finds the application. Without the project a missing one looks like one that
// the token may not see.
func (a *ArgoCD) with(handle func(http.ResponseWriter, *http.Request, *ArgoCDApp)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		app, found := a.apps[r.PathValue("name")]
		project := r.URL.Query().Get("project")
		switch {
		case !found && project != "":
			refuseRPC(w, http.StatusNotFound, 5, fmt.Sprintf("applications.argoproj.io %q not found", r.PathValue("name")))
		case !found || project != "" && project != app.Project:
			refuseRPC(w, http.StatusForbidden, 7, "permission denied")
		default:
			handle(w, r, app)
		}
	}
}

func (a *ArgoCD) list(w http.ResponseWriter, _ *http.Request) {
	items := []any{}
	for _, name := range slices.Sorted(maps.Keys(a.apps)) {
		items = append(items, a.apps[name].whole())
	}
	answerJSON(w, http.StatusOK, map[string]any{"metadata": map[string]any{}, "items": items})
}

func (a *ArgoCD) get(w http.ResponseWriter, r *http.Request, app *ArgoCDApp) {
	if refresh := r.URL.Query().Get("refresh"); refresh != "" {
		if app.BeforeRefresh != nil {
			app.BeforeRefresh()
			app.BeforeRefresh = nil
		}
		if tip, err := app.tip(); err == nil && tip != app.revision {
			app.see(tip)
		}
	}
	answerJSON(w, http.StatusOK, app.whole())
	if len(app.states) > 1 {
		app.states, app.pending = app.states[1:], app.pending[1:]
	}
}

// see compares the application with a new revision, and queues what follows.
func (app *ArgoCDApp) see(revision string) {
	old := app.live
	content, err := app.content(revision)
	if err != nil || strings.Contains(content, "BROKEN") {
		broken := app.status("Unknown", "Healthy", "Succeeded", old)
		broken["sync"] = map[string]any{"status": "Unknown", "revision": "main"}
		broken["conditions"] = []any{map[string]any{"type": "ComparisonError", "message": "Failed to load target state: failed to generate manifest for source 1 of 1: helm template . failed exit status 1: Error: image.digest is needed"}}
		app.states, app.pending = []map[string]any{broken}, []bool{false}
		return
	}
	app.revision = revision
	wanted := app.images(revision)
	app.states, app.pending = nil, nil
	switch {
	case slices.Equal(wanted, old):
		app.follow(app.status("Synced", "Healthy", "Succeeded", old))
	case app.Manual && !app.synced, app.Frozen:
		app.follow(app.status("OutOfSync", "Healthy", "Succeeded", old))
	default:
		app.rollOut(old, wanted)
	}
}

// rollOut queues the states of a sync.
func (app *ArgoCDApp) rollOut(old, wanted []string) {
	app.follow(app.status("OutOfSync", "Healthy", "Running", old), true)
	tag := tagOf(wanted)
	switch {
	case strings.HasPrefix(tag, "refused"):
		for retry := 1; retry <= 2; retry++ {
			refused := app.status("OutOfSync", "Healthy", "Running", old)
			operation := refused["operationState"].(map[string]any)
			operation["retryCount"] = retry
			operation["message"] = fmt.Sprintf("one or more objects failed to apply. Retrying attempt #%d.", retry)
			operation["syncResult"].(map[string]any)["resources"] = []any{map[string]any{
				"kind": "Deployment", "name": app.Name, "status": "SyncFailed", "message": "spec.template.spec.containers[0].ports[0].containerPort: Invalid value: 99999",
			}}
			app.follow(refused, true)
		}
		return
	case strings.HasPrefix(tag, "bad"):
		app.follow(app.status("Synced", "Progressing", "Succeeded", append(slices.Clone(old), wanted...)))
		degraded := app.status("Synced", "Degraded", "Succeeded", append(slices.Clone(old), wanted...))
		degraded["resources"] = []any{map[string]any{
			"group": "apps", "kind": "Deployment", "name": app.Name, "status": "Synced",
			"health": map[string]any{"status": "Degraded", "message": fmt.Sprintf("Deployment %q exceeded its progress deadline", app.Name)},
		}}
		app.follow(degraded)
	default:
		app.follow(app.status("OutOfSync", "Healthy", "Succeeded", old)) // the rollout has not begun
		app.follow(app.status("Synced", "Progressing", "Succeeded", append(slices.Clone(old), wanted...)))
		app.follow(app.status("Synced", "Healthy", "Succeeded", wanted))
	}
	app.live = wanted
}

// follow queues a state, with an operation when one is named.
func (app *ArgoCDApp) follow(status map[string]any, operation ...bool) {
	app.states = append(app.states, status)
	app.pending = append(app.pending, len(operation) > 0)
}

func (app *ArgoCDApp) status(sync, health, phase string, images []string) map[string]any {
	return map[string]any{
		"sync":           map[string]any{"status": sync, "revision": app.revision},
		"health":         map[string]any{"status": health},
		"summary":        map[string]any{"images": images},
		"operationState": map[string]any{"phase": phase, "syncResult": map[string]any{"revision": app.revision}},
		"sourceType":     "Directory",
	}
}

func (app *ArgoCDApp) whole() map[string]any {
	spec := app.Spec
	if spec == nil {
		spec = map[string]any{"source": map[string]any{"repoURL": app.RepoURL, "path": path.Dir(app.File), "targetRevision": "main"}}
	}
	spec = maps.Clone(spec)
	spec["project"] = app.Project
	if !app.Manual {
		spec["syncPolicy"] = map[string]any{"automated": map[string]any{"prune": true, "selfHeal": true}}
	}
	whole := map[string]any{
		"metadata": map[string]any{"name": app.Name, "namespace": "argocd"}, "spec": spec, "status": app.states[0],
	}
	if app.pending[0] {
		whole["operation"] = map[string]any{"sync": map[string]any{"revision": app.revision}}
	}
	return whole
}

func (a *ArgoCD) tree(w http.ResponseWriter, _ *http.Request, app *ArgoCDApp) {
	nodes := []any{}
	for i, image := range app.live {
		health := map[string]any{"status": "Healthy"}
		if strings.HasPrefix(tagOf([]string{image}), "bad") {
			health = map[string]any{"status": "Degraded", "message": fmt.Sprintf("Back-off pulling image %q", image)}
		}
		nodes = append(nodes, map[string]any{"kind": "Pod", "name": fmt.Sprintf("%s-6d4cf56db6-%d", app.Name, i), "images": []string{image}, "health": health})
	}
	answerJSON(w, http.StatusOK, map[string]any{"nodes": nodes})
}

func (a *ArgoCD) windows(w http.ResponseWriter, _ *http.Request, app *ArgoCDApp) {
	if !app.Frozen {
		answerJSON(w, http.StatusOK, map[string]any{"canSync": true})
		return
	}
	deny := []any{map[string]any{"kind": "deny", "schedule": "* * * * *", "duration": "1h", "manualSync": false}}
	answerJSON(w, http.StatusOK, map[string]any{"activeWindows": deny, "assignedWindows": deny, "canSync": false})
}

func (a *ArgoCD) manifests(w http.ResponseWriter, r *http.Request, app *ArgoCDApp) {
	revision := r.URL.Query().Get("revision")
	content, err := app.content(revision)
	if err != nil {
		refuseRPC(w, http.StatusBadRequest, 9, "unable to resolve "+revision+" to a commit")
		return
	}
	manifests := []string{}
	for _, image := range imagesOf(content) {
		manifest, _ := json.Marshal(map[string]any{
			"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": app.Name},
			"spec": map[string]any{"template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": "app", "image": image}}}}},
		})
		manifests = append(manifests, string(manifest))
	}
	secret := `{"apiVersion":"v1","kind":"Secret","metadata":{"name":"db"},"data":{"password":"++++++++"}}` // as the real one masks it
	answerJSON(w, http.StatusOK, map[string]any{"manifests": append(manifests, secret), "revision": revision, "sourceType": "Directory"})
}

func (a *ArgoCD) sync(w http.ResponseWriter, _ *http.Request, app *ArgoCDApp) {
	switch {
	case !a.MaySync:
		refuseRPC(w, http.StatusForbidden, 7, fmt.Sprintf("permission denied: applications, sync, %s/%s, sub: ci, iat: 2026-11-26T13:02:27Z", app.Project, app.Name))
	case app.Frozen:
		refuseRPC(w, http.StatusForbidden, 7, "cannot sync: blocked by sync window")
	case app.pending[0]:
		refuseRPC(w, http.StatusBadRequest, 9, "another operation is already in progress")
	default:
		app.synced = true
		app.see(app.revision)
		answerJSON(w, http.StatusOK, app.whole())
	}
}

func (app *ArgoCDApp) tip() (string, error) {
	tip, err := app.Repo.Tip("main")
	return strings.TrimSpace(tip), err
}

// content returns the file at a revision.
func (app *ArgoCDApp) content(revision string) (string, error) {
	return app.Repo.Git("show", revision+":"+app.File)
}

func (app *ArgoCDApp) images(revision string) []string {
	content, err := app.content(revision)
	if err != nil {
		return nil
	}
	return imagesOf(content)
}

var (
	wholeImage = regexp.MustCompile(`(?m)^\s*(?:- )?image:\s*["']?([^\s"'#]+:[^\s"'#]+)`)
	splitImage = regexp.MustCompile(`repository:\s*["']?([^\s"'#]+)["']?\s*\n\s*tag:\s*["']?([^\s"'#]+)`)
)

// imagesOf returns the images that a file names.
func imagesOf(content string) []string {
	images := []string{}
	for _, match := range wholeImage.FindAllStringSubmatch(content, -1) {
		images = append(images, match[1])
	}
	for _, match := range splitImage.FindAllStringSubmatch(content, -1) {
		images = append(images, match[1]+":"+match[2])
	}
	return images
}

func tagOf(images []string) string {
	if len(images) == 0 {
		return ""
	}
	return images[0][strings.LastIndexByte(images[0], ':')+1:]
}
