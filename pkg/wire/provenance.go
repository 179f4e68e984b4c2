package wire

import (
	"os"
	"strconv"
	"strings"

	"github.com/tagbump/tagbump/pkg/record"
)

// A ciSystem says in which variables a CI system tells of its build. A text is filled
// in from the environment; one with a variable that is not set is as good as none.
type ciSystem struct {
	name  string
	signs []string // NAME or NAME=VALUE: any of them says that this system runs the job
	build string   // the build's page
	// number counts the builds. It is here only where it counts all builds of a project
	// and not those of one job or workflow, because numbers say which of two tags is
	// newer when nothing else does.
	number   string
	actors   []string // who asked for the build; the first that is set counts
	revision string   // the source commit
}

// ciSystems are the systems that are known. Gitea and Woodpecker come before those
// whose variables they set, too.
var ciSystems = []ciSystem{
	{
		name:     "CircleCI", // the pipeline's number is no variable there, see --pipeline-number
		signs:    []string{"CIRCLECI", "CIRCLE_BUILD_URL", "CIRCLE_SHA1"},
		build:    "$CIRCLE_BUILD_URL",
		actors:   []string{"CIRCLE_USERNAME"},
		revision: "$CIRCLE_SHA1",
	},
	{
		name:     "Gitea Actions", // Forgejo's, too
		signs:    []string{"GITEA_ACTIONS", "FORGEJO_ACTIONS"},
		build:    "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_NUMBER",
		number:   "$GITHUB_RUN_NUMBER",
		actors:   []string{"GITHUB_ACTOR"},
		revision: "$GITHUB_SHA",
	},
	{
		name:     "GitHub Actions", // GITHUB_RUN_NUMBER counts the runs of one workflow
		signs:    []string{"GITHUB_ACTIONS", "GITHUB_SHA"},
		build:    "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID",
		number:   "$GITHUB_RUN_ID",
		actors:   []string{"GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR"},
		revision: "$GITHUB_SHA",
	},
	{
		name:     "Woodpecker",
		signs:    []string{"CI=woodpecker", "CI_SYSTEM_NAME=woodpecker"},
		build:    "$CI_PIPELINE_URL",
		number:   "$CI_PIPELINE_NUMBER",
		actors:   []string{"CI_PIPELINE_AUTHOR", "CI_COMMIT_AUTHOR"},
		revision: "$CI_COMMIT_SHA",
	},
	{
		name:     "GitLab",
		signs:    []string{"GITLAB_CI", "CI_JOB_URL", "CI_COMMIT_SHA"},
		build:    "$CI_JOB_URL",
		number:   "$CI_PIPELINE_IID",
		actors:   []string{"GITLAB_USER_LOGIN"},
		revision: "$CI_COMMIT_SHA",
	},
	{
		name:     "Buildkite",
		signs:    []string{"BUILDKITE"},
		build:    "$BUILDKITE_BUILD_URL",
		actors:   []string{"BUILDKITE_UNBLOCKER", "BUILDKITE_BUILD_CREATOR"},
		revision: "$BUILDKITE_COMMIT",
	},
	{
		name:     "Drone",
		signs:    []string{"DRONE"},
		build:    "$DRONE_BUILD_LINK",
		number:   "$DRONE_BUILD_NUMBER",
		actors:   []string{"DRONE_BUILD_TRIGGER", "DRONE_COMMIT_AUTHOR"},
		revision: "$DRONE_COMMIT_SHA",
	},
	{
		name:     "Bitbucket Pipelines",
		signs:    []string{"BITBUCKET_BUILD_NUMBER"},
		build:    "$BITBUCKET_GIT_HTTP_ORIGIN/pipelines/results/$BITBUCKET_BUILD_NUMBER",
		number:   "$BITBUCKET_BUILD_NUMBER",
		revision: "$BITBUCKET_COMMIT",
	},
	{
		name:     "Jenkins", // last: other systems run its jobs, and set variables of its names
		signs:    []string{"JENKINS_URL", "BUILD_URL"},
		build:    "$BUILD_URL",
		actors:   []string{"BUILD_USER_ID", "BUILD_USER"},
		revision: "$GIT_COMMIT",
	},
}

// The variables that say the same for any system, and come first.
const (
	buildURLVariable    = "TAGBUMP_BUILD_URL"
	triggeredByVariable = "TAGBUMP_TRIGGERED_BY"
	sourceVariable      = "TAGBUMP_SOURCE_REVISION"
)

// Provenance returns what the CI system says about its build. It is for the trailers
// of commits and for messages: no command needs it.
func (w World) Provenance() record.Provenance {
	system := w.ciSystem()
	provenance := record.Provenance{
		Revision:    firstOf(w.variable(sourceVariable), w.fill(system.revision)),
		BuildURL:    firstOf(w.variable(buildURLVariable), w.fill(system.build)),
		TriggeredBy: w.variable(triggeredByVariable),
	}
	for _, actor := range system.actors {
		provenance.TriggeredBy = firstOf(provenance.TriggeredBy, w.variable(actor))
	}
	if number, err := strconv.ParseInt(w.fill(system.number), 10, 64); err == nil {
		provenance.Pipeline = max(number, 0)
	}
	return provenance
}

// ciSystem returns the system that runs this job, or the zero one.
func (w World) ciSystem() ciSystem {
	for _, system := range ciSystems {
		for _, sign := range system.signs {
			name, value, exact := strings.Cut(sign, "=")
			if got := w.variable(name); got != "" && (!exact || got == value) {
				return system
			}
		}
	}
	return ciSystem{}
}

// fill returns text with its variables, "" when one is not set.
func (w World) fill(text string) string {
	missing := false
	filled := os.Expand(text, func(name string) string {
		value := w.variable(name)
		missing = missing || value == ""
		return value
	})
	if missing {
		return ""
	}
	return filled
}
