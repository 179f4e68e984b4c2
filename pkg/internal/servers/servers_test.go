package servers

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/cli"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// slow skips a test that takes long, unless SERVERS is set.
func slow(t *testing.T) {
	t.Helper()
	if os.Getenv("SERVERS") == "" {
		t.Skip("SERVERS is not set (make servers)")
	}
}

// charts are the files of the repositories here.
var charts = map[string]string{
	"apps/web/values.yaml":  "# the shop's web server\nimage:\n  repository: acme/web\n  tag: v1.0.0\n",
	"apps/api/values.yaml":  "image: {repository: acme/api, tag: v1.0.0}\n",
	"argocd/root-app.yaml":  "kind: Deployment\nspec: {template: {spec: {containers: [{name: a, image: 'acme/argo:v1'}]}}}\n",
	"apps/web/README.md":    "acme/web:v1.0.0\n",
	"apps/cache/redis.yaml": "image: redis:7.4.1\n",
}

// A result is what one command line did.
type result struct {
	code           int
	stdout, stderr string
}

// run runs tagbump with an environment of its own: no home directory, no tokens
// but those in env.
func run(t *testing.T, env map[string]string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	home := t.TempDir()
	code := cli.Run(t.Context(), cli.Env{
		Args: args, Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr, Now: time.Now, Dir: home,
		Getenv: func(name string) string {
			if value, ok := env[name]; ok {
				return value
			}
			return map[string]string{"HOME": home, "PATH": os.Getenv("PATH")}[name]
		},
	})
	return result{code, stdout.String(), stderr.String()}
}

// check holds a result against the exit code and a pattern of what was said.
func (r result) check(t *testing.T, what string, code int, said string) {
	t.Helper()
	if r.code != code || !regexp.MustCompile(said).MatchString(r.stdout+r.stderr) {
		t.Errorf("%s: exit code %d, want %d and %q\n%s", what, r.code, code, said, r.shown())
	}
}

// shown returns the end of the output.
func (r result) shown() string {
	lines := strings.Split(strings.TrimSpace(r.stdout+r.stderr), "\n")
	return strings.Join(lines[max(0, len(lines)-8):], "\n")
}

// checkSilent holds that something was not said.
func (r result) checkSilent(t *testing.T, what string, words ...string) {
	t.Helper()
	for _, word := range words {
		if strings.Contains(r.stdout+r.stderr, word) {
			t.Errorf("%s: says %q\n%s", what, word, r.shown())
		}
	}
}

// update returns the arguments that set an image in the repository at url.
func update(ref, url string, more ...string) []string {
	return append([]string{"update", ref, "--no-verify", "--repo", url}, more...)
}

// oneBump holds the way of a change into a repository: a dry run changes nothing,
// a run pushes one commit with one line, and the same run again does nothing.
func oneBump(t *testing.T, repo *testenv.GitRepo, url string, env map[string]string, flags ...string) {
	t.Helper()
	before, err := repo.Tip("main")
	if err != nil || before == "" {
		t.Fatalf("no branch main: %v", err)
	}
	run(t, env, update("acme/web:v1.1.0", url, append(flags, "--dry-run")...)...).check(t, "dry run", 0, `(?m)^\+  tag: v1\.1\.0$`)
	if tip, _ := repo.Tip("main"); tip != before {
		t.Errorf("the dry run moved main")
	}
	run(t, env, update("acme/web:v1.1.0", url, flags...)...).check(t, "push", 0, `pushed [0-9a-f]{10}`)
	run(t, env, update("acme/web:v1.1.0", url, flags...)...).check(t, "again", 0, `nothing to do`)
	stat, err := repo.Git("diff", "--numstat", before, "main")
	if err != nil || stat != "1\t1\tapps/web/values.yaml\n" {
		t.Errorf("changed %q, %v", stat, err)
	}
	if count, _ := repo.Git("rev-list", "--count", before+"..main"); count != "1\n" {
		t.Errorf("%q commits", count)
	}
	if err := repo.Fsck(); err != nil {
		t.Error(err)
	}
}

// crowd lets jobs push at once, each another file, and holds that all land.
func crowd(t *testing.T, repo *testenv.GitRepo, url string, env map[string]string, flags ...string) {
	t.Helper()
	const jobs = 10
	files := make(map[string]string)
	for i := range jobs {
		files[fmt.Sprintf("crowd/%d.yaml", i)] = fmt.Sprintf("image: acme/crowd%d:v1\n", i)
	}
	if _, err := repo.Commit("main", "crowd", files); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range jobs {
		all.Go(func() {
			run(t, env, update(fmt.Sprintf("acme/crowd%d:v2", i), url, flags...)...).check(t, fmt.Sprint("job ", i), 0, "pushed")
		})
	}
	all.Wait()
	for i := range jobs {
		if text, _ := repo.File("main", fmt.Sprintf("crowd/%d.yaml", i)); !strings.Contains(text, ":v2") {
			t.Errorf("job %d: %q", i, text)
		}
	}
	if count, _ := repo.Git("rev-list", "--count", "main"); strings.TrimSpace(count) < "12" {
		t.Errorf("%s commits", count)
	}
	if err := repo.Fsck(); err != nil {
		t.Error(err)
	}
}

// newRepo makes a repository of the charts.
func newRepo(t *testing.T) *testenv.GitRepo {
	t.Helper()
	return testenv.MustRepo(t, filepath.Join(t.TempDir(), "charts.git"), charts)
}
