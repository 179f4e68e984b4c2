package registry

import (
	"bytes"
	"io"
	"net/http"
	"sync"
)

// pings is a transport that asks each registry once how to log in: go-containerregistry
// asks again for each repository, and the answer is the same. Answers that may change are
// not kept.
type pings struct {
	next http.RoundTripper

	mu    sync.Mutex
	asked map[string]*ping // by scheme and host
}

// A ping is the question to one registry, and its answer once done is closed.
type ping struct {
	done   chan struct{}
	answer *http.Response // its body is in body
	body   []byte
	err    error
}

// pingPath answers how to log in (distribution spec, "Determining Support").
const pingPath = "/v2/"

// RoundTrip implements http.RoundTripper.
func (p *pings) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Path != pingPath || req.Response != nil {
		return p.next.RoundTrip(req)
	}
	for {
		r, mine := p.ping(req.URL.Scheme + "://" + req.URL.Host)
		if mine {
			p.ask(r, req)
			return r.answerTo(req)
		}
		select {
		case <-req.Context().Done():
			return nil, req.Context().Err()
		case <-r.done:
		}
		if r.isLasting() {
			return r.answerTo(req)
		}
	}
}

// ping returns the question to a registry; mine says that it has to be asked.
func (p *pings) ping(registry string) (r *ping, mine bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known, found := p.asked[registry]; found {
		return known, false
	}
	r = &ping{done: make(chan struct{})}
	if p.asked == nil {
		p.asked = map[string]*ping{}
	}
	p.asked[registry] = r
	return r, true
}

// ask asks, and forgets an answer that may change.
func (p *pings) ask(r *ping, req *http.Request) {
	if r.answer, r.err = p.next.RoundTrip(req); r.err == nil {
		r.body, r.err = io.ReadAll(r.answer.Body)
		_ = r.answer.Body.Close()
	}
	if !r.isLasting() {
		p.mu.Lock()
		delete(p.asked, req.URL.Scheme+"://"+req.URL.Host)
		p.mu.Unlock()
	}
	close(r.done)
}

// isLasting reports whether the answer is the same for the rest of the run: how to log
// in, or that the server speaks no TLS.
func (r *ping) isLasting() bool {
	if r.err != nil {
		return isPlainHTTP(r.err)
	}
	return r.answer.StatusCode == http.StatusOK || r.answer.StatusCode == http.StatusUnauthorized
}

func (r *ping) answerTo(req *http.Request) (*http.Response, error) {
	if r.err != nil {
		return nil, r.err
	}
	answer := *r.answer
	answer.Header, answer.Request, answer.Body = r.answer.Header.Clone(), req, io.NopCloser(bytes.NewReader(r.body))
	return &answer, nil
}
