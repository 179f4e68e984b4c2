package cli

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

var rewrite = flag.Bool("rewrite", false, "write what wrong inputs print into their table")

// The table of wrong inputs has a command line, the exit code and all of stderr in a
// block. In front of the command's name may be variables: NAME=VALUE. $REG, $GIT, $API
// and $PRIVATE are the servers of the test, $DIR is the folder in which it runs, and $CR is a
// carriage return.
const wrongInputs = "testdata/wrong-inputs/table.txt"

// wrongInput is one block of the table.
type wrongInput struct {
	comment string // lines in front of it
	line    string
	want    string // the exit code and stderr
}

// TestWrongInputs runs each wrong input against servers on loopback.
func TestWrongInputs(t *testing.T) {
	table := readWrongInputs(t)
	if len(table) < 150 {
		t.Errorf("%d wrong inputs, want at least 150", len(table))
	}
	w := newWrongWorld(t)
	var written strings.Builder
	for _, input := range table {
		got := w.run(input.line)
		fmt.Fprintf(&written, "%s$ %s\n%s\n", input.comment, input.line, got)
		if got != input.want && !*rewrite {
			t.Errorf("$ %s\n%swant\n%s", input.line, got, input.want)
		}
		for _, inside := range goInternals {
			if strings.Contains(got, inside) {
				t.Errorf("$ %s\n%shas %q", input.line, got, inside)
			}
		}
	}
	if *rewrite {
		if err := os.WriteFile(wrongInputs, []byte(written.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// goInternals are words that only those know who have read the source, and tails that
// say nothing.
var goInternals = []string{
	"strconv.", "time: ", "template: ", "json: cannot", "0x", "<nil>", "%!", "goroutine", "dial tcp", "net/http", "x509: ",
	": conflicting request", ": not an image reference", "invalid argument", "unmarshal", "*fs.PathError", "unexpected end of JSON",
	": EOF", "interface {}", "regexp: ", "parsing regexp",
}

func readWrongInputs(t *testing.T) []wrongInput {
	t.Helper()
	text, err := os.ReadFile(wrongInputs)
	if err != nil {
		t.Fatal(err)
	}
	var all []wrongInput
	comment := ""
	for line := range strings.Lines(string(text)) {
		last := len(all) - 1
		switch {
		case strings.HasPrefix(line, "$ "):
			all = append(all, wrongInput{comment: comment, line: strings.TrimSpace(line[2:])})
			comment = ""
		case strings.HasPrefix(line, "#"):
			comment += line
		case line == "\n": // between blocks
		default:
			all[last].want += line
		}
	}
	return all
}

// wrongWorld is the folder and the servers of wrong inputs.
type wrongWorld struct {
	dir     string
	env     map[string]string
	forward *strings.Replacer // $REG to the address
	back    *strings.Replacer
}

func newWrongWorld(t *testing.T) *wrongWorld {
	t.Helper()
	w := &wrongWorld{dir: t.TempDir()}
	open := newWrongRegistry(t, testenv.RegistryOptions{})
	closed := newWrongRegistry(t, testenv.RegistryOptions{Username: "ada", Password: "correct horse"})
	repos := t.TempDir()
	git, err := testenv.ServeGit(repos, token)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = git.Close() })
	forge := startForge("", repos)
	api, stop, err := forge.Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stop() })
	argocd := testenv.NewArgoCD(argoToken)
	argoHost, stopArgo, err := argocd.Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stopArgo() })
	if err := os.CopyFS(w.dir, os.DirFS("testdata/wrong-inputs/shop")); err != nil {
		t.Fatal(err)
	}
	if err := fillIn(w.dir, open.Host); err != nil {
		t.Fatal(err)
	}
	files, err := filesOf(w.dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(repos, "acme"), 0o755); err != nil {
		t.Fatal(err)
	}
	repo, err := git.Repo("acme/charts.git", files)
	if err != nil {
		t.Fatal(err)
	}
	for _, branch := range []string{"develop", "release/1.4"} {
		if _, err := repo.Git("branch", branch); err != nil {
			t.Fatal(err)
		}
	}
	w.env = map[string]string{
		"HOME": t.TempDir(), "TAGBUMP_TOKEN": token, "GITHUB_API_URL": api,
		"ARGOCD_SERVER": argoHost, "ARGOCD_AUTH_TOKEN": argoToken, "ARGOCD_OPTS": "--plaintext --grpc-web",
	}
	w.forward = strings.NewReplacer("$REG", open.Host, "$PRIVATE", closed.Host, "$GIT", git.URL+"/acme", "$API", api, "$DIR", w.dir, "$ARGO", argoHost, "$CR", "\r")
	w.back = strings.NewReplacer(open.Host, "$REG", closed.Host, "$PRIVATE", git.URL+"/acme", "$GIT", strings.TrimPrefix(git.URL, "http://"), "$GITHOST",
		api, "$API", w.dir, "$DIR", argoHost, "$ARGO", strings.TrimPrefix(strings.TrimSuffix(api, "/api/v3"), "http://"), "$APIHOST")
	return w
}

func newWrongRegistry(t *testing.T, options testenv.RegistryOptions) *testenv.Registry {
	t.Helper()
	registry, err := testenv.NewRegistry(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(registry.Close)
	for _, name := range []string{
		"acme/web:1.4.0", "acme/web:1.4.1", "acme/web:1.5.0", "acme/web:2.0.0-rc.1",
		"haoict/send2ereader:master-202406121130", "haoict/send2ereader:master-202406151230", "haoict/send2ereader:develop-202406151300",
	} {
		repository, tag, _ := strings.Cut(name, ":")
		img := testenv.Image{Created: time.Date(2024, 6, 15, 12, 30, 0, 0, time.UTC), Platforms: []string{"linux/amd64"}}
		if _, err := registry.Push(repository, img, tag); err != nil {
			t.Fatal(err)
		}
	}
	return registry
}

// waitingLine is what a run says that a busy machine makes slow.
var waitingLine = regexp.MustCompile(`(?m)^(working|waiting for .*) … \d+ s\n`)

var variableOfLine = regexp.MustCompile(`^[A-Z_]+=`)

// run returns the exit code and stderr of a command line.
func (w *wrongWorld) run(line string) string {
	own := map[string]string{}
	args := words(w.forward.Replace(line))
	for len(args) > 0 && variableOfLine.MatchString(args[0]) {
		name, value, _ := strings.Cut(args[0], "=")
		own[name], args = value, args[1:]
	}
	var stdout, stderr bytes.Buffer
	getenv := func(name string) string {
		if value, found := own[name]; found {
			return value
		}
		return w.env[name]
	}
	environ := func() (all []string) {
		for name, value := range own {
			all = append(all, name+"="+value)
		}
		return all
	}
	code := Run(context.Background(), Env{
		Args: args, Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr, Dir: w.dir,
		Getenv: getenv, Environ: environ, Now: func() time.Time { return time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC) },
	})
	return fmt.Sprintf("%d\n%s", code, waitingLine.ReplaceAllString(w.back.Replace(stderr.String()), ""))
}
