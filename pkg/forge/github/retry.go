package github

import (
	"context"
	"time"

	"github.com/tagbump/tagbump/pkg/internal/httpx"
)

const (
	maxAttempts = 4
	waitBudget  = 90 * time.Second // of all waits of one call: long enough for GitHub's usual "Retry-After: 60"
)

// repeat carries out an idempotent call: it tries again after every transient
// failure.
func (c *Client) repeat(ctx context.Context, where string, call func(context.Context) error) error {
	return c.try(ctx, where, (*failure).transient, call)
}

// once carries out a call that must not be done twice: it tries again only after a
// rate limit, because then the forge has done nothing.
func (c *Client) once(ctx context.Context, where string, call func(context.Context) error) error {
	return c.try(ctx, where, (*failure).limited, call)
}

func (c *Client) try(ctx context.Context, where string, retryable func(*failure) bool, call func(context.Context) error) error {
	var waited time.Duration
	for attempt := 1; ; attempt++ {
		problem := c.attempt(ctx, where, call)
		if problem == nil {
			return nil
		}
		wait := problem.delay(attempt)
		if !retryable(problem) || attempt == maxAttempts || waited+wait > waitBudget {
			return problem
		}
		if err := c.pause(ctx, problem, wait); err != nil {
			return err
		}
		waited += wait
	}
}

// attempt makes one call, which may take c.timeout, and returns its failure or nil.
func (c *Client) attempt(ctx context.Context, where string, call func(context.Context) error) *failure {
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	err := call(limited)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return stopped(where, ctx.Err())
	case limited.Err() != nil:
		return timedOut(where, c.timeout)
	}
	return c.explain(where, err)
}

func (c *Client) pause(ctx context.Context, problem *failure, wait time.Duration) error {
	c.log("%v; trying again in %v", problem, wait.Round(100*time.Millisecond))
	if err := c.wait(ctx, wait); err != nil {
		return stopped(problem.where, err)
	}
	return nil
}

// backoff says how long to wait before a try where the forge does not say.
var backoff = httpx.Backoff{First: time.Second}
