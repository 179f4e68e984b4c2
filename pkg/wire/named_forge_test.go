package wire

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

const sourceHash = "dddddddddddddddddddddddddddddddddddddddd"

// forgeAtLoopback starts a Gitea, and returns its site and API.
func forgeAtLoopback(t *testing.T) (fake *testenv.Forge, site, api string) {
	t.Helper()
	fake = testenv.NewGitea(testenv.ForgeOptions{
		Path: "acme/charts", Token: "tok-0123456789",
		Tip: func(branch string) (string, bool) { return strings.Repeat(branch[:1], 40), true },
		Compare: func(string, string) testenv.ForgeComparison {
			return testenv.ForgeComparison{Commits: []testenv.ForgeCommit{{Hash: sourceHash, Message: "shop: prices with tax\n"}}}
		},
	})
	api, stop, err := fake.Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop() }) //nolint:errcheck // the test is over
	return fake, strings.TrimSuffix(api, "/api/v1"), api
}

func TestAForgeThatSomebodyNames(t *testing.T) {
	_, site, api := forgeAtLoopback(t)
	for name, test := range map[string]struct {
		named     NamedForge
		byProject bool
		env       map[string]string
		problem   string
	}{
		"nobody":                           {NamedForge{}, false, map[string]string{"GITEA_TOKEN": "tok-0123456789"}, "which forge that is, is not known"},
		"a person":                         {NamedForge{Type: "gitea", ByPerson: true}, false, map[string]string{"GITEA_TOKEN": "tok-0123456789"}, ""},
		"a person, and the file the host":  {NamedForge{Type: "gitea", ByPerson: true}, true, map[string]string{"GITEA_TOKEN": "tok-0123456789"}, "no token is set: TAGBUMP_TOKEN"},
		"the file, with the forge's token": {NamedForge{Type: "gitea"}, false, map[string]string{"GITEA_TOKEN": "tok-0123456789"}, "no token is set: TAGBUMP_TOKEN"},
		"the file, with tagbump's token":   {NamedForge{Type: "gitea"}, false, map[string]string{"TAGBUMP_TOKEN": "tok-0123456789"}, ""},
		"the file, which names the host":   {NamedForge{Type: "gitea"}, true, map[string]string{"TAGBUMP_TOKEN": "tok-0123456789"}, "not sent to 127.0.0.1, which only the project file names"},
		"an API on the repository's host":  {NamedForge{Type: "gitea", API: api}, false, map[string]string{"TAGBUMP_TOKEN": "tok-0123456789"}, ""},
		"an API on another host":           {NamedForge{Type: "gitea", API: "https://evil.example/api/v1"}, false, map[string]string{"TAGBUMP_TOKEN": "tok-0123456789"}, "forge.api: evil.example is another host than the repository's, 127.0.0.1"},
		"one that does not exist":          {NamedForge{Type: "gitlub", ByPerson: true}, false, map[string]string{"TAGBUMP_TOKEN": "tok-0123456789"}, "which forge that is, is not known"},
	} {
		t.Run(name, func(t *testing.T) {
			var said strings.Builder
			w := worldOf(test.env, &said)
			place, err := w.Locate(site + "/acme/charts.git")
			if err != nil {
				t.Fatal(err)
			}
			if test.byProject {
				place = place.ByProject()
			}
			opened, err := w.OpenForge(place.AtForge(test.named))
			if test.problem != "" {
				if err == nil || !strings.Contains(err.Error(), test.problem) || fault.KindOf(err) == fault.Failed {
					t.Errorf("%v, want %s", err, test.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if pr, err := forge.Start(t.Context(), opened, forge.Proposal{Base: "main", Head: "tagbump/web", Title: "web"}); err != nil || pr.Head != "tagbump/web" {
				t.Errorf("%+v, %v", pr, err)
			}
		})
	}
}

func TestAnAPIWithoutEncryptionIsRefused(t *testing.T) {
	var said strings.Builder
	w := worldOf(map[string]string{"TAGBUMP_TOKEN": "tok-0123456789"}, &said)
	place, err := w.Locate("https://git.acme.example/acme/charts.git")
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.OpenForge(place.AtForge(NamedForge{Type: "gitea", API: "http://git.acme.example/api/v1"}))
	if err == nil || err.Error() != "forge.api: the token would travel without encryption" {
		t.Errorf("%v", err)
	}
}

// TestRightsAreAskedOfTheRepositorysOwnHost holds that a project file cannot have the
// token sent to another host by naming an API.
func TestRightsAreAskedOfTheRepositorysOwnHost(t *testing.T) {
	hub, api := testenv.StartGitHub(t, testenv.ForgeOptions{Path: "acme/charts", Token: "tok-0123456789"})
	var said strings.Builder
	w := worldOf(map[string]string{"GITHUB_TOKEN": "tok-0123456789"}, &said)
	place, err := w.Locate("https://github.com/acme/charts.git")
	if err != nil {
		t.Fatal(err)
	}
	_, asked, err := w.ForgeRights(t.Context(), place.AtForge(NamedForge{API: api}), "main")
	if want := "forge.api: 127.0.0.1 is another host than the repository's, github.com"; asked || err == nil || err.Error() != want {
		t.Errorf("asked %t, %v, want %s", asked, err, want)
	}
	if n := len(hub.Requests()); n > 0 {
		t.Errorf("%d requests", n)
	}
}

// TestTheForgeOfTheJobGetsNoTokenOfAnotherForge holds that the address of the CI's own
// forge is used for repositories of that host only.
func TestTheForgeOfTheJobGetsNoTokenOfAnotherForge(t *testing.T) {
	for kind, test := range map[string]struct {
		start         func(testenv.ForgeOptions) *testenv.Forge
		variable, api string // what names the job's own forge, and the path of its API there
	}{
		"gitlab": {testenv.NewGitLab, "CI_API_V4_URL", "/api/v4"},
		"gitea":  {testenv.NewGitea, "GITEA_SERVER_URL", ""},
	} {
		fake := test.start(testenv.ForgeOptions{
			Path: "acme/charts", Token: "tok-0123456789",
			Tip: func(branch string) (string, bool) { return strings.Repeat(branch[:1], 40), true },
		})
		fake.Before = func(_ http.ResponseWriter, r *http.Request) bool {
			if !strings.HasPrefix(r.Host, "localhost:") {
				t.Errorf("%s: a request to %s", kind, r.Host)
			}
			return false
		}
		address, stop, err := fake.Listen()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { stop() }) //nolint:errcheck // the test is over
		site, _, _ := strings.Cut(address, "/api/")
		var said strings.Builder
		w := worldOf(map[string]string{"TAGBUMP_TOKEN": "tok-0123456789", test.variable: site + test.api}, &said)
		place, err := w.Locate(strings.Replace(site, "127.0.0.1", "localhost", 1) + "/acme/charts.git")
		if err != nil {
			t.Fatal(err)
		}
		opened, err := w.OpenForge(place.AtForge(NamedForge{Type: kind, ByPerson: true}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := forge.Start(t.Context(), opened, forge.Proposal{Base: "main", Head: "tagbump/web", Title: "web"}); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// TestTheSourceOfAnImageGetsNoTokenOfAnotherHost holds which page compares two commits,
// and that only the repository's own host is asked for commits.
func TestTheSourceOfAnImageGetsNoTokenOfAnotherHost(t *testing.T) {
	fake, site, _ := forgeAtLoopback(t)
	asked := 0
	fake.Before = func(http.ResponseWriter, *http.Request) bool { asked++; return false }
	var said strings.Builder
	w := worldOf(map[string]string{"TAGBUMP_TOKEN": "tok-0123456789", "GITEA_TOKEN": "tok-0123456789", "GITLAB_TOKEN": "tok-0123456789"}, &said)
	place, err := w.Locate(site + "/acme/charts.git")
	if err != nil {
		t.Fatal(err)
	}
	sources := w.Sources(place.AtForge(NamedForge{Type: "gitea", ByPerson: true}))
	for source, test := range map[string]struct {
		page    string
		commits int
	}{
		site + "/acme/charts": {site + "/acme/charts/compare/aaa...bbb", 1},
		strings.Replace(site, "127.0.0.1", "127.0.0.2", 1) + "/acme/web": {"", 0},
		"http://127.0.0.1:9/acme/web":                                    {"", 0},
		"https://github.com/acme/web.git":                                {"https://github.com/acme/web/compare/aaa...bbb", 0},
		"git@gitlab.com:acme/shop/web.git":                               {"https://gitlab.com/acme/shop/web/-/compare/aaa...bbb", 0},
		"https://bitbucket.org/acme/web":                                 {"https://bitbucket.org/acme/web/branches/compare/bbb..aaa", 0},
		"https://git.example/acme/web":                                   {"", 0},
		"https://ada:pw@github.com/acme/web":                             {"", 0},
		"https://github.com/acme/web)<img src=x>":                        {"", 0},
		"":             {"", 0},
		"/srv/web.git": {"", 0},
	} {
		before := asked
		got := sources.Changes(t.Context(), source, "aaa", "bbb")
		if got.URL != test.page || len(got.Commits) != test.commits || asked-before != test.commits {
			t.Errorf("%q: %+v, %d requests", source, got, asked-before)
		}
	}
}
