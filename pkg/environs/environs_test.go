package environs_test

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/tagbump/tagbump/pkg/environs"
)

func TestDifferent(t *testing.T) {
	for _, pair := range [][2]string{
		// value files of one folder
		{"charts/shop/values-live.yaml", "charts/shop/values-stage.yaml"},
		{"charts/shop/values-berlin.yaml", "charts/shop/values-oslo.yaml"},
		{"charts/shop/values-base.yaml", "charts/shop/values-oslo.yaml"}, // a site may be called base
		{"charts/shop/values.prod.yaml", "charts/shop/values.dev.yaml"},
		{"charts/shop/prod-values.yaml", "charts/shop/staging-values.yaml"},
		{"charts/shop/web-prod-values.yaml", "charts/shop/web-qa-values.yaml"},
		{"charts/shop/prod.values.yaml", "charts/shop/uat.values.yml"},
		{"charts/shop/values-oslo.yaml", "charts/shop/prod-values.yaml"},
		{"charts/shop/values-eu.yaml.gotmpl", "charts/shop/values-us.yaml.gotmpl"},
		{"charts/shop/values-test-runner.yaml", "charts/shop/values-live-runner.yaml"},
		// folders that collect environments
		{"clusters/alpha/web.yaml", "clusters/beta/web.yaml"},
		{"apps/web/overlays/north/kustomization.yaml", "apps/web/overlays/south/kustomization.yaml"},
		{"regions/eu/a/web.yaml", "regions/us/b/web.yaml"},
		{"envs/one/web.yaml", "envs/two/api.yaml"},
		{"environments/blue/web/values.yaml", "environments/green/web/values.yaml"},
		{"stages/first/web.yaml", "stages/second/web.yaml"},
		{"gitops/cluster-a1/web.yaml", "gitops/cluster-b2/web.yaml"},
		{"env-alpha/web.yaml", "env-beta/web.yaml"},
		{"Clusters/Alpha/web.yaml", "clusters/beta/web.yaml"},
		{"clusters/alpha/overlays/x/web.yaml", "clusters/alpha/overlays/y/web.yaml"},
		// words
		{"prod/web.yaml", "staging/web.yaml"},
		{"apps/prod.yaml", "apps/dev.yaml"},
		{"production/eu/web/values.yaml", "dev/web/values.yaml"},
		{"fleet/prod-eu/web.yaml", "fleet/dev-eu/web.yaml"},
		{"fleet/team-a-uat/x/web.yaml", "fleet/team-a-prd/y/web.yaml"},
		{"fleet/preprod/web.yaml", "fleet/prod/web.yaml"},
		{"fleet/pre-prod/web.yaml", "fleet/production/web.yaml"},
		{"fleet/non_production/x/web.yaml", "fleet/production/y/web.yaml"},
		{"web/test/values.yaml", "web/live/x/values.yaml"}, // whole names
		{"web-test/values.yaml", "web-live/values.yaml"},   // one part differs
		{"deploy/web.preview.yaml", "deploy/web.stg.yaml"},
		{"sandbox/web.yaml", "prod/web.yaml"},
		{"apps/team-a-uat/web.yaml", "apps/team-b-prd/web.yaml"},
		{"apps/prod-eu/web.yaml", "apps/dev-eu/web.yaml"},
		{"apps/prod/web.yaml", "apps/dev/api.yaml"},
		{"web/.env.production", "web/.env.development"},
		{"components/integration/development/a.yaml", "components/integration/production/a.yaml"},
		{"components/test/web.yaml", "components/live/web.yaml"}, // no environment below
		{"web/perf/values.yaml", "web/ithc/values.yaml"},
	} {
		if !environs.Different(pair[0], pair[1]) || !environs.Different(pair[1], pair[0]) {
			t.Errorf("%s and %s are not told apart", pair[0], pair[1])
		}
	}
}

