package post

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// A received request.
type received struct{ path, authorization, contentType, agent, body string }

// server answers with the given statuses, one after the other, the last one for ever.
func server(t *testing.T, header map[string]string, statuses ...int) (*httptest.Server, *[]received) {
	t.Helper()
	var got []received
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		got = append(got, received{req.URL.Path, req.Header.Get("Authorization"), req.Header.Get("Content-Type"), req.UserAgent(), string(body)})
		for name, value := range header {
			w.Header().Set(name, value)
		}
		status := statuses[min(len(got), len(statuses))-1]
		w.WriteHeader(status)
		if status >= 400 {
			_, _ = io.WriteString(w, "line one\x1b[31m\nline two")
		}
	}))
	t.Cleanup(s.Close)
	return s, &got
}

func TestSend(t *testing.T) {
	s, got := server(t, nil, 202)
	err := Sender{UserAgent: "tagbump/test"}.Send(t.Context(), Document{s.URL + "/a", map[string]string{"Authorization": "Bearer x", "content-type": "application/json"}, []byte("{}")})
	if want := (received{"/a", "Bearer x", "application/json", "tagbump/test", "{}"}); err != nil || !slices.Equal(*got, []received{want}) {
		t.Errorf("%v, %+v", err, *got)
	}
}

func TestTries(t *testing.T) {
	for name, c := range map[string]struct {
		statuses []int
		header   map[string]string
		budget   time.Duration
		tries    int
		waited   []time.Duration // rounded to what the server asked for; 0 is our own
		problem  string          // behind the host
	}{
		"passes":             {[]int{503, 200}, nil, 0, 2, []time.Duration{0}, ""},
		"a limit":            {[]int{429, 200}, map[string]string{"Retry-After": "2"}, time.Minute, 2, []time.Duration{2 * time.Second}, ""},
		"too long a limit":   {[]int{429, 200}, map[string]string{"Retry-After": "90"}, time.Minute, 1, nil, ": 429 Too Many Requests: line one[31m; line two"},
		"stays":              {[]int{503}, nil, 0, 3, []time.Duration{0, 0}, ": 503 Service Unavailable: line one[31m; line two"},
		"refused":            {[]int{400}, nil, 0, 1, nil, ": 400 Bad Request: line one[31m; line two"},
		"gone":               {[]int{404}, nil, 0, 1, nil, ": 404 Not Found: line one[31m; line two"},
		"sent to other host": {[]int{307}, map[string]string{"Location": "http://192.0.2.1/"}, 0, 1, nil, ": 307 Temporary Redirect: redirects are not followed"},
	} {
		s, got := server(t, c.header, c.statuses...)
		var waited []time.Duration
		sender := Sender{Tries: 3, Budget: c.budget, Sleep: func(_ context.Context, d time.Duration) error {
			if c.header["Retry-After"] == "" {
				d = 0
			}
			waited = append(waited, d)
			return nil
		}}
		err := sender.Send(t.Context(), Document{URL: s.URL})
		problem := ""
		if err != nil {
			problem = strings.TrimPrefix(err.Error(), strings.TrimPrefix(s.URL, "http://"))
		}
		if problem != c.problem || len(*got) != c.tries || !slices.Equal(waited, c.waited) {
			t.Errorf("%s: %q after %d tries and waits %v", name, problem, len(*got), waited)
		}
	}
}

func TestARedirectOnTheSameHostIsNotFollowedEither(t *testing.T) {
	s, got := server(t, map[string]string{"Location": "/elsewhere"}, 302, 200)
	if err := (Sender{}).Send(t.Context(), Document{URL: s.URL}); err == nil || len(*got) != 1 {
		t.Errorf("%v, %+v", err, *got)
	}
}

func TestAServerThatSaysNothingCostsTheBudget(t *testing.T) {
	release := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer s.Close()
	defer close(release)
	begin := time.Now()
	if err := (Sender{Tries: 3, Budget: 50 * time.Millisecond}).Send(t.Context(), Document{URL: s.URL}); err == nil || time.Since(begin) > 5*time.Second {
		t.Errorf("%v after %v", err, time.Since(begin))
	}
}

func TestErrorsDoNotRepeatTheURL(t *testing.T) {
	for _, url := range []string{"http://ci:s3cret@127.0.0.1:1/s3cret?s3cret", "http://s3cret%zz@a.example", "://s3cret"} {
		err := Sender{}.Send(t.Context(), Document{URL: url})
		if err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", url, err)
		}
	}
}
