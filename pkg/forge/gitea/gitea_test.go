package gitea_test

import (
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/forge/gitea"
	"github.com/tagbump/tagbump/pkg/forge/internal/forgetest"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

func TestGiteaIsAForge(t *testing.T) {
	forgetest.Run(t, forgetest.Adapter{
		Start: testenv.NewGitea,
		Open: func(apiURL, token string, log func(string, ...any)) (forge.Host, error) {
			return gitea.New("acme", "charts", gitea.Options{APIURL: apiURL, Token: " " + token + "\n", Log: log})
		},
		Draft:    func(pull testenv.ForgePull) bool { return strings.HasPrefix(pull.Title, "WIP: ") },
		LastPage: 1,
	})
}

// TestManyOpenPullRequests holds that the one that is meant is found behind a page
// of others, since the server ignores a filter by head.
func TestManyOpenPullRequests(t *testing.T) {
	fake := testenv.NewGitea(testenv.ForgeOptions{
		Path: forgetest.Path, Token: forgetest.Token,
		Tip: func(branch string) (string, bool) { return strings.Repeat("d", 40), true },
	})
	mine := fake.Add(testenv.ForgePull{Head: "tagbump/web", Base: "main", Title: "bump web"})
	for range 120 {
		fake.Add(testenv.ForgePull{Head: "another", Base: "main", Title: "another"})
	}
	apiURL, stop, err := fake.Listen()
	if err != nil {
		t.Fatal(err)
	}
	defer stop() //nolint:errcheck // the test is over
	client, err := gitea.New("acme", "charts", gitea.Options{APIURL: apiURL, Token: forgetest.Token})
	if err != nil {
		t.Fatal(err)
	}
	pr, err := forge.Propose(t.Context(), client, forge.Proposal{Base: "main", Head: "tagbump/web", Title: "bump web"})
	if err != nil || pr.Number != mine {
		t.Errorf("%+v, %v", pr, err)
	}
}
