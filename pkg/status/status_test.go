package status_test

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/history"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/policy"
	"github.com/tagbump/tagbump/pkg/status"
)

// folder is a repository of files in memory.
type folder struct {
	bump.Repo
	fstest.MapFS
	reads *int
}

func (f folder) Read(context.Context, bump.Revision, files.Selection) (bump.Tree, error) {
	*f.reads++
	return tree{f.MapFS}, nil
}

func (folder) AtHand() {}

type tree struct{ fstest.MapFS }

func (tree) Branch() string { return "main" }
func (tree) Tip() string    { return "c0" }

// builds is a registry: the images of each repository by their tags.
type builds map[string]map[string]image.Info

func (b builds) TagsWithPrefix(_ context.Context, repository, _ string) ([]string, error) {
	if strings.HasPrefix(repository, "down.example/") {
		return nil, fmt.Errorf("%s: 503: %w", repository, fault.Unavailable)
	}
	if len(b[repository]) == 0 {
		return nil, fmt.Errorf("%s: no such repository: %w", repository, fault.NotFound)
	}
	return slices.Collect(maps.Keys(b[repository])), nil
}

func (b builds) InspectFor(ctx context.Context, ref image.Ref, _ []string) (image.Info, error) {
	if _, err := b.TagsWithPrefix(ctx, ref.Repository, ""); err != nil {
		return image.Info{}, err
	}
	if info, found := b[ref.Repository][ref.Tag]; found {
		return info, nil
	}
	return image.Info{}, fmt.Errorf("%s: no such tag: %w", ref, fault.NotFound)
}

func (b builds) InspectAll(_ context.Context, repository string, _ []string) (map[string]image.Info, error) {
	return b[repository], nil
}

func (builds) First(context.Context, string, []string, func(image.Info) bool) (string, bool, error) {
	panic("not asked for")
}

func (builds) WaitForTag(context.Context, image.Ref, time.Duration, func(time.Duration)) error {
	panic("not asked for")
}

var now = time.Date(2026, 1, 10, 12, 0, 0, 0, time.UTC)

func built(hoursAgo int, platforms ...string) image.Info {
	return image.Info{Digest: fmt.Sprintf("sha256:%064d", hoursAgo), Created: now.Add(-time.Duration(hoursAgo) * time.Hour), Platforms: platforms}
}

var registry = builds{
	"acme/web": {
		"1.4.0": built(72, "linux/amd64", "linux/arm64"), "1.4.1": built(48, "linux/amd64"),
		"1.5.0": built(1, "linux/amd64", "linux/arm64"), "latest": built(1), "pr-7": built(2),
	},
	"acme/job": {"90be1d7": built(100), "4f2a91c": built(50)},
}

// shop has two environments of a chart, and overlays.
var shop = map[string]string{
	"web/Chart.yaml":             "name: web\n",
	"web/values.yaml":            "image:\n  repository: acme/web\n  tag: \"\"\n",
	"web/values-staging.yaml":    "image:\n  tag: 1.5.0\n",
	"web/values-production.yaml": "image:\n  tag: 1.4.0\n",
	"jobs/production.yaml":       "image: acme/job:90be1d7\n---\nimage: acme/job:4f2a91c\n",
	"jobs/staging.yaml":          "image: down.example/acme/tool:3\n",
	"jobs/mirror.yaml":           "image: acme/web:pr-7\n",
	".github/workflows/ci.yaml":  "image: acme/ci:1\n",
}

func ask(t *testing.T, content map[string]string, q status.Question) (status.Report, int) {
	t.Helper()
	repo := folder{MapFS: fstest.MapFS{}, reads: new(int)}
	for name, text := range content {
		repo.MapFS[name] = &fstest.MapFile{Data: []byte(text)}
	}
	q.At, q.Where = now, "the shop"
	report, err := status.Make(context.Background(), bump.Runner{Repo: repo, Registry: registry}, q)
	if err != nil {
		t.Fatal(err)
	}
	return report, *repo.reads
}

func areas(names ...string) []bump.Area {
	var all []bump.Area
	for _, name := range names {
		all = append(all, bump.Area{Name: name, Files: files.MustSelect("web/values-"+name+".yaml", "jobs/"+name+".yaml")})
	}
	return all
}

func web(t *testing.T) bump.Image {
	t.Helper()
	p, err := policy.New(policy.Rule{Semver: ">=1"})
	if err != nil {
		t.Fatal(err)
	}
	return bump.Image{Repository: "acme/web", Policy: p, Platforms: []string{"linux/amd64", "linux/arm64"}}
}

func TestTheProjectsEnvironments(t *testing.T) {
	report, reads := ask(t, shop, status.Question{Areas: areas("staging", "production"), Images: []bump.Image{web(t)}})
	if reads != 1 {
		t.Errorf("the repository was read %d times", reads)
	}
	want := `IMAGE     STAGING     PRODUCTION        NEWEST
acme/web  1.5.0  1 h  1.4.0  3 d        1.5.0  1 h
                        2 behind (2 d)
`
	if got := status.Table(report, 80); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if err := report.Err(); err != nil {
		t.Error(err)
	}
}

