package demo

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A hub is a registry in this process: it answers requests without a network. Requests
// can only read it, and it has one repository.
type hub struct {
	mu        sync.Mutex
	tags      []string          // sorted, as a registry lists them
	manifests map[string][]byte // by tag and by digest
	blobs     map[string][]byte // by digest
	closed    atomic.Bool
}

const manifestType = "application/vnd.oci.image.manifest.v1+json"

func newHub() *hub {
	h := &hub{manifests: map[string][]byte{}, blobs: map[string][]byte{}}
	for _, tag := range tags {
		h.push(tag)
	}
	return h
}

func (h *hub) close() { h.closed.Store(true) }

// push stores an image; the number of its build makes it differ from the others.
func (h *hub) push(tag string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	build := len(h.tags)
	h.tags = append(h.tags, tag)
	slices.Sort(h.tags)
	created := time.Date(2024, 6, 1, 0, build, 0, 0, time.UTC).Format(time.RFC3339)
	config := fmt.Appendf(nil, `{"architecture":"arm64","os":"linux","created":%q,"config":{},"rootfs":{"type":"layers","diff_ids":[]}}`, created)
	manifest := fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":%d,"digest":%q},"layers":[]}`,
		manifestType, len(config), digestOf(config))
	h.blobs[digestOf(config)] = config
	h.manifests[tag], h.manifests[digestOf(manifest)] = manifest, manifest
}

func digestOf(text []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(text)) }

// RoundTrip implements http.RoundTripper, for every registry's name.
func (h *hub) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	if h.closed.Load() {
		return nil, errors.New("the demo's registry is closed")
	}
	body, kind := h.find(req.URL.Path)
	answer := &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {kind}, "Docker-Content-Digest": {digestOf(body)}}, ContentLength: int64(len(body)),
	}
	if body == nil {
		body = []byte(`{"errors":[{"code":"NOT_FOUND","message":"not found"}]}`)
		answer.StatusCode, answer.ContentLength = http.StatusNotFound, int64(len(body))
		answer.Header = http.Header{"Content-Type": {"application/json"}}
	}
	answer.Status = fmt.Sprintf("%d %s", answer.StatusCode, http.StatusText(answer.StatusCode))
	if req.Method == http.MethodHead {
		body = nil
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, nil
}

// find returns the content at a path, and its type; nil if the path has no content.
func (h *hub) find(address string) (body []byte, kind string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	below, isOurs := strings.CutPrefix(address, "/v2/"+imageName+"/")
	name := path.Base(below)
	switch {
	case address == "/v2/":
		return []byte("{}"), "application/json"
	case !isOurs:
		return nil, ""
	case below == "tags/list":
		text, err := json.Marshal(map[string]any{"name": imageName, "tags": h.tags})
		if err != nil {
			return nil, ""
		}
		return text, "application/json"
	case below == "manifests/"+name:
		return h.manifests[name], manifestType
	case below == "blobs/"+name:
		return h.blobs[name], "application/octet-stream"
	}
	return nil, ""
}
