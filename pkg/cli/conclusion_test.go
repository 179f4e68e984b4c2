package cli

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/redact"
	"github.com/tagbump/tagbump/pkg/registry"
	"github.com/tagbump/tagbump/pkg/result"
)

// changed is an image whose places had the given tags.
func changed(to string, from ...string) bump.ImageOutcome {
	img := bump.ImageOutcome{Resolved: bump.Resolved{Repository: "acme/web", Tag: to}, State: bump.Changed}
	for _, tag := range from {
		img.Changes = append(img.Changes, plan.Change{Target: plan.Target{Current: image.Ref{Repository: "acme/web", Tag: tag}}})
	}
	return img
}

func TestPreviousTag(t *testing.T) {
	for want, img := range map[string]bump.ImageOutcome{
		"1.4.0": changed("1.5.0", "1.4.0", "1.4.0"),
		"":      changed("1.5.0", "1.4.0", "1.3.0", "1.3.0"),
	} {
		if got := previousTag(img); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := previousTag(changed("1.5.0")); got != "" {
		t.Errorf("without a change: %q", got)
	}
}

func TestTagsBehind(t *testing.T) {
	choice := &bump.Choice{Candidates: []string{"1.6.0", "1.5.0", "1.4.0"}}
	withChoice := func(img bump.ImageOutcome) bump.ImageOutcome {
		img.Choice = choice
		return img
	}
	current := changed("1.6.0")
	current.State = bump.Current
	for name, c := range map[string]struct {
		img  bump.ImageOutcome
		want int
	}{
		"two behind":           {withChoice(changed("1.6.0", "1.4.0")), 2},
		"at the newest":        {withChoice(current), 0},
		"a tag of no policy":   {withChoice(changed("1.6.0", "pr-7")), unknownBehind},
		"the tag was given":    {changed("1.6.0", "1.4.0"), unknownBehind},
		"several tags before":  {withChoice(changed("1.6.0", "1.4.0", "1.5.0")), unknownBehind},
		"the first was filled": {withChoice(changed("1.6.0", "")), unknownBehind},
	} {
		if got := tagsBehind(c.img); got != c.want {
			t.Errorf("%s: %d", name, got)
		}
	}
}

func TestAppendResultBeginsALineOfItsOwn(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "env")
	if err := os.WriteFile(name, []byte("export A=1"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := Env{Dir: dir, secrets: redact.NewSecrets("s3cretOfTheRun")}
	if err := env.appendResult("env", result.Result{State: "failed", Error: "no s3cretOfTheRun"}, result.Shell); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(name)
	if err != nil || !strings.HasPrefix(string(content), "export A=1\nexport TAGBUMP_STATE='failed'\n") || strings.Contains(string(content), "s3cret") {
		t.Errorf("%v\n%s", err, content)
	}
}

func TestAboutOfARegistrysError(t *testing.T) {
	err := fault.Errorf(fault.Failed, "x: %w", &registry.Error{Where: "ghcr.io/acme/web:1.5.0", What: "no such tag"})
	if got := aboutOf(err); got != (aboutDoc{Image: "ghcr.io/acme/web", Wanted: "1.5.0"}) {
		t.Errorf("got %+v", got)
	}
}

func TestTheOnlyImageOfARunIsWhatItsErrorIsAbout(t *testing.T) {
	done := conclusion{
		err:     errors.New("the disk is full"),
		request: bump.Request{To: "production", Images: []bump.Image{{Repository: "acme/web"}}},
		report:  bump.Report{Resolved: []bump.Resolved{{Repository: "acme/web", Tag: "1.5.0"}}},
	}
	if got := aboutOf(done.explained()); got != (aboutDoc{Image: "acme/web", Wanted: "1.5.0", Environment: "production"}) {
		t.Errorf("got %+v", got)
	}
	if err := (conclusion{err: errChanges}).explained(); !errors.Is(err, errChanges) {
		t.Error(err)
	}
}

func TestAnInterruptedRunIsToldShortly(t *testing.T) {
	done := conclusion{err: interruption{signal: syscall.SIGTERM}}
	if done.patience() > 3*time.Second || kindWord(done.err) != "interrupted" {
		t.Errorf("%v, %s", done.patience(), kindWord(done.err))
	}
}

// TestACourseMayBeAddedToAfterItsEnd is for the race detector: a run that was left
// behind goes on.
func TestACourseMayBeAddedToAfterItsEnd(t *testing.T) {
	var c course
	c.begin(conclusion{command: "update"})
	enter := c.enters(time.Now)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			enter(bump.PhasePlan)
		}
	}()
	done := c.end(nil, time.Now())
	n := len(done.phases)
	cancel()
	<-ended
	if len(done.phases) != n || done.command != "update" {
		t.Errorf("%+v", done)
	}
}

// TestNoResultHasTheNameOfAFlag holds that what a run tells the next one is not taken
// for a flag, unless that is looked after.
func TestNoResultHasTheNameOfAFlag(t *testing.T) {
	var env Env
	flags := knownVariables(newRoot(&env))
	for _, one := range (result.Result{}).Variables() {
		for _, flag := range flags {
			if one.Name == flag && result.Copy(flag) == "" {
				t.Errorf("%s is the variable of a flag", flag)
			}
		}
	}
}

func TestANotifyURLIsASecret(t *testing.T) {
	env := Env{secrets: redact.NewSecrets()}
	f := notifyFlags{url: "https://hooks.slack.com/services/T00000000/B00000000/abcdefghijklmnopqrstuvwx"}
	if err := f.prepare(env); err != nil {
		t.Fatal(err)
	}
	for _, said := range []string{f.url, "POST /services/T00000000/B00000000/abcdefghijklmnopqrstuvwx", "token abcdefghijklmnopqrstuvwx"} {
		if got := env.secrets.Known(said); strings.Contains(got, "abcdefghijklmnopqrstuvwx") {
			t.Errorf("got %q", got)
		}
	}
}