func TestNotDifferent(t *testing.T) {
	for _, pair := range [][2]string{
		{"web.yaml", "web.yaml"},
		{"web.yaml", "api.yaml"},
		{"overlays/prod/overlays/eu/web.yaml", "overlays/prod/overlays/eu/web.yaml"},
		// shared files conflict with none
		{"charts/shop/values.yaml", "charts/shop/values-live.yaml"},
		{"charts/shop/values-common.yaml", "charts/shop/values-live.yaml"},
		{"charts/shop/values-shared.yaml", "charts/shop/values-live.yaml"},
		{"charts/shop/values-default.yaml", "charts/shop/values-live.yaml"},
		{"charts/shop/values-global.yaml", "charts/shop/values-live.yaml"},
		{"web/base/deployment.yaml", "web/overlays/live/kustomization.yaml"},
		{"clusters/base/web.yaml", "clusters/alpha/web.yaml"},
		{"clusters/common/web.yaml", "clusters/alpha/web.yaml"},
		{"overlays/shared/web.yaml", "overlays/live/web.yaml"},
		{"envs/default/web.yaml", "envs/eu/web.yaml"},
		{"env-common/web.yaml", "env-eu/web.yaml"},
		{"web/deployment.yaml", "prod/web.yaml"},
		// components, not environments
		{"charts/shop/values.worker.yaml", "charts/shop/values.api.yaml"},
		{"charts/shop/worker-values.yaml", "charts/shop/api-values.yaml"},
		{"charts/shop/worker.values.yaml", "charts/shop/api.values.yaml"},
		{"charts/shop/values.worker.yaml", "charts/shop/values-live.yaml"},
		{"charts/shop/values-live.yaml", "charts/cart/values-eu.yaml"}, // not one folder
		{"demo-app/web.yaml", "load-test/x/web.yaml"},
		{"smoke-test/x.yaml", "prod/web.yaml"},
		{"x-integration/web/y.yaml", "web-dev/y.yaml"},
		{"local-path-provisioner/a.yaml", "prod/a.yaml"},
		{"services/qa-dashboard/web.yaml", "services/prod-sync/web.yaml"}, // in front of a component's name
		{"services/demo-shop/web.yaml", "services/dev-tools/web.yaml"},
		{"k8s/live-chat/web.yaml", "k8s/stage-door/web.yaml"},
		{"k8s/preview-proxy/web.yaml", "k8s/test-bench/web.yaml"},
		{"contest/web.yaml", "devices/web.yaml"},
		{"components/integration/production/a.yaml", "components/release/production/b.yaml"},
		// words of one class, and words that lead both paths
		{"live.acme.com/dev/web.yaml", "live.acme.com/apps/web.yaml"},
		{"prod/eu/web.yaml", "production/us/web.yaml"},
		{"prod/eu/web.yaml", "prod/us/web.yaml"},
		{"staging/web.yaml", "stg-2/web.yaml"},
		{"sandbox/web.yaml", "sbox-2/web.yaml"},
		{"prod-stage/web.yaml", "stage/web.yaml"},
		{"prod/a/production-tools.yaml", "prod/b/tools.yaml"},
		// one side has a word and the other has none
		{"envs.yaml", "prod.yaml"},
		{"fleet/one/web.yaml", "fleet/prod/web.yaml"},
		// collections of two kinds say nothing about each other
		{"clusters/alpha/web.yaml", "overlays/beta/web.yaml"},
		{"clusters/alpha.yaml", "clusters/beta.yaml"},
	} {
		if environs.Different(pair[0], pair[1]) || environs.Different(pair[1], pair[0]) {
			t.Errorf("%s and %s are told apart", pair[0], pair[1])
		}
	}
}

