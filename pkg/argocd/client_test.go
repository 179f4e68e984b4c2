package argocd

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/rollout"
)

const token = "eyJhbGciOiJIUzI1NiJ9.correctHorse.battery"

// clientOf returns a client of a server that answers with handle, without pauses.
func clientOf(t testing.TB, handle http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	client, err := New(Options{Server: server.URL, Token: token, UserAgent: "tagbump/test"})
	if err != nil {
		t.Fatal(err)
	}
	client.pause.First = time.Millisecond
	return client
}

func TestServers(t *testing.T) {
	for _, test := range []struct {
		server    string
		plaintext bool
		want      string // base URL, or error
	}{
		{"argocd.acme.example", false, "https://argocd.acme.example"},
		{"argocd.acme.example:443", false, "https://argocd.acme.example:443"},
		{"127.0.0.1:8080", true, "http://127.0.0.1:8080"},
		{"https://acme.example/argocd/", false, "https://acme.example/argocd"},
		{"acme.example/argocd", false, "https://acme.example/argocd"},
		{"https://argocd.acme.example", true, "https://argocd.acme.example"},
		{"", false, "error"},
		{"https://", false, "error"},
		{"ssh://argocd.acme.example", false, "error"},
		{"https://ada:pw@argocd.acme.example", false, "error"},
		{"argocd.acme.example?x=y", false, "error"},
		{"a b", false, "error"},
	} {
		client, err := New(Options{Server: test.server, Plaintext: test.plaintext, Token: token})
		got := "error"
		if err == nil {
			got = client.base.String()
		} else if fault.KindOf(err) != fault.Usage || strings.Contains(err.Error(), "pw") {
			t.Errorf("%q: %v", test.server, err)
		}
		if got != test.want {
			t.Errorf("%q: %s, want %s (%v)", test.server, got, test.want, err)
		}
	}
	if _, err := New(Options{Server: "a.example", Token: "two\nlines"}); fault.KindOf(err) != fault.NoAccess {
		t.Errorf("a token that no header can carry: %v", err)
	}
}

// TestRefusals holds which kind each answer of Argo CD is, with its words.
func TestRefusals(t *testing.T) {
	for _, test := range []struct {
		status int
		body   string
		kind   fault.Kind
		want   string
		hint   string
	}{
		{401, `{"error":"no session information","code":16,"message":"no session information"}`, fault.NoAccess, "HTTP 401: no session information", "ARGOCD_AUTH_TOKEN"},
		{403, `{"error":"permission denied","code":7,"message":"permission denied"}`, fault.NoAccess, "HTTP 403: permission denied", "applications, get"},
		{404, `{"error":"applications.argoproj.io \"nosuch\" not found","code":5,"message":"applications.argoproj.io \"nosuch\" not found"}`, fault.NotFound, `HTTP 404: applications.argoproj.io "nosuch" not found`, ""},
		{400, `{"error":{"grpc_code":9,"http_code":400,"message":"another operation is already in progress"}}`, fault.Failed, "HTTP 400: another operation is already in progress", ""},
		{415, "Invalid content type\n", fault.Failed, "HTTP 415: Invalid content type", ""},
		{502, "<html><body>Bad Gateway</body></html>", fault.Unavailable, "HTTP 502: Bad Gateway", ""},
		{429, `{"message":"slow down \u001b[31m` + token + `"}`, fault.Unavailable, "HTTP 429: slow down [31mREDACTED", ""},
		{200, "<html>log in</html>", fault.Failed, "the answer is not one of Argo CD's API", "log-in page"},
	} {
		client := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(test.status)
			fmt.Fprint(w, test.body)
		})
		_, err := client.Application(t.Context(), ID{Name: "web"})
		if fault.KindOf(err) != test.kind || !strings.HasSuffix(err.Error(), "application web: "+test.want) || !strings.Contains(fault.HintOf(err), test.hint) {
			t.Errorf("%d: %v (%v; %s)", test.status, err, fault.KindOf(err), fault.HintOf(err))
		}
	}
}

