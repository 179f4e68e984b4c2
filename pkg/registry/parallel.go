package registry

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// An itemError says for which item the work failed.
type itemError struct {
	item string
	err  error
}

// Error reads "item: error".
func (e *itemError) Error() string { return e.item + ": " + e.err.Error() }

// Unwrap returns the error without the item.
func (e *itemError) Unwrap() error { return e.err }

// itemCause returns the error of an item without the item.
func itemCause(err error) error {
	var failed *itemError
	if errors.As(err, &failed) {
		return failed.err
	}
	return err
}

// forEach does work for each item, up to 16 at a time, and returns the results by
// item. It stops at the first error, which it returns as an *itemError.
func forEach[T any](ctx context.Context, items []string, work func(context.Context, string) (T, error)) (map[string]T, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var (
		next    atomic.Int64
		workers sync.WaitGroup
		mu      sync.Mutex
		results = make(map[string]T, len(items))
	)
	for range min(jobs, len(items)) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(items)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				result, err := work(ctx, items[i])
				if err != nil {
					stop(&itemError{items[i], err})
					return
				}
				mu.Lock()
				results[items[i]] = result
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return results, nil
}
