package bump

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/redact"
)

// MessageData is what a template of the commit's message sees.
type MessageData struct {
	Subject     string // the line that stands there by default
	Environment string // "" when none was named
	Images      []MessageImage
	Changes     []MessageChange
}

// MessageImage is one image that changes.
type MessageImage struct{ Image, Tag, Digest, Revision string }

// MessageChange is one value that changes; From is "(none)" for an empty one.
type MessageChange struct{ File, Path, From, To string }

// Provenance says which build asked for the change.
type Provenance struct {
	Revision string // the source commit, where the image itself does not name it
	BuildURL string
	Pipeline int64 // the pipeline's number, which grows, and stays the same on a re-run; 0 is none
}

// message is the commit's: what changed, where, and trailers by which later runs
// and people find the commit again.
func message(req Request, outcome Outcome) (string, error) {
	text, err := messageText(req, outcome)
	if err != nil {
		return "", err
	}
	return text + "\n\n" + strings.Join(trailers(req, outcome), "\n") + "\n", nil
}

func messageText(req Request, outcome Outcome) (string, error) {
	if req.Message == nil {
		lines := []string{outcome.subject(req.To), ""}
		for _, change := range outcome.Changes() {
			lines = append(lines, describe(change))
		}
		return strings.Join(lines, "\n"), nil
	}
	var b strings.Builder
	if err := req.Message.Execute(&b, messageData(req, outcome)); err != nil {
		return "", fmt.Errorf("the message's template: %w: %w", err, ErrConflict)
	}
	text := strings.TrimSpace(b.String())
	if text == "" {
		return "", fmt.Errorf("the message's template gives an empty text: %w", ErrConflict)
	}
	return text, nil
}

func messageData(req Request, outcome Outcome) MessageData {
	data := MessageData{Subject: outcome.subject(req.To), Environment: req.To}
	for _, img := range outcome.changedImages() {
		data.Images = append(data.Images, MessageImage{img.Repository, img.Tag, img.Digest, img.Revision})
	}
	for _, change := range outcome.Changes() {
		from, to := FromTo(change)
		data.Changes = append(data.Changes, MessageChange{change.Target.File, change.Target.Path.String(), from, to})
	}
	return data
}

// The keys of the trailers.
const (
	trailerImage    = "Tagbump-Image"
	trailerRevision = "Tagbump-Source-Revision"
	trailerBuild    = "Tagbump-Build-Url"
	trailerPipeline = "Tagbump-Pipeline-Number"
)

// trailers are the message's last lines, as git interpret-trailers reads them.
func trailers(req Request, outcome Outcome) []string {
	var lines []string
	revision := req.Provenance.Revision
	for _, img := range outcome.changedImages() {
		lines = append(lines, trailerImage+": "+img.Repository+":"+img.Tag)
		if img.Revision != "" {
			revision = img.Revision
		}
	}
	if revision != "" {
		lines = append(lines, trailerRevision+": "+oneLine(revision))
	}
	if req.Provenance.BuildURL != "" {
		lines = append(lines, trailerBuild+": "+oneLine(redact.URL(req.Provenance.BuildURL)))
	}
	if req.Provenance.Pipeline > 0 {
		lines = append(lines, fmt.Sprintf("%s: %d", trailerPipeline, req.Provenance.Pipeline))
	}
	return lines
}

// pipelineThatSet reads from a commit's trailers the number of the pipeline that
// set the image; false when the commit did not, or does not say.
func pipelineThatSet(ref image.Ref, message string) (number int64, set bool) {
	sets := false
	for line := range strings.Lines(message) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case trailerImage:
			written := image.Split(value)
			sets = sets || written.Tag == ref.Tag && image.SameRepository(written.Repository, ref.Repository)
		case trailerPipeline:
			number, _ = strconv.ParseInt(value, 10, 64)
		}
	}
	return number, sets && number > 0
}

// oneLine keeps what comes from a label or a variable from adding lines of its own.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func subjectOf(message string) string {
	subject, _, _ := strings.Cut(message, "\n")
	return subject
}

func describe(change plan.Change) string {
	from, to := FromTo(change)
	return fmt.Sprintf("%s: %s: %s -> %s", change.Target.File, change.Target.Path, from, to)
}

// bodyLimit is below what forges take (GitHub: 65,536 characters); a diff that
// does not fit is left out, since the forge shows it anyway.
const bodyLimit = 60_000

// body is the pull request's, in Markdown.
func body(outcome Outcome) string {
	var b strings.Builder
	b.WriteString("| file | key | from | to |\n|---|---|---|---|\n")
	for _, change := range outcome.Changes() {
		from, to := FromTo(change)
		fmt.Fprintf(&b, "| `%s` | `%s` | `%s` | `%s` |\n", change.Target.File, change.Target.Path, from, to)
	}
	for _, img := range outcome.changedImages() {
		fmt.Fprintf(&b, "\n`%s:%s`", img.Repository, img.Tag)
		if img.Digest != "" {
			fmt.Fprintf(&b, " is `%s`", img.Digest)
		}
		if img.Revision != "" {
			fmt.Fprintf(&b, ", built from %s", img.Revision)
		}
		b.WriteByte('\n')
	}
	if diff := outcome.Plan.Diff(); b.Len()+len(diff) < bodyLimit {
		fmt.Fprintf(&b, "\n<details><summary>diff</summary>\n\n```diff\n%s```\n</details>\n", diff)
	}
	return b.String()
}
