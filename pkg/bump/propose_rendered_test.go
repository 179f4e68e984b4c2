package bump

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// rendered is a Renderer that knows its answer.
type rendered struct {
	all  []Rendering
	err  error
	seen []string // the pairs of commits
}

func (r *rendered) Render(_ context.Context, base, commit string, _ Outcome) ([]Rendering, error) {
	r.seen = append(r.seen, base+" "+commit)
	return r.all, r.err
}

func TestAPullRequestShowsWhatIsRendered(t *testing.T) {
	d := newDesk(t)
	renderer := &rendered{all: []Rendering{{"web", " A\n-  a: 1\n+  a: 2\n"}}, err: errors.New("worker: forbidden")}
	var said []string
	runner := Runner{Registry: registry, Repo: d.repo, Forge: d.hub, Sleep: noSleep, Renderer: renderer, Log: func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }}
	req := pushOf("1.2")
	req.Publish = Propose
	var bodies []string
	for range 2 {
		report, err := runner.Run(context.Background(), req)
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, report.PullRequest.Body)
	}
	if !strings.Contains(bodies[0], "rendered changes") || parseMark(bodies[0]).isZero() || bodies[0] != bodies[1] {
		t.Errorf("got\n%s\nand\n%s", bodies[0], bodies[1])
	}
	if len(renderer.seen) != 2 || renderer.seen[0] != renderer.seen[1] {
		t.Errorf("compared %q", renderer.seen)
	}
	if want := "warning: the pull request's preview is not complete: worker: forbidden"; !slices.Contains(said, want) {
		t.Errorf("said %q", said)
	}
}

func TestARenderingIsFolded(t *testing.T) {
	for _, test := range []struct {
		name      string
		rendering Rendering
		most      int
		want      string
	}{
		{
			"whole",
			Rendering{"argocd/web", " apps/v1 Deployment web\n-  a: 1\n+  a: 2\n"},
			1000,
			"\n<details><summary>rendered changes</summary>\n\n`argocd/web`:\n\n```diff\n apps/v1 Deployment web\n-  a: 1\n+  a: 2\n```\n</details>\n",
		},
		{
			"what fits",
			Rendering{"web", " A\n-  a: 1, which is long\n+  a: 2, which is long\n"},
			110,
			"\n<details><summary>rendered changes</summary>\n\n`web`:\n\n```diff\n A\n(and 2 more lines)\n```\n</details>\n",
		},
		{"nothing fits", Rendering{"web", " A\n-  a: 1\n"}, 50, ""},
		{"no room at all", Rendering{"web", strings.Repeat("+  a: 1\n", 100)}, -1000, ""},
		{"the same", Rendering{"web", ""}, 1000, "\n`web` renders the same as before.\n"},
		{
			"a fence and HTML inside",
			Rendering{"</code>`x`", "+  a: ````\n+  b: </details>\n"},
			1000,
			"\n<details><summary>rendered changes</summary>\n\n`` </code>`x` ``:\n\n`````diff\n+  a: ````\n+  b: </details>\n`````\n</details>\n",
		},
	} {
		got := test.rendering.fold(test.most)
		if got != test.want {
			t.Errorf("%s:\ngot\n%s\nwant\n%s", test.name, got, test.want)
		}
	}
	long := Rendering{"web", strings.Repeat("+  a: "+strings.Repeat("x", 60)+"\n", 5000)}
	if got := long.fold(10_000); len(got) > 10_000 || len(got) < 9_000 || !strings.Contains(got, "more lines)") {
		t.Errorf("%d bytes of at most 10,000", len(got))
	}
}
