package registry

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// A fakeNetwork answers requests by their URL, and notes what was sent where.
type fakeNetwork struct {
	mu    sync.Mutex
	sites map[string]http.HandlerFunc // by scheme://host
	sent  []string                    // "METHOD URL", and the log-in that was sent
}

// RoundTrip implements http.RoundTripper.
func (f *fakeNetwork) RoundTrip(req *http.Request) (*http.Response, error) {
	f.mu.Lock()
	f.sent = append(f.sent, strings.TrimSpace(req.Method+" "+req.URL.String()+" "+req.Header.Get("Authorization")))
	f.mu.Unlock()
	site, found := f.sites[req.URL.Scheme+"://"+req.URL.Host]
	if !found {
		return nil, fmt.Errorf("no site at %s", req.URL)
	}
	w := httptest.NewRecorder()
	site(w, req)
	resp := w.Result()
	resp.Request = req
	return resp, nil
}

func challenge(value string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			w.Header().Set("WWW-Authenticate", value)
			status(401, `{"errors":[{"code":"UNAUTHORIZED"}]}`)(w, r)
			return
		}
		fmt.Fprint(w, `{"tags":["1.0.0"]}`)
	}
}

// TestLogInsStayWhereTheyBelong asks a registry reg.test over https with a log-in.
func TestLogInsStayWhereTheyBelong(t *testing.T) {
	const basic = "Basic Y2k6czNjcmV0" // ci:s3cret
	token := page("application/json", `{"token":"t0k3n"}`)
	to := func(target string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, strings.ReplaceAll(target, "PATH", r.URL.Path), http.StatusFound)
		}
	}
	only := func(path string, answer, other http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, path) {
				answer(w, r)
				return
			}
			other(w, r)
		}
	}
	tags := page("application/json", `{"tags":["1.0.0"]}`)
	for _, test := range []struct {
		name  string
		sites map[string]http.HandlerFunc
		want  string // the error, "" if the tags are read
		sent  []string
	}{
		{"its own host", map[string]http.HandlerFunc{"https://reg.test": challenge("Basic")}, "", []string{
			"GET https://reg.test/v2/", "GET https://reg.test/v2/acme/web/tags/list?n=1000 " + basic,
		}},
		{"its token server", map[string]http.HandlerFunc{
			"https://reg.test":  challenge(`Bearer realm="https://auth.test/token",service="x"`),
			"https://auth.test": token,
		}, "", []string{
			"GET https://reg.test/v2/", "GET https://auth.test/token?scope=repository%3Aacme%2Fweb%3Apull&service=x " + basic,
			"GET https://reg.test/v2/acme/web/tags/list?n=1000 Bearer t0k3n",
		}},
		{
			"the ping leads to http",
			map[string]http.HandlerFunc{"https://reg.test": only("/v2/", to("http://reg.test/v2/"), tags), "http://reg.test": challenge("Basic")},
			"the registry redirects from https to http, which is not followed: to http://reg.test/v2/",
			[]string{"GET https://reg.test/v2/"},
		},
		{
			"the ping leads to the metadata service",
			map[string]http.HandlerFunc{"https://reg.test": to("https://169.254.169.254/latest/meta-data/"), "https://169.254.169.254": tags},
			"the registry redirects to a private address, which is not followed: to https://169.254.169.254/latest/meta-data/",
			[]string{"GET https://reg.test/v2/"},
		},
		{
			"tags lead to http",
			map[string]http.HandlerFunc{"https://reg.test": only("/v2/", challenge("Basic"), to("http://mirror.testPATH")), "http://mirror.test": tags},
			"the registry redirects from https to http, which is not followed: to http://mirror.test/v2/acme/web/tags/list",
			[]string{"GET https://reg.test/v2/", "GET https://reg.test/v2/acme/web/tags/list?n=1000 " + basic},
		},
		{"tags lead to another host", map[string]http.HandlerFunc{"https://reg.test": only("/v2/", challenge("Basic"), to("https://cdn.test/tags?sig=1")), "https://cdn.test": tags}, "", []string{
			"GET https://reg.test/v2/", "GET https://reg.test/v2/acme/web/tags/list?n=1000 " + basic, "GET https://cdn.test/tags?sig=1",
		}},
		{
			"tags lead to this computer",
			map[string]http.HandlerFunc{"https://reg.test": only("/v2/", challenge("Basic"), to("https://localhost/tags"))},
			"the registry redirects to a private address, which is not followed: to https://localhost/tags",
			[]string{"GET https://reg.test/v2/", "GET https://reg.test/v2/acme/web/tags/list?n=1000 " + basic},
		},
		{
			"tokens over http",
			map[string]http.HandlerFunc{"https://reg.test": challenge(`Bearer realm="http://auth.test/token"`), "http://auth.test": token},
			"the registry's token server speaks http, which log-ins are not sent over: http://auth.test",
			[]string{"GET https://reg.test/v2/"},
		},
		{
			"tokens from a private address",
			map[string]http.HandlerFunc{"https://reg.test": challenge(`Bearer realm="https://[::ffff:10.0.0.1]/token"`)},
			"the registry's token server has a private address, which log-ins are not sent to: [::ffff:10.0.0.1]",
			[]string{"GET https://reg.test/v2/"},
		},
		{
			"the token server leads to http",
			map[string]http.HandlerFunc{"https://reg.test": challenge(`Bearer realm="https://auth.test/token"`), "https://auth.test": to("http://auth.test/token"), "http://auth.test": token},
			`cannot ask the registry: refusing token-server redirect to "http://auth.test/token": realm scheme "http" not allowed for a secure registry; use https`,
			[]string{"GET https://reg.test/v2/", "GET https://auth.test/token?scope=repository%3Aacme%2Fweb%3Apull&service= " + basic},
		},
		{
			"no address for tokens",
			map[string]http.HandlerFunc{"https://reg.test": challenge(`Bearer realm="/token"`)},
			`the registry names no valid token server: realm "/token"`,
			[]string{"GET https://reg.test/v2/"},
		},
		{
			"an answer without a token",
			map[string]http.HandlerFunc{"https://reg.test": challenge(`Bearer realm="https://auth.test/token"`), "https://auth.test": page("application/json", `{"refresh_token":"rt-s3cret"}`)},
			"the answer of the registry's token server holds no token: from auth.test",
			[]string{"GET https://reg.test/v2/", "GET https://auth.test/token?scope=repository%3Aacme%2Fweb%3Apull&service= " + basic},
		},
		{
			"a web page for a token",
			map[string]http.HandlerFunc{"https://reg.test": challenge(`Bearer realm="https://auth.test/token"`), "https://auth.test": page("text/html", html)},
			"the answer of the registry's token server is not JSON: from auth.test",
			[]string{"GET https://reg.test/v2/", "GET https://auth.test/token?scope=repository%3Aacme%2Fweb%3Apull&service= " + basic},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			network := &fakeNetwork{sites: test.sites}
			c, err := New(Options{Keychain: keys{"ci", "s3cret"}, Transport: network, Log: t.Logf, Tries: 1})
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.TagsWithPrefix(context.Background(), "reg.test/acme/web", "")
			if test.want == "" && err != nil {
				t.Error(err)
			}
			if want := "reg.test/acme/web: " + test.want; test.want != "" && (!errors.Is(err, ErrUnavailable) || err.Error() != want) {
				t.Errorf("got  %v\nwant %s", err, want)
			}
			if got, want := strings.Join(network.sent, "\n"), strings.Join(test.sent, "\n"); got != want {
				t.Errorf("sent:\n%s\nwant:\n%s", got, want)
			}
			if strings.Contains(fmt.Sprint(err), "s3cret") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

func TestPrivateAddresses(t *testing.T) {
	for host, want := range map[string]bool{
		"10.1.2.3": true, "172.16.0.1": true, "192.168.1.1": true, "127.0.0.1": true, "169.254.169.254": true, "0.0.0.0": true,
		"::1": true, "fe80::1": true, "fd00:ec2::254": true, "::ffff:192.168.0.1": true, "localhost": true, "a.localhost": true,
		"8.8.8.8": false, "2001:4860:4860::8888": false, "reg.test": false, "localhost.example.com": false, "": false,
	} {
		if got := isPrivate(host); got != want {
			t.Errorf("isPrivate(%q) = %v", host, got)
		}
	}
}

func TestPlainHTTPMustBeAllowed(t *testing.T) {
	reg := start(t, testenv.RegistryOptions{})
	push(t, reg, testenv.Image{}, "1.0.0")
	server, err := url.Parse(reg.URL())
	if err != nil {
		t.Fatal(err)
	}
	// The network under which every name is the registry, as a proxy makes it.
	network := &http.Transport{Proxy: func(req *http.Request) (*url.URL, error) { return server, nil }}
	for _, allowed := range []bool{false, true} {
		opts := Options{Keychain: keys{}, Transport: noTLS{network}, Tries: 1}
		if allowed {
			opts.PlainHTTP = []string{"registry.corp.example:5000"}
		}
		c, err := New(opts)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Inspect(context.Background(), image.Ref{Repository: "registry.corp.example:5000/acme/web", Tag: "1.0.0"})
		if allowed {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		want := "registry.corp.example:5000/acme/web:1.0.0: the registry speaks http, not https"
		if !errors.Is(err, ErrUnavailable) || err.Error() != want || !strings.Contains(fault.HintOf(err), "--plain-http") {
			t.Errorf("got %v, hint %s; want %s", err, fault.HintOf(err), want)
		}
	}
}

// noTLS answers https as a server that speaks http does.
type noTLS struct{ http.RoundTripper }

func (n noTLS) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme == "https" {
		return nil, errors.New("http: server gave HTTP response to HTTPS client")
	}
	return n.RoundTripper.RoundTrip(req)
}

// certificateOf returns the certificate of a server, as PEM.
func certificateOf(t *testing.T, host string) []byte {
	t.Helper()
	conn, err := tls.Dial("tcp", host, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: conn.ConnectionState().PeerCertificates[0].Raw})
}

func TestOwnAndUncheckedCertificates(t *testing.T) {
	reg := start(t, testenv.RegistryOptions{TLS: true})
	push(t, reg, testenv.Image{}, "1.0.0")
	bundle := certificateOf(t, reg.Host)
	for name, test := range map[string]struct {
		opts    Options
		trusted bool
	}{
		"the system's":                {Options{}, false},
		"a bundle":                    {Options{CABundle: bundle}, true},
		"unchecked":                   {Options{Insecure: []string{reg.Host}}, true},
		"another unchecked":           {Options{Insecure: []string{"other.example"}}, false},
		"a bundle, another unchecked": {Options{CABundle: bundle, Insecure: []string{"other.example"}}, true},
	} {
		test.opts.Keychain, test.opts.Tries = keys{}, 1
		c, err := New(test.opts)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Inspect(context.Background(), image.Ref{Repository: reg.Host + "/acme/web", Tag: "1.0.0"})
		if (err == nil) != test.trusted || err != nil && fault.HintOf(err) != "--ca-file names the certificate of your own authority" {
			t.Errorf("%s: %v, hint %s; want trusted: %v", name, err, fault.HintOf(err), test.trusted)
		}
	}
	if _, err := New(Options{CABundle: []byte("nonsense")}); err == nil {
		t.Error("a bundle without a certificate was taken")
	}
}

// TestABusyRegistryIsLeftAloneByAllJobs: the first answer that asks for a pause holds
// back all other requests to the host, not only its own.
func TestABusyRegistryIsLeftAloneByAllJobs(t *testing.T) {
	const wait = time.Second
	var (
		mu      sync.Mutex
		busy    time.Time // when the registry said so
		tooSoon int
	)
	reg := start(t, testenv.RegistryOptions{})
	tags := manyTags(140)
	push(t, reg, testenv.Image{Created: built}, tags...)
	n := 0
	reg.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/manifests/") {
			return false
		}
		arrived := time.Now()
		time.Sleep(100 * time.Millisecond) // so that much is left to do when the pause begins
		mu.Lock()
		defer mu.Unlock()
		// Requests that were on their way when the answer came are no fault.
		if since := arrived.Sub(busy); !busy.IsZero() && since > wait/4 && since < wait*9/10 {
			tooSoon++
		}
		if n++; n == 20 {
			busy = time.Now()
			busyFor("1")(w, r)
			return true
		}
		return false
	})
	got, err := client(t, reg, keys{}).InspectAll(context.Background(), reg.Host+"/acme/web", tags)
	if err != nil || len(got) != len(tags) {
		t.Errorf("%d images, %v", len(got), err)
	}
	if tooSoon > 0 {
		t.Errorf("%d requests were made although the registry had asked for a pause", tooSoon)
	}
}

func TestTheDigestOfAWebPageIsNotBelieved(t *testing.T) {
	reg := start(t, testenv.RegistryOptions{})
	digest := push(t, reg, testenv.Image{}, "1.0.0")
	reg.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodHead {
			return false
		}
		w.Header().Set("Docker-Content-Digest", "sha256:"+strings.Repeat("1", 64))
		return on("/manifests/", page("text/html; charset=utf-8", ""))(w, r)
	})
	c := client(t, reg, keys{})
	at, err := c.parseRef(image.Ref{Repository: reg.Host + "/acme/web", Tag: "1.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.digest(context.Background(), at); err != nil || got != digest {
		t.Errorf("digest %s, %v; want %s", got, err, digest)
	}
}
