package registry

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/tagbump/tagbump/pkg/image"
)

// oneAnswer gives the same answer to every request but the ping, which it challenges
// if the answer's header has a challenge.
type oneAnswer struct {
	status int
	header http.Header
	body   []byte
}

// RoundTrip implements http.RoundTripper.
func (a oneAnswer) RoundTrip(req *http.Request) (*http.Response, error) {
	resp := &http.Response{
		StatusCode: a.status, Status: fmt.Sprint(a.status, " ", http.StatusText(a.status)),
		Header: a.header.Clone(), Body: io.NopCloser(bytes.NewReader(a.body)), Request: req, ContentLength: int64(len(a.body)),
	}
	if req.URL.Path != "/v2/" {
		return resp, nil
	}
	resp.StatusCode, resp.Status, resp.Body = 200, "200 OK", http.NoBody
	if a.header.Get("WWW-Authenticate") != "" {
		resp.StatusCode, resp.Status = 401, "401 Unauthorized"
	}
	return resp, nil
}

// FuzzAnswers holds that whatever a registry answers ends soon, and in a result that
// is checked or in an error with a kind, on one line that a terminal can show.
func FuzzAnswers(f *testing.F) {
	digest := "sha256:" + strings.Repeat("a", 64)
	for _, seed := range []struct {
		status uint16
		header string
		body   string
	}{
		{200, "Content-Type: application/json", `{"tags":["1.0.0","{{.}}","a\nb"]}`},
		{200, `Link: </v2/a/b/tags/list?last=x>; rel="next"`, `{"tags":["1.0.0"]}`},
		{200, "Content-Type: application/vnd.oci.image.index.v1+json", `{"schemaVersion":2,"manifests":[{"digest":"` + digest + `","size":1,"platform":{"os":"linux\n::error::","architecture":"arm64"}},{"digest":"` + digest + `"}]}`},
		{200, "Docker-Content-Digest: " + digest, `{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"` + digest + `","size":2},"annotations":{"a":"b"}}`},
		{200, "", `{"os":"linux","architecture":"arm64","created":"2024-06-15T12:30:00Z","config":{"Labels":{"a":"b"}}}`},
		{401, `WWW-Authenticate: Bearer realm="https://auth.test/token",service="x"`, `{"errors":[{"code":"UNAUTHORIZED\u001b[2J","message":"no\nway"}]}`},
		{200, `WWW-Authenticate: Bearer realm="https://auth.test/token"`, `{"token":"t","tags":[]}`},
		{302, "Location: http://169.254.169.254/", ""},
		{302, "Location: /again", ""},
		{429, "Retry-After: 99999999999", ""},
		{503, "RateLimit-Remaining: -1;w=99999", html},
	} {
		f.Add(seed.status, seed.header, []byte(seed.body))
	}
	f.Fuzz(func(t *testing.T, status uint16, header string, body []byte) {
		fields, _ := textproto.NewReader(bufio.NewReader(strings.NewReader(header + "\r\n\r\n"))).ReadMIMEHeader()
		answer := oneAnswer{100 + int(status)%500, http.Header(fields), body}
		c, err := New(Options{Keychain: keys{"ci", "s3cret-pass"}, Transport: answer, Tries: 1, Patience: time.Millisecond, TryTimeout: time.Second})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		const repository = "reg.test/acme/web"
		tags, err := c.TagsWithPrefix(ctx, repository, "v1")
		checkError(t, err)
		for _, tag := range tags {
			if image.CheckTag(tag) != nil {
				t.Errorf("%q is listed as a tag", tag)
			}
		}
		info, err := c.InspectFor(ctx, image.Ref{Repository: repository, Tag: "1"}, []string{"linux/arm64", "linux/amd64"})
		checkError(t, err)
		if err == nil && info.Digest != digestOf(body) {
			t.Errorf("digest %s of %q", info.Digest, body)
		}
		_, err = c.InspectAll(ctx, repository, []string{"1", "2"})
		checkError(t, err)
		checkError(t, c.WaitForTag(ctx, image.Ref{Repository: repository, Tag: "1"}, 0, func(time.Duration) {}))
		if n := c.Stats().Requests; n > 200 {
			t.Errorf("%d requests", n)
		}
	})
}

// checkError holds that an error has a kind and can be shown.
func checkError(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrNoImage) && !errors.Is(err, ErrAuth) && !errors.Is(err, ErrUnavailable) {
		t.Errorf("an error without a kind: %v", err)
	}
	text := err.Error()
	if strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsPrint(c) }) || len(text) > 2000 {
		t.Errorf("not fit to show: %q", text)
	}
	if strings.Contains(text, "s3cret") {
		t.Errorf("a secret in %q", text)
	}
}
