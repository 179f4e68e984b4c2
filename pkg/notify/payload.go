package notify

import (
	"encoding/json"
	"strings"

	"github.com/tagbump/tagbump/pkg/placeholder"
	"github.com/tagbump/tagbump/pkg/safetext"
)

// Payload returns the message for a webhook. With a text of a person's, that is the
// message, filled with the event's values; his own words are sent as they are.
func (f Format) Payload(e Event, text placeholder.Text) ([]byte, error) {
	switch f {
	case Slack:
		return json.Marshal(slackDoc{slackText(e, text)})
	case Teams:
		return json.Marshal(newTeamsDoc(e, text))
	}
	if text.IsZero() {
		return json.Marshal(jsonDoc{1, e.subject(), e})
	}
	return json.Marshal(jsonDoc{1, text.Fill(e.values(plain)), e})
}

// jsonDoc is the plain form. Summary is for people.
type jsonDoc struct {
	Schema  int    `json:"schema"`
	Summary string `json:"summary"`
	Event
}

func plain(s string) string { return safetext.Line(s) }

// slackDoc has a text only: everything that calls itself compatible with Slack shows it.
type slackDoc struct {
	Text string `json:"text"`
}

// maxSlack is the longest text that is sent, in bytes. Slack cuts at 40,000 characters,
// Discord refuses more than 2,000.
const maxSlack = 1900

func slackText(e Event, text placeholder.Text) string {
	if !text.IsZero() {
		return safetext.Cut(text.Fill(e.values(slackEscape)), maxSlack)
	}
	var b strings.Builder
	b.WriteString(slackSign(e) + " *" + slackEscape(e.subject()) + "*")
	for _, fact := range e.facts() {
		line := "\n" + fact.name + ": " + slackEscape(fact.text)
		if fact.link != "" {
			line = "\n" + fact.name + ": <" + slackEscape(fact.link) + "|" + slackEscape(fact.text) + ">"
		}
		if b.Len()+len(line) > maxSlack { // a whole line, so that no link is cut in two
			break
		}
		b.WriteString(line)
	}
	return b.String()
}

// slackSign is the emoji that begins a message.
func slackSign(e Event) string {
	switch {
	case e.failed():
		return ":x:"
	case e.changed():
		return ":white_check_mark:"
	}
	return ":information_source:"
}

// slackEscapes are Slack's three control characters and, for servers that are compatible
// with Slack: a mark without a width behind "@", so that it mentions nobody, and other
// characters for those of links and formats.
// https://api.slack.com/reference/surfaces/formatting#escaping
var slackEscapes = strings.NewReplacer(
	"&", "&amp;", "<", "&lt;", ">", "&gt;",
	"@", "@\u200b", "|", "\u2223", "*", "\u2217", "~", "\u223c", "`", "'", "[", "(", "]", ")",
)

func slackEscape(s string) string { return slackEscapes.Replace(safetext.Line(s)) }

// The documents below are a Teams message with an Adaptive Card.
// https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
type (
	teamsDoc struct {
		Type        string       `json:"type"`
		Attachments []attachment `json:"attachments"`
	}
	attachment struct {
		ContentType string  `json:"contentType"`
		ContentURL  *string `json:"contentUrl"` // must be there, and null
		Content     card    `json:"content"`
	}
	card struct {
		Schema  string   `json:"$schema"`
		Type    string   `json:"type"`
		Version string   `json:"version"`
		Body    []block  `json:"body"`
		Actions []action `json:"actions,omitempty"`
	}
	block struct {
		Type    string `json:"type"`
		Inlines []run  `json:"inlines"`
	}
	run struct {
		Type   string `json:"type"`
		Text   string `json:"text"`
		Size   string `json:"size,omitempty"`
		Weight string `json:"weight,omitempty"`
		Color  string `json:"color,omitempty"`
	}
	action struct {
		Type  string `json:"type"`
		Title string `json:"title"`
		URL   string `json:"url"`
	}
)

// newTeamsDoc makes a card of text runs: Teams shows them as they are, while it reads
// Markdown in plain text blocks.
func newTeamsDoc(e Event, text placeholder.Text) teamsDoc {
	shown := card{Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4"}
	if text.IsZero() {
		shown.Body = append(shown.Body, line(run{Text: e.subject(), Size: "Medium", Weight: "Bolder", Color: teamsColor(e)}))
	} else {
		for _, one := range strings.Split(text.Fill(e.values(plain)), "\n") {
			shown.Body = append(shown.Body, line(run{Text: one}))
		}
	}
	for _, fact := range e.facts() {
		if fact.link != "" {
			shown.Actions = append(shown.Actions, action{"Action.OpenUrl", "Open: " + strings.ToLower(fact.name), fact.link})
		}
		if text.IsZero() && fact.text != fact.link {
			shown.Body = append(shown.Body, line(run{Text: fact.name + ": ", Weight: "Bolder"}, run{Text: fact.text}))
		}
	}
	return teamsDoc{"message", []attachment{{"application/vnd.microsoft.card.adaptive", nil, shown}}}
}

func line(runs ...run) block {
	for i := range runs {
		runs[i].Type = "TextRun"
	}
	return block{"RichTextBlock", runs}
}

func teamsColor(e Event) string {
	switch {
	case e.failed():
		return "Attention"
	case e.changed():
		return "Good"
	}
	return "Default"
}
