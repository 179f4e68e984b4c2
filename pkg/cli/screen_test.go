package cli

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/demo"
	"github.com/tagbump/tagbump/pkg/internal/httpx"
)

// onDemo returns what a command needs to run on the demo's registry and repository.
func onDemo(t *testing.T) Env {
	t.Helper()
	now := time.Date(2024, 6, 15, 12, 31, 0, 0, time.UTC)
	bed, err := demo.Start(context.Background(), now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bed.Close() })
	return Env{Dir: bed.Dir(), Transport: bed.Transport(), Now: func() time.Time { return now }}
}

var demoUpdate = []string{"update", "haoict/send2ereader", "--repo", "helm-charts.git", "--env", "production"}

// A full is an output that takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestAnAnswerThatCannotBeWrittenDoesNotHideThePush(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		env := onDemo(t)
		var errs bytes.Buffer
		env.Args, env.Stdout, env.Stderr = append(demoUpdate, "-o", format), full{}, &errs
		env.Getenv = func(string) string { return "" }
		code := Run(context.Background(), env)
		want := regexp.MustCompile(`^error: commit [0-9a-f]{40} was pushed to main, but stdout: no space left on device\n$`)
		if code != 1 || !want.MatchString(errs.String()) {
			t.Errorf("-o %s: exit code %d, %s", format, code, errs.String())
		}
	}
}

func TestADryRunThatCannotBeWrittenPushedNothing(t *testing.T) {
	env := onDemo(t)
	var errs bytes.Buffer
	env.Args, env.Stdout, env.Stderr = append(demoUpdate, "-n"), full{}, &errs
	env.Getenv = func(string) string { return "" }
	if code := Run(context.Background(), env); code != 1 || !strings.Contains(errs.String(), "error: no space left on device\n") {
		t.Errorf("exit code %d, %s", code, errs.String())
	}
}

