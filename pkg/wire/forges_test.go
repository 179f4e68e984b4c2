package wire

import (
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// TestEachForgeIsReachedWithItsOwnToken opens a pull request at a fake of each forge
// whose address can be a loopback one.
func TestEachForgeIsReachedWithItsOwnToken(t *testing.T) {
	for _, test := range []struct {
		name        string
		start       func(testenv.ForgeOptions) *testenv.Forge
		path, token string                                 // of the repository, and the variable that holds its token
		env         func(site string) (name, value string) // what says which forge it is
	}{
		{"gitlab, by its host", testenv.NewGitLab, "acme/platform/charts", "GITLAB_TOKEN", func(site string) (string, string) { return "GITLAB_HOST", "127.0.0.1" }},
		{"gitlab, in its own CI", testenv.NewGitLab, "acme/charts", "GITLAB_TOKEN", func(site string) (string, string) { return "CI_API_V4_URL", site + "/api/v4" }},
		{"gitea", testenv.NewGitea, "acme/charts", "GITEA_TOKEN", func(site string) (string, string) { return "GITEA_SERVER_URL", site + "/" }},
		{"forgejo", testenv.NewGitea, "acme/charts", "FORGEJO_TOKEN", func(site string) (string, string) { return "FORGEJO_SERVER_URL", site }},
	} {
		t.Run(test.name, func(t *testing.T) {
			fake := test.start(testenv.ForgeOptions{
				Path: test.path, Token: "tok-0123456789",
				Tip: func(branch string) (string, bool) { return strings.Repeat(branch[:1], 40), true },
			})
			apiURL, stop, err := fake.Listen()
			if err != nil {
				t.Fatal(err)
			}
			defer stop() //nolint:errcheck // the test is over
			site, _, _ := strings.Cut(apiURL, "/api/")
			name, value := test.env(site)
			var said strings.Builder
			w := worldOf(map[string]string{test.token: "tok-0123456789", name: value}, &said)
			place, err := w.Locate(site + "/" + test.path + ".git")
			if err != nil {
				t.Fatal(err)
			}
			opened, err := w.OpenForge(place)
			if err != nil {
				t.Fatal(err)
			}
			pr, err := forge.Start(t.Context(), opened, forge.Proposal{Base: "main", Head: "tagbump/web", Title: "bump web"})
			if err != nil || pr.Number != 1 {
				t.Errorf("%+v, %v", pr, err)
			}
		})
	}
}

// TestATokenIsForItsOwnForge holds that no forge gets another one's token.
func TestATokenIsForItsOwnForge(t *testing.T) {
	for repo, want := range map[string]string{
		"https://github.com/acme/charts":    "no token is set: TAGBUMP_TOKEN, GITHUB_TOKEN or GH_TOKEN;",
		"https://gitlab.com/acme/charts":    "no token is set: TAGBUMP_TOKEN or GITLAB_TOKEN;",
		"https://bitbucket.org/acme/charts": "no token is set: TAGBUMP_TOKEN or BITBUCKET_TOKEN;",
		"git@codeberg.org:acme/charts.git":  "no token is set: TAGBUMP_TOKEN, GITEA_TOKEN or FORGEJO_TOKEN;",
	} {
		all := map[string]string{"GITHUB_TOKEN": "g", "GITLAB_TOKEN": "l", "BITBUCKET_TOKEN": "b", "GITEA_TOKEN": "t"}
		for own := range all {
			if strings.Contains(want, own) {
				delete(all, own)
			}
		}
		var said strings.Builder
		w := worldOf(all, &said)
		place, err := w.Locate(repo)
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.OpenForge(place)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", repo, err)
		}
		if got := w.gitCredential(place); got.secret != "" {
			t.Errorf("%s: git would get %s", repo, got.source)
		}
	}
}

func TestTheNameThatGitSendsWithAToken(t *testing.T) {
	for _, test := range []struct {
		repo string
		env  map[string]string
		want string
	}{
		{"https://bitbucket.org/acme/charts", nil, "x-token-auth"},
		{"https://bitbucket.org/acme/charts", map[string]string{"BITBUCKET_EMAIL": "ada@acme.example"}, "x-bitbucket-api-token-auth"},
		{"https://bitbucket.org/acme/charts", map[string]string{"TAGBUMP_USERNAME": "ada\n"}, "ada"},
		{"https://github.com/acme/charts", nil, ""},
	} {
		var said strings.Builder
		if got := worldOf(test.env, &said).gitUsername(Place{raw: test.repo}); got != test.want {
			t.Errorf("%s with %v: %q, want %q", test.repo, test.env, got, test.want)
		}
	}
}
