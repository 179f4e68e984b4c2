package gitrepo

import (
	"context"
	"errors"
	"time"

	"github.com/tagbump/tagbump/pkg/internal/delay"
	"github.com/tagbump/tagbump/pkg/internal/httpx"
)

const (
	readTries = 4
	maxAfter  = 30 * time.Second // of Retry-After that is waited for
)

// again repeats a read while the server cannot be reached or says that it is
// busy. A silent server is not asked twice.
func (r *Repo) again(ctx context.Context, read func() error) error {
	for try := 1; ; try++ {
		err := read()
		if !errors.Is(err, ErrUnavailable) || try == readTries || ctx.Err() != nil {
			return err
		}
		wait, worth := pauseAfter(err, try)
		if !worth {
			return err
		}
		r.progress("%s", r.secrets.Text(r.addr.String()+": "+err.Error()+"; trying again"))
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// pauseAfter is how long to wait before the next try, if one is worth it.
func pauseAfter(err error, try int) (wait time.Duration, worth bool) {
	var f *failure
	switch {
	case !errors.As(err, &f) || f.after == 0:
		return backoff.Pause(try), f == nil || !f.final
	case f.after > maxAfter:
		return 0, false
	}
	return f.after, true
}

func (r *Repo) refs(ctx context.Context, branch string) (at ref, err error) {
	err = r.again(ctx, func() error {
		at, err = r.remote.refs(ctx, branch)
		return err
	})
	return at, err
}

func (r *Repo) fetch(ctx context.Context, req fetchRequest) error {
	return r.again(ctx, func() error { return r.remote.fetch(ctx, req, r.store) })
}

// backoff is how long to wait before a read is repeated where the server does not say.
var backoff = httpx.Backoff{First: 300 * time.Millisecond}

func sleep(ctx context.Context, d time.Duration) error {
	if err := delay.For(ctx, d); err != nil {
		return because(ErrUnavailable, context.Cause(ctx), "")
	}
	return nil
}
