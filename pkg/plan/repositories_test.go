package plan

import (
	"reflect"
	"testing"
	"testing/fstest"

	"github.com/tagbump/tagbump/pkg/files"
)

func TestRepositories(t *testing.T) {
	fsys := fstest.MapFS{
		"web/Chart.yaml":                 {Data: []byte("name: web\n")},
		"web/values.yaml":                {Data: []byte("image:\n  repository: acme/web\n  tag: \"\"\nsidecar:\n  image: docker.io/acme/web\n")},
		"web/values-prod.yaml":           {Data: []byte("image:\n  tag: 1.0\n")},
		"web/templates/deploy.yaml":      {Data: []byte("image: {{ .Values.image.repository }}:{{ .Values.image.tag }}\n")},
		"app/a.yaml":                     {Data: []byte("image: ghcr.io/acme/app:1\n---\nimage: ghcr.io/acme/app:2\n")},
		"app/broken.yaml":                {Data: []byte("image: acme/broken:1\n  - : {")},
		".circleci/config.yml":           {Data: []byte("docker:\n- image: cimg/base:2026.02\n")},
		"overlays/eu/kustomization.yaml": {Data: []byte("images:\n- name: acme/job\n  newTag: v1\n")},
	}
	x, err := Scan(fsys, ScanOptions{Whole: true})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := x.Repositories(FindOptions{}), []string{"acme/job", "acme/web", "ghcr.io/acme/app"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := x.Repositories(FindOptions{Files: files.MustSelect("app/**", ".circleci/*")}), []string{"cimg/base", "ghcr.io/acme/app"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
