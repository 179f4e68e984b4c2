package github

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tagbump/tagbump/pkg/internal/httpx"
	"github.com/tagbump/tagbump/pkg/redact"
)

const (
	maxRedirects = 5
	maxAnswer    = 64 << 20 // bytes; a page of 100 pull requests with the longest bodies has less
	maxRefusal   = 1 << 20  // bytes of an error's text
)

// A transport adds the token to requests to the API's own host. It also changes
// two things that go-github v60 handles badly: redirected writes, and the many
// shapes of a rate limit.
type transport struct {
	next  http.RoundTripper
	base  *url.URL
	token string
	now   func() time.Time
}

func newTransport(next http.RoundTripper, base *url.URL, token string) *transport {
	if next == nil {
		next = http.DefaultTransport
	}
	return &transport{next: next, base: base, token: token, now: time.Now}
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	if t.token != "" && sameHost(req.URL, t.base) {
		req.Header.Set("Authorization", "Bearer "+t.token)
	}
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	resp.Body = httpx.LimitBody(resp.Body, maxAnswer)
	keepMethod(resp)
	if err := t.plainLimit(resp); err != nil {
		resp.Body.Close()
		return nil, err
	}
	return resp, nil
}

// keepMethod turns a 301 or 302 of a write into a 308: GitHub means the same
// request elsewhere, but net/http would send a GET.
func keepMethod(resp *http.Response) {
	if resp.Request.Method == http.MethodGet {
		return
	}
	if resp.StatusCode == http.StatusMovedPermanently || resp.StatusCode == http.StatusFound {
		resp.StatusCode = http.StatusPermanentRedirect
	}
}

// plainLimit turns every rate limit (403 or 429, primary or secondary) into a
// 429 with Retry-After in seconds, or without one when the forge does not say.
// It removes the other headers: go-github would remember them and refuse later
// requests by itself, by its own clock.
func (t *transport) plainLimit(resp *http.Response) error {
	remaining, reset := resp.Header.Get("X-RateLimit-Remaining"), resp.Header.Get("X-RateLimit-Reset")
	resp.Header.Del("X-RateLimit-Remaining")
	resp.Header.Del("X-RateLimit-Reset")
	if resp.StatusCode != http.StatusForbidden && resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode < 500 {
		return nil
	}
	text, err := keepText(resp)
	if err != nil {
		return err
	}
	if resp.StatusCode == http.StatusForbidden && remaining != "0" && resp.Header.Get("Retry-After") == "" && !tellsLimit(text) {
		return nil
	}
	wait := 0
	if asked, ok := httpx.RetryAfter(resp.Header, t.now()); ok {
		wait = max(wholeSeconds(asked), 1)
	}
	if wait == 0 && remaining == "0" {
		wait = t.until(reset)
	}
	resp.Header.Del("Retry-After")
	if wait > 0 {
		resp.Header.Set("Retry-After", strconv.Itoa(wait))
	}
	if resp.StatusCode == http.StatusForbidden {
		resp.StatusCode = http.StatusTooManyRequests
	}
	return nil
}

func tellsLimit(text []byte) bool {
	lower := strings.ToLower(string(text))
	return strings.Contains(lower, "secondary rate limit") || strings.Contains(lower, "secondary-rate-limits") || strings.Contains(lower, "abuse detection")
}

// keepText returns the text of a refusal. The response can be read again.
func keepText(resp *http.Response) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
	if err != nil {
		return nil, err
	}
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(text))
	return text, nil
}

// until returns the seconds until reset, a Unix time, at least one, or 0 when it
// is missing.
func (t *transport) until(reset string) int {
	seconds, err := strconv.ParseInt(reset, 10, 64)
	if err != nil {
		return 0
	}
	return max(wholeSeconds(time.Unix(seconds, 0).Sub(t.now())), 1)
}

// wholeSeconds rounds up: a try that comes too early is refused again.
func wholeSeconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

// A redirectError is a redirect that is not followed.
type redirectError struct{ to, why string }

func (e *redirectError) Error() string { return fmt.Sprintf("redirected to %s: %s", e.to, e.why) }

// stayOnHost refuses redirects to another host. Those of moved repositories stay on
// the API's host.
func stayOnHost(req *http.Request, via []*http.Request) error {
	to := redact.URL((&url.URL{Scheme: req.URL.Scheme, Host: req.URL.Host, Path: req.URL.Path}).String())
	if len(via) > maxRedirects {
		return &redirectError{to, fmt.Sprintf("more than %d redirects", maxRedirects)}
	}
	if !sameHost(req.URL, via[0].URL) {
		return &redirectError{to, "another host, which must not see the token"}
	}
	return nil
}

func sameHost(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Host, b.Host)
}
