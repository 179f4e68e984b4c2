package httpx

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]string{
		"":                               "0s false",
		"soon":                           "0s false",
		"-3":                             "0s false",
		"0":                              "0s true",
		"7":                              "7s true",
		" 7 ":                            "7s true",
		"99999999999":                    "8784h0m0s true",
		"Sun, 01 Mar 2026 12:00:30 GMT":  "30s true",
		"Sun, 01 Mar 2026 11:00:00 GMT":  "0s true",
		"Sunday, 01-Mar-26 12:01:00 GMT": "1m0s true",
	} {
		wait, ok := RetryAfter(http.Header{"Retry-After": {value}}, now)
		if got := fmt.Sprint(wait, ok); got != want {
			t.Errorf("Retry-After: %s: %s, want %s", value, got, want)
		}
	}
}

func TestABackoffDoublesUpToItsLimit(t *testing.T) {
	b := Backoff{First: 200 * time.Millisecond, Most: time.Second}
	for try, about := range map[int]time.Duration{0: 200, 1: 200, 2: 400, 3: 800, 4: 1000, 60: 1000} {
		about *= time.Millisecond
		different := map[time.Duration]bool{}
		for range 50 {
			wait := b.Pause(try)
			different[wait] = true
			if wait < about*3/4 || wait > about*5/4 {
				t.Errorf("Pause(%d) = %v, want %v or a quarter more or less", try, wait, about)
			}
		}
		if len(different) < 2 {
			t.Errorf("Pause(%d) is always the same", try)
		}
	}
	if wait := (Backoff{}).Pause(3); wait != 0 {
		t.Errorf("the zero Backoff waits %v", wait)
	}
}

func TestIsTransient(t *testing.T) {
	for status, want := range map[int]bool{200: false, 401: false, 404: false, 408: true, 429: true, 500: true, 501: false, 502: true, 503: true, 504: true} {
		if IsTransient(status) != want {
			t.Errorf("IsTransient(%d) = %v", status, !want)
		}
	}
}

func TestReadingStopsAtTheLimit(t *testing.T) {
	for _, test := range []struct {
		text string
		most int64
		want string
		err  string
	}{
		{"", 4, "", ""},
		{"1234", 4, "1234", ""},
		{"12345", 4, "1234", "the answer is longer than 4 bytes"},
		{strings.Repeat("x", 1<<20+1), 1 << 20, strings.Repeat("x", 1<<20), "the answer is longer than 1 MiB"},
	} {
		body := LimitBody(io.NopCloser(strings.NewReader(test.text)), test.most)
		for name, read := range map[string]func() ([]byte, error){
			"ReadAll":   func() ([]byte, error) { return ReadAll(strings.NewReader(test.text), test.most) },
			"LimitBody": func() ([]byte, error) { return io.ReadAll(body) },
		} {
			got, err := read()
			var tooLong *TooLongError
			if string(got) != test.want || errors.As(err, &tooLong) != (test.err != "") || err != nil && err.Error() != test.err {
				t.Errorf("%s(%d of %d bytes): %d bytes, %v; want %d, %s", name, test.most, len(test.text), len(got), err, len(test.want), test.err)
			}
		}
		if err := body.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestLineIsFitForALog(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "",
		"denied":                             "denied",
		"  denied\r\n\n\tby  policy\n":       "denied; by policy",
		"a\x1b[31mb\x00\x7f":                 "a[31mb",
		"a\u0085b\u2028c\vd\fe":              "a; b; c; d; e",
		"C1 \u009b2J, bidi \u202egnp.exe":    "C1 2J, bidi gnp.exe",
		"no-break\u00a0space":                "no-break space",
		"broken \xff bytes":                  "broken bytes",
		"::error::x\n::set-output name=a::b": "::error::x; ::set-output name=a::b",
		"ääääääääääääääääääää":                "äääääääääääääää…",
		strings.Repeat("0123456789", 3) + "!": "012345678901234567890123456789…",
	} {
		most := 30
		if len(want) > most+3 {
			most = 100
		}
		if got := Line(text, most); got != want {
			t.Errorf("Line(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestCauseLeavesTheURLOut(t *testing.T) {
	inner := errors.New("connection refused")
	for _, err := range []error{
		inner,
		&url.Error{Op: "Get", URL: "https://h.test/?sig=s3cret", Err: inner},
		fmt.Errorf("reading: %w", &url.Error{Op: "Get", URL: "https://h.test/?sig=s3cret", Err: &url.Error{Op: "Get", URL: "/x", Err: inner}}),
	} {
		if got := Cause(err); got != inner {
			t.Errorf("Cause(%v) = %v", err, got)
		}
	}
}

func TestTransportTrustsTheBundle(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	bundle := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	for name, test := range map[string]struct {
		opts    TransportOptions
		trusted bool
	}{
		"system":     {TransportOptions{}, false},
		"bundle":     {TransportOptions{CABundle: append([]byte("# our own\n"), bundle...)}, true},
		"anything":   {TransportOptions{SkipVerify: true}, true},
		"everything": {TransportOptions{CABundle: bundle, SkipVerify: true, Conns: 4}, true},
	} {
		transport, err := newTransport(test.opts)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := (&http.Client{Transport: transport}).Get(server.URL)
		if (err == nil) != test.trusted {
			t.Errorf("%s: %v; want trusted: %v", name, err, test.trusted)
		}
		if err == nil {
			resp.Body.Close()
		}
		transport.CloseIdleConnections()
	}
	if _, err := NewTransport(TransportOptions{CABundle: bytes.TrimPrefix(bundle, []byte("-"))}); !errors.Is(err, ErrCABundle) {
		t.Errorf("a bundle without a certificate: %v", err)
	}
}