func TestEnvironmentsAreRecognised(t *testing.T) {
	report, _ := ask(t, shop, status.Question{Suggest: true})
	want := `acme/job
  production  90be1d7  4 d
              4f2a91c  2 d
  newest      ?
acme/web
  production  1.4.0  3 d, 2 behind (2 d)
  staging     1.5.0  1 h
  shared      pr-7  2 h
  newest      1.5.0  1 h
down.example/acme/tool
  staging     3, the registry does not answer
  newest      ?
`
	if got := status.Table(report, 60); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	err := report.Err()
	if err == nil || fault.KindOf(err) != fault.Unavailable || err.Error() != "down.example/acme/tool: 503: unavailable" {
		t.Errorf("got %v", err)
	}
	if web := report.Images[1]; !web.IsSuggested() || web.Policy != `semver "^1"` {
		t.Errorf("got %+v", web)
	}
}

func TestStates(t *testing.T) {
	place := func(tag string) map[string]string {
		return map[string]string{"a.yaml": "image: acme/web:" + tag + "\n"}
	}
	for _, test := range []struct {
		name, tag string
		state     string
		notes     []string
	}{
		{"the newest", "1.5.0", "current", nil},
		{"an older one that lacks a platform", "1.4.1", "behind", []string{"no linux/arm64", "1 behind (47 h)"}},
		{"another tag of the newest image", "latest", "current", []string{"no linux/amd64, linux/arm64"}},
		{"one that the policy does not permit", "pr-7", "other", []string{"no linux/amd64, linux/arm64"}},
		{"one that the registry lost", "1.3.9", "gone", []string{"not in the registry"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			report, _ := ask(t, place(test.tag), status.Question{Images: []bump.Image{web(t)}})
			got := report.Images[0].Cells[0].Deployed[0]
			if got.State() != test.state || !reflect.DeepEqual(got.Notes(), test.notes) {
				t.Errorf("got %s, %q", got.State(), got.Notes())
			}
		})
	}
}

func TestAnImageThatIsNowhere(t *testing.T) {
	report, _ := ask(t, shop, status.Question{Areas: areas("staging"), Images: []bump.Image{{Repository: "acme/job"}}})
	want := `IMAGE     STAGING  NEWEST
acme/job  -        ?
`
	if got := status.Table(report, 80); got != want {
		t.Errorf("got\n%s", got)
	}
	if got := status.Table(report, 10); got != "acme/job\n  staging  -\n  newest   ?\n" {
		t.Errorf("got\n%s", got)
	}
	if got := status.Table(status.Report{}, 80); got != "no images\n" {
		t.Errorf("got %q", got)
	}
}

// TestTextFromOutsideStaysText holds that a tag in a file can neither obey a
// terminal nor write Markdown.
func TestTextFromOutsideStaysText(t *testing.T) {
	evil := status.Report{Environments: []string{"a|b\x1b[31m"}, Images: []status.Image{{
		Repository: "acme/web`<img>", Cells: []status.Cell{{Deployed: []status.Deployed{{Build: status.Build{Tag: "x`|<script>\x1b[2J\n::set-output"}}}}},
	}}}
	if got := status.Table(evil, 200); strings.ContainsAny(got, "\x1b") || strings.Count(got, "\n") != 2 {
		t.Errorf("%q", got)
	}
	want := "| image | `a\\|b[31m` | newest |\n|---|---|---|\n| ``acme/web`<img>`` | ``x`\\|<script>[2J ::set-output`` | ? |\n"
	if got := status.Markdown(evil); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestMarkdown(t *testing.T) {
	report, _ := ask(t, shop, status.Question{Areas: areas("staging", "production"), Images: []bump.Image{web(t), {Repository: "acme/job"}}})
	want := "| image | `staging` | `production` | newest |\n|---|---|---|---|\n" +
		"| `acme/web` | `1.5.0`, 1 h | `1.4.0`, 3 d, **2 behind (2 d)** | `1.5.0`, 1 h |\n" +
		"| `acme/job` |  | `90be1d7`, 4 d<br>`4f2a91c`, 2 d | ? |\n"
	if got := status.Markdown(report); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Hour: "0 min", 0: "0 min", 59 * time.Minute: "59 min", time.Hour: "1 h", 47 * time.Hour: "47 h", 48 * time.Hour: "2 d", 1000 * time.Hour: "41 d",
	} {
		if got := status.Age(d); got != want {
			t.Errorf("%v: got %q", d, got)
		}
	}
}

// dated is a folder with a history: two commits, the newer one a rollback of production.
type dated struct {
	folder
	asked *[]string
	err   error
}

