package gitrepo_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/gitrepo"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// deep is a repository whose target is six components down, among neighbours.
func deep() map[string]string {
	noise := rand.New(rand.NewSource(1))
	files := map[string]string{"README.md": "# deep\n"}
	for team := range 3 {
		for svc := range 4 {
			for _, env := range []string{"dev", "prod"} {
				files[fmt.Sprintf("apps/team-%d/svc-%d/envs/%s/values.yaml", team, svc, env)] = fmt.Sprintf("# %d %d\ntag: \"1.0\"\n", team, svc)
			}
		}
	}
	blob := make([]byte, 300<<10)
	noise.Read(blob)
	files["charts/a.tgz"] = string(blob)
	return files
}

// assets are many files that are small one by one.
func assets() map[string]string {
	noise := rand.New(rand.NewSource(2))
	files := map[string]string{}
	for i := range 80 {
		data := make([]byte, 20<<10)
		noise.Read(data)
		files[fmt.Sprintf("a-assets/%02d.png", i)] = string(data)
	}
	return files
}

const target = "apps/team-1/svc-2/envs/prod/values.yaml"

// version0 makes the server one that has not heard of version 2.
func version0(_ http.ResponseWriter, r *http.Request) bool {
	r.Header.Del("Git-Protocol")
	return false
}

// breaksOver2 makes the server one that answers what it does not know with 500.
func breaksOver2(*testenv.GitServer) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		r.Header.Del("Git-Protocol")
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		unknown := bytes.Contains(body, []byte("command="))
		if unknown {
			http.Error(w, "what?", http.StatusInternalServerError)
		}
		return unknown
	}
}

// withoutShallow makes the server a version 0 one that knows no shallow clones.
func withoutShallow(s *testenv.GitServer) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		r.Header.Del("Git-Protocol")
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if bytes.Contains(body, []byte("deepen")) || bytes.Contains(body, []byte("command=")) {
			return true // an empty answer
		}
		if r.Method != http.MethodGet {
			return false
		}
		answer := httptest.NewRecorder()
		s.Backend(answer, r)
		w.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
		text := strings.Replace(answer.Body.String(), " shallow ", " shallXw ", 1)
		_, _ = io.WriteString(w, text)
		return true
	}
}

func TestEachRungOfTheLadderReadsAndPushes(t *testing.T) {
	tests := []struct {
		name     string
		big      bool   // too big to be taken whole
		config   string // of the repository
		hook     func(*testenv.GitServer) func(http.ResponseWriter, *http.Request) bool
		rung     string
		requests int // of two bumps; the second is always two
	}{
		{name: "all allowed", rung: "look", requests: 7},
		{name: "any object refused", config: "uploadpack.allowAnySHA1InWant false", rung: "look", requests: 7},
		{name: "deep tree filters refused", config: "uploadpackfilter.tree.maxDepth 0", rung: "sweep", requests: 6},
		{name: "tree filters refused", config: "uploadpackfilter.tree.allow false", rung: "sweep", requests: 6},
		{name: "deep tree filters refused, big", big: true, config: "uploadpackfilter.tree.maxDepth 0", rung: "branch", requests: 8},
		{name: "tree filters refused, big", big: true, config: "uploadpackfilter.tree.allow false", rung: "blobless", requests: 10},
		{name: "filters refused", config: "uploadpack.allowFilter false", rung: "stream", requests: 8},
		{name: "version 0", hook: func(*testenv.GitServer) func(http.ResponseWriter, *http.Request) bool { return version0 }, rung: "look", requests: 8},
		{name: "version 0, filters refused", config: "uploadpack.allowFilter false", hook: func(*testenv.GitServer) func(http.ResponseWriter, *http.Request) bool { return version0 }, rung: "stream", requests: 8},
		{name: "version 0, breaks over version 2", hook: breaksOver2, rung: "look", requests: 8},
		{name: "version 0, no shallow clones", config: "uploadpack.allowFilter false", hook: withoutShallow, rung: "full", requests: 7},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := testenv.StartGit(t)
			repo := repoOf(t, filepath.Join(s.Root, "x.git"), deep())
			must(repo.Commit("main", "second", map[string]string{target: "tag: \"1.1\"\n", "more.yaml": "a: b\n"}))(t)
			if test.big {
				must(repo.Commit("main", "third", assets()))(t)
			}
			if name, value, is := strings.Cut(test.config, " "); is {
				must(repo.Git("config", name, value))(t)
			}
			if test.hook != nil {
				s.Before(test.hook(s))
			}
			r := open(t, place{repo, s.RepoURL("x.git"), gitrepo.Options{Token: s.Token}})
			bump(t, r, repo)
			if r.Rung() != test.rung {
				t.Errorf("at rung %q, want %q", r.Rung(), test.rung)
			}
			if got := s.Requests(); len(got) != test.requests {
				t.Errorf("%d requests, want %d:\n%v", len(got), test.requests, got)
			}
		})
	}
}

