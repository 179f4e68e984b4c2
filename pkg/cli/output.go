package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/history"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/record"
	"github.com/tagbump/tagbump/pkg/registry"
	"github.com/tagbump/tagbump/pkg/render"
	"github.com/tagbump/tagbump/pkg/safetext"
	"github.com/tagbump/tagbump/pkg/wire"
)

// schema numbers the JSON output. It grows when a field changes its meaning or
// goes; new fields do not count.
const schema = 1

// The formats of --output.
const (
	formatText = "text"
	formatJSON = "json"
)

// wantsJSON reports whether cmd was asked for JSON, also when it failed before its
// flags were complete.
func wantsJSON(cmd *cobra.Command, getenv func(string) string) bool {
	flag := cmd.Flags().Lookup("output")
	if flag == nil {
		return false
	}
	return flag.Value.String() == formatJSON || !flag.Changed && getenv(envName(flag.Name)) == formatJSON
}

// A talk is what a command says on stderr.
type talk struct {
	w       io.Writer
	verbose bool
}

// say prints a line.
func (t talk) say(format string, args ...any) { fmt.Fprintf(t.w, format+"\n", args...) }

// detail prints a line with --verbose.
func (t talk) detail(format string, args ...any) {
	if t.verbose {
		t.say(format, args...)
	}
}

// A printer prints what a command did.
type printer struct {
	talk
	env      Env
	format   string
	where    string     // the repository, for people
	local    bool       // it is a folder or a checkout
	would    bump.State // what a run that is no dry run comes to
	place    wire.Place
	explains bool
	stats    func() registry.Stats

	deployment *deployment // Argo CD's answer; nil when it was not asked
	failure    error       // of the deployment
}

func (p printer) print(report bump.Report) error {
	switch {
	case p.format == formatJSON:
		return afterward(report, p.env.printJSON(p.newReportDoc(report)))
	case report.DryRun:
		return p.printDiff(report)
	}
	return afterward(report, p.printText(report))
}

// printJSON prints a document, with the known secrets masked.
func (env Env) printJSON(document any) error {
	text, err := env.encodeJSON(document)
	if err != nil {
		return err
	}
	_, err = io.WriteString(env.plain, text)
	return err
}

// encodeJSON returns a document as text, with the known secrets masked.
func (env Env) encodeJSON(document any) (string, error) {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(document); err != nil {
		return "", err
	}
	return env.secrets.Known(text.String()), nil
}

// printDiff gives stdout the diff and nothing else, so that git apply takes it.
// What a run would do with it is said on stderr.
func (p printer) printDiff(report bump.Report) error {
	if !report.Changed() {
		for _, img := range report.Images {
			p.say("%s", p.unchangedText(img, report))
		}
		if len(report.Earlier) > 0 {
			p.env.note("would push%s: %s", p.toBranch(report.Branch), earlierText(report))
		}
		return nil
	}
	diff := maskAdded(string(report.Plan.Diff()), p.env.secrets)
	if p.env.Terminal.Out {
		diff = safetext.Text(diff) // a terminal would obey what a file holds; git apply would not
	}
	_, err := io.WriteString(p.env.plain, p.env.out().diff(diff))
	p.env.note("%s", p.wouldText(report))
	return err
}

// wouldText says what a run without --dry-run would do.
func (p printer) wouldText(report bump.Report) string {
	images := 0
	for _, img := range report.Images {
		if len(img.Changes) > 0 {
			images++
		}
	}
	what := plural(images, "image") + ", " + plural(len(report.Plan.Files), "file")
	if len(report.Earlier) > 0 {
		what += ", and " + earlierText(report)
	}
	switch p.would {
	case bump.Proposed:
		return "would open or refresh a pull request to " + report.Branch + ": " + what
	case bump.Pushed:
		return strings.TrimSpace("would push"+p.toBranch(report.Branch)) + ": " + what
	case bump.Committed:
		return "would commit, and not push: " + what
	}
	return "would write, and not commit: " + what
}

