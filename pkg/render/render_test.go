package render

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/image"
)

// shop is a repository with charts that depend on each other, kustomizations and
// plain manifests.
var shop = map[string]string{
	"charts/cart/Chart.yaml":                "apiVersion: v2\nname: cart\nversion: 1.0.0\n",
	"charts/cart/values.yaml":               "image: {repository: ghcr.io/acme/cart, tag: \"1.0\"}\n",
	"charts/cart/values-live.yaml":          "image: {tag: \"0.9\"}\n",
	"charts/cart/values-stage.yaml":         "replicas: 2\n",
	"charts/cart/envs/eu.yaml":              "replicas: 3\n",
	"charts/cart/ci/test-values.yaml":       "replicas: 1\n",
	"charts/cart/templates/deployment.yaml": "kind: Deployment\nimage: {{ .Values.image.repository }}:{{ .Values.image.tag }}\n",
	"charts/cart/templates/secret.yaml":     "kind: Secret\nstringData:\n  password: for-{{ .Values.image.tag }}\n",
	"umbrella/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\ndependencies:\n" +
		"  - {name: cart, alias: basket, version: 1.0.0, repository: \"file://../charts/cart\"}\n" +
		"  - {name: redis, version: 1.0.0, repository: \"https://charts.example.com\"}\n",
	"umbrella/values.yaml":                  "basket: {image: {tag: \"1.1\"}}\n",
	"umbrella/values-live.yaml":             "basket: {image: {tag: \"1.0\"}}\n",
	"apps/base/kustomization.yaml":          "resources: [web.yaml]\n",
	"apps/base/web.yaml":                    "kind: Deployment\nspec:\n  image: acme/web:3\n",
	"apps/live/kustomization.yaml":          "resources: [../base]\nimages:\n  - {name: acme/web, newTag: \"2\"}\n",
	"apps/stage/kustomization.yaml":         "resources: [../base, \"https://example.com/crds.yaml\"]\n",
	"plain/job.yaml":                        "# was acme/job:1\nkind: Job\nspec:\n  image: acme/job:1@sha256:" + strings.Repeat("a", 64) + "\n",
	"envs/live/cart.yaml":                   "image: {tag: \"0.9\"}\n",
	"broken/Chart.yaml":                     "apiVersion: v2\nname: broken\nversion: 1.0.0\n",
	"broken/values.yaml":                    "image: acme/broken:1\n",
	"broken/templates/deployment.yaml":      "image: {{ .Values.nothing.here }}\n",
	"plain/values-that-are-no-manifest.yml": "a: 1\n",
}

