package gitea_test

import (
	"net/http"
	"slices"
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
	pr, err := forgetest.Propose(t.Context(), client, forge.Proposal{Base: "main", Head: "tagbump/web", Title: "bump web"})
	if err != nil || pr.Number != mine {
		t.Errorf("%+v, %v", pr, err)
	}
}

// TestOfTwoRequestsAtOnceTheOlderPullRequestStays holds what happens when another job
// opens a pull request between the look for one and the request to open one.
func TestOfTwoRequestsAtOnceTheOlderPullRequestStays(t *testing.T) {
	for _, test := range []struct {
		name  string
		rival string // the branch of the other job
		want  int    // the pull request that is returned
		open  []int
	}{
		{"the same branch", "tagbump/web", 2, []int{1, 2}},
		{"another branch", "tagbump/api", 3, []int{1, 2, 3}},
	} {
		fake := testenv.NewGitea(testenv.ForgeOptions{
			Path: forgetest.Path, Token: forgetest.Token, Racing: true,
			Tip: func(string) (string, bool) { return strings.Repeat("d", 40), true },
		})
		fake.Add(testenv.ForgePull{Head: "somebody", Base: "main", Title: "other work"})
		fake.Before = func(_ http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/pulls") {
				fake.Add(testenv.ForgePull{Head: test.rival, Base: "main", Title: "bump"})
			}
			return false
		}
		apiURL, stop, err := fake.Listen()
		if err != nil {
			t.Fatal(err)
		}
		client, err := gitea.New("acme", "charts", gitea.Options{APIURL: apiURL, Token: forgetest.Token})
		if err != nil {
			t.Fatal(err)
		}
		pr, err := client.Create(t.Context(), forge.Proposal{Base: "main", Head: "tagbump/web", Title: "bump web"})
		if err != nil || pr.Number != test.want || pr.Reused != (test.want == 2) {
			t.Errorf("%s: %+v, %v", test.name, pr, err)
		}
		var open []int
		for _, pull := range fake.Pulls() {
			if pull.Open {
				open = append(open, pull.Number)
			}
		}
		if !slices.Equal(open, test.open) {
			t.Errorf("%s: %v are open, want %v", test.name, open, test.open)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
}
