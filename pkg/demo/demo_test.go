package demo_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"regexp"
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

const story = `CI has pushed a new image. The registry has these tags of haoict/send2ereader:
  latest  master-202405280914  master-202406121130  master-202406151225  master-202406151230  drag-and-drop-202406160815

Argo CD deploys what helm-charts.git holds: a chart with a literal image in a template.
What would change?

$ tagbump update haoict/send2ereader --repo helm-charts.git --env production --dry-run

Good. Commit and push it:

$ tagbump update haoict/send2ereader --repo helm-charts.git --env production

$ git log -1 --stat
commit HASH
Author: Ada <ada@example.com>
Date:   Wed Jun 12 12:31:00 2024 +0000

    add the chart of send2ereader

 .tagbump.yaml                            | 8 ++++++++
 send2ereader/Chart.yaml                  | 5 +++++
 send2ereader/templates/deployment.yaml   | N
 send2ereader/values.yaml                 | N

Run it again, as a CI job that is run again would:

$ tagbump update haoict/send2ereader --repo helm-charts.git --env production

One commit, one file, one line, in 0 ms; every other byte is as it was.
Now yours: tagbump update --help

`

func TestPlayTellsTheStory(t *testing.T) {
	bed := start(t)
	var out bytes.Buffer
	if err := bed.Play(context.Background(), &out, func(context.Context, []string) error { return nil }); err != nil {
		t.Fatal(err)
	}
	stats := regexp.MustCompile(`(?m)^( \S+) +\| .*$`)
	got := regexp.MustCompile(`commit [0-9a-f]{40}`).ReplaceAllString(out.String(), "commit HASH")
	got, want := stats.ReplaceAllString(got, "$1"), stats.ReplaceAllString(story, "$1")
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
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
	if want := "tagbump update haoict/send2ereader --repo helm-charts.git --env production --dry-run: the disk is full"; err == nil || err.Error() != want || runs != 1 {
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
