package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// nobody is the user that the program runs as in the image.
const nobody = 65532

// writeImage writes the image for all Linux platforms as an OCI layout below
// image/, and its digest to image-digest.txt. Push it with skopeo copy --all.
func (r release) writeImage(programs []program) error {
	certs, err := os.ReadFile(r.certs)
	if err != nil {
		return err
	}
	base, err := r.layer([]file{
		{name: "etc/passwd", mode: 0o644, data: []byte("nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n")},
		{name: "etc/ssl/certs/ca-certificates.crt", mode: 0o644, data: certs},
		{name: "home/nonroot/", mode: 0o755, owner: nobody},
		{name: "tmp/", mode: 0o1777},
	})
	if err != nil {
		return err
	}
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, p := range programs {
		if p.os != "linux" {
			continue
		}
		image, err := r.image(p, base)
		if err != nil {
			return err
		}
		platform := &v1.Platform{OS: p.os, Architecture: p.arch}
		if p.arm != "" {
			platform.Variant = "v" + p.arm
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: platform}})
	}
	path, err := layout.Write(filepath.Join(r.out, "image"), empty.Index)
	if err != nil {
		return err
	}
	if err := path.AppendIndex(index, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": "v" + r.version})); err != nil {
		return err
	}
	digest, err := index.Digest()
	if err != nil {
		return err
	}
	return r.write("image-digest.txt", []byte(digest.String()+"\n"))
}

func (r release) image(p program, base v1.Layer) (v1.Image, error) {
	own, err := r.layer([]file{{name: "usr/bin/tagbump", mode: 0o755, data: p.data}})
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	config := &v1.ConfigFile{
		OS: p.os, Architecture: p.arch, Created: v1.Time{Time: r.time},
		Config: v1.Config{
			Entrypoint: []string{"/usr/bin/tagbump"}, User: fmt.Sprintf("%d:%d", nobody, nobody), WorkingDir: "/home/nonroot",
			Env: []string{"PATH=/usr/bin", "HOME=/home/nonroot", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"},
			Labels: map[string]string{
				"org.opencontainers.image.title": "tagbump", "org.opencontainers.image.description": summary,
				"org.opencontainers.image.source": homepage, "org.opencontainers.image.licenses": "Apache-2.0",
				"org.opencontainers.image.version": r.version,
			},
		},
	}
	if p.arm != "" {
		config.Variant = "v" + p.arm
	}
	image, err = mutate.ConfigFile(image, config)
	if err != nil {
		return nil, err
	}
	when := v1.Time{Time: r.time}
	return mutate.Append(
		image,
		mutate.Addendum{Layer: base, History: v1.History{Created: when, CreatedBy: "certificates and the user"}},
		mutate.Addendum{Layer: own, History: v1.History{Created: when, CreatedBy: "tagbump " + r.version}},
	)
}

// layer makes a layer that is compressed once.
func (r release) layer(files []file) (v1.Layer, error) {
	packed := gzipped(tarOf(files, r.time))
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(packed)), nil
	}, tarball.WithMediaType(types.OCILayer))
}