func (d dated) History(_ context.Context, _ bump.Revision, names []string, _ int) (bump.History, error) {
	*d.asked = append(*d.asked, strings.Join(names, " "))
	back := history.Commit{Hash: "b1", Author: "Ada <ada@acme.example>", When: now.Add(-2 * time.Hour), Message: "roll back acme/web to 1.4.0 in production\n\nTagbump-Kind: rollback\n"}
	first := history.Commit{Hash: "a0", Author: "ci", When: now.Add(-50 * time.Hour), Message: "bump"}
	oldest := history.Commit{Hash: "90", Author: "ci", When: now.Add(-90 * time.Hour), Message: "begin"}
	tag := func(text string) []byte { return []byte("image:\n  tag: " + text + "\n") }
	return bump.History{Commits: []history.Commit{back, first, oldest}, Files: map[string][]bump.Version{
		"web/values-production.yaml": {{Commit: 0, Data: tag("1.4.0")}, {Commit: 1, Data: tag("1.5.0")}, {Commit: 2, Data: tag("1.4.0")}},
		"web/values-staging.yaml":    {{Commit: 1, Data: tag("1.4.1")}, {Commit: 2, Data: tag("1.4.0")}},
	}}, d.err
}

// pulls is a forge with one pull request for production.
type pulls struct {
	forge.Host
	asked *[]string
	err   error
}

func (p pulls) Open(_ context.Context, base string) ([]forge.PullRequest, error) {
	*p.asked = append(*p.asked, base)
	return []forge.PullRequest{{Number: 7, Body: "[tagbump]: # \"production acme/web:1.6.0\"\n"}, {Number: 8, Body: "a person's"}}, p.err
}

func askBeside(t *testing.T, historyErr, forgeErr, healthErr error) (report status.Report, asked []string) {
	t.Helper()
	repo := dated{folder{MapFS: fstest.MapFS{}, reads: new(int)}, &asked, historyErr}
	for name, text := range shop {
		repo.MapFS[name] = &fstest.MapFile{Data: []byte(text)}
	}
	var forges []string
	q := status.Question{
		At: now, Areas: areas("staging", "production"), Images: []bump.Image{web(t), {Repository: "acme/job"}}, Commits: 10,
		Health: func(_ context.Context, environment string) ([]status.Application, error) {
			if environment == "staging" {
				return nil, nil
			}
			return []status.Application{{Name: "shop", Summary: "Synced, Degraded", Images: []string{"acme/web:1.4.0"}}}, healthErr
		},
	}
	report, err := status.Make(context.Background(), bump.Runner{Repo: repo, Registry: registry, Forge: pulls{asked: &forges, err: forgeErr}}, q)
	if err != nil {
		t.Fatal(err)
	}
	return report, append(asked, forges...)
}

// TestWhatIsBesideTheRegistry holds that history and forge are asked once, and that a
// tag that the newest commit did not set has no author: the file has been edited since.
func TestWhatIsBesideTheRegistry(t *testing.T) {
	report, asked := askBeside(t, nil, nil, nil)
	if want := []string{"jobs/production.yaml web/values-production.yaml web/values-staging.yaml", "main"}; !slices.Equal(asked, want) {
		t.Errorf("asked %q", asked)
	}
	want := `IMAGE     STAGING     PRODUCTION                NEWEST
acme/web  1.5.0  1 h  1.4.0  3 d                1.5.0  1 h
                        2 behind (2 d)
                        rolled back from 1.5.0
                        set 2 h ago by Ada
                        shop: Synced, Degraded
                        #7 sets 1.6.0
`
	got := status.Table(report, 80)
	if got, _, _ = strings.Cut(got, "acme/job"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if len(report.Images[1].Cells[1].Health) != 0 {
		t.Error("an application counts for an image that it does not run")
	}
	if len(report.Events) != 5 {
		t.Errorf("%d events", len(report.Events))
	}
	if got := status.Markdown(report); !strings.Contains(got, "**2 behind (2 d)**, **rolled back** from `1.5.0`, set 2 h ago by `Ada`<br>**`shop` `Synced, Degraded`**<br>pull request 7 sets `1.6.0` |") {
		t.Error(got)
	}
}

// TestWhatCannotBeAskedLeavesCellsEmpty holds that the rest of the report is there, and
// that its error names the missing part.
func TestWhatCannotBeAskedLeavesCellsEmpty(t *testing.T) {
	down := fmt.Errorf("503: %w", fault.Unavailable)
	hidden := fmt.Errorf("404: %w", fault.NotFound)
	for _, test := range []struct {
		history, forge, health error
		want                   string
		kind                   fault.Kind
	}{
		{down, nil, nil, "history: 503: unavailable", fault.Unavailable},
		{nil, down, nil, "pull requests: 503: unavailable", fault.Unavailable},
		{nil, hidden, nil, "pull requests: 404: not found", fault.NoAccess},
		{nil, nil, down, "health of production: 503: unavailable", fault.Unavailable},
	} {
		report, _ := askBeside(t, test.history, test.forge, test.health)
		err := report.Err()
		if err == nil || err.Error() != test.want || fault.KindOf(err) != test.kind {
			t.Errorf("got %v (%v), want %s", err, fault.KindOf(err), test.want)
		}
		cell := report.Images[0].Cells[1]
		if cell.Deployed[0].Tag != "1.4.0" || (cell.Deployed[0].Set == nil) != (test.history != nil) || (len(cell.Pending) == 0) != (test.forge != nil) {
			t.Errorf("%s: got %+v", test.want, cell)
		}
	}
}
