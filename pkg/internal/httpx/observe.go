package httpx

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// An Exchange is one request and, once it is answered, the answer. An answer counts
// as soon as its header is there.
type Exchange struct {
	Method string
	URL    string // without user, secrets and what else a query may hold
	Host   string
	Done   bool
	Status int // 0 when the request failed
	Took   time.Duration
}

type observerKey struct{}

// WithObserver returns a context whose requests observe is told of, each when it
// begins and when it is answered. It may be called by several goroutines at once.
func WithObserver(ctx context.Context, observe func(Exchange)) context.Context {
	return context.WithValue(ctx, observerKey{}, observe)
}

// observed tells the observer of a request's context.
type observed struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (o observed) RoundTrip(req *http.Request) (*http.Response, error) {
	observe, found := req.Context().Value(observerKey{}).(func(Exchange))
	if !found {
		return o.next.RoundTrip(req)
	}
	exchange := Exchange{Method: req.Method, URL: shown(req.URL), Host: req.URL.Host}
	observe(exchange)
	start := time.Now()
	resp, err := o.next.RoundTrip(req)
	exchange.Done, exchange.Took = true, time.Since(start)
	if err == nil {
		exchange.Status = resp.StatusCode
	}
	observe(exchange)
	return resp, err
}

// shownKeys are the keys of a query that hold no secret and tell requests apart.
var shownKeys = []string{"last", "n", "page", "per_page", "scope", "service"}

// shown returns a URL as it may be printed: signed addresses have their secret in
// the query.
func shown(address *url.URL) string {
	var query []string
	for key, values := range address.Query() {
		for _, value := range values {
			if slices.Contains(shownKeys, key) {
				query = append(query, key+"="+value)
			}
		}
	}
	slices.Sort(query)
	text := address.Host + address.Path
	if len(query) > 0 {
		text += "?" + strings.Join(query, "&")
	}
	return text
}