func tree(texts map[string]string) fs.FS {
	fsys := fstest.MapFS{}
	for name, text := range texts {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

// change is a repository before and after old becomes new in a file.
func change(t *testing.T, file, old, changed string) (before, after fs.FS) {
	t.Helper()
	text := strings.Replace(shop[file], old, changed, 1)
	if text == shop[file] {
		t.Fatalf("%s: has no %q", file, old)
	}
	before = tree(shop)
	return before, With(before, map[string][]byte{file: []byte(text)})
}

func want(repository, old, changed string) []Want {
	return []Want{{New: image.Ref{Repository: repository, Tag: changed}, Old: image.Ref{Repository: repository, Tag: old}}}
}

func names(units []Unit) []string {
	var all []string
	for _, u := range units {
		all = append(all, u.Name)
	}
	return all
}

func fakes(t *testing.T) Options {
	t.Helper()
	return Options{Helm: fake(t, "helm"), Kustomize: fake(t, "kustomize")}
}

func TestCheck(t *testing.T) {
	opts := fakes(t)
	for _, test := range []struct {
		name, file, old, changed string
		wants                    []Want
		units                    []string
		err                      string
	}{
		{
			"the values of a chart, with each overlay and each user", "charts/cart/values.yaml", "1.0", "1.2", want("ghcr.io/acme/cart", "1.0", "1.2"),
			[]string{"charts/cart", "charts/cart with envs/eu.yaml", "charts/cart with values-live.yaml", "charts/cart with values-stage.yaml", "umbrella", "umbrella with values-live.yaml"},
			"umbrella with values-live.yaml: still has ghcr.io/acme/cart:1.0: the change does not reach the manifests",
		},
		{
			"an overlay", "charts/cart/values-live.yaml", "0.9", "1.2", want("ghcr.io/acme/cart", "0.9", "1.2"),
			[]string{"charts/cart with values-live.yaml"},
			"",
		},
		{
			"an overlay that sets no tag", "charts/cart/values-stage.yaml", "2", "3", want("ghcr.io/acme/cart", "1.0", "1.2"),
			[]string{"charts/cart with values-stage.yaml"},
			"ghcr.io/acme/cart:1.2: is in none of the manifests of charts/cart with values-stage.yaml: the change does not reach the manifests",
		},
		{
			"an umbrella", "umbrella/values-live.yaml", "1.0", "1.2", want("ghcr.io/acme/cart", "1.0", "1.2"),
			[]string{"umbrella with values-live.yaml"},
			"",
		},
		{
			"a template", "charts/cart/templates/deployment.yaml", "{{ .Values.image.tag }}", "7", want("ghcr.io/acme/cart", "1.0", "7"),
			[]string{"charts/cart", "charts/cart with envs/eu.yaml", "charts/cart with values-live.yaml", "charts/cart with values-stage.yaml", "umbrella", "umbrella with values-live.yaml"},
			"",
		},
		{
			"a kustomize overlay", "apps/live/kustomization.yaml", "\"2\"", "\"4\"", want("acme/web", "2", "4"),
			[]string{"apps/live"},
			"",
		},
		{
			"a kustomize base", "apps/base/web.yaml", "web:3", "web:4", want("docker.io/acme/web", "3", "4"),
			[]string{"apps/base", "apps/live", "apps/stage"},
			"",
		},
		{
			"a plain manifest with a digest", "plain/job.yaml", ":1@sha256:" + strings.Repeat("a", 64), ":2@sha256:" + strings.Repeat("b", 64),
			[]Want{{New: image.Ref{Repository: "acme/job", Tag: "2", Digest: "sha256:" + strings.Repeat("b", 64)}, Old: image.Ref{Repository: "acme/job", Tag: "1"}}},
			[]string{"plain/job.yaml"},
			"",
		},
		{
			"a new digest that is not there", "plain/job.yaml", "acme/job:1@", "acme/job:2@",
			[]Want{{New: image.Ref{Repository: "acme/job", Tag: "2", Digest: "sha256:" + strings.Repeat("b", 64)}}},
			[]string{"plain/job.yaml"},
			"is in none of the manifests of plain/job.yaml",
		},
		{
			"values outside of a chart", "envs/live/cart.yaml", "0.9", "1.2", want("ghcr.io/acme/cart", "0.9", "1.2"),
			nil, "envs/live/cart.yaml: neither a chart nor a kustomization above it renders it",
		},
		{
			"no manifest", "plain/values-that-are-no-manifest.yml", "1", "2", want("acme/job", "1", "2"),
			nil, "neither a chart nor a kustomization above it renders it",
		},
		{
			"a chart that does not render", "broken/values.yaml", "broken:1", "broken:2", want("acme/broken", "1", "2"),
			[]string{"broken"},
			"broken: does not render: helm: template: deployment.yaml:1:",
		},
		{
			"a change that breaks the chart", "charts/cart/values-live.yaml", "{tag: \"0.9\"}", "null", want("ghcr.io/acme/cart", "0.9", "1.2"),
			nil, "charts/cart with values-live.yaml: does not render any more: helm: ",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			before, after := change(t, test.file, test.old, test.changed)
			units, err := Check(t.Context(), before, after, []string{test.file}, test.wants, opts)
			if got := names(units); !reflect.DeepEqual(got, test.units) {
				t.Errorf("units %q, want %q", got, test.units)
			}
			if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err) || !errors.Is(err, ErrNotRendered) || !errors.Is(err, fault.Guard)) {
				t.Errorf("%v, want %q", err, test.err)
			}
		})
	}
}

