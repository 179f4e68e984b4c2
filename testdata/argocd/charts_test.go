package argocd

import "maps"

// chart is a repository with one chart, and the values of production.
var chart = map[string]string{
	".tagbump.yaml": `images:
  IMAGE:
    match: ^(master|bad)-(?P<stamp>\d{12})$
    extract: $stamp
    order: numerical
environments:
  production:
    files: [chart/values-production.yaml]
`,
	"chart/Chart.yaml": `apiVersion: v2
name: web
version: 0.1.0
`,
	"chart/values.yaml": `replicas: 1
port: 3001
image:
  repository: IMAGE
  tag: none
`,
	"chart/values-production.yaml": `# production
image:
  repository: IMAGE
  tag: master-202406151230 # by CI
`,
	"chart/templates/deployment.yaml": `apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: {{ .Values.replicas }}
  paused: {{ .Values.paused | default false }}
  progressDeadlineSeconds: 60
  selector:
    matchLabels: {app: {{ .Release.Name }}}
  template:
    metadata:
      labels: {app: {{ .Release.Name }}}
    spec:
      containers:
        - name: app
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
`,
	"chart/templates/service.yaml": `apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}
spec:
  selector: {app: {{ .Release.Name }}}
  ports:
    - port: {{ .Values.port }}
`,
}

// with returns the chart with further files, or others in their place.
func with(files map[string]string) map[string]string {
	all := maps.Clone(chart)
	maps.Copy(all, files)
	return all
}

// The values of production, for one image.
const values = "image:\n  repository: IMAGE\n  tag: master-202406151230\n"

// app is the Application of the chart.
const app = appHead + source + destination + automated

// The parts of an Application.
const (
	appHead = `---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: NAME, namespace: argocd}
spec:
  project: default
`
	source = `  source:
    repoURL: REPO
    path: chart
    targetRevision: main
    helm: {releaseName: web, valueFiles: [values-production.yaml]}
`
	destination = "  destination: {server: https://kubernetes.default.svc, namespace: NAME}\n"
	automated   = "  syncPolicy: {automated: {prune: true, selfHeal: true}}\n"
)

// hook is a Job before each sync, with the chart's image.
const hook = `apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
  annotations: {argocd.argoproj.io/hook: PreSync, argocd.argoproj.io/hook-delete-policy: BeforeHookCreation}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: migrate
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
`

// cron is a CronJob with the chart's image.
const cron = `apiVersion: batch/v1
kind: CronJob
metadata:
  name: clean
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: clean
              image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
`
