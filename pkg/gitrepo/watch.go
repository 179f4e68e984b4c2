package gitrepo

import (
	"context"
	"io"
	"time"
)

// defaultTimeout is how long a server may be silent. git's own sends a sign of
// life every five seconds while a hook runs or a pack is counted.
const defaultTimeout = time.Minute

// A watch ends a context once nothing has been heard for a while. A slow answer
// is none too long as long as it goes on.
type watch struct {
	timer   *time.Timer
	timeout time.Duration
	cancel  context.CancelCauseFunc
}

func watched(ctx context.Context, timeout time.Duration) (context.Context, *watch) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watch{timeout: timeout, cancel: cancel}
	w.timer = time.AfterFunc(timeout, func() {
		cancel(fail(ErrUnavailable, "the server has fallen silent").forGood().withHint("it said nothing for %s", timeout))
	})
	return ctx, w
}

func (w *watch) touch() { w.timer.Reset(w.timeout) }

func (w *watch) stop() {
	w.timer.Stop()
	w.cancel(nil)
}

// body lets w watch what is read; closing it ends the watch.
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
