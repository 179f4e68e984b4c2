package bitbucket_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/forge/bitbucket"
	"github.com/tagbump/tagbump/pkg/forge/internal/forgetest"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

func TestBitbucketIsAForge(t *testing.T) {
	forgetest.Run(t, forgetest.Adapter{
		Start: testenv.NewBitbucket,
		Open: func(apiURL, token string, log func(string, ...any)) (forge.Host, error) {
			return bitbucket.New("acme", "charts", bitbucket.Options{APIURL: apiURL, Token: " " + token + "\n", Log: log})
		},
		Draft: func(pull testenv.ForgePull) bool { return pull.Draft },
		Plain: true,
	})
}

// TestAnAPITokenIsSentWithItsOwner holds the form of the credentials, and that an
// error shows neither of its spellings.
func TestAnAPITokenIsSentWithItsOwner(t *testing.T) {
	fake := testenv.NewBitbucket(testenv.ForgeOptions{
		Path: forgetest.Path, Username: "ada@acme.example", Token: forgetest.Token,
		Tip: func(branch string) (string, bool) { return strings.Repeat(branch[:1], 40), true },
	})
	apiURL, stop, err := fake.Listen()
	if err != nil {
		t.Fatal(err)
	}
	defer stop() //nolint:errcheck // the test is over
	client, err := bitbucket.New("acme", "charts", bitbucket.Options{APIURL: apiURL, Username: "ada@acme.example\n", Token: forgetest.Token})
	if err != nil {
		t.Fatal(err)
	}
	p := forge.Proposal{Base: "main", Head: "tagbump/web", Title: "bump web"}
	if pr, err := forgetest.Propose(t.Context(), client, p); err != nil || pr.Number != 1 {
		t.Fatalf("%+v, %v", pr, err)
	}
	fake.Before = func(w http.ResponseWriter, r *http.Request) bool {
		w.WriteHeader(http.StatusForbidden)
		w.Write([]byte(`{"error":{"message":"not with ` + r.Header.Get("Authorization") + `","detail":{"required":["write:pullrequest:bitbucket"]}}}`)) //nolint:errcheck // the client tells
		return true
	}
	_, err = forgetest.Propose(t.Context(), client, p)
	if want := "acme/charts: open pull requests into main: HTTP 403: not with Basic REDACTED"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if hint := err.(interface{ Hint() string }).Hint(); hint != "the token needs the scopes write:pullrequest:bitbucket" {
		t.Errorf("hint %q", hint)
	}
}
