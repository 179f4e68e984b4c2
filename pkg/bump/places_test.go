package bump

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/policy"
)

// selecting is a repository that returns the selected files only, and remembers
// at which revisions it was read.
type selecting struct {
	*memoryRepo
	reads *[]Revision
}

func (s selecting) Read(ctx context.Context, at Revision, selection files.Selection) (Tree, error) {
	*s.reads = append(*s.reads, at)
	tree, err := s.memoryRepo.Read(ctx, at, selection)
	if err != nil {
		return nil, err
	}
	all := tree.(memoryTree)
	chosen := fstest.MapFS{}
	for name, file := range all.MapFS {
		if selection.Includes(name) {
			chosen[name] = file
		}
	}
	return memoryTree{chosen, all.branch, all.tip}, nil
}

// shop is a repository with a chart, an umbrella chart over it, and values for
// two environments.
func shop() *memoryRepo {
	return newRepo(map[string]string{
		"web/Chart.yaml":              "apiVersion: v2\nname: web\nversion: 0.1.0\n",
		"web/values.yaml":             "image:\n  repository: acme/web\n  tag: \"1.0\"\n",
		"web/values-production.yaml":  "replicas: 3\nimage:\n  tag: \"1.1\"\n",
		"web/values-staging.yaml":     "image:\n  tag: \"1.1\"\n",
		"all/Chart.yaml":              "apiVersion: v2\nname: all\nversion: 0.1.0\ndependencies:\n  - {name: web, version: 0.1.0, repository: file://../web}\n",
		"all/values.yaml":             "global: {}\n",
		"all/values-production.yaml":  "web:\n  image:\n    tag: \"1.1\" # umbrella\n",
		"other/values-something.yaml": "image:\n  tag: \"1.1\"\n",
	})
}

// run runs a request that saves, and returns what was logged.
func run(t *testing.T, repo Repo, req Request) (Report, []string, error) {
	t.Helper()
	var talk []string
	runner := Runner{Registry: registry, Repo: repo, Sleep: noSleep, Log: func(format string, args ...any) { talk = append(talk, fmt.Sprintf(format, args...)) }}
	req.Publish = Save
	report, err := runner.Run(context.Background(), req)
	return report, talk, err
}

func TestAnOverlayIsUnderstoodWithTheFilesBesideIt(t *testing.T) {
	for _, test := range []struct {
		file  string
		reads []Revision
		want  string
	}{
		{"web/values-production.yaml", []Revision{{}}, "replicas: 3\nimage:\n  tag: \"1.2\"\n"},
		{"all/values-production.yaml", []Revision{{}, {Branch: "main", Commit: "c0"}}, "web:\n  image:\n    tag: \"1.2\" # umbrella\n"},
	} {
		repo := shop()
		var reads []Revision
		req := pushOf("1.2")
		req.Files = files.MustSelect(test.file)
		report, _, err := run(t, selecting{repo, &reads}, req)
		if err != nil {
			t.Errorf("%s: %v", test.file, err)
			continue
		}
		if got := repo.file(t, "main", test.file); got != test.want || len(report.Plan.Files) != 1 {
			t.Errorf("%s:\n%s", test.file, report.Plan.Diff())
		}
		if !slices.Equal(reads, test.reads) {
			t.Errorf("%s: reads %+v, want %+v", test.file, reads, test.reads)
		}
	}
}

func TestALostRaceReadsAllThatIsNeededAtOnce(t *testing.T) {
	repo := shop()
	repo.rivals = []func(*memoryRepo){func(r *memoryRepo) { r.write("main", r.branches["main"].MapFS, nil) }}
	var reads []Revision
	req := pushOf("1.2")
	req.Files = files.MustSelect("all/values-production.yaml")
	report, _, err := run(t, selecting{repo, &reads}, req)
	want := []Revision{{}, {Branch: "main", Commit: "c0"}, {}}
	if err != nil || report.Attempts != 2 || !slices.Equal(reads, want) {
		t.Errorf("%v, %d attempts, reads %+v", err, report.Attempts, reads)
	}
}

// atHand is a folder.
type atHand struct{ selecting }

func (atHand) AtHand() {}

// broken is a folder with a file that cannot be read.
type broken struct{ atHand }

func (b broken) Read(ctx context.Context, at Revision, selection files.Selection) (Tree, error) {
	tree, err := b.atHand.Read(ctx, at, selection)
	if err == nil && selection.Includes("huge.yaml") {
		return nil, fmt.Errorf("huge.yaml: %w", files.ErrTooLarge)
	}
	return tree, err
}

func TestAllFilesOfAFolderHelp(t *testing.T) {
	for name, wrap := range map[string]func(selecting) Repo{
		"folder":             func(s selecting) Repo { return atHand{s} },
		"an unreadable file": func(s selecting) Repo { return broken{atHand{s}} },
	} {
		repo := shop()
		var reads []Revision
		req := pushOf("1.2")
		req.Files = files.MustSelect("all/values-production.yaml")
		report, _, err := run(t, wrap(selecting{repo, &reads}), req)
		if err != nil || !report.Changed() {
			t.Errorf("%s: %v", name, err)
		}
		if name == "folder" && len(reads) != 1 {
			t.Errorf("read %d times", len(reads))
		}
	}
}

