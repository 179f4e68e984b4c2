package httpx_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/internal/httpx"
)

func TestAnObserverSeesEachRequestWithoutItsSecrets(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	transport, err := httpx.NewTransport(httpx.TransportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var seen []httpx.Exchange
	ctx := httpx.WithObserver(context.Background(), func(e httpx.Exchange) { seen = append(seen, e) })
	for _, address := range []string{server.URL + "/v2/acme/web/tags/list?n=1000&sig=s3cret", "http://127.0.0.1:1/v2/"} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.URL.User = nil
		if resp, err := transport.RoundTrip(req); err == nil {
			_ = resp.Body.Close()
		}
	}
	host := strings.TrimPrefix(server.URL, "http://")
	if len(seen) != 4 || seen[0].Done || !seen[1].Done || seen[1].Status != 404 || seen[1].Took <= 0 || seen[3].Status != 0 || !seen[3].Done {
		t.Fatalf("seen: %+v", seen)
	}
	if want := host + "/v2/acme/web/tags/list?n=1000"; seen[0].URL != want || seen[0].Host != host || seen[0].Method != "GET" {
		t.Errorf("seen %+v, want %s", seen[0], want)
	}
}
