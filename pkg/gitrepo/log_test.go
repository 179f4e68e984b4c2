package gitrepo_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/gitrepo"
)

// subjects joins the messages of commits.
func subjects(commits []gitrepo.CommitInfo) string {
	var all []string
	for _, c := range commits {
		all = append(all, strings.TrimSpace(c.Message))
	}
	return strings.Join(all, ", ")
}

func TestLogFindsTheCommitsThatChangedAFile(t *testing.T) {
	everywhere(t, deep(), func(t *testing.T, p place) {
		for i, name := range []string{target, "README.md", target, "apps/team-1/new.yaml", target, "README.md"} {
			must(p.repo.Commit("main", fmt.Sprintf("change %d", i), map[string]string{name: fmt.Sprintf("tag: %d\n", i)}))(t)
		}
		tests := []struct {
			files []string
			most  int
			want  string
		}{
			{nil, 3, "change 5, change 4, change 3"},
			{nil, 50, "change 5, change 4, change 3, change 2, change 1, change 0, first"},
			{[]string{target}, 50, "change 4, change 2, change 0, first"},
			{[]string{target}, 2, "change 4, change 2"},
			{[]string{"apps/team-1"}, 50, "change 4, change 3, change 2, change 0, first"},
			{[]string{"README.md", "apps/team-1/new.yaml"}, 50, "change 5, change 3, change 1, first"},
			{[]string{"none.yaml", "README.md/below/a/file"}, 50, ""},
		}
		for _, filters := range []string{"true", "false"} {
			if filters == "false" && p.opts.Token == "" {
				break // the other transports decline in the same way
			}
			must(p.repo.Git("config", "uploadpack.allowFilter", filters))(t)
			r := open(t, p)
			for _, test := range tests {
				commits, err := r.Log(t.Context(), gitrepo.Revision{}, test.files, test.most)
				if err != nil {
					t.Fatal(err)
				}
				if got := subjects(commits); got != test.want {
					t.Errorf("filters %s, %v, %d:\n got %s\nwant %s", filters, test.files, test.most, got, test.want)
				}
			}
		}
	})
}

func TestLogSaysWhoMadeACommitAndWhen(t *testing.T) {
	t.Parallel()
	p := places(t, chart)["http"](t)
	r := open(t, p)
	c := commitOf(map[string]string{"api/values.yaml": "tag: 2\n"})
	c.Message = "api: 2\n\nTagbump-Image: acme/api\n"
	c.Committer = someone
	c.Committer.Name = "Else"
	hash := must(r.Push(t.Context(), read(t, r, "main", "api/*"), c))(t)
	commits := must(r.Log(t.Context(), gitrepo.Revision{Branch: "main"}, nil, 1))(t)
	want := gitrepo.CommitInfo{Hash: hash, Author: c.Author, Committer: c.Committer, Message: c.Message}
	if len(commits) != 1 || fmt.Sprint(commits[0]) != fmt.Sprint(want) {
		t.Errorf("\n got %v\nwant %v", commits, want)
	}
}

// A long history is read in two steps, and never whole.
func TestLogOfAFileThatChangedLongAgo(t *testing.T) {
	t.Parallel()
	p := places(t, chart)["http"](t)
	must(p.repo.Commit("main", "long ago", map[string]string{"api/values.yaml": "tag: 0\n"}))(t)
	history(t, p.repo, 400)
	commits := must(open(t, p).Log(t.Context(), gitrepo.Revision{Branch: "main"}, []string{"api/values.yaml"}, 1))(t)
	if got := subjects(commits); got != "long ago" {
		t.Errorf("got %s", got)
	}
}

func TestAnOldCommitIsReadByItsHash(t *testing.T) {
	everywhere(t, chart, func(t *testing.T, p place) {
		first := must(p.repo.Tip("main"))(t)
		must(p.repo.Commit("main", "second", map[string]string{"api/values.yaml": "tag: 2\n"}))(t)
		r := open(t, p)
		tree := must(r.Read(t.Context(), gitrepo.Revision{Branch: "main", Commit: first}, files.MustSelect("api/*")))(t)
		if got := string(must(tree.ReadFile("api/values.yaml"))(t)); got != "tag: 1.0\n" || tree.Tip() != first || tree.Branch() != "main" {
			t.Errorf("%s at %s holds %q", tree.Branch(), tree.Tip(), got)
		}
		for hash, want := range map[string]string{"HEAD~1": `main: "HEAD~1" is not the hash of a commit (40 hex digits)`} {
			_, err := r.Read(t.Context(), gitrepo.Revision{Branch: "main", Commit: hash}, files.Selection{})
			if err == nil || err.Error() != r.String()+": "+want {
				t.Errorf("%s: got %v, want %s", hash, err, want)
			}
		}
	})
}
