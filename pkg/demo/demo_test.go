package demo_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/demo"
)

var now = time.Date(2024, 6, 15, 12, 31, 0, 0, time.UTC)

func start(t *testing.T) *demo.Bed {
	t.Helper()
	bed, err := demo.Start(context.Background(), now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bed.Close() })
	return bed
}

const story = `CI has pushed master-202406151230. Argo CD deploys what helm-charts.git says.

$ tagbump update haoict/send2ereader --repo helm-charts.git --env production -n

$ tagbump update haoict/send2ereader --repo helm-charts.git --env production

Pushed in N ms; every other byte is as it was. More: tagbump demo --full

`

const secondAct = `$ git log -1 --stat
commit HASH
Author: Ada <ada@example.com>
Date:   Wed Jun 12 12:31:00 2024 +0000

    add the chart of send2ereader

 .tagbump.yaml                            | 8 ++++++++
 send2ereader/Chart.yaml                  | 5 +++++
 send2ereader/templates/deployment.yaml   | N
 send2ereader/values.yaml                 | N
 staging/send2ereader.yaml                | N

The job is run again, as CI does:

$ tagbump update haoict/send2ereader --repo helm-charts.git --env production

A slow job comes late, with an older tag:

$ tagbump update haoict/send2ereader:master-202406121130 --repo helm-charts.git --env production

The new one is bad. Back to what was there before:

$ tagbump rollback --repo helm-charts.git --env production

The nightly job must not bring it again:

$ tagbump update haoict/send2ereader --repo helm-charts.git --env production

CI has pushed a repair, master-202406151305. Staging gets it first:

$ tagbump update haoict/send2ereader --repo helm-charts.git --env staging

It works there. Production gets what staging has:

$ tagbump promote --repo helm-charts.git --to production

$ tagbump status haoict/send2ereader --repo helm-charts.git

Now yours, in a checkout of your repository: tagbump init

`

// steady returns a text without what differs from run to run.
func steady(text string) string {
	for pattern, instead := range map[string]string{
		`(?m)^( \S+) +\| .*$`: "$1", `commit [0-9a-f]{40}`: "commit HASH", `[0-9]+ ms`: "N ms",
	} {
		text = regexp.MustCompile(pattern).ReplaceAllString(text, instead)
	}
	return text
}

func TestPlayTellsTheStory(t *testing.T) {
	bed := start(t)
	var out bytes.Buffer
	if err := bed.Play(context.Background(), &out, func(context.Context, []string) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if got := steady(out.String()); got != steady(story) {
		t.Errorf("got:\n%s\nwant:\n%s", got, steady(story))
	}
}

func TestPlayFullTellsBothActs(t *testing.T) {
	bed := start(t)
	var out bytes.Buffer
	ran := 0
	refuses := func(_ context.Context, args []string) error {
		ran++
		if strings.HasSuffix(args[1], "1130") || ran == 6 {
			return demo.ErrRefused
		}
		return nil
	}
	if err := bed.PlayFull(context.Background(), &out, refuses); err != nil {
		t.Fatal(err)
	}
	if got, want := steady(out.String()), steady(story+secondAct); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	accepts := func(context.Context, []string) error { return nil }
	if err := bed.PlayFull(context.Background(), &out, accepts); err == nil {
		t.Error("an older tag that is not refused is no error")
	}
	refusesOne := func(_ context.Context, args []string) error {
		if strings.HasSuffix(args[1], "1130") {
			return demo.ErrRefused
		}
		return nil
	}
	if err := bed.PlayFull(context.Background(), &out, refusesOne); err == nil {
		t.Error("a tag that was rolled back, and is not refused, is no error")
	}
}

func TestPlayEndsWithTheFirstCommandThatFails(t *testing.T) {
	bed := start(t)
	full := errors.New("the disk is full")
	runs := 0
	err := bed.Play(context.Background(), new(bytes.Buffer), func(context.Context, []string) error {
		runs++
		return full
	})
	if want := "tagbump update haoict/send2ereader --repo helm-charts.git --env production -n: the disk is full"; err == nil || err.Error() != want || runs != 1 {
		t.Errorf("%d runs, %v; want 1, %s", runs, err, want)
	}
}

func TestEveryRegistryLeadsToTheDemos(t *testing.T) {
	bed := start(t)
	client := http.Client{Transport: bed.Transport()}
	answer, err := client.Get("https://registry-1.docker.io/v2/haoict/send2ereader/manifests/master-202406151230")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("the image is not there: %s", answer.Status)
	}
}

func TestABedLeavesNothingBehind(t *testing.T) {
	bed := start(t)
	if _, err := os.Stat(bed.Repository()); err != nil {
		t.Fatal(err)
	}
	if err := bed.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(bed.Dir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is left: %v", err)
	}
	if _, err := (&http.Client{Transport: bed.Transport()}).Get("http://a.example/v2/"); err == nil {
		t.Error("the registry still answers")
	}
}

func TestADemoThatIsInterruptedLeavesNothing(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := demo.Start(ctx, now); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	left, err := os.ReadDir(os.TempDir())
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// An unusable TMPDIR is a failure; it is not a file of the user's that is not found.
func TestAFolderThatCannotBeMade(t *testing.T) {
	t.Setenv("TMPDIR", "/nowhere")
	_, err := demo.Start(t.Context(), time.Now())
	if want := "cannot make a folder in /nowhere, the place for temporary files (TMPDIR)"; err == nil || err.Error() != want || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want %s", err, want)
	}
}
