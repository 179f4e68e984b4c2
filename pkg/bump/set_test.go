package bump

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/placeholder"
	"github.com/tagbump/tagbump/pkg/plan"
)

func mustSet(t *testing.T, text string) Set {
	t.Helper()
	set, err := ParseSet(text)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func mustMessage(t *testing.T, text string) placeholder.Text {
	t.Helper()
	parsed, err := placeholder.Parse(text, MessagePlaceholders...)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestParseSet(t *testing.T) {
	for text, want := range map[string][]string{
		"web/Chart.yaml:appVersion={{.Tag}}":                         {"web/Chart.yaml", "appVersion"},
		"./a.yaml:env[name=VERSION].value=v1=2":                      {"a.yaml", "env[name=VERSION].value"},
		"a.yaml:metadata.annotations[\"acme.example/rev\"]={{.Tag}}": {"a.yaml", ""},
	} {
		set := mustSet(t, text)
		if set.File != want[0] || want[1] != "" && set.Path.String() != want[1] {
			t.Errorf("%s: %+v", text, set)
		}
	}
	for text, want := range map[string]string{
		"a.yaml":            `"a.yaml" is not of the form FILE:KEY=TEXT`,
		"a.yaml:key":        `"a.yaml:key" is not of the form FILE:KEY=TEXT`,
		":key=1":            `":key=1" is not of the form FILE:KEY=TEXT`,
		"a.yaml:=1":         `"a.yaml:=1" is not of the form FILE:KEY=TEXT`,
		"*.yaml:key=1":      `"*.yaml": a value is set in one file, not in those of a pattern`,
		"a.yaml:k={{.Tog}}": `a.yaml: k: "{{.Tog}}" is not a placeholder`,
		"../a.yaml:k=1":     "",
		"a.yaml:k[=1":       "",
	} {
		_, err := ParseSet(text)
		if err == nil || want != "" && err.Error() != want || fault.KindOf(err) != fault.Usage {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// chart is a repository with a chart whose appVersion follows the image.
func chart() *memoryRepo {
	return newRepo(map[string]string{
		"web/Chart.yaml":  "name: web\nappVersion: \"1.0\" # follows the image\n",
		"web/values.yaml": "image:\n  repository: acme/web\n  tag: \"1.0\"\nannotations:\n  rev: none\n",
		"web/ci.json":     "{\n  \"image\": \"none\"\n}\n",
	})
}

func TestFurtherValuesChangeInTheSameCommit(t *testing.T) {
	for name, change := range map[string]func(*memoryRepo, *Request){
		"pushed":     func(*memoryRepo, *Request) {},
		"with files": func(_ *memoryRepo, req *Request) { req.Files = files.MustSelect("web/values.yaml") },
		"after a lost race": func(r *memoryRepo, _ *Request) {
			r.rivals = []func(*memoryRepo){func(r *memoryRepo) { r.write("main", r.branches["main"].MapFS, nil) }}
		},
	} {
		t.Run(name, func(t *testing.T) {
			repo := chart()
			req := pushOf("1.2")
			req.Provenance.Revision = "8f3c1e07d2ab"
			req.Sets = []Set{
				mustSet(t, "web/Chart.yaml:appVersion={{.Tag}}"),
				mustSet(t, "web/values.yaml:annotations.rev={{.Revision}}"),
				mustSet(t, "web/ci.json:image={{.Image}}@{{.Digest}}"),
			}
			change(repo, &req)
			var reads []Revision
			report, _, err := run(t, selecting{repo, &reads}, req)
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range map[string]string{
				"web/Chart.yaml":  "name: web\nappVersion: \"1.2\" # follows the image\n",
				"web/values.yaml": "image:\n  repository: acme/web\n  tag: \"1.2\"\nannotations:\n  rev: 8f3c1e07d2ab\n",
				"web/ci.json":     "{\n  \"image\": \"acme/web@" + digestOf("1.2") + "\"\n}\n",
			} {
				if got := repo.file(t, "main", name); got != want {
					t.Errorf("%s:\n%s", name, got)
				}
			}
			want := "bump acme/web to 1.2\n\nweb/values.yaml: image.tag: 1.0 -> 1.2\nweb/Chart.yaml: appVersion: 1.0 -> 1.2\n"
			if len(report.Sets) != 3 || len(report.Images[0].Changes) != 1 || !strings.HasPrefix(report.Message, want) || len(repo.saves) != 1 {
				t.Errorf("%d sets, %d changes, message:\n%s", len(report.Sets), len(report.Images[0].Changes), report.Message)
			}
		})
	}
}

func TestNothingIsSetWhereNoImageChanges(t *testing.T) {
	repo := chart()
	req := pushOf("1.0")
	req.Sets = []Set{mustSet(t, "web/Chart.yaml:appVersion=changed")}
	report, _, err := run(t, repo, req)
	if err != nil || report.Changed() || len(repo.saves) != 0 {
		t.Errorf("%v, %+v", err, report.Plan)
	}
}

func TestSetsThatAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		sets   []string
		change func(*Request)
		want   string
		kind   error
	}{
		"the tag itself":    {[]string{"web/values.yaml:image.tag=9"}, nil, "web/values.yaml: image.tag: line 3: is changed twice", fault.Usage},
		"a missing file":    {[]string{"web/gone.yaml:a=9"}, nil, "web/gone.yaml: the file is not there", plan.ErrNoTarget},
		"an unknown commit": {[]string{"web/Chart.yaml:appVersion={{.Revision}}"}, nil, "web/Chart.yaml: appVersion: {{.Revision}} is not known", fault.Usage},
		"two tags": {[]string{"web/Chart.yaml:appVersion={{.Tag}}"}, func(req *Request) {
			req.Images = append(req.Images, Image{Repository: "acme/api", Source: Given{Tag: "7"}})
		}, "web/Chart.yaml: appVersion: {{.Tag}} has several values, because 2 images change: 1.2, 7", fault.Usage},
	} {
		repo := chart()
		repo.write("main", repo.branches["main"].MapFS, map[string][]byte{"api.yaml": []byte("image: acme/api:6\n")})
		req := pushOf("1.2")
		for _, text := range test.sets {
			req.Sets = append(req.Sets, mustSet(t, text))
		}
		if test.change != nil {
			test.change(&req)
		}
		_, _, err := run(t, repo, req)
		if err == nil || err.Error() != test.want || !errors.Is(err, test.kind) || len(repo.saves) != 0 {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
}

func TestAProposalHasTheFurtherValues(t *testing.T) {
	repo := chart()
	hub := &pulls{repo: repo}
	req := pushOf("1.2")
	req.Publish, req.Sets = Propose, []Set{mustSet(t, "web/Chart.yaml:appVersion={{.Tag}}")}
	runner := Runner{Registry: registry, Repo: repo, Forge: hub, Sleep: noSleep}
	var heads []string
	for range 2 {
		report, err := runner.Run(context.Background(), req)
		if err != nil {
			t.Fatal(err)
		}
		heads = append(heads, report.Head)
	}
	if got := repo.file(t, heads[0], "web/Chart.yaml"); !strings.Contains(got, `"1.2"`) || heads[0] != heads[1] || len(repo.saves) != 1 {
		t.Errorf("%q, %d saves:\n%s", heads, len(repo.saves), got)
	}
	if !strings.Contains(hub.all[0].Body, "| `appVersion` | `1.0` | `1.2` | `web/Chart.yaml`, line ") {
		t.Errorf("body:\n%s", hub.all[0].Body)
	}
}

func TestMessagesWithPlaceholders(t *testing.T) {
	two := func(req *Request) {
		req.Images = append(req.Images, Image{Repository: "acme/api", Source: Given{Tag: "7"}})
	}
	for _, test := range []struct {
		message string
		change  func(*Request)
		want    string // text before the trailers
		err     string
	}{
		{"[skip ci] {{.Subject}}", nil, "[skip ci] bump acme/web to 1.2", ""},
		{"deploy {{.Image}} {{.Tag}} to {{.Environment}}\n\n{{.Changes}}", func(req *Request) { req.To = "production" }, "deploy acme/web 1.2 to production\n\nweb.yaml: image.tag: 1.0 -> 1.2", ""},
		{"{{.Image}}: {{.Tag}}", two, "acme/web, acme/api: 1.2, 7", ""},
		{"at {{.Digest}}", nil, "at " + digestOf("1.2"), ""},
		{"{{.Environment}}", nil, "", "the commit's message is empty"},
	} {
		repo := newRepo(map[string]string{"web.yaml": webFile, "api.yaml": "image: acme/api:6\n"})
		req := pushOf("1.2")
		req.Message = mustMessage(t, test.message)
		if test.change != nil {
			test.change(&req)
		}
		report, _, err := run(t, repo, req)
		if test.err != "" {
			if err == nil || err.Error() != test.err {
				t.Errorf("%q: %v", test.message, err)
			}
			continue
		}
		text, _, _ := strings.Cut(report.Message, "\n\nTagbump-Image: ")
		if err != nil || text != test.want {
			t.Errorf("%q: %v, %q, want %q", test.message, err, text, test.want)
		}
	}
}

func TestAMissingEntryIsAddedWhereThatIsAskedFor(t *testing.T) {
	const before = "resources: [deployment.yaml]\nimages:\n  - name: acme/api\n    newTag: \"7\"\n"
	repo := newRepo(map[string]string{"overlays/production/kustomization.yaml": before})
	req := pushOf("1.2")
	req.Files = files.MustSelect("overlays/production/*")
	if _, _, err := run(t, repo, req); !errors.Is(err, plan.ErrNoTarget) {
		t.Errorf("without Add: %v", err)
	}
	req.Add = true
	report, _, err := run(t, repo, req)
	want := before + "  - name: acme/web\n    newTag: \"1.2\"\n"
	got := repo.file(t, "main", "overlays/production/kustomization.yaml")
	if err != nil || got != want || len(report.Images[0].Changes) == 0 {
		t.Errorf("%v, %+v:\n%s", err, report.Images, got)
	}
	report, _, err = run(t, repo, req)
	if err != nil || report.Changed() {
		t.Errorf("the second time: %v, changed %v", err, report.Changed())
	}
}
