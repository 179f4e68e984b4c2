package bump

import (
	"context"
	"math/rand/v2"
	"time"
)

// pace spaces out the attempts of runs that push to one branch at the same time.
//
// It is the "slot" back-off of facts/git.md, §6: a random wait of up to
// 2^attempt (at most 2^5) times this run's own fastest attempt, so that it
// scales with the server. There it took half the attempts of an exponential
// one with fixed times.
type pace struct{ fastest time.Duration }

func (p *pace) next(attempt int, took time.Duration) time.Duration {
	if p.fastest == 0 || took < p.fastest {
		p.fastest = took
	}
	slots := int64(1) << min(attempt, 5)
	return time.Duration(rand.Int64N(slots*int64(p.fastest) + 1))
}

func (r Runner) sleep(ctx context.Context, d time.Duration) error {
	if r.Sleep != nil {
		return r.Sleep(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
