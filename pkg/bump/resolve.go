package bump

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/policy"
)

// Registry answers what images there are. Each of its answers is whole or an error.
type Registry interface {
	// TagsWithPrefix returns all tags that begin with prefix, and maybe others.
	TagsWithPrefix(ctx context.Context, repository, prefix string) ([]string, error)
	// InspectFor returns what ref names; time and labels are those of the platform, if there is one.
	InspectFor(ctx context.Context, ref image.Ref, platform string) (image.Info, error)
	// Times returns when each tag's image was created, without tags that are no images.
	Times(ctx context.Context, repository string, tags []string) (map[string]time.Time, error)
	// First returns the first of tags whose image fits.
	First(ctx context.Context, repository string, tags []string, fits func(image.Info) bool) (tag string, found bool, err error)
	// WaitForTag returns when the tag is there, or an error when patience is at an end.
	WaitForTag(ctx context.Context, ref image.Ref, patience time.Duration, waiting func(soFar time.Duration)) error
}

// revisionLabel names the source commit of an image (OCI image spec, annotations).
const revisionLabel = "org.opencontainers.image.revision"

// Resolve finds the tag that img should have and what it points at: the
// explicit tag if there is one, else that of the wanted revision, else the policy's
// choice among all tags. The registry must have it, for every platform asked for.
//
// A look-up that fails ends in an error, never in the next best tag.
func (r Runner) Resolve(ctx context.Context, img Image) (Resolved, error) {
	resolved := Resolved{Repository: img.Repository, Tag: img.Tag, Digest: img.Digest, Source: SourceTag}
	var err error
	switch {
	case img.Unverified:
		return resolved, nil
	case img.Tag != "":
		err = r.await(ctx, img)
	case img.Revision != "":
		resolved.Source = SourceRevision
		resolved.Tag, resolved.Choice, err = r.chooseByRevision(ctx, img)
	default:
		resolved.Source = SourcePolicy
		resolved.Tag, resolved.Choice, err = r.chooseByPolicy(ctx, img)
	}
	if err != nil {
		return resolved, err
	}
	return r.verified(ctx, img, resolved)
}

// await waits for an explicit tag, if it is to be waited for.
func (r Runner) await(ctx context.Context, img Image) error {
	if img.Wait <= 0 {
		return nil
	}
	ref := image.Ref{Repository: img.Repository, Tag: img.Tag}
	return r.Registry.WaitForTag(ctx, ref, img.Wait, r.progress(ref.String(), img.Wait))
}

// progress tells now and then that something is still waited for.
func (r Runner) progress(what string, patience time.Duration) func(soFar time.Duration) {
	const often = 10 * time.Second
	var next time.Duration
	return func(soFar time.Duration) {
		if soFar >= next {
			r.log("%s: not there yet, waiting (%s of %s)", what, soFar.Round(time.Second), patience)
			next += often
		}
	}
}

// verified looks the tag up and fills in what the registry says of it.
func (r Runner) verified(ctx context.Context, img Image, resolved Resolved) (Resolved, error) {
	where := image.Ref{Repository: img.Repository, Tag: resolved.Tag}
	info, err := r.Registry.InspectFor(ctx, where, img.platform())
	if err != nil {
		return resolved, err
	}
	if err := image.CheckPlatforms(info, img.Platforms); err != nil {
		return resolved, fmt.Errorf("%s: %w", where, err)
	}
	if img.Digest != "" && img.Digest != info.Digest {
		return resolved, fmt.Errorf("%s: the registry has %s, not %s: %w", where, info.Digest, img.Digest, ErrConflict)
	}
	resolved.Digest, resolved.Platforms, resolved.Created = info.Digest, info.Platforms, info.Created
	resolved.Revision = info.Labels[revisionLabel]
	if img.Revision != "" && !sameRevision(resolved.Revision, img.Revision) {
		return resolved, revisionError{where, resolved.Revision, img.Revision}
	}
	return resolved, nil
}

