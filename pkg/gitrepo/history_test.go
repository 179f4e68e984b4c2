package gitrepo_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/gitrepo"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// show writes a history as "SUBJECT: CONTENT" of one file, the newest first. What an
// unread commit made is "...", and a file that did not exist "-".
func show(h gitrepo.History, name string) string {
	var all []string
	for _, v := range h.Files[name] {
		subject, content := "...", "-"
		if v.Commit < len(h.Commits) {
			subject = strings.TrimSpace(h.Commits[v.Commit].Message)
		}
		if v.Data != nil {
			content = strings.TrimSpace(string(v.Data))
		}
		all = append(all, subject+": "+content)
	}
	return strings.Join(all, "\n")
}

func TestHistoryHasEachVersionOfAFile(t *testing.T) {
	everywhere(t, deep(), func(t *testing.T, p place) {
		for i, name := range []string{target, "README.md", target, "apps/team-1/new.yaml", target, "README.md"} {
			must(p.repo.Commit("main", fmt.Sprintf("change %d", i), map[string]string{name: fmt.Sprintf("tag: %d\n", i)}))(t)
		}
		first := strings.TrimSpace(deep()[target])
		tests := []struct {
			name string
			most int
			want string
		}{
			{target, 50, "change 4: tag: 4\nchange 2: tag: 2\nchange 0: tag: 0\nfirst: " + first},
			{target, 3, "change 4: tag: 4\n...: tag: 2"},
			{target, 1, "...: tag: 4"},
			{"apps/team-1/new.yaml", 50, "change 3: tag: 3\nfirst: -"},
			{"none.yaml", 50, "first: -"},
			{"README.md/below", 50, "first: -"},
		}
		for _, filters := range []string{"true", "false"} {
			if filters == "false" && p.opts.Token == "" {
				break // the other transports decline in the same way
			}
			must(p.repo.Git("config", "uploadpack.allowFilter", filters))(t)
			for _, read := range []bool{true, false} {
				r := open(t, p)
				if read {
					must(r.Read(t.Context(), gitrepo.Revision{}, files.MustSelect(target)))(t)
				}
				for _, test := range tests {
					h := must(r.History(t.Context(), gitrepo.Revision{}, []string{test.name}, test.most))(t)
					if got := show(h, test.name); got != test.want || h.More != (test.most < 7) {
						t.Errorf("filters %s, %s, %d commits, more %v:\n%s\nwant:\n%s", filters, test.name, test.most, h.More, got, test.want)
					}
				}
			}
		}
	})
}

func TestHistoryFollowsARename(t *testing.T) {
	t.Parallel()
	p := places(t, map[string]string{"apps/web/values.yaml": "tag: 1\n", "apps/web/copy.yaml": "x: y\n", "apps/api/values.yaml": "tag: 7\n"})["http"](t)
	work := filepath.Join(t.TempDir(), "work")
	must(testenv.Git(".", "clone", "--quiet", p.repo.Dir, work))(t)
	git := func(args ...string) { t.Helper(); must(testenv.Git(work, args...))(t) }
	rename := func(from, to string) {
		git("mv", from, to)
		git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", from+" becomes "+to)
		git("push", "--quiet")
	}
	must(p.repo.Commit("main", "two", map[string]string{"apps/web/values.yaml": "tag: 2\n"}))(t)
	git("pull", "--quiet")
	rename("apps/web", "apps/shop")
	rename("apps/shop/values.yaml", "apps/shop/prod.yaml")
	must(p.repo.Commit("main", "a copy", map[string]string{"apps/shop/three.yaml": "tag: 2\n"}))(t)
	must(p.repo.Commit("main", "three", map[string]string{"apps/shop/prod.yaml": "tag: 3\n"}))(t)
	h := must(open(t, p).History(t.Context(), gitrepo.Revision{}, []string{"apps/shop/prod.yaml", "apps/shop/three.yaml"}, 50))(t)
	if got, want := show(h, "apps/shop/prod.yaml"), "three: tag: 3\ntwo: tag: 2\nfirst: tag: 1"; got != want {
		t.Errorf("the renamed file:\n%s\nwant:\n%s", got, want)
	}
	if got, want := show(h, "apps/shop/three.yaml"), "a copy: tag: 2\nfirst: -"; got != want {
		t.Errorf("the copy:\n%s\nwant:\n%s", got, want)
	}
}

func TestAMergeTellsWhatItBroughtIn(t *testing.T) {
	everywhere(t, chart, func(t *testing.T, p place) {
		must(p.repo.Git("branch", "bump", "main"))(t)
		must(p.repo.Commit("bump", "bump api", map[string]string{"api/values.yaml": "tag: 2\n"}))(t)
		must(p.repo.Commit("bump", "bump api again", map[string]string{"api/values.yaml": "tag: 3\n"}))(t)
		must(p.repo.Commit("main", "other work", map[string]string{"README.md": "#\n"}))(t)
		tree := strings.TrimSpace(must(p.repo.Git("merge-tree", "--write-tree", "main", "bump"))(t))
		merge := must(p.repo.Git("-c", "user.name=a", "-c", "user.email=a@b", "commit-tree", tree, "-p", "main", "-p", "bump", "-m", "merge #12"))(t)
		must(p.repo.Git("update-ref", "refs/heads/main", strings.TrimSpace(merge)))(t)
		commits := must(open(t, p).Log(t.Context(), gitrepo.Revision{Branch: "main"}, nil, 50))(t)
		if got := subjects(commits); got != "merge #12, other work, first" {
			t.Errorf("got %s", got)
		}
		if got := strings.Join(commits[0].Merged, ", "); got != "bump api again, bump api" {
			t.Errorf("merged %q", got)
		}
	})
}

