package testenv

import (
	"fmt"
	"strings"
	"time"
)

// A store is where images are pushed to.
type store interface {
	PushBlob(repository string, body []byte) (digest string, err error)
	PushManifest(repository, reference, mediaType string, body []byte) error
}

// push makes an image, files it under the given tags, and returns the digest.
func push(to store, repository string, img Image, tags []string) (digest string, err error) {
	if len(img.Platforms) == 0 {
		img.Platforms = []string{"linux/amd64"}
	}
	var members []descriptor
	for _, platform := range img.Platforms {
		member, err := pushOne(to, repository, platform, img)
		if err != nil {
			return "", err
		}
		members = append(members, member)
	}
	body, mediaType := members[0].body, members[0].MediaType
	if len(members) > 1 || img.Index {
		mediaType = ociIndex
		body = marshal(index{2, ociIndex, members})
	}
	digest = digestOf(body)
	for _, name := range append([]string{digest}, tags...) {
		if err := to.PushManifest(repository, name, mediaType, body); err != nil {
			return "", err
		}
	}
	return digest, nil
}

const (
	ociManifest = "application/vnd.oci.image.manifest.v1+json"
	ociConfig   = "application/vnd.oci.image.config.v1+json"
	ociIndex    = "application/vnd.oci.image.index.v1+json"
)

type descriptor struct {
	MediaType string            `json:"mediaType"`
	Digest    string            `json:"digest"`
	Size      int               `json:"size"`
	Platform  map[string]string `json:"platform,omitempty"`

	body []byte
}

type manifest struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Config        descriptor   `json:"config"`
	Layers        []descriptor `json:"layers"`
}

type index struct {
	SchemaVersion int          `json:"schemaVersion"`
	MediaType     string       `json:"mediaType"`
	Manifests     []descriptor `json:"manifests"`
}

// pushOne files the image for one platform by its digest.
func pushOne(to store, repository, platform string, img Image) (descriptor, error) {
	parts := strings.Split(platform, "/")
	if len(parts) < 2 {
		return descriptor{}, fmt.Errorf("testenv: platform %q: not os/arch", platform)
	}
	where := map[string]string{"os": parts[0], "architecture": parts[1]}
	if len(parts) > 2 {
		where["variant"] = parts[2]
	}
	config := map[string]any{"rootfs": map[string]any{"type": "layers"}, "config": map[string]any{"Labels": img.Labels}}
	for key, value := range where {
		config[key] = value
	}
	if !img.Created.IsZero() {
		config["created"] = img.Created.UTC().Format(time.RFC3339Nano)
	}
	text := marshal(config)
	digest, err := to.PushBlob(repository, text)
	if err != nil {
		return descriptor{}, err
	}
	body := marshal(manifest{2, ociManifest, descriptor{MediaType: ociConfig, Digest: digest, Size: len(text)}, []descriptor{}})
	member := descriptor{MediaType: ociManifest, Digest: digestOf(body), Size: len(body), Platform: where, body: body}
	return member, to.PushManifest(repository, member.Digest, ociManifest, body)
}
