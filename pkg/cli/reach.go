package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/wire"
)

// defaultTimeout is below the ten minutes after which CircleCI ends a job that
// prints nothing.
const defaultTimeout = 9 * time.Minute

// grace is how long a run that has to end may take to end by itself.
const grace = 5 * time.Second

// reachFlags say how servers are reached. Every command that asks one has them.
type reachFlags struct {
	caFile              string
	plainHTTP, insecure []string
	timeout             time.Duration
	grace               time.Duration

	waits    time.Duration // that the other flags make the run wait, all together
	isFitted bool          // timeout is longer than its default because of waits
}

func (f *reachFlags) add(cmd *cobra.Command) {
	f.grace = grace
	cmd.Flags().StringVar(&f.caFile, "ca-file", "", "PEM `FILE` of certificates to trust in addition to the system's, for git, registries and forges")
	cmd.Flags().StringArrayVar(&f.plainHTTP, "plain-http", nil, "ask the registry `HOST[:PORT]` without TLS (repeatable)")
	cmd.Flags().StringArrayVar(&f.insecure, "insecure-registry", nil, "do not check the certificate of the registry `HOST[:PORT]` (repeatable)")
	cmd.Flags().DurationVar(&f.timeout, "timeout", defaultTimeout, "end the whole run after this `DURATION`, as 5m")
	inGroup(cmd, groupLogin, "ca-file", "plain-http", "insecure-registry")
	inGroup(cmd, groupWaiting, "timeout")
}

func (f *reachFlags) check() error {
	if f.timeout <= 0 {
		return fault.Errorf(fault.Usage, "--timeout: %s must be a positive duration", f.timeout)
	}
	return nil
}

// world returns what the packages below have from outside.
func (f *reachFlags) world(env Env, t talk) (wire.World, error) {
	w := env.world(t)
	w.PlainHTTP, w.Insecure = f.plainHTTP, f.insecure
	if f.caFile == "" {
		return w, nil
	}
	return w.WithCAFile(f.caFile)
}

// within runs a command for at most --timeout. When the time is up, or a signal has
// come, and the command does not end by itself, it is left behind: the process ends.
func (f *reachFlags) within(ctx context.Context, command func(ctx context.Context) error) error {
	outOfTime := fault.Errorf(fault.Unavailable, "not finished after %s", f.timeout).WithHint("--timeout DURATION allows more time")
	ctx, cancel := context.WithTimeoutCause(ctx, f.timeout, outOfTime)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- command(ctx) }()
	select {
	case err := <-done:
		return withCause(ctx, err)
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return withCause(ctx, err)
	case <-time.After(f.grace):
		return withCause(ctx, context.Cause(ctx))
	}
}

// withCause says why a run was ended, and after a time-out also what it was at.
func withCause(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	ended := errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, cause)
	switch {
	case err == nil || cause == nil || !ended:
		return err
	case errors.As(cause, new(interruption)) || err == cause:
		return cause
	case strings.Contains(err.Error(), cause.Error()):
		return err // the reason is in the text already
	}
	return fmt.Errorf("%w: %w", cause, err)
}

// fit makes the time of a run longer than the time that a flag makes it wait, on top of
// the flags before, unless a person has chosen both.
func (f *reachFlags) fit(flag string, wait time.Duration) error {
	f.waits += wait
	switch {
	case f.waits < f.timeout:
		return nil
	case f.timeout == defaultTimeout || f.isFitted:
		f.timeout, f.isFitted = defaultTimeout+f.waits, true
		return nil
	case f.waits > wait:
		return fault.Errorf(fault.Usage, "%s %s and the other waits (%s in all) do not fit into --timeout %s", flag, wait, f.waits, f.timeout)
	}
	return fault.Errorf(fault.Usage, "%s %s does not fit into --timeout %s", flag, wait, f.timeout)
}
