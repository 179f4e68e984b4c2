package registry

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/internal/delay"
)

// Digest returns the digest that a tag points at. It asks with HEAD, which registries
// do not count as a pull, and believes the header; where a registry refuses HEAD or
// sends no digest, it gets the manifest.
func (c *Client) Digest(ctx context.Context, ref image.Ref) (string, error) {
	at, err := c.parseRef(ref)
	if err != nil {
		return "", err
	}
	digest, err := c.digest(ctx, at)
	if err != nil {
		return "", explain(ref.String(), err)
	}
	return digest, nil
}

func (c *Client) digest(ctx context.Context, at name.Reference) (string, error) {
	head, err := c.puller.Head(ctx, at)
	if err == nil && !strings.HasPrefix(string(head.MediaType), "text/html") {
		return head.Digest.String(), nil
	}
	if err != nil && !saysLittle(ctx, err) {
		return "", err
	}
	_, digest, err := c.manifest(ctx, at)
	return digest, err
}

// saysLittle reports whether a GET could do better than the HEAD that failed: it is
// refused, lacks the headers, or has no body that would name the reason.
func saysLittle(ctx context.Context, err error) bool {
	var failed *failure
	var answer *transport.Error
	switch {
	case ctx.Err() != nil, errors.As(err, &failed):
		return false
	case errors.As(err, &answer):
		return answer.StatusCode != http.StatusTooManyRequests && !fromTokenServer(answer)
	}
	return strings.Contains(err.Error(), "response did not include")
}

// fromTokenServer reports whether an answer came before the registry itself was asked.
func fromTokenServer(answer *transport.Error) bool {
	return answer.Request != nil && !strings.Contains(answer.Request.URL.Path, "/manifests/")
}

// The pauses between two looks for a tag that was just pushed.
const (
	firstLook = 250 * time.Millisecond
	lastLook  = 2 * time.Second
)

// WaitForTag returns when the tag is there, and asks for it as long as patience says.
// It tells waiting how long it has waited so far before each further look. When time is
// up, the error says whether the tag or the whole repository is missing. Anything but
// "not found" ends the wait at once.
func (c *Client) WaitForTag(ctx context.Context, ref image.Ref, patience time.Duration, waiting func(soFar time.Duration)) error {
	at, err := c.parseRef(ref)
	if err != nil {
		return err
	}
	start := time.Now()
	for next := firstLook; ; next = min(next*3/2, lastLook) {
		_, err := c.puller.Head(ctx, at)
		left := patience - time.Since(start)
		switch {
		case err == nil:
			return nil
		case !isNotFound(err) || left <= 0:
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
		missing.Why = "waited " + waited.String()
	}
	return err
}

func isNotFound(err error) bool {
	var answer *transport.Error
	return errors.As(err, &answer) && answer.StatusCode == http.StatusNotFound
}
