package notify

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/placeholder"
)

var pushed = Event{
	State: "pushed", Environment: "production", Repository: "https://github.com/acme/charts.git",
	Images:      []Image{{Name: "acme/web", From: "1.4.0", To: "1.5.0"}},
	TriggeredBy: "ada", Commit: "0123456789abcdef0123456789abcdef01234567",
	CommitURL: "https://github.com/acme/charts/commit/0123456789abcdef0123456789abcdef01234567",
	BuildURL:  "https://circleci.com/gh/acme/web/7",
}

var failed = Event{
	State: "failed", Environment: "production", Kind: "guard", Images: []Image{{Name: "acme/web", To: "1.4.0"}},
	Error: "values.yaml:3: acme/web: 1.4.0 is older than the deployed 1.5.0", Hint: "to go back on purpose, give --on-stale allow",
}

// hostile has in every field what a chat obeys.
var hostile = func() Event {
	const bad = "<!channel> <@U1|ada> @here @all [x](https://evil.example) *b* ~s~ `c` |<https://evil.example|ok> &lt;!here&gt; <at>ada</at>\n<!everyone>\x1b[31m"
	return Event{
		State: bad, Environment: bad, Repository: bad, Error: bad, Kind: bad, Hint: bad, TriggeredBy: bad, Commit: bad,
		CommitURL: "javascript:" + bad, PullRequest: "https://git.example/" + bad, BuildURL: "https://ci.example/7|" + bad,
		Images: []Image{{bad, bad, bad, bad}, {bad, bad, bad, bad}},
	}
}()

