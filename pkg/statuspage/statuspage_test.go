package statuspage

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/history"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/policy"
	"github.com/tagbump/tagbump/pkg/status"
)

var now = time.Date(2026, 11, 26, 9, 30, 0, 0, time.UTC)

func report() status.Report {
	hours := func(n int) time.Time { return now.Add(-time.Duration(n) * time.Hour) }
	return status.Report{
		Where: "github.com/acme/charts", At: now, Environments: []string{"staging", "production"},
		Images: []status.Image{
			{
				Repository: "ghcr.io/acme/web", Policy: `semver "^1"`, Suggestion: policy.Suggestion{Why: "releases"},
				Newest: &status.Build{Tag: "1.5.0", Created: hours(1), Missing: []string{"linux/arm64"}},
				Cells: []status.Cell{
					{Deployed: []status.Deployed{{Build: status.Build{Tag: "1.5.0", Created: hours(1)}, Behind: status.Behind{Known: true}}}},
					{Deployed: []status.Deployed{{
						Build: status.Build{Tag: "1.4.0", Created: hours(72)}, Behind: status.Behind{Known: true, Tags: 2, By: 71 * time.Hour},
						Places: []plan.Target{{File: "web/prod.yaml", Line: 4}, {File: "web/jobs.yaml", Line: 9}},
					}}},
				},
			},
			{Repository: "job", Cells: []status.Cell{{}, {Deployed: []status.Deployed{{Build: status.Build{Tag: "9"}, Gone: true}}}}, Errs: []error{errors.New("job: 503")}},
		},
		Events: []history.Event{
			{Environment: "production", Image: "ghcr.io/acme/web", When: hours(100), Kind: history.Promotion, From: history.Value{Tag: "1.3.0"}, To: history.Value{Tag: "1.4.0"}, Who: "Ada <ada@acme.example>"},
			{Environment: "staging", Image: "ghcr.io/acme/web", When: hours(1), Kind: history.Bump, To: history.Value{Tag: "1.5.0"}},
		},
	}
}

// TestThePage holds the lines of a page that people and browsers go by.
func TestThePage(t *testing.T) {
	page := Write(report())
	for _, want := range []string{
		"<title>Deployed: github.com/acme/charts</title>",
		`<p class="lead">2 images in 2 environments, as of <time datetime="2026-11-26T09:30:00Z">26 Nov 2026, 09:30 UTC</time></p>`,
		`<li class="bad"><b>1</b> to look at</li>`,
		`<li class="behind"><b>1</b> behind</li>`,
		`<li class="good"><b>1</b> up to date</li>`,
		`<th scope="row" data-key="ghcr.io/acme/web"><span class="folder">ghcr.io/acme/</span><span class="name">web</span><span class="policy" title="suggested: semver &#34;^1&#34;">semver &#34;^1&#34;</span></th>`,
		`<td data-label="production" data-key="2"><div class="deployed behind"><code class="short" title="web/prod.yaml:4, web/jobs.yaml:9">1.4.0</code><time datetime="2026-11-23T09:30:00Z" title="created 23 Nov 2026, 09:30 UTC">3 d</time><span class="note">2 behind (2 d)</span></div></td>`,
		`<td class="absent" data-label="staging" data-key="-2">not there</td>`,
		`<td data-label="production" data-key="1000000"><div class="deployed bad"><code class="short" title="">9</code><span class="note">not in the registry</span></div></td>`,
		`<span class="note">no linux/arm64</span>`,
		`<td class="absent" data-label="newest" data-key="-1">not known</td>`,
		`class="promotion"><title>ghcr.io/acme/web 1.3.0 -&gt; 1.4.0, promotion, Ada, 22 Nov 2026, 05:30 UTC</title></circle>`,
		"<li>job: 503</li>",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks\n%s", want)
		}
	}
	if addresses := regexp.MustCompile(`(?:src|href)="[^"]*"|url\([^)]*\)|@import`).FindAllString(page, -1); !slices.Equal(addresses, []string{`href="data:,"`}) {
		t.Errorf("the page asks for %q", addresses)
	}
}

// TestTextsStayTexts holds that nothing from outside becomes an element, an
// attribute or a format.
func TestTextsStayTexts(t *testing.T) {
	const evil = `"'><script>x</script>%s` + "\x1b[2J\u202e"
	r := report()
	r.Where, r.Environments[0] = evil, evil
	r.Images[0].Repository, r.Images[0].Policy = "acme/"+evil, evil
	r.Images[0].Newest.Tag, r.Images[0].Newest.Missing = evil, []string{evil}
	r.Images[0].Cells[0].Deployed[0].Tag = evil
	r.Images[0].Cells[0].Deployed[0].Missing = []string{evil}
	r.Images[0].Cells[1].Deployed[0].Places[0].File = evil
	r.Images[1].Errs = []error{errors.New(evil)}
	r.Events[0].Who, r.Events[1].Environment, r.Events[1].To.Tag = evil, evil, evil
	page := Write(r)
	if n := strings.Count(page, "<script>"); n != 1 {
		t.Errorf("%d scripts", n)
	}
	for _, bad := range []string{"><script>x", "\x1b", "\u202e", "%!", "MISSING"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
}

func TestAPageWithoutAnything(t *testing.T) {
	page := Write(status.Report{Where: "empty", At: now})
	if strings.Contains(page, "When tags were set") || strings.Contains(page, "Not known") || !strings.Contains(page, "0 images in 0 environments") {
		t.Error(page)
	}
}

func TestTicks(t *testing.T) {
	for _, test := range []struct {
		length time.Duration
		want   string
	}{
		{0, "08:45 09:00 09:15"},
		{3 * time.Hour, "07:00 08:00 09:00"},
		{100 * time.Hour, "23 Nov 24 Nov 25 Nov 26 Nov"},
		{30 * 24 * time.Hour, "2 Nov 9 Nov 16 Nov 23 Nov"},
		{3 * 365 * 24 * time.Hour, "Aug 2024 Aug 2025 Aug 2026"},
	} {
		var texts []string
		for _, tick := range newAxis(now.Add(-test.length), now).ticks() {
			texts = append(texts, tick.text)
		}
		if got := fmt.Sprint(strings.Join(texts, " ")); got != test.want {
			t.Errorf("%v: got %q, want %q", test.length, got, test.want)
		}
	}
}
