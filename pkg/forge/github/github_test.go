package github

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/forge/internal/forgetest"

	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

const (
	token = "ghp_s3cr3tT0ken0fTheTests"
	head  = "tagbump/web-1.2.4"
)

var proposal = forge.Proposal{Base: "main", Head: head, Title: "web: 1.2.3 → 1.2.4", Body: "One line.\n", Labels: []string{"deploy"}}

// tips are the branches of the repository; "empty" has no commits of its own.
var tips = map[string]string{"main": "a1", "empty": "a1", head: "b2", "tagbump/api-7": "c3"}

func tip(branch string) (string, bool) { hash, ok := tips[branch]; return hash, ok }

// A run is a client, the fake it talks to, and the waits it made, none of which
// takes time.
type run struct {
	*Client
	hub   *testenv.Forge
	waits []time.Duration
	log   []string
}

func start(t *testing.T, change func(*testenv.ForgeOptions, *Options)) *run {
	t.Helper()
	server := testenv.ForgeOptions{Path: "acme/charts", Token: token, Tip: tip}
	opts := Options{Token: token}
	if change != nil {
		change(&server, &opts)
	}
	r := &run{}
	r.hub, opts.APIURL = testenv.StartGitHub(t, server)
	opts.Log = func(format string, args ...any) { r.log = append(r.log, fmt.Sprintf(format, args...)) }
	client, err := New("acme", "charts", opts)
	if err != nil {
		t.Fatal(err)
	}
	client.wait = func(ctx context.Context, d time.Duration) error {
		r.waits = append(r.waits, d)
		return ctx.Err()
	}
	r.Client = client
	return r
}

func (r *run) asked() string {
	var lines []string
	for _, request := range r.hub.Requests() {
		lines = append(lines, request.Method+" "+request.Path)
	}
	return strings.Join(lines, "\n")
}

func (r *run) propose(t *testing.T, p forge.Proposal) forge.PullRequest {
	t.Helper()
	pr, err := forgetest.Propose(t.Context(), r.Client, p)
	if err != nil {
		t.Fatal(err)
	}
	return pr
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s:\n got %v\nwant %v", what, got, want)
	}
}

func TestProposeTwiceOpensOnePullRequest(t *testing.T) {
	r := start(t, nil)
	first := r.propose(t, proposal)
	second := r.propose(t, proposal)

	equal(t, "first", []any{first.Number, first.Reused, strings.HasSuffix(first.URL, "/acme/charts/pull/1")}, []any{1, false, true})
	equal(t, "second", []any{second.Number, second.Reused, second.URL}, []any{1, true, first.URL})
	equal(t, "pulls", r.hub.Pulls(), []testenv.ForgePull{{
		Number: 1, Open: true, Title: proposal.Title, Body: proposal.Body,
		Head: head, Base: "main", Labels: []string{"deploy"},
	}})
	equal(t, "requests", r.asked(), `GET /repos/acme/charts/pulls
POST /repos/acme/charts/pulls
POST /repos/acme/charts/issues/1/labels
GET /repos/acme/charts/pulls`)
}

func TestProposeRefreshesTitleBodyAndLabels(t *testing.T) {
	r := start(t, nil)
	r.hub.Add(testenv.ForgePull{Title: "old", Body: "old", Head: head, Base: "main", Labels: []string{"Deploy"}})
	changed := proposal
	changed.Body, changed.Labels = "", []string{"deploy", "urgent"}

	pr := r.propose(t, changed)

	equal(t, "reused", pr.Reused, true)
	equal(t, "pulls", r.hub.Pulls(), []testenv.ForgePull{{
		Number: 1, Open: true, Title: proposal.Title, Body: "",
		Head: head, Base: "main", Labels: []string{"Deploy", "urgent"},
	}})
}

