package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/tagbump/tagbump/pkg/image"
)

// createdLabel is where builders write the time when the config has none
// (OCI image spec, annotations).
const createdLabel = "org.opencontainers.image.created"

// manifest is an image manifest or an index; the media type in the body counts
// before the header, since some registries serve everything as text/plain.
type manifest struct {
	MediaType   string            `json:"mediaType"`
	Config      *v1.Descriptor    `json:"config"`
	Layers      []v1.Descriptor   `json:"layers"`
	Manifests   []v1.Descriptor   `json:"manifests"`
	Annotations map[string]string `json:"annotations"`
	Schema      int               `json:"schemaVersion"`
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

// Inspect returns what the registry says of the image that ref names by its tag, or
// by its digest if it has one. The digest is that of the bytes which the registry
// sent. For an index, time and labels are those of its first image. A missing tag is
// [ErrNotFound]; a chart, a signature or a schema 1 manifest is [ErrNoImage].
func (c *Client) Inspect(ctx context.Context, ref image.Ref) (image.Info, error) {
	return c.InspectFor(ctx, ref, "")
}

// InspectFor is Inspect with the time and the labels of the given platform, where
// ref names an index that has it.
func (c *Client) InspectFor(ctx context.Context, ref image.Ref, platform string) (image.Info, error) {
	at, err := c.parseRef(ref)
	if err != nil {
		return image.Info{}, err
	}
	info, err := c.inspect(ctx, at, platform)
	if err != nil {
		return image.Info{}, explain(ref.String(), err)
	}
	return info, nil
}

func (c *Client) inspect(ctx context.Context, at name.Reference, platform string) (image.Info, error) {
	m, digest, err := c.manifest(ctx, at)
	if err != nil {
		return image.Info{}, err
	}
	info, err := c.read(ctx, at, m, platform)
	info.Digest = digest
	return info, err
}

// read gets what a manifest or index points at.
func (c *Client) read(ctx context.Context, at name.Reference, m manifest, platform string) (image.Info, error) {
	if m.Config != nil {
		return c.inspectImage(ctx, at.Context(), m)
	}
	return c.inspectIndex(ctx, at, m, platform)
}

// manifest gets and reads the manifest at a reference, and computes its digest.
func (c *Client) manifest(ctx context.Context, at name.Reference) (manifest, string, error) {
	got, err := c.puller.Get(ctx, at)
	if err != nil {
		return manifest{}, "", err
	}
	var m manifest
	if err := json.Unmarshal(got.Manifest, &m); err != nil {
		return manifest{}, "", noImage("its manifest is not JSON")
	}
	if m.MediaType == "" {
		m.MediaType = string(got.MediaType)
	}
	if err := checkManifest(m); err != nil {
		return manifest{}, "", err
	}
	return m, got.Digest.String(), nil
}

// checkManifest refuses what is neither an image nor an index.
func checkManifest(m manifest) error {
	switch mediaType := types.MediaType(m.MediaType); {
	case m.Schema == 1, mediaType == types.DockerManifestSchema1, mediaType == types.DockerManifestSchema1Signed:
		return noImage("its manifest is of schema 1, which registries gave up in 2019")
	case m.Config == nil && m.Manifests == nil:
		return noImage(fmt.Sprintf("a manifest of type %q, without config and without images", m.MediaType))
	case m.Config != nil && isArtefact(string(m.Config.MediaType)):
		return noImage(fmt.Sprintf("it holds %s", m.Config.MediaType))
	}
	return nil
}

// noImage is an Error that explain has to say the place of.
func noImage(why string) error {
	return &Error{What: "not a container image", Why: why, kind: ErrNoImage}
}

// inspectImage reads the config of a single image.
func (c *Client) inspectImage(ctx context.Context, repo name.Repository, m manifest) (image.Info, error) {
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

// inspectIndex lists the platforms of an index, and reads one of its images for the rest.
func (c *Client) inspectIndex(ctx context.Context, at name.Reference, index manifest, platform string) (image.Info, error) {
	children := runnable(index.Manifests)
	if len(children) == 0 {
		return image.Info{}, noImage("an index without images")
	}
	chosen := max(0, slices.IndexFunc(children, func(d v1.Descriptor) bool {
		return platform != "" && image.HasPlatform([]string{childPlatform(d)}, platform)
	}))
	info, err := c.inspectChild(ctx, at, children[chosen])
	if err != nil {
		return info, err
	}
	info.Platforms, err = c.childPlatforms(ctx, at, children, chosen, info.Platforms[0])
	if err != nil {
		return info, err
	}
	info.Labels = joinLabels(index.Annotations, info.Labels)
	if info.Created.IsZero() {
		info.Created = firstTime(index.Annotations[createdLabel])
	}
	return info, nil
}

// childPlatforms lists the platforms of an index. Where the index itself does not name
// one, which most tools then take for linux/amd64, the image's config is asked; that
// of the chosen child is known already.
func (c *Client) childPlatforms(ctx context.Context, at name.Reference, children []v1.Descriptor, chosen int, known string) ([]string, error) {
	var platforms []string
	for i, child := range children {
		platform := childPlatform(child)
		switch {
		case platform != "":
		case i == chosen:
			platform = known
		default:
			info, err := c.inspectChild(ctx, at, child)
			if err != nil {
				return nil, err
			}
			platform = info.Platforms[0]
		}
		platforms = append(platforms, platform)
	}
	return platforms, nil
}

func (c *Client) inspectChild(ctx context.Context, at name.Reference, child v1.Descriptor) (image.Info, error) {
	m, _, err := c.manifest(ctx, at.Context().Digest(child.Digest.String()))
	if err != nil {
		return image.Info{}, err
	}
	if m.Config == nil {
		return image.Info{}, noImage("an index of indexes")
	}
	return c.inspectImage(ctx, at.Context(), m)
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

// runnable returns the members of an index that are images: attestations, which
// BuildKit files under unknown/unknown, and the layers of its caches are left out.
func runnable(members []v1.Descriptor) []v1.Descriptor {
	return slices.DeleteFunc(slices.Clone(members), func(d v1.Descriptor) bool {
		isAttestation := d.Annotations["vnd.docker.reference.type"] != "" || d.Platform != nil && d.Platform.OS == "unknown"
		return isAttestation || d.MediaType != "" && !d.MediaType.IsImage() && !d.MediaType.IsIndex()
	})
}

func childPlatform(child v1.Descriptor) string {
	if child.Platform == nil {
		return ""
	}
	return platformName(child.Platform.OS, child.Platform.Architecture, child.Platform.Variant)
}

// config gets an image's config; the library checks its digest.
func (c *Client) config(ctx context.Context, repo name.Repository, digest v1.Hash) (config, error) {
	var cfg config
	at := repo.Digest(digest.String())
	blob, err := c.puller.Layer(ctx, at)
	if err != nil {
		return cfg, err
	}
	body, err := blob.Compressed() // as it is stored
	if err != nil {
		return cfg, err
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	if err != nil {
		return cfg, err
	}
	if err := json.Unmarshal(text, &cfg); err != nil {
		return cfg, noImage("its config is not JSON")
	}
	return cfg, nil
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
