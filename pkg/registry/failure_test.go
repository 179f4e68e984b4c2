package registry

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// A mishap answers a request in the registry's place, or returns false.
type mishap = func(w http.ResponseWriter, r *http.Request) bool

// on is a fault for paths that contain part.
func on(part string, answer http.HandlerFunc) mishap {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, part) {
			return false
		}
		answer(w, r)
		return true
	}
}

// times is a fault that happens n times and then no more.
func times(n int64, f mishap) mishap {
	var happened atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) bool {
		return happened.Load() < n && f(w, r) && happened.Add(1) > 0
	}
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	}
}

func page(contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		fmt.Fprint(w, body)
	}
}

func busyFor(seconds string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", seconds)
		w.WriteHeader(http.StatusTooManyRequests)
	}
}

func link(target string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "<"+target+`>; rel="next"`)
		fmt.Fprint(w, `{"tags":["1.0.0"]}`)
	}
}

func redirect(target string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, target, http.StatusFound) }
}

// reset cuts the connection in the middle of an answer, after the given bytes.
func reset(written string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		fmt.Fprint(conn, written)
		conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	}
}

// drip sends a byte now and then for as long as anyone listens.
func drip(w http.ResponseWriter, r *http.Request) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for r.Context().Err() == nil {
		fmt.Fprint(w, " ")
		w.(http.Flusher).Flush()
		<-tick.C
	}
}

const html = "<!doctype html><title>Welcome to our hotel</title>"

// What can be asked.
func tags(c *Client, ref image.Ref) error {
	_, err := c.TagsWithPrefix(context.Background(), ref.Repository, "")
	return err
}

func inspect(c *Client, ref image.Ref) error {
	_, err := c.Inspect(context.Background(), ref)
	return err
}

func digest(c *Client, ref image.Ref) error {
	at, err := c.parseRef(ref)
	if err != nil {
		return err
	}
	if _, err = c.digest(context.Background(), at); err != nil {
		return explain(ref.String(), err)
	}
	return nil
}

func inspectAll(c *Client, ref image.Ref) error {
	_, err := c.InspectAll(context.Background(), ref.Repository, []string{"0.9.0", ref.Tag})
	return err
}

