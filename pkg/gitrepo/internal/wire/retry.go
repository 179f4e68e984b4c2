package wire

import (
	"context"
	"errors"
	"time"

	"github.com/tagbump/tagbump/pkg/gitrepo/internal/object"
	"github.com/tagbump/tagbump/pkg/internal/delay"
	"github.com/tagbump/tagbump/pkg/internal/httpx"
)

// Retrying is a Remote that repeats what only reads, while the server cannot be reached
// or says that it is busy. A push is passed on as it is: whether it may be repeated
// depends on where the branch is.
type Retrying struct {
	Remote
	// Log is called before each repetition, with the error that caused it.
	Log func(err error)
}

const (
	readTries = 4
	// maxAfter is the longest wait that a server may ask for by Retry-After.
	maxAfter = 30 * time.Second
)

// pauses space out the tries where the server does not say how long to wait.
var pauses = httpx.Backoff{First: 300 * time.Millisecond}

// Refs is that of [Remote], repeated.
func (r Retrying) Refs(ctx context.Context, branch string) (found Ref, err error) {
	err = r.retry(ctx, func() error {
		found, err = r.Remote.Refs(ctx, branch)
		return err
	})
	return found, err
}

// Branches is that of [Remote], repeated.
func (r Retrying) Branches(ctx context.Context, prefix string) (names []string, err error) {
	err = r.retry(ctx, func() error {
		names, err = r.Remote.Branches(ctx, prefix)
		return err
	})
	return names, err
}

// Fetch is that of [Remote], repeated.
func (r Retrying) Fetch(ctx context.Context, req Request, s *object.Store) error {
	return r.retry(ctx, func() error { return r.Remote.Fetch(ctx, req, s) })
}

// retry repeats a read. A silent server is not asked twice: it has had its time.
func (r Retrying) retry(ctx context.Context, read func() error) error {
	for try := 1; ; try++ {
		err := read()
		if !errors.Is(err, ErrUnavailable) || try == readTries || ctx.Err() != nil {
			return err
		}
		wait, worth := pauseAfter(err, try)
		if !worth {
			return err
		}
		r.Log(err)
		if err := Sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// pauseAfter returns how long to wait before the next try, if one is worth it.
func pauseAfter(err error, try int) (wait time.Duration, worth bool) {
	var f *Failure
	switch {
	case !errors.As(err, &f):
		return pauses.Pause(try), true
	case f.final || f.after > maxAfter:
		return 0, false
	case f.after > 0:
		return f.after, true
	}
	return pauses.Pause(try), true
}

// Sleep waits for d, or until ctx ends; then the error has the kind of ctx's cause.
func Sleep(ctx context.Context, d time.Duration) error {
	if err := delay.For(ctx, d); err != nil {
		return ended(context.Cause(ctx))
	}
	return nil
}
