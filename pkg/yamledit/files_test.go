package yamledit

import (
	"strings"
	"testing"
)

// TestFilesOfRealRepositories replaces values in files as GitOps repositories have
// them, and holds that every other byte stays.
func TestFilesOfRealRepositories(t *testing.T) {
	for name, test := range map[string]struct {
		src   string
		edits map[string]struct{ value, old, new string }
	}{
		"a chart's values": {
			src: `# Default values for the shop chart.
# This is a YAML-formatted file.

replicaCount: 2

image: # set by the pipeline
    repository: ghcr.io/acme/shop
    tag: "2.14.0"   # keep the quotes
    pullPolicy:   IfNotPresent

imagePullSecrets: []

sidecars:
    - name: proxy
      image: envoyproxy/envoy:v1.30.1

    # the exporter is optional
    - name: exporter
      image: 'quay.io/prometheus/statsd-exporter:v0.26.0'

resources: {limits: {cpu: 100m, memory: 128Mi}, requests: {cpu: "0.1"}}

jobs:
    migrate: {image: {repository: ghcr.io/acme/shop-migrate, tag: 2.14.0}}
`,
			edits: map[string]struct{ value, old, new string }{
				"image.tag":                     {"2.15.0", `"2.14.0"   #`, `"2.15.0"   #`},
				"sidecars[name=proxy].image":    {"envoyproxy/envoy:v1.31.0", "envoy:v1.30.1", "envoy:v1.31.0"},
				"sidecars[name=exporter].image": {"quay.io/prometheus/statsd-exporter:v0.27.0", "exporter:v0.26.0'", "exporter:v0.27.0'"},
				"jobs.migrate.image.tag":        {"2.15", "tag: 2.14.0}", `tag: "2.15"}`},
				"image.pullPolicy":              {"Always", "IfNotPresent", "Always"},
				"resources.requests.cpu":        {"0.2", `cpu: "0.1"`, `cpu: "0.2"`},
				"replicaCount":                  {"3", "replicaCount: 2", `replicaCount: "3"`},
			},
		},
		"a kustomization": {
			src: `apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
- ../../base
images:
- name: ghcr.io/acme/shop
  newTag: 2.14.0
- newTag: "7"
  newName: registry.internal/redis
  name: redis
patches:
- target: {kind: Deployment, name: worker}
  patch: |-
    - op: replace
      path: /spec/template/spec/containers/0/image
      value: ghcr.io/acme/worker:1.9.3 # worker
- patch: '{"spec": {"template": {"spec": {"containers": [{"name": "cron", "image": "ghcr.io/acme/cron:1.0"}]}}}}'
configMapGenerator:
- name: env
  literals:
  - VERSION=2.14.0
`,
			edits: map[string]struct{ value, old, new string }{
				`images[name="ghcr.io/acme/shop"].newTag`:                           {"2.15.0", "newTag: 2.14.0", "newTag: 2.15.0"},
				"images[1].newTag":                                                  {"7.2", `newTag: "7"`, `newTag: "7.2"`},
				"patches[0].patch | [0].value":                                      {"ghcr.io/acme/worker:2.0.0", "worker:1.9.3 #", "worker:2.0.0 #"},
				"patches[1].patch | spec.template.spec.containers[name=cron].image": {"ghcr.io/acme/cron:1.1", "cron:1.0", "cron:1.1"},
				"configMapGenerator[name=env].literals[0]":                          {"VERSION=2.15.0", "VERSION=2.14.0", "VERSION=2.15.0"},
				"patches[target.name=worker].target.kind":                           {"StatefulSet", "Deployment", "StatefulSet"},
			},
		},
		"an application of Argo CD": {
			src: strings.ReplaceAll(`---
# owner: team shop
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: shop
  annotations:
    example.com/version: v2.14.0
spec:
  source:
    helm:
      parameters:
        - {name: image.tag, value: v2.14.0}
        - name: worker.image.tag
          value: &worker v1.9.3
      values: |
        image:
          tag: v2.14.0   # the same
        extra:
          nested: |
            tag: v2.14.0
      valuesObject: {worker: {tag: *worker}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: shop}
data:
  settings.json: "{\"image\": \"ghcr.io/acme/shop:v2.14.0\"}"
...
`, "\n", "\r\n"),
			edits: map[string]struct{ value, old, new string }{
				`metadata.annotations["example.com/version"]`:         {"v2.15.0", "version: v2.14.0", "version: v2.15.0"},
				`metadata.annotations.example\.com/version`:           {"v2.15.0", "version: v2.14.0", "version: v2.15.0"},
				`spec.source.helm.parameters[name="image.tag"].value`: {"v2.15.0", "value: v2.14.0}", "value: v2.15.0}"},
				"spec.source.helm.values | image.tag":                 {"v2.15.0", "tag: v2.14.0   #", "tag: v2.15.0   #"},
				"spec.source.helm.values | extra.nested | tag":        {"v2.15.0", "            tag: v2.14.0", "            tag: v2.15.0"},
				`(kind=ConfigMap).data."settings.json" | image`:       {"ghcr.io/acme/shop:v2.15.0", "shop:v2.14.0", "shop:v2.15.0"},
				`(kind=ConfigMap,metadata.name=shop).metadata.name`:   {"shop2", "{name: shop}", "{name: shop2}"},
				`(kind=Application).metadata.name`:                    {"shop2", "  name: shop\r", "  name: shop2\r"},
			},
		},
	} {
		for path, e := range test.edits {
			want := strings.Replace(test.src, e.old, e.new, 1)
			got, err := edit(test.src, path, e.value)
			if err != nil || got != want || got == test.src {
				t.Errorf("%s: %s: got\n%s%v", name, path, got, err)
			}
		}
	}
}
