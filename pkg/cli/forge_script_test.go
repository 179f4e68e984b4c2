package cli

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// forgeVariable names the forge of a script: "gitlab". By default it is GitHub, which
// $GITHUB_API_URL makes known.
const forgeVariable = "SCRIPT_FORGE"

// TestForgeScript runs the same scripts at each forge: what a user sees is the same.
// In a script's files, the word FORGE_API is replaced by the root of the forge's API, and
// FORGE by its name. The condition [gitlab] holds at GitLab.
func TestForgeScript(t *testing.T) {
	for _, name := range []string{"github", "gitlab", "gitea", "bitbucket"} {
		t.Run(name, func(t *testing.T) {
			testscript.Run(t, testscript.Params{
				Dir: filepath.Join("..", "..", "testdata", "script", "forge"),
				Setup: func(env *testscript.Env) error {
					env.Setenv(forgeVariable, name)
					if err := setup(env); err != nil {
						return err
					}
					env.Setenv("GITHUB_API_URL", "")
					return putIn(env.WorkDir, "FORGE", name)
				},
				RequireExplicitExec: true,
				Cmds:                scriptWords,
				Condition:           func(condition string) (bool, error) { return condition == name, nil },
			})
		})
	}
}

func startForge(name, root string) *testenv.Forge {
	options := testenv.ForgeOptions{Path: "acme/charts", Token: token, Users: []string{"ada", "grace"}, Git: &testenv.GitRepo{Dir: filepath.Join(root, "acme", "charts.git")}, Compare: compareIn(root)}
	switch name {
	case "gitlab":
		return testenv.NewGitLab(options)
	case "gitea":
		return testenv.NewGitea(options)
	case "bitbucket":
		return testenv.NewBitbucket(options)
	}
	options.Prefix = "/api/v3"
	return testenv.NewGitHub(options)
}

func compareIn(root string) func(base, head string) testenv.ForgeComparison {
	return func(base, head string) testenv.ForgeComparison {
		repo := testenv.GitRepo{Dir: filepath.Join(root, "acme", "charts.git")}
		found, err := repo.Compare(base, head)
		if err != nil {
			panic(err) // a test asks for branches that exist
		}
		return found
	}
}

// failures are the requests that a forge refuses.
type failures struct {
	mu     sync.Mutex
	method string
	path   *regexp.Regexp
	status int
	header http.Header
	body   string
}

func (f *failures) answer(w http.ResponseWriter, r *http.Request) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.path == nil || f.method != r.Method || !f.path.MatchString(r.URL.Path) {
		return false
	}
	for name, values := range f.header {
		w.Header()[name] = values
	}
	w.WriteHeader(f.status)
	_, _ = io.WriteString(w, f.body)
	return true
}

// failForge: forge refuse METHOD PATH STATUS BODY [HEADER=VALUE...] makes the forge refuse
// requests whose path matches a pattern; forge accept takes them again.
func failForge(ts *testscript.TestScript, neg bool, args []string) {
	f := &worldOf(ts).failures
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case neg, len(args) == 0:
		ts.Fatalf("usage: forge refuse METHOD PATH STATUS BODY [HEADER=VALUE...] | forge accept")
	case args[0] == "accept":
		f.path = nil
		return
	}
	status, err := strconv.Atoi(args[3])
	ts.Check(err)
	f.method, f.path, f.status, f.body, f.header = args[1], regexp.MustCompile(args[2]), status, args[4], http.Header{}
	for _, arg := range args[5:] {
		name, value, _ := strings.Cut(arg, "=")
		f.header.Set(name, value)
	}
}

// showPull: pull NUMBER prints everything of a pull request.
func showPull(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: pull NUMBER")
	}
	number, err := strconv.Atoi(args[0])
	ts.Check(err)
	pull := worldOf(ts).forge.Pulls()[number-1]
	draft := pull.Draft || strings.HasPrefix(pull.Title, "Draft: ") || strings.HasPrefix(pull.Title, "WIP: ")
	fmt.Fprintf(ts.Stdout(), "open: %v\nhead: %s\ndraft: %v\nlabels: %s\nreviewers: %s\nassignees: %s\nauto-merge: %v\ncomments: %s\n\n%s\n",
		pull.Open, pull.Head, draft, pull.Labels, pull.Reviewers, pull.Assignees, pull.AutoMerge, pull.Comments, pull.Body)
}

// commitByHand: commit NAME BRANCH FILE commits FILE to a branch of NAME.git, as a person.
func commitByHand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: commit NAME BRANCH FILE")
	}
	repo := testenv.GitRepo{Dir: filepath.Join(worldOf(ts).git.Root, "acme", args[0]+".git")}
	_, err := repo.Commit(args[1], "by hand", map[string]string{args[2]: ts.ReadFile(args[2])})
	ts.Check(err)
}

// countRequests: requests prints how many requests the forge got since the last time.
func countRequests(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: requests")
	}
	w := worldOf(ts)
	total := len(w.forge.Requests())
	fmt.Fprintln(ts.Stdout(), total-w.counted)
	w.counted = total
}
