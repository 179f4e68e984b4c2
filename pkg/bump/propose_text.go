package bump

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/record"
	"github.com/tagbump/tagbump/pkg/redact"
	"github.com/tagbump/tagbump/pkg/safetext"
)

// asked returns what the forge is asked for.
func (r Runner) asked(ctx context.Context, req Request, at scene, outcome Outcome) (forge.Proposal, error) {
	look := req.Proposal
	asked := forge.Proposal{
		Base: at.Branch(), Head: outcome.Head, Labels: look.Labels, Reviewers: look.Reviewers, Assignees: look.Assignees,
		Draft: look.Draft, AutoMerge: look.AutoMerge,
	}
	switch {
	case outcome.Head == at.Branch():
		return asked, fault.Errorf(fault.Usage, "the pull request's branch is %s, which it is to change", safetext.Line(outcome.Head)).WithHint("give --pr-branch another name")
	case strings.HasPrefix(outcome.Head, "refs/"):
		return asked, fault.Errorf(fault.Usage, "the pull request's branch is %q: that is a ref and not the name of a branch", outcome.Head).
			WithHint("write it without refs/heads/")
	}
	asked.Title = title(req, outcome)
	if asked.Title == "" {
		return asked, fault.New(fault.Usage, "the pull request's title is empty").WithHint("see --title, and title in the project file")
	}
	asked.Body = r.body(ctx, req, outcome)
	return asked, nil
}

// titleLimit is the longest title in bytes. GitHub takes 256 characters, GitLab 255.
const titleLimit = 200

// title is the pull request's: "production: web 1.4.0 → 1.5.0 and 2 more", or, as in
// the commit, "roll back acme/web to 1.4.0 in production".
func title(req Request, outcome Outcome) string {
	text := outcome.title(req.To)
	if !req.Proposal.Title.IsZero() {
		values := outcome.values(req.To)
		values["Subject"], values["Changes"] = outcome.subject(req.To), text
		for name, value := range values {
			values[name] = plain(value)
		}
		text = req.Proposal.Title.Fill(values)
	}
	return safetext.Cut(safetext.Line(text), titleLimit)
}

func (o Outcome) title(environment string) string {
	if o.goesBack() {
		return plain(o.subject(environment))
	}
	images := o.changedImages()
	text := ""
	if len(images) > 0 {
		first := images[0]
		text = plain(image.BaseName(first.Repository)) + " " + fromTo(first)
	}
	if len(images) > 1 {
		text += fmt.Sprintf(" and %d more", len(images)-1)
	}
	if environment != "" {
		text = plain(environment) + ": " + text
	}
	return text
}

// fromTo returns "1.4.0 → 1.5.0", without the first part when the places differ.
func fromTo(img ImageOutcome) string {
	from, to := img.from().Tag, plain(img.Tag)
	switch from {
	case "":
		return "→ " + to
	case img.Tag:
		return to + " (another digest)"
	}
	return plain(from) + " → " + to
}

// from returns the tag and digest that all places of the image had, or the zero Ref.
func (img ImageOutcome) from() image.Ref {
	var from image.Ref
	for i, change := range img.Changes {
		current := image.Ref{Tag: change.Target.Current.Tag, Digest: change.Target.Current.Digest}
		if i > 0 && current != from {
			return image.Ref{}
		}
		from = current
	}
	return from
}

var notPlain = lazyregexp.New(`[^\w./:,+→() -]`)

// plain spells text from outside for a title, which forges put into mails and commits:
// no mention, no reference to an issue, no Markdown, no HTML.
func plain(text string) string { return notPlain.ReplaceAllString(safetext.Line(text), "?") }

// The limits of a pull request's body. Forges refuse a longer body (Bitbucket: 32,768
// characters, GitHub: 65,536); a diff that does not fit is left out, because the forge
// shows it anyway.
const (
	bodyLimit     = 26_000
	tableLimit    = 20_000
	trailersLimit = 4_000
	commitsLimit  = 20
)

