package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/history"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
	"github.com/tagbump/tagbump/pkg/safetext"
)

func newHistory(env *Env) *cobra.Command {
	f := new(historyFlags)
	cmd := &cobra.Command{
		Use:     "history [IMAGE...] --env ENV",
		GroupID: groupLook,
		Short:   "Print who set which tag when",
		Long: `History prints the changes of an environment's tags, the newest first: when, by
whom, from which tag to which, by which commit, and whether it was a bump, a
promotion, a rollback or a change by hand. It is read from the files of the latest
commits, without a clone; what commits of tagbump say about themselves is taken
where the files confirm it. Times are UTC.

--summary prints the numbers that delivery teams report: deployments a week, lead
time from the image's creation to the commit, share of rollbacks, time to recover.`,
		Example: `  tagbump history --env production
  tagbump history acme/web --env production --since 30d
  tagbump history --env production --since 2026-10-01 --summary -o markdown`,
		Args: imageArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return runHistory(cmd.Context(), *env, f, args) },
	}
	f.change.repoFlags.add(cmd)
	f.whereFlags.add(cmd)
	cmd.Flags().StringVar(&f.since, "since", "", "not before this `TIME`: 30d, 12h, 2026-10-01 (default: as far as --commits)")
	cmd.Flags().IntVar(&f.commits, "commits", defaultCommits, "look at the latest `N` commits of the branch")
	cmd.Flags().BoolVar(&f.summary, "summary", false, "print deployments a week, lead time, share of rollbacks, time to recover")
	cmd.Flags().StringVarP(&f.change.output, "output", "o", formatText, "`text|json|markdown`: what stdout gets")
	cmd.Flags().BoolVarP(&f.change.verbose, "verbose", "v", false, "log each step and request to stderr")
	completeWith(cmd, "output", formatText, formatJSON, formatMarkdown)
	inGroup(cmd, groupWhat, "since", "commits", "summary")
	inGroup(cmd, groupOutput, "output", "verbose")
	return cmd
}

const formatMarkdown = "markdown"

// historyFlags are the flags of history.
type historyFlags struct {
	change changeFlags // of which only those are declared that reach a repository
	whereFlags
	since   string
	commits int
	summary bool
}

// defaultCommits is how many commits are looked through without --commits.
const defaultCommits = 500

// mostCommits is the most that --commits may ask for.
const mostCommits = 20_000

func (f *historyFlags) check() error {
	if err := oneOf("output", f.change.output, formatText, formatJSON, formatMarkdown); err != nil {
		return err
	}
	if f.commits < 1 || f.commits > mostCommits {
		return fault.Errorf(fault.Usage, "--commits: %d is not between 1 and %d", f.commits, mostCommits)
	}
	if _, err := parseSince(f.since, time.Time{}); err != nil {
		return err
	}
	return firstError(f.change.reachFlags.check, f.whereFlags.check)
}

var days = lazyregexp.New(`^(\d{1,5})([dw])$`)

