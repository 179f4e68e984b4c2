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

// settle checks a repository after an update that something happened to: the
// branch is as before or has exactly the one right commit, and a second run ends
// with the right state.
func settle(t *testing.T, repo *testenv.GitRepo, p place, first error) {
	t.Helper()
	log := strings.Join(must(repo.Log("main"))(t), ",")
	if log != "first" && log != "web: 1.1,first" {
		t.Errorf("after the fault: commits %s", log)
	}
	if first == nil && log == "first" {
		t.Error("the update said that it landed, and it did not")
	}
	if err := update(t.Context(), p.url, p.opts); err != nil {
		t.Errorf("the second run: %v", err)
	}
	if log := strings.Join(must(repo.Log("main"))(t), ","); log != "web: 1.1,first" {
		t.Errorf("after the second run: commits %s", log)
	}
	if text := must(repo.File("main", target))(t); !strings.Contains(text, "2.0") {
		t.Errorf("after the second run: %s", text)
	}
	if err := repo.Fsck(); err != nil {
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

func TestACutConnectionLeavesTheBranchAsItWasOrRight(t *testing.T) {
	t.Parallel()
	s := testenv.StartGit(t)
	var sshd *testenv.SSHServer
	n := 0
	here := func(transport string) (*testenv.GitRepo, place, string) {
		n++
		name := fmt.Sprintf("x%d.git", n)
		repo := testenv.MustRepo(t, filepath.Join(s.Root, name), deep())
		if transport == "ssh" {
			return repo, place{repo, sshd.RepoURL(repo.Dir), gitrepo.Options{SSHKey: sshd.Key, HostKey: sshd.HostKey}}, sshd.Addr
		}
		return repo, place{repo, s.RepoURL(name), gitrepo.Options{Token: s.Token}}, strings.TrimPrefix(s.URL, "http://")
	}
	for _, transport := range []string{"http", "ssh"} {
		if transport == "ssh" {
			sshd = sharedSSH(t) // without sshd, what stands above still runs
		}
		_, p, addr := here(transport)
		whole := span(t, p, addr)
		for _, up := range []bool{true, false} {
			all := whole.Down
			if up {
				all = whole.Up
			}
			points := 9
			if transport == "ssh" {
				points = 4
			}
			for i := range points {
				repo, p, addr := here(transport)
				after := int(all) * i / points
				t.Run(fmt.Sprintf("%s, up %t, after %d of %d bytes", transport, up, after, all), func(t *testing.T) {
					t.Parallel()
					scissors := &scissors{up: up, after: after, always: i == points/2}
					link := testenv.StartLink(t, addr, testenv.LinkOptions{Cut: scissors.cut})
					err := update(t.Context(), strings.Replace(p.url, addr, link.Addr, 1), p.opts)
					if err != nil && !errors.Is(err, gitrepo.ErrUnavailable) {
						t.Errorf("got %v, want ErrUnavailable", err)
					}
					if err != nil && !scissors.always {
						t.Errorf("one cut was not survived: %v", err)
					}
					settle(t, repo, p, err)
				})
			}
		}
	}
}

func TestALostAnswerToAPushThatLandedIsASuccess(t *testing.T) {
	t.Parallel()
	s := testenv.StartGit(t)
	repo := testenv.MustRepo(t, filepath.Join(s.Root, "x.git"), deep())
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
	settle(t, repo, p, nil)
}

func TestALostAnswerBelowSomebodysCommitIsASuccess(t *testing.T) {
	t.Parallel()
	s := testenv.StartGit(t)
	repo := testenv.MustRepo(t, filepath.Join(s.Root, "x.git"), deep())
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
	for n := 1; n <= 5; n++ {
		for _, code := range []int{500, 502, 503, 401} {
			for _, always := range []bool{false, true} {
				if always && (code != 503 || n%2 == 0) || code == 401 && n%2 == 0 || code == 502 && n%2 == 1 {
					continue
				}
				t.Run(fmt.Sprintf("%d at request %d, always %t", code, n, always), func(t *testing.T) {
					t.Parallel()
					s := testenv.StartGit(t)
					repo := testenv.MustRepo(t, filepath.Join(s.Root, "x.git"), deep())
					s.Before(statusAt(n, code, always))
					p := place{repo, s.RepoURL("x.git"), gitrepo.Options{Token: s.Token}}
					err := update(t.Context(), p.url, p.opts)
					switch {
					case code == 401 && !errors.Is(err, gitrepo.ErrAuth):
						t.Errorf("got %v, want ErrAuth", err)
					case code != 401 && always && !errors.Is(err, gitrepo.ErrUnavailable):
						t.Errorf("got %v, want ErrUnavailable", err)
					case code != 401 && !always && err != nil:
						t.Errorf("one error was not survived: %v", err)
					}
					s.Before(nil)
					settle(t, repo, p, err)
				})
			}
		}
	}
}

func TestASilentServerEndsTheCall(t *testing.T) {
	t.Parallel()
	s := testenv.StartGit(t)
	repo := testenv.MustRepo(t, filepath.Join(s.Root, "x.git"), deep())
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
	repo := testenv.MustRepo(t, filepath.Join(s.Root, "x.git"), deep())
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

func TestAKilledUpdateLeavesTheBranchAsItWasOrRight(t *testing.T) {
	t.Parallel()
	s := testenv.StartGit(t)
	self := must(os.Executable())(t)
	for after := time.Duration(0); after < 160*time.Millisecond; after += 16 * time.Millisecond {
		name := fmt.Sprintf("x%d.git", after)
		repo := testenv.MustRepo(t, filepath.Join(s.Root, name), deep())
		p := place{repo, s.RepoURL(name), gitrepo.Options{Token: s.Token}}
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), killedURL+"="+p.url, "TAGBUMP_TEST_TOKEN="+s.Token)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		killer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		err := cmd.Wait()
		killer.Stop()
		settle(t, repo, p, err)
	}
}