// printText prints what changed, in one write, and where the change is now.
func (p printer) printText(report bump.Report) error {
	var b strings.Builder
	for _, img := range report.Images {
		switch {
		case len(img.Changes) == 0:
			b.WriteString(p.plain(p.unchangedText(img, report)))
		case report.State != bump.Declined:
			b.WriteString(p.changesText(img.Repository, resolvedNote(img.Resolved), img.Changes))
		}
	}
	if report.State != bump.Declined {
		for _, change := range report.Sets {
			b.WriteString(p.changesText(change.Target.Path.String(), "", []plan.Change{change}))
		}
	}
	for _, line := range append(p.stateLines(report), closedLines(report)...) {
		b.WriteString(p.plain(line))
	}
	_, err := io.WriteString(masked{p.env.plain, p.env.secrets}, b.String())
	return err
}

// closedLines name the pull requests that the run closed.
func closedLines(report bump.Report) []string {
	var lines []string
	for _, pr := range report.Closed {
		why := "its change is in " + report.Branch + " already"
		if report.PullRequest != nil {
			why = fmt.Sprintf("superseded by #%d", report.PullRequest.Number)
		}
		lines = append(lines, fmt.Sprintf("closed pull request #%d (%s): %s", pr.Number, why, pr.URL))
	}
	return lines
}

// plain returns a line without colours.
func (p printer) plain(line string) string { return p.env.out().paint(plainStyle, line) + "\n" }

// A move is the old and the new tag of a place.
type move struct{ from, to string }

func moveOf(change plan.Change) move {
	from, to := bump.FromTo(change)
	return move{from, to}
}

// changesText says what changes from which tag to which, with the places below.
func (p printer) changesText(name, note string, changes []plan.Change) string {
	var b strings.Builder
	var told []move
	for _, change := range changes {
		of := moveOf(change)
		if slices.Contains(told, of) {
			continue
		}
		told = append(told, of)
		b.WriteString(p.moveText(name, note, of))
		for _, other := range changes {
			if moveOf(other) == of {
				b.WriteString(p.plain("  " + p.keyText(other, name)))
			}
		}
	}
	return b.String()
}

// moveText is "name  old → new   (note)", with the note in a line of its own where
// it does not fit.
func (p printer) moveText(name, note string, of move) string {
	colours := p.env.out()
	width := utf8.RuneCountInString(name + "  " + of.from + " → " + of.to)
	text := colours.paint(boldStyle, name) + "  " + colours.paint(redStyle, of.from) + " → " + colours.paint(greenStyle, of.to)
	if note == "" {
		return text + "\n"
	}
	apart := "   "
	if width+len(apart)+utf8.RuneCountInString(note) > p.env.Terminal.textWidth() {
		apart = "\n  "
	}
	return text + apart + colours.paint(dimStyle, note) + "\n"
}

// keyText is the place of a change, with its key where that fits and is not the
// name above it.
func (p printer) keyText(change plan.Change, name string) string {
	key := change.Target.Path.String()
	text := position(change) + "  " + key + filledText(change)
	if key == name || utf8.RuneCountInString("  "+text) > p.env.Terminal.textWidth() {
		return placeText(change)
	}
	return text
}

func placeText(change plan.Change) string {
	return position(change) + filledText(change)
}

func position(change plan.Change) string {
	return fmt.Sprintf("%s:%d", change.Target.File, change.Target.Line)
}

func filledText(change plan.Change) string {
	if !change.Filled {
		return ""
	}
	return "  (none was written: the image is pinned from now on)"
}

// changeText says in one line what changes where, for stderr.
func changeText(change plan.Change) string {
	of := moveOf(change)
	return fmt.Sprintf("%s: %s: %s -> %s", placeText(change), change.Target.Path, of.from, of.to)
}

// shownPlatforms is how many platforms are named rather than counted.
const shownPlatforms = 3

