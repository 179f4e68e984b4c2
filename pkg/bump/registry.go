package bump

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/tagbump/tagbump/pkg/image"
)

// Registry answers which images exist. Each of its answers is whole or an error.
type Registry interface {
	// TagsWithPrefix returns all tags that begin with prefix, and maybe others.
	TagsWithPrefix(ctx context.Context, repository, prefix string) ([]string, error)
	// InspectFor returns what ref names. Time and labels are those of the first platform;
	// an image of another one that cannot be pulled is an error.
	InspectFor(ctx context.Context, ref image.Ref, platforms []string) (image.Info, error)
	// InspectAll returns what it knows of each tag's image. Tags that are not images are left out.
	InspectAll(ctx context.Context, repository string, tags []string) (map[string]image.Info, error)
	// First returns the first of tags whose image fits.
	First(ctx context.Context, repository string, tags []string, fits func(image.Info) bool) (tag string, found bool, err error)
	// WaitForTag returns when the tag exists, or an error when patience has run out.
	WaitForTag(ctx context.Context, ref image.Ref, patience time.Duration, waiting func(soFar time.Duration)) error
}

// A cache remembers the answers of InspectFor for one run, so that planning again
// after a lost race costs no request.
type cache struct {
	Registry
	mu    sync.Mutex
	infos map[lookup]image.Info
}

type lookup struct {
	ref       image.Ref
	platforms string
}

func (c *cache) InspectFor(ctx context.Context, ref image.Ref, platforms []string) (image.Info, error) {
	c.mu.Lock()
	info, known := c.infos[lookup{ref, strings.Join(platforms, " ")}]
	c.mu.Unlock()
	if known {
		return info, nil
	}
	info, err := c.Registry.InspectFor(ctx, ref, platforms)
	if err != nil {
		return info, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.infos == nil {
		c.infos = make(map[lookup]image.Info)
	}
	c.infos[lookup{ref, strings.Join(platforms, " ")}] = info
	return info, nil
}
