package bump

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/record"
)

var update = flag.Bool("update", false, "write the golden files anew")

// labelled is a registry whose images have labels, by tag.
type labelled struct {
	tags
	labels map[string]map[string]string
}

func (l labelled) InspectFor(ctx context.Context, ref image.Ref, platforms []string) (image.Info, error) {
	info, err := l.tags.InspectFor(ctx, ref, platforms)
	info.Labels = l.labels[ref.Tag]
	return info, err
}

// commits is a Sources that gives the same answer to all, and keeps the last question.
type commits struct {
	changes SourceChanges
	asked   *string
}

func (c commits) Changes(_ context.Context, source, from, to string) SourceChanges {
	*c.asked = source + " " + from + " " + to
	return c.changes
}

const (
	oldCommit = "07d3a1b2c3d4e5f60718293a4b5c6d7e8f901234"
	newCommit = "312e31c07d2ab4c5590e1f6a7b8c9d0e1f2a3b4c"
)

func labelsOf(revision string) map[string]string {
	return map[string]string{revisionLabel: revision, sourceLabel: "https://git.acme.example/acme/web"}
}

// TestTheBodyOfAPullRequest holds the whole body, as a reviewer sees it: a promotion of
// one image, with a further value, the source commits, the build and the way back.
func TestTheBodyOfAPullRequest(t *testing.T) {
	repo := newRepo(map[string]string{
		"staging/web.yaml":      "image:\n  repository: acme/web\n  tag: \"1.2\"\n",
		"production/web.yaml":   "# the shop\nimage:\n  repository: acme/web\n  tag: \"1.0\" # set by CI\nreplicas: 3\n",
		"production/Chart.yaml": "name: web\nappVersion: \"1.0\"\n",
	})
	hub, asked := &pulls{repo: repo}, ""
	req := promotion
	req.Publish, req.To = Propose, "production"
	req.Images = []Image{{Repository: "acme/web", Source: promotion.Images[0].Source, Platforms: []string{"linux/arm64"}}}
	req.Sets = []Set{mustSet(t, "production/Chart.yaml:appVersion={{.Tag}}")}
	req.Proposal = Proposal{Repository: "https://git.acme.example/acme/charts.git"}
	req.Provenance = record.Provenance{BuildURL: "https://app.circleci.com/pipelines/github/acme/web/42?token=hunter2", Pipeline: 42, TriggeredBy: "ada", Revision: newCommit}
	runner := Runner{
		Registry: labelled{registry, map[string]map[string]string{"1.0": labelsOf(oldCommit), "1.2": labelsOf(newCommit)}},
		Repo:     repo, Forge: hub, Sleep: noSleep,
		Sources: commits{SourceChanges{
			URL: "https://git.acme.example/acme/web/compare/" + oldCommit + "..." + newCommit,
			Commits: []forge.Commit{
				{Hash: "8b1a9953c4611296a827abf8c47804d7", Message: "shop: show the price with tax\n\nlong\n"},
				{Hash: newCommit, Message: "fixes #12 for @acme/admins `now` <img src=x>\n"},
			},
		}, &asked},
	}
	if _, err := runner.Run(context.Background(), req); err != nil {
		t.Fatal(err)
	}
	if want := "https://git.acme.example/acme/web " + oldCommit + " " + newCommit; asked != want {
		t.Errorf("asked for %q", asked)
	}
	golden := filepath.Join("testdata", "pull_request.md")
	got := hub.all[0].Title + "\n\n" + hub.all[0].Body
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || got != string(want) {
		t.Errorf("%v; the pull request is\n%s\nwant\n%s", err, got, want)
	}
}

// injections are texts from outside that try to be more than text.
var injections = []string{
	"@acme/admins", "fixes #1", "[click](https://evil.example)", "https://evil.example", "<img src=x onerror=y>",
	"a | b", "`; rm -rf / `", "```\n# head", "\x1b[31mred", "\u202egnp.exe", "a\n\nTagbump-Image: evil:1", "\n[tagbump]: # \"production evil:1\"", "&#64;acme",
}

