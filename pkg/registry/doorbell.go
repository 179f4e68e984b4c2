package registry

import (
	"bytes"
	"io"
	"net/http"
	"sync"
)

// A doorbell asks each registry once how to log in: go-containerregistry asks again for
// each repository, and the answer is the same. Answers that may change are not kept.
type doorbell struct {
	next http.RoundTripper

	mu    sync.Mutex
	rings map[string]*ring // by scheme and host
}

// A ring is a question to one registry, and its answer once done is closed.
type ring struct {
	done   chan struct{}
	answer *http.Response // its body is in body
	body   []byte
	err    error
}

// pingPath is what is asked without a log-in (distribution spec, "Determining Support").
const pingPath = "/v2/"

// RoundTrip implements http.RoundTripper.
func (d *doorbell) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Path != pingPath || req.Response != nil {
		return d.next.RoundTrip(req)
	}
	for {
		r, mine := d.ring(req.URL.Scheme + "://" + req.URL.Host)
		if mine {
			d.ask(r, req)
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

// ring returns the question to a registry; mine says that it has to be asked.
func (d *doorbell) ring(registry string) (r *ring, mine bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if known, found := d.rings[registry]; found {
		return known, false
	}
	r = &ring{done: make(chan struct{})}
	if d.rings == nil {
		d.rings = map[string]*ring{}
	}
	d.rings[registry] = r
	return r, true
}

// ask asks, and forgets what may be another answer the next time.
func (d *doorbell) ask(r *ring, req *http.Request) {
	if r.answer, r.err = d.next.RoundTrip(req); r.err == nil {
		r.body, r.err = io.ReadAll(r.answer.Body)
		_ = r.answer.Body.Close()
	}
	if !r.isLasting() {
		d.mu.Lock()
		delete(d.rings, req.URL.Scheme+"://"+req.URL.Host)
		d.mu.Unlock()
	}
	close(r.done)
}

// isLasting reports whether the answer is the same for the rest of the run: how to log
// in, or that the server speaks no TLS.
func (r *ring) isLasting() bool {
	if r.err != nil {
		return isPlainHTTP(r.err)
	}
	return r.answer.StatusCode == http.StatusOK || r.answer.StatusCode == http.StatusUnauthorized
}

func (r *ring) answerTo(req *http.Request) (*http.Response, error) {
	if r.err != nil {
		return nil, r.err
	}
	answer := *r.answer
	answer.Header, answer.Request, answer.Body = r.answer.Header.Clone(), req, io.NopCloser(bytes.NewReader(r.body))
	return &answer, nil
}
