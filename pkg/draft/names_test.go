package draft_test

import (
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/config"
	"github.com/tagbump/tagbump/pkg/draft"
	"github.com/tagbump/tagbump/pkg/policy"
)

func in(environment, file string) draft.Place {
	return draft.Place{Environment: environment, File: file, Line: 3, Tag: "1.4.0"}
}

func TestJoined(t *testing.T) {
	for _, test := range []struct {
		name   string
		images []draft.Image
		want   string
	}{
		{"nothing", nil, ""},
		{
			"one path in two registries", []draft.Image{
				image("eu.acme.example/shop/web", in("production", "p/web.yaml")), image("build.acme.example/shop/web", in("staging", "s/web.yaml")),
			}, "build.acme.example/shop/web = eu.acme.example/shop/web",
		},
		{
			"owners called after environments", []draft.Image{
				image("acme-dev/web", in("dev", "d/web.yaml")), image("acme-prod/web", in("production", "p/web.yaml")), image("acme-staging/web", in("staging", "s/web.yaml")),
			}, "acme-dev/web = acme-prod/web = acme-staging/web",
		},
		{
			"two owners", []draft.Image{
				image("bitnami/redis", in("dev", "d/redis.yaml")), image("acme/redis", in("production", "p/redis.yaml")),
			}, "bitnami/redis, acme/redis",
		},
		{
			"two names", []draft.Image{
				image("acme-dev/web", in("dev", "d/web.yaml")), image("acme-prod/api", in("production", "p/web.yaml")),
			}, "acme-dev/web, acme-prod/api",
		},
		{
			"both in one environment", []draft.Image{
				image("a.example/web", in("dev", "d/web.yaml"), in("production", "p/web.yaml")), image("b.example/web", in("production", "p/web2.yaml")),
			}, "a.example/web, b.example/web",
		},
		{
			"a shared file", []draft.Image{
				image("a.example/web", in("", "base/web.yaml")), image("b.example/web", in("production", "p/web.yaml")),
			}, "a.example/web, b.example/web",
		},
		{
			"another one in a shared file", []draft.Image{
				image("b.example/web", in("production", "p/web.yaml")), image("a.example/web", in("", "base/web.yaml")),
			}, "b.example/web, a.example/web",
		},
		{"no place", []draft.Image{image("a.example/web"), image("b.example/web", in("production", "p/web.yaml"))}, "a.example/web, b.example/web"},
	} {
		var got []string
		for _, img := range draft.Joined(test.images) {
			names := []string{img.Repository}
			for _, other := range img.Also {
				names = append(names, other.Repository)
			}
			got = append(got, strings.Join(names, " = "))
		}
		if text := strings.Join(got, ", "); text != test.want {
			t.Errorf("%s:\n%s, want\n%s", test.name, text, test.want)
		}
	}
}

func TestTheNamesOfEnvironmentsAreWritten(t *testing.T) {
	img := image("build.acme.example/web", in("staging", "staging/web.yaml"))
	img.Rule = policy.Rule{Semver: ">=1"}
	img.Also = []draft.Image{image("eu.acme.example/web", in("production", "production/web.yaml"), in("production", "production/job.yaml"))}
	p := draft.Project{Images: []draft.Image{img}, Environments: []draft.Environment{
		{Name: "staging", Files: []string{"staging/**"}}, {Name: "production", Files: []string{"production/**"}},
	}}
	want := `
images:
  # staging has 1.4.0 (staging/web.yaml:3)
  # production has 1.4.0 (production/web.yaml:3)
  # production has 1.4.0 (production/job.yaml:3)
  build.acme.example/web:
    semver: '>=1'
    as:  # the registries that environments pull from
      production: [eu.acme.example/web]
`
	if got := p.Text(); !strings.Contains(got, want) {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	read, err := config.Parse(config.FileName, []byte(p.Text()))
	if err != nil || read.Images["build.acme.example/web"].AsIn["production"][0] != "eu.acme.example/web" {
		t.Errorf("%+v, %v", read, err)
	}
	p.Environments = nil
	if got := p.Text(); !strings.Contains(got, "    as: [eu.acme.example/web]\n") {
		t.Errorf("%s", got)
	}
	if own := draft.Own(p.Images); len(own) != 1 || !own[0].Names("eu.acme.example/web") || own[0].Names("web") || len(own[0].Files()) != 3 {
		t.Errorf("%+v", own)
	}
}
