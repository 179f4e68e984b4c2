package testenv

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// LinkOptions say how far away a server is.
type LinkOptions struct {
	RTT       time.Duration // of a round trip
	Handshake int           // round trips before the first byte (TCP: 1, with TLS: 2)
	Down      int64         // bytes a second towards the client; 0: no limit
	// Cut ends a connection: it is told of each chunk before it passes, and passes
	// only so many of its bytes, then closes both sides. Default: never.
	Cut func(up bool, chunk []byte) (pass int, cut bool)
}

// A Link is a loopback address behind which a server seems to be far away. It
// delays what passes, without breaking up what is sent at once.
type Link struct {
	Addr string

	target   string
	options  LinkOptions
	listener net.Listener

	mu    sync.Mutex
	stats LinkStats
	open  map[net.Conn]bool
}

// LinkStats is what went over a Link.
type LinkStats struct {
	Conns    int
	Up, Down int64 // bytes
}

// NewLink leads to target.
func NewLink(target string, opts LinkOptions) (*Link, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &Link{Addr: listener.Addr().String(), target: target, options: opts, listener: listener, open: map[net.Conn]bool{}}
	go l.serve()
	return l, nil
}

// StartLink is NewLink for a test.
func StartLink(t TB, target string, opts LinkOptions) *Link {
	t.Helper()
	l, err := NewLink(target, opts)
	if err != nil {
		t.Fatalf("link: %v", err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// Close ends the link and what goes over it.
func (l *Link) Close() error {
	err := l.listener.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	for conn := range l.open {
		_ = conn.Close()
	}
	return err
}

// Take returns what went over the link since the last Take.
func (l *Link) Take() LinkStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	stats := l.stats
	l.stats = LinkStats{}
	return stats
}

func (l *Link) serve() {
	for {
		client, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.mu.Lock()
		l.stats.Conns++
		l.mu.Unlock()
		go l.join(client)
	}
}

func (l *Link) join(client net.Conn) {
	time.Sleep(time.Duration(l.options.Handshake) * l.options.RTT)
	server, err := net.Dial("tcp", l.target)
	if err != nil {
		_ = client.Close()
		return
	}
	l.track(client, server)
	defer l.forget(client, server)
	var both sync.WaitGroup
	both.Go(func() { l.pump(server, client, 0, true) })
	both.Go(func() { l.pump(client, server, l.options.Down, false) })
	both.Wait()
}

func (l *Link) track(conns ...net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range conns {
		l.open[conn] = true
	}
}

func (l *Link) forget(conns ...net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range conns {
		_ = conn.Close()
		delete(l.open, conn)
	}
}

type chunk struct {
	data []byte
	due  time.Time
}

var errCut = errors.New("cut")

// pump carries one direction. Its queue lets what follows travel while what is
// ahead has not arrived.
func (l *Link) pump(to, from net.Conn, rate int64, up bool) {
	queue := make(chan chunk, 64)
	go func() {
		defer close(queue)
		for {
			data := make([]byte, 64<<10)
			n, err := from.Read(data)
			if n > 0 {
				queue <- chunk{data[:n], time.Now().Add(l.options.RTT / 2)}
			}
			if err != nil {
				return
			}
		}
	}()
	var free time.Time // when the wire has sent what is ahead
	for c := range queue {
		time.Sleep(time.Until(c.due))
		if rate > 0 {
			if now := time.Now(); free.Before(now) {
				free = now
			}
			free = free.Add(time.Duration(int64(time.Second) * int64(len(c.data)) / rate))
			time.Sleep(time.Until(free))
		}
		if err := l.pass(to, c.data, up); err != nil {
			_ = to.Close()
			_ = from.Close()
			for range queue { // let the reader end
			}
			return
		}
	}
	if half, ok := to.(*net.TCPConn); ok {
		_ = half.CloseWrite()
	}
}

func (l *Link) pass(to io.Writer, data []byte, up bool) error {
	n, cut := len(data), false
	if l.options.Cut != nil {
		n, cut = l.options.Cut(up, data)
	}
	sent, err := to.Write(data[:n])
	l.mu.Lock()
	if up {
		l.stats.Up += int64(sent)
	} else {
		l.stats.Down += int64(sent)
	}
	l.mu.Unlock()
	if err == nil && cut {
		return errCut
	}
	return err
}