// The diff is of manifests, notes say what was left out, and secrets are hidden.
func TestUnits(t *testing.T) {
	before, after := change(t, "umbrella/values-live.yaml", "1.0", "1.2")
	units, err := Check(t.Context(), before, after, []string{"umbrella/values-live.yaml"}, want("ghcr.io/acme/cart", "1.0", "1.2"), fakes(t))
	if err != nil {
		t.Fatal(err)
	}
	want := []Unit{{
		Name: "umbrella with values-live.yaml",
		Diff: `diff --git "a/umbrella with values-live.yaml" "b/umbrella with values-live.yaml"
--- "a/umbrella with values-live.yaml"
+++ "b/umbrella with values-live.yaml"
@@ -1,6 +1,6 @@
 ---
 kind: Deployment
-image: ghcr.io/acme/cart:1.0
+image: ghcr.io/acme/cart:1.2
 ---
 kind: Secret
 stringData:
`,
		Notes: []string{"umbrella: the dependency redis (https://charts.example.com) is left out: it is not in the repository"},
	}}
	if strings.Contains(units[0].Diff, "for-1.") {
		t.Errorf("a Secret's value is shown:\n%s", units[0].Diff)
	}
	want[0].Diff = units[0].Diff
	if !reflect.DeepEqual(units, want) || !strings.Contains(units[0].Diff, "-image: ghcr.io/acme/cart:1.0\n+image: ghcr.io/acme/cart:1.2\n") {
		t.Errorf("%+v, want %+v", units, want)
	}
}