func TestPlacesOfSeveralEnvironmentsAreNotChangedTogether(t *testing.T) {
	environments := map[string]string{
		"apps/web/production/deploy.yaml": "image: acme/web:1.1\n",
		"apps/web/staging/deploy.yaml":    "image: acme/web:1.1\n",
		"apps/web/base/deploy.yaml":       "image: acme/web:1.1\n",
	}
	for _, test := range []struct {
		name    string
		content map[string]string
		change  func(*Request)
		want    string
	}{
		{
			"two environments", environments, nil,
			"acme/web: is written in several environments or with several tags, and not all of them are 1.2\n" +
				"  production 1.1  apps/web/production/deploy.yaml:1\n" +
				"  staging    1.1  apps/web/staging/deploy.yaml:1\n" +
				"  (shared)   1.1  apps/web/base/deploy.yaml:1",
		},
		{
			"two tags in one file",
			map[string]string{"pods.yaml": "a: {image: acme/web:1.0}\nb: {image: acme/web:1.1}\nc: {image: acme/web:1.1}\nd: {image: acme/web:1.1}\ne: {image: acme/web:1.1}\n"},
			nil,
			"acme/web: is written in several environments or with several tags, and not all of them are 1.2\n" +
				"   1.0  pods.yaml:1\n" +
				"   1.1  pods.yaml:2, pods.yaml:3, pods.yaml:4 and 1 more",
		},
		{"with All", environments, func(req *Request) { req.All = true }, ""},
		{"with files", environments, func(req *Request) { req.Files = files.MustSelect("apps/**") }, ""},
		{"with an environment", environments, func(req *Request) { req.To = "all" }, ""},
		{"one tag, no environments", map[string]string{"a.yaml": "image: acme/web:1.1\n", "b.yaml": "image: acme/web:1.1\n"}, nil, ""},
		{"a place without a tag", map[string]string{"a.yaml": "image: acme/web:1.1\n", "b.yaml": "image: acme/web\n"}, nil, ""},
		{"all have the tag already", map[string]string{"production/a.yaml": "image: acme/web:1.2\n", "staging/a.yaml": "image: acme/web:1.2\n"}, nil, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			repo := newRepo(test.content)
			req := pushOf("1.2")
			if test.change != nil {
				test.change(&req)
			}
			_, _, err := run(t, repo, req)
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || err.Error() != test.want || fault.KindOf(err) != fault.Usage || len(repo.saves) != 0 {
				t.Errorf("got:\n%v\nwant:\n%s", err, test.want)
			}
			if hint := fault.HintOf(err); hint != "choose with --env or --file, or change all of them with --all" {
				t.Errorf("hint: %s", hint)
			}
		})
	}
}

func TestAGivenTagObeysThePolicy(t *testing.T) {
	releases := &policy.Rule{Match: `^\d+\.\d+$`}
	for _, test := range []struct {
		name string
		rule *policy.Rule
		tag  string
		on   OnMismatch
		want string
		tags string // of the file afterwards
	}{
		{"of the policy", releases, "1.2", FailOnMismatch, "", "1.2"},
		{"not of the policy", releases, "blue", FailOnMismatch, "acme/web: tag \"blue\" is not one of its policy (match \"^\\d+\\.\\d+$\", order semver): does not match", "1.0"},
		{"skipped", releases, "blue", SkipOnMismatch, "", "1.0"},
		{"allowed", releases, "blue", AllowMismatch, "", "blue"},
		{"outside the range", &policy.Rule{Semver: "<1"}, "1.2.0", FailOnMismatch, "acme/web: tag \"1.2.0\" is not one of its policy (semver \"<1\"): outside the range", "1.0"},
		{"only the order cannot read it", &policy.Rule{Order: policy.Numerical}, "blue", FailOnMismatch, "", "blue"},
		{"no policy", nil, "blue", FailOnMismatch, "", "blue"},
	} {
		t.Run(test.name, func(t *testing.T) {
			repo := newRepo(map[string]string{"a.yaml": "image: acme/web:1.0\n"})
			req := pushOf(test.tag)
			req.OnMismatch, req.Images[0].Unverified = test.on, true
			if test.rule != nil {
				req.Images[0].Policy = mustPolicy(t, *test.rule)
			}
			report, _, err := run(t, repo, req)
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || err.Error() != test.want || fault.KindOf(err) != fault.Guard):
				t.Errorf("got %v, want %s", err, test.want)
			}
			if got := repo.file(t, "main", "a.yaml"); got != "image: acme/web:"+test.tags+"\n" {
				t.Errorf("file: %s", got)
			}
			if test.on == SkipOnMismatch && (len(report.Images) != 1 || report.Images[0].State != Mismatched) {
				t.Errorf("images: %+v", report.Images)
			}
		})
	}
}

