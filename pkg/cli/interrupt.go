package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// An interruption is the error of a run that a signal ended.
type interruption struct {
	signal syscall.Signal
	note   string // what a person should know then; may be empty
}

func (i interruption) Error() string {
	if i.note == "" {
		return "interrupted"
	}
	return "interrupted; " + i.note
}

// exitCode is what a shell shows for a program that the signal ended: 130 or 143.
func (i interruption) exitCode() int { return 128 + int(i.signal) }

// untilInterrupted returns a context that the first SIGINT or SIGTERM ends, with an
// interruption as its cause. The second one ends the process at once.
func untilInterrupted(exit func(code int)) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		select {
		case first := <-signals:
			cancel(interruption{signal: first.(syscall.Signal)})
		case <-ctx.Done():
			return
		}
		second := <-signals
		exit(interruption{signal: second.(syscall.Signal)}.exitCode())
	}()
	return ctx, func() { signal.Stop(signals); cancel(nil) }
}
