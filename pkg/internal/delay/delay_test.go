package delay

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestForEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := For(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if err := For(context.Background(), time.Nanosecond); err != nil {
		t.Error(err)
	}
}

func TestTheWaitGrowsInSlotsOfTheFastestAttempt(t *testing.T) {
	var s Slots
	for attempt, most := range map[int]time.Duration{1: 200, 2: 400, 5: 3200, 9: 3200} {
		for range 100 {
			if wait := s.Next(attempt, 100*time.Millisecond); wait < 0 || wait > most*time.Millisecond {
				t.Fatalf("attempt %d: waits %v, at most %v", attempt, wait, most*time.Millisecond)
			}
		}
	}
}

func TestTheWaitEndsWhereAnAttemptIsSlow(t *testing.T) {
	var s Slots
	for range 100 {
		if wait := s.Next(5, time.Minute); wait > longestSlot {
			t.Fatalf("waits %v, at most %v", wait, longestSlot)
		}
	}
}
