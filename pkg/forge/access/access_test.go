package access_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/forge/access"
)

const token = "a-token"

// TestRights asks each forge in its own words.
func TestRights(t *testing.T) {
	for _, test := range []struct {
		name       string
		ask        access.Forge
		repository string
		header     string
		answers    map[string]string // by the escaped path
		want       access.Rights
	}{
		{
			"github", access.GitHub, "acme/charts", "Authorization",
			map[string]string{"/repos/acme/charts": `{"permissions":{"push":true}}`, "/repos/acme/charts/branches/release%2F1": `{"protected":true}`},
			access.Rights{Push: access.Yes, Protected: access.Yes},
		},
		{
			"github, which does not tell", access.GitHub, "acme/charts", "Authorization",
			map[string]string{"/repos/acme/charts": `{}`, "/repos/acme/charts/branches/release%2F1": `{"protected":false}`},
			access.Rights{Protected: access.No},
		},
		{
			"gitea", access.Gitea, "acme/charts", "Authorization",
			map[string]string{"/repos/acme/charts": `{"permissions":{"push":true}}`, "/repos/acme/charts/branches/release%2F1": `{"protected":true,"user_can_push":false}`},
			access.Rights{Push: access.Yes, Protected: access.Yes, PushTo: access.No},
		},
		{
			"gitlab, by the group", access.GitLab, "acme/sub/charts", "Private-Token",
			map[string]string{
				"/projects/acme%2Fsub%2Fcharts":                                 `{"permissions":{"project_access":null,"group_access":{"access_level":40}}}`,
				"/projects/acme%2Fsub%2Fcharts/repository/branches/release%2F1": `{"protected":true,"can_push":true}`,
			},
			access.Rights{Push: access.Yes, Protected: access.Yes, PushTo: access.Yes},
		},
		{
			"gitlab, a reporter", access.GitLab, "acme/sub/charts", "Private-Token",
			map[string]string{
				"/projects/acme%2Fsub%2Fcharts":                                 `{"permissions":{"project_access":{"access_level":20},"group_access":null}}`,
				"/projects/acme%2Fsub%2Fcharts/repository/branches/release%2F1": `{"protected":false,"can_push":false}`,
			},
			access.Rights{Push: access.No, Protected: access.No, PushTo: access.No},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				answer, known := test.answers[r.URL.EscapedPath()]
				if !known || r.Method != http.MethodGet || r.Header.Get(test.header) == "" {
					http.Error(w, `{"message":"no"}`, http.StatusNotFound)
					return
				}
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(answer))
			}))
			t.Cleanup(server.Close)
			got, err := test.ask(context.Background(), access.Options{APIURL: server.URL, Token: token, Repository: test.repository}, "release/1")
			if err != nil || got != test.want {
				t.Errorf("got %+v, %v; want %+v", got, err, test.want)
			}
			if _, err := test.ask(context.Background(), access.Options{APIURL: server.URL, Token: token, Repository: "acme/none"}, "main"); !errors.Is(err, forge.ErrNotFound) {
				t.Errorf("another repository: %v", err)
			}
			if _, err := test.ask(context.Background(), access.Options{APIURL: "ftp://x", Token: token}, "main"); !errors.Is(err, forge.ErrInvalid) {
				t.Errorf("another scheme: %v", err)
			}
		})
	}
}

func TestErr(t *testing.T) {
	for _, test := range []struct {
		rights access.Rights
		want   string
	}{
		{access.Rights{}, ""},
		{access.Rights{Push: access.Yes, PushTo: access.Yes, Protected: access.Yes}, ""},
		{access.Rights{Push: access.No}, "the token may not push: the forge refused the credentials"},
		{access.Rights{Push: access.Yes, PushTo: access.No}, "main is protected against the token's pushes: the forge refused the credentials"},
	} {
		got := ""
		if err := test.rights.Err("main"); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%+v: got %q", test.rights, got)
		}
	}
}