func TestGroup(t *testing.T) {
	for _, test := range []struct {
		name  string
		files []string
		want  []environs.Environment
	}{
		{"nothing", nil, nil},
		{
			"one environment",
			[]string{"prod/eu/web.yaml", "prod/us/web.yaml", "base/web.yaml"},
			[]environs.Environment{{"", []string{"prod/eu/web.yaml", "prod/us/web.yaml", "base/web.yaml"}}},
		},
		{
			"overlays over a base",
			[]string{"web/base/deployment.yaml", "web/overlays/stage/kustomization.yaml", "web/overlays/live/kustomization.yaml", "web/overlays/live/cron.yaml"},
			[]environs.Environment{
				{"live", []string{"web/overlays/live/kustomization.yaml", "web/overlays/live/cron.yaml"}},
				{"stage", []string{"web/overlays/stage/kustomization.yaml"}},
				{"", []string{"web/base/deployment.yaml"}},
			},
		},
		{
			"value files of a chart",
			[]string{"charts/shop/values.yaml", "charts/shop/values-oslo.yaml", "charts/shop/values-berlin.yaml"},
			[]environs.Environment{
				{"berlin", []string{"charts/shop/values-berlin.yaml"}},
				{"oslo", []string{"charts/shop/values-oslo.yaml"}},
				{"", []string{"charts/shop/values.yaml"}},
			},
		},
		{
			"sites in clusters",
			[]string{"clusters/prod/shop/values-eu.yaml", "clusters/prod/shop/values-us.yaml", "clusters/stage/shop/values-eu.yaml"},
			[]environs.Environment{
				{"prod/eu", []string{"clusters/prod/shop/values-eu.yaml"}},
				{"prod/us", []string{"clusters/prod/shop/values-us.yaml"}},
				{"stage", []string{"clusters/stage/shop/values-eu.yaml"}},
			},
		},
		{
			"words",
			[]string{"fleet/dev-eu/web.yaml", "fleet/prod-eu/web.yaml", "fleet/prod-us/web.yaml"},
			[]environs.Environment{
				{"dev-eu", []string{"fleet/dev-eu/web.yaml"}},
				{"prod-eu", []string{"fleet/prod-eu/web.yaml"}},
				{"prod-us", []string{"fleet/prod-us/web.yaml"}},
			},
		},
		{
			"value files beside overlays, and two words for one environment",
			[]string{"charts/shop/values-production.yaml", "charts/shop/values-staging.yaml", "charts/shop/values.yaml", "apps/production/kustomization.yaml", "apps/staging/kustomization.yaml", "live/prod/job.yaml"},
			[]environs.Environment{
				{"live/prod", []string{"live/prod/job.yaml"}},
				{"production", []string{"charts/shop/values-production.yaml", "apps/production/kustomization.yaml"}},
				{"staging", []string{"charts/shop/values-staging.yaml", "apps/staging/kustomization.yaml"}},
				{"", []string{"charts/shop/values.yaml"}},
			},
		},
		{
			"a component that is called by a word",
			[]string{"components/integration/development/a.yaml", "components/integration/production/a.yaml", "components/release/development/b.yaml", "components/release/production/b.yaml"},
			[]environs.Environment{
				{"development", []string{"components/integration/development/a.yaml", "components/release/development/b.yaml"}},
				{"production", []string{"components/integration/production/a.yaml", "components/release/production/b.yaml"}},
			},
		},
		{
			"prod and production",
			[]string{"a/prod.yaml", "a/stage.yaml", "b/production.yaml", "b/stage.yaml", "c/production.yaml"},
			[]environs.Environment{
				{"production", []string{"a/prod.yaml", "b/production.yaml", "c/production.yaml"}},
				{"stage", []string{"a/stage.yaml", "b/stage.yaml"}},
			},
		},
	} {
		if got := environs.Group(test.files); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s:\n%v, want\n%v", test.name, got, test.want)
		}
	}
}

func TestSameWord(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"prod", "Production", true},
		{"eu", "EU", true},
		{"prod", "preprod", false},
		{"eu", "us", false},
		{"prod-eu", "production-eu", false},
	} {
		if got := environs.SameWord(test.a, test.b); got != test.want {
			t.Errorf("%s, %s: got %t", test.a, test.b, got)
		}
	}
}

func ExampleDifferent() {
	fmt.Println(environs.Different("apps/web/overlays/live/kustomization.yaml", "apps/web/overlays/stage/kustomization.yaml"))
	fmt.Println(environs.Different("apps/web/base/deployment.yaml", "apps/web/overlays/stage/kustomization.yaml"))
	// Output:
	// true
	// false
}

func ExampleGroup() {
	for _, e := range environs.Group([]string{"web/values.yaml", "web/values-live.yaml", "web/values-stage.yaml"}) {
		fmt.Printf("%q %s\n", e.Name, e.Files)
	}
	// Output:
	// "live" [web/values-live.yaml]
	// "stage" [web/values-stage.yaml]
	// "" [web/values.yaml]
}
