package bump

import (
	"context"
	"fmt"
	"testing"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/image"
)

// mirrors is several registries that tell the digests of images by their references.
type mirrors struct {
	tags
	digests map[string]string
}

func (m mirrors) InspectFor(_ context.Context, ref image.Ref, _ []string) (image.Info, error) {
	digest, found := m.digests[ref.String()]
	if !found {
		return image.Info{}, fmt.Errorf("%s: no such tag: %w", ref, fault.NotFound)
	}
	return image.Info{Digest: digest, Platforms: []string{"linux/arm64"}}, nil
}

func TestAPromotionAcrossRegistriesIsOfTheSameImage(t *testing.T) {
	const build, mirror, short = "build.acme.example/web", "mirror.acme.example/web", "acme/web"
	for _, test := range []struct {
		name, to string // the name that production has
		digests  map[string]string
		want     string // an error
	}{
		{"the same image", mirror, map[string]string{build + ":1.2": "sha256:1", mirror + ":1.2": "sha256:1"}, ""},
		{"another image", mirror, map[string]string{build + ":1.2": "sha256:1", mirror + ":1.2": "sha256:2"}, "production/web.yaml:1: " + mirror + ":1.2 is sha256:2, and " + build + ":1.2 is sha256:1, which is another image"},
		{"no image", mirror, map[string]string{build + ":1.2": "sha256:1"}, "production/web.yaml:1: " + mirror + ":1.2: no such tag: not found"},
		{"a name of no registry", short, map[string]string{build + ":1.2": "sha256:1"}, ""},
	} {
		repo := newRepo(map[string]string{"staging/web.yaml": "image: " + build + ":1.2\n", "production/web.yaml": "image: " + test.to + ":1.0\n"})
		req := Request{
			Images: []Image{{Repository: build, As: []string{mirror, short}, Source: FromEnvironment{Name: "staging", Files: files.MustSelect("staging/*")}}},
			Files:  files.MustSelect("production/*"), To: "production", Publish: Save, OnStale: Allow,
		}
		_, err := Runner{Registry: mirrors{digests: test.digests}, Repo: repo}.Run(context.Background(), req)
		switch {
		case test.want == "" && (err != nil || len(repo.saves) != 1):
			t.Errorf("%s: %v, %d saves", test.name, err, len(repo.saves))
		case test.want != "" && (err == nil || err.Error() != test.want || len(repo.saves) != 0 || fault.KindOf(err) != fault.NotFound):
			t.Errorf("%s: %v, %d saves, want %s", test.name, err, len(repo.saves), test.want)
		}
	}
}
