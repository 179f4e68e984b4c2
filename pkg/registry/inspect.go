package registry

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/tagbump/tagbump/pkg/image"
)

// createdLabel is where builders write the time when the config has none
// (OCI image spec, annotations).
const createdLabel = "org.opencontainers.image.created"

// Inspect returns what the registry says of the image that ref names by its tag, or
// by its digest if it has one. The digest is that of the bytes which the registry
// sent. For an index, time and labels are those of its first image. A missing tag is
// [ErrNotFound]; a chart, a signature or a schema 1 manifest is [ErrNoImage].
func (c *Client) Inspect(ctx context.Context, ref image.Ref) (image.Info, error) {
	return c.InspectFor(ctx, ref, nil)
}

// InspectFor is Inspect for those who want to run the image on the given platforms.
// Where ref names an index, time and labels are those of the first platform, and
// each platform's image is asked for, side by side: one that the index lists and the
// registry does not have is [ErrNotFound]. A platform that the index does not list
// is left to [image.CheckPlatforms].
func (c *Client) InspectFor(ctx context.Context, ref image.Ref, platforms []string) (image.Info, error) {
	at, err := c.parseRef(ref)
	if err != nil {
		return image.Info{}, err
	}
	m, digest, err := c.manifest(ctx, at)
	if err != nil {
		return image.Info{}, explain(ref.String(), err)
	}
	info, err := c.describe(ctx, at, m, platforms)
	if err != nil {
		return image.Info{}, explain(ref.String(), err)
	}
	info.Digest = digest
	return info, nil
}

// describe gets what a manifest or index points at.
func (c *Client) describe(ctx context.Context, at name.Reference, m manifest, platforms []string) (image.Info, error) {
	if m.Config != nil {
		return c.describeImage(ctx, at.Context(), m)
	}
	return c.describeIndex(ctx, at.Context(), m, platforms)
}

// describeImage reads the config of a single image.
func (c *Client) describeImage(ctx context.Context, repo name.Repository, m manifest) (image.Info, error) {
	cfg, err := c.config(ctx, repo, m.Config.Digest)
	if err != nil {
		return image.Info{}, err
	}
	platform := platformName(cfg.OS, cfg.Architecture, cfg.Variant)
	if platform == "" {
		return image.Info{}, noImage("its config names no platform")
	}
	return image.Info{
		Platforms: []string{platform},
		Created:   firstTime(cfg.Created, cfg.Config.Labels[createdLabel], m.Annotations[createdLabel]),
		Labels:    joinLabels(m.Annotations, cfg.Config.Labels),
	}, nil
}

// describeIndex lists the platforms of an index, and describes one of its images:
// that of the first wanted platform, else the first that the registry has.
func (c *Client) describeIndex(ctx context.Context, repo name.Repository, index manifest, platforms []string) (image.Info, error) {
	members, err := c.members(ctx, repo, index)
	if err != nil {
		return image.Info{}, err
	}
	wanted := wantedMembers(members, platforms)
	if err := c.checkMembers(ctx, repo, wanted[min(1, len(wanted)):]); err != nil {
		return image.Info{}, err
	}
	var info image.Info
	for _, m := range append(wanted[:min(1, len(wanted))], members...) {
		info, err = c.describeMember(ctx, repo, m)
		if err == nil || len(wanted) > 0 || !errors.Is(err, ErrNotFound) {
			break
		}
	}
	if err != nil {
		return image.Info{}, err
	}
	info.Platforms = nil
	for _, m := range members {
		info.Platforms = append(info.Platforms, m.platform)
	}
	info.Labels = joinLabels(index.Annotations, info.Labels)
	if info.Created.IsZero() {
		info.Created = firstTime(index.Annotations[createdLabel])
	}
	return info, nil
}

// A member is an image in an index.
type member struct {
	digest   string
	platform string
}

// maxUnnamed bounds how many members of an index are looked into for their platform.
// Builders name it; an index of thousands without is made to keep us busy.
const maxUnnamed = 64

