package files_test

import (
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/files"
)

func TestKindOf(t *testing.T) {
	for kind, names := range map[files.Kind]string{
		files.Deploys: `
			deployment.yaml
			apps/web/deployment.yaml
			charts/shop/templates/deployment.yaml
			charts/shop/values-test.yaml
			charts/shop/values.ci.yaml
			kubernetes/apps/media/plex/app/helmrelease.yaml
			clusters/test/web.yaml
			test/web/values.yaml
			envs/ci/values.yaml
			envs/ci/web-values.yaml
			overlays/e2e/kustomization.yaml
			environments/tests/web.yaml
			apps/docs/deployment.yaml
			charts/archive/values.yaml
			services/samples/k8s.yaml
			github/runner/values.yaml
			drone/drone.values.yaml
			contest/values.yaml
			golden/values.yaml
			vendor/nginx/deployment.yaml
			.argocd-source-shop.yaml
			apps/shop/.argocd-source-shop-live.yaml
			.argocd/apps/shop.yaml
			.k8s/web.yml
			.deploy/live/values.yaml
			.env.production
			dockerhub/compose-ui/values.yaml
			compose/web.yaml
			apps/example.yaml
			apps/sample-api.yaml
			charts/sampler/values-sampler.yaml
			charts/shop/values-examples-api.yaml
			Kustomization`,
		files.CI: `
			.github/workflows/release.yml
			.github/actions/build/action.yml
			.circleci/config.yml
			.circleci/continue/deploy.yml
			.gitlab-ci.yml
			ci/build.gitlab-ci.yml
			.gitlab/ci/build.yml
			.forgejo/workflows/x.yaml
			.woodpecker/build.yaml
			.tekton/push.yaml
			.travis.yml
			.drone.yml
			.prow.yaml
			cloudbuild.yaml
			deploy/cloudbuild-release.yaml
			azure-pipelines.yml
			build/azure-pipelines-nightly.yml
			bitbucket-pipelines.yml
			buildspec.yml
			ci/pipeline.yml
			.ci/pod.yaml
			.my-ci/pod.yaml
			ct.yaml`,
		files.Test: `
			tests/web/pod.yaml
			charts/shop/templates/tests/test-connection.yaml
			charts/shop/ci/ingress-values.yaml
			charts/shop/ci/values.yaml
			charts/shop/tests/deployment_test.yaml
			pkg/loader/testdata/deployment.yaml
			src/test/resources/pod.yaml
			test/e2e/manifests/web.yaml
			test/fixtures/web.yaml
			e2e/kind/web.yaml
			operator/.chainsaw-test/create/install.yaml
			.fixtures/web/deployment.yaml
			__tests__/web.yaml
			helm-tests/web.yaml
			suite/chainsaw-test.yaml
			suite/01-assert.yaml
			Tests/Web.yaml`,
		files.Docs: `
			docs/install/quick-start.yaml
			doc/pod.yaml
			charts/shop/examples/values-ha.yaml
			operator/config/samples/web.yaml
			scaffold/chart/values.yaml
			charts/shop/values.example.yaml
			charts/shop/values-sample.yaml
			charts/shop/sample-values-celery.yaml
			charts/shop/example.values.yml
			web/deployment.sample.yaml
			web/terraform.example.tfvars`,
		files.Compose: `
			docker-compose.yml
			docker-compose.override.yaml
			compose.yaml
			dev/compose.dev.yml
			hosts/nas/docker-compose-media.yml
			podman-compose.yaml`,
		files.Archive: `
			archive/web/deployment.yaml
			_archive/web.yaml
			trashbox/web/values.yaml
			.trash/web.yaml
			zz-archived/web.yaml
			clusters-deprecated/web.yaml
			apps/media/disabled/plex.yaml
			web.old.yaml
			apps/web/values.bak.yaml`,
		files.Vendored: `
			web/node_modules/express/pod.yaml
			vendor/github.com/acme/lib/deploy.yaml`,
		files.Hidden: `
			.tagbump.yaml
			.sops.yaml
			apps/.pre-commit-config.yaml
			.devcontainer/pod.yaml
			.vscode/x.yaml
			.argocd.yaml`,
	} {
		for _, name := range strings.Fields(names) {
			if got := files.KindOf(name); got != kind {
				t.Errorf("%s: %s, want %s", name, got, kind)
			}
		}
	}
}

// A person who names a folder means the files in it.
func TestAGlobThatSpellsAFolderMeansIt(t *testing.T) {
	for _, test := range []struct {
		globs []string
		name  string
		want  files.Kind
	}{
		{nil, "ci/web.yaml", files.CI},
		{[]string{"**/*.yaml"}, "ci/web.yaml", files.CI},
		{[]string{"ci/**"}, "ci/web.yaml", files.Deploys},
		{[]string{"ci/**"}, "ci/docs/web.yaml", files.Docs},
		{[]string{"**/*.yaml", "ci/*.yaml"}, "ci/web.yaml", files.Deploys},
		{[]string{"ci/*.yaml", "**/*.yaml"}, "ci/web.yaml", files.Deploys},
		{[]string{"apps/**", "ci/*.yaml"}, "apps/web/tests/web.yaml", files.Test},
		{[]string{".github/workflows/*.yml"}, ".github/workflows/deploy.yml", files.Deploys},
		{[]string{"docker-compose.yml"}, "docker-compose.yml", files.Deploys},
		{[]string{"*.yml"}, "docker-compose.yml", files.Compose},
		{[]string{"apps/**"}, "apps/web.yaml", files.Deploys},
	} {
		if got := files.MustSelect(test.globs...).Kind(test.name); got != test.want {
			t.Errorf("%q: %s: %s, want %s", test.globs, test.name, got, test.want)
		}
	}
}
