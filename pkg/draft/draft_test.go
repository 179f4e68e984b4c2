package draft_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/config"
	"github.com/tagbump/tagbump/pkg/draft"
	"github.com/tagbump/tagbump/pkg/environs"
	"github.com/tagbump/tagbump/pkg/policy"
)

func image(repository string, places ...draft.Place) draft.Image {
	return draft.Image{Repository: repository, Places: places}
}

func TestOwn(t *testing.T) {
	production := draft.Place{Environment: "production"}
	for _, test := range []struct {
		name   string
		images []draft.Image
		want   []string
	}{
		{"nothing", nil, nil},
		{"the owner with most images", []draft.Image{image("acme/api"), image("acme/web"), image("bitnami/redis")}, []string{"acme/api", "acme/web"}},
		{"an image in an environment counts twice", []draft.Image{image("acme/web", production), image("bitnami/redis")}, []string{"acme/web"}},
		{"official images are nobody's", []draft.Image{image("nginx", production), image("redis"), image("acme/web")}, []string{"acme/web"}},
		{"only official images", []draft.Image{image("nginx")}, nil},
		{"a registry belongs to the owner", []draft.Image{image("ghcr.io/acme/web", production), image("acme/web")}, []string{"ghcr.io/acme/web"}},
	} {
		var got []string
		for _, img := range draft.Own(test.images) {
			got = append(got, img.Repository)
		}
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: got %q", test.name, got)
		}
	}
}

func TestEnvironments(t *testing.T) {
	for _, test := range []struct {
		name  string
		files []string
		want  []draft.Environment
	}{
		{"none", []string{"web.yaml", "job.yaml"}, nil},
		{
			"value files and overlays",
			[]string{"charts/web/values-production.yaml", "charts/web/values-staging.yaml", "charts/job/values-production.yaml", "charts/job/values-staging.yaml", "charts/web/values.yaml", "apps/production/kustomization.yaml", "apps/staging/kustomization.yaml"},
			[]draft.Environment{
				{Name: "production", Files: []string{"charts/*/values-production.yaml", "apps/production/**"}, From: "staging"},
				{Name: "staging", Files: []string{"charts/*/values-staging.yaml", "apps/staging/**"}},
				{Name: "shared", Files: []string{"charts/web/values.yaml"}},
			},
		},
		{
			"a glob that would match another environment's file is spelled out",
			[]string{"clusters/prod/eu/web.yaml", "clusters/prod/us/web.yaml", "clusters/prod/web.yaml", "clusters/dev/web.yaml", "clusters/dev/prod/x.yaml"},
			[]draft.Environment{
				{Name: "dev", Files: []string{"clusters/dev/**"}},
				{Name: "prod", Files: []string{"clusters/prod/**"}, From: "dev"},
			},
		},
		{
			"sites",
			[]string{"shop/values-oslo.yaml", "shop/values-berlin.yaml"},
			[]draft.Environment{
				{Name: "berlin", Files: []string{"shop/values-berlin.yaml"}},
				{Name: "oslo", Files: []string{"shop/values-oslo.yaml"}},
			},
		},
		{
			"sites in clusters",
			[]string{"clusters/prod/shop/values-eu.yaml", "clusters/prod/shop/values-us.yaml", "clusters/stage/shop/values-eu.yaml"},
			[]draft.Environment{
				{Name: "prod-eu", Files: []string{"clusters/prod/shop/values-eu.yaml"}},
				{Name: "prod-us", Files: []string{"clusters/prod/shop/values-us.yaml"}},
				{Name: "stage", Files: []string{"clusters/stage/**"}},
			},
		},
	} {
		if got := draft.Environments(environs.Group(test.files)); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s:\ngot  %q\nwant %q", test.name, got, test.want)
		}
	}
}

func TestName(t *testing.T) {
	for group, want := range map[string]string{"": "shared", "prod/eu": "prod-eu", "..": "environment", "-x": "x", "blå": "bl-"} {
		if got := draft.Name(group); got != want {
			t.Errorf("%q: got %q", group, got)
		}
	}
}

