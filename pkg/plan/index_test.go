package plan

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/textedit"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// TestParsesOncePerPlan promotes 20 images between two files. Each of them is
// parsed once for all searches and the plan; a file that names none, never.
func TestParsesOncePerPlan(t *testing.T) {
	const images = 20
	var staging, production strings.Builder
	for i := range images {
		fmt.Fprintf(&staging, "app%d:\n  image:\n    repository: ghcr.io/acme/app%d\n    tag: 2.%d.0\n", i, i, i)
		fmt.Fprintf(&production, "app%d:\n  image:\n    repository: ghcr.io/acme/app%d\n    tag: 1.%d.0\n", i, i, i)
	}
	tree := fstest.MapFS{
		"staging/values.yaml":    {Data: []byte(staging.String())},
		"production/values.yaml": {Data: []byte(production.String())},
		"production/ns.yaml":     {Data: []byte("kind: Namespace\n")},
	}
	x, err := Scan(tree, ScanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var parses atomic.Int64
	x.parse = func(name string, src []byte) (*yamledit.Text, error) {
		parses.Add(1)
		return textedit.Open(name, src)
	}
	in := func(folder string) FindOptions {
		return FindOptions{Files: files.MustSelect(folder + "/*.yaml")}
	}
	var wants []Want
	for i := range images {
		repository := fmt.Sprintf("ghcr.io/acme/app%d", i)
		from, err := x.Find(repository, in("staging"))
		if err != nil {
			t.Fatal(err)
		}
		to, err := x.Find(repository, in("production"))
		if err != nil {
			t.Fatal(err)
		}
		wants = append(wants, wantsOf(to.Targets, image.Ref{Repository: repository, Tag: from.Targets[0].Current.Tag})...)
	}
	made, err := x.Plan(wants)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(production.String(), "tag: 1.", "tag: 2.")
	if len(made.Files) != 1 || string(made.Files[0].After) != want {
		t.Errorf("%+v", made)
	}
	if parses.Load() != 2 {
		t.Errorf("parsed %d files; want 2", parses.Load())
	}
}

// TestImages lists what a repository deploys, without a name to look for.
func TestImages(t *testing.T) {
	x, err := Scan(fstest.MapFS{
		"web/values.yaml":      {Data: []byte("image:\n  registry: ghcr.io\n  repository: acme/web\n  tag: v1\nsidecar:\n  image: envoyproxy/envoy:v1.30.1\n")},
		"web/templates/d.yaml": {Data: []byte("image: {{ .Values.image }}\n")},
		"broken.yaml":          {Data: []byte("image: [\n")},
	}, ScanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, found := range x.Images(FindOptions{}) {
		got = append(got, fmt.Sprintf("%s:%d %s %s:%s", found.Target.File, found.Target.Line, found.Target.Path, found.Repository, found.Target.Current.Tag))
	}
	want := "web/values.yaml:4 image.tag ghcr.io/acme/web:v1\nweb/values.yaml:6 sidecar.image envoyproxy/envoy:v1.30.1"
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
}
