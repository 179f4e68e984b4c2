package argocd

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// The whole story, as a job of CI has it: an image was pushed, the newest tag is
// committed, Argo CD syncs, and the job ends when the cluster runs it.
func TestStory(t *testing.T) {
	s := newStory(t, chart)
	s.apply(app)
	s.settle("NAME", tag0)
	s.want(s.tagbump("update", "IMAGE:master-202406151231", "--env", "production", "--wait", "5m"), 0,
		"master-202406151230 → master-202406151231", "pushed ", "NAME: done: Synced, Healthy, runs IMAGE:master-202406151231")
	s.wantLive("web", tag1)

	// Again: nothing to do, and it still runs.
	s.want(s.tagbump("update", "IMAGE:master-202406151231", "--env", "production", "--wait", "5m"), 0, "NAME: done: ")
	s.want(s.tagbump("wait", "--env", "production"), 0, "NAME: done: ")

	// The newest tag that the policy permits, and what JSON says.
	r := s.tagbump("update", "IMAGE", "--match", `^master-(?P<stamp>\d{12})$`, "--extract", "$stamp", "--order", "numerical", "--env", "production", "--wait", "5m", "--output", "json")
	s.want(r, 0)
	s.wantLive("web", tag3)
	var doc struct {
		State      string
		Deployment struct {
			State        string
			Applications []struct{ Name, State, Revision, Sync, Health string }
		}
	}
	s.must(json.Unmarshal([]byte(r.stdout), &doc))
	if len(doc.Deployment.Applications) != 1 {
		t.Fatalf("got %+v", doc)
	}
	one := doc.Deployment.Applications[0]
	if doc.State != "pushed" || doc.Deployment.State != "done" || one.Name != s.name || one.Sync != "Synced" || one.Health != "Healthy" || len(one.Revision) != 40 {
		t.Errorf("got %+v", doc)
	}

	// A person goes back by git, and wait says when the cluster has.
	s.run("git", "-C", s.checkout(), "pull", "-q", "origin", "main")
	s.run("git", "-C", s.checkout(), "revert", "--no-edit", "HEAD")
	s.run("git", "-C", s.checkout(), "push", "-q", "origin", "HEAD:main")
	s.want(s.tagbump("wait", "--env", "production"), 0, "runs IMAGE:master-202406151231")
	s.wantLive("web", tag1)

	// And the other way, by tagbump.
	s.want(s.tagbump("rollback", "IMAGE", "--env", "production", "--to", tag0, "--wait", "5m"), 0, "runs IMAGE:master-202406151230")
	s.wantLive("web", tag0)
}

// A Pod of the new image does not start: the job fails with the Pod's words long
// before Argo CD calls the application Degraded, and the tag that mends it succeeds
// although the application is Degraded at first.
func TestBadImage(t *testing.T) {
	t.Parallel()
	s := newStory(t, chart)
	s.apply(app)
	s.settle("NAME", tag0)
	s.want(s.tagbump("update", "IMAGE:bad-202406151240", "--env", "production", "--wait", "5m"), 9,
		"not deployed: ", "(IMAGE:bad-202406151240): ", `Back-off pulling image`)
	if s.live("web").Ready {
		t.Fatal("the bad image runs")
	}
	s.must(world.await("argocd-application-controller", func() error {
		app, err := s.application(s.name, "")
		if err == nil && app.Status.Health.Status != "Degraded" {
			err = fmt.Errorf("not Degraded yet: %s", app.Status.Health.Status)
		}
		return err
	}))
	s.want(s.tagbump("wait", "--env", "production"), 9, "Back-off pulling image")
	s.want(s.tagbump("update", "IMAGE:master-202406151231", "--env", "production", "--on-stale", "allow", "--wait", "5m"), 0, "NAME: done: ")
	s.wantLive("web", tag1)
}

// What does not start is taken back, and the job fails all the same.
func TestRollbackOnFailure(t *testing.T) {
	t.Parallel()
	s := newStory(t, chart)
	s.apply(app)
	s.settle("NAME", tag0)
	s.want(s.tagbump("update", "IMAGE:bad-202406151240", "--env", "production", "--wait", "5m", "--rollback-on-failure"), 9,
		"Back-off pulling image", "going back to the tags of before", "; rolled back by ", ", healthy")
	s.wantLive("web", tag0)
	if !strings.Contains(s.file("chart/values-production.yaml"), "tag: master-202406151230 # by CI") {
		t.Errorf("main has\n%s", s.file("chart/values-production.yaml"))
	}
	// A job that runs again does not bring it back.
	s.want(s.tagbump("update", "IMAGE:bad-202406151240", "--env", "production"), 4, "was rolled back by")
}

