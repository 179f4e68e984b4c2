package github

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/forge/internal/forgetest"

	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

func TestAClosedPullRequestIsNotReused(t *testing.T) {
	r := start(t, nil)
	first := r.propose(t, proposal)
	if err := r.hub.Close(first.Number); err != nil {
		t.Fatal(err)
	}
	second := r.propose(t, proposal)
	equal(t, "second", []any{second.Number, second.Reused}, []any{2, false})
}

func TestCreateGivesUpAfterThreeAttempts(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		kind   error
		posts  int
	}{
		"down":                        {503, "", forge.ErrUnavailable, 3},
		"there, but the list lags":    {422, `{"message":"Validation Failed","errors":[{"code":"custom","message":"A pull request already exists for acme:x."}]}`, forge.ErrInvalid, 1},
		"refused for good":            {422, `{"message":"Validation Failed"}`, forge.ErrInvalid, 1},
		"forbidden":                   {403, `{"message":"Must have admin rights"}`, forge.ErrAuth, 1},
		"limited for an unknown time": {429, "", forge.ErrUnavailable, 2}, // after one minute, two more are over the budget
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, nil)
			posts := 0
			r.hub.Before = func(w http.ResponseWriter, req *http.Request) bool {
				if req.Method != http.MethodPost {
					return false
				}
				posts++
				answer(w, test.status, nil, test.body)
				return true
			}
			_, err := forgetest.Propose(t.Context(), r.Client, proposal)
			if !errors.Is(err, test.kind) {
				t.Errorf("err = %v, want %v", err, test.kind)
			}
			equal(t, "posts", posts, test.posts)
		})
	}
}

func TestAnEndlessRedirectIsRefused(t *testing.T) {
	r := start(t, nil)
	r.hub.Before = func(w http.ResponseWriter, req *http.Request) bool {
		answer(w, 307, http.Header{"Location": {req.URL.Path}}, "")
		return true
	}
	_, err := r.Open(t.Context(), "main")
	if !errors.Is(err, forge.ErrInvalid) || !strings.HasSuffix(err.Error(), "more than 5 redirects") {
		t.Errorf("err = %v", err)
	}
}

func TestAnUnknownCertificateIsNotTriedAgain(t *testing.T) {
	server := httptest.NewUnstartedServer(testenv.NewGitHub(testenv.ForgeOptions{Path: "acme/charts", Tip: tip}))
	server.StartTLS()
	t.Cleanup(server.Close)
	client, err := New("acme", "charts", Options{APIURL: server.URL, Token: token})
	if err != nil {
		t.Fatal(err)
	}
	client.wait = func(context.Context, time.Duration) error { t.Error("waited"); return nil }
	_, err = client.Open(t.Context(), "main")
	if !errors.Is(err, forge.ErrUnavailable) || !strings.Contains(err.Error(), "x509") {
		t.Errorf("err = %v", err)
	}
}

func TestAWaitEndsWithItsCaller(t *testing.T) {
	late, cancelLate := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancelLate()
	r := start(t, nil)
	_, err := r.Open(late, "main")
	if !errors.Is(err, forge.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) || !strings.HasSuffix(err.Error(), ": out of time") {
		t.Errorf("err = %v", err)
	}
}

func TestTheTokenStaysOnTheHostOfTheAPI(t *testing.T) {
	seen := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen = true }))
	t.Cleanup(other.Close)
	r := start(t, nil)
	r.hub.Before = func(w http.ResponseWriter, _ *http.Request) bool {
		answer(w, 307, http.Header{"Location": {other.URL + "/pulls"}}, "")
		return true
	}
	_, err := forgetest.Propose(t.Context(), r.Client, proposal)
	if !errors.Is(err, forge.ErrInvalid) || seen {
		t.Errorf("err = %v; the other host was asked: %v", err, seen)
	}
}

// TestTheTransportSignsItsOwnHostOnly asks the transport itself: above it, the
// check of redirects would hide a token that it adds for another host.
func TestTheTransportSignsItsOwnHostOnly(t *testing.T) {
	base, err := url.Parse("https://ghe.acme.example/api/v3/")
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"https://ghe.acme.example/api/v3/user":     "Bearer " + token,
		"https://GHE.acme.example/elsewhere":       "Bearer " + token,
		"http://ghe.acme.example/api/v3/user":      "",
		"https://acme.example/api/v3/user":         "",
		"https://ghe.acme.example:8443/user":       "",
		"https://ghe.acme.example.evil.test/user":  "",
		"https://evil.test/ghe.acme.example/users": "",
	} {
		sent := ""
		next := roundTripper(func(req *http.Request) (*http.Response, error) {
			sent = req.Header.Get("Authorization")
			return &http.Response{StatusCode: 200, Body: http.NoBody, Request: req}, nil
		})
		req, err := http.NewRequest(http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := newTransport(next, base, token).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		equal(t, address, sent, want)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// blanks is a body that has no end.
type blanks struct{}

func (blanks) Read(p []byte) (int, error) { return len(p), nil }

func TestAnAnswerWithoutEndIsCut(t *testing.T) {
	base := &url.URL{Scheme: "https", Host: "api.github.com", Path: "/"}
	endless := roundTripper(func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(io.LimitReader(blanks{}, maxAnswer+1<<20)), Request: req}, nil
	})
	resp, err := newTransport(endless, base, "").RoundTrip(httptest.NewRequest(http.MethodGet, "https://api.github.com/repos", nil))
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, resp.Body)
	if want := "the answer is longer than 64 MiB"; err == nil || err.Error() != want || n > maxAnswer {
		t.Errorf("%d bytes, %v, want %s", n, err, want)
	}
}
