package telemetry

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// metricsType is the media type of [Metrics] for a Pushgateway. The text is both
// OpenMetrics and Prometheus' own format, because it has gauges only.
const metricsType = "text/plain; version=0.0.4; charset=utf-8"

// Metrics returns the metrics of a run as OpenMetrics text.
// https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
func Metrics(r Run) []byte {
	var m metrics
	m.family("tagbump_run_duration_seconds", "How long the last run took.")
	m.sample("", seconds(r.End.Sub(r.Start)))
	m.family("tagbump_run_timestamp_seconds", "When the last run ended, in Unix time.")
	m.sample("", unix(r.End))
	if !r.failed() {
		m.family("tagbump_run_last_success_timestamp_seconds", "When the last run without an error ended, in Unix time.")
		m.sample("", unix(r.End))
	}
	m.family("tagbump_run_success", "1 when the last run had no error, else 0.")
	m.sample("", truth(!r.failed()))
	m.family("tagbump_run_result", "1, with what the last run came to: its state and, of a failure, its kind.")
	m.sample(labels("command", r.Command, "state", r.State, "kind", r.Kind), "1")
	m.family("tagbump_run_exit_code", "Exit code of the last run.")
	m.sample("", strconv.Itoa(r.ExitCode))
	m.family("tagbump_run_attempts", "How often the last run planned its change; 1 when no push race was lost.")
	m.sample("", strconv.Itoa(r.Attempts))
	m.family("tagbump_registry_requests", "Requests of the last run to registries.")
	m.sample("", strconv.Itoa(r.Requests))
	m.family("tagbump_registry_pulls", "Requests of the last run that count against a registry's pull limit.")
	m.sample("", strconv.Itoa(r.Pulls))
	m.phases(r)
	m.behind(r)
	m.b.WriteString("# EOF\n")
	return m.b.Bytes()
}

// metrics is a text of families of gauges.
type metrics struct {
	b    bytes.Buffer
	name string // of the family
}

func (m *metrics) family(name, help string) {
	m.name = name
	fmt.Fprintf(&m.b, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name)
}

func (m *metrics) sample(labels, value string) { fmt.Fprintf(&m.b, "%s%s %s\n", m.name, labels, value) }

// phases adds up the phases of one name.
func (m *metrics) phases(r Run) {
	if len(r.Phases) == 0 {
		return
	}
	m.family("tagbump_phase_duration_seconds", "How long each phase of the last run took, all attempts together.")
	took := map[string]time.Duration{}
	var names []string
	for _, phase := range r.Phases {
		if _, known := took[phase.Name]; !known {
			names = append(names, phase.Name)
		}
		took[phase.Name] += phase.End.Sub(phase.Start)
	}
	for _, name := range names {
		m.sample(labels("phase", name), seconds(took[name]))
	}
}

func (m *metrics) behind(r Run) {
	begun := false
	for _, img := range r.Images {
		if img.Behind < 0 {
			continue
		}
		if !begun {
			m.family("tagbump_tags_behind", "How many newer tags the registry had than the files, when the last run began.")
			begun = true
		}
		m.sample(labels("image", img.Name), strconv.Itoa(img.Behind))
	}
}

// labels returns names and values as a sample has them, without those that are empty.
func labels(pairs ...string) string {
	var all []string
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			all = append(all, pairs[i]+`="`+escape(pairs[i+1])+`"`)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return "{" + strings.Join(all, ",") + "}"
}

var labelEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func escape(value string) string { return labelEscapes.Replace(strings.ToValidUTF8(value, "\uFFFD")) }

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }

func unix(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

func truth(b bool) string {
	if b {
		return "1"
	}
	return "0"
}