// members lists the images of an index. Where the index names no platform, which
// most tools then take for linux/amd64, the image's config is asked.
func (c *Client) members(ctx context.Context, repo name.Repository, index manifest) ([]member, error) {
	var members []member
	var unnamed []string
	for _, d := range runnable(index.Manifests) {
		m := member{digest: d.Digest.String()}
		if d.Platform != nil {
			m.platform = platformName(d.Platform.OS, d.Platform.Architecture, d.Platform.Variant)
		}
		if m.platform == "" {
			unnamed = append(unnamed, m.digest)
		}
		members = append(members, m)
	}
	if len(unnamed) > maxUnnamed {
		return nil, noImage(fmt.Sprintf("an index of %d images without a platform", len(unnamed)))
	}
	found, err := forEach(ctx, unnamed, func(ctx context.Context, digest string) (string, error) {
		info, err := c.describeMember(ctx, repo, member{digest: digest})
		if err != nil {
			return "", ignore(err, ErrNoImage) // something else that was put into the index
		}
		return info.Platforms[0], nil
	})
	if err != nil {
		return nil, itemCause(err)
	}
	for i, m := range members {
		if m.platform == "" {
			members[i].platform = found[m.digest]
		}
	}
	members = slices.DeleteFunc(members, func(m member) bool { return m.platform == "" })
	if len(members) == 0 {
		return nil, noImage("an index without images")
	}
	return members, nil
}

// ignore returns nil if err is of the given kind, else err.
func ignore(err, kind error) error {
	if errors.Is(err, kind) {
		return nil
	}
	return err
}

// wantedMembers returns the members of the given platforms, one for each that the index has.
func wantedMembers(members []member, platforms []string) []member {
	var wanted []member
	for _, platform := range platforms {
		i := slices.IndexFunc(members, func(m member) bool { return image.HasPlatform([]string{m.platform}, platform) })
		if i >= 0 && !slices.Contains(wanted, members[i]) {
			wanted = append(wanted, members[i])
		}
	}
	return wanted
}

// checkMembers asks with HEAD, which costs no pull, whether the registry has members.
func (c *Client) checkMembers(ctx context.Context, repo name.Repository, members []member) error {
	platforms := map[string]string{}
	var digests []string
	for _, m := range members {
		platforms[m.digest] = m.platform
		digests = append(digests, m.digest)
	}
	_, err := forEach(ctx, digests, func(ctx context.Context, digest string) (struct{}, error) {
		_, _, err := c.head(ctx, repo.Digest(digest))
		if hasStatus(err, http.StatusMethodNotAllowed) {
			_, _, err = c.manifest(ctx, repo.Digest(digest))
		}
		return struct{}{}, memberError(err, member{digest, platforms[digest]})
	})
	return itemCause(err)
}

func (c *Client) describeMember(ctx context.Context, repo name.Repository, m member) (image.Info, error) {
	child, _, err := c.manifest(ctx, repo.Digest(m.digest))
	if err != nil {
		return image.Info{}, memberError(err, m)
	}
	if child.Config == nil {
		return image.Info{}, noImage("an index of indexes")
	}
	info, err := c.describeImage(ctx, repo, child)
	return info, memberError(err, m)
}

// memberError says which image of an index is missing. "No such tag" would be false:
// a clean-up of untagged images has deleted it, and the tag is still there.
func memberError(err error, m member) error {
	if !hasStatus(err, http.StatusNotFound) {
		return err
	}
	what := "an image of its index is missing in the registry"
	if m.platform != "" {
		what = "the image for " + m.platform + " is missing in the registry"
	}
	return &Error{
		What: what, Why: m.digest, kind: ErrNotFound, cause: err,
		hint: "a clean-up of untagged images may have deleted it; push the image again",
	}
}

// joinLabels returns labels, and annotations where labels have nothing: some
// builders write the commit only there.
func joinLabels(annotations, labels map[string]string) map[string]string {
	if len(annotations) == 0 {
		return labels
	}
	joined := maps.Clone(annotations)
	maps.Copy(joined, labels)
	return joined
}

// runnable returns the members of an index that can be images. It leaves out
// attestations, which BuildKit files under unknown/unknown, artifacts such as SBOMs
// (OCI 1.1, artifactType), and the layers of build caches.
func runnable(members []v1.Descriptor) []v1.Descriptor {
	return slices.DeleteFunc(slices.Clone(members), func(d v1.Descriptor) bool {
		isAttestation := d.Annotations["vnd.docker.reference.type"] != "" || d.Platform != nil && d.Platform.OS == "unknown"
		isOther := d.MediaType != "" && !d.MediaType.IsImage() && !d.MediaType.IsIndex()
		return isAttestation || isOther || d.ArtifactType != "" && !isImageConfig(d.ArtifactType)
	})
}

// platformName writes a platform as people do; "" if os or architecture is missing.
func platformName(os, architecture, variant string) string {
	if os == "" || architecture == "" {
		return ""
	}
	return strings.TrimSuffix(os+"/"+architecture+"/"+variant, "/")
}

// firstTime returns the first of texts that is a time an image can have been
// made at, or the zero time.
func firstTime(texts ...string) time.Time {
	for _, text := range texts {
		if created, ok := image.ParseCreated(text); ok {
			return created
		}
	}
	return time.Time{}
}
