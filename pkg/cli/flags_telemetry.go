package cli

import (
	"context"
	"crypto/rand"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/internal/post"
	"github.com/tagbump/tagbump/pkg/internal/smallfile"
	"github.com/tagbump/tagbump/pkg/telemetry"
	"github.com/tagbump/tagbump/pkg/wire"
)

// telemetryFlags say which monitoring is told of a run. Traces are asked for by the
// standard variables of OpenTelemetry.
type telemetryFlags struct {
	metricsPush, metricsFile string

	traces telemetry.Config
}

func (f *telemetryFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.metricsPush, "metrics-push", "", "push metrics of the run to the Prometheus Pushgateway at `URL`; one with a password belongs in TAGBUMP_METRICS_PUSH")
	cmd.Flags().StringVar(&f.metricsFile, "metrics-file", "", "write metrics of the run into `FILE`, as OpenMetrics text")
	inGroup(cmd, groupOutput, "metrics-push", "metrics-file")
}

// prepare refuses what cannot be told, and makes the credentials known to the mask.
func (f *telemetryFlags) prepare(env Env) error {
	var err error
	if f.traces, err = telemetry.ReadConfig(env.Getenv); err != nil {
		env.warn("no traces: %v", err)
	}
	for _, secret := range f.traces.Secrets() {
		env.learn("", secret)
	}
	if f.metricsFile != "" {
		if err := checkOwnFile("--metrics-file", env.path(f.metricsFile), f.metricsFile, isMetrics); err != nil {
			return err
		}
	}
	if f.metricsPush == "" {
		return nil
	}
	if err := telemetry.CheckGateway(f.metricsPush); err != nil {
		return fault.Errorf(fault.Usage, "--metrics-push: %w", err)
	}
	u, err := url.Parse(f.metricsPush)
	if err != nil || u.User == nil {
		return err
	}
	password, _ := u.User.Password()
	env.learn(u.User.Username(), password)
	if env.Getenv(envName("metrics-push")) != f.metricsPush {
		return fault.New(fault.Usage, "--metrics-push: has credentials in it, and process lists show arguments").
			WithHint("set TAGBUMP_METRICS_PUSH instead")
	}
	return nil
}

// isMetrics reports whether a file's content can be metrics of an earlier run.
func isMetrics(content []byte) bool {
	return len(content) == 0 || strings.HasPrefix(string(content), "# HELP tagbump_")
}

// tells lists what there is to tell of a run: nothing unless somebody has asked for it.
func (f *telemetryFlags) tells(env Env, w wire.World, done conclusion) []telling {
	var all []telling
	if f.metricsFile != "" && !done.dryRun {
		all = append(all, telling{"--metrics-file", func(context.Context) error {
			return smallfile.Replace(env.path(f.metricsFile), telemetry.Metrics(done.telemetry(env)))
		}})
	}
	if f.metricsPush != "" && !done.dryRun {
		all = append(all, telling{"--metrics-push", func(ctx context.Context) error {
			message, err := telemetry.Push(f.metricsPush, done.telemetry(env))
			if err != nil {
				return err
			}
			return w.Post(ctx, post.Document(message), telemetryTries, telemetry.DefaultTimeout)
		}})
	}
	if f.traces.Endpoint != "" {
		all = append(all, telling{"traces", func(ctx context.Context) error {
			trace, err := f.traces.Trace(done.telemetry(env), randomBytes)
			if err != nil {
				return err
			}
			return w.Post(ctx, post.Document(f.traces.Message(trace)), telemetryTries, f.traces.Timeout)
		}})
	}
	return all
}

// telemetryTries is how often telemetry is sent: it is worth a second try and no wait.
const telemetryTries = 2

func randomBytes(n int) []byte {
	bytes := make([]byte, n)
	_, _ = rand.Read(bytes) // never fails, see its documentation
	return bytes
}

// telemetry returns the conclusion for the monitoring, without secrets.
func (c conclusion) telemetry(env Env) telemetry.Run {
	r := c.result(env)
	run := telemetry.Run{
		Command: c.command, Repository: c.printer.where, Environment: c.request.To, Version: versionText(),
		Start: c.start, End: c.ended, State: r.State, Kind: r.Kind, Error: r.Error, ExitCode: r.ExitCode,
		Attempts: c.report.Attempts, Commit: c.report.Commit,
		Build: env.secrets.Text(c.request.Provenance.BuildURL), TriggeredBy: c.request.Provenance.TriggeredBy,
	}
	if c.printer.stats != nil {
		stats := c.printer.stats()
		run.Requests, run.Pulls = stats.Requests, stats.Pulls
	}
	for i, began := range c.phases {
		end := c.ended
		if i+1 < len(c.phases) {
			end = c.phases[i+1].start
		}
		run.Phases = append(run.Phases, telemetry.Phase{Name: string(began.Phase), Start: began.start, End: end})
	}
	for _, img := range c.images() {
		run.Images = append(run.Images, telemetry.Image{Name: img.Repository, Tag: img.Tag, Behind: tagsBehind(img)})
	}
	if len(run.Images) == 0 {
		for _, img := range c.request.Images {
			run.Images = append(run.Images, telemetry.Image{Name: img.Repository, Behind: unknownBehind})
		}
	}
	return run
}

const unknownBehind = -1

// tagsBehind returns how many tags of the image's policy are newer than the one that
// the files had, unknownBehind when the policy did not choose or does not know that tag.
func tagsBehind(img bump.ImageOutcome) int {
	if img.Choice == nil {
		return unknownBehind
	}
	had := previousTag(img)
	if img.State == bump.Current {
		had = img.Tag
	}
	return slices.Index(img.Choice.Candidates, had)
}
