package main

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// oracleText has the shapes that the oracle knows, and texts that are no images.
const oracleText = `apiVersion: apps/v1
kind: Deployment
spec:
  containers:
    - name: web
      image: ghcr.io/acme/web:1.2.3  # ours
    - image: "redis:7-alpine"
      name: cache
    - name: pinned
      image: acme/pinned:1@sha256:0123
    - name: templated
      image: "{{ .Values.image }}:1"
      # image: acme/old:1
image:
  registry: quay.io
  # its own repository
  repository: acme/api
  pullPolicy: Always

  tag: "2.0"
sidecar: {repository: acme/side, tag: v3}
chart:
  repository: acme/chart
  version: 1.0.0
worker:
  workerImage: acme/worker
  workerTag: v9
empty:
  image: {repository: acme/empty, tag: ""}
images:
- name: placeholder
  newName: acme/named
  newTag: v4
- name: acme/plain
  newTag: v5
from:
  kind: DockerImage
  name: acme/stream:v6
args: ["--image=acme/arg:v7"]
helper:
  image: acme/helper
  version: 8.1.0
`

func TestOracle(t *testing.T) {
	got := list(imagesOf([]file{newFile("apps/web.yaml", oracleText)}))
	want := `acme/helper 42:8.1.0
acme/named 33:v4
acme/pinned 10:1+digest
acme/plain 35:v5
acme/side 21:v3
acme/stream 38:v6
acme/worker 27:v9
ghcr.io/acme/web 6:1.2.3
quay.io/acme/api 20:2.0
redis 7:7-alpine
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// list prints the places that a person would change.
func list(images []Image) string {
	var b strings.Builder
	for _, img := range images {
		for _, p := range img.Places {
			if p.Kind != Deploys {
				continue
			}
			fmt.Fprintf(&b, "%s %d:%s", img.Name, p.Line, p.Tag)
			if p.Digest {
				b.WriteString("+digest")
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

func TestOracleKnowsWhatDeploys(t *testing.T) {
	const text = "image: docker.io/acme/web:1\n"
	for name, want := range map[string]Kind{
		"apps/web.yaml": Deploys, ".github/workflows/web.yml": Aside, "web/tests/web.yaml": Aside,
		"docs/web.yaml": Aside, "docker-compose.prod.yml": Aside, ".gitlab-ci.yml": Aside, "contest/web.yaml": Deploys, "overlays/test/web.yaml": Deploys,
	} {
		other := newFile("prod/web.yaml", text)
		images := imagesOf([]file{newFile(name, text), other})
		if got := images[0].Places[0].Kind; got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		if alone := imagesOf([]file{newFile(name, text)}); alone[0].Places[0].Kind != Deploys {
			t.Errorf("%s: nothing else has the image, so it is meant", name)
		}
	}
	sealed := newFile("secrets.yaml", text+"sops:\n  mac: x\n\nsops:\n")
	if got := imagesOf([]file{sealed})[0].Places[0].Kind; got != Sealed {
		t.Errorf("a file that SOPS signs: %s", got)
	}
}

func TestJudge(t *testing.T) {
	img := Image{"acme/web", []Place{
		{"prod.yaml", 3, "tag: v1", "v1", Deploys, false},
		{".github/ci.yaml", 7, "image: acme/web:v1", "v1", Aside, false},
		{"notes.yaml", 1, "see acme/web:v1", "v1", Optional, false},
	}}
	right := map[string]string{"prod.yaml:3": "tag: v2"}
	with := func(at, before, after string) Run {
		changed, old := maps.Clone(right), map[string]string{at: before}
		changed[at] = after
		return Run{Tag: "v2", Changed: changed, Before: old}
	}
	for name, test := range map[string]struct {
		run  Run
		want Verdict
	}{
		"just the place":             {Run{Tag: "v2", Changed: right}, Exact},
		"a mention, too":             {with("notes.yaml:1", "see acme/web:v1", "see acme/web:v2"), Exact},
		"a bare name, too":           {with("job.yaml:2", "image: acme/web", "image: acme/web:v2"), Filled},
		"a digest, too":              {with("base.yaml:2", "digest: sha256:0123", "digest: "+newDigest), Exact},
		"an empty tag, too":          {with("base.yaml:2", `tag: ""`, "tag: v2"), Filled},
		"a tag alone, too":           {with("base.yaml:2", `  tag: "v1"`, `  tag: "v2"`), Attached},
		"a tag put in, too":          {with("base.yaml:2", "", "  tag: v2"), Filled},
		"CI, too":                    {with(".github/ci.yaml:7", "image: acme/web:v1", "image: acme/web:v2"), Extra},
		"another image":              {with("base.yaml:2", "image: acme/api:v1", "image: acme/api:v2"), Wrong},
		"a wrong text":               {Run{Tag: "v2", Changed: map[string]string{"prod.yaml:3": "tag: v3"}}, Wrong},
		"nothing":                    {Run{Tag: "v2"}, Missed},
		"not found":                  {Run{Tag: "v2", Exit: 5, Message: "acme/web: not found in 3 files"}, Missed},
		"refused at the place":       {Run{Tag: "v2", Exit: 1, Message: "prod.yaml: line 3: has an anchor"}, Refused},
		"stopped by another file":    {Run{Tag: "v2", Exit: 1, Message: "other.yaml: cannot be parsed"}, Stopped},
		"refused, but with a change": {Run{Tag: "v2", Exit: 1, Changed: right}, Wrong},
	} {
		if got := judge(img, test.run); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
	img.Places[0].Digest = true
	if got := judge(img, Run{Tag: "v2", Exit: 1, Message: "prod.yaml: line 3: is pinned by digest"}); got != Digest {
		t.Errorf("a digest: %s", got)
	}
}

func TestChangedLines(t *testing.T) {
	before, after := changedLines(`diff --git a/x.yaml b/x.yaml
--- a/x.yaml
+++ b/x.yaml
@@ -2 +2 @@ image:
-  tag: v1
+  tag: v2
@@ -7,2 +7,3 @@ other:
-a
-b
+c
+d
+e
`)
	if want := map[string]string{"x.yaml:2": "  tag: v2", "x.yaml:7": "c", "x.yaml:8": "d", "x.yaml:9": "e"}; !reflect.DeepEqual(after, want) {
		t.Errorf("after: %v", after)
	}
	if want := map[string]string{"x.yaml:2": "  tag: v1", "x.yaml:7": "a", "x.yaml:8": "b"}; !reflect.DeepEqual(before, want) {
		t.Errorf("before: %v", before)
	}
}

func TestSpreadTakesFromAllParts(t *testing.T) {
	images := make([]Image, 100)
	for i := range images {
		images[i].Name = fmt.Sprintf("%02d", i)
	}
	var got []string
	for _, img := range spread(images, 4) {
		got = append(got, img.Name)
	}
	if !slices.Equal(got, []string{"00", "25", "50", "75"}) {
		t.Errorf("got %v", got)
	}
}