// The chart does not render: helm's words, at the second look. Once it is mended, the
// same commit's successor runs.
func TestBrokenChart(t *testing.T) {
	t.Parallel()
	s := newStory(t, chart)
	s.apply(app)
	s.settle("NAME", tag0)
	s.commit("Require a digest", map[string]string{"chart/templates/digest.yaml": `{{ required "image.digest is needed" .Values.image.digest }}` + "\n"})
	s.want(s.tagbump("update", "IMAGE:master-202406151231", "--env", "production", "--wait", "5m"), 9, "ComparisonError", "image.digest is needed")
	s.wantLive("web", tag0)
	s.commit("Mend the chart", map[string]string{"chart/templates/digest.yaml": ""})
	s.want(s.tagbump("wait", "--env", "production"), 0, "runs IMAGE:master-202406151231")
	s.wantLive("web", tag1)
}

// The next update is pushed before Argo CD has looked: the first one's commit never
// shows, and its run says what replaced it.
func TestTwoUpdatesInARow(t *testing.T) {
	s := newStory(t, chart)
	s.apply(app)
	s.settle("NAME", tag0)
	s.beforeRefresh = func() { s.want(s.tagbump("update", "IMAGE:master-202406151232", "--env", "production"), 0) }
	s.want(s.tagbump("update", "IMAGE:master-202406151231", "--env", "production", "--wait", "5m"), 0,
		"NAME: superseded: a later commit replaced the tag: it has IMAGE:master-202406151232")
	s.wantLive("web", tag2)
}

// The next update comes while the first one is synced.
func TestUpdateDuringASync(t *testing.T) {
	s := newStory(t, chart)
	s.apply(app)
	s.settle("NAME", tag0)
	first := s.begin("update", "IMAGE:master-202406151231", "--env", "production", "--wait", "5m")
	s.must(world.await("argocd-server", func() error {
		if s.live("web").Image != tag1 {
			return fmt.Errorf("not synced yet")
		}
		return nil
	}))
	s.want(s.tagbump("update", "IMAGE:master-202406151232", "--env", "production", "--wait", "5m"), 0, "runs IMAGE:master-202406151232")
	s.wantLive("web", tag2)
	s.want(first(), 0) // it ran, or was replaced just before
}

// A refresh is enough: Argo CD does not wait for its next look at the repository.
func TestRefresh(t *testing.T) {
	s := newStory(t, chart)
	s.apply(app)
	s.settle("NAME", tag0)
	s.want(s.tagbump("update", "IMAGE:master-202406151231", "--env", "production", "--refresh"), 0, "NAME: refreshed")
	s.must(world.await("argocd-application-controller", func() error {
		if got := s.live("web"); got != (live{tag1, true}) {
			return fmt.Errorf("the cluster has %+v", got)
		}
		return nil
	}))
}

// Nobody syncs: that is said after ten seconds, and --sync asks for it.
func TestManualSync(t *testing.T) {
	t.Parallel()
	s := newStory(t, chart)
	s.apply(appHead + source + destination)
	s.want(s.tagbump("wait", "--env", "production", "--sync"), 0, "asked for a sync", "NAME: done: ")
	s.wantLive("web", tag0)
	s.want(s.tagbump("update", "IMAGE:master-202406151231", "--env", "production", "--wait", "5m"), 9,
		"OutOfSync, and nobody will sync it: the application has no automated sync", "hint: --sync")
	s.wantLive("web", tag0)
	s.want(s.tagbump("wait", "--env", "production", "--sync"), 0, "NAME: done: ")
	s.wantLive("web", tag1)
}

// A sync window denies it. Its words are said; the token may not sync in this project.
func TestSyncWindow(t *testing.T) {
	t.Parallel()
	s := newStory(t, chart)
	project := `---
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: NAME, namespace: argocd}
spec:
  sourceRepos: ['*']
  destinations: [{server: '*', namespace: '*'}]
  clusterResourceWhitelist: [{group: '*', kind: '*'}]
`
	s.apply(project + strings.Replace(app, "project: default", "project: NAME", 1))
	s.settle("NAME", tag0)
	s.apply(project + "  syncWindows: [{kind: deny, schedule: '* * * * *', duration: 1h, applications: ['*'], manualSync: false}]\n")
	s.want(s.tagbump("update", "IMAGE:master-202406151231", "--env", "production", "--wait", "5m"), 9, "the sync window (deny * * * * * for 1h) denies it")
	s.want(s.tagbump("wait", "--env", "production", "--sync"), 6, "HTTP 403: ")
	s.wantLive("web", tag0)
	s.apply(project)
	s.want(s.tagbump("wait", "--env", "production"), 0, "NAME: done: ")
	s.wantLive("web", tag1)
}

