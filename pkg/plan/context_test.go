package plan

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tagbump/tagbump/pkg/files"
)

// TestContext lists the first round: what may be beside and above the wanted files.
func TestContext(t *testing.T) {
	for globs, want := range map[string][]string{
		"":                             nil,
		"values-prod.yaml":             {"."},
		"apps/*/values-prod.yaml":      {".", "apps", "apps/*"},
		"envs/**/web.yaml":             {".", "envs", "envs/**"},
		"apps/{web/a,api/b}.yaml":      {".", "apps"},
		"apps/web/a.yaml apps/b/*.yml": {".", "apps", "apps/b", "apps/web"},
	} {
		var expected []string
		for _, dir := range want {
			for _, base := range contextFiles {
				expected = append(expected, strings.TrimPrefix(dir+"/"+base, "./"))
			}
		}
		if got := Context(strings.Fields(globs)); !slices.Equal(got, expected) {
			t.Errorf("%s: %q\nwant %q", globs, got, expected)
		}
	}
}

// TestNeeds lists the second round: what the files of the first one name.
func TestNeeds(t *testing.T) {
	open := "image: {tag: 1.0.0}\n"
	for name, test := range map[string]struct {
		tree   map[string]string
		wanted string
		want   string
	}{
		"no open tag": {
			tree:   map[string]string{"shop/Chart.yaml": "dependencies: [{name: cart, repository: 'file://../cart'}]\n", "shop/values-eu.yaml": "replicas: 1\n"},
			wanted: "shop/values-eu.yaml",
		},
		"dependencies": {
			tree: map[string]string{
				"shop/Chart.yaml":     "dependencies:\n- {name: cart, alias: basket, repository: 'file://../cart'}\n- {name: queue, repository: ''}\n- {name: other, repository: 'https://charts.example.com'}\n",
				"shop/values-eu.yaml": "basket: {" + strings.TrimSpace(open) + "}\n",
			},
			wanted: "shop/values-eu.yaml",
			want:   "cart/Chart.yaml cart/values.yaml shop/charts/other/Chart.yaml shop/charts/other/values.yaml shop/charts/queue/Chart.yaml shop/charts/queue/values.yaml",
		},
		"helmfile": {
			tree: map[string]string{
				"helmfile.yaml": "releases:\n- chart: ./charts/cart\n  values: [common.yaml, 'env/{{ .Environment.Name }}.yaml']\n- chart: stable/redis\n",
				"env/eu.yaml":   open,
			},
			wanted: "env/*.yaml",
			want:   "charts/cart/Chart.yaml charts/cart/values.yaml common.yaml",
		},
		"kustomization": {
			tree: map[string]string{
				"eu/kustomization.yaml": "resources: [../base, ../other/web.yaml, 'https://example.com/x.yaml', 'github.com/a/b?ref=1']\npatches: [{path: patch.yaml}]\n",
				"eu/patch.yaml":         "kind: HelmRelease\nspec: {values: {" + strings.TrimSpace(open) + "}}\n",
			},
			wanted: "eu/patch.yaml",
			want:   "base/*.yaml base/*.yml other/web.yaml",
		},
		"an Application": {
			tree: map[string]string{
				"apps/eu.yaml": "kind: Application\nspec:\n  source:\n    path: charts/cart\n    helm:\n      valueFiles: [eu.yaml, ../../../outside.yaml]\n      parameters: [{name: image.tag, value: 1.0.0}]\n",
			},
			wanted: "apps/eu.yaml",
			want:   "charts/cart/Chart.yaml charts/cart/eu.yaml charts/cart/values.yaml",
		},
		"a HelmRelease": {
			tree: map[string]string{
				"eu.yaml": "kind: HelmRelease\nspec:\n  chart: {spec: {chart: ./charts/cart, valuesFiles: [charts/cart/eu.yaml]}}\n  values: {" + strings.TrimSpace(open) + "}\n",
			},
			wanted: "eu.yaml",
			want:   "charts/cart/Chart.yaml charts/cart/eu.yaml charts/cart/values.yaml",
		},
		"all is there": {
			tree: map[string]string{
				"cart/Chart.yaml": "name: cart\n", "cart/values.yaml": "image: {repository: shop/cart}\n", "cart/values-eu.yaml": open,
			},
			wanted: "cart/values-eu.yaml",
		},
	} {
		tree := fstest.MapFS{}
		for file, text := range test.tree {
			tree[file] = &fstest.MapFile{Data: []byte(text)}
		}
		x, err := Scan(tree, ScanOptions{})
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(x.Needs(FindOptions{Files: files.MustSelect(test.wanted)}), " ")
		if got != test.want {
			t.Errorf("%s: %s\nwant %s", name, got, test.want)
		}
	}
}