// TestTheTokenStaysOnItsHost holds that no redirect is followed.
func TestTheTokenStaysOnItsHost(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		reached := false
		other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
		client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+"/login?next=secret", status)
		})
		_, err := client.Application(t.Context(), ID{Name: "web"})
		other.Close()
		if reached || fault.KindOf(err) != fault.NoAccess || !strings.Contains(err.Error(), "redirected to http://127.0.0.1") || strings.Contains(err.Error(), "next=") {
			t.Errorf("%d: reached %v, %v", status, reached, err)
		}
	}
	client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://"+r.Host+r.URL.Path, http.StatusTemporaryRedirect)
	})
	if _, err := client.Application(t.Context(), ID{Name: "web"}); fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), "speaks HTTPS only") {
		t.Error(err)
	}
}

// TestRequests holds the requests' bytes.
func TestRequests(t *testing.T) {
	var seen []string
	client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen = append(seen, fmt.Sprintf("%s %s %s %q", r.Method, r.URL.RequestURI(), r.Header.Get("Content-Type"), body))
		if r.Header.Get("Authorization") != "Bearer "+token || r.Header.Get("User-Agent") != "tagbump/test" {
			t.Errorf("%v", r.Header)
		}
		fmt.Fprint(w, `{"items": [{"metadata": {"name": "web"}}], "manifests": ["{}"], "canSync": true}`)
	})
	ctx, id := t.Context(), ID{Name: "web", Namespace: "team-a", Project: "shop"}
	several := rollout.Application{Spec: rollout.Spec{Sources: make([]rollout.Source, 2)}}
	for _, call := range []func() error{
		func() error { _, err := client.Refresh(ctx, id); return err },
		func() error { _, err := client.Tree(ctx, ID{Name: "a/b"}); return err },
		func() error { _, err := client.Windows(ctx, ID{Name: "web"}); return err },
		func() error { _, err := client.Applications(ctx); return err },
		func() error { return client.Sync(ctx, id) },
		func() error {
			_, err := client.Manifests(ctx, ID{Name: "web"}, rollout.Application{}, Revisions{0: "abc"})
			return err
		},
		func() error {
			_, err := client.Manifests(ctx, ID{Name: "web"}, several, Revisions{1: "abc"})
			return err
		},
	} {
		if err := call(); err != nil {
			t.Error(err)
		}
	}
	want := []string{
		`GET /api/v1/applications/web?appNamespace=team-a&project=shop&refresh=normal  ""`,
		`GET /api/v1/applications/a%2Fb/resource-tree  ""`,
		`GET /api/v1/applications/web/syncwindows  ""`,
		`GET /api/v1/applications?fields=` + strings.ReplaceAll(listFields, ",", "%2C") + `  ""`,
		`POST /api/v1/applications/web/sync?appNamespace=team-a&project=shop application/json "{}"`,
		`GET /api/v1/applications/web/manifests?revision=abc  ""`,
		`GET /api/v1/applications/web/manifests?revisions=abc&sourcePositions=2  ""`,
	}
	if got := strings.Join(seen, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("sent\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

// TestRetries holds that a look is repeated and a sync or a refresh is not.
func TestRetries(t *testing.T) {
	calls := 0
	client := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls++; calls < tries {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		fmt.Fprint(w, `{}`)
	})
	if _, err := client.Application(t.Context(), ID{Name: "web"}); err != nil || calls != tries {
		t.Errorf("%v after %d calls", err, calls)
	}
	for name, once := range map[string]func() error{
		"sync":    func() error { return client.Sync(t.Context(), ID{Name: "web"}) },
		"refresh": func() error { _, err := client.Refresh(t.Context(), ID{Name: "web"}); return err },
	} {
		calls = 0
		if err := once(); err == nil || calls != 1 {
			t.Errorf("%s: %v after %d calls", name, err, calls)
		}
	}
}

// TestARequestEnds holds that a server that says nothing is not waited for without end,
// and that the caller's end is told from the request's own.
func TestARequestEnds(t *testing.T) {
	release := make(chan struct{})
	client := clientOf(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	defer close(release)
	client.timeout = 20 * time.Millisecond
	if _, err := client.Refresh(t.Context(), ID{Name: "web"}); fault.KindOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "no answer within 20ms") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(fault.New(fault.NotDeployed, "the time is over"))
	if _, err := client.Refresh(ctx, ID{Name: "web"}); fault.KindOf(err) != fault.NotDeployed {
		t.Error(err)
	}
}
