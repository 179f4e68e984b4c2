package gitrepo_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/gitrepo"
	"github.com/tagbump/tagbump/pkg/internal/delay"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// update is what a pipeline does, and does again when it is re-run: it sets the
// tag unless it is set.
func update(ctx context.Context, url string, opts gitrepo.Options) error {
	r, err := gitrepo.Open(url, opts)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	return retried(ctx, func() error {
		tree, err := r.Read(ctx, gitrepo.Revision{Branch: "main"}, files.MustSelect(target))
		if err != nil {
			return err
		}
		old, err := tree.ReadFile(target)
		if err != nil || strings.Contains(string(old), "2.0") {
			return err
		}
		_, err = r.Push(ctx, tree, commitOf(map[string]string{target: strings.Replace(string(old), "1.0", "2.0", 1)}))
		return err
	})
}

// retried runs attempt until it does not end in a lost race, as the conductor does.
func retried(ctx context.Context, attempt func() error) error {
	var slots delay.Slots
	for try := 1; ; try++ {
		start := time.Now()
		err := attempt()
		if !errors.Is(err, gitrepo.ErrMoved) || try == 10 {
			return err
		}
		if err := delay.For(ctx, slots.Next(try, time.Since(start))); err != nil {
			return err
		}
	}
}

// settle checks a repository after an update that something happened to: the branch is as
// before or has exactly the one right commit, and a second run ends with the right state.
func settle(t *testing.T, p place, first error) {
	t.Helper()
	log := strings.Join(must(p.repo.Log("main"))(t), ",")
	if log != "first" && log != "web: 1.1,first" {
		t.Errorf("after the fault: commits %s", log)
	}
	if first == nil && log == "first" {
		t.Error("the update said that it landed, and it did not")
	}
	if err := update(t.Context(), p.url, p.opts); err != nil {
		t.Errorf("the second run: %v", err)
	}
	if log := strings.Join(must(p.repo.Log("main"))(t), ","); log != "web: 1.1,first" {
		t.Errorf("after the second run: commits %s", log)
	}
	if text := must(p.repo.File("main", target))(t); !strings.Contains(text, "2.0") {
		t.Errorf("after the second run: %s", text)
	}
	if err := p.repo.Fsck(); err != nil {
		t.Error(err)
	}
}

// A scissors cuts a link after so many bytes of one direction: once, or every
// connection.
type scissors struct {
	mu     sync.Mutex
	up     bool
	after  int
	always bool
	seen   int
	done   bool
}

func (s *scissors) cut(up bool, data []byte) (int, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if up != s.up || s.done {
		return len(data), false
	}
	if s.seen+len(data) <= s.after {
		s.seen += len(data)
		return len(data), false
	}
	pass := max(0, s.after-s.seen)
	s.seen += pass
	s.done = !s.always
	return pass, true
}

// span is how many bytes an update without faults moves each way.
func span(t *testing.T, p place, addr string) testenv.LinkStats {
	t.Helper()
	link := testenv.StartLink(t, addr, testenv.LinkOptions{})
	if err := update(t.Context(), strings.Replace(p.url, addr, link.Addr, 1), p.opts); err != nil {
		t.Fatal(err)
	}
	return link.Take()
}

// faults gives each row of a test a repository of its own on shared servers.
type faults struct {
	web *testenv.GitServer
	ssh *testenv.SSHServer
	n   int
}

// place makes a new repository and returns how to reach it, and the server's address.
func (f *faults) place(t *testing.T, transport string) (place, string) {
	t.Helper()
	f.n++
	name := fmt.Sprintf("x%d.git", f.n)
	repo := repoOf(t, filepath.Join(f.web.Root, name), deep())
	if transport == "ssh" {
		return place{repo, f.ssh.RepoURL(repo.Dir), gitrepo.Options{SSHKey: f.ssh.Key, HostKey: f.ssh.HostKey}}, f.ssh.Addr
	}
	return place{repo, f.web.RepoURL(name), gitrepo.Options{Token: f.web.Token}}, strings.TrimPrefix(f.web.URL, "http://")
}

const (
	up   = true // from the client to the server
	down = false
)