// TestFailures is a table of what a bad day looks like, and what people read then. HOST stands for the registry's address.
func TestFailures(t *testing.T) {
	const denied = `{"errors":[{"code":"DENIED","message":"requested access to the resource is denied"}]}`
	for _, test := range []struct {
		name  string
		ask   func(*Client, image.Ref) error
		fault mishap
		class error // nil: all is well
		want  string
	}{
		{
			"hidden repository", tags, on("/tags/", status(401, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`)), ErrAuth,
			"HOST/acme/web: the registry wants a log-in, or there is no such repository: UNAUTHORIZED: authentication required",
		},
		{
			"forbidden", inspect, on("/manifests/", status(403, denied)), ErrAuth,
			"HOST/acme/web:1.0.0: the registry forbids anonymous access: DENIED: requested access to the resource is denied",
		},
		{
			"missing, and HEAD has no reason", digest, on("/manifests/", status(404, `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"x"}]}`)), ErrNotFound,
			"HOST/acme/web:1.0.0: no such tag",
		},
		{
			"no registry at all", tags, on("/v2/", status(404, html)), ErrNotFound,
			"HOST/acme/web: there is no registry at this address",
		},

		{"rate limit that passes", inspect, times(1, on("/manifests/", busyFor("0"))), nil, ""},
		{
			"rate limit", inspect, on("/manifests/", status(429, "You have reached your pull rate limit")), ErrUnavailable,
			"HOST/acme/web:1.0.0: the registry's rate limit is reached: 429 Too Many Requests (2 tries)",
		},
		{
			"rate limit for an hour", inspect, on("/manifests/", busyFor("3600")), ErrUnavailable,
			"HOST/acme/web:1.0.0: the registry's rate limit is reached: it asks to come back in 1h0m0s, and we wait 10s at most",
		},
		{
			"rate limit of HEAD", digest, on("/manifests/", status(429, "")), ErrUnavailable,
			"HOST/acme/web:1.0.0: the registry's rate limit is reached: 429 Too Many Requests (2 tries)",
		},
		{
			"rate limit on one of many", inspectAll, on("/manifests/1.0.0", status(429, "")), ErrUnavailable,
			"HOST/acme/web:1.0.0: the registry's rate limit is reached: 429 Too Many Requests (2 tries)",
		},
		{"server error that passes", inspect, times(1, on("/blobs/", status(500, ""))), nil, ""},
		{
			"server error", inspect, on("/blobs/", status(500, "")), ErrUnavailable,
			"HOST/acme/web:1.0.0: the registry is out of order: 500 Internal Server Error (2 tries)",
		},
		{
			"bad gateway", tags, on("/tags/", status(502, html)), ErrUnavailable,
			"HOST/acme/web: the registry is out of order: 502 Bad Gateway (2 tries)",
		},
		{
			"maintenance", tags, on("/v2/", status(503, "")), ErrUnavailable,
			"HOST/acme/web: the registry is out of order: 503 Service Unavailable (2 tries)",
		},

		{"reset that passes", inspect, times(1, on("/manifests/", reset(""))), nil, ""},
		{"reset", inspect, on("/manifests/", reset("")), ErrUnavailable, "HOST/acme/web:1.0.0: cannot reach the registry: "},
		{"truncated body that passes", tags, times(1, on("/tags/", reset("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"tags\":"))), nil, ""},
		{"truncated body", tags, on("/tags/", reset("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"tags\":")), ErrUnavailable, "HOST/acme/web: cannot reach the registry: "},
		{"truncated config", inspect, on("/blobs/", reset("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")), ErrUnavailable, "HOST/acme/web:1.0.0: cannot reach the registry: "},
		{
			"a byte now and then", tags, on("/tags/", drip), ErrUnavailable,
			"HOST/acme/web: no answer in time: waited 300ms for HOST, 2 tries",
		},
		{
			"a config byte now and then", inspect, on("/blobs/", drip), ErrUnavailable,
			"HOST/acme/web:1.0.0: no answer in time: waited 300ms for HOST, 2 tries",
		},

		{
			"web page for tags", tags, on("/tags/", page("text/html", html)), ErrUnavailable,
			"HOST/acme/web: a web page came instead of the registry's answer: from HOST",
		},
		{
			"web page for a manifest", inspect, on("/manifests/", page("text/html", html)), ErrUnavailable,
			"HOST/acme/web:1.0.0: a web page came instead of the registry's answer: from HOST",
		},
		{
			"web page for a digest", digest, on("/manifests/", page("text/html", html)), ErrUnavailable,
			"HOST/acme/web:1.0.0: a web page came instead of the registry's answer: from HOST",
		},
		{"web page behind a redirect", tags, func(w http.ResponseWriter, r *http.Request) bool {
			return on("/tags/", redirect("/login"))(w, r) || on("/login", page("text/html", html))(w, r)
		}, ErrUnavailable, "HOST/acme/web: a web page came instead of the registry's answer: from HOST"},
		{
			"tags that are null", tags, on("/tags/", page("application/json", `{"name":"acme/web","tags":null}`)), ErrNotFound,
			"HOST/acme/web: the repository has no tags",
		},
		{
			"something behind the JSON", tags, on("/tags/", page("application/json", `{"tags":["1.0.0"]}{"tags":["2.0.0"]}`)), ErrUnavailable,
			"HOST/acme/web: the registry's answer is not JSON: from HOST",
		},
		{
			"another shape of JSON", tags, on("/tags/", page("application/json", `["1.0.0"]`)), ErrUnavailable,
			"HOST/acme/web: the registry's answer is not a list of tags: from HOST",
		},
		{
			"a page that leads to itself", tags, on("/tags/", link("/v2/acme/web/tags/list?n=1000&last=x")), ErrUnavailable,
			"HOST/acme/web: its pages of tags go around in a circle",
		},
		{
			"redirects without end", tags, on("/tags/", redirect("/v2/acme/web/tags/list?again")), ErrUnavailable,
			"HOST/acme/web: the registry's redirects go on without end",
		},
		{
			"redirects of a manifest without end", inspect, on("/manifests/", redirect("/v2/acme/web/manifests/1.0.0")), ErrUnavailable,
			"HOST/acme/web:1.0.0: the registry's redirects go on without end",
		},
		{
			"blobs on a private address", inspect, on("/blobs/", redirect("http://10.1.2.3/blob?X-Amz-Signature=s3cret")), ErrUnavailable,
			"HOST/acme/web:1.0.0: the registry redirects to a private address, which is not followed: to http://10.1.2.3/blob",
		},
		{"tokens on a private address", tags, on("/v2/", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="http://10.1.2.3/token",service="x"`)
			w.WriteHeader(401)
		}), ErrUnavailable, "HOST/acme/web: the registry's token server has a private address, which log-ins are not sent to: 10.1.2.3"},

		{"HEAD is not allowed", digest, func(w http.ResponseWriter, r *http.Request) bool {
			return r.Method == http.MethodHead && on("/manifests/", status(405, ""))(w, r)
		}, nil, ""},
		{"HEAD without a digest", digest, func(w http.ResponseWriter, r *http.Request) bool {
			return r.Method == http.MethodHead && on("/manifests/", page("application/vnd.oci.image.manifest.v1+json", ""))(w, r)
		}, nil, ""},
		{
			"schema 1", inspect, on("/manifests/", page("application/vnd.docker.distribution.manifest.v1+prettyjws", `{"schemaVersion":1}`)), ErrNoImage,
			"HOST/acme/web:1.0.0: not a container image: its manifest is of schema 1, which registries gave up in 2019",
		},
		{
			"a Helm chart", inspect, on("/manifests/", page("application/vnd.oci.image.manifest.v1+json",
				`{"schemaVersion":2,"config":{"mediaType":"application/vnd.cncf.helm.config.v1+json","digest":"sha256:`+strings.Repeat("a", 64)+`","size":2},"layers":[]}`)), ErrNoImage,
			"HOST/acme/web:1.0.0: not a container image: it holds \"application/vnd.cncf.helm.config.v1+json\"",
		},
		{
			"an empty index", inspect, on("/manifests/", page("application/vnd.oci.image.index.v1+json", `{"schemaVersion":2,"manifests":[]}`)), ErrNoImage,
			"HOST/acme/web:1.0.0: not a container image: an index without images",
		},
		{
			"JSON that is no manifest", inspect, on("/manifests/", page("application/json", `{"message":"hello"}`)), ErrNoImage,
			`HOST/acme/web:1.0.0: not a container image: a manifest of type "application/json", without config and without images`,
		},
		{
			"a manifest of 5 MiB", inspect, on("/manifests/", page("application/json", strings.Repeat(" ", 5<<20))), ErrUnavailable,
			"HOST/acme/web:1.0.0: the registry's answer is too big: over 4 MiB",
		},
		{
			"a config of 9 MiB", inspect, on("/blobs/", page("application/json", strings.Repeat(" ", 9<<20))), ErrUnavailable,
			"HOST/acme/web:1.0.0: the registry's answer is too big: over 8 MiB",
		},
		{
			"a config that was tampered with", inspect, on("/blobs/", page("application/json", `{"os":"linux","architecture":"arm64"}`)), ErrUnavailable,
			"HOST/acme/web:1.0.0: the registry sent another image config than the one with its digest: sha256:c21740f5cb55c7e3a2197b08ebd0ba12f673ff5aa9869bf892b0c85dcaf5c413",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			reg := start(t, testenv.RegistryOptions{})
			push(t, reg, testenv.Image{Created: built}, "0.9.0")
			push(t, reg, testenv.Image{Created: built.Add(time.Hour)}, "1.0.0")
			reg.SetFault(test.fault)
			begun := time.Now()
			c := client(t, reg, keys{})
			if strings.Contains(test.want, "no answer in time") {
				c = impatient(t, reg)
			}
			err := test.ask(c, image.Ref{Repository: reg.Host + "/acme/web", Tag: "1.0.0"})
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("took %s", took)
			}
			if test.class == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			want := strings.ReplaceAll(test.want, "HOST", reg.Host)
			if !errors.Is(err, test.class) || !strings.HasPrefix(fmt.Sprint(err), want) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("got  %v\nwant %s (%v)", err, want, test.class)
			}
			if !strings.HasSuffix(want, " ") && err.Error() != want {
				t.Errorf("got more than the text: %v", err)
			}
		})
	}
}
