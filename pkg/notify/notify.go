// Package notify tells a chat, or a program, what a run came to: by an incoming webhook
// of Slack or of what takes the same messages, by a workflow of Microsoft Teams, or as
// plain JSON.
//
// Tags, names and errors come from outside. None of them can mention people or show a
// link as something else: Slack's control characters are escaped, an "@" is followed by a
// mark without a width, and Teams gets texts that it does not read as Markdown.
//
// This package makes the messages; somebody else sends them. One trap: the address of a
// webhook is a password. No error of this package repeats it.
package notify

import (
	"net/url"
	"strings"

	"github.com/tagbump/tagbump/pkg/placeholder"
)

// A Format is a kind of message that a webhook takes.
type Format string

// The formats.
const (
	Slack Format = "slack" // also Mattermost, Rocket.Chat and Discord's /slack
	Teams Format = "teams" // a workflow's "When a Teams webhook request is received"
	JSON  Format = "json"  // an [Event] as it is
)

// Formats returns the names of all formats.
func Formats() []string { return []string{string(Slack), string(Teams), string(JSON)} }

// FormatOf returns the format that the host of a webhook takes; JSON for others.
func FormatOf(webhook string) Format {
	u, err := url.Parse(webhook)
	if err != nil {
		return JSON
	}
	host := strings.ToLower(u.Hostname())
	below := func(domain string) bool { return strings.HasSuffix(host, "."+domain) }
	switch {
	case host == "hooks.slack.com", host == "hooks.slack-gov.com", strings.HasSuffix(strings.TrimSuffix(u.Path, "/"), "/slack"):
		return Slack
	case below("webhook.office.com"), below("logic.azure.com"), below("powerplatform.com"), below("powerplatform.us"):
		return Teams
	}
	return JSON
}

// Check explains why a text cannot be the address of a webhook; "" when it can be one.
// It does not repeat the text.
func Check(webhook string) string {
	u, err := url.Parse(webhook)
	switch {
	case err != nil:
		return "is not a URL"
	case u.Scheme != "https" && u.Scheme != "http", u.Host == "":
		return "must begin with https:// and a host"
	}
	return ""
}

// shortestToken is the length of the shortest part of an address that is taken for a
// token, and not for a word such as "production".
const shortestToken = 16

// Secrets returns the parts of a webhook's address by which somebody else could send to
// it.
func Secrets(webhook string) []string {
	secrets := []string{webhook}
	u, err := url.Parse(webhook)
	if err != nil {
		return secrets
	}
	if password, found := u.User.Password(); found {
		secrets = append(secrets, password)
	}
	parts := append(strings.Split(u.Path, "/"), strings.Trim(u.EscapedPath(), "/"), u.RawQuery)
	for _, values := range u.Query() {
		parts = append(parts, values...)
	}
	for _, part := range parts {
		if len(part) >= shortestToken {
			secrets = append(secrets, part)
		}
	}
	return secrets
}

// An Event is what a run came to. A field without a value is not told.
type Event struct {
	State       string  `json:"state"` // "pushed", "proposed", "failed" and so on
	Environment string  `json:"environment,omitempty"`
	Repository  string  `json:"repository,omitempty"` // for people, without credentials
	Images      []Image `json:"images"`
	Error       string  `json:"error,omitempty"` // without secrets
	Kind        string  `json:"kind,omitempty"`  // of the failure
	Hint        string  `json:"hint,omitempty"`
	TriggeredBy string  `json:"triggeredBy,omitempty"`
	Commit      string  `json:"commit,omitempty"`
	CommitURL   string  `json:"commitUrl,omitempty"`
	PullRequest string  `json:"pullRequestUrl,omitempty"`
	BuildURL    string  `json:"buildUrl,omitempty"`
}

// An Image is one image of a run.
type Image struct {
	Name     string `json:"image"`
	From     string `json:"from,omitempty"` // the tag before
	To       string `json:"to"`
	Revision string `json:"revision,omitempty"` // the source commit
}

// failed reports whether the event tells of a failure.
func (e Event) failed() bool { return e.Kind != "" }

// changed reports whether something was written, or has arrived in the cluster.
func (e Event) changed() bool {
	switch e.State {
	case "written", "committed", "pushed", "proposed", "done", "superseded":
		return true
	}
	return false
}

// On says which events are told.
type On string

// When to tell; the zero value is OnChanges.
const (
	OnChanges On = "changes" // also of failures
	OnFailure On = "failure"
	Always    On = "always"
)

// Ons returns the names of all of them.
func Ons() []string { return []string{string(OnChanges), string(OnFailure), string(Always)} }

// Tells reports whether an event is told.
func (o On) Tells(e Event) bool {
	switch o {
	case Always:
		return true
	case OnFailure:
		return e.failed()
	}
	return e.failed() || e.changed()
}

// Placeholders are those of a text that a person writes.
var Placeholders = []string{
	"Subject", "Image", "Tag", "PreviousTag", "Environment", "Repository", "State", "Error",
	"TriggeredBy", "Commit", "CommitURL", "PullRequest", "BuildURL",
}

// ParseText reads a text with placeholders.
func ParseText(text string) (placeholder.Text, error) {
	return placeholder.Parse(text, Placeholders...)
}

// values returns the values of the placeholders, each as escape makes it.
func (e Event) values(escape func(string) string) map[string]string {
	var first Image
	if len(e.Images) > 0 {
		first = e.Images[0]
	}
	values := map[string]string{
		"Subject": e.subject(), "Image": first.Name, "Tag": first.To, "PreviousTag": first.From,
		"Environment": e.Environment, "Repository": e.Repository, "State": e.State, "Error": e.Error,
		"TriggeredBy": e.TriggeredBy, "Commit": e.Commit, "CommitURL": e.CommitURL, "PullRequest": e.PullRequest, "BuildURL": e.BuildURL,
	}
	for name, value := range values {
		values[name] = escape(value)
	}
	return values
}
