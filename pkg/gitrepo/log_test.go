package gitrepo

import (
	"context"
	"fmt"
	"testing"

	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

func TestLogReadsTheLatestMessages(t *testing.T) {
	server := testenv.StartGit(t)
	repo := testenv.MustRepo(t, server.Root+"/charts.git", map[string]string{"a.yaml": "0"})
	for i := range 5 {
		if _, err := repo.Commit("main", fmt.Sprintf("bump %d", i), map[string]string{"a.yaml": fmt.Sprint(i + 1)}); err != nil {
			t.Fatal(err)
		}
	}
	for _, filters := range []string{"true", "false"} {
		if _, err := repo.Git("config", "uploadpack.allowFilter", filters); err != nil {
			t.Fatal(err)
		}
		for _, url := range []string{server.RepoURL("charts.git"), repo.Dir} {
			r, err := Open(url, Options{Token: tokenFor(url, server)})
			if err != nil {
				t.Fatal(err)
			}
			tree, err := r.Read(context.Background(), "", []string{"a.yaml"})
			if err != nil {
				t.Fatal(err)
			}
			entries, err := r.Log(context.Background(), tree, 3)
			if err != nil || len(entries) != 3 {
				t.Fatalf("%s, filters %s: %+v, %v", url, filters, entries, err)
			}
			for i, want := range []string{"bump 4", "bump 3", "bump 2"} {
				if entries[i].Message != want {
					t.Errorf("%s, filters %s: %q, want %q", url, filters, entries[i].Message, want)
				}
			}
			if entries[0].Hash != tree.Tip() {
				t.Errorf("the first is %s, not the tip %s", entries[0].Hash, tree.Tip())
			}
			if all, err := r.Log(context.Background(), tree, 50); err != nil || len(all) != 6 {
				t.Errorf("%s, filters %s: %d commits, %v", url, filters, len(all), err)
			}
			_ = r.Close()
		}
	}
}

func tokenFor(url string, server *testenv.GitServer) string {
	if url == server.RepoURL("charts.git") {
		return server.Token
	}
	return ""
}