func TestAnOldSSHServerThatTakesNoObjectIDs(t *testing.T) {
	if testing.Short() {
		t.Skip("slow")
	}
	t.Parallel()
	s := testenv.StartSSH(t, testenv.SSHOptions{Version0: true})
	for rung, files := range map[string]map[string]string{"sweep": {}, "whole": assets()} {
		repo := repoOf(t, filepath.Join(t.TempDir(), "x.git"), deep())
		must(repo.Commit("main", "second", files))(t)
		must(repo.Git("config", "uploadpack.allowAnySHA1InWant", "false"))(t)
		r := open(t, place{repo, s.RepoURL(repo.Dir), gitrepo.Options{SSHKey: s.Key, KnownHosts: s.KnownHosts}})
		bump(t, r, repo)
		if r.Rung() != rung {
			t.Errorf("at rung %q, want %q", r.Rung(), rung)
		}
	}
}

// bump changes the target twice, and checks that git sees one file change each
// time.
func bump(t *testing.T, r *gitrepo.Repo, repo *testenv.GitRepo) {
	t.Helper()
	var tips []string
	for _, tag := range []string{"2.0", "2.1"} {
		tree := read(t, r, "main", target)
		hash, err := r.Push(t.Context(), tree, commitOf(map[string]string{target: "tag: \"" + tag + "\"\n"}))
		if err != nil {
			t.Fatal(err)
		}
		tips = append(tips, hash)
	}
	if got := must(repo.Git("log", "-2", "--format=%H", "--name-status", tips[1]))(t); got != tips[1]+"\n\nM\t"+target+"\n"+tips[0]+"\n\nM\t"+target+"\n" {
		t.Errorf("commits %s change:\n%s", tips, got)
	}
	if err := repo.Fsck(); err != nil {
		t.Error(err)
	}
}

// wide is a repository whose target is in a directory of 2,000 files.
func wide() map[string]string {
	files := map[string]string{}
	for i := range 2000 {
		files[fmt.Sprintf("flat/app-%04d.yaml", i)] = fmt.Sprintf("# %d\ntag: 1\n", i)
	}
	return files
}

func TestAWideDirectoryIsPushedAsADelta(t *testing.T) {
	t.Parallel()
	s := testenv.StartGit(t)
	repo := repoOf(t, filepath.Join(s.Root, "x.git"), wide())
	r := open(t, place{repo, s.RepoURL("x.git"), gitrepo.Options{Token: s.Token}})
	tree := read(t, r, "main", "flat/app-1234.yaml")
	must(r.Push(t.Context(), tree, commitOf(map[string]string{"flat/app-1234.yaml": "tag: 2\n"})))(t)
	requests := s.Requests()
	if up := requests[len(requests)-1].In; up > 1500 {
		t.Errorf("%d bytes were pushed", up)
	}
	if err := repo.Fsck(); err != nil {
		t.Error(err)
	}
}

// A server that cannot read a thin pack (as go-git's own could not, go-git#1119)
// is sent the whole one.
func TestAServerThatTakesNoDeltasGetsTheWholePack(t *testing.T) {
	t.Parallel()
	s := testenv.StartGit(t)
	repo := repoOf(t, filepath.Join(s.Root, "x.git"), wide())
	s.Before(func(w http.ResponseWriter, r *http.Request) bool {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if !strings.HasSuffix(r.URL.Path, "receive-pack") || len(body) > 20_000 {
			return false
		}
		_, _ = io.WriteString(w, report("unpack index-pack abnormal exit\n", "ng refs/heads/main unpacker error\n"))
		return true
	})
	r := open(t, place{repo, s.RepoURL("x.git"), gitrepo.Options{Token: s.Token}})
	tree := read(t, r, "main", "flat/app-1234.yaml")
	hash := must(r.Push(t.Context(), tree, commitOf(map[string]string{"flat/app-1234.yaml": "tag: 2\n"})))(t)
	if tip := must(repo.Tip("main"))(t); tip != hash {
		t.Errorf("main is at %s, want %s", tip, hash)
	}
}

// report is a receive-pack's answer in band 1.
func report(lines ...string) string {
	inner := ""
	for _, line := range lines {
		inner += fmt.Sprintf("%04x%s", len(line)+4, line)
	}
	inner += "0000"
	return fmt.Sprintf("%04x\x01%s0000", len(inner)+5, inner)
}
