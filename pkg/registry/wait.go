package registry

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/internal/delay"
)

// digest returns the digest that a tag points at. It asks with HEAD, which registries
// do not count as a pull, and believes the header. Where a registry refuses HEAD,
// sends no digest or answers with a web page, it gets the manifest.
func (c *Client) digest(ctx context.Context, at name.Reference) (string, error) {
	digest, ok, err := c.head(ctx, at)
	if err == nil && ok {
		return digest, nil
	}
	var refused *refusal
	if err != nil && (!errors.As(err, &refused) || refused.status == http.StatusTooManyRequests || !strings.Contains(refused.path, "/manifests/")) {
		return "", err
	}
	_, digest, err = c.manifest(ctx, at) // its answer has a body, which names the reason
	return digest, err
}

// The pauses between two looks for a tag that was just pushed.
const (
	firstLook = 250 * time.Millisecond
	lastLook  = 2 * time.Second
)

// WaitForTag returns when the tag exists, and asks for it as long as patience allows.
// It tells waiting how long it has waited so far before each further look. When time is
// up, the error says whether the tag or the whole repository is missing. Any other
// error than "not found" ends the wait at once.
func (c *Client) WaitForTag(ctx context.Context, ref image.Ref, patience time.Duration, waiting func(soFar time.Duration)) error {
	at, err := c.parseRef(ref)
	if err != nil {
		return err
	}
	start := time.Now()
	for next := firstLook; ; next = min(next*3/2, lastLook) {
		_, _, err := c.head(ctx, at)
		left := patience - time.Since(start)
		switch {
		case err == nil:
			return nil
		case !hasStatus(err, http.StatusNotFound) || left <= 0:
			return c.lastWord(ctx, ref, at, patience)
		}
		waiting(time.Since(start))
		if err := delay.For(ctx, min(next, left)); err != nil {
			return explain(ref.String(), err)
		}
	}
}

// lastWord asks once more with a GET, whose answer has a body that names the reason.
func (c *Client) lastWord(ctx context.Context, ref image.Ref, at name.Reference, waited time.Duration) error {
	_, _, err := c.manifest(ctx, at)
	if err == nil {
		return nil
	}
	err = explain(ref.String(), err)
	var missing *Error
	if errors.As(err, &missing) && errors.Is(err, ErrNotFound) && waited > 0 {
		told := *missing
		told.Why = "waited " + waited.String()
		return &told
	}
	return err
}
