package wire

import (
	"reflect"
	"testing"

	"github.com/tagbump/tagbump/pkg/record"
)

const sha = "4f2a9c1e07d2ab4f2a9c1e07d2ab4f2a9c1e07d2"

// TestProvenance has the variables that each system sets in a job, and what they say.
func TestProvenance(t *testing.T) {
	for name, c := range map[string]struct {
		env  map[string]string
		want record.Provenance
	}{
		"CircleCI": {
			map[string]string{
				"CI": "true", "CIRCLECI": "true", "CIRCLE_BUILD_URL": "https://circleci.com/gh/acme/web/7", "CIRCLE_BUILD_NUM": "7",
				"CIRCLE_SHA1": sha, "CIRCLE_USERNAME": "ada",
			},
			record.Provenance{Revision: sha, BuildURL: "https://circleci.com/gh/acme/web/7", TriggeredBy: "ada"},
		},
		"CircleCI, by variables that a container gets": {
			map[string]string{"CIRCLE_SHA1": sha}, record.Provenance{Revision: sha},
		},
		"CircleCI, without an account": {
			map[string]string{"CIRCLECI": "true", "CIRCLE_SHA1": sha, "CIRCLE_USERNAME": "<nil>"}, record.Provenance{Revision: sha},
		},
		"GitHub Actions": {
			map[string]string{
				"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "acme/web",
				"GITHUB_RUN_ID": "9151234567", "GITHUB_RUN_NUMBER": "42", "GITHUB_SHA": sha, "GITHUB_ACTOR": "ada", "GITHUB_TRIGGERING_ACTOR": "bob",
			},
			record.Provenance{Revision: sha, BuildURL: "https://github.com/acme/web/actions/runs/9151234567", Pipeline: 9151234567, TriggeredBy: "bob"},
		},
		"GitHub Actions, with a variable missing": {
			map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/web", "GITHUB_RUN_ID": "9", "GITHUB_ACTOR": "ada"},
			record.Provenance{Pipeline: 9, TriggeredBy: "ada"},
		},
		"Gitea Actions": {
			map[string]string{
				"GITEA_ACTIONS": "true", "GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://git.acme.example", "GITHUB_REPOSITORY": "acme/web",
				"GITHUB_RUN_ID": "900", "GITHUB_RUN_NUMBER": "42", "GITHUB_SHA": sha, "GITHUB_ACTOR": "ada",
			},
			record.Provenance{Revision: sha, BuildURL: "https://git.acme.example/acme/web/actions/runs/42", Pipeline: 42, TriggeredBy: "ada"},
		},
		"GitLab": {
			map[string]string{
				"CI": "true", "GITLAB_CI": "true", "CI_JOB_URL": "https://gitlab.com/acme/web/-/jobs/7", "CI_PIPELINE_URL": "https://gitlab.com/acme/web/-/pipelines/3",
				"CI_PIPELINE_ID": "900", "CI_PIPELINE_IID": "42", "CI_COMMIT_SHA": sha, "GITLAB_USER_LOGIN": "ada",
			},
			record.Provenance{Revision: sha, BuildURL: "https://gitlab.com/acme/web/-/jobs/7", Pipeline: 42, TriggeredBy: "ada"},
		},
		"Woodpecker": {
			map[string]string{
				"CI": "woodpecker", "CI_PIPELINE_URL": "https://ci.codeberg.org/repos/1/pipeline/42", "CI_PIPELINE_NUMBER": "42",
				"CI_COMMIT_SHA": sha, "CI_COMMIT_AUTHOR": "ada",
			},
			record.Provenance{Revision: sha, BuildURL: "https://ci.codeberg.org/repos/1/pipeline/42", Pipeline: 42, TriggeredBy: "ada"},
		},
		"Jenkins": {
			map[string]string{
				"JENKINS_URL": "https://ci.acme.example/", "BUILD_URL": "https://ci.acme.example/job/web/7/", "BUILD_NUMBER": "7",
				"GIT_COMMIT": sha, "BUILD_USER_ID": "ada",
			},
			record.Provenance{Revision: sha, BuildURL: "https://ci.acme.example/job/web/7/", TriggeredBy: "ada"},
		},
		"Buildkite": {
			map[string]string{
				"CI": "true", "BUILDKITE": "true", "BUILDKITE_BUILD_URL": "https://buildkite.com/acme/web/builds/7", "BUILDKITE_BUILD_NUMBER": "7",
				"BUILDKITE_COMMIT": "HEAD", "BUILDKITE_BUILD_CREATOR": "Ada L.",
			},
			record.Provenance{Revision: "HEAD", BuildURL: "https://buildkite.com/acme/web/builds/7", TriggeredBy: "Ada L."},
		},
		"Drone": {
			map[string]string{
				"CI": "true", "DRONE": "true", "DRONE_BUILD_LINK": "https://drone.acme.example/acme/web/7", "DRONE_BUILD_NUMBER": "7",
				"DRONE_COMMIT_SHA": sha, "DRONE_BUILD_TRIGGER": "ada",
			},
			record.Provenance{Revision: sha, BuildURL: "https://drone.acme.example/acme/web/7", Pipeline: 7, TriggeredBy: "ada"},
		},
		"Bitbucket Pipelines": {
			map[string]string{
				"CI": "true", "BITBUCKET_BUILD_NUMBER": "7", "BITBUCKET_GIT_HTTP_ORIGIN": "https://bitbucket.org/acme/web", "BITBUCKET_COMMIT": sha,
			},
			record.Provenance{Revision: sha, BuildURL: "https://bitbucket.org/acme/web/pipelines/results/7", Pipeline: 7},
		},
		"any other": {
			map[string]string{"CI": "true", "TAGBUMP_BUILD_URL": "https://argo.acme.example/workflows/7", "TAGBUMP_TRIGGERED_BY": "ada", "TAGBUMP_SOURCE_REVISION": sha},
			record.Provenance{Revision: sha, BuildURL: "https://argo.acme.example/workflows/7", TriggeredBy: "ada"},
		},
		"tagbump's own variables come first": {
			map[string]string{"CIRCLECI": "true", "CIRCLE_SHA1": "0000000", "CIRCLE_USERNAME": "bob", "TAGBUMP_TRIGGERED_BY": "ada", "TAGBUMP_SOURCE_REVISION": sha},
			record.Provenance{Revision: sha, TriggeredBy: "ada"},
		},
		"a number that is none": {
			map[string]string{"GITLAB_CI": "true", "CI_PIPELINE_IID": "-4; rm"}, record.Provenance{},
		},
		"a negative number":  {map[string]string{"GITLAB_CI": "true", "CI_PIPELINE_IID": "-4"}, record.Provenance{}},
		"not in a CI system": {map[string]string{"USER": "ada"}, record.Provenance{}},
	} {
		w := World{Getenv: func(name string) string { return c.env[name] }}
		if got := w.Provenance(); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}

func TestCommitURL(t *testing.T) {
	w := World{Getenv: func(name string) string {
		return map[string]string{"GITEA_SERVER_URL": "https://git.acme.example"}[name]
	}}
	for address, want := range map[string]string{
		"https://github.com/acme/charts.git":       "https://github.com/acme/charts/commit/abc",
		"git@github.com:acme/charts.git":           "https://github.com/acme/charts/commit/abc",
		"https://gitlab.com/acme/team/charts.git":  "https://gitlab.com/acme/team/charts/-/commit/abc",
		"https://bitbucket.org/acme/charts":        "https://bitbucket.org/acme/charts/commits/abc",
		"https://git.acme.example/acme/charts.git": "https://git.acme.example/acme/charts/commit/abc",
		"https://unknown.example/acme/charts.git":  "",
		"file:///srv/charts.git":                   "",
	} {
		place, err := w.Locate(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := place.CommitURL("abc"); got != want {
			t.Errorf("%s: %q", address, got)
		}
		if got := place.CommitURL(""); got != "" {
			t.Errorf("%s without a commit: %q", address, got)
		}
	}
	if got := (Place{}).CommitURL("abc"); got != "" {
		t.Errorf("nowhere: %q", got)
	}
}