func TestACutConnectionLeavesTheBranchAsItWasOrRight(t *testing.T) {
	t.Parallel()
	tests := []struct {
		transport string
		direction bool
		percent   []int // of an update's bytes after which the connection is cut once
		always    []int // the same, and every later connection, too
	}{
		{"http", up, []int{0, 40, 70, 85, 95}, []int{60}},
		{"http", down, []int{0, 30, 60, 90, 99}, []int{60}},
		{"ssh", up, []int{0, 60, 95}, []int{50}},
		{"ssh", down, []int{0, 60, 95}, []int{50}},
	}
	f := &faults{web: testenv.StartGit(t)}
	for _, test := range tests {
		if test.transport == "ssh" {
			if testing.Short() {
				continue
			}
			f.ssh = sharedSSH(t) // without sshd, the rows above have still run
		}
		p, addr := f.place(t, test.transport)
		whole := span(t, p, addr)
		bytes := int(whole.Down)
		if test.direction == up {
			bytes = int(whole.Up)
		}
		for i, percent := range append(test.percent, test.always...) {
			p, addr := f.place(t, test.transport)
			cut := &scissors{up: test.direction, after: bytes * percent / 100, always: i >= len(test.percent)}
			t.Run(fmt.Sprintf("%s, up %t, after %d %%, always %t", test.transport, test.direction, percent, cut.always), func(t *testing.T) {
				t.Parallel()
				link := testenv.StartLink(t, addr, testenv.LinkOptions{Cut: cut.cut})
				err := update(t.Context(), strings.Replace(p.url, addr, link.Addr, 1), p.opts)
				if err != nil && !errors.Is(err, gitrepo.ErrUnavailable) {
					t.Errorf("got %v, want ErrUnavailable", err)
				}
				if err != nil && !cut.always {
					t.Errorf("one cut was not survived: %v", err)
				}
				settle(t, p, err)
			})
		}
	}
}

func TestALostAnswerToAPushThatLandedIsASuccess(t *testing.T) {
	t.Parallel()
	s := testenv.StartGit(t)
	repo := repoOf(t, filepath.Join(s.Root, "x.git"), deep())
	s.Before(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "receive-pack") {
			return false
		}
		s.Backend(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	})
	p := place{repo, s.RepoURL("x.git"), gitrepo.Options{Token: s.Token}}
	if err := update(t.Context(), p.url, p.opts); err != nil {
		t.Error(err)
	}
	s.Before(nil)
	settle(t, p, nil)
}

func TestALostAnswerBelowSomebodysCommitIsASuccess(t *testing.T) {
	t.Parallel()
	s := testenv.StartGit(t)
	repo := repoOf(t, filepath.Join(s.Root, "x.git"), deep())
	s.Before(func(_ http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "receive-pack") {
			return false
		}
		s.Backend(httptest.NewRecorder(), r)
		must(repo.Commit("main", "else", map[string]string{"else.yaml": "a: b\n"}))(t)
		panic(http.ErrAbortHandler)
	})
	r := open(t, place{repo, s.RepoURL("x.git"), gitrepo.Options{Token: s.Token}})
	hash, err := r.Push(t.Context(), read(t, r, "main", target), commitOf(map[string]string{target: "tag: 2\n"}))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(must(repo.Log("main"))(t), ","); got != "else,web: 1.1,first" {
		t.Errorf("commits %s", got)
	}
	if parent := strings.TrimSpace(must(repo.Git("rev-parse", "main^"))(t)); parent != hash {
		t.Errorf("Push said %s, and the commit is %s", hash, parent)
	}
}

// statusAt answers the nth request with a status: only that one, or all from it.
func statusAt(n, code int, always bool) func(http.ResponseWriter, *http.Request) bool {
	var mu sync.Mutex
	seen := 0
	return func(w http.ResponseWriter, _ *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		seen++
		if seen < n || seen > n && !always {
			return false
		}
		http.Error(w, "it is the server", code)
		return true
	}
}