func TestLineEndsOfTheWebEditorAreNoReasonToRefresh(t *testing.T) {
	r := start(t, nil)
	r.hub.Add(testenv.ForgePull{Title: proposal.Title, Body: "One line.\r\n\r\n", Head: head, Base: "main", Labels: proposal.Labels})
	r.propose(t, proposal)
	equal(t, "requests", r.asked(), "GET /repos/acme/charts/pulls")
}

func TestNeitherForeignNorOtherBranchesAreTaken(t *testing.T) {
	for name, pull := range map[string]testenv.ForgePull{
		"of a fork":    {Head: head, Base: "main", Fork: true},
		"other head":   {Head: "tagbump/api-7", Base: "main"},
		"other base":   {Head: head, Base: "empty"},
		"other letter": {Head: strings.ToUpper(head), Base: "main"},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, nil)
			r.hub.Before = func(_ http.ResponseWriter, req *http.Request) bool { // as Gitea, and worse
				req.URL.RawQuery = "state=all"
				return false
			}
			r.hub.Add(pull)
			open, err := r.Open(t.Context(), "main")
			if pr, found := forge.From(open, head); found || err != nil {
				t.Errorf("open: %+v, %v; want none", pr, err)
			}
			if err := r.hub.Close(1); err != nil {
				t.Fatal(err)
			}
			if pr, found, err := r.Closed(t.Context(), head, "main"); found || err != nil {
				t.Errorf("closed: %+v, %v; want none", pr, err)
			}
		})
	}
}

func TestEveryPageOfOpenPullRequestsIsRead(t *testing.T) {
	r := start(t, nil)
	number := r.hub.Add(testenv.ForgePull{Head: head, Base: "main"}) // the oldest, so on the last page
	for range 250 {
		r.hub.Add(testenv.ForgePull{Head: "tagbump/api-7", Base: "main"})
	}
	open, err := r.Open(t.Context(), "main")
	if pr, found := forge.From(open, head); err != nil || !found || pr.Number != number || len(open) != 251 {
		t.Errorf("%d open, %+v, %v", len(open), pr, err)
	}
	equal(t, "requests", len(r.hub.Requests()), 3)
}

func TestARaceThatAnotherRunWonReusesItsPullRequest(t *testing.T) {
	r := start(t, nil)
	r.hub.Before = func(_ http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodPost && len(r.hub.Pulls()) == 0 {
			r.hub.Add(testenv.ForgePull{Title: "theirs", Head: head, Base: "main"})
		}
		return false
	}
	pr := r.propose(t, proposal)
	equal(t, "pull request", []any{pr.Number, pr.Reused, len(r.hub.Pulls())}, []any{1, true, 1})
	equal(t, "title", r.hub.Pulls()[0].Title, proposal.Title)
}

func TestALostAnswerToCreateIsLookedUpAndNotRepeated(t *testing.T) {
	r := start(t, nil)
	r.hub.Before = func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodPost && len(r.hub.Pulls()) == 0 {
			r.hub.Add(testenv.ForgePull{Title: proposal.Title, Body: proposal.Body, Head: head, Base: "main"})
			w.WriteHeader(http.StatusBadGateway)
			return true
		}
		return false
	}
	pr := r.propose(t, proposal)
	equal(t, "pull request", []any{pr.Number, pr.Reused, len(r.hub.Pulls())}, []any{1, false, 1})
	equal(t, "requests", r.asked(), `GET /repos/acme/charts/pulls
POST /repos/acme/charts/pulls
GET /repos/acme/charts/pulls
POST /repos/acme/charts/issues/1/labels`)
}

func TestALostAnswerDoesNotMakeAnotherRunsPullRequestOurs(t *testing.T) {
	r := start(t, nil)
	r.hub.Before = func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodPost && len(r.hub.Pulls()) == 0 {
			r.hub.Add(testenv.ForgePull{Title: "another run's", Body: "other", Head: head, Base: "main"})
			w.WriteHeader(http.StatusBadGateway)
			return true
		}
		return false
	}
	pr := r.propose(t, proposal)
	equal(t, "pull request", []any{pr.Number, pr.Reused, len(r.hub.Pulls())}, []any{1, true, 1})
	equal(t, "title", r.hub.Pulls()[0].Title, proposal.Title)
}

