package notify

import (
	"fmt"
	"strings"

	"github.com/tagbump/tagbump/pkg/safetext"
)

// shownImages is how many images a message names.
const shownImages = 10

// subject says in one line what happened: "production: acme/web 1.4.0 → 1.5.0 pushed".
func (e Event) subject() string {
	what := e.what()
	if e.Environment != "" {
		what = e.Environment + ": " + what
	}
	return safetext.Line(what)
}

func (e Event) what() string {
	if len(e.Images) == 0 {
		return e.done("no image")
	}
	text := e.Images[0].text()
	if more := len(e.Images) - 1; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return e.done(text)
}

// done adds what became of something.
func (e Event) done(what string) string {
	switch e.State {
	case "unchanged":
		return what + " is up to date"
	case "failed":
		return what + " failed"
	case "done":
		return what + " runs, healthy"
	case "superseded":
		return what + " was replaced by a later commit before it ran"
	case "proposed":
		return what + " proposed as a pull request"
	}
	return what + " " + e.State
}

// text is the image with both tags.
func (img Image) text() string {
	switch {
	case img.To == "":
		return img.Name
	case img.From == "" || img.From == img.To:
		return img.Name + " " + img.To
	}
	return img.Name + " " + img.From + " → " + img.To
}

// A fact is one line of a message: what it is called, its text and where it leads.
type fact struct{ name, text, link string }

// facts returns the facts of a result, in the order in which they are shown.
func (e Event) facts() []fact {
	var all []fact
	add := func(name, text, link string) {
		if text = safetext.Cut(safetext.Line(text), maxFact); text != "" {
			all = append(all, fact{name, text, webLink(link)})
		}
	}
	add("Error", e.Error, "")
	add("Hint", e.Hint, "")
	if len(e.Images) > 1 {
		for _, img := range e.Images[:min(shownImages, len(e.Images))] {
			add("Image", img.text(), "")
		}
		if more := len(e.Images) - shownImages; more > 0 {
			add("Image", fmt.Sprintf("and %d more", more), "")
		}
	}
	add("Repository", e.Repository, "")
	add("Commit", e.Commit[:min(10, len(e.Commit))], e.CommitURL)
	if e.PullRequest != "" {
		add("Pull request", e.PullRequest, e.PullRequest)
	}
	add("By", e.TriggeredBy, "")
	if e.BuildURL != "" {
		add("Build", e.BuildURL, e.BuildURL)
	}
	return all
}

// maxFact is the longest text of a fact, in bytes.
const maxFact = 600

// webLink returns link when a browser may open it, else "".
func webLink(link string) string {
	if strings.HasPrefix(link, "https://") || strings.HasPrefix(link, "http://") {
		return link
	}
	return ""
}
