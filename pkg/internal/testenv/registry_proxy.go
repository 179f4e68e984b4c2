package testenv

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Proxy stands in front of a server, counts what it is asked, and makes each request
// and each new connection take longer, as distance does.
type Proxy struct {
	Host string // "127.0.0.1:41234"

	server *http.Server
	target *httputil.ReverseProxy
	delay  time.Duration

	mu          sync.Mutex
	requests    []string
	connections int
}

// NewProxy starts a proxy in front of the server at host. Close ends it.
func NewProxy(host string, delay time.Duration) (*Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("testenv: proxy: %w", err)
	}
	p := &Proxy{Host: listener.Addr().String(), delay: delay, target: &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: host})
			r.Out.Host = r.In.Host // links in answers lead through the proxy
		},
		Transport: &http.Transport{MaxIdleConnsPerHost: 64},
		ErrorLog:  log.New(io.Discard, "", 0),
	}}
	p.server = &http.Server{Handler: p, ConnState: p.noteConnection, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute}
	go p.server.Serve(listener)
	return p, nil
}

// Close ends the proxy.
func (p *Proxy) Close() { p.server.Close() }

// ServeHTTP implements http.Handler.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.requests = append(p.requests, r.Method+" "+r.URL.Path)
	p.mu.Unlock()
	time.Sleep(p.delay)
	p.target.ServeHTTP(w, r)
}

// noteConnection makes a new connection take as long as one request.
func (p *Proxy) noteConnection(_ net.Conn, state http.ConnState) {
	if state == http.StateNew {
		p.mu.Lock()
		p.connections++
		p.mu.Unlock()
		time.Sleep(p.delay)
	}
}

// Requests returns what was asked for so far, in order.
func (p *Proxy) Requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.requests)
}

// Count returns how many requests were made so far that begin with method and whose
// path contains part. Empty text means any.
func (p *Proxy) Count(method, part string) int {
	n := 0
	for _, request := range p.Requests() {
		if strings.HasPrefix(request, method) && strings.Contains(request, part) {
			n++
		}
	}
	return n
}

// Reset forgets what was asked for.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests, p.connections = nil, 0
}
