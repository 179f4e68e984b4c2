package bump

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
)

func TestNamesOfAnEnvironment(t *testing.T) {
	img := Image{
		Repository: "build.acme.example/web", As: []string{"web"},
		AsIn: map[string][]string{"production": {"eu.acme.example/web", "us.acme.example/web"}, "lab": {"lab-web"}},
	}
	for _, test := range []struct{ environments, want string }{
		{"staging", "build.acme.example/web web"},
		{"production", "eu.acme.example/web us.acme.example/web"},
		{"lab", "build.acme.example/web lab-web"}, // a short name has no registry
		{"", "build.acme.example/web web lab-web eu.acme.example/web us.acme.example/web"},
		{"production staging", "build.acme.example/web web"},
		{"production lab", "build.acme.example/web lab-web"},
	} {
		got := img
		for _, environment := range strings.Split(test.environments, " ") {
			got = got.In(environment)
		}
		if names := got.Repository + " " + strings.Join(got.As, " "); names != test.want {
			t.Errorf("%q: %s, want %s", test.environments, names, test.want)
		}
	}
	if plain := (Image{Repository: "web", As: []string{"w"}}).In("production"); plain.Repository != "web" || plain.As[0] != "w" {
		t.Errorf("%+v", plain)
	}
}

// Staging and production have a registry each, and files that name their own.
func TestAPromotionBetweenEnvironmentsWithNamesOfTheirOwn(t *testing.T) {
	const build, eu = "build.acme.example/web", "eu.acme.example/web"
	both := map[string]string{build + ":1.2": "sha256:1", eu + ":1.2": "sha256:1"}
	for _, test := range []struct {
		name, production string
		digests          map[string]string
		unverified       bool
		want, hint       string // an error
		says             string
	}{
		{"the same image", eu + ":1.0", both, false, "", "", ""},
		{"another image", eu + ":1.0", map[string]string{build + ":1.2": "sha256:1", eu + ":1.2": "sha256:2"}, false, build + ":1.2 is sha256:1, and " + eu + ":1.2 is sha256:2, which is another image", howToCopy, ""},
		{"not copied", eu + ":1.0", map[string]string{build + ":1.2": "sha256:1"}, false, eu + ":1.2: no such tag: not found (promoted from " + build + ")", howToCopy, ""},
		{"gone from where it was built", eu + ":1.0", map[string]string{eu + ":1.2": "sha256:1"}, false, build + ":1.2: no such tag: not found", "", ""},
		{"promoted already", eu + ":1.2", map[string]string{eu + ":1.2": "sha256:1"}, false, "", "", ""},
		{"unverified", eu + ":1.0", nil, true, "", "", build + ":1.2 and " + eu + ":1.2: not checked to be the same image"},
	} {
		repo := newRepo(map[string]string{"staging/web.yaml": "image: " + build + ":1.2\n", "production/web.yaml": "image: " + test.production + "\n"})
		img := Image{Repository: build, AsIn: map[string][]string{"production": {eu}}, Source: FromEnvironment{Name: "staging", Files: files.MustSelect("staging/*")}, Unverified: test.unverified}
		req := Request{Images: []Image{img.In("production")}, Files: files.MustSelect("production/*"), To: "production", Publish: Save, OnStale: Allow}
		var said []string
		runner := Runner{Registry: mirrors{digests: test.digests}, Repo: repo, Log: func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }}
		report, err := runner.Run(context.Background(), req)
		switch {
		case test.want == "" && err != nil, test.want != "" && (err == nil || err.Error() != test.want || len(repo.saves) != 0):
			t.Errorf("%s: %v, %d saves, want %q", test.name, err, len(repo.saves), test.want)
		case fault.HintOf(err) != test.hint, err != nil && !errors.Is(err, fault.NotFound):
			t.Errorf("%s: hint %q, kind %v", test.name, fault.HintOf(err), fault.KindOf(err))
		case err == nil && report.Images[0].Repository != eu:
			t.Errorf("%s: %s", test.name, report.Images[0].Repository)
		}
		if test.says != "" && strings.Join(said, "\n") != test.says {
			t.Errorf("%s: said %q", test.name, said)
		}
	}
}

// A name of another environment in the files is not the image.
func TestAnEnvironmentsFilesHaveItsOwnNamesOnly(t *testing.T) {
	repo := newRepo(map[string]string{"production/web.yaml": "image: build.acme.example/web:1.0\n"})
	img := Image{Repository: "build.acme.example/web", AsIn: map[string][]string{"production": {"eu.acme.example/web"}}, Source: Given{Tag: "1.2"}, Unverified: true}
	req := Request{Images: []Image{img.In("production")}, Files: files.MustSelect("production/*"), To: "production", Publish: Save, OnStale: Allow}
	_, err := Runner{Repo: repo}.Run(context.Background(), req)
	if err == nil || !errors.Is(err, fault.NotFound) || !strings.Contains(err.Error(), "eu.acme.example/web") || len(repo.saves) != 0 {
		t.Errorf("%v, %d saves", err, len(repo.saves))
	}
}
