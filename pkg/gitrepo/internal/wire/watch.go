package wire

import (
	"context"
	"io"
	"time"
)

// DefaultIdleTimeout is how long a server may be silent. Git's own server sends a sign of
// life every five seconds while a hook runs or objects are counted.
const DefaultIdleTimeout = time.Minute

// A watch ends a context when nothing has been heard from a server for a while. An answer
// may take as long as it likes, if it goes on; the deadline for the whole run is the
// caller's context.
type watch struct {
	timer   *time.Timer
	timeout time.Duration
	cancel  context.CancelCauseFunc
}

func watched(ctx context.Context, timeout time.Duration) (context.Context, *watch) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watch{timeout: timeout, cancel: cancel}
	w.timer = time.AfterFunc(timeout, func() {
		cancel(Fail(ErrUnavailable, "the server has fallen silent").Final().WithHint("it said nothing for %s", timeout))
	})
	return ctx, w
}

// touch starts the time anew.
func (w *watch) touch() { w.timer.Reset(w.timeout) }

// stop ends the watch, and the context.
func (w *watch) stop() {
	w.timer.Stop()
	w.cancel(nil)
}

// body returns of, watched: reading from it is a sign of life, and closing it ends the
// watch.
func (w *watch) body(of io.ReadCloser) io.ReadCloser { return &watchedBody{of, w} }

type watchedBody struct {
	io.ReadCloser
	watch *watch
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.watch.touch()
	}
	return n, err
}

func (b *watchedBody) Close() error {
	err := b.ReadCloser.Close()
	b.watch.stop()
	return err
}
