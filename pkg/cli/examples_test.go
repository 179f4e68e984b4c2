package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var (
	examplesDir       = filepath.Join("..", "..", "testdata", "examples")
	exampleScriptsDir = filepath.Join("..", "..", "testdata", "script", "examples")
)

// TestExamples runs a script for each repository of testdata/examples. Its copy is the
// folder "repository", a checkout of $REPOS/repository.git. The images of ghcr.io are
// those of the script's registry.
func TestExamples(t *testing.T) {
	words := map[string]func(*testscript.TestScript, bool, []string){"example": copyExample}
	for name, word := range scriptWords {
		words[name] = word
	}
	testscript.Run(t, testscript.Params{Dir: exampleScriptsDir, Setup: setup, RequireExplicitExec: true, Cmds: words})
}

// copyExample: example NAME makes the checkout of an example.
func copyExample(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: example NAME")
	}
	dir := ts.MkAbs("repository")
	ts.Check(os.CopyFS(dir, os.DirFS(filepath.Join(examplesDir, args[0]))))
	ts.Check(putIn(dir, "ghcr.io/", worldOf(ts).registry.Host+"/"))
	makeRepo(ts, false, []string{"repository"})
	ts.Check(os.RemoveAll(dir))
	ts.Check(ts.Exec("git", "clone", "--quiet", filepath.Join(ts.Getenv("REPOS"), "repository.git"), "repository"))
	ts.Check(ts.Chdir(dir))
	ts.Check(ts.Exec("git", "config", "user.name", "Ada"))
	ts.Check(ts.Exec("git", "config", "user.email", "ada@acme.example"))
}

// TestEveryExampleHasAScript also holds that the script runs each command of the
// example's README.
func TestEveryExampleHasAScript(t *testing.T) {
	entries, err := os.ReadDir(examplesDir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) < 5 {
		t.Errorf("%d examples", len(entries))
	}
	for _, entry := range entries {
		readme, err := os.ReadFile(filepath.Join(examplesDir, entry.Name(), "README.md"))
		if err != nil {
			t.Fatal(err)
		}
		script, err := os.ReadFile(filepath.Join(exampleScriptsDir, entry.Name()+".txtar"))
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(string(readme), "`tagbump ")
		if len(parts) < 2 {
			t.Errorf("%s: the README has no command", entry.Name())
		}
		for _, part := range parts[1:] {
			command, _, _ := strings.Cut(part, "`")
			if !strings.Contains(string(script), "exec tagbump "+command+"\n") {
				t.Errorf("%s: the script does not run tagbump %s", entry.Name(), command)
			}
		}
	}
}
