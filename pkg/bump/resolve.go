package bump

import (
	"context"
	"fmt"
	"time"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// Resolve finds the tag that img should have and what it points at: the
// explicit tag if there is one, else the policy's choice among all tags. The
// registry must have it, for every platform asked for.
func (r Runner) Resolve(ctx context.Context, img Image) (ImageReport, error) {
	resolved := ImageReport{Repository: img.Repository, Tag: img.Tag, Digest: img.Digest, Source: SourceTag}
	if img.Tag == "" {
		tags, err := r.Registry.Tags(ctx, img.Repository)
		if err != nil {
			return resolved, err
		}
		if resolved.Tag, err = r.choose(ctx, img, tags); err != nil {
			return resolved, fmt.Errorf("%s: %w", img.Repository, err)
		}
		resolved.Source = SourcePolicy
	}
	if img.Unverified {
		return resolved, nil
	}
	return r.verified(ctx, img, resolved)
}

// choose picks one of tags. Only the order "newest" needs more than their
// names: the creation time of every candidate, for a partial answer could hide
// the newest.
func (r Runner) choose(ctx context.Context, img Image, tags []string) (string, error) {
	if !img.Policy.NeedsTimes() {
		return img.Policy.Choose(tags)
	}
	candidates := img.Policy.Candidates(tags)
	created := make(map[string]time.Time, len(candidates))
	for _, candidate := range candidates {
		info, err := r.Registry.Inspect(ctx, image.Ref{Repository: img.Repository, Tag: candidate.Tag})
		if err != nil {
			return "", err
		}
		created[candidate.Tag] = info.Created
	}
	newest, err := img.Policy.Newest(candidates, created)
	if err != nil {
		return "", err
	}
	return newest[0].Tag, nil
}

// verified looks the tag up and fills in what the registry says of it.
func (r Runner) verified(ctx context.Context, img Image, resolved ImageReport) (ImageReport, error) {
	info, err := r.Registry.Inspect(ctx, image.Ref{Repository: img.Repository, Tag: resolved.Tag})
	if err != nil {
		return resolved, err
	}
	if err := image.CheckPlatforms(info, img.Platforms); err != nil {
		return resolved, fmt.Errorf("%s:%s: %w", img.Repository, resolved.Tag, err)
	}
	if img.Digest != "" && img.Digest != info.Digest {
		return resolved, fmt.Errorf("%s:%s: the registry has %s, not %s: %w", img.Repository, resolved.Tag, info.Digest, img.Digest, ErrConflict)
	}
	resolved.Digest, resolved.Platforms, resolved.Created = info.Digest, info.Platforms, info.Created
	resolved.Revision = info.Labels["org.opencontainers.image.revision"]
	return resolved, nil
}

// deployed takes the images' tags from the files of req.From, and asks the
// registry whether they still exist.
func (r Runner) deployed(ctx context.Context, req Request, tree Tree) ([]ImageReport, error) {
	var all []ImageReport
	for _, img := range req.Images {
		targets, err := r.targets(req.From.Name, req.From.Files, yamledit.Path{}, img, tree)
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
		resolved := ImageReport{Repository: img.Repository, Tag: tag, Source: req.From.Name}
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
