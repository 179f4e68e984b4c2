package argocd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// serve serves a handler on a loopback port until the tests end, and returns
// HOST:PORT.
func serve(handler http.Handler) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = server.Serve(listener) }()
	return listener.Addr().String(), nil
}

// A gitServer is git's own http-backend over the repositories in a folder.
type gitServer struct {
	root, address string
	isDown        atomic.Bool // answers 502, as a proxy before a git server that is gone
}

func startGit(root string) (*gitServer, error) {
	out, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		return nil, err
	}
	backend := &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"),
		Env: []string{
			"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "HOME=" + root, "GIT_CONFIG_NOSYSTEM=1", "REMOTE_USER=rig",
			"GIT_CONFIG_COUNT=3", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
			"GIT_CONFIG_KEY_1=uploadpack.allowFilter", "GIT_CONFIG_VALUE_1=true", // as the forges do
			"GIT_CONFIG_KEY_2=uploadpack.allowAnySHA1InWant", "GIT_CONFIG_VALUE_2=true",
		},
		InheritEnv: []string{"PATH"}, Stderr: io.Discard, Logger: log.New(io.Discard, "", 0),
	}
	s := &gitServer{root: root}
	s.address, err = serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.isDown.Load() {
			http.Error(w, "no git server behind this proxy", http.StatusBadGateway)
			return
		}
		backend.ServeHTTP(w, r)
	}))
	return s, err
}

// url returns the address of a repository.
func (s *gitServer) url(repository string) string {
	return "http://" + s.address + "/acme/" + repository + ".git"
}

// startRegistry serves an empty registry, and returns HOST:PORT.
func startRegistry() (string, error) {
	return serve(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
}

// pushImages pushes a small image under each tag.
func pushImages(repository string, tags ...string) error {
	repo, err := name.NewRepository(repository)
	if err != nil {
		return err
	}
	for i, tag := range tags {
		config := &v1.ConfigFile{
			Architecture: "amd64", OS: "linux", RootFS: v1.RootFS{Type: "layers"},
			Created: v1.Time{Time: time.Date(2024, 6, 15, 12, 30+i, 0, 0, time.UTC)},
		}
		image, err := mutate.ConfigFile(empty.Image, config)
		if err != nil {
			return err
		}
		if err := remote.Write(repo.Tag(tag), image); err != nil {
			return err
		}
	}
	return nil
}

// A pulls is as much of GitHub's API as it takes to open a pull request.
type pulls struct {
	mu   sync.Mutex
	body string // of the pull request that was opened
}

// start returns the root of the API.
func (p *pulls) start(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /repos/acme/{name}/pulls", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "[]") })
	mux.HandleFunc("POST /repos/acme/{name}/pulls", func(w http.ResponseWriter, r *http.Request) {
		var request struct{ Title, Body, Head, Base string }
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		p.mu.Lock()
		p.body = request.Body
		p.mu.Unlock()
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(map[string]any{
			"number": 1, "state": "open", "title": request.Title, "body": request.Body, "html_url": "http://github.example/acme/charts/pull/1",
			"head": map[string]any{"ref": request.Head}, "base": map[string]any{"ref": request.Base},
		})
	})
	address, err := serve(mux)
	if err != nil {
		t.Fatal(err)
	}
	return "http://" + address
}

func (p *pulls) opened() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.body
}

// A tape is a proxy before Argo CD that keeps what a run of tagbump asked and got. With
// TAPES=DIR it writes them there.
type tape struct {
	address string
	start   time.Time
	mu      sync.Mutex
	answers []answer
}

// An answer is one answer of Argo CD's API.
type answer struct {
	At      float64         `json:"at"` // seconds since the tape began
	Request string          `json:"request"`
	Status  int             `json:"status"`
	Body    json.RawMessage `json:"body"`
}

// newTape returns a tape that begins now. The functions, where there are any, are called
// before the first refresh is passed on, and once it is answered.
func newTape(t *testing.T, argocd string, before, after func()) *tape {
	t.Helper()
	tp := &tape{start: time.Now()}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: argocd})
	proxy.ModifyResponse = func(resp *http.Response) error {
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return err
		}
		resp.Body = io.NopCloser(bytes.NewReader(body))
		tp.keep(resp, body)
		return nil
	}
	var err error
	var once sync.Once
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Accept-Encoding") // to read the tape
		if !r.URL.Query().Has("refresh") {
			proxy.ServeHTTP(w, r)
			return
		}
		isFirst := false
		once.Do(func() { isFirst = true })
		if isFirst && before != nil {
			before()
		}
		proxy.ServeHTTP(w, r)
		if isFirst && after != nil {
			after()
		}
	})
	if tp.address, err = serve(handler); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tp.write(t) })
	return tp
}

func (tp *tape) keep(resp *http.Response, body []byte) {
	if !json.Valid(body) {
		body, _ = json.Marshal(string(body))
	}
	tp.mu.Lock()
	defer tp.mu.Unlock()
	tp.answers = append(tp.answers, answer{
		time.Since(tp.start).Seconds(), resp.Request.Method + " " + resp.Request.URL.RequestURI(), resp.StatusCode, body,
	})
}

// write writes the tape, one answer a line, and for a person what changed.
func (tp *tape) write(t *testing.T) {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	if t.Failed() {
		for _, a := range tp.answers {
			t.Logf("%6.2f s: %d %s%s", a.At, a.Status, a.Request, brief(a.Body))
		}
	}
	dir := os.Getenv("TAPES")
	if dir == "" || len(tp.answers) == 0 {
		return
	}
	var b bytes.Buffer
	for _, a := range tp.answers {
		line, _ := json.Marshal(a)
		fmt.Fprintf(&b, "%s\n", line)
	}
	file := filepath.Join(dir, fmt.Sprintf("%s-%s.jsonl", strings.ReplaceAll(t.Name(), "/", "-"), tp.start.Format("150405.000")))
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Log(err)
	}
}

// brief returns the parts of an application that change while it is synced.
func brief(body []byte) string {
	var app application
	if json.Unmarshal(body, &app) != nil || app.Status.Sync.Status == "" {
		return ""
	}
	var conditions []string
	for _, c := range app.Status.Conditions {
		conditions = append(conditions, c.Type+": "+c.Message)
	}
	return fmt.Sprintf(": %.8s%v %s, %s, op %s %.8s (%s, retry %d), pending %t, %v %v", app.Status.Sync.Revision, app.Status.Sync.Revisions, app.Status.Sync.Status,
		app.Status.Health.Status, app.Status.OperationState.Phase, app.Status.OperationState.SyncResult.Revision, app.Status.OperationState.Message,
		app.Status.OperationState.RetryCount, app.Operation != nil, app.Status.Summary.Images, conditions)
}

// An application is what the tests read of Argo CD's answers.
type application struct {
	Operation any
	Status    struct {
		Sync struct {
			Status, Revision string
			Revisions        []string
		}
		Health         struct{ Status string }
		OperationState struct {
			Phase, Message string
			RetryCount     int
			SyncResult     struct{ Revision string }
		}
		Summary    struct{ Images []string }
		Conditions []struct{ Type, Message string }
	}
}
