package cli

import (
	"bytes"
	"context"
	"html"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/config"
	"github.com/tagbump/tagbump/pkg/demo"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// readmeURL is what the README says instead of the repository that the test makes.
const readmeURL = "https://github.com/acme/helm-charts.git"

// readmeWorld is where the commands of the README run: the demo's repository at
// [readmeURL], a checkout of its chart, without a project file, in the folder helm-charts, and a
// checkout of an example in the folder shop. Every registry's name leads to its own.
type readmeWorld struct {
	bed      *demo.Bed
	registry *testenv.Registry
	now      time.Time
	dir      string // where the next command runs
}

func newReadmeWorld(t *testing.T) *readmeWorld {
	t.Helper()
	now := time.Date(2024, 6, 15, 12, 31, 0, 0, time.UTC)
	bed, err := demo.Start(context.Background(), now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bed.Close() })
	registry, err := testenv.NewRegistry(testenv.RegistryOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(registry.Close)
	w := &readmeWorld{bed, registry, now, bed.Dir()}
	w.push(t, "acme/checkout", map[string]int{"2.3.0": 18, "2.4.0": 6, "2.5.0-rc.1": 1})
	w.push(t, "prom/statsd-exporter", map[string]int{"v0.26.1": 90})
	w.git(t, "clone", "--quiet", bed.Repository(), "helm-charts")
	for _, name := range []string{".tagbump.yaml", "staging"} {
		if err := os.RemoveAll(filepath.Join(bed.Dir(), "helm-charts", name)); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filesOf(filepath.Join("..", "..", "testdata", "examples", "environments"))
	if err != nil {
		t.Fatal(err)
	}
	delete(files, ".tagbump.yaml") // the README makes one
	if _, err := testenv.NewGitRepo(filepath.Join(bed.Dir(), "shop.git"), files); err != nil {
		t.Fatal(err)
	}
	w.git(t, "clone", "--quiet", "shop.git", "shop")
	return w
}

// push puts tags of an image into the registry, each some days old.
func (w *readmeWorld) push(t *testing.T, repository string, tags map[string]int) {
	t.Helper()
	for tag, days := range tags {
		image := testenv.Image{Created: w.now.AddDate(0, 0, -days), Labels: map[string]string{"version": tag}}
		if _, err := w.registry.Push(repository, image, tag); err != nil {
			t.Fatal(err)
		}
	}
}

// RoundTrip answers for every registry: the demo's image, else the test's own.
func (w *readmeWorld) RoundTrip(req *http.Request) (*http.Response, error) {
	if strings.HasPrefix(req.URL.Path, "/v2/haoict/") {
		return w.bed.Transport().RoundTrip(req)
	}
	req = req.Clone(req.Context())
	req.URL.Scheme, req.URL.Host, req.Host = "http", w.registry.Host, w.registry.Host
	return http.DefaultTransport.RoundTrip(req)
}

func (w *readmeWorld) git(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@acme.example", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@acme.example")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %q: %v\n%s", args, err, out)
	}
}

// run runs one command line of the README and returns what it prints.
func (w *readmeWorld) run(t *testing.T, line string) string {
	t.Helper()
	args := words(strings.ReplaceAll(line, readmeURL, w.bed.Repository()))
	switch args[0] {
	case "cd":
		w.dir = filepath.Join(w.bed.Dir(), args[1])
		return ""
	case "git":
		w.git(t, args[1:]...)
		return ""
	}
	var out bytes.Buffer
	Run(context.Background(), Env{
		Args: args[1:], Stdout: &out, Stderr: &out, Dir: w.dir,
		Getenv: func(string) string { return "" }, Now: func() time.Time { return w.now }, Transport: w,
	})
	return strings.ReplaceAll(out.String(), w.bed.Repository(), readmeURL)
}