// TestAConflictIsLookedInto is about forges that answer 409 instead of GitHub's
// 422 when the pull request exists already, as Gitea does.
func TestAConflictIsLookedInto(t *testing.T) {
	r := start(t, nil)
	r.hub.Before = func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodPost && len(r.hub.Pulls()) == 0 {
			r.hub.Add(testenv.ForgePull{Title: proposal.Title, Body: proposal.Body, Head: head, Base: "main"})
			answer(w, http.StatusConflict, nil, `{"message":"pull request for these targets"}`)
			return true
		}
		return false
	}
	pr := r.propose(t, proposal)
	equal(t, "pull request", []any{pr.Number, pr.Reused, len(r.hub.Pulls())}, []any{1, true, 1})
}

func TestACreateThatFailedIsRepeatedOnlyAfterALook(t *testing.T) {
	r := start(t, nil)
	posts := 0
	r.hub.Before = func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodPost && strings.HasSuffix(req.URL.Path, "/pulls") {
			posts++
			if posts == 1 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return true
			}
		}
		return false
	}
	pr := r.propose(t, proposal)
	equal(t, "pull request", []any{pr.Number, pr.Reused}, []any{1, false})
	equal(t, "requests", r.asked(), `GET /repos/acme/charts/pulls
POST /repos/acme/charts/pulls
GET /repos/acme/charts/pulls
POST /repos/acme/charts/pulls
POST /repos/acme/charts/issues/1/labels`)
}

func TestServerErrorsPass(t *testing.T) {
	r := start(t, nil)
	r.hub.Before = func(w http.ResponseWriter, _ *http.Request) bool {
		if len(r.hub.Requests()) <= 2 {
			w.Header().Set("Retry-After", "2")
			w.WriteHeader(http.StatusBadGateway)
			return true
		}
		return false
	}
	r.propose(t, proposal)
	equal(t, "waits", r.waits, []time.Duration{2 * time.Second, 2 * time.Second})
	equal(t, "first line of the log", r.log[0], "acme/charts: open pull requests into main: HTTP 502 Bad Gateway; trying again in 2s")
}

func TestRateLimitsAreWaitedForWithinTheBudget(t *testing.T) {
	for name, limit := range map[string]struct {
		status int
		header http.Header
		body   string
		want   time.Duration
	}{
		"primary 403":            {403, http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"1030"}}, `{"message":"API rate limit exceeded"}`, 30 * time.Second},
		"primary 429":            {429, http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"1030"}}, `{"message":"API rate limit exceeded"}`, 30 * time.Second},
		"secondary 403":          {403, http.Header{"Retry-After": {"45"}}, `{"message":"You have exceeded a secondary rate limit."}`, 45 * time.Second},
		"secondary 429":          {429, http.Header{"Retry-After": {"45"}}, `{"message":"You have exceeded a secondary rate limit."}`, 45 * time.Second},
		"secondary 403, no hint": {403, nil, `{"message":"You have exceeded a secondary rate limit."}`, time.Minute},
		"429 with a date":        {429, http.Header{"Retry-After": {"Thu, 01 Jan 1970 00:17:00 GMT"}}, `slow down`, 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, nil)
			clock(r, 1000)
			r.hub.Before = func(w http.ResponseWriter, req *http.Request) bool {
				if req.Method != http.MethodPost || len(r.waits) > 0 {
					return false
				}
				answer(w, limit.status, limit.header, limit.body)
				return true
			}
			pr := r.propose(t, proposal)
			equal(t, "waits", r.waits, []time.Duration{limit.want})
			equal(t, "number", pr.Number, 1)
		})
	}
}

func clock(r *run, unix int64) {
	r.api.Client().Transport.(*transport).now = func() time.Time { return time.Unix(unix, 0) }
}