func TestColoursAreForTerminals(t *testing.T) {
	terminal := Terminal{Out: true, Err: true, Width: 80}
	for _, test := range []struct {
		name     string
		terminal Terminal
		vars     map[string]string
		args     []string
		want     bool
	}{
		{"a pipe", Terminal{}, nil, nil, false},
		{"a terminal", terminal, nil, nil, true},
		{"NO_COLOR", terminal, map[string]string{"NO_COLOR": "1"}, nil, false},
		{"a dumb terminal", terminal, map[string]string{"TERM": "dumb"}, nil, false},
		{"never", terminal, nil, []string{"--color", "never"}, false},
		{"always", Terminal{}, map[string]string{"NO_COLOR": "1"}, []string{"--color", "always"}, true},
		{"by the variable", Terminal{}, map[string]string{"TAGBUMP_COLOR": "always"}, nil, true},
	} {
		env := onDemo(t)
		env.Terminal, env.Getenv = test.terminal, func(name string) string { return test.vars[name] }
		code, out, errs := runFor(t, env, append(append(demoUpdate, "-n"), test.args...)...)
		if got := strings.Contains(out, "\x1b[31m-          image: haoict"); got != test.want || code != 0 {
			t.Errorf("%s: colours %t, exit code %d, %s\n%s", test.name, got, code, errs, out)
		}
	}
	if code, _, errs := runFor(t, Env{}, "version", "--color", "no"); code != 2 || errs != "error: --color: \"no\" is not one of auto, always, never\n" {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

func TestErrorsAreColouredOnATerminalOnly(t *testing.T) {
	_, _, plain := runFor(t, Env{}, "help", "nope")
	_, _, coloured := runFor(t, Env{Terminal: Terminal{Err: true}}, "help", "nope")
	if strings.Contains(plain, "\x1b") || !strings.HasPrefix(coloured, "\x1b[31merror:\x1b[0m help: ") || !strings.Contains(coloured, "\x1b[36mhint:\x1b[0m ") {
		t.Errorf("plain:\n%q\ncoloured:\n%q", plain, coloured)
	}
}

// hasControls reports whether text has a bell, a control sequence of one byte or a
// change of direction. (An escape is for the caller: colours need it.)
func hasControls(text string) bool {
	return strings.IndexByte(text, 0x07) >= 0 || strings.IndexByte(text, 0x9b) >= 0 || strings.Contains(text, "\u202e")
}

func TestEscapesOfOthersDoNotReachTheTerminal(t *testing.T) {
	const hostile = "1.2\x1b]0;owned\x07\x9b31m\u202e"
	p := palette{true}
	if got := p.paint(boldStyle, hostile); got != "\x1b[1m1.2]0;owned31m\x1b[0m" {
		t.Errorf("got %q", got)
	}
	if got := p.diff("+" + hostile + "\n"); hasControls(got) || strings.Count(got, "\x1b") != 2 {
		t.Errorf("got %q", got)
	}
	terminal := Terminal{Out: true, Err: true}
	_, _, errs := runFor(t, Env{Terminal: terminal}, "help", hostile)
	if hasControls(errs) {
		t.Errorf("got %q", errs)
	}
}

func TestASummaryFitsTheTerminal(t *testing.T) {
	const wide = "haoict/send2ereader  master-202406121130 → master-202406151230   (arm64, newest of 4)\n" +
		"  send2ereader/templates/deployment.yaml:19  spec.template.spec.containers[name=send2ereader].image\n"
	const narrow = "haoict/send2ereader  master-202406121130 → master-202406151230\n  (arm64, newest of 4)\n  send2ereader/templates/deployment.yaml:19\n"
	for width, want := range map[int]string{0: narrow, 80: narrow, 100: wide} {
		env := onDemo(t)
		env.Terminal.Width = width
		_, out, _ := runFor(t, env, demoUpdate...)
		if got, _, _ := strings.Cut(out, "pushed "); got != want {
			t.Errorf("%d columns:\n%s", width, out)
		}
	}
}

func TestQuietLeavesOutWhatADryRunWouldDo(t *testing.T) {
	for _, args := range [][]string{{"-n"}, {"-n", "-q"}} {
		_, _, errs := runFor(t, onDemo(t), append(demoUpdate, args...)...)
		want := "would push to main of helm-charts.git: 1 image, 1 file\n"
		if len(args) == 2 {
			want = ""
		}
		if errs != want {
			t.Errorf("%v: %q, want %q", args, errs, want)
		}
	}
}

func TestVerboseSaysEachRequest(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	_, _, errs := runFor(t, Env{Now: time.Now}, "resolve", host+"/acme/web:1.0", "-v", "--plain-http", host)
	line := regexp.MustCompile(`(?m)^GET ` + regexp.QuoteMeta(host) + `/v2/\S*  404  [0-9]+ ms$`)
	if !line.MatchString(errs) {
		t.Errorf("no line for the request:\n%s", errs)
	}
	if _, _, errs := runFor(t, Env{Now: time.Now}, "resolve", host+"/acme/web:1.0", "--plain-http", host); strings.Contains(errs, "GET ") {
		t.Errorf("without -v:\n%s", errs)
	}
}

// A page is a terminal's output that several goroutines write.
type page struct {
	mu   sync.Mutex
	text strings.Builder
}

func (p *page) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(text)
}

func (p *page) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

func TestProgressSaysWhatItWaitsFor(t *testing.T) {
	var out page
	p := &progress{w: &out, width: 40, live: true, stopped: make(chan struct{}), began: time.Now()}
	p.enter(bump.PhasePush)
	p.draw('*')
	p.observe(httpx.Exchange{Host: "registry-1.docker.io"})
	p.draw('*')
	if _, err := (above{p, &out}).Write([]byte("pushed\n")); err != nil {
		t.Fatal(err)
	}
	p.observe(httpx.Exchange{Host: "registry-1.docker.io", Done: true})
	p.observe(httpx.Exchange{Host: "a-registry-with-a-very-long-name.example"})
	p.draw('*')
	p.stop()
	p.draw('*')
	want := "\r* publishing the change … 0 s\x1b[K" +
		"\r* waiting for registry-1.docker.io … 0 s\x1b[K" +
		"\r\x1b[Kpushed\n" +
		"\r* waiting for a-registry-with-a-very-lo\x1b[K" +
		"\r\x1b[K"
	want = strings.Replace(want, "registry-1.docker.io … 0 s", "registry-1.docker.io … 0 ", 1) // 39 columns
	if out.String() != want {
		t.Errorf("got  %q\nwant %q", out.String(), want)
	}
}

func TestProgressIsALineNowAndThenWithoutATerminal(t *testing.T) {
	var out page
	p := &progress{w: &out}
	p.start(time.Millisecond)
	p.observe(httpx.Exchange{Host: "docker.io"})
	for !strings.Contains(out.String(), "waiting for docker.io … 0 s\n") {
		time.Sleep(time.Millisecond)
	}
	p.stop()
	if strings.ContainsAny(out.String(), "\r\x1b") {
		t.Errorf("escapes in a log: %q", out.String())
	}
}
