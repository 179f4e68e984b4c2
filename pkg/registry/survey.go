package registry

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/tagbump/tagbump/pkg/image"
)

// InspectAll returns what [Client.Inspect] says of each tag's image. It makes 16
// requests at a time, and reads an image that has several tags once. Tags that
// cannot be deployed are left out of the result: those that name something else (a
// chart, a build cache), and those of which the registry lost a part. Any other
// failure is the error of the whole, since the missing tag might be the newest: also
// that of a tag which the registry lists and does not have.
//
// A registry that tells its quota (as Docker Hub does) is asked with HEAD first,
// which costs no pull. When the images outnumber the pulls that are left, InspectAll
// returns [ErrUnavailable] before it has spent them.
func (c *Client) InspectAll(ctx context.Context, repository string, tags []string) (map[string]image.Info, error) {
	repo, err := c.parseRepository(repository)
	if err != nil || len(tags) == 0 {
		return map[string]image.Info{}, err
	}
	s := &survey{client: c, repo: repo, repository: repository, tags: tags}
	_, err = c.digest(ctx, repo.Tag(tags[0])) // shows whether there is a quota
	if err = ignore(err, ErrNoImage); err != nil {
		return nil, explain(repository+":"+tags[0], err)
	}
	if _, limited := c.transport.pullsLeft(repo.RegistryStr()); limited {
		return s.byDigest(ctx)
	}
	return s.byTag(ctx)
}

// A survey inspects many images.
type survey struct {
	client     *Client
	repo       name.Repository
	repository string
	tags       []string
	once       onceEach
}

// byTag gets the manifest of every tag.
func (s *survey) byTag(ctx context.Context) (map[string]image.Info, error) {
	found, err := forEach(ctx, s.tags, func(ctx context.Context, tag string) (image.Info, error) {
		return s.find(ctx, s.repo.Tag(tag))
	})
	return images(found), s.named(err)
}

// byDigest asks for the digest of every tag, and gets each different one once.
func (s *survey) byDigest(ctx context.Context) (map[string]image.Info, error) {
	digests, err := forEach(ctx, s.tags, func(ctx context.Context, tag string) (string, error) {
		digest, err := s.client.digest(ctx, s.repo.Tag(tag))
		return digest, ignore(err, ErrNoImage)
	})
	if err != nil {
		return nil, s.named(err)
	}
	maps.DeleteFunc(digests, func(_, digest string) bool { return digest == "" })
	different := slices.Compact(slices.Sorted(maps.Values(digests)))
	if left, limited := s.client.transport.pullsLeft(s.repo.RegistryStr()); limited && left < len(different) {
		return nil, &Error{
			Where: s.repository,
			What:  "the registry's quota is too small to compare the times of all images",
			Why:   fmt.Sprintf("%d images, and %d pulls left", len(different), left),
			kind:  ErrUnavailable,
			hint:  "a narrower match, or --newest-of with a number below the pulls left",
		}
	}
	byDigest, err := forEach(ctx, different, func(ctx context.Context, digest string) (image.Info, error) {
		return s.find(ctx, s.repo.Digest(digest))
	})
	if err != nil {
		return nil, s.named(err)
	}
	found := make(map[string]image.Info, len(digests))
	for tag, digest := range digests {
		found[tag] = byDigest[digest]
	}
	return images(found), nil
}

// images drops the tags that were left out, which have no digest.
func images(found map[string]image.Info) map[string]image.Info {
	maps.DeleteFunc(found, func(_ string, info image.Info) bool { return info.Digest == "" })
	return found
}

// find inspects one image, or an image of an index. It returns the zero Info for
// what cannot be deployed.
func (s *survey) find(ctx context.Context, at name.Reference) (image.Info, error) {
	m, digest, err := s.client.manifest(ctx, at)
	if err != nil {
		return image.Info{}, ignore(err, ErrNoImage)
	}
	return s.once.do(digest, func() (image.Info, error) {
		info, err := s.client.describe(ctx, at, m, nil)
		if err != nil {
			return image.Info{}, ignoreLost(err)
		}
		info.Digest = digest
		return info, nil
	})
}

// ignoreLost returns nil for an artefact that is not an image, and for an image of which the registry
// lost a part.
func ignoreLost(err error) error {
	var refused *refusal
	isGone := errors.As(err, &refused) && refused.status == http.StatusNotFound && strings.Contains(refused.path, "/manifests/")
	if isGone || errors.Is(err, ErrNoImage) || errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// named adds to the error of one item which item it is.
func (s *survey) named(err error) error {
	var failed *itemError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &failed):
		return explain(s.repository, err)
	case strings.HasPrefix(failed.item, "sha256:"):
		return explain(s.repository+"@"+failed.item, failed.err)
	}
	return explain(s.repository+":"+failed.item, failed.err)
}

// onceEach does something for each key once, and gives all who ask the one answer.
// The zero value is ready.
type onceEach struct{ answers sync.Map }

func (o *onceEach) do(key string, f func() (image.Info, error)) (image.Info, error) {
	answer, _ := o.answers.LoadOrStore(key, sync.OnceValues(f))
	return answer.(func() (image.Info, error))()
}

// noteQuota keeps what a registry says of the pulls that are left, as in
// "ratelimit-remaining: 76;w=21600" (Docker Hub, per six hours). Limits with a window
// under an hour are ignored: waiting is enough.
func (t *transport) noteQuota(resp *http.Response, host string) {
	text, window, _ := strings.Cut(resp.Header.Get("RateLimit-Remaining"), ";w=")
	left, err := strconv.Atoi(strings.TrimSpace(text))
	seconds, errWindow := strconv.Atoi(strings.TrimSpace(window))
	if err == nil && errWindow == nil && seconds >= 3600 {
		t.quotas.Store(host, left)
	}
}

// pullsLeft returns how many pulls a registry still allows, if it says so.
func (t *transport) pullsLeft(host string) (left int, limited bool) {
	value, limited := t.quotas.Load(host)
	if !limited {
		return 0, false
	}
	return value.(int), true
}