func answer(w http.ResponseWriter, status int, header http.Header, body string) {
	for name, values := range header {
		w.Header()[name] = values
	}
	w.WriteHeader(status)
	fmt.Fprint(w, body)
}

func TestErrorsNameThePlaceAndNeverTheToken(t *testing.T) {
	echo := `{"message":"bad header: Bearer ` + token + `"}`
	const place = "acme/charts: open pull requests into main: "
	for name, test := range map[string]struct {
		status int
		header http.Header
		body   string
		kind   error
		want   string
		hint   string
	}{
		"wrong token":        {401, nil, `{"message":"Bad credentials"}`, forge.ErrAuth, place + "HTTP 401: Bad credentials", tokenHint},
		"echoed token":       {401, nil, echo, forge.ErrAuth, place + "HTTP 401: bad header: Bearer REDACTED", tokenHint},
		"permission":         {403, http.Header{"X-Accepted-Github-Permissions": {"pull_requests=write"}}, `{"message":"Resource not accessible by personal access token"}`, forge.ErrAuth, place + "HTTP 403: Resource not accessible by personal access token", "the token needs one of these permissions: pull_requests=write"},
		"single sign-on":     {403, http.Header{"X-Github-Sso": {"required; url=https://github.com/orgs/acme/sso?authorization_request=x"}}, `{"message":"Resource protected by organization SAML enforcement."}`, forge.ErrAuth, place + "HTTP 403: Resource protected by organization SAML enforcement.", singleHint},
		"not found":          {404, nil, `{"message":"Not Found"}`, forge.ErrNotFound, place + "HTTP 404: Not Found", hiddenHint},
		"long limit":         {403, http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"3400"}}, `{"message":"API rate limit exceeded"}`, forge.ErrUnavailable, place + "rate limit, to try again in 40m0s: HTTP 429: API rate limit exceeded", ""},
		"long secondary 429": {429, http.Header{"Retry-After": {"600"}}, echo, forge.ErrUnavailable, place + "rate limit, to try again in 10m0s: HTTP 429: bad header: Bearer REDACTED", ""},
		"server error":       {500, nil, "<html>\x1b[31m" + token, forge.ErrUnavailable, place + "HTTP 500 Internal Server Error", ""},
		"a web page":         {200, nil, "<html>" + token, forge.ErrInvalid, place + "the answer is not one of GitHub's API", apiURLHint},
		"control characters": {422, nil, `{"message":"a\n::error::\u001b[31mb","errors":[{"field":"head","code":"invalid"}]}`, forge.ErrInvalid, place + "HTTP 422: a; ::error::[31mb: head invalid", ""},
		"elsewhere":          {302, http.Header{"Location": {"https://u:" + token + "@login.example/?t=" + token}}, "", forge.ErrInvalid, place + "redirected to https://login.example/: another host, which must not see the token", apiURLHint},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, nil)
			clock(r, 1000)
			r.hub.Before = func(w http.ResponseWriter, _ *http.Request) bool {
				answer(w, test.status, test.header, test.body)
				return true
			}
			_, err := forgetest.Propose(t.Context(), r.Client, proposal)
			if err == nil {
				t.Fatal("no error")
			}
			equal(t, "text", err.Error(), test.want)
			if !errors.Is(err, test.kind) {
				t.Errorf("%v is not %v", err, test.kind)
			}
			var hinted interface{ Hint() string }
			if !errors.As(err, &hinted) || hinted.Hint() != test.hint {
				t.Errorf("hint of %v is not %q", err, test.hint)
			}
			if all := fmt.Sprintf("%+v %#v %v %s", err, err, r.log, hinted.Hint()); strings.Contains(all, "s3cr3t") {
				t.Errorf("the token leaks: %s", all)
			}
		})
	}
}

