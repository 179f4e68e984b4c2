package registry

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// answers is a server that answers its pings one after another, and counts them.
type answers struct {
	mu    sync.Mutex
	asked int
	began chan struct{} // is closed by the first question, which then waits for ever; nil answers at once
	each  []any         // a status, or an error; the last one is repeated
}

func (a *answers) RoundTrip(req *http.Request) (*http.Response, error) {
	a.mu.Lock()
	answer := a.each[min(a.asked, len(a.each)-1)]
	first := a.asked == 0
	a.asked++
	a.mu.Unlock()
	if first && a.began != nil {
		close(a.began)
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	if err, failed := answer.(error); failed {
		return nil, err
	}
	header := http.Header{"Www-Authenticate": {`Bearer realm="https://auth.acme.example/token"`}}
	return &http.Response{StatusCode: answer.(int), Header: header, Body: io.NopCloser(strings.NewReader("who?")), Request: req}, nil
}

func ask(t *testing.T, ctx context.Context, d *pings, url string) (int, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := d.RoundTrip(req)
	if err != nil {
		return 0, err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || string(body) != "who?" || resp.Request != req || resp.Header.Get("Www-Authenticate") == "" {
		t.Errorf("%q, %v, of %v", body, err, resp.Request)
	}
	resp.Header.Del("Www-Authenticate") // whoever changes his answer changes nobody else's
	return resp.StatusCode, nil
}

func TestARegistryIsAskedOnceHowToLogIn(t *testing.T) {
	plain := errors.New("http: server gave HTTP response to HTTPS client")
	for _, test := range []struct {
		name  string
		each  []any
		url   string
		asked int
	}{
		{"a challenge", []any{401}, "https://acme.example/v2/", 1},
		{"no log-in", []any{200}, "https://acme.example/v2/", 1},
		{"no TLS", []any{plain}, "https://acme.example/v2/", 1},
		{"out of order, and back", []any{503, 503, 401}, "https://acme.example/v2/", 3},
		{"not there", []any{errors.New("connection refused")}, "https://acme.example/v2/", 4},
		{"something else", []any{200}, "https://acme.example/v2/acme/web/tags/list", 4},
	} {
		server := &answers{each: test.each}
		d := &pings{next: server}
		for range 4 {
			_, _ = ask(t, t.Context(), d, test.url)
		}
		if server.asked != test.asked {
			t.Errorf("%s: asked %d times, want %d", test.name, server.asked, test.asked)
		}
	}
	server := &answers{each: []any{401}}
	d := &pings{next: server}
	for _, url := range []string{"https://a.example/v2/", "https://b.example/v2/", "http://a.example/v2/", "https://a.example/v2/"} {
		if status, err := ask(t, t.Context(), d, url); status != 401 || err != nil {
			t.Errorf("%s: %d, %v", url, status, err)
		}
	}
	if server.asked != 3 {
		t.Errorf("asked %d times, want each of 3 once", server.asked)
	}
}

// A waiting context tells that somebody waits for its end.
type waiting struct {
	context.Context
	waits chan struct{}
	once  *sync.Once
}

func (w waiting) Done() <-chan struct{} {
	w.once.Do(func() { close(w.waits) })
	return w.Context.Done()
}

// Whoever asks first may be interrupted: the others ask again, and do not fail with it.
func TestAnInterruptedQuestionIsAskedAgain(t *testing.T) {
	server := &answers{each: []any{401}, began: make(chan struct{})}
	d := &pings{next: server}
	first, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		if _, err := ask(t, first, d, "https://acme.example/v2/"); !errors.Is(err, context.Canceled) {
			t.Errorf("the first: %v", err)
		}
	})
	<-server.began
	for range 3 {
		other := waiting{t.Context(), make(chan struct{}), new(sync.Once)}
		group.Go(func() {
			if status, err := ask(t, other, d, "https://acme.example/v2/"); status != 401 || err != nil {
				t.Errorf("another: %d, %v", status, err)
			}
		})
		<-other.waits
	}
	stop()
	group.Wait()
	impatient, stop := context.WithCancel(t.Context())
	stop()
	d = &pings{next: server, asked: map[string]*ping{"https://acme.example": {done: make(chan struct{})}}}
	if _, err := ask(t, impatient, d, "https://acme.example/v2/"); !errors.Is(err, context.Canceled) {
		t.Errorf("whoever waits and is interrupted: %v", err)
	}
}