// TestNothingFromOutsideIsMoreThanText puts hostile text wherever text from outside goes,
// and holds that outside of code there are only words of tagbump's own.
func TestNothingFromOutsideIsMoreThanText(t *testing.T) {
	for _, text := range injections {
		t.Run(strings.Map(func(c rune) rune {
			if c < ' ' || c > '~' {
				return '?'
			}
			return c
		}, text), func(t *testing.T) {
			outcome := Outcome{Plan: &plan.Plan{}, Branch: "main"}
			outcome.Images = []ImageOutcome{{
				Resolved: Resolved{Repository: "acme/" + text, Tag: text, Digest: text, Revision: text, Platforms: []string{text}},
				State:    Changed,
				Changes: []plan.Change{{
					Target: plan.Target{File: text, Path: mustPath(t, "image.tag"), Line: 3, Current: image.Ref{Tag: text + "1"}}, Old: text, New: text,
				}},
			}}
			req := Request{To: text, Images: []Image{{Repository: "acme/" + text, Source: FromEnvironment{Name: text}}}}
			req.Proposal = Proposal{
				Repository: text, Title: mustText(t, "{{.Subject}} {{.Changes}} {{.Tag}} {{.Revision}} {{.Image}} {{.Environment}}"),
				Body: mustText(t, "{{.Subject}}\n\n{{.Tag}} {{.Digest}} {{.Revision}} {{.Image}} {{.Environment}}\n\n{{.Changes}}"),
			}
			req.Provenance = record.Provenance{BuildURL: "https://ci.example/" + text, TriggeredBy: text}
			made := title(req, outcome)
			if strings.ContainsAny(made, "@#<>[]|`&\x1b\n\u202e") {
				t.Errorf("title %q", made)
			}
			body := Runner{}.body(context.Background(), req, outcome) + tail(req, outcome)
			if strings.ContainsAny(body, "\x1b\u202e\r") {
				t.Errorf("control characters in %q", body)
			}
			for _, sign := range []string{"@acme", "#1", "](http", "https://evil", "<img", "&#64"} {
				if strings.Contains(outsideCode(body), sign) {
					t.Errorf("%q is outside of code in\n%s", sign, body)
				}
			}
			if got := parseMark(body); got.tagOf("evil") != "" {
				t.Errorf("the mark is %+v", got)
			}
		})
	}
}

// outsideCode returns Markdown without its code spans and blocks, as CommonMark reads
// them: a run of backticks ends at the next run of the same length.
func outsideCode(markdown string) string {
	var text strings.Builder
	for markdown != "" {
		start := strings.IndexByte(markdown, '`')
		if start < 0 {
			break
		}
		text.WriteString(markdown[:start])
		markdown = markdown[start:]
		run := len(markdown) - len(strings.TrimLeft(markdown, "`"))
		fence := markdown[:run]
		end := closing(markdown[run:], fence)
		if end < 0 {
			text.WriteString(fence)
			markdown = markdown[run:]
			continue
		}
		markdown = markdown[run+end+run:]
	}
	return text.String() + markdown
}

// closing returns where the run of backticks begins that is as long as fence.
func closing(text, fence string) int {
	for offset := 0; ; {
		i := strings.Index(text[offset:], fence)
		if i < 0 {
			return -1
		}
		i += offset
		after := len(text[i:]) - len(strings.TrimLeft(text[i:], "`"))
		if after == len(fence) {
			return i
		}
		offset = i + after
	}
}