// The API server refuses an object. Argo CD repeats the sync for five minutes; the
// second repetition is enough, and the commit that mends it succeeds.
func TestRefusedSync(t *testing.T) {
	t.Parallel()
	s := newStory(t, chart)
	s.apply(app)
	s.settle("NAME", tag0)
	s.commit("A port that cannot be", map[string]string{"chart/values-production.yaml": values + "port: 99999\n"})
	s.want(s.tagbump("update", "IMAGE:master-202406151231", "--env", "production", "--wait", "5m"), 9,
		"the sync was refused: Service web: ", "99999")
}

// A Job before the sync has the new image seconds before the Deployment does.
func TestHook(t *testing.T) {
	s := newStory(t, with(map[string]string{"chart/templates/hook.yaml": hook}))
	s.apply(app)
	s.settle("NAME", tag0)
	s.want(s.tagbump("update", "IMAGE:master-202406151231", "--env", "production", "--wait", "5m"), 0, "NAME: done: ")
	s.wantLive("web", tag1)
}

// The Job fails, and so does the sync; Argo CD was told to repeat it once.
func TestHookFails(t *testing.T) {
	t.Parallel()
	s := newStory(t, with(map[string]string{"chart/templates/hook.yaml": hook}))
	s.apply(appHead + source + destination + "  syncPolicy: {automated: {}, retry: {limit: 1, backoff: {duration: 1s, factor: 1, maxDuration: 2s}}}\n")
	s.settle("NAME", tag0)
	s.want(s.tagbump("update", "IMAGE:bad-202406151240", "--env", "production", "--wait", "5m"), 9, "migrate")
	s.wantLive("web", tag0)
}

// A CronJob keeps Jobs of old tags, and their images stay in the application's list.
func TestCronJob(t *testing.T) {
	s := newStory(t, with(map[string]string{"chart/templates/cron.yaml": cron}))
	s.apply(app)
	s.settle("NAME", tag0)
	_, err := world.kubectl("", "-n", s.name, "create", "job", "clean-1", "--from=cronjob/clean")
	s.must(err)
	s.want(s.tagbump("update", "IMAGE:master-202406151231", "--env", "production", "--wait", "5m"), 0, "NAME: done: ")
	s.wantLive("web", tag1)
}

// A paused Deployment waits for a person, unless that is meant. Its Pods are the old ones.
func TestSuspended(t *testing.T) {
	t.Parallel()
	s := newStory(t, chart)
	s.apply(app)
	s.settle("NAME", tag0)
	s.commit("Pause it", map[string]string{"chart/values-production.yaml": values + "paused: true\n"})
	s.want(s.tagbump("update", "IMAGE:master-202406151231", "--env", "production", "--wait", "1m"), 9, "Suspended")
	s.want(s.tagbump("wait", "--env", "production", "--allow-suspended"), 0, "NAME: done: ")
	s.commit("Resume it", map[string]string{"chart/values-production.yaml": strings.Replace(values, tag0, tag1, 1)})
	s.want(s.tagbump("wait", "--env", "production"), 0, "NAME: done: ")
	s.wantLive("web", tag1)
}

// The git server does not answer at the first look: that is no broken chart.
func TestGitUnreachable(t *testing.T) {
	s := newStory(t, chart)
	s.apply(app)
	s.settle("NAME", tag0)
	s.beforeRefresh = func() { world.git.isDown.Store(true) }
	s.afterRefresh = func() { world.git.isDown.Store(false) }
	s.want(s.tagbump("update", "IMAGE:master-202406151231", "--env", "production", "--wait", "5m"), 0, "warning: NAME: ComparisonError", "NAME: done: ")
	s.wantLive("web", tag1)
}

// A tag that something overrides never runs, however green Argo CD is.
func TestOverridden(t *testing.T) {
	s := newStory(t, chart)
	s.apply(strings.Replace(app, "releaseName: web,", "releaseName: web, parameters: [{name: image.tag, value: master-202406151230}],", 1))
	s.settle("NAME", tag0)
	s.want(s.tagbump("update", "IMAGE:master-202406151231", "--env", "production", "--wait", "5m"), 9,
		"has the commit, and runs IMAGE:master-202406151230, not IMAGE:master-202406151231", "hint: does something override the tag")
}

// A Deployment without replicas has no Pod that could tell.
func TestNoReplicas(t *testing.T) {
	s := newStory(t, with(map[string]string{"chart/values-production.yaml": values + "replicas: 0\n"}))
	s.apply(app)
	s.settle("NAME", "")
	s.want(s.tagbump("update", "IMAGE:master-202406151231", "--env", "production", "--wait", "5m"), 0, "NAME: done: ")
	s.wantLive("web", tag1)
}