// body is the pull request's, in Markdown. Whatever comes from files, labels, variables,
// forges or the registry is shown as code, so that no mention, link or HTML in it works.
func (r Runner) body(ctx context.Context, req Request, outcome Outcome) string {
	text := r.defaultBody(ctx, req, outcome)
	if !req.Proposal.Body.IsZero() {
		values := outcome.values(req.To)
		values["Subject"] = outcome.subject(req.To)
		for name, value := range values {
			values[name] = safetext.Code(value)
		}
		values["Changes"] = text
		text = strings.TrimSpace(req.Proposal.Body.Fill(values)) + "\n"
	}
	return text
}

// tail ends the body: the mark for later runs, and the commit's trailers for merges that
// make one commit of title and body, whose last paragraph they must be.
func tail(req Request, outcome Outcome) string {
	text := ""
	if mark := outcome.mark(req).String(); mark != "" {
		text = "\n" + mark + "\n"
	}
	said, err := message(req, outcome)
	if err != nil {
		return text // which is the error of the commit
	}
	trailers := slices.DeleteFunc(said.Trailers(), func(line string) bool { return !isPlainTrailer(line) })
	if block := "\n" + strings.Join(trailers, "\n") + "\n"; len(trailers) > 0 && len(block) < trailersLimit {
		text += block
	}
	return text
}

// isPlainTrailer reports whether a trailer is nothing but text in Markdown: no mention, no
// link but the build's page, no reference to an issue.
func isPlainTrailer(line string) bool {
	if page, isBuild := strings.CutPrefix(line, "Tagbump-Build-Url: "); isBuild {
		return buildPage.MatchString(page)
	}
	return plainTrailer.MatchString(line) && !strings.Contains(line, "//") && !strings.Contains(line, "www.")
}

var plainTrailer = lazyregexp.New(`^Tagbump-[A-Za-z-]+: [\w./:+ -]+(@sha256:[0-9a-f]{64}( from [0-9A-Fa-f]{7,64})?)?$`)

func (r Runner) defaultBody(ctx context.Context, req Request, outcome Outcome) string {
	var b strings.Builder
	if source := promotedFrom(req, outcome); source != "" {
		fmt.Fprintf(&b, "Promoted from %s.\n\n", safetext.Code(source))
	}
	writeTable(&b, outcome)
	for _, img := range outcome.changedImages() {
		if b.Len() > tableLimit {
			break
		}
		b.WriteString("\n" + details(img))
		b.WriteString(r.sourceChanges(ctx, req, img))
	}
	writeOrigin(&b, req.Provenance)
	writeRollback(&b, req, outcome)
	if diff := safetext.Fence("diff", string(outcome.Plan.Diff())); b.Len()+len(diff) < bodyLimit {
		fmt.Fprintf(&b, "\n<details><summary>diff</summary>\n\n%s</details>\n", diff)
	}
	return b.String()
}

// promotedFrom returns the environment that all the changed images' tags come from.
func promotedFrom(req Request, outcome Outcome) string {
	from := ""
	for _, img := range outcome.changedImages() {
		source, promoted := req.image(img.Repository).Source.(FromEnvironment)
		if !promoted || from != "" && from != source.Name {
			return ""
		}
		from = source.Name
	}
	return from
}

func writeTable(b *strings.Builder, outcome Outcome) {
	b.WriteString("| image | from | to | file and line |\n|---|---|---|---|\n")
	left := 0
	row := func(what string, change plan.Change) {
		if b.Len() > tableLimit {
			left++
			return
		}
		from, to := FromTo(change)
		fmt.Fprintf(b, "| %s | %s | %s | %s, line %d |\n", cell(what), cell(from), cell(to), cell(change.Target.File), change.Target.Line)
	}
	for _, img := range outcome.Images {
		for _, change := range img.Changes {
			row(img.Repository, change)
		}
	}
	for _, change := range outcome.Sets {
		row(change.Target.Path.String(), change)
	}
	if left > 0 {
		fmt.Fprintf(b, "\nand %d more changes\n", left)
	}
}

// cellLimit is the longest text in a cell of the table, in bytes.
const cellLimit = 300

func cell(s string) string { return safetext.Cell(safetext.Cut(s, cellLimit)) }

