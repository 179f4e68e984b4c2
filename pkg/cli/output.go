package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/registry"
	"github.com/tagbump/tagbump/pkg/render"
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
	where    string // the repository, for people
	local    bool   // it is a folder or a checkout
	place    wire.Place
	explains bool
	stats    func() registry.Stats

	deployment *deployment // what Argo CD said; nil when it was not asked
	failure    error       // of the deployment
}

func (p printer) print(report bump.Report) error {
	switch {
	case p.format == formatJSON:
		return p.env.printJSON(p.newReportDoc(report))
	case report.DryRun:
		return p.printDiff(report)
	}
	return p.printText(report)
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
func (p printer) printDiff(report bump.Report) error {
	if !report.Changed() {
		for _, img := range report.Images {
			p.say("%s", unchanged(img, report.Environment))
		}
		return nil
	}
	_, err := io.WriteString(p.env.plain, maskAdded(string(report.Plan.Diff()), p.env.secrets))
	return err
}

func (p printer) printText(report bump.Report) error {
	for _, img := range report.Images {
		if len(img.Changes) == 0 {
			fmt.Fprintln(p.env.Stdout, unchanged(img, report.Environment))
		}
	}
	for _, change := range report.Changes() {
		if report.State != bump.Declined {
			fmt.Fprintln(p.env.Stdout, changeText(change))
		}
	}
	return errors.Join(p.printState(report), p.printClosed(report))
}

// printClosed names the pull requests that the run closed.
func (p printer) printClosed(report bump.Report) error {
	var failed error
	for _, pr := range report.Closed {
		why := "its change is in " + report.Branch + " already"
		if report.PullRequest != nil {
			why = fmt.Sprintf("superseded by #%d", report.PullRequest.Number)
		}
		_, err := fmt.Fprintf(p.env.Stdout, "closed pull request #%d (%s): %s\n", pr.Number, why, pr.URL)
		failed = errors.Join(failed, err)
	}
	return failed
}

// printState says where the change is now.
func (p printer) printState(report bump.Report) error {
	var err error
	switch report.State {
	case bump.Written:
		for _, file := range report.Plan.Files {
			_, err = fmt.Fprintf(p.env.Stdout, "wrote %s (not committed)\n", file.Name)
		}
	case bump.Committed:
		_, err = fmt.Fprintf(p.env.Stdout, "committed %.10s (not pushed)\n", report.Commit)
	case bump.Pushed:
		_, err = fmt.Fprintf(p.env.Stdout, "pushed %.10s%s\n", report.Commit, p.toBranch(report.Branch))
	case bump.Declined:
		_, err = fmt.Fprintf(p.env.Stdout, "nothing proposed, because of pull request #%d: %s\n", report.PullRequest.Number, report.PullRequest.URL)
	case bump.Proposed:
		_, err = fmt.Fprintf(p.env.Stdout, "%s pull request #%d: %s\n", openedOrFound(*report.PullRequest), report.PullRequest.Number, report.PullRequest.URL)
	}
	return err
}

// toBranch names the branch that was pushed to; that of a checkout has its
// remote's name in it, as in origin/main.
func (p printer) toBranch(branch string) string {
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

func changeText(change plan.Change) string {
	from, to := bump.FromTo(change)
	text := fmt.Sprintf("%s:%d: %s: %s -> %s", change.Target.File, change.Target.Line, change.Target.Path, from, to)
	if change.Filled {
		text += " (none was written: the image is pinned from now on)"
	}
	return text
}

func openedOrFound(pr forge.PullRequest) string {
	if pr.Reused {
		return "already open:"
	}
	return "opened"
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
	return fmt.Sprintf("%s: already at %s, nothing to do", img.Repository, img.Tag)
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
	State       bump.State  `json:"state"` // what was done
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
	Closed      []forge.PullRequest `json:"closed,omitempty"` // pull requests that the run closed
	Attempts    int                 `json:"attempts"`
	Deployment  *deploymentDoc      `json:"deployment,omitempty"` // with --wait
	Error       *errorDoc           `json:"error,omitempty"`      // of a change that is made and not deployed
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
		doc.RolledBack = &rolledBackDoc{back.Tag, nameOf(back.Who), back.When.UTC(), back.Commit}
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