// counted is a place over http, and how many requests it has had since the last call.
func counted(t *testing.T, content map[string]string) (place, func() int) {
	t.Helper()
	s := testenv.StartGit(t)
	p := place{repoOf(t, filepath.Join(s.Root, "x.git"), content), s.RepoURL("x.git"), gitrepo.Options{Token: s.Token}}
	return p, func() int {
		defer s.Forget()
		return len(s.Requests())
	}
}

func TestRecentCommitsComeWithTheFirstReadAndCostOneRequest(t *testing.T) {
	t.Parallel()
	p, count := counted(t, deep())
	history(t, p.repo, 60)
	read(t, open(t, p), "main", target)
	without := count()
	p.opts.Recent = 50
	r := open(t, p)
	tree := read(t, r, "main", target)
	if with := count(); with != without+1 {
		t.Errorf("%d requests, and %d with the latest commits", without, with)
	}
	commits := must(r.Log(t.Context(), gitrepo.Revision{Branch: "main", Commit: tree.Tip()}, nil, 50))(t)
	if n := count(); len(commits) != 50 || n != 0 {
		t.Errorf("%d commits with %d requests more", len(commits), n)
	}
}

func TestRecentCommitsAreReadEverywhere(t *testing.T) {
	everywhere(t, deep(), func(t *testing.T, p place) {
		history(t, p.repo, 60)
		for _, filters := range []string{"true", "false"} {
			must(p.repo.Git("config", "uploadpack.allowFilter", filters))(t)
			p.opts.Recent = 50
			r := open(t, p)
			tree := read(t, r, "", target)
			commits := must(r.Log(t.Context(), gitrepo.Revision{Branch: "main", Commit: tree.Tip()}, nil, 55))(t)
			if len(commits) != 55 || commits[0].Hash != tree.Tip() {
				t.Errorf("filters %s: %d commits", filters, len(commits))
			}
		}
	})
}

func TestAnOlderCommitCostsOneRequest(t *testing.T) {
	t.Parallel()
	p, count := counted(t, deep())
	before := must(p.repo.Tip("main"))(t)
	must(p.repo.Commit("main", "bump", map[string]string{target: "tag: 2\n"}))(t)
	history(t, p.repo, 5)
	r := open(t, p)
	read(t, r, "main", target)
	count()
	tree := must(r.Read(t.Context(), gitrepo.Revision{Commit: before}, files.MustSelect(target)))(t)
	if got := string(must(tree.ReadFile(target))(t)); got != deep()[target] {
		t.Errorf("got %q", got)
	}
	if n := count(); n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestAfterAnOlderCommitTheTipIsReadAsBefore(t *testing.T) {
	everywhere(t, deep(), func(t *testing.T, p place) {
		before := must(p.repo.Tip("main"))(t)
		must(p.repo.Commit("main", "bump", map[string]string{target: "tag: 2\n"}))(t)
		r := open(t, p)
		read(t, r, "main", target)
		old := must(r.Read(t.Context(), gitrepo.Revision{Branch: "main", Commit: before}, files.MustSelect(target, "apps/team-0/**")))(t)
		must(p.repo.Commit("main", "newer", map[string]string{target: "tag: 3\n"}))(t)
		tree := read(t, r, "main", target)
		got := string(must(old.ReadFile(target))(t)) + string(must(tree.ReadFile(target))(t))
		if got != deep()[target]+"tag: 3\n" || len(names(t, old)) != 9 {
			t.Errorf("got %q, %d files", got, len(names(t, old)))
		}
	})
}

// A clone of CI has one commit, without its parents.
func TestTheHistoryOfAShallowCloneEndsEarly(t *testing.T) {
	t.Parallel()
	p := places(t, chart)["http"](t)
	must(p.repo.Commit("main", "two", map[string]string{"api/values.yaml": "tag: 2\n"}))(t)
	work := filepath.Join(t.TempDir(), "work")
	must(testenv.Git(".", "clone", "--quiet", "--depth", "1", "file://"+p.repo.Dir, work))(t)
	r := must(gitrepo.Open(work, gitrepo.Options{Recent: 50}))(t)
	must(r.Read(t.Context(), gitrepo.Revision{}, files.MustSelect("api/*")))(t)
	h := must(r.History(t.Context(), gitrepo.Revision{}, []string{"api/values.yaml"}, 50))(t)
	if got := show(h, "api/values.yaml"); got != "...: tag: 2" || !h.More {
		t.Errorf("more %v, got %s", h.More, got)
	}
}
