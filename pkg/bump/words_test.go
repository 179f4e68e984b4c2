package bump

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/policy"
)

// TestErrorsStayOnOneLine holds that neither a label nor an old tag can write a
// line of its own into a log.
func TestErrorsStayOnOneLine(t *testing.T) {
	evil := "1.0\n::set-output name=x::y\x1b[31m"
	target := plan.Target{File: "a.yaml", Line: 1, Current: image.Ref{Tag: evil}}
	for name, err := range map[string]error{
		"a label":      revisionError{image.Ref{Repository: "acme/web", Tag: "1.1"}, evil, "8f3c1e0"},
		"a stale tag":  staleError{target, Resolved{Repository: "acme/web", Tag: "0.9"}, age{}},
		"a long label": revisionError{image.Ref{Repository: "acme/web", Tag: "1.1"}, strings.Repeat("x", 70_000), "8f3c1e0"},
	} {
		if text := err.Error(); strings.ContainsAny(text, "\n\x1b") || len(text) > 300 {
			t.Errorf("%s: %q", name, text)
		}
	}
	several := (&EnvironmentsError{"acme/web", "2", []PlaceGroup{{Tag: evil, Targets: []plan.Target{target}}}}).Error()
	if strings.Count(several, "\n") != 1 || strings.Contains(several, "\x1b") {
		t.Errorf("%q", several)
	}
}

func TestHintsAndKinds(t *testing.T) {
	for _, test := range []struct {
		err  error
		kind fault.Kind
		hint string
	}{
		{staleError{}, fault.Guard, "give --on-stale skip to pass over it and change the others, or --on-stale allow to go back on purpose"},
		{mismatchError{}, fault.Guard, "give --on-mismatch skip to build other tags in the same job, or --on-mismatch allow to write this one"},
		{revisionError{}, fault.NotFound, "the build has to set the label, as in docker build --label org.opencontainers.image.revision=$CIRCLE_SHA1"},
		{noRevisionError{}, fault.NotFound, "the build has to set the label, as in docker build --label org.opencontainers.image.revision=$CIRCLE_SHA1"},
		{&FieldError{}, fault.Usage, ""},
	} {
		if kind, hint := fault.KindOf(test.err), fault.HintOf(test.err); kind != test.kind || hint != test.hint {
			t.Errorf("%T: %v, %q", test.err, kind, hint)
		}
	}
}

func TestReplacements(t *testing.T) {
	change := func(file, path, from, to string, form plan.Form) plan.Change {
		return plan.Change{Target: plan.Target{File: file, Path: mustPath(t, path), Form: form}, Old: from, New: to}
	}
	wanted := image.Ref{Repository: "acme/web", Tag: "1.2"}
	changes := []plan.Change{
		change("a.yaml", "image.tag", "1.0", "1.2", plan.FormTag),
		change("a.yaml", "other.tag", "1.0", "1.2", plan.FormTag),
		change("a.yaml", "new.tag", "", "1.2", plan.FormTag),
	}
	var wants []plan.Want
	for _, c := range changes {
		wants = append(wants, plan.Want{Target: c.Target, Ref: wanted})
	}
	got := replacements(&plan.Plan{Files: []plan.File{{Name: "a.yaml", Changes: changes}}}, wants)
	want := []Replacement{{Old: image.Ref{Repository: "acme/web", Tag: "1.0"}, New: wanted}, {New: wanted}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestAPromotionOfNothing(t *testing.T) {
	repo := newRepo(map[string]string{"staging/a.yaml": "image: acme/api:1\n", "production/a.yaml": "image: acme/web:1.0\n"})
	req := promotion
	req.Images = []Image{promotion.Images[0]}
	req.Images[0].Optional = true
	_, talk, err := run(t, repo, req)
	if err == nil || err.Error() != "none of the images is in the files of staging: no such target" || len(talk) != 1 {
		t.Errorf("%v, said %q", err, talk)
	}
	req.Images[0].Optional = false
	if _, _, err = run(t, repo, req); err == nil || !strings.HasPrefix(err.Error(), "staging: ") || fault.KindOf(err) != fault.NotFound {
		t.Errorf("a named image: %v", err)
	}
	if _, err := (Runner{Registry: registry}).Resolve(context.Background(), req.Images[0]); err == nil {
		t.Error("the tags of an environment were resolved without its files")
	}
}

func TestATagThatThePolicyCannotReadIsNamed(t *testing.T) {
	builds := tags{"acme/web": {"1.2.3": day(1), "1.3rc1": day(2)}}
	var talk []string
	runner := Runner{Registry: builds, Log: func(format string, args ...any) { talk = append(talk, fmt.Sprintf(format, args...)) }}
	img := Image{Repository: "acme/web", Source: ByPolicy{}, Policy: mustPolicy(t, policy.Rule{Semver: ">=1"})}
	got, err := runner.Resolve(context.Background(), img)
	if err != nil || got.Tag != "1.2.3" || len(talk) != 1 || !strings.Contains(talk[0], "looks newer than the chosen 1.2.3") {
		t.Errorf("%s, %v, said %q", got.Tag, err, talk)
	}
}

func ExampleParseSet() {
	set, err := ParseSet("web/Chart.yaml:appVersion={{.Tag}}")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(set.File, set.Path, set.Value.Names())
	// Output: web/Chart.yaml appVersion [Tag]
}

// A run in which the files are in memory and the registry is not asked.
func ExampleRunner_Run() {
	repo := newRepo(map[string]string{"web.yaml": "image: acme/web:1.0 # pinned\n"})
	report, err := Runner{Repo: repo}.Run(context.Background(), Request{
		Images:  []Image{{Repository: "acme/web", Source: Given{Tag: "1.1"}, Unverified: true}},
		Files:   files.MustSelect("*.yaml"),
		Publish: Save,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.State)
	fmt.Print(report.Message)
	// Output:
	// pushed
	// bump acme/web to 1.1
	//
	// web.yaml: image: 1.0 -> 1.1
	//
	// Tagbump-Image: acme/web:1.1
	// Tagbump-Previous: acme/web:1.0
}
