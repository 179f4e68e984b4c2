package testenv

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

// RegistryOptions are how a registry behaves; the zero value is one without log-in.
type RegistryOptions struct {
	// Username and Password are wanted by each request, if there is a Username. Default: none.
	Username, Password string
	// Bearer makes the registry hand out tokens, as Docker Hub and GHCR do, instead of
	// wanting the password with each request. Without a Username anyone gets a token. Default: no tokens.
	Bearer bool
	// PageSize is the most tags that one page has, whatever the client asks for. Default: 1000.
	PageSize int
	// Unsorted lists tags in the order in which they were pushed, on one page, as
	// docker-registry 2.8 does, and ignores "n" and "last". Default: in ASCII order.
	Unsorted bool
	// TLS serves https with a self-signed certificate. Default: http.
	TLS bool
	// Fault may answer a request itself and then returns true. It is asked before
	// log-in, from many goroutines. Default: no faults.
	Fault func(w http.ResponseWriter, r *http.Request) bool
}

// A Registry is an OCI registry in this process.
type Registry struct {
	Host string // "127.0.0.1:41234": what stands before a repository's name

	opts   RegistryOptions
	server *http.Server
	client *http.Client
	inner  http.Handler

	mu       sync.Mutex
	fault    func(w http.ResponseWriter, r *http.Request) bool
	requests []string
	address  string              // instead of Host
	tags     map[string][]string // of each repository, as pushed
}

// An Image is what PushImage makes: no layers, but a manifest, a config and, for
// more than one platform, an index.
type Image struct {
	Platforms []string // "linux/arm64", "linux/arm/v7". Default: linux/amd64.
	Created   time.Time
	Labels    map[string]string
	Index     bool // an index also for one platform
}

// token is what the registry hands out; it is no secret, since nothing is behind it.
const token = "testenv-registry-token"

// NewRegistry starts a registry on a free port of 127.0.0.1. Close ends it.
func NewRegistry(opts RegistryOptions) (*Registry, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("testenv: registry: %w", err)
	}
	return NewRegistryOn(listener, opts)
}

// NewRegistryOn starts a registry that serves what arrives at listener, and closes it in the end.
func NewRegistryOn(listener net.Listener, opts RegistryOptions) (*Registry, error) {
	if opts.PageSize == 0 {
		opts.PageSize = 1000
	}
	r := &Registry{
		Host:  listener.Addr().String(),
		opts:  opts,
		inner: registry.New(registry.Logger(log.New(io.Discard, "", 0))),
		fault: opts.Fault,
		tags:  map[string][]string{},
	}
	r.client, r.server = &http.Client{Transport: &http.Transport{}}, &http.Server{
		Handler:           r,
		ErrorLog:          log.New(io.Discard, "", 0),
		ReadHeaderTimeout: time.Minute,
	}
	if opts.TLS {
		var err error
		if listener, r.client.Transport, err = withTLS(listener); err != nil {
			return nil, err
		}
	}
	go r.server.Serve(listener)
	return r, nil
}

// Close ends the registry and its connections.
func (r *Registry) Close() { r.server.Close() }

// Client returns an HTTP client that trusts the registry's certificate.
func (r *Registry) Client() *http.Client { return r.client }

// SetFault puts fault in the place of the one there was; nil is none.
func (r *Registry) SetFault(fault func(w http.ResponseWriter, r *http.Request) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fault = fault
}

// Requests returns what was asked for so far, as in "GET /v2/acme/web/tags/list", in order.
func (r *Registry) Requests() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests)
}

// Count returns how many requests were made so far that begin with method and whose
// path contains part. Empty text means any.
func (r *Registry) Count(method, part string) int {
	n := 0
	for _, request := range r.Requests() {
		if strings.HasPrefix(request, method) && strings.Contains(request, part) {
			n++
		}
	}
	return n
}

// SetAddress makes the registry call itself by another address, such as that of a proxy
// in front of it: clients fetch their tokens there.
func (r *Registry) SetAddress(host string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.address = host
}

// ResetRequests forgets what was asked for.
func (r *Registry) ResetRequests() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = nil
}

// ServeHTTP implements http.Handler.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if fault := r.note(req); fault != nil && fault(w, req) {
		return
	}
	switch {
	case req.URL.Path == "/token":
		r.serveToken(w, req)
	case !r.allowed(req):
		r.challenge(w, req)
	case strings.HasSuffix(req.URL.Path, "/tags/list"):
		r.serveTags(w, req)
	default:
		r.inner.ServeHTTP(w, req)
	}
}

func (r *Registry) note(req *http.Request) (fault func(http.ResponseWriter, *http.Request) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, req.Method+" "+req.URL.Path)
	return r.fault
}

// serveToken hands out a token (distribution spec, "Token Authentication").
func (r *Registry) serveToken(w http.ResponseWriter, req *http.Request) {
	if !r.knows(req) {
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "incorrect username or password")
		return
	}
	writeJSON(w, map[string]any{"token": token, "expires_in": 300})
}

// knows reports whether the request has the right user and password.
func (r *Registry) knows(req *http.Request) bool {
	username, password, _ := req.BasicAuth()
	return r.opts.Username == "" || username == r.opts.Username && password == r.opts.Password
}

func (r *Registry) allowed(req *http.Request) bool {
	if r.opts.Bearer {
		return req.Header.Get("Authorization") == "Bearer "+token
	}
	return r.knows(req)
}