func TestASkippedTagDoesNotStopTheOthers(t *testing.T) {
	repo := newRepo(map[string]string{"a.yaml": "- image: acme/web:1.0\n- image: acme/api:6\n"})
	req := pushOf("blue")
	req.OnMismatch = SkipOnMismatch
	req.Images[0].Policy = mustPolicy(t, policy.Rule{Match: `^\d`})
	req.Images = append(req.Images, Image{Repository: "acme/api", Source: Given{Tag: "7"}})
	report, _, err := run(t, repo, req)
	if err != nil || repo.file(t, "main", "a.yaml") != "- image: acme/web:1.0\n- image: acme/api:7\n" || len(report.Images) != 2 {
		t.Errorf("%v, %+v", err, report.Images)
	}
}

func TestNamesAndPathsOfAnImage(t *testing.T) {
	repo := newRepo(map[string]string{
		"a.yaml": "image: mirror.acme.example/acme/web:1.0\n",
		"b.yaml": "image: acme/web:1.0\n",
		"c.yaml": "backend:\n  version: \"1.0\"\n",
	})
	req := pushOf("1.2")
	req.Images[0].As = []string{"mirror.acme.example/acme/web", "acme/web"}
	report, _, err := run(t, repo, req)
	if err != nil || len(report.Changes()) != 2 {
		t.Errorf("as: %v, %+v", err, report.Changes())
	}
	req = pushOf("1.2")
	req.Images[0].Paths = []keypath.Path{mustPath(t, "backend.version")}
	report, _, err = run(t, repo, req)
	if err != nil || repo.file(t, "main", "c.yaml") != "backend:\n  version: \"1.2\"\n" || len(report.Changes()) != 1 {
		t.Errorf("path: %v, %+v", err, report.Changes())
	}
}

func TestPromotionByPath(t *testing.T) {
	repo := newRepo(map[string]string{"staging/v.yaml": "backend: {version: \"1.2\"}\n", "production/v.yaml": "backend: {version: \"1.0\"}\n"})
	req := promotion
	req.Images = slices.Clone(req.Images)
	req.Images[0].Paths = []keypath.Path{mustPath(t, "backend.version")}
	_, _, err := run(t, repo, req)
	if got := repo.file(t, "main", "production/v.yaml"); err != nil || got != "backend: {version: \"1.2\"}\n" {
		t.Errorf("%v: %s", err, got)
	}
}

func TestLeftPlacesAreToldOnceForEachReason(t *testing.T) {
	repo := newRepo(map[string]string{
		"web.yaml":                   webFile,
		".circleci/config.yml":       "jobs:\n  build: {docker: [{image: acme/web:1.0}]}\n  test: {docker: [{image: acme/web:1.0}]}\n",
		".github/workflows/test.yml": "jobs: {test: {container: {image: acme/web:1.0}}}\n",
	})
	repo.rivals = []func(*memoryRepo){func(r *memoryRepo) { r.write("main", r.branches["main"].MapFS, nil) }}
	report, talk, err := run(t, repo, pushOf("1.2"))
	if err != nil || report.Attempts != 2 || len(report.Images[0].Left) != 3 {
		t.Fatalf("%v, %d attempts, %+v", err, report.Attempts, report.Images)
	}
	left := slices.DeleteFunc(talk, func(line string) bool { return !strings.Contains(line, "left as it is") })
	if len(left) != 1 || !strings.Contains(left[0], " (and 2 more): ") {
		t.Errorf("said %q", talk)
	}
}

func TestEachMessageIsGivenOnce(t *testing.T) {
	repo := newRepo(map[string]string{"a.yaml": strings.Repeat("- image: acme/web:blue\n", 200)})
	req := pushOf("1.2")
	req.Images[0].Unverified = true
	_, talk, err := run(t, repo, req)
	if err != nil || len(talk) != 1 {
		t.Errorf("%v, %d messages: %q", err, len(talk), talk[:min(3, len(talk))])
	}
}

func TestAllThatIsWrongIsSaidAtOnce(t *testing.T) {
	repo := newRepo(map[string]string{"a.yaml": "- image: acme/web:1.2\n- image: acme/api:7\n"})
	req := pushOf("1.1")
	req.Images = append(req.Images, Image{Repository: "acme/gone", Source: Given{Tag: "1"}, Unverified: true})
	_, _, err := run(t, repo, req)
	if !errors.Is(err, ErrStale) || !errors.Is(err, plan.ErrNoTarget) {
		t.Errorf("got %v", err)
	}
	req.Images = []Image{web("8"), web("9")}
	req.Images[1].Repository = "acme/api"
	_, _, err = run(t, repo, req)
	if err == nil || strings.Count(err.Error(), "no such tag") != 2 {
		t.Errorf("got %v", err)
	}
}