func TestAServerErrorAtAnyRequestIsSurvivedOrNamed(t *testing.T) {
	t.Parallel()
	// The requests of an update: refs, two for trees, one for the file, the push.
	tests := []struct {
		request int
		code    int
		always  bool
		want    error
	}{
		{1, 500, once, nil},
		{2, 500, once, nil},
		{4, 502, once, nil},
		{5, 500, once, nil},
		{5, 503, once, nil},
		{1, 503, always, gitrepo.ErrUnavailable},
		{3, 503, always, gitrepo.ErrUnavailable},
		{5, 503, always, gitrepo.ErrUnavailable},
		{1, 401, once, gitrepo.ErrAuth},
		{3, 401, once, gitrepo.ErrAuth},
		{5, 401, once, gitrepo.ErrAuth},
		{5, 403, always, gitrepo.ErrAuth},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%d at request %d, always %t", test.code, test.request, test.always), func(t *testing.T) {
			t.Parallel()
			f := &faults{web: testenv.StartGit(t)}
			p, _ := f.place(t, "http")
			f.web.Before(statusAt(test.request, test.code, test.always))
			err := update(t.Context(), p.url, p.opts)
			if !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			f.web.Before(nil)
			settle(t, p, err)
		})
	}
}

const (
	once   = false
	always = true
)

func TestASilentServerEndsTheCall(t *testing.T) {
	t.Parallel()
	s := testenv.StartGit(t)
	repo := repoOf(t, filepath.Join(s.Root, "x.git"), deep())
	s.Before(func(_ http.ResponseWriter, r *http.Request) bool {
		<-r.Context().Done()
		return true
	})
	p := place{repo, s.RepoURL("x.git"), gitrepo.Options{Token: s.Token, Timeout: 200 * time.Millisecond}}
	_, err := open(t, p).Read(t.Context(), gitrepo.Revision{Branch: "main"}, files.Selection{})
	if !errors.Is(err, gitrepo.ErrUnavailable) || !strings.HasSuffix(err.Error(), ": the server has fallen silent") {
		t.Errorf("got %v", err)
	}
	if got := len(s.Requests()); got > 1 {
		t.Errorf("a silent server was asked %d times", got)
	}
}

func TestRetryAfterIsWaitedForWhenItIsShort(t *testing.T) {
	t.Parallel()
	s := testenv.StartGit(t)
	repo := repoOf(t, filepath.Join(s.Root, "x.git"), deep())
	limited := func(after string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("Retry-After", after)
			return statusAt(1, http.StatusTooManyRequests, true)(w, r)
		}
	}
	s.Before(limited("3600"))
	p := place{repo, s.RepoURL("x.git"), gitrepo.Options{Token: s.Token}}
	_, err := open(t, p).Read(t.Context(), gitrepo.Revision{Branch: "main"}, files.Selection{})
	if !errors.Is(err, gitrepo.ErrUnavailable) || !strings.HasSuffix(err.Error(), ": 429 Too Many Requests: it is the server") {
		t.Errorf("got %v", err)
	}
	if got := len(s.Requests()); got != 1 {
		t.Errorf("%d requests, want 1", got)
	}
}

// A kill that comes while the server has the push is the one that matters: the rows say
// when it comes, and the test fails when the process had ended before.
func TestAKilledUpdateLeavesTheBranchAsItWasOrRight(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		path   string // of the request at which the process is killed
		after  bool   // when the server has done its work, and before it answers
		pushed bool
	}{
		{"while it reads", "/git-upload-pack", false, false},
		{"when the push has arrived", "/git-receive-pack", false, true},
		{"when the push was made", "/git-receive-pack", true, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := &faults{web: testenv.StartGit(t)}
			p, _ := f.place(t, "http")
			cmd := exec.Command(must(os.Executable())(t))
			cmd.Env = append(os.Environ(), killedURL+"="+p.url, "TAGBUMP_TEST_TOKEN="+f.web.Token)
			var hits atomic.Int32
			started := make(chan struct{})
			f.web.Before(func(_ http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, test.path) {
					return false
				}
				if test.after {
					f.web.Backend(httptest.NewRecorder(), r)
				}
				<-started
				if cmd.Process.Kill() == nil {
					hits.Add(1)
				}
				return test.after
			})
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			close(started)
			err := cmd.Wait()
			if hits.Load() == 0 || err == nil || err.Error() != "signal: killed" {
				t.Fatalf("the kill did not hit: %v", err)
			}
			f.web.Before(nil)
			if test.pushed {
				awaitTip(t, p.repo)
			}
			settle(t, p, err)
		})
	}
}

// awaitTip waits until the push of a killed process, which the server goes on with, has
// landed.
func awaitTip(t *testing.T, repo *testenv.GitRepo) {
	t.Helper()
	for range 500 {
		if log := must(repo.Log("main"))(t); len(log) == 2 {
			return
		}
		if err := delay.For(t.Context(), 10*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the push never landed")
}