var shop = draft.Project{
	Repository: "https://git.acme.example/shop/charts.git",
	Images: []draft.Image{
		{
			Repository: "127.0.0.1:5000/acme/web", Rule: policy.Rule{Match: `^it's-(?P<stamp>\d{12})$`, Extract: "$stamp", Order: policy.Numerical},
			Why: "the time in the tag of it's", Picks: "it's-202406151230",
			Places: []draft.Place{{"production", "a.yaml", 4, "1"}, {"staging", "b.yaml", 4, "2"}, {"", "c.yaml", 4, "3"}, {"", "d.yaml", 4, "4"}, {"", "e.yaml", 4, "5"}},
		},
		{Repository: "ghcr.io/acme/api", Rule: policy.Rule{Semver: "^1"}, Why: "releases", Failure: "503\n- evil: true"},
		{Repository: "ghcr.io/acme/job"},
	},
	Others: []draft.Image{{Repository: "bitnami/redis", Places: []draft.Place{{"", "c.yaml", 9, "7.4"}}}, {Repository: "nginx"}},
	Environments: []draft.Environment{
		{Name: "production", Files: []string{"prod/**"}, From: "staging", Branch: "release"},
		{Name: "staging", Files: []string{"**/values-staging.yaml"}},
		{Name: "shared", Files: []string{"c.yaml"}},
	},
}

const shopText = "# What tagbump may do in this repository. `tagbump help environments` explains it.\n" + `# After each change: tagbump config check
repository: https://git.acme.example/shop/charts.git

images:
  # production has 1 (a.yaml:4)
  # staging has 2 (b.yaml:4)
  # shared has 3 (c.yaml:4)
  # shared has 4 (d.yaml:4)
  # and in 1 more places
  # picks it's-202406151230 now: the time in the tag of it's
  '127.0.0.1:5000/acme/web':
    match: '^it''s-(?P<stamp>\d{12})$'
    extract: '$stamp'
    order: numerical
  # The registry did not list its tags: 503 - evil: true
  ghcr.io/acme/api:
    semver: '^1'
  # How its tags are chosen is not known. Until it is: tagbump update IMAGE:TAG
  ghcr.io/acme/job: {}
  # Images of others, which stay as they are unless they are listed:
  #   bitnami/redis 7.4
  #   nginx

environments:
  production:
    branch: release
    files:
      - prod/**
    from: staging  # tagbump promote --to production
    # publish: pull-request proposes changes instead of pushing them
  staging:
    files:
      - '**/values-staging.yaml'
  shared:
    # Files that belong to no environment: a change here may reach all of them.
    files:
      - c.yaml
`

// Without environments, nothing is shared by them.
func TestTextWithoutEnvironments(t *testing.T) {
	got := draft.Project{Images: []draft.Image{{Repository: "acme/web", Places: []draft.Place{{"", "a.yaml", 4, "1"}}}}}.Text()
	if want := "  # the repository has 1 (a.yaml:4)\n"; !strings.Contains(got, want) {
		t.Errorf("got\n%s\nwithout %q", got, want)
	}
}

func TestText(t *testing.T) {
	got := shop.Text()
	if got != shopText {
		t.Errorf("got\n%s", got)
	}
	parsed, err := config.Parse("draft", []byte(got))
	if err != nil {
		t.Fatal(err)
	}
	if from := parsed.Environments["production"].From; from != "staging" || parsed.Images["127.0.0.1:5000/acme/web"].Match != shop.Images[0].Rule.Match {
		t.Errorf("%+v", parsed)
	}
}

func TestADraftWithoutEnvironmentsIsValid(t *testing.T) {
	for _, project := range []draft.Project{
		{Offline: true, Images: []draft.Image{{Repository: "acme/web"}}},
		{Images: []draft.Image{{Repository: "nginx", Rule: policy.Rule{Order: policy.Newest}}}},
	} {
		if _, err := config.Parse("draft", []byte(project.Text())); err != nil {
			t.Errorf("%v in\n%s", err, project.Text())
		}
	}
}
