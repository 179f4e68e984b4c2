package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/tagbump/tagbump/pkg/image"
)

// manifestTypes are what is asked for. Registries convert or refuse what a client
// does not name.
var manifestTypes = []string{
	string(types.OCIManifestSchema1),
	string(types.OCIImageIndex),
	string(types.DockerManifestSchema2),
	string(types.DockerManifestList),
	string(types.DockerManifestSchema1),
	string(types.DockerManifestSchema1Signed),
}

// manifest is an image manifest or an index. The media type in the body counts
// before the header, since some registries serve everything as text/plain.
type manifest struct {
	MediaType   string            `json:"mediaType"`
	Config      *v1.Descriptor    `json:"config"`
	Manifests   []v1.Descriptor   `json:"manifests"`
	Annotations map[string]string `json:"annotations"`
	Schema      int               `json:"schemaVersion"`
}

// A manifestCache keeps manifests by digest, which never change, so that an image
// that is looked at twice in a run costs one pull. The zero cache is ready.
type manifestCache struct {
	mu        sync.Mutex
	manifests map[string]manifest
}

// maxCached bounds how many manifests are kept: a survey of thousands of images looks
// at each of them once.
const maxCached = 64

func (c *manifestCache) load(key string) (manifest, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m, found := c.manifests[key]
	return m, found
}

func (c *manifestCache) store(key string, m manifest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.manifests == nil {
		c.manifests = map[string]manifest{}
	}
	if len(c.manifests) < maxCached {
		c.manifests[key] = m
	}
}

// manifest gets and reads the manifest at a reference, and computes its digest.
func (c *Client) manifest(ctx context.Context, at name.Reference) (m manifest, digest string, err error) {
	key := func(digest string) string { return at.Context().Name() + "@" + digest }
	if m, found := c.answers.load(key(at.Identifier())); found {
		return m, at.Identifier(), nil
	}
	resp, err := c.session(at.Context()).do(ctx, query{method: http.MethodGet, path: "manifests/" + at.Identifier(), accept: manifestTypes})
	if err != nil {
		return manifest{}, "", err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return manifest{}, "", err
	}
	digest = digestOf(body)
	if _, byDigest := at.(name.Digest); byDigest && digest != at.Identifier() {
		return manifest{}, "", &failure{what: "the registry sent another manifest than the one with this digest", why: digest}
	}
	if err := json.Unmarshal(body, &m); err != nil {
		return manifest{}, "", noImage("its manifest is not JSON")
	}
	if m.MediaType == "" {
		m.MediaType = resp.Header.Get("Content-Type")
	}
	if err := m.check(); err != nil {
		return manifest{}, "", err
	}
	c.answers.store(key(digest), m)
	return m, digest, nil
}

func digestOf(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// check refuses what is neither an image nor an index.
func (m manifest) check() error {
	switch mediaType := types.MediaType(m.MediaType); {
	case m.Schema == 1, mediaType == types.DockerManifestSchema1, mediaType == types.DockerManifestSchema1Signed:
		return noImage("its manifest is of schema 1, which registries gave up in 2019")
	case m.Config == nil && m.Manifests == nil:
		return noImage(fmt.Sprintf("a manifest of type %q, without config and without images", m.MediaType))
	case m.Config != nil && strings.HasPrefix(string(m.Config.MediaType), "application/vnd.") && !isImageConfig(string(m.Config.MediaType)):
		return noImage(fmt.Sprintf("it holds %q", m.Config.MediaType))
	}
	return nil
}

// isImageConfig reports whether a media type is of an image's config.
func isImageConfig(mediaType string) bool {
	return strings.HasPrefix(mediaType, "application/vnd.docker.container.image.") ||
		strings.HasPrefix(mediaType, "application/vnd.oci.image.config.")
}

// noImage returns an Error without Where, which explain fills in.
func noImage(why string) error {
	return &Error{What: "not a container image", Why: why, kind: ErrNoImage}
}

// config is what counts of an image's config. The time is text, so that an
// unreadable one does not lose the whole image.
type config struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Variant      string `json:"variant"`
	Created      string `json:"created"`
	Config       struct {
		Labels map[string]string `json:"Labels"`
	} `json:"config"`
}

// config gets an image's config and checks its digest.
func (c *Client) config(ctx context.Context, repo name.Repository, digest v1.Hash) (config, error) {
	resp, err := c.session(repo).do(ctx, query{method: http.MethodGet, path: "blobs/" + digest.String()})
	if err != nil {
		return config{}, err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return config{}, err
	}
	if got := digestOf(body); got != digest.String() {
		return config{}, &failure{what: "the registry sent another image config than the one with its digest", why: got}
	}
	var cfg config
	if err := json.Unmarshal(body, &cfg); err != nil {
		return config{}, noImage("its config is not JSON")
	}
	return cfg, nil
}

// head returns the digest in the header of a manifest, which costs no pull. ok is
// false when the answer has none, or is a web page.
func (c *Client) head(ctx context.Context, at name.Reference) (digest string, ok bool, err error) {
	resp, err := c.session(at.Context()).do(ctx, query{method: http.MethodHead, path: "manifests/" + at.Identifier(), accept: manifestTypes})
	if err != nil {
		return "", false, err
	}
	digest = resp.Header.Get("Docker-Content-Digest")
	isPage := strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html")
	return digest, !isPage && image.CheckDigest(digest) == nil, nil
}