func TestTheFakesOwnRefusals(t *testing.T) {
	const repo = "acme/charts: pull request "
	for name, test := range map[string]struct {
		token, head, base string
		kind              error
		want              string
	}{
		"no commits":    {token, "empty", "main", forge.ErrInvalid, repo + "empty → main: HTTP 422: Validation Failed: No commits between main and empty"},
		"no such head":  {token, "gone", "main", forge.ErrInvalid, repo + "gone → main: HTTP 422: Validation Failed: head invalid"},
		"no such base":  {token, head, "trunk", forge.ErrInvalid, repo + head + " → trunk: HTTP 422: Validation Failed: base invalid"},
		"a wrong token": {"wrong", head, "main", forge.ErrAuth, "acme/charts: open pull requests into main: HTTP 401: Bad credentials"},
		"no token":      {"", head, "main", forge.ErrNotFound, "acme/charts: open pull requests into main: HTTP 404: Not Found"},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, func(_ *testenv.ForgeOptions, opts *Options) { opts.Token = test.token })
			_, err := forgetest.Propose(t.Context(), r.Client, forge.Proposal{Head: test.head, Base: test.base, Title: "x"})
			if !errors.Is(err, test.kind) || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestALabelThatFailsLeavesThePullRequestKnown(t *testing.T) {
	r := start(t, nil)
	r.hub.Before = func(w http.ResponseWriter, req *http.Request) bool {
		if strings.HasSuffix(req.URL.Path, "/labels") {
			answer(w, 403, nil, `{"message":"Resource not accessible by integration"}`)
			return true
		}
		return false
	}
	pr, err := forgetest.Propose(t.Context(), r.Client, proposal)
	equal(t, "number", pr.Number, 1)
	if !errors.Is(err, forge.ErrAuth) {
		t.Fatalf("err = %v", err)
	}
	equal(t, "text", err.Error(), "acme/charts: pull request #1: labels deploy: HTTP 403: Resource not accessible by integration")
}

func TestEnterpriseHasAPathInFrontAndGetsTheUserAgent(t *testing.T) {
	r := start(t, func(server *testenv.ForgeOptions, opts *Options) {
		server.Prefix = "/api/v3"
		opts.UserAgent = "tagbump/1.0"
	})
	r.propose(t, proposal)
	equal(t, "path", r.hub.Requests()[0].Path, "/api/v3/repos/acme/charts/pulls")
	equal(t, "user agent", r.hub.Requests()[0].UserAgent, "tagbump/1.0")
}

func TestAMovedRepositoryIsFollowedAndItsNewOwnerFiltered(t *testing.T) {
	r := start(t, func(server *testenv.ForgeOptions, _ *Options) {
		server.Path, server.Formerly = "newco/charts", "acme/charts"
	})
	first := r.propose(t, proposal)
	second := r.propose(t, proposal)
	equal(t, "numbers", []any{first.Number, first.Reused, second.Number, second.Reused, len(r.hub.Pulls())}, []any{1, false, 1, true, 1})
}

func TestAWriteThatIsRedirectedStaysAWrite(t *testing.T) {
	r := start(t, nil)
	r.hub.Before = func(w http.ResponseWriter, req *http.Request) bool {
		if req.Method == http.MethodPost && strings.HasPrefix(req.URL.Path, "/repos/") {
			answer(w, 301, http.Header{"Location": {strings.Replace(req.URL.Path, "/repos/acme/charts", "/repositories/1", 1)}}, "{}")
			return true
		}
		return false
	}
	pr := r.propose(t, proposal)
	equal(t, "number", pr.Number, 1)
	equal(t, "labels", r.hub.Pulls()[0].Labels, []string{"deploy"})
}

func TestNoConnectionAndNoAnswerAreUnavailable(t *testing.T) {
	r := start(t, nil)
	r.hub.Before = func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }
	_, err := r.Open(t.Context(), "main")
	if !errors.Is(err, forge.ErrUnavailable) || !strings.HasSuffix(err.Error(), ": EOF") {
		t.Errorf("aborted: %v", err)
	}
	equal(t, "waits", len(r.waits), maxAttempts-1)

	hung := start(t, nil)
	hung.timeout = 20 * time.Millisecond
	hung.hub.Before = func(_ http.ResponseWriter, req *http.Request) bool { <-req.Context().Done(); return true }
	_, err = hung.Open(t.Context(), "main")
	if !errors.Is(err, forge.ErrUnavailable) || !strings.HasSuffix(err.Error(), "no answer within 20ms") {
		t.Errorf("hung: %v", err)
	}
}

