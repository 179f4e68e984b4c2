package gitlab_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/forge/gitlab"
	"github.com/tagbump/tagbump/pkg/forge/internal/forgetest"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

func TestGitLabIsAForge(t *testing.T) {
	forgetest.Run(t, forgetest.Adapter{
		Start: testenv.NewGitLab,
		Open: func(apiURL, token string, log func(string, ...any)) (forge.Host, error) {
			return gitlab.New(forgetest.Path, gitlab.Options{APIURL: apiURL, Token: " " + token + "\n", Log: log})
		},
		Draft: func(pull testenv.ForgePull) bool { return strings.HasPrefix(pull.Title, "Draft: ") },
	})
}

func TestSubgroups(t *testing.T) {
	const path = "acme/platform/gitops/charts"
	fake := testenv.NewGitLab(testenv.ForgeOptions{
		Path: path, Token: forgetest.Token,
		Tip: func(branch string) (string, bool) { return strings.Repeat("d", 40), true },
	})
	client := open(t, fake, path)
	pr, err := forgetest.Propose(t.Context(), client, forge.Proposal{Base: "main", Head: "tagbump/web", Title: "bump web"})
	if err != nil || pr.URL != "https://gitlab.example/acme/platform/gitops/charts/-/merge_requests/1" {
		t.Errorf("%+v, %v", pr, err)
	}
}

func TestWordsOfRefusals(t *testing.T) {
	for _, test := range []struct {
		name, body, text, hint string
		status                 int
	}{
		{"a text", `{"message":"403 Forbidden"}`, "HTTP 403: 403 Forbidden", "the token needs the scope api, and its user at least the role Developer", 403},
		{"a list", `{"message":["Title is too long","Target branch is wrong"]}`, "HTTP 400: Title is too long; Target branch is wrong", "", 400},
		{"fields", `{"message":{"title":["can't be blank"],"base":["is odd"]}}`, "HTTP 400: base is odd; title can't be blank", "", 400},
		{"a scope", `{"error":"insufficient_scope","error_description":"The request requires higher privileges"}`, "HTTP 403: insufficient_scope: The request requires higher privileges", "the token needs the scope api", 403},
	} {
		t.Run(test.name, func(t *testing.T) {
			fake := testenv.NewGitLab(testenv.ForgeOptions{Path: forgetest.Path, Token: forgetest.Token})
			fake.Before = func(w http.ResponseWriter, _ *http.Request) bool {
				w.WriteHeader(test.status)
				w.Write([]byte(test.body)) //nolint:errcheck // the client tells
				return true
			}
			_, _, err := open(t, fake, forgetest.Path).Closed(t.Context(), "tagbump/web", "main")
			if want := "acme/charts: merge request tagbump/web → main: " + test.text; err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			if hint := err.(interface{ Hint() string }).Hint(); hint != test.hint {
				t.Errorf("hint %q", hint)
			}
		})
	}
}

// TestAutoMergeThatIsNotAllowed holds that the merge request stays open, and that
// the reason is told.
func TestAutoMergeThatIsNotAllowed(t *testing.T) {
	fake := testenv.NewGitLab(testenv.ForgeOptions{
		Path: forgetest.Path, Token: forgetest.Token,
		Tip: func(branch string) (string, bool) { return strings.Repeat("d", 40), true },
	})
	p := forge.Proposal{Base: "main", Head: "tagbump/web", Title: "bump web", Draft: true, AutoMerge: true}
	pr, err := forgetest.Propose(t.Context(), open(t, fake, forgetest.Path), p)
	if want := "acme/charts: merge request !1: auto-merge: HTTP 405: 405 Method Not Allowed"; err == nil || err.Error() != want || pr.Number != 1 {
		t.Errorf("%+v, %v", pr, err)
	}
}

func TestNamesThatNoProjectHas(t *testing.T) {
	for _, path := range []string{"", "charts", "/charts", "acme/", "acme//charts"} {
		if _, err := gitlab.New(path, gitlab.Options{}); err == nil {
			t.Errorf("%q is taken", path)
		}
	}
}

func open(t *testing.T, fake *testenv.Forge, path string) *gitlab.Client {
	t.Helper()
	apiURL, stop, err := fake.Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop() }) //nolint:errcheck // the test is over
	client, err := gitlab.New(path, gitlab.Options{APIURL: apiURL, Token: forgetest.Token})
	if err != nil {
		t.Fatal(err)
	}
	return client
}