// platform is the one whose time and labels count: the first that is asked for.
func (img Image) platform() string {
	if len(img.Platforms) == 0 {
		return ""
	}
	return img.Platforms[0]
}

// shortRevision is the shortest that a commit may be abbreviated to.
const shortRevision = 7

// sameRevision compares commits, either of which may be abbreviated.
func sameRevision(a, b string) bool {
	a, b = strings.ToLower(a), strings.ToLower(b)
	if min(len(a), len(b)) < shortRevision {
		return a == b
	}
	return strings.HasPrefix(a, b) || strings.HasPrefix(b, a)
}

// revisionError says that an image was built from another commit.
type revisionError struct {
	ref         image.Ref
	has, wanted string
}

func (e revisionError) Error() string {
	if e.has == "" {
		return fmt.Sprintf("%s: does not say which commit it was built from (wanted %s)", e.ref, e.wanted)
	}
	return fmt.Sprintf("%s: built from commit %s, not %s", e.ref, e.has, e.wanted)
}

func (e revisionError) Unwrap() error { return policy.ErrNoMatch }

// Hint says where the commit has to be written.
func (e revisionError) Hint() string {
	return "the build has to set the label, as in docker build --label " + revisionLabel + "=$CIRCLE_SHA1"
}

// A cache remembers the answers of InspectFor for one run, so that planning again
// after a lost race costs no request.
type cache struct {
	Registry
	mu    sync.Mutex
	infos map[lookup]image.Info
}

type lookup struct {
	ref      image.Ref
	platform string
}

func (c *cache) InspectFor(ctx context.Context, ref image.Ref, platform string) (image.Info, error) {
	c.mu.Lock()
	info, known := c.infos[lookup{ref, platform}]
	c.mu.Unlock()
	if known {
		return info, nil
	}
	info, err := c.Registry.InspectFor(ctx, ref, platform)
	if err != nil {
		return info, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.infos == nil {
		c.infos = make(map[lookup]image.Info)
	}
	c.infos[lookup{ref, platform}] = info
	return info, nil
}

// deployed takes the images' tags from the files of req.From, and asks the
// registry whether they still exist.
func (r Runner) deployed(ctx context.Context, req Request, tree Tree) ([]Resolved, error) {
	var all []Resolved
	for _, img := range req.Images {
		targets, err := r.targets(req.From.Name, req.From.Files, keypath.Path{}, img, tree)
		if err != nil {
			return nil, err
		}
		if len(targets) == 0 {
			r.log("%s: not in %s, passed over", img.Repository, req.From.Name)
			continue
		}
		tag, err := oneTag(req.From.Name, img.Repository, targets)
		if err != nil {
			return nil, err
		}
		resolved := Resolved{Repository: img.Repository, Tag: tag, Source: req.From.Name}
		if !img.Unverified {
			if resolved, err = r.verified(ctx, img, resolved); err != nil {
				return nil, err
			}
		}
		all = append(all, resolved)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("none of the images is in the files%s: %w", of(req.From.Name), plan.ErrNoTarget)
	}
	return all, nil
}

// oneTag refuses an environment that has two tags of one image: which of them
// is meant, only a person knows.
func oneTag(environment, repository string, targets []plan.Target) (string, error) {
	first := targets[0]
	for _, target := range targets {
		if target.Current.Tag == "" {
			return "", fmt.Errorf("%s:%d: %s has no tag: %w", target.File, target.Line, repository, plan.ErrNoTarget)
		}
		if target.Current.Tag != first.Current.Tag {
			return "", fmt.Errorf("%s: %s has two tags: %s (%s:%d) and %s (%s:%d): %w", environment, repository,
				first.Current.Tag, first.File, first.Line, target.Current.Tag, target.File, target.Line, ErrConflict)
		}
	}
	return first.Current.Tag, nil
}