// An application that follows another branch never gets the commit.
func TestOtherBranch(t *testing.T) {
	s := newStory(t, with(map[string]string{".tagbump.yaml": chart[".tagbump.yaml"] + "    argocd: {application: NAME}\n"}))
	s.run("git", "-C", s.bare(), "branch", "release", "main")
	s.apply(strings.Replace(app, "targetRevision: main", "targetRevision: release", 1))
	s.settle("NAME", tag0)
	s.want(s.tagbump("update", "IMAGE:master-202406151231", "--env", "production", "--wait", "5m"), 9, `follows "release", and the commit is on main`)
}

// What Argo CD does not know, or does not tell this token.
func TestNoAccess(t *testing.T) {
	s := newStory(t, with(map[string]string{".tagbump.yaml": chart[".tagbump.yaml"] + "    argocd: {application: nosuch}\n"}))
	s.want(s.tagbump("wait", "--env", "production"), 6, "application nosuch: HTTP 403: permission denied", "hint: the application does not exist, or the token lacks the right")
}

// The pull request shows what Argo CD renders, with the right to get alone. Nothing is
// synced by that.
func TestPreview(t *testing.T) {
	s := newStory(t, with(map[string]string{"chart/templates/secret.yaml": `apiVersion: v1
kind: Secret
metadata: {name: web}
stringData: {tag: "s3cret-{{ .Values.image.tag }}"}
`}))
	s.apply(app)
	s.settle("NAME", tag0)
	var forge pulls
	s.variables = []string{"GITHUB_API_URL=" + forge.start(t), "TAGBUMP_TOKEN=github-token"}
	r := s.tagbump("update", "IMAGE:master-202406151231", "--env", "production", "--pr", "--preview", "argocd")
	s.want(r, 0, "opened pull request #1")
	s.wantNot(r, "warning")
	body := forge.opened()
	for _, text := range []string{
		" apps/v1 Deployment web\n", // its namespace is the application's
		`-  spec.template.spec.containers[app].image: "` + s.image + `:master-202406151230"`,
		`+  spec.template.spec.containers[app].image: "` + s.image + `:master-202406151231"`,
	} {
		if !strings.Contains(body, text) {
			t.Errorf("the body lacks %q:\n%s", text, body)
		}
	}
	if strings.Contains(body, "s3cret") || strings.Contains(body, "czNjcmV0") || strings.Contains(body, "Secret") {
		t.Errorf("the body shows a Secret, whose values Argo CD masks:\n%s", body)
	}
	s.wantLive("web", tag0)
}

// Two images in one commit, of which one does not start: both go back.
func TestRollbackOfTwoImages(t *testing.T) {
	t.Parallel()
	files := with(map[string]string{
		".tagbump.yaml":                "environments:\n  production:\n    files: [chart/values-production.yaml]\n",
		"chart/values-production.yaml": values + "worker:\n  repository: IMAGE-worker\n  tag: master-202406151230\n",
	})
	files["chart/templates/deployment.yaml"] += `        - name: worker
          image: "{{ .Values.worker.repository }}:{{ .Values.worker.tag }}"
`
	s := newStory(t, files)
	s.must(pushImages(s.image+"-worker", tag0, tag1))
	s.apply(app)
	s.settle("NAME", tag0)
	s.want(s.tagbump("update", "IMAGE:bad-202406151240", "IMAGE-worker:master-202406151231", "--env", "production", "--wait", "5m", "--rollback-on-failure"), 9,
		"Back-off pulling image", "; rolled back by ", ", healthy")
	s.wantLive("web", tag0)
	if text := s.file("chart/values-production.yaml"); strings.Count(text, "tag: master-202406151230") != 2 {
		t.Errorf("main has\n%s", text)
	}
}

// A role of a project with the right to get is enough to wait, and not to sync.
func TestRoleToken(t *testing.T) {
	s := newStory(t, with(map[string]string{".tagbump.yaml": chart[".tagbump.yaml"] + "    argocd: {project: NAME}\n"}))
	s.apply(`---
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: NAME, namespace: argocd}
spec:
  sourceRepos: ['*']
  destinations: [{server: '*', namespace: '*'}]
  roles:
  - name: ci
    policies: ['p, proj:NAME:ci, applications, get, NAME/*, allow']
` + strings.Replace(app, "project: default", "project: NAME", 1))
	s.settle("NAME", tag0)
	token, err := world.newToken("/api/v1/projects/"+s.name+"/roles/ci/token", world.adminToken, `{"expiresIn":3600}`)
	s.must(err)
	s.variables = []string{"ARGOCD_AUTH_TOKEN=" + token}
	s.want(s.tagbump("update", "IMAGE:master-202406151231", "--env", "production", "--wait", "5m"), 0, "NAME: done: ")
	s.wantLive("web", tag1)
}