// resolvedNote says in brackets what an image runs on, and why it has its tag.
func resolvedNote(img bump.Resolved) string {
	var parts []string
	for _, platform := range img.Platforms {
		parts = append(parts, strings.TrimPrefix(platform, "linux/"))
	}
	if len(parts) > shownPlatforms {
		parts = []string{plural(len(parts), "platform")}
	}
	if img.Choice != nil && len(img.Choice.Candidates) > 1 {
		parts = append(parts, fmt.Sprintf("newest of %d", len(img.Choice.Candidates)))
	}
	if len(parts) == 0 {
		return ""
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

// stateLines say where the change is now.
func (p printer) stateLines(report bump.Report) []string {
	switch report.State {
	case bump.Written:
		var lines []string
		for _, file := range report.Plan.Files {
			lines = append(lines, "wrote "+file.Name+" (not committed)")
		}
		return lines
	case bump.Committed:
		return []string{fmt.Sprintf("committed %.10s (not pushed)", report.Commit)}
	case bump.Pushed:
		lines := []string{fmt.Sprintf("pushed %.10s%s", report.Commit, p.toBranch(report.Branch))}
		for _, commit := range report.Earlier {
			lines = append(lines, fmt.Sprintf("  %.10s is of an earlier run: %s", commit.Hash, subjectOf(commit)))
		}
		if page := p.place.CommitURL(report.Commit); page != "" {
			lines = append(lines, page)
		}
		return lines
	case bump.Declined:
		return []string{fmt.Sprintf("nothing proposed, because of pull request #%d: %s", report.PullRequest.Number, report.PullRequest.URL)}
	case bump.Proposed:
		return []string{fmt.Sprintf("%s pull request #%d: %s", openedOrFound(report), report.PullRequest.Number, report.PullRequest.URL)}
	}
	return nil
}

// earlierText counts the commits of earlier runs that are pushed along.
func earlierText(report bump.Report) string {
	return plural(len(report.Earlier), "commit") + " of earlier runs"
}

func subjectOf(commit bump.CommitInfo) string { return record.Parse(commit.Message).Subject() }

// afterward adds to the error of a write that failed which change was made before.
func afterward(report bump.Report, err error) error {
	done := ""
	switch report.State {
	case bump.Committed:
		done = "commit " + report.Commit + " was made"
	case bump.Pushed:
		done = "commit " + report.Commit + " was pushed to " + report.Branch
	case bump.Proposed:
		done = "pull request " + report.PullRequest.URL + " is open"
	case bump.Written:
		done = "the files were changed"
	}
	if err == nil || done == "" || report.DryRun {
		return err
	}
	return fmt.Errorf("%s, but stdout: %w", done, err)
}

// toBranch names the branch that was pushed to; that of a checkout has its
// remote's name in it, as in origin/main.
func (p printer) toBranch(branch string) string {
	if p.local && branch == "" {
		return ""
	}
	if p.local {
		return " to " + branch
	}
	return " to " + branch + " of " + p.where
}

// printUnits prints how the rendered manifests differ. It is talk: stdout has the
// diff of the files, which git apply takes.
func (p printer) printUnits(units []render.Unit) {
	for _, unit := range units {
		for _, note := range unit.Notes {
			p.say("note: %s", note)
		}
		if unit.Diff == "" {
			p.say("%s: the manifests do not change", unit.Name)
			continue
		}
		p.say("%s: the manifests change:\n%s", unit.Name, strings.TrimSuffix(unit.Diff, "\n"))
	}
}

// openedOrFound says what the run did to its pull request: opened it, gave an open one a
// new commit, or left an open one as it was.
func openedOrFound(report bump.Report) string {
	switch {
	case report.PullRequest.Reused && report.Commit != "":
		return "updated"
	case report.PullRequest.Reused:
		return "already open:"
	}
	return "opened"
}

// nothingToDo ends the line of an image that has its tag.
const nothingToDo = ", nothing to do"

// unchangedText is unchanged for a report: there may be earlier commits to push.
func (p printer) unchangedText(img bump.ImageOutcome, report bump.Report) string {
	text := unchanged(img, report.Environment)
	if len(report.Earlier) > 0 {
		return strings.TrimSuffix(text, nothingToDo)
	}
	return text
}

// unchanged says why no place of an image changes.
func unchanged(img bump.ImageOutcome, environment string) string {
	switch img.State {
	case bump.Missing:
		return fmt.Sprintf("%s: not in the files%s", img.Repository, ofEnvironment(environment))
	case bump.Mismatched:
		return fmt.Sprintf("%s: tag %s is not one of its policy, skipped", img.Repository, img.Tag)
	case bump.Stale:
		return fmt.Sprintf("%s: %s is older than the deployed %s, skipped", img.Repository, img.Tag, img.Skipped[0].Current.Tag)
	case bump.RolledBack:
		return fmt.Sprintf("%s: %s was rolled back (%s), skipped", img.Repository, img.Tag, shortHash(img.RolledBack.Commit))
	case bump.Shared:
		return fmt.Sprintf("%s: its tag is an alias of a value below, and becomes %s with it", img.Repository, img.Tag)
	}
	return fmt.Sprintf("%s: already at %s", img.Repository, img.Tag) + nothingToDo
}

func ofEnvironment(name string) string {
	if name == "" {
		return ""
	}
	return " of " + name
}

// The documents below are the JSON that --output json prints; README describes them.
type reportDoc struct {
	Schema      int         `json:"schema"`
	Changed     bool        `json:"changed"`
	State       bump.State  `json:"state"` // how far the change got
	DryRun      bool        `json:"dryRun"`
	Environment string      `json:"environment,omitempty"`
	Images      []imageDoc  `json:"images"`
	Set         []changeDoc `json:"set,omitempty"` // further values, see --set
	Diff        string      `json:"diff,omitempty"`
	Branch      string      `json:"branch,omitempty"`
	Commit      string      `json:"commit,omitempty"`
	Head        string      `json:"head,omitempty"`
	urlsDoc
	PullRequest *forge.PullRequest  `json:"pullRequest,omitempty"`
	Closed      []forge.PullRequest `json:"closed,omitempty"`         // pull requests that the run closed
	Earlier     []commitDoc         `json:"earlierCommits,omitempty"` // of earlier runs, that were pushed along
	Attempts    int                 `json:"attempts"`
	Deployment  *deploymentDoc      `json:"deployment,omitempty"` // with --wait
	Error       *errorDoc           `json:"error,omitempty"`      // of a change that is made and not deployed
}

// A commitDoc is a commit that an earlier run made.
type commitDoc struct {
	Commit  string `json:"commit"`
	Subject string `json:"subject"`
}

type imageDoc struct {
	Image     string      `json:"image"`
	State     string      `json:"state,omitempty"` // what the run means for it
	Tag       string      `json:"tag"`
	Digest    string      `json:"digest,omitempty"`
	Source    string      `json:"source"`
	Platforms []string    `json:"platforms,omitempty"`
	Created   *time.Time  `json:"created,omitempty"`
	Revision  string      `json:"revision,omitempty"`
	Changes   []changeDoc `json:"changes,omitempty"`
	Skipped   []changeDoc `json:"skipped,omitempty"` // places that hold a newer tag
	Left      []leftDoc   `json:"left,omitempty"`    // places that also name the image and are left
	Explain   *explainDoc `json:"explain,omitempty"` // with --explain

	RolledBack *rolledBackDoc `json:"rolledBack,omitempty"` // why the tag is not written
	Past       *pastDoc       `json:"past,omitempty"`       // of a rollback: what it goes back to
}

type rolledBackDoc struct {
	Tag    string    `json:"tag"` // that was left
	Who    string    `json:"who"`
	When   time.Time `json:"when"`
	Commit string    `json:"commit"`
}

type pastDoc struct {
	Left    []string   `json:"left"` // the tags that the files had
	Commit  string     `json:"commit,omitempty"`
	When    *time.Time `json:"when,omitempty"`
	Commits int        `json:"commits"` // that were looked at
}

func (doc *imageDoc) addPast(img bump.ImageOutcome) {
	if back := img.RolledBack; back != nil {
		doc.RolledBack = &rolledBackDoc{back.Tag, history.NameOf(back.Who), back.When.UTC(), back.Commit}
	}
	if past := img.Past; past != nil {
		doc.Past = &pastDoc{Left: past.Left, Commit: past.Commit, Commits: past.Commits}
		if !past.When.IsZero() {
			at := past.When.UTC()
			doc.Past.When = &at
		}
	}
}

type leftDoc struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"` // 1-based; left out when the whole file is meant
	Path   string `json:"path,omitempty"`
	Reason string `json:"reason"`
}

type changeDoc struct {
	File string `json:"file"`
	Line int    `json:"line"` // 1-based, in the file as it was
	Path string `json:"path"`
	Old  string `json:"old"`
	New  string `json:"new,omitempty"`
	// Filled: no tag or digest was written there, and perhaps not even its key.
	Filled bool `json:"filled,omitempty"`
}

func (p printer) newReportDoc(report bump.Report) reportDoc {
	doc := reportDoc{
		Schema: schema, Changed: report.Changed(), State: report.State, DryRun: report.DryRun, Environment: report.Environment,
		Branch: report.Branch, Commit: report.Commit, Head: report.Head, PullRequest: report.PullRequest, Closed: report.Closed,
		Attempts: report.Attempts, Images: []imageDoc{}, urlsDoc: newURLsDoc(p.place, report),
	}
	if report.Changed() {
		doc.Diff = maskAdded(string(report.Plan.Diff()), p.env.secrets)
	}
	for _, commit := range report.Earlier {
		doc.Earlier = append(doc.Earlier, commitDoc{commit.Hash, subjectOf(commit)})
	}
	doc.Deployment = newDeploymentDoc(p.deployment)
	if p.failure != nil {
		failed := p.env.newErrorDoc(p.failure)
		doc.Error = &failed
	}
	for _, change := range report.Sets {
		doc.Set = append(doc.Set, newChangeDoc(change))
	}
	for _, img := range report.Images {
		doc.Images = append(doc.Images, p.newOutcomeDoc(img))
	}
	return doc
}

func (p printer) newImageDoc(img bump.Resolved) imageDoc {
	doc := imageDoc{
		Image: img.Repository, Tag: img.Tag, Digest: img.Digest, Source: img.Source,
		Platforms: img.Platforms, Revision: img.Revision,
	}
	if !img.Created.IsZero() {
		doc.Created = &img.Created
	}
	if p.explains {
		doc.Explain = p.newExplainDoc(img.Choice)
	}
	return doc
}

func newChangeDoc(change plan.Change) changeDoc {
	t := change.Target
	return changeDoc{t.File, t.Line, t.Path.String(), change.Old, change.New, change.Filled}
}

// newOutcomeDoc is newImageDoc with what the run means for the image.
func (p printer) newOutcomeDoc(img bump.ImageOutcome) imageDoc {
	doc := p.newImageDoc(img.Resolved)
	doc.State = img.State.String()
	doc.addPast(img)
	for _, change := range img.Changes {
		doc.Changes = append(doc.Changes, newChangeDoc(change))
	}
	for _, t := range img.Skipped {
		doc.Skipped = append(doc.Skipped, changeDoc{File: t.File, Line: t.Line, Path: t.Path.String(), Old: t.Current.Tag})
	}
	for _, left := range img.Left {
		one := leftDoc{File: left.File, Line: left.Line, Reason: left.Reason}
		if !left.Path.IsZero() {
			one.Path = left.Path.String()
		}
		doc.Left = append(doc.Left, one)
	}
	return doc
}