// details lists the digest, the platforms and the source commit of an image.
func details(img ImageOutcome) string {
	text := safetext.Code(img.Repository + ":" + img.Tag)
	if img.Digest != "" {
		text += " is " + safetext.Code(img.Digest)
	}
	if len(img.Platforms) > 0 {
		text += " for " + safetext.Code(safetext.Cut(strings.Join(img.Platforms, ", "), cellLimit))
	}
	if record.IsRevision(img.Revision) {
		text += ", built from " + safetext.Code(img.Revision)
	}
	return text + "\n"
}

// A Sources knows the repositories from which images are built.
type Sources interface {
	// Changes returns the commits between two commits of the repository that an image
	// names as its source. It asks the forge where it may.
	Changes(ctx context.Context, source, from, to string) SourceChanges
}

// SourceChanges are the commits between two commits.
type SourceChanges struct {
	URL     string         // of the page that compares them; "" when the forge is not known
	Commits []forge.Commit // the oldest first; none when the forge was not asked
}

// The labels by which an image names its source.
const sourceLabel = "org.opencontainers.image.source"

// sourceChanges lists the source commits between the old image and the new one, "" when
// one of the two does not name them.
func (r Runner) sourceChanges(ctx context.Context, req Request, img ImageOutcome) string {
	from := img.from()
	wanted := req.image(img.Repository)
	if r.Sources == nil || r.Registry == nil || wanted.Unverified || from.Tag == "" || from.Tag == img.Tag {
		return ""
	}
	old, err := r.Registry.InspectFor(ctx, image.Ref{Repository: img.Repository, Tag: from.Tag}, wanted.mainPlatform())
	if err != nil {
		return "" // the old image may be gone; the pull request does without it
	}
	now, err := r.Registry.InspectFor(ctx, image.Ref{Repository: img.Repository, Tag: img.Tag}, wanted.mainPlatform())
	first, last, source := old.Labels[revisionLabel], now.Labels[revisionLabel], now.Labels[sourceLabel]
	if err != nil || !record.IsRevision(first) || !record.IsRevision(last) || first == last || old.Labels[sourceLabel] != source {
		return ""
	}
	changes := r.Sources.Changes(ctx, source, first, last)
	if changes.URL == "" {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n[Source commits %.10s to %.10s](<%s>)", first, last, changes.URL)
	if len(changes.Commits) > 0 {
		b.WriteString(":\n\n")
	}
	for i, commit := range changes.Commits {
		if i == commitsLimit {
			fmt.Fprintf(&b, "- and %d more", len(changes.Commits)-i)
			break
		}
		subject := record.Message{Text: commit.Message}.Subject()
		fmt.Fprintf(&b, "- %s %s\n", safetext.Code(fmt.Sprintf("%.10s", commit.Hash)), safetext.Code(safetext.Cut(subject, cellLimit)))
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// writeOrigin says which build asked for the change, and for whom. Its address is a link
// only if nothing in it can be more than an address.
func writeOrigin(b *strings.Builder, p record.Provenance) {
	address := safetext.Line(redact.URL(p.BuildURL))
	switch {
	case buildPage.MatchString(address):
		fmt.Fprintf(b, "\nBuild: <%s>\n", address)
	case address != "":
		fmt.Fprintf(b, "\nBuild: %s\n", safetext.Code(address))
	}
	if p.TriggeredBy != "" {
		fmt.Fprintf(b, "\nStarted by: %s\n", safetext.Code(safetext.Cut(safetext.Line(p.TriggeredBy), cellLimit)))
	}
}

var buildPage = lazyregexp.New(`^https://[\w.-]+(:\d+)?(/[\w./=?&%~-]*)?$`)

// writeRollback says how to go back, where a command can.
func writeRollback(b *strings.Builder, req Request, outcome Outcome) {
	if req.To == "" || req.Proposal.Repository == "" {
		return
	}
	words := []string{"tagbump", "rollback"}
	for _, img := range outcome.changedImages() {
		words = append(words, img.Repository)
	}
	words = append(words, "--env", req.To, "--repo", req.Proposal.Repository)
	for i, word := range words {
		words[i] = shellWord(safetext.Line(word))
	}
	b.WriteString("\nTo go back once it is merged:\n\n" + safetext.Fence("sh", strings.Join(words, " ")))
}

var safeInShell = lazyregexp.New(`^[\w./:@%+=-]+$`)

// shellWord spells a word for a POSIX shell.
func shellWord(s string) string {
	if safeInShell.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