func TestHas(t *testing.T) {
	digest := "sha256:" + strings.Repeat("0", 64)
	manifests := `
image: docker.io/acme/web:1.2
args: ["--image=quay.io/acme/tool:v3", "mirror.example:5000/acme/api:7"]
annotation: '{"image":"ghcr.io/acme/json:5"}'
pinned: acme/pinned@` + digest + `
both: acme/both:1@` + digest + `
  # image: acme/comment:1
port: 8080:80
`
	for text, found := range map[string]bool{
		"acme/web:1.2": true, "acme/web:1": false, "acme/web:1.21": false, "quay.io/acme/web:1.2": false, "web:1.2": false,
		"quay.io/acme/tool:v3": true, "acme/api:7": true, "other.example/acme/api:7": false, "ghcr.io/acme/json:5": true,
		"acme/pinned@" + digest: true, "acme/both:1": true, "acme/both:1@" + digest: true, "acme/both:1@sha256:" + strings.Repeat("1", 64): false,
		"acme/comment:1": false,
	} {
		if got := has(manifests, image.Split(text)); got != found {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestHideSecrets(t *testing.T) {
	manifests := `kind: ConfigMap
data:
  key: shown
---
kind: Secret
metadata:
  name: a
data:
  one: c2VjcmV0
  two: |
    c2VjcmV0
    c2VjcmV0
type: Opaque
---
apiVersion: v1
kind: "Secret"
stringData: {three: secret}
---
kind: Secret
stringData:
    four: "secret"
`
	want := `kind: ConfigMap
data:
  key: shown
---
kind: Secret
metadata:
  name: a
data:
  one: (hidden)
  two: (hidden)
type: Opaque
---
apiVersion: v1
kind: "Secret"
stringData: (hidden)
---
kind: Secret
stringData:
    four: (hidden)
`
	if got := string(hideSecrets(manifests)); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// Programs see nothing of the user's, and cannot reach a network.
func TestProgramsRunInAnEmptyEnvironment(t *testing.T) {
	t.Setenv("TAGBUMP_TOKEN", "s3cret")
	t.Setenv("HELM_REPOSITORY_CONFIG", "/home/ada/.config/helm/repositories.yaml")
	t.Setenv("KUBECONFIG", "/home/ada/.kube/config")
	r := &runner{Options{Helm: fake(t, "env")}, t.TempDir(), 0}
	out, err := r.helm(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out, "s3cret") || strings.Contains(out, "/home/ada") || !strings.Contains(out, "HTTPS_PROXY=http://127.0.0.1:9") {
		t.Errorf("%s", out)
	}
	for line := range strings.SplitSeq(out, "\n") {
		if name, value, _ := strings.Cut(line, "="); strings.HasPrefix(name, "HELM_") && name != "HELM_NO_PLUGINS" && !strings.HasPrefix(value, r.dir) {
			t.Errorf("%s is outside of the temporary folder", line)
		}
	}
}

func TestProgramsAreBounded(t *testing.T) {
	for name, want := range map[string]string{
		"chatter": "chatter: prints more than 32 MiB",
		"sleeper": "sleeper: took longer than 200ms",
	} {
		r := &runner{Options{Helm: fake(t, name), Timeout: 200 * time.Millisecond}, t.TempDir(), 0}
		if name == "chatter" {
			r.opts.Timeout = time.Minute
		}
		start := time.Now()
		if _, err := r.helm(t.Context()); err == nil || err.Error() != want {
			t.Errorf("%v, want %q", err, want)
		}
		if time.Since(start) > 30*time.Second {
			t.Errorf("%s was stopped after %s", name, time.Since(start))
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	before, after := change(t, "charts/cart/values-live.yaml", "0.9", "1.2")
	if _, err := Check(ctx, before, after, []string{"charts/cart/values-live.yaml"}, nil, fakes(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestAMissingProgramIsNamed(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	before, after := change(t, "charts/cart/values-live.yaml", "0.9", "1.2")
	_, err := Check(t.Context(), before, after, []string{"charts/cart/values-live.yaml"}, nil, Options{})
	if !errors.Is(err, ErrNoProgram) || err.Error() != "helm: is not installed" || fault.HintOf(err) == "" {
		t.Errorf("%v", err)
	}
	before, after = change(t, "apps/live/kustomization.yaml", "\"2\"", "\"4\"")
	if _, err := Check(t.Context(), before, after, []string{"apps/live/kustomization.yaml"}, nil, Options{}); !errors.Is(err, ErrNoProgram) || !strings.HasPrefix(err.Error(), "kustomize: ") {
		t.Errorf("%v", err)
	}
}

func TestChartsInChartsAreBounded(t *testing.T) {
	fsys := tree(map[string]string{
		"a/Chart.yaml": "name: a\ndependencies: [{name: b, repository: \"file://../b\"}]\n",
		"b/Chart.yaml": "name: b\ndependencies: [{name: a, repository: \"file://../a\"}]\n",
	})
	if _, err := copyChart(fsys, "a", t.TempDir(), 0); err == nil || !strings.Contains(err.Error(), "depend on each other") {
		t.Errorf("%v", err)
	}
	if got := usersOf(fsys, "a"); !slices.Equal(got, []string{"b"}) {
		t.Errorf("%q", got)
	}
	outside := tree(map[string]string{"a/Chart.yaml": "name: a\ndependencies: [{name: b, repository: \"file://../../b\"}]\n"})
	notes, err := copyChart(outside, "a", t.TempDir(), 0)
	if err != nil || len(notes) != 1 {
		t.Errorf("a path out of the repository: %q, %v", notes, err)
	}
}

func TestVendoredDependenciesAreKept(t *testing.T) {
	fsys := tree(map[string]string{
		"a/Chart.yaml":                      "name: a\ndependencies:\n- {name: folder, repository: \"https://x\"}\n- {name: archive, repository: \"https://x\"}\n- {name: gone, repository: \"https://x\"}\n",
		"a/charts/folder/Chart.yaml":        "name: folder\ndependencies: [{name: deep, repository: \"oci://x\"}]\n",
		"a/charts/archive-1.0.0.tgz":        "x",
		"a/charts/folder/requirements.yaml": "dependencies: [{name: old, repository: \"https://y\"}]\n",
	})
	dest := t.TempDir()
	notes, err := copyChart(fsys, "a", dest, 0)
	want := []string{
		"a: the dependency gone (https://x) is left out: it is not in the repository",
		"a/charts/folder: the dependency deep (oci://x) is left out: it is not in the repository",
		"a/charts/folder: the dependency old (https://y) is left out: it is not in the repository",
	}
	if err != nil || !slices.Equal(notes, want) {
		t.Errorf("%q, %v, want %q", notes, err, want)
	}
	if text, _ := os.ReadFile(filepath.Join(dest, "Chart.yaml")); strings.Contains(string(text), "gone") || !strings.Contains(string(text), "archive") {
		t.Errorf("%s", text)
	}
}

// Gather follows what files name, and stops.
func TestGather(t *testing.T) {
	whole := tree(shop)
	for _, test := range []struct {
		changed string
		scope   Scope
		want    []string
		rounds  int
	}{
		{"umbrella/values-live.yaml", Around, []string{
			"charts/cart/Chart.yaml", "charts/cart/ci/test-values.yaml", "charts/cart/envs/eu.yaml", "charts/cart/templates/deployment.yaml", "charts/cart/templates/secret.yaml",
			"charts/cart/values-live.yaml", "charts/cart/values-stage.yaml", "charts/cart/values.yaml", "umbrella/Chart.yaml", "umbrella/values-live.yaml", "umbrella/values.yaml",
		}, 2},
		{"apps/live/kustomization.yaml", Around, []string{"apps/base/kustomization.yaml", "apps/base/web.yaml", "apps/live/kustomization.yaml"}, 3},
		{"plain/job.yaml", Around, []string{"plain/job.yaml"}, 1},
		{"apps/base/web.yaml", Everywhere, []string{
			"apps/base/kustomization.yaml", "apps/base/web.yaml", "apps/live/kustomization.yaml", "apps/stage/kustomization.yaml",
			"broken/Chart.yaml", "charts/cart/Chart.yaml", "umbrella/Chart.yaml",
		}, 2},
	} {
		rounds := 0
		read := func(_ context.Context, globs []string) (fs.FS, error) {
			rounds++
			selection, err := files.MustSelect(test.changed).WithContext(globs...)
			if err != nil {
				return nil, err
			}
			part := fstest.MapFS{}
			for name, text := range shop {
				if selection.Includes(name) {
					part[name] = &fstest.MapFile{Data: []byte(text)}
				}
			}
			return part, nil
		}
		got, err := Gather(t.Context(), read, []string{test.changed}, test.scope)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		_ = fs.WalkDir(got, ".", func(name string, entry fs.DirEntry, _ error) error {
			if !entry.IsDir() {
				all = append(all, name)
			}
			return nil
		})
		if !slices.Equal(all, test.want) || rounds > test.rounds {
			t.Errorf("%s: %d rounds, %q, want %q", test.changed, rounds, all, test.want)
		}
		if test.scope == Everywhere {
			continue
		}
		// What was gathered renders as the whole repository does.
		opts := fakes(t)
		part, errPart := Check(t.Context(), got, got, []string{test.changed}, nil, opts)
		full, errFull := Check(t.Context(), whole, whole, []string{test.changed}, nil, opts)
		if !reflect.DeepEqual(part, full) || (errPart == nil) != (errFull == nil) {
			t.Errorf("%s: %+v, %v, want %+v, %v", test.changed, part, errPart, full, errFull)
		}
	}
	failing := errors.New("no")
	if _, err := Gather(t.Context(), func(context.Context, []string) (fs.FS, error) { return nil, failing }, []string{"a.yaml"}, Around); !errors.Is(err, failing) {
		t.Errorf("%v", err)
	}
}

// With the real programs, where they are installed.
func TestRealPrograms(t *testing.T) {
	for _, test := range []struct {
		program, file, old, changed string
		wants                       []Want
	}{
		{"helm", "umbrella/values-live.yaml", "1.0", "1.2", want("ghcr.io/acme/cart", "1.0", "1.2")},
		{"kubectl", "apps/live/kustomization.yaml", "\"2\"", "\"4\"", want("acme/web", "2", "4")},
	} {
		t.Run(test.program, func(t *testing.T) {
			if _, err := exec.LookPath(test.program); err != nil {
				t.Skip(test.program + " is not installed")
			}
			texts := map[string]string{}
			for name, text := range shop {
				texts[name] = strings.NewReplacer(
					"kind: Deployment\nimage: ", "apiVersion: v1\nkind: Pod\nmetadata: {name: cart}\nspec:\n  containers:\n  - name: cart\n    image: ",
					"kind: Deployment\nspec:\n  image: ", "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - name: web\n    image: ",
					"kind: Secret\n", "apiVersion: v1\nkind: Secret\nmetadata: {name: cart}\n",
				).Replace(text)
			}
			before := tree(texts)
			after := With(before, map[string][]byte{test.file: []byte(strings.Replace(texts[test.file], test.old, test.changed, 1))})
			units, err := Check(t.Context(), before, after, []string{test.file}, test.wants, Options{})
			if err != nil {
				t.Fatal(err)
			}
			line := fmt.Sprintf("image: %s", test.wants[0].New)
			if len(units) != 1 || !strings.Contains(units[0].Diff, "+") || !strings.Contains(units[0].Diff, line) {
				t.Errorf("%+v", units)
			}
		})
	}
}