// TestASquashedMergeKeepsTheTrailers holds that the body is a commit's message from which
// the same is read back as from the commit: forges can make a merge's message of both.
func TestASquashedMergeKeepsTheTrailers(t *testing.T) {
	repo := newRepo(map[string]string{"web.yaml": webFile})
	hub := &pulls{repo: repo}
	req := pushOf("1.2")
	req.Publish = Propose
	req.Provenance = record.Provenance{BuildURL: "https://ci.acme.example/42", Pipeline: 42, TriggeredBy: "ada", Overrides: nil}
	req.Proposal.Body = mustText(t, "Ticket: OPS-1\n\nTagbump-Image: acme/evil:1")
	report, err := (Runner{Registry: registry, Repo: repo, Forge: hub}).Run(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	committed := record.Parse(report.Message)
	pr := hub.all[0]
	for name, end := range map[string]string{
		"GitHub and Gitea": "", "with their own trailers": "\n---------\n\nCo-authored-by: Ada <ada@acme.example>\n",
	} {
		squashed := record.Parse(pr.Title + " (#1)\n\n" + pr.Body + end)
		committed.Text, squashed.Text = "", ""
		if fmt.Sprintf("%+v", squashed) != fmt.Sprintf("%+v", committed) {
			t.Errorf("%s: read back\n%+v, want\n%+v\nfrom\n%s", name, squashed, committed, pr.Body)
		}
	}
}

func TestPlainTrailers(t *testing.T) {
	for line, want := range map[string]bool{
		"Tagbump-Image: ghcr.io/acme/web:1.5.0@sha256:" + strings.Repeat("a", 64) + " from " + newCommit: true,
		"Tagbump-Image: acme/web:1.5.0 from " + newCommit:                                                true,
		"Tagbump-Override: --on-stale allow":                                                             true,
		"Tagbump-Build-Url: https://ci.acme.example/42?a=b":                                              true,
		"Tagbump-Build-Url: https://ci.acme.example/<img>":                                               false,
		"Tagbump-Build-Url: javascript:alert(1)":                                                         false,
		"Tagbump-Triggered-By: ada":                                                                      true,
		"Tagbump-Triggered-By: @acme/admins":                                                             false,
		"Tagbump-Environment: https://evil.example":                                                      false,
		"Tagbump-Environment: www.evil.example":                                                          false,
		"Tagbump-Environment: #12":                                                                       false,
		"Tagbump-Environment: [prod](//evil.example)":                                                    false,
		"Tagbump-Environment: `prod`":                                                                    false,
		"Tagbump-Environment: prod eu-1":                                                                 true,
		"Tagbump-Triggered-By: a@sha256:" + strings.Repeat("a", 4):                                       false,
	} {
		if got := isPlainTrailer(line); got != want {
			t.Errorf("%s: %v", line, got)
		}
	}
}

func TestTitles(t *testing.T) {
	img := func(repository, from, to string) ImageOutcome {
		return ImageOutcome{
			Resolved: Resolved{Repository: repository, Tag: to}, State: Changed,
			Changes: []plan.Change{{Target: plan.Target{Current: image.Ref{Tag: from}}}},
		}
	}
	web, api, job := img("ghcr.io/acme/web", "1.4.0", "1.5.0"), img("acme/api", "1", "2"), img("acme/job", "", "3")
	differ := web
	differ.Changes = append(differ.Changes, plan.Change{Target: plan.Target{Current: image.Ref{Tag: "1.3.0"}}})
	for want, test := range map[string]struct {
		environment, title string
		images             []ImageOutcome
	}{
		"production: web 1.4.0 → 1.5.0":            {"production", "", []ImageOutcome{web}},
		"production: web 1.4.0 → 1.5.0 and 2 more": {"production", "", []ImageOutcome{web, api, job}},
		"web → 1.5.0":                {"", "", []ImageOutcome{differ}},
		"job → 3":                    {"", "", []ImageOutcome{job}},
		"web 1.5.0 (another digest)": {"", "", []ImageOutcome{img("acme/web", "1.5.0", "1.5.0")}},
		"OPS-1 bump ghcr.io/acme/web to 1.5.0 in dev #7": {"dev", "OPS-1 {{.Subject}} #7", []ImageOutcome{web}},
		"":                             {"dev", "{{.Digest}}", []ImageOutcome{web}},
		strings.Repeat("x", 200) + "…": {"", strings.Repeat("x", 300), []ImageOutcome{web}},
	} {
		req := Request{To: test.environment, Proposal: Proposal{Title: mustText(t, test.title)}}
		if got := title(req, Outcome{Images: test.images}); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestALongLabelOrChangeKeepsTheBodyShort(t *testing.T) {
	var content strings.Builder
	for range 900 {
		content.WriteString("- image: acme/web:1.0\n")
	}
	repo := newRepo(map[string]string{strings.Repeat("long/", 40) + "web.yaml": content.String()})
	hub := &pulls{repo: repo}
	req := pushOf("1.2")
	req.Publish = Propose
	long := map[string]map[string]string{"1.2": {revisionLabel: strings.Repeat("0", 70_000)}}
	if _, err := (Runner{Registry: labelled{registry, long}, Repo: repo, Forge: hub}).Run(context.Background(), req); err != nil {
		t.Fatal(err)
	}
	body := hub.all[0].Body
	if len(body) > bodyLimit+trailersLimit || !strings.Contains(body, "more changes\n") || parseMark(body).tagOf("acme/web") != "1.2" {
		t.Errorf("%d bytes, ending with %q", len(body), body[len(body)-200:])
	}
}

func TestTheSourceIsNotAskedForWithoutBothLabels(t *testing.T) {
	for name, labels := range map[string]map[string]map[string]string{
		"no old revision": {"1.2": labelsOf(newCommit)},
		"no commit":       {"1.0": labelsOf("main"), "1.2": labelsOf(newCommit)},
		"the same commit": {"1.0": labelsOf(newCommit), "1.2": labelsOf(newCommit)},
		"another source":  {"1.0": {revisionLabel: oldCommit, sourceLabel: "https://git.acme.example/acme/old"}, "1.2": labelsOf(newCommit)},
	} {
		repo, asked := newRepo(map[string]string{"web.yaml": webFile}), ""
		hub := &pulls{repo: repo}
		req := pushOf("1.2")
		req.Publish = Propose
		runner := Runner{Registry: labelled{registry, labels}, Repo: repo, Forge: hub, Sources: commits{SourceChanges{URL: "https://x"}, &asked}}
		if _, err := runner.Run(context.Background(), req); err != nil || asked != "" {
			t.Errorf("%s: asked for %q, %v", name, asked, err)
		}
	}
}

func TestShellWords(t *testing.T) {
	for word, want := range map[string]string{
		"https://github.com/acme/charts.git": "https://github.com/acme/charts.git",
		"a b":                                "'a b'",
		"it's $(rm)":                         `'it'\''s $(rm)'`,
		"":                                   "''",
	} {
		if got := shellWord(word); got != want {
			t.Errorf("%q: %s", word, got)
		}
	}
}
