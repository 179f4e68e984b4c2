package argocd

import (
	"strings"
	"testing"
)

// One source has the chart, another one the values.
func TestMultiSource(t *testing.T) {
	s := newStory(t, chart)
	charts := newChartRepository(s)
	s.apply(appHead + `  sources:
  - repoURL: ` + charts + `
    path: chart
    targetRevision: main
    helm: {releaseName: web, valueFiles: [$values/chart/values-production.yaml]}
  - {repoURL: REPO, targetRevision: main, ref: values}
` + destination + automated)
	s.settle("NAME", tag0)
	s.want(s.tagbump("update", "IMAGE:master-202406151231", "--env", "production", "--wait", "5m"), 0, "NAME: done: ")
	s.wantLive("web", tag1)
}

// newChartRepository makes a second repository, with the story's chart alone.
func newChartRepository(s *story) (url string) {
	other := &story{T: s.T, name: s.name + "-charts", image: s.image}
	other.run("git", "init", "-q", "--bare", "--initial-branch=main", other.bare())
	other.run("git", "clone", "-q", world.git.url(other.name), other.checkout())
	other.commit("Add the chart", chart)
	return world.git.url(other.name)
}

// An ApplicationSet makes an application for each environment. Only that of the
// environment is waited for.
func TestApplicationSet(t *testing.T) {
	s := newStory(t, with(map[string]string{
		".tagbump.yaml": `environments:
  staging:
    files: [chart/values-staging.yaml]
  production:
    files: [chart/values-production.yaml]
    from: staging
`,
		"chart/values-staging.yaml": values,
	}))
	s.apply(`
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: NAME, namespace: argocd}
spec:
  goTemplate: true
  generators: [{list: {elements: [{env: staging}, {env: production}]}}]
  template:
    metadata: {name: 'NAME-{{.env}}'}
    spec:
      project: default
      source:
        repoURL: REPO
        path: chart
        targetRevision: main
        helm: {releaseName: 'web-{{.env}}', valueFiles: ['values-{{.env}}.yaml']}
      destination: {server: https://kubernetes.default.svc, namespace: NAME}
      syncPolicy: {automated: {prune: true, selfHeal: true}}
`)
	s.settle("NAME-staging", tag0)
	s.settle("NAME-production", tag0)
	r := s.tagbump("update", "IMAGE:master-202406151231", "--env", "staging", "--wait", "5m")
	s.want(r, 0, "NAME-staging: done: ")
	s.wantNot(r, "NAME-production")
	s.wantLive("web-staging", tag1)
	s.wantLive("web-production", tag0)
	s.want(s.tagbump("promote", "IMAGE", "--from", "staging", "--to", "production", "--wait", "5m"), 0, "NAME-production: done: ")
	s.wantLive("web-production", tag1)
}

// The tag is in the inline values of one child, and in the parameters of another. The
// parent is done before the children have begun.
func TestAppOfApps(t *testing.T) {
	child := func(name, helm string) string {
		return `apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: NAME-` + name + `, namespace: argocd}
spec:
  project: default
  source:
    repoURL: REPO-charts
    path: chart
    targetRevision: main
    helm:
      releaseName: ` + name + `
` + helm + destination + automated
	}
	s := newStory(t, map[string]string{
		".tagbump.yaml": "environments:\n  production:\n    files: [apps/*.yaml]\n",
		"apps/inline.yaml": child("inline", `      valuesObject:
        image:
          repository: IMAGE
          tag: master-202406151230
`),
		"apps/parameters.yaml": child("parameters", `      parameters:
        - {name: image.repository, value: IMAGE}
        - {name: image.tag, value: master-202406151230}
`),
	})
	charts := newChartRepository(s)
	for _, name := range []string{"inline", "parameters"} {
		file := "apps/" + name + ".yaml"
		s.commit("Name the charts", map[string]string{file: strings.ReplaceAll(s.file(file), world.git.url(s.name)+"-charts", charts)})
	}
	s.apply(appHead + "  source: {repoURL: REPO, path: apps, targetRevision: main}\n  destination: {server: https://kubernetes.default.svc, namespace: argocd}\n" + automated)
	s.settle("NAME-inline", tag0)
	s.settle("NAME-parameters", tag0)
	s.want(s.tagbump("update", "IMAGE:master-202406151231", "--env", "production", "--wait", "5m"), 0,
		"NAME: done: ", "NAME-inline: done: ", "NAME-parameters: done: ")
	s.wantLive("inline", tag1)
	s.wantLive("parameters", tag1)
	s.want(s.tagbump("update", "IMAGE:master-202406151232", "--env", "production", "--file", "apps/inline.yaml", "--wait", "5m"), 0, "NAME-inline: done: ")
	s.wantLive("inline", tag2)
	s.wantLive("parameters", tag1)
	// A child that does not get there.
	s.want(s.tagbump("update", "IMAGE:bad-202406151240", "--env", "production", "--file", "apps/inline.yaml", "--on-stale", "allow", "--wait", "5m"), 9, "NAME-inline: not deployed: ", "Back-off pulling image")
}

// A kustomization, which has no values files.
func TestKustomize(t *testing.T) {
	s := newStory(t, map[string]string{
		".tagbump.yaml": "environments:\n  production:\n    files: [overlay/kustomization.yaml]\n",
		"overlay/kustomization.yaml": `resources:
  - deployment.yaml
images:
  - name: IMAGE
    newTag: master-202406151230
`,
		"overlay/deployment.yaml": `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - {name: app, image: IMAGE}
`,
	})
	s.apply(appHead + "  source: {repoURL: REPO, path: overlay, targetRevision: main}\n" + destination + automated)
	s.settle("NAME", tag0)
	s.want(s.tagbump("update", "IMAGE:master-202406151231", "--env", "production", "--wait", "5m"), 0, "NAME: done: ")
	s.wantLive("web", tag1)
}

// A source hydrator renders the chart into a branch. Everything is green until then.
func TestHydrator(t *testing.T) {
	s := newStory(t, chart)
	s.apply(`
apiVersion: v1
kind: Secret
metadata:
  name: NAME-write
  namespace: argocd
  labels: {argocd.argoproj.io/secret-type: repository-write}
stringData: {url: REPO, type: git, username: x, password: x}
` + appHead + `  sourceHydrator:
    drySource:
      repoURL: REPO
      path: chart
      targetRevision: main
      helm: {releaseName: web, valueFiles: [values-production.yaml]}
    syncSource: {targetBranch: env/production, path: hydrated}
` + destination + automated)
	s.settle("NAME", tag0)
	s.want(s.tagbump("update", "IMAGE:master-202406151231", "--env", "production", "--wait", "5m"), 0, "NAME: done: ")
	s.wantLive("web", tag1)
	// It does not render: no condition says so, and the application stays green.
	s.commit("Require a digest", map[string]string{"chart/templates/digest.yaml": `{{ required "image.digest is needed" .Values.image.digest }}` + "\n"})
	s.want(s.tagbump("update", "IMAGE:master-202406151232", "--env", "production", "--wait", "5m"), 9, "the source hydrator: ", "image.digest is needed")
	s.wantLive("web", tag1)
	s.commit("Mend the chart", map[string]string{"chart/templates/digest.yaml": ""})
	s.want(s.tagbump("wait", "--env", "production"), 0, "NAME: done: ")
	s.wantLive("web", tag2)
}
