package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/tagbump/tagbump/pkg/image"
)

// InspectAll returns what [Client.Inspect] says of each tag's image. It makes 16
// requests at a time, and reads an image that has several tags once. Tags that name
// something else (a chart, a build cache) are left out of the result. Any other
// failure is the error of the whole, since the missing tag might be the newest.
//
// A registry that tells its quota (as Docker Hub does) is asked with HEAD first,
// which costs no pull. When the images outnumber the pulls that are left, InspectAll
// returns [ErrUnavailable] before it has spent them.
func (c *Client) InspectAll(ctx context.Context, repository string, tags []string) (map[string]image.Info, error) {
	repo, err := c.parseRepository(repository)
	if err != nil {
		return nil, err
	}
	s := &survey{client: c, repo: repo, repository: repository, tags: tags}
	return s.run(ctx)
}

// A survey inspects many images.
type survey struct {
	client     *Client
	repo       name.Repository
	repository string
	tags       []string
}

func (s *survey) run(ctx context.Context) (map[string]image.Info, error) {
	if len(s.tags) == 0 {
		return map[string]image.Info{}, nil
	}
	if _, err := s.client.digest(ctx, s.repo.Tag(s.tags[0])); err != nil && !errors.Is(err, ErrNoImage) { // shows whether there is a quota
		return nil, explain(s.repository+":"+s.tags[0], err)
	}
	if _, limited := s.client.carrier.pullsLeft(s.repo.RegistryStr()); limited {
		return s.byDigest(ctx)
	}
	return s.byTag(ctx)
}

// byTag gets the manifest of every tag.
func (s *survey) byTag(ctx context.Context) (map[string]image.Info, error) {
	var once onceEach
	found, err := all(ctx, s.tags, func(ctx context.Context, tag string) (finding, error) {
		return s.find(ctx, s.repo.Tag(tag), &once)
	})
	return images(found), s.named(err)
}

// byDigest asks for the digest of every tag, and gets each different one once.
func (s *survey) byDigest(ctx context.Context) (map[string]image.Info, error) {
	digests, err := all(ctx, s.tags, func(ctx context.Context, tag string) (string, error) {
		return s.client.digest(ctx, s.repo.Tag(tag))
	})
	if err != nil {
		return nil, s.named(err)
	}
	different := values(digests)
	if left, limited := s.client.carrier.pullsLeft(s.repo.RegistryStr()); limited && left < len(different) {
		return nil, s.tooMany(len(different), left)
	}
	var once onceEach
	byDigest, err := all(ctx, different, func(ctx context.Context, digest string) (finding, error) {
		return s.find(ctx, s.repo.Digest(digest), &once)
	})
	if err != nil {
		return nil, s.named(err)
	}
	found := make(map[string]finding, len(s.tags))
	for tag, digest := range digests {
		found[tag] = byDigest[digest]
	}
	return images(found), nil
}

// A finding is what the look-up of one tag found.
type finding struct {
	info    image.Info
	isImage bool
}

// images returns the findings that are images.
func images(found map[string]finding) map[string]image.Info {
	infos := make(map[string]image.Info, len(found))
	for tag, f := range found {
		if f.isImage {
			infos[tag] = f.info
		}
	}
	return infos
}

func (s *survey) tooMany(images, left int) error {
	return &Error{
		Where: s.repository,
		What:  "the registry's quota is too small to compare the times of all images",
		Why:   fmt.Sprintf("%d images, and %d pulls left", images, left),
		kind:  ErrUnavailable,
		hint:  "a narrower match, or --newest-of with a number below the pulls left",
	}
}

// named adds to the error of one item which item it is.
func (s *survey) named(err error) error {
	failed, ok := err.(*itemError)
	switch {
	case err == nil:
		return nil
	case !ok:
		return explain(s.repository, err)
	case strings.HasPrefix(failed.item, "sha256:"):
		return explain(s.repository+"@"+failed.item, failed.err)
	}
	return explain(s.repository+":"+failed.item, failed.err)
}

// find inspects one image, or the first image of an index.
func (s *survey) find(ctx context.Context, at name.Reference, once *onceEach) (finding, error) {
	m, digest, err := s.client.manifest(ctx, at)
	if err == nil {
		return once.do(digest, func() (finding, error) {
			info, err := s.client.read(ctx, at, m, "")
			info.Digest = digest
			return findingOf(info, err)
		})
	}
	return findingOf(image.Info{}, err)
}

func findingOf(info image.Info, err error) (finding, error) {
	if errors.Is(err, ErrNoImage) {
		return finding{}, nil
	}
	return finding{info, true}, err
}

// onceEach does something for each key once, and gives all who ask the one answer.
type onceEach struct{ answers sync.Map }

func (o *onceEach) do(key string, f func() (finding, error)) (finding, error) {
	answer, _ := o.answers.LoadOrStore(key, sync.OnceValues(f))
	return answer.(func() (finding, error))()
}

// An itemError says for which item the work failed.
type itemError struct {
	item string
	err  error
}

func (e *itemError) Error() string { return e.item + ": " + e.err.Error() }
func (e *itemError) Unwrap() error { return e.err }

// all does work for each item, a few at a time, and stops at the first error.
func all[T any](ctx context.Context, items []string, work func(context.Context, string) (T, error)) (map[string]T, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var (
		next    atomic.Int64
		workers sync.WaitGroup
		mu      sync.Mutex
		results = make(map[string]T, len(items))
	)
	for range min(jobs, len(items)) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(items)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				result, err := work(ctx, items[i])
				if err != nil {
					stop(&itemError{items[i], err})
					return
				}
				mu.Lock()
				results[items[i]] = result
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return results, nil
}

// values returns the different values of m.
func values(m map[string]string) []string {
	seen := make(map[string]bool, len(m))
	var different []string
	for _, value := range m {
		if !seen[value] {
			seen[value] = true
			different = append(different, value)
		}
	}
	return different
}

// noteQuota keeps what a registry says of the pulls that are left, as in
// "ratelimit-remaining: 76;w=21600" (Docker Hub, per six hours). A limit for less
// than an hour is none that waiting cannot cure, and so no quota.
func (t *carrier) noteQuota(resp *http.Response, host string) {
	text, window, _ := strings.Cut(resp.Header.Get("RateLimit-Remaining"), ";w=")
	left, err := strconv.Atoi(strings.TrimSpace(text))
	seconds, errWindow := strconv.Atoi(strings.TrimSpace(window))
	if err == nil && errWindow == nil && seconds >= 3600 {
		t.quotas.Store(host, left)
	}
}

// pullsLeft returns how many pulls a registry still allows, if it says so.
func (t *carrier) pullsLeft(host string) (left int, limited bool) {
	value, limited := t.quotas.Load(host)
	if !limited {
		return 0, false
	}
	return value.(int), true
}
