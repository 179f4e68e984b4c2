// Package httpx holds the manners of an HTTP client that the registry, git and
// the forges share: how long to wait before the next try, how much of an answer
// to read, and how to repeat a server's words.
//
// It decides nothing about requests: which of them may be repeated, and how
// often, is for the package that knows what they do. One trap: net/http has no
// limits of its own. A client without [NewTransport]'s time-outs waits for ever
// for a server that accepts the connection and says nothing, and io.ReadAll of a
// body takes all the memory that the server likes.
package httpx

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tagbump/tagbump/pkg/safetext"
)

// RetryAfter returns how long an answer asks its client to wait, by its header
// Retry-After: a number of seconds, or a date (RFC 9110, section 10.2.3). ok is
// false when the header is missing or is neither. For a date in the past wait is 0.
func RetryAfter(header http.Header, now time.Time) (wait time.Duration, ok bool) {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil && seconds >= 0 {
		const most = 366 * 24 * 60 * 60 // a year: larger numbers would overflow a Duration
		return time.Duration(min(seconds, most)) * time.Second, true
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(date.Sub(now), 0), true
	}
	return 0, false
}

// A Backoff spaces out the tries of a request. The zero Backoff does not wait.
type Backoff struct {
	First time.Duration // wait before the second try
	Most  time.Duration // longest wait, 0 for no limit
}

// Pause returns the wait after a try (1 is the first): First, twice First, four
// times First and so on up to Most, each a quarter longer or shorter by chance,
// so that jobs that failed together do not return together.
func (b Backoff) Pause(try int) time.Duration {
	wait := b.First << min(max(try-1, 0), 16)
	if b.Most > 0 {
		wait = min(wait, b.Most)
	}
	if wait < 2 {
		return wait
	}
	return wait*3/4 + rand.N(wait/2)
}

// IsTransient reports whether an answer's status says that the same request may
// succeed later.
func IsTransient(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// A TooLongError says that an answer has more bytes than its reader accepts.
type TooLongError struct{ Most int64 }

// Error reads: the answer is longer than 64 MiB.
func (e *TooLongError) Error() string {
	if e.Most >= 1<<20 && e.Most%(1<<20) == 0 {
		return fmt.Sprintf("the answer is longer than %d MiB", e.Most>>20)
	}
	return fmt.Sprintf("the answer is longer than %d bytes", e.Most)
}

// ReadAll reads a body of at most that many bytes. A longer one is a *[TooLongError].
func ReadAll(body io.Reader, most int64) ([]byte, error) {
	return io.ReadAll(&limited{body, most, most})
}

// LimitBody returns body with a limit: reading more than that many bytes is a
// *[TooLongError]. A body of exactly that length ends as it should.
func LimitBody(body io.ReadCloser, most int64) io.ReadCloser {
	return &limitedBody{limited{body, most, most}, body}
}

type limitedBody struct {
	limited
	io.Closer
}

type limited struct {
	body       io.Reader
	left, most int64
}

func (l *limited) Read(p []byte) (int, error) {
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.body.Read(p)
	if int64(n) > l.left {
		n, l.left = int(l.left), 0
		return n, &TooLongError{l.most}
	}
	l.left -= int64(n)
	return n, err
}

// Line makes one line of a server's text, fit for a log: its lines joined by
// "; ", without the characters that a terminal or a CI system would obey, and
// cut behind most bytes.
func Line(text string, most int) string {
	return safetext.Cut(strings.Join(safetext.Lines(text), "; "), most)
}

// Cause returns err without the method and the URL that net/http puts in front:
// the caller names the server anyway, and a URL may carry a signature.
func Cause(err error) error {
	var in *url.Error
	for errors.As(err, &in) {
		err = in.Err
	}
	return err
}
