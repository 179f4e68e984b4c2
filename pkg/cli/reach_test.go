package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/fault"
)

func TestARunEndsInTime(t *testing.T) {
	short := reachFlags{timeout: 10 * time.Millisecond, grace: time.Minute}
	stuck := reachFlags{timeout: 10 * time.Millisecond, grace: 10 * time.Millisecond}
	forever := make(chan struct{})
	for name, test := range map[string]struct {
		flags   reachFlags
		command func(ctx context.Context) error
		want    string
		kind    fault.Kind
	}{
		"it is done": {short, func(context.Context) error { return nil }, "", fault.Failed},
		"it fails by itself": {
			short, func(ctx context.Context) error { <-ctx.Done(); return errors.New("the disk is full") },
			"the disk is full", fault.Failed,
		},
		"it obeys": {
			short, func(ctx context.Context) error { <-ctx.Done(); return fmt.Errorf("GET /v2/: %w", ctx.Err()) },
			"not finished after 10ms: GET /v2/: context deadline exceeded", fault.Unavailable,
		},
		"it obeys and says what it was at": {
			short, func(ctx context.Context) error { <-ctx.Done(); return fmt.Errorf("GET /v2/: %w", context.Cause(ctx)) },
			"GET /v2/: not finished after 10ms", fault.Unavailable,
		},
		"it is stuck": {
			stuck, func(context.Context) error { <-forever; return nil },
			"not finished after 10ms", fault.Unavailable,
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := test.flags.within(context.Background(), test.command)
			if text := textOf(err); text != test.want || fault.KindOf(err) != test.kind {
				t.Errorf("got %q (%v), want %q (%v)", text, fault.KindOf(err), test.want, test.kind)
			}
			if test.kind == fault.Unavailable && fault.HintOf(err) != "--timeout DURATION allows more time" {
				t.Errorf("hint %q", fault.HintOf(err))
			}
		})
	}
}

func TestAnInterruptedRunSaysWhatThatMeans(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(interruption{signal: syscall.SIGTERM})
	reach := reachFlags{timeout: time.Minute, grace: time.Minute}
	obey := func(ctx context.Context) error { return ctx.Err() }
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"a look":   {reach.within(ctx, obey), "interrupted"},
		"a change": {(&changeFlags{repoFlags: repoFlags{reachFlags: reach}}).within(ctx, obey), "interrupted; the branch is as before, or has the whole commit"},
	} {
		if got := textOf(test.err); got != test.want || exitCode(test.err) != 143 {
			t.Errorf("%s: %q, code %d; want %q", name, got, exitCode(test.err), test.want)
		}
	}
}

func TestWaitingForATagFitsIntoTheTime(t *testing.T) {
	for _, test := range []struct{ timeout, wait, want time.Duration }{
		{defaultTimeout, 2 * time.Minute, defaultTimeout},
		{defaultTimeout, time.Hour, time.Hour + defaultTimeout},
		{3 * time.Minute, 2 * time.Minute, 3 * time.Minute},
	} {
		f := reachFlags{timeout: test.timeout}
		if err := f.fit("--wait-for-tag", test.wait); err != nil || f.timeout != test.want {
			t.Errorf("%s in %s: %s, %v; want %s", test.wait, test.timeout, f.timeout, err, test.want)
		}
	}
	both := reachFlags{timeout: defaultTimeout}
	for _, wait := range []time.Duration{10 * time.Minute, 20 * time.Minute} {
		if err := both.fit("--wait", wait); err != nil {
			t.Error(err)
		}
	}
	if want := 30*time.Minute + defaultTimeout; both.timeout != want {
		t.Errorf("two waits: %s, want %s", both.timeout, want)
	}
	chosen := reachFlags{timeout: 6 * time.Minute}
	err := errors.Join(chosen.fit("--wait", 4*time.Minute), chosen.fit("--wait-for-tag", 5*time.Minute))
	if want := "--wait-for-tag 5m0s and the other waits (9m0s in all) do not fit into --timeout 6m0s"; textOf(err) != want {
		t.Errorf("got %q, want %q", textOf(err), want)
	}
	for _, flags := range []string{"--timeout=1m --wait-for-tag=2m", "--timeout=0s", "--timeout=-1m"} {
		for _, command := range []string{"update", "resolve"} {
			args := append([]string{command, "acme/web:1.4.0"}, strings.Fields(flags)...)
			if code, _, stderr := runOffline(t, nil, args...); code != 2 || !strings.Contains(stderr, "--timeout") {
				t.Errorf("%q: code %d: %s", args, code, stderr)
			}
		}
	}
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
