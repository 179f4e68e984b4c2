package bump

import (
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/record"
	"github.com/tagbump/tagbump/pkg/safetext"
)

// message is the commit's: what changed, where, and trailers by which later runs
// and people find the commit again.
func message(req Request, outcome Outcome) (record.Message, error) {
	text, err := messageText(req, outcome)
	made := record.Message{Text: text, Environment: req.To, Provenance: req.Provenance}
	made.Kind, made.From = req.kind()
	made.Overrides = req.overrides()
	for _, img := range outcome.changedImages() {
		said := record.Image{
			Ref:      image.Ref{Repository: img.Repository, Tag: img.Tag, Digest: img.Digest},
			Revision: img.Revision,
			Previous: img.previous(),
		}
		if !record.IsRevision(said.Revision) && made.Kind == record.Bump {
			said.Revision = req.Provenance.Revision
		}
		made.Images = append(made.Images, said)
	}
	return made, err
}

// kind says why the images are set, and which environment their tags are from.
func (req Request) kind() (kind record.Kind, from string) {
	for _, img := range req.Images {
		switch source := img.Source.(type) {
		case FromEnvironment:
			return record.Promotion, source.Name
		case FromHistory:
			return record.Rollback, ""
		}
	}
	return record.Bump, ""
}

// overrides are the flags by which the request switches guards off.
func (req Request) overrides() []string {
	var flags []string
	if req.OnStale == Allow {
		flags = append(flags, "--on-stale allow")
	}
	if req.OnMismatch == AllowMismatch {
		flags = append(flags, "--on-mismatch allow")
	}
	return flags
}

// previous are the tags that the image's places had, each once.
func (img ImageOutcome) previous() []string {
	var tags []string
	for _, change := range img.Changes {
		if tag := change.Target.Current.Tag; tag != img.Tag && !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	return tags
}

func messageText(req Request, outcome Outcome) (string, error) {
	var changes []string
	for _, change := range outcome.Changes() {
		changes = append(changes, describe(change))
	}
	subject, body := outcome.subject(req.To), strings.Join(changes, "\n")
	if req.Message.IsZero() {
		if source := promotedFrom(req, outcome); source != "" {
			subject += "\n\nPromoted from " + safetext.Line(source) + "."
		}
		return subject + "\n\n" + body, nil
	}
	values := outcome.values(req.To)
	values["Subject"], values["Changes"] = safetext.Line(subject), body
	text := strings.TrimSpace(req.Message.Fill(values))
	if text == "" {
		return "", fault.New(fault.Usage, "the commit's message is empty")
	}
	return text, nil
}

func describe(change plan.Change) string {
	from, to := FromTo(change)
	return record.Change(change.Target.File, change.Target.Path.String(), from, to)
}