// parseSince reads a time: a date, or how long before now.
func parseSince(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if found := days.FindStringSubmatch(text); found != nil {
		n, _ := strconv.Atoi(found[1])
		if found[2] == "w" {
			n *= 7
		}
		return now.AddDate(0, 0, -n), nil
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, fault.Errorf(fault.Usage, "--since: %q is neither a duration nor a date", text).WithHint("for example 30d, 12h or 2026-10-01")
}

func runHistory(ctx context.Context, env Env, f *historyFlags, args []string) error {
	if err := f.check(); err != nil {
		return err
	}
	return f.change.reachFlags.within(ctx, func(ctx context.Context) error { return f.run(ctx, env, args) })
}

func (f *historyFlags) run(ctx context.Context, env Env, args []string) error {
	j, err := openJob(env, &f.change)
	if err != nil {
		return err
	}
	defer j.close()
	s, err := f.scopeIn(ctx, j)
	if err != nil {
		return err
	}
	req := bump.Request{Branch: j.project.branchOf(f.change.branch, s.name), To: s.name}
	if req.Files, err = files.Select(s.Files...); err != nil {
		return fault.As(fault.Usage, err)
	}
	reader := imageReader{
		world: j.world, project: j.project, environment: s.name,
		source: func(bump.Image, string) (bump.Source, error) { return bump.FromHistory{}, nil },
	}
	if req.Images, err = reader.all(args); err != nil {
		return err
	}
	now := j.world.Now()
	since, err := parseSince(f.since, now)
	if err != nil {
		return err
	}
	told, err := j.runner.History(ctx, req, since, f.commits)
	if err != nil {
		return err
	}
	f.tellEnd(j.printer, told, since)
	if f.summary {
		from := since
		if from.IsZero() {
			from = told.Oldest
		}
		created := j.runner.Created(ctx, told.Events, mostTimed)
		return j.printer.printSummary(s.name, told, history.Summarize(told.Events, from, now, created))
	}
	return j.printer.printHistory(s.name, told)
}

// mostTimed is of how many deployments a summary asks the registry for the image.
const mostTimed = 200

// tellEnd says where the history ends earlier than was asked for.
func (f *historyFlags) tellEnd(p printer, told bump.Chronicle, since time.Time) {
	switch {
	case told.Commits == 0:
		p.say("this folder is not a git checkout: it has no history")
	case told.Shallow:
		p.say("this checkout is a shallow clone of %d commits; git fetch --unshallow, or --repo URL, shows what was before", told.Commits)
	case told.More && told.Oldest.After(since):
		p.say("looked at %d commits, back to %s; --commits looks further", told.Commits, told.Oldest.UTC().Format(time.DateOnly))
	}
}

func (p printer) printHistory(environment string, told bump.Chronicle) error {
	switch p.format {
	case formatJSON:
		return p.env.printJSON(newHistoryDoc(environment, told))
	case formatMarkdown:
		return p.env.printAnswer(historyTable(told.Events))
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, e := range told.Events {
		fmt.Fprintln(w, strings.Join(eventCells(e), "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if b.Len() == 0 {
		p.say("no change in %d commits", told.Commits)
	}
	return p.env.printAnswer(b.String())
}

// eventCells are an event's columns, each on one line.
func eventCells(e history.Event) []string {
	who := history.NameOf(e.Who)
	if e.PullRequest > 0 {
		who = fmt.Sprintf("%s, #%d", who, e.PullRequest)
	}
	cells := []string{
		e.When.UTC().Format("2006-01-02 15:04"), string(e.Kind), image.BaseName(e.Image),
		orNone(e.From.String()) + " -> " + orNone(e.To.String()), shortHash(e.Commit), who,
	}
	for i := range cells {
		cells[i] = safetext.Line(cells[i])
	}
	return cells
}

func historyTable(events []history.Event) string {
	var b strings.Builder
	b.WriteString("| when (UTC) | kind | image | from | to | commit | by |\n|---|---|---|---|---|---|---|\n")
	for _, e := range events {
		by := safetext.Cell(history.NameOf(e.Who))
		if e.PullRequest > 0 {
			by += fmt.Sprintf(", pull request %d", e.PullRequest)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", e.When.UTC().Format("2006-01-02 15:04"), e.Kind, safetext.Cell(e.Image),
			safetext.Cell(orNone(e.From.String())), safetext.Cell(orNone(e.To.String())), safetext.Cell(shortHash(e.Commit)), by)
	}
	return b.String()
}

func orNone(text string) string { return firstOf(text, "(none)") }

// shortHash is a commit's hash as people write it.
func shortHash(hash string) string { return hash[:min(len(hash), 7)] }

type historyDoc struct {
	Schema      int        `json:"schema"`
	Environment string     `json:"environment,omitempty"`
	Commits     int        `json:"commits"` // that were looked at
	More        bool       `json:"more"`    // there are older ones
	Events      []eventDoc `json:"events"`
}

type eventDoc struct {
	When        time.Time `json:"when"`
	Kind        string    `json:"kind"`
	Image       string    `json:"image"`
	From        string    `json:"from,omitempty"`
	FromDigest  string    `json:"fromDigest,omitempty"`
	To          string    `json:"to,omitempty"`
	ToDigest    string    `json:"toDigest,omitempty"`
	Commit      string    `json:"commit"`
	Who         string    `json:"who"`
	PullRequest int       `json:"pullRequest,omitempty"`
	Build       string    `json:"build,omitempty"`
	Revision    string    `json:"revision,omitempty"`
	Source      string    `json:"fromEnvironment,omitempty"`
	Files       []string  `json:"files"`
}

func newHistoryDoc(environment string, told bump.Chronicle) historyDoc {
	doc := historyDoc{Schema: schema, Environment: environment, Commits: told.Commits, More: told.More, Events: []eventDoc{}}
	for _, e := range told.Events {
		doc.Events = append(doc.Events, eventDoc{
			When: e.When.UTC(), Kind: string(e.Kind), Image: e.Image, From: e.From.Tag, FromDigest: e.From.Digest, To: e.To.Tag, ToDigest: e.To.Digest,
			Commit: e.Commit, Who: history.NameOf(e.Who), PullRequest: e.PullRequest, Build: e.Build, Revision: e.Revision, Source: e.Source, Files: e.Files,
		})
	}
	return doc
}

type summaryDoc struct {
	Schema        int       `json:"schema"`
	Environment   string    `json:"environment,omitempty"`
	Since         time.Time `json:"since"`
	Until         time.Time `json:"until"`
	Deployments   int       `json:"deployments"`
	PerWeek       float64   `json:"deploymentsPerWeek"`
	LeadTime      *int64    `json:"leadTimeSeconds,omitempty"` // the median; left out when unknown
	Rollbacks     int       `json:"rollbacks"`
	RollbackShare float64   `json:"rollbackShare"`
	Recover       *int64    `json:"timeToRecoverSeconds,omitempty"`
}

func (p printer) printSummary(environment string, told bump.Chronicle, s history.Summary) error {
	if p.format == formatJSON {
		doc := summaryDoc{
			Schema: schema, Environment: environment, Since: s.Since.UTC(), Until: s.Until.UTC(), Deployments: s.Deployments,
			PerWeek: s.PerWeek, Rollbacks: s.Rollbacks, RollbackShare: s.RollbackShare,
		}
		if s.Timed > 0 {
			doc.LeadTime = seconds(s.LeadTime)
		}
		if s.Recovered > 0 {
			doc.Recover = seconds(s.TimeToRecover)
		}
		return p.env.printJSON(doc)
	}
	rows := [][2]string{
		{"deployments", fmt.Sprintf("%d, %.1f a week", s.Deployments, s.PerWeek)},
		{"lead time", span(s.LeadTime, s.Timed, "from image to commit")},
		{"rollbacks", fmt.Sprintf("%d, %.0f %% of the deployments", s.Rollbacks, 100*s.RollbackShare)},
		{"time to recover", span(s.TimeToRecover, s.Recovered, "from a bad tag to its rollback")},
	}
	period := fmt.Sprintf("%s to %s, %d commits", s.Since.UTC().Format(time.DateOnly), s.Until.UTC().Format(time.DateOnly), told.Commits)
	var b strings.Builder
	writeSummary(&b, p.format, strings.TrimSpace(safetext.Line(environment)+" "+period), rows)
	return p.env.printAnswer(b.String())
}

func writeSummary(w io.Writer, format, title string, rows [][2]string) {
	if format == formatMarkdown {
		fmt.Fprintf(w, "| %s | |\n|---|---|\n", strings.ReplaceAll(title, "|", `\|`))
		for _, row := range rows {
			fmt.Fprintf(w, "| %s | %s |\n", row[0], row[1])
		}
		return
	}
	fmt.Fprintln(w, title)
	for _, row := range rows {
		fmt.Fprintf(w, "  %-16s %s\n", row[0], row[1])
	}
}

// span is a median for people.
func span(d time.Duration, of int, what string) string {
	if of == 0 {
		return "unknown"
	}
	text := d.Round(time.Minute).String()
	switch {
	case d < time.Minute:
		text = d.Round(time.Second).String()
	case d >= 48*time.Hour:
		text = fmt.Sprintf("%.1f days", d.Hours()/24)
	default:
		text = strings.TrimSuffix(text, "0s")
	}
	return fmt.Sprintf("%s %s (median of %d)", text, what, of)
}

func seconds(d time.Duration) *int64 {
	n := int64(d / time.Second)
	return &n
}
