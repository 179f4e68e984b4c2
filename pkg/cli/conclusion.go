package cli

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/config"
	"github.com/tagbump/tagbump/pkg/result"
	"github.com/tagbump/tagbump/pkg/wire"
)

// tellFlags name the receivers of a run's result: later steps, a monitoring system, a chat.
type tellFlags struct {
	resultFlags
	telemetryFlags
	notifyFlags

	course course // of the run
}

func (f *tellFlags) add(cmd *cobra.Command) {
	f.resultFlags.add(cmd)
	f.telemetryFlags.add(cmd)
	f.notifyFlags.add(cmd)
}

// A course collects the results of a command's run, for those who are told at its end. A
// run that goes on after its time is over may still add to it.
type course struct {
	mu    sync.Mutex
	soFar conclusion
}

// A conclusion is what a run came to. The zero value of a field means that the run did
// not get so far.
type conclusion struct {
	command string
	dryRun  bool // the run was to change nothing
	start   time.Time
	printer printer // its stats are nil as long as no registry is open
	request bump.Request
	report  bump.Report
	phases  []phase
	notify  config.Notify // of the project file
	ended   time.Time
	err     error

	deployment *deployment // Argo CD's answer; nil when it was not asked
	state      string      // of a run that changes nothing and has another word for it
}

// A telling tells somebody outside of a run. The run does not need it.
type telling struct {
	what string // the flag that asked for it
	do   func(ctx context.Context) error
}

// A phase is one phase of a run, and when it began.
type phase struct {
	bump.Phase
	start time.Time
}

// add changes the conclusion.
func (c *course) add(change func(soFar *conclusion)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.soFar)
}

// begin starts the course of a run, of which this much is known.
func (c *course) begin(known conclusion) { c.add(func(soFar *conclusion) { *soFar = known }) }

// end returns what a run came to that ended with err.
func (c *course) end(err error, now time.Time) conclusion {
	c.mu.Lock()
	defer c.mu.Unlock()
	done := c.soFar
	done.err, done.ended = err, now
	return done
}

// enters returns a function that keeps when phases begin.
func (c *course) enters(now func() time.Time) func(bump.Phase) {
	return func(name bump.Phase) {
		c.add(func(soFar *conclusion) { soFar.phases = append(soFar.phases, phase{name, now()}) })
	}
}

// concluded runs a command, and tells the receivers its result, also when it failed. Known
// is the part of the result that is known before. The world is opened for the receivers.
func (f *tellFlags) concluded(ctx context.Context, env Env, known conclusion, world func() (wire.World, error), run func(context.Context) error) error {
	for _, prepare := range []func(Env) error{f.resultFlags.prepare, f.telemetryFlags.prepare, f.notifyFlags.prepare} {
		if err := prepare(env); err != nil {
			return err // not all can be told
		}
	}
	known.start = env.Now()
	f.course.begin(known)
	err := run(ctx)
	return f.tell(ctx, env, f.course.end(err, env.Now()), world)
}

// patience is how long those are told for whom the run need not wait. After an
// interruption it is short.
func (c conclusion) patience() time.Duration {
	if errors.As(c.err, new(interruption)) {
		return 2 * time.Second
	}
	return 15 * time.Second
}

// tell tells what a run came to, and returns the error of the command.
func (f *tellFlags) tell(ctx context.Context, env Env, done conclusion, world func() (wire.World, error)) error {
	err := f.resultFlags.write(env, done)
	f.tellOthers(ctx, env, done, world)
	switch {
	case err == nil:
		return done.explained()
	case done.failed():
		env.warn("%v", err)
		return done.explained()
	}
	return err
}

// tellOthers tells those for whom a run that went through does not fail: all at once,
// and one that cannot be told is a warning.
func (f *tellFlags) tellOthers(ctx context.Context, env Env, done conclusion, world func() (wire.World, error)) {
	w, err := world()
	if err != nil {
		return // a wrong --ca-file, which the run has failed by
	}
	tellings := append(f.telemetryFlags.tells(env, w, done), f.notifyFlags.tells(env, w, done)...)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), done.patience())
	defer cancel()
	errs := make([]error, len(tellings))
	var all sync.WaitGroup
	for i, telling := range tellings {
		all.Go(func() { errs[i] = telling.do(ctx) })
	}
	all.Wait()
	for i, err := range errs {
		if err != nil {
			env.warn("%s: %v", tellings[i].what, err)
		}
	}
}

// warn prints a line on stderr that tells of something that does not end the run.
func (env Env) warn(format string, args ...any) {
	fmt.Fprintf(env.Stderr, "warning: "+format+"\n", args...)
}

// failed reports whether the run ended with an error.
func (c conclusion) failed() bool { return c.err != nil && !errors.Is(c.err, errChanges) }

// stateFailed is the state of a run that ended with an error. What it did until then
// is told beside it.
const stateFailed = "failed"

// result returns the conclusion for the steps after this one.
func (c conclusion) result(env Env) result.Result {
	r := result.Result{
		State: c.report.State.String(), Changed: c.report.Changed(), ExitCode: exitCode(c.err), Environment: c.request.To,
		Commit: c.report.Commit, CommitURL: c.printer.place.CommitURL(c.report.Commit),
	}
	if c.state != "" {
		r.State = c.state
	}
	if c.failed() {
		r.State, r.Kind, r.Error = stateFailed, kindWord(c.err), env.secrets.Text(c.err.Error())
	}
	if pr := c.report.PullRequest; pr != nil {
		r.PullRequest, r.Number = pr.URL, pr.Number
	}
	for _, img := range c.images() {
		r.Images = append(r.Images, result.Image{Name: img.Repository, Tag: img.Tag, Previous: previousTag(img), Digest: img.Digest})
	}
	return r
}

// images returns the run's images: those of the outcome, else the resolved ones.
func (c conclusion) images() []bump.ImageOutcome {
	if len(c.report.Images) > 0 {
		return c.report.Images
	}
	var all []bump.ImageOutcome
	for _, img := range c.report.Resolved {
		all = append(all, bump.ImageOutcome{Resolved: img})
	}
	return all
}

// previousTag returns the tag that the files had before, "" when they had none or more
// than one.
func previousTag(img bump.ImageOutcome) string {
	previous := ""
	for _, change := range img.Changes {
		tag := change.Target.Current.Tag
		if previous != "" && tag != previous {
			return ""
		}
		previous = tag
	}
	return previous
}
