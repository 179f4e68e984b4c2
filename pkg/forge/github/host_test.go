package github_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/forge/github"
	"github.com/tagbump/tagbump/pkg/forge/internal/forgetest"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

func TestGitHubIsAForge(t *testing.T) {
	forgetest.Run(t, forgetest.Adapter{
		Start: testenv.NewGitHub,
		Open: func(apiURL, token string, log func(string, ...any)) (forge.Host, error) {
			return github.New("acme", "charts", github.Options{APIURL: apiURL, Token: " " + token + "\n", Log: log})
		},
		Draft: func(pull testenv.ForgePull) bool { return pull.Draft },
	})
}

var bump = forge.Proposal{Base: "main", Head: "tagbump/web", Title: "web: 1.2.3 → 1.2.4"}

// hub returns a client and the fake behind it, which says words when auto-merge is
// asked for.
func hub(t *testing.T, words string) (*github.Client, *testenv.Forge) {
	t.Helper()
	fake, apiURL := testenv.StartGitHub(t, testenv.ForgeOptions{
		Path: "acme/charts", Token: forgetest.Token, Users: []string{"ada", "grace"}, Prefix: "/api/v3", AutoMerge: words,
		Tip: func(branch string) (string, bool) { return strings.Repeat(branch[:1], 40), true },
	})
	client, err := github.New("acme", "charts", github.Options{APIURL: apiURL, Token: forgetest.Token, Log: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	return client, fake
}

// TestAutoMerge holds what becomes of a pull request by what GitHub says to
// auto-merge.
func TestAutoMerge(t *testing.T) {
	for name, test := range map[string]struct {
		words        string
		auto, merged bool
		err, hint    string
	}{
		"turned on":                            {auto: true},
		"nothing required":                     {words: "Pull request Pull request is in clean status", merged: true},
		"a check that nothing requires failed": {words: "Pull request Pull request is in unstable status", merged: true},
		"switched off": {
			words: "Pull request Auto merge is not allowed for this repository",
			err:   "acme/charts: pull request #1: auto-merge: Pull request Auto merge is not allowed for this repository",
			hint:  `switch "Allow auto-merge" on in the repository's settings; the pull request is open`,
		},
		"a branch without rules": {
			words: "Pull request Protected branch rules not configured for this branch",
			err:   "acme/charts: pull request #1: auto-merge: Pull request Protected branch rules not configured for this branch",
			hint:  "GitHub merges by itself only into a branch with rules; the pull request is open",
		},
	} {
		t.Run(name, func(t *testing.T) {
			client, fake := hub(t, test.words)
			p := bump
			p.AutoMerge = true
			pr, err := forgetest.Propose(t.Context(), client, p)
			if text := errorText(err); text != test.err || pr.Number != 1 {
				t.Errorf("%+v, got error %q, want %q", pr, text, test.err)
			}
			if hinted, ok := err.(interface{ Hint() string }); ok && hinted.Hint() != test.hint {
				t.Errorf("hint %q", hinted.Hint())
			}
			if pull := fake.Pulls()[0]; pull.AutoMerge != test.auto || pull.Merged != test.merged || pull.Open == test.merged {
				t.Errorf("the forge has %+v", pull)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestWhoHasReviewedIsNotAskedAgain is about GitHub, which takes a reviewer off the
// list with the first review.
func TestWhoHasReviewedIsNotAskedAgain(t *testing.T) {
	client, fake := hub(t, "")
	fake.Add(testenv.ForgePull{Head: bump.Head, Base: bump.Base, Title: bump.Title, Reviewed: []string{"ada"}})
	p := bump
	p.Reviewers = []string{"ada", "acme/platform", "grace"}
	for range 2 {
		if _, err := forgetest.Propose(t.Context(), client, p); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(fake.Pulls()[0].Reviewers, " "); got != "grace platform" {
		t.Errorf("asked: %s", got)
	}
}

func TestAnAssigneeWhomGitHubLeavesOutIsTold(t *testing.T) {
	client, _ := hub(t, "")
	p := bump
	p.Assignees = []string{"ada", "mallory"}
	_, err := forgetest.Propose(t.Context(), client, p)
	if want := "acme/charts: pull request #1: assignees mallory: GitHub did not assign them"; errorText(err) != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// TestRefusalsOfGraphQL holds that errors that come with the status 200 have the kind
// and the hint of others.
func TestRefusalsOfGraphQL(t *testing.T) {
	for _, test := range []struct{ answer, err string }{
		{`{"data":null,"errors":[{"type":"FORBIDDEN","message":"Resource not accessible by integration"}]}`, "the forge refused the credentials"},
		{`{"errors":[{"type":"INSUFFICIENT_SCOPES","message":"Your token has not been granted the required scopes"}]}`, "the forge refused the credentials"},
		{`{"errors":[{"type":"NOT_FOUND","message":"Could not resolve to a Repository"}]}`, "the forge does not know the repository"},
		{`{"errors":[{"message":"Field 'x' doesn't exist"}]}`, "the forge cannot grant the request"},
		{`<html>`, "the forge cannot grant the request"},
	} {
		client, fake := hub(t, "")
		fake.Before = func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "/api/graphql") {
				return false
			}
			w.Write([]byte(test.answer)) //nolint:errcheck // the client tells
			return true
		}
		p := bump
		p.AutoMerge = true
		_, err := forgetest.Propose(t.Context(), client, p)
		kind := ""
		if chain, ok := err.(interface{ Unwrap() []error }); ok && len(chain.Unwrap()) > 0 {
			kind = chain.Unwrap()[0].Error()
		}
		if kind != test.err {
			t.Errorf("%s: %v (%s)", test.answer, err, kind)
		}
	}
}
