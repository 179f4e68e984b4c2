package wire

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"

	"golang.org/x/crypto/ssh"
)

// lostChannel is a connection whose OpenChannel is never answered: golang.org/x/crypto/ssh
// behaves so when the connection ends at the moment in which the channel is opened.
type lostChannel struct {
	ssh.Conn
	ended, never chan struct{}
}

func (c lostChannel) OpenChannel(string, []byte) (ssh.Channel, <-chan *ssh.Request, error) {
	<-c.never
	return nil, nil, errors.New("the test has ended")
}

func (c lostChannel) Wait() error {
	<-c.ended
	return io.EOF
}

func TestOpeningASessionEndsWithItsConnectionAndItsContext(t *testing.T) {
	tests := map[string]struct {
		end  func(conn lostChannel, cancel func())
		want error
	}{
		"connection": {func(conn lostChannel, _ func()) { close(conn.ended) }, io.ErrUnexpectedEOF},
		"context":    {func(_ lostChannel, cancel func()) { cancel() }, context.Canceled},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				conn := lostChannel{ended: make(chan struct{}), never: make(chan struct{})}
				defer func() {
					close(conn.never)
					if test.want != io.ErrUnexpectedEOF {
						close(conn.ended)
					}
				}()
				go test.end(conn, cancel)
				if _, _, err := openSession(ctx, conn); !errors.Is(err, test.want) {
					t.Errorf("got %v, want %v", err, test.want)
				}
			})
		})
	}
}
