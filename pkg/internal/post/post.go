// Package post brings a document to a server that somebody named and that the run can
// do without: a webhook, a Pushgateway, a collector of traces.
//
// It gives up soon, and follows no redirect, because the address or a header may be a
// password. So errors name the host and nothing else of the address. One trap: a
// document whose answer was lost is sent again, and may arrive twice.
package post

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/tagbump/tagbump/pkg/internal/delay"
	"github.com/tagbump/tagbump/pkg/internal/httpx"
)

const (
	maxAnswer = 8 << 10 // bytes of an answer that are read
	maxText   = 200     // bytes of a server's words in an error
)

// A Document is a body and the address that it is sent to.
type Document struct {
	URL    string
	Header map[string]string
	Body   []byte
}

// A Sender sends documents.
type Sender struct {
	Transport http.RoundTripper // default: http.DefaultTransport
	UserAgent string
	Tries     int           // default: 1
	Budget    time.Duration // of all tries and the waits between them; default: that of the context
	// Sleep waits between tries. Default: a real sleep that the context ends.
	Sleep func(ctx context.Context, d time.Duration) error
	// Now is for the dates in answers. Default: the clock.
	Now func() time.Time
}

// pause is the wait between two tries, unless the server asks for another.
var pause = httpx.Backoff{First: 500 * time.Millisecond, Most: 4 * time.Second}

// Send posts a document, and again after anything that may pass.
func (s Sender) Send(ctx context.Context, doc Document) error {
	s = s.withDefaults()
	if s.Budget > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.Budget)
		defer cancel()
	}
	for try := 1; ; try++ {
		refusal, err := s.try(ctx, doc)
		if err == nil || refusal.lasting || try >= s.Tries {
			return err
		}
		wait := pause.Pause(try)
		if asked, ok := httpx.RetryAfter(refusal.header, s.Now()); ok {
			wait = asked
		}
		if deadline, limited := ctx.Deadline(); limited && time.Until(deadline) < wait {
			return err
		}
		if s.Sleep(ctx, wait) != nil {
			return err
		}
	}
}

func (s Sender) withDefaults() Sender {
	if s.Sleep == nil {
		s.Sleep = delay.For
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	return s
}

// A refusal says what a failed try means for the next one.
type refusal struct {
	lasting bool // the same request would fail again
	header  http.Header
}

func (s Sender) try(ctx context.Context, doc Document) (refusal, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, doc.URL, bytes.NewReader(doc.Body))
	if err != nil {
		return refusal{lasting: true}, errors.New("the address is not a URL")
	}
	for name, value := range doc.Header {
		req.Header.Set(name, value)
	}
	req.Header.Set("User-Agent", s.UserAgent)
	client := http.Client{
		Transport:     s.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return refusal{}, fmt.Errorf("%s: %s", req.URL.Host, httpx.Line(httpx.Cause(err).Error(), maxText))
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 200 && resp.StatusCode <= 299 {
		return refusal{}, nil
	}
	words, _ := httpx.ReadAll(resp.Body, maxAnswer) // a longer answer is not worth reading
	text := fmt.Sprintf("%s: %s", req.URL.Host, httpx.Line(resp.Status, maxText))
	switch said := httpx.Line(string(words), maxText); {
	case resp.StatusCode >= 300 && resp.StatusCode <= 399:
		text += ": redirects are not followed"
	case said != "":
		text += ": " + said
	}
	return refusal{!httpx.IsTransient(resp.StatusCode), resp.Header}, errors.New(text)
}