func mustPayload(t *testing.T, f Format, e Event, text string) []byte {
	t.Helper()
	parsed, err := ParseText(text)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := f.Payload(e, parsed)
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

func slackOf(t *testing.T, payload []byte) string {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(payload, &doc); err != nil || len(doc) != 1 {
		t.Fatalf("invalid_payload: %v in %s", err, payload)
	}
	text, _ := doc["text"].(string)
	if strings.TrimSpace(text) == "" {
		t.Fatal("no_text")
	}
	return text
}

func TestSlackOfAPush(t *testing.T) {
	want := `:white_check_mark: *production: acme/web 1.4.0 → 1.5.0 pushed*
Repository: https://github.com/acme/charts.git
Commit: <https://github.com/acme/charts/commit/0123456789abcdef0123456789abcdef01234567|0123456789>
By: ada
Build: <https://circleci.com/gh/acme/web/7|https://circleci.com/gh/acme/web/7>`
	if got := slackOf(t, mustPayload(t, Slack, pushed, "")); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestSlackOfAFailure(t *testing.T) {
	want := `:x: *production: acme/web 1.4.0 failed*
Error: values.yaml:3: acme/web: 1.4.0 is older than the deployed 1.5.0
Hint: to go back on purpose, give --on-stale allow`
	if got := slackOf(t, mustPayload(t, Slack, failed, "")); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// TestWhatAWaitSaw holds the words for what tagbump wait saw arrive.
func TestWhatAWaitSaw(t *testing.T) {
	for state, want := range map[string]string{
		"done":       "staging: acme/web 1.5.0 runs, healthy",
		"superseded": "staging: acme/web 1.5.0 was replaced by a later commit before it ran",
	} {
		e := Event{State: state, Environment: "staging", Images: []Image{{Name: "acme/web", To: "1.5.0"}}}
		if got := slackOf(t, mustPayload(t, Slack, e, "")); got != ":white_check_mark: *"+want+"*" {
			t.Errorf("%s: got %s", state, got)
		}
	}
}

func TestSlackOfSeveralImages(t *testing.T) {
	e := Event{State: "proposed", PullRequest: "https://github.com/acme/charts/pull/7"}
	for i := range 12 {
		e.Images = append(e.Images, Image{Name: fmt.Sprintf("acme/app%d", i), From: "1", To: "2"})
	}
	want := `:white_check_mark: *acme/app0 1 → 2 and 11 more proposed as a pull request*
Image: acme/app0 1 → 2
Image: acme/app1 1 → 2
Image: acme/app2 1 → 2
Image: acme/app3 1 → 2
Image: acme/app4 1 → 2
Image: acme/app5 1 → 2
Image: acme/app6 1 → 2
Image: acme/app7 1 → 2
Image: acme/app8 1 → 2
Image: acme/app9 1 → 2
Image: and 2 more
Pull request: <https://github.com/acme/charts/pull/7|https://github.com/acme/charts/pull/7>`
	if got := slackOf(t, mustPayload(t, Slack, e, "")); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// slackControl is what Slack reads as a control sequence.
var slackControl = regexp.MustCompile(`<[^>]*>?`)

// checkSlack holds that a text has no control sequence but links of ours, and no mention
// of Slack or of a server that is compatible with it.
func checkSlack(t *testing.T, text string) {
	t.Helper()
	for _, control := range slackControl.FindAllString(text, -1) {
		if !regexp.MustCompile(`^<https?://[^<>|]*\|[^<>|]*>$`).MatchString(control) {
			t.Errorf("Slack obeys %q in:\n%s", control, text)
		}
	}
	if regexp.MustCompile(`@[a-zA-Z]`).MatchString(text) {
		t.Errorf("a mention in:\n%s", text)
	}
	if strings.Contains(text, "](") || strings.Contains(text, "\x1b") {
		t.Errorf("a link or an escape in:\n%s", text)
	}
}

func TestNothingFromOutsideIsObeyedBySlack(t *testing.T) {
	checkSlack(t, slackOf(t, mustPayload(t, Slack, hostile, "")))
	checkSlack(t, slackOf(t, mustPayload(t, Slack, hostile, "{{.Subject}} {{.Image}} {{.Tag}} {{.Error}} {{.TriggeredBy}} {{.BuildURL}} {{.Environment}}")))
}

func TestAPersonsOwnWordsMayMention(t *testing.T) {
	got := slackOf(t, mustPayload(t, Slack, pushed, "<!here> {{.Image}} {{.Tag}} is live: {{.CommitURL}}"))
	want := "<!here> acme/web 1.5.0 is live: https://github.com/acme/charts/commit/0123456789abcdef0123456789abcdef01234567"
	if got != want {
		t.Errorf("got %q", got)
	}
}

func TestSlackTextsAreShort(t *testing.T) {
	long := failed
	long.Error, long.Hint, long.Repository = strings.Repeat("x", 900), strings.Repeat("y", 900), strings.Repeat("z", 900)
	long.BuildURL = "https://ci.example/" + strings.Repeat("a", 900)
	got := slackOf(t, mustPayload(t, Slack, long, ""))
	if len(got) > maxSlack || strings.Count(got, "<") != strings.Count(got, ">") {
		t.Errorf("%d bytes:\n%s", len(got), got)
	}
	if got := slackOf(t, mustPayload(t, Slack, long, strings.Repeat("x", 5000))); len(got) > maxSlack+len("…") {
		t.Errorf("%d bytes", len(got))
	}
}

// teamsOf is what a workflow of Teams does with a message; it refuses what Teams does.
func teamsOf(t *testing.T, payload []byte) (texts, links []string) {
	t.Helper()
	if len(payload) > 28<<10 {
		t.Fatalf("Teams refuses %d bytes", len(payload))
	}
	var doc struct {
		Type        string
		Attachments []struct {
			ContentType string
			ContentURL  *string
			Content     struct {
				Schema  string `json:"$schema"`
				Type    string
				Version string
				Body    []struct {
					Type    string
					Inlines []struct{ Type, Text, Size, Weight, Color string }
				}
				Actions []struct{ Type, Title, URL string }
			}
		}
	}
	if err := json.Unmarshal(payload, &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Type != "message" || len(doc.Attachments) != 1 || doc.Attachments[0].ContentType != "application/vnd.microsoft.card.adaptive" {
		t.Fatalf("not a message with a card: %s", payload)
	}
	card := doc.Attachments[0].Content
	if card.Type != "AdaptiveCard" || card.Version != "1.4" || len(card.Body) == 0 {
		t.Fatalf("not a card: %s", payload)
	}
	for _, block := range card.Body {
		if block.Type != "RichTextBlock" {
			t.Errorf("a %s may read Markdown", block.Type)
		}
		text := ""
		for _, run := range block.Inlines {
			if run.Type != "TextRun" {
				t.Errorf("a run of type %q", run.Type)
			}
			text += run.Text
		}
		texts = append(texts, text)
	}
	for _, action := range card.Actions {
		if action.Type != "Action.OpenUrl" || !strings.HasPrefix(action.URL, "http") {
			t.Errorf("Teams refuses the action %+v", action)
		}
		links = append(links, action.Title+" "+action.URL)
	}
	return texts, links
}

func TestTeamsOfAPush(t *testing.T) {
	texts, links := teamsOf(t, mustPayload(t, Teams, pushed, ""))
	if want := []string{"production: acme/web 1.4.0 → 1.5.0 pushed", "Repository: https://github.com/acme/charts.git", "Commit: 0123456789", "By: ada"}; !slices.Equal(texts, want) {
		t.Errorf("texts %q", texts)
	}
	if want := []string{"Open: commit " + pushed.CommitURL, "Open: build " + pushed.BuildURL}; !slices.Equal(links, want) {
		t.Errorf("links %q", links)
	}
	texts, links = teamsOf(t, mustPayload(t, Teams, pushed, "{{.Image}} is at\n{{.Tag}}"))
	if !slices.Equal(texts, []string{"acme/web is at", "1.5.0"}) || len(links) != 2 {
		t.Errorf("%q, %q", texts, links)
	}
}

func TestTeamsOfHostileTexts(t *testing.T) {
	_, links := teamsOf(t, mustPayload(t, Teams, hostile, ""))
	if len(links) != 2 || strings.Contains(strings.Join(links, " "), "javascript:") {
		t.Errorf("links %q", links)
	}
	teamsOf(t, mustPayload(t, Teams, hostile, "{{.Error}}"))
}

func TestJSON(t *testing.T) {
	want := `{"schema":1,"summary":"production: acme/web 1.4.0 failed","state":"failed","environment":"production",` +
		`"images":[{"image":"acme/web","to":"1.4.0"}],"error":"values.yaml:3: acme/web: 1.4.0 is older than the deployed 1.5.0",` +
		`"kind":"guard","hint":"to go back on purpose, give --on-stale allow"}`
	if got := string(mustPayload(t, JSON, failed, "")); got != want {
		t.Errorf("got %s", got)
	}
	if got := string(mustPayload(t, JSON, failed, "{{.State}}!")); !strings.HasPrefix(got, `{"schema":1,"summary":"failed!",`) {
		t.Errorf("got %s", got)
	}
}

func TestSubject(t *testing.T) {
	for want, e := range map[string]Event{
		"acme/web 1.5.0 is up to date":    {State: "unchanged", Images: []Image{{Name: "acme/web", From: "1.5.0", To: "1.5.0"}}},
		"no image failed":                 {State: "failed"},
		"staging: acme/web failed":        {State: "failed", Environment: "staging", Images: []Image{{Name: "acme/web"}}},
		"acme/web 1.0 → 1.1 committed":    {State: "committed", Images: []Image{{Name: "acme/web", From: "1.0", To: "1.1"}}},
		"acme/web 1.1 and 1 more written": {State: "written", Images: []Image{{Name: "acme/web", To: "1.1"}, {Name: "acme/api", To: "2"}}},
	} {
		if got := e.subject(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestUnknownPlaceholdersAreRefused(t *testing.T) {
	if _, err := ParseText("{{.Password}}"); err == nil {
		t.Error("it was taken")
	}
	values := pushed.values(plain)
	for _, name := range Placeholders {
		if _, found := values[name]; !found {
			t.Errorf("{{.%s}} has no value", name)
		}
	}
	if len(values) != len(Placeholders) {
		t.Errorf("%d values for %d placeholders", len(values), len(Placeholders))
	}
}

func TestFormatOf(t *testing.T) {
	for webhook, want := range map[string]Format{
		"https://hooks.slack.com/services/T0/B0/x":                                    Slack,
		"https://hooks.slack-gov.com/services/T0/B0/x":                                Slack,
		"https://HOOKS.SLACK.COM/services/T0/B0/x":                                    Slack,
		"https://discord.com/api/webhooks/1/x/slack":                                  Slack,
		"https://acme.webhook.office.com/webhookb2/x":                                 Teams,
		"https://prod-1.westeurope.logic.azure.com:443/workflows/x":                   Teams,
		"https://default1.0.environment.api.powerplatform.com:443/powerautomate/x?y=": Teams,
		"https://hooks.slack.com.evil.example/services/x":                             JSON,
		"https://chat.acme.example/hooks/x":                                           JSON,
		"https://logic.azure.com/x":                                                   JSON,
		"::":                                                                          JSON,
	} {
		if got := FormatOf(webhook); got != want {
			t.Errorf("%s: %s", webhook, got)
		}
	}
}

func TestCheck(t *testing.T) {
	for webhook, want := range map[string]string{
		"https://hooks.slack.com/services/x": "", "http://127.0.0.1:8065/hooks/x": "",
		"hooks.slack.com/services/s3cret": "must begin with https:// and a host", "https:///s3cret": "must begin with https:// and a host",
		"https://a.example/%zz": "is not a URL",
	} {
		if got := Check(webhook); got != want {
			t.Errorf("%s: %q", webhook, got)
		}
	}
}

func TestSecrets(t *testing.T) {
	got := Secrets("https://ci:pass@hooks.slack.com/services/T0/B0/abcdefghijklmnopqrst?sig=ABCDEFGHIJKLMNOPQRST&api=1")
	for _, want := range []string{
		"https://ci:pass@hooks.slack.com/services/T0/B0/abcdefghijklmnopqrst?sig=ABCDEFGHIJKLMNOPQRST&api=1", "services/T0/B0/abcdefghijklmnopqrst",
		"abcdefghijklmnopqrst", "ABCDEFGHIJKLMNOPQRST", "sig=ABCDEFGHIJKLMNOPQRST&api=1", "pass",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("%q is no secret", want)
		}
	}
	if slices.Contains(got, "services") || slices.Contains(got, "1") {
		t.Errorf("words are secrets: %q", got)
	}
	if got := Secrets("https://relay.acme.example/production?team=web"); len(got) != 1 {
		t.Errorf("words are secrets: %q", got)
	}
	if got := Secrets("https://a.example/%zz"); !slices.Equal(got, []string{"https://a.example/%zz"}) {
		t.Errorf("got %q", got)
	}
}

func TestTells(t *testing.T) {
	states := []Event{
		{State: "unchanged"},
		{State: "written"},
		{State: "committed"},
		{State: "pushed"},
		{State: "proposed"},
		{State: "done"},
		{State: "superseded"},
		{State: "failed", Kind: "guard"},
	}
	for on, want := range map[On][]bool{
		"":        {false, true, true, true, true, true, true, true},
		OnChanges: {false, true, true, true, true, true, true, true},
		OnFailure: {false, false, false, false, false, false, false, true},
		Always:    {true, true, true, true, true, true, true, true},
	} {
		for i, e := range states {
			if got := on.Tells(e); got != want[i] {
				t.Errorf("%s, %s: %v", on, e.State, got)
			}
		}
	}
}

func FuzzPayload(f *testing.F) {
	f.Add(hostile.Error)
	f.Fuzz(func(t *testing.T, text string) {
		e := Event{State: text, Environment: text, Repository: text, Error: text, Kind: text, Hint: text, TriggeredBy: text, Commit: text, CommitURL: text, BuildURL: "https://" + text, Images: []Image{{text, text, text, text}}}
		payload, err := Slack.Payload(e, placeholder.Text{})
		if err != nil {
			t.Fatal(err)
		}
		checkSlack(t, slackOf(t, payload))
		if payload, err = Teams.Payload(e, placeholder.Text{}); err != nil {
			t.Fatal(err)
		}
		teamsOf(t, payload)
	})
}