func (r *Registry) challenge(w http.ResponseWriter, req *http.Request) {
	scheme := `Basic realm="testenv"`
	if r.opts.Bearer {
		scheme = fmt.Sprintf(`Bearer realm="%s/token",service="testenv",scope=%q`, r.URL(), scope(req.URL.Path))
	}
	w.Header().Set("WWW-Authenticate", scheme)
	refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
}

// URL returns the registry's address with its scheme and without a slash at the end.
func (r *Registry) URL() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	host := r.Host
	if r.address != "" {
		host = r.address
	}
	if r.opts.TLS {
		return "https://" + host
	}
	return "http://" + host
}

// scope is what a token for path has to allow.
func scope(path string) string {
	parts := strings.Split(strings.TrimPrefix(path, "/v2/"), "/")
	if len(parts) < 3 {
		return ""
	}
	return "repository:" + strings.Join(parts[:len(parts)-2], "/") + ":pull"
}

// serveTags lists tags page by page, with a Link to the next one.
func (r *Registry) serveTags(w http.ResponseWriter, req *http.Request) {
	repository := strings.TrimSuffix(strings.TrimPrefix(req.URL.Path, "/v2/"), "/tags/list")
	tags, found := r.list(repository)
	if !found {
		refuse(w, http.StatusNotFound, "NAME_UNKNOWN", "repository name not known to registry")
		return
	}
	if !r.opts.Unsorted {
		tags = r.page(w, req, tags)
	}
	writeJSON(w, map[string]any{"name": repository, "tags": tags})
}

// page cuts the page out of tags that the request asks for.
func (r *Registry) page(w http.ResponseWriter, req *http.Request, tags []string) []string {
	query := req.URL.Query()
	start, exact := slices.BinarySearch(tags, query.Get("last"))
	if exact {
		start++
	}
	size, err := strconv.Atoi(query.Get("n"))
	if err != nil || size > r.opts.PageSize {
		size = r.opts.PageSize
	}
	tags = tags[start:]
	if len(tags) <= size {
		return tags
	}
	next := url.Values{"n": {strconv.Itoa(size)}, "last": {tags[size-1]}}
	w.Header().Set("Link", fmt.Sprintf(`<%s?%s>; rel="next"`, req.URL.Path, next.Encode()))
	return tags[:size]
}

func (r *Registry) list(repository string) (tags []string, found bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	tags, found = r.tags[repository]
	tags = slices.Clone(tags)
	if !r.opts.Unsorted && !slices.IsSorted(tags) {
		slices.Sort(tags)
	}
	return tags, found
}

// Push makes an image and files it under the given tags. It returns the digest of
// its manifest or index. Equal images have equal digests.
func (r *Registry) Push(repository string, img Image, tags ...string) (digest string, err error) {
	return push(r, repository, img, tags)
}

// PushManifest files any text as the manifest of a tag or digest.
func (r *Registry) PushManifest(repository, reference, mediaType string, body []byte) error {
	if err := r.put("/v2/"+repository+"/manifests/"+reference, mediaType, body); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	tags := r.tags[repository]
	if !strings.Contains(reference, ":") && !slices.Contains(tags, reference) {
		tags = append(tags, reference)
	}
	r.tags[repository] = tags
	return nil
}

// PushBlob files a blob and returns its digest.
func (r *Registry) PushBlob(repository string, body []byte) (digest string, err error) {
	digest = digestOf(body)
	return digest, r.post("/v2/"+repository+"/blobs/uploads/?digest="+digest, body)
}

// ListTags makes the list of a repository's tags what is given, whether there are
// images or not. It is for lists that are too long to push.
func (r *Registry) ListTags(repository string, tags []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	tags = slices.Clone(tags)
	if !r.opts.Unsorted {
		slices.Sort(tags)
	}
	r.tags[repository] = tags
}

// put and post go around faults, log-in and the count of requests.
func (r *Registry) put(path, mediaType string, body []byte) error {
	return r.send(http.MethodPut, path, mediaType, body)
}

func (r *Registry) post(path string, body []byte) error {
	return r.send(http.MethodPost, path, "application/octet-stream", body)
}

func (r *Registry) send(method, path, mediaType string, body []byte) error {
	req, err := http.NewRequest(method, "http://testenv"+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("testenv: registry: %w", err)
	}
	req.Header.Set("Content-Type", mediaType)
	got := &answer{header: http.Header{}}
	r.inner.ServeHTTP(got, req)
	if got.status != http.StatusCreated {
		return fmt.Errorf("testenv: registry: %s %s: %d %s", method, path, got.status, got.body.String())
	}
	return nil
}

// answer is an http.ResponseWriter that keeps what is written.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }

// DockerConfig returns the text of a docker config with the registry's log-in.
func (r *Registry) DockerConfig() []byte {
	login := base64.StdEncoding.EncodeToString([]byte(r.opts.Username + ":" + r.opts.Password))
	return marshal(map[string]any{"auths": map[string]any{r.Host: map[string]string{"auth": login}}})
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(marshal(map[string]any{"errors": []map[string]string{{"code": code, "message": message}}}))
}

func writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.Write(marshal(value))
}

// marshal writes the types above, none of which JSON cannot express.
func marshal(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return text
}

func digestOf(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha256:" + hex.EncodeToString(sum[:])
}