// TestReadmeConsoleBlocks runs every console block of the README, from top to
// bottom, and compares what it prints. What comes after … at
// the end of a line may be any text, also of more lines.
func TestReadmeConsoleBlocks(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	commands := consoleCommands(string(readme))
	if len(commands) < 10 {
		t.Fatalf("the README has %d console commands", len(commands))
	}
	w := newReadmeWorld(t)
	for _, command := range commands {
		if got := w.run(t, command.line); !printed(got, command.output) {
			t.Errorf("$ %s\ngot:\n%swant:\n%s", command.line, got, command.output)
		}
	}
	written, err := os.ReadFile(filepath.Join(w.bed.Dir(), "shop", ".tagbump.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if file := yamlComment.ReplaceAllString(string(written), ""); !strings.Contains(string(readme), "```yaml\n"+strings.TrimLeft(strings.ReplaceAll(file, "\n\n", "\n"), "\n")+"```") {
		t.Errorf("the README does not have the file that init has written:\n%s", file)
	}
}

// yamlComment is a comment with the blanks before it, or the whole line.
var yamlComment = regexp.MustCompile(`(?m)^ *#.*\n| +#.*$`)

// printed tells whether a command's output is what the README says.
func printed(got, want string) bool {
	pattern := regexp.QuoteMeta(pushedCommit.ReplaceAllString(want, "pushed COMMIT"))
	pattern = strings.ReplaceAll(pattern, "…\n", "(?s:.*)")
	return regexp.MustCompile("^" + pattern + "$").MatchString(pushedCommit.ReplaceAllString(got, "pushed COMMIT"))
}

func TestReadmeIsReadInAMinute(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(readme, []byte("\n")); n > 150 {
		t.Errorf("the README has %d lines; what is more belongs in a topic of tagbump help", n)
	}
}

// TestReadmeHasTheSeedJob compares the CircleCI job of the README with the complete
// one, line by line.
func TestReadmeHasTheSeedJob(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	seed, err := os.ReadFile(filepath.Join("..", "..", "testdata", "circleci", "seed.yml"))
	if err != nil {
		t.Fatal(err)
	}
	_, steps, found := strings.Cut(string(readme), "```yaml\n      - run:\n")
	steps, _, _ = strings.Cut(steps, "```")
	if !found || !strings.Contains(string(seed), steps) {
		t.Errorf("found %t; these steps are not in testdata/circleci/seed.yml:\n%s", found, steps)
	}
}

// pushedCommit is what differs when any byte of the commit does.
var pushedCommit = regexp.MustCompile(`pushed [0-9a-f]{10}`)

type consoleCommand struct{ line, output string }

var consoleBlock = regexp.MustCompile("(?s)```console\n(.*?)```")

func consoleCommands(text string) []consoleCommand {
	var commands []consoleCommand
	for _, block := range consoleBlock.FindAllStringSubmatch(text, -1) {
		for _, part := range strings.Split("\n"+block[1], "\n$ ")[1:] {
			line, output, _ := strings.Cut(strings.ReplaceAll(part, "\\\n", ""), "\n")
			output = strings.TrimRight(output, "\n")
			if output != "" {
				output += "\n"
			}
			commands = append(commands, consoleCommand{line, output})
		}
	}
	return commands
}

// words splits a command line at blanks, as a shell does where nothing but
// single quotes is special.
func words(line string) []string {
	var all []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			all = append(all, part)
		} else {
			all = append(all, strings.Fields(part)...)
		}
	}
	return all
}

// TestProjectFilesOfTheDocumentsAreRight parses the project files of README and topic.
func TestProjectFilesOfTheDocumentsAreRight(t *testing.T) {
	for name, start := range map[string]string{"README.md": "images:", "topics/project-file.md": "repository:"} {
		_, block, found := strings.Cut(documents(t)[name], "```yaml\n"+start)
		block, _, _ = strings.Cut(block, "```")
		if _, err := config.Parse(name, []byte(start+block)); err != nil || !found {
			t.Errorf("%s: found %t: %v", name, found, err)
		}
	}
}

var (
	markup      = regexp.MustCompile(`(?s)<style>.*</style>|<[^>]*>|\s`)
	differsEach = regexp.MustCompile(`pushed[0-9a-f]{10}|[0-9]+ms`)
)

// TestPictureShowsTheDemo compares the words of the README's picture with those that the
// demo prints now.
func TestPictureShowsTheDemo(t *testing.T) {
	picture, err := os.ReadFile(filepath.Join("..", "..", "testdata", "pictures", "demo.svg"))
	if err != nil {
		t.Fatal(err)
	}
	_, printed, _ := runFor(t, Env{Now: time.Now}, "demo")
	wordsOf := func(text string) string { return differsEach.ReplaceAllString(text, "…") }
	got := wordsOf(html.UnescapeString(markup.ReplaceAllString(string(picture), "")))
	if want := wordsOf(strings.Join(strings.Fields(printed), "")); got != want {
		t.Errorf("make pictures draws it anew; it shows:\n%s\nthe demo prints:\n%s", got, want)
	}
}