func TestACancelledCallerIsNoUnavailableForge(t *testing.T) {
	r := start(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	r.hub.Before = func(http.ResponseWriter, *http.Request) bool { cancel(); panic(http.ErrAbortHandler) }
	_, err := forgetest.Propose(ctx, r.Client, proposal)
	if !errors.Is(err, context.Canceled) || errors.Is(err, forge.ErrUnavailable) {
		t.Errorf("err = %v", err)
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	for name, test := range map[string]struct {
		owner, repo, api, token, want string
		kind                          error
	}{
		"path in the name": {"acme", "../x", "", "", `"acme/../x": "../x" cannot be the name of an owner or repository`, forge.ErrInvalid},
		"no scheme":        {"acme", "charts", "ghe.acme.com/api/v3", "", `acme/charts: "ghe.acme.com/api/v3": the API's URL must begin with https:// and a host`, forge.ErrInvalid},
		"token in the URL": {"acme", "charts", "https://x:" + token + "@ghe", "", `acme/charts: "https://REDACTED@ghe": the API's URL must have no user, query or fragment`, forge.ErrInvalid},
		"two tokens":       {"acme", "charts", "", token + "\n" + token, "acme/charts: the token has characters that no header can carry", forge.ErrAuth},
	} {
		_, err := New(test.owner, test.repo, Options{APIURL: test.api, Token: test.token})
		if !errors.Is(err, test.kind) || err.Error() != test.want {
			t.Errorf("%s: got %v\nwant %s", name, err, test.want)
		}
	}
	if _, err := New("acme", "charts", Options{Token: token + "\n"}); err != nil {
		t.Errorf("a line end after the token, as a file has: %v", err)
	}
}

func TestParseURL(t *testing.T) {
	for _, test := range testenv.Addresses(t) {
		owner, repo, err := ParseURL(test.Raw)
		switch {
		case test.GitHub == "" && !errors.Is(err, forge.ErrInvalid):
			t.Errorf("%s: got %s/%s, %v, want ErrInvalid", test.Raw, owner, repo, err)
		case test.GitHub != "" && (err != nil || owner+"/"+repo != test.GitHub):
			t.Errorf("%s: got %s/%s, %v, want %s", test.Raw, owner, repo, err, test.GitHub)
		case err != nil && strings.Contains(err.Error(), "er2secret"):
			t.Errorf("a secret is in %v", err)
		}
	}
}

func TestParseURLSaysWhatIsWrong(t *testing.T) {
	for raw, want := range map[string]string{
		"https://github.com/acme":                      `"https://github.com/acme": its path is not owner/repository`,
		"https://u:" + token + "@gitlab.com/a/b/c.git": `"https://REDACTED@gitlab.com/a/b/c.git": its path is not owner/repository`,
		"https://u:" + token + "@host:port/a/b":        `"https://REDACTED@host:port/a/b": is not a URL`,
		"/srv/git/acme/c.git":                          `"/srv/git/acme/c.git": is a path on this machine, not a repository of a forge`,
		"https://github.com/acme/..":                   `"https://github.com/acme/..": ".." cannot be the name of an owner or repository`,
		"":                                             `"": is empty`,
	} {
		if _, _, err := ParseURL(raw); err == nil || err.Error() != want {
			t.Errorf("ParseURL(%q)\n got %v\nwant %s", raw, err, want)
		}
	}
}
