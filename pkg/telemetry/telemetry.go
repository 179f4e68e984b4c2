// Package telemetry tells monitoring systems how a run went: as metrics for
// Prometheus, in a file or pushed to a Pushgateway, and as a trace for OpenTelemetry.
//
// A [Run] is data; [Metrics], [Push] and [Config.Trace] make bytes of it, and somebody
// else sends them. Both wire formats are small and are written here: the official
// libraries would add 7.5 and 10.7 MB to the program.
//
// One trap: a job ends and does not run again for days, so all metrics are gauges of
// the last run, and there are no counters. What a failed run does not know, such as
// the time of the last success, it leaves out, and a Pushgateway keeps the value of
// the run before.
package telemetry

import "time"

// A Run is what telemetry tells of one run.
type Run struct {
	Command     string // "update"
	Repository  string // for people, without credentials
	Environment string // "" without one
	Version     string // of the program
	Start, End  time.Time
	Phases      []Phase
	State       string // "pushed", or "failed"
	Kind        string // of the failure; "" after a success
	Error       string // without secrets; "" after a success
	ExitCode    int
	Attempts    int // 0 when none was made
	Requests    int // to registries
	Pulls       int // of these, those that count against a quota
	Commit      string
	Build       string // the CI job's page
	TriggeredBy string
	Images      []Image
}

// An Image is one image of a run.
type Image struct {
	Name, Tag string
	Behind    int // how many newer tags the policy saw when the run began; negative when not known
}

// A Phase is a part of a run. The parts of one name are several attempts.
type Phase struct {
	Name       string // "resolve", "plan", "push" or "wait"
	Start, End time.Time
}

// failed reports whether the run ended with an error.
func (r Run) failed() bool { return r.Kind != "" }

// image returns the name of the run's only image, "" for several.
func (r Run) image() string {
	if len(r.Images) != 1 {
		return ""
	}
	return r.Images[0].Name
}
