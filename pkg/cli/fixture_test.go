package cli

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// fixtureDir has a GitOps repository as companies have them: charts with templates
// and values for each environment, kustomize overlays, Argo CD's Applications, CI
// files, a project file, and images of other people.
var fixtureDir = filepath.Join("..", "..", "testdata", "gitops")

// fixtureLink is a symbolic link of the fixture. It is made here, because module
// zips leave links out.
var fixtureLink = struct{ name, target string }{"clusters/production/checkout.yaml", "../../charts/checkout/values-production.yaml"}

// copyFixture: fixture FOLDER copies the fixture into a new FOLDER, with the
// script's registry in its files.
func copyFixture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: fixture FOLDER")
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.CopyFS(dir, os.DirFS(fixtureDir)))
	link := filepath.Join(dir, filepath.FromSlash(fixtureLink.name))
	ts.Check(os.MkdirAll(filepath.Dir(link), 0o755))
	ts.Check(os.Symlink(fixtureLink.target, link))
	ts.Check(fillIn(dir, worldOf(ts).registry.Host))
}

// listChanges: changes FOLDER prints each line of the folder that differs from the
// fixture's, as "FILE:LINE: text", and each file that only one of them has.
func listChanges(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: changes FOLDER")
	}
	want, err := filesOf(fixtureDir)
	ts.Check(err)
	want[fixtureLink.name] = symlink + fixtureLink.target
	got, err := filesOf(ts.MkAbs(args[0]))
	ts.Check(err)
	host := worldOf(ts).registry.Host
	for _, name := range slices.Sorted(maps.Keys(got)) {
		before, known := want[name]
		if !known {
			fmt.Fprintf(ts.Stdout(), "new file %s\n", name)
		} else {
			fmt.Fprint(ts.Stdout(), changedLines(name, strings.ReplaceAll(before, "REGISTRY/", host+"/"), got[name]))
		}
		delete(want, name)
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		fmt.Fprintf(ts.Stdout(), "lost file %s\n", name)
	}
}

// changedLines lists the lines of after that differ from the same lines of before.
func changedLines(name, before, after string) string {
	was, is := strings.SplitAfter(before, "\n"), strings.SplitAfter(after, "\n")
	if len(was) != len(is) {
		return fmt.Sprintf("%s: %d lines instead of %d\n", name, len(is), len(was))
	}
	var list strings.Builder
	for i := range was {
		if was[i] != is[i] {
			fmt.Fprintf(&list, "%s:%d: %s\n", name, i+1, strings.TrimSpace(is[i]))
		}
	}
	return list.String()
}

// symlink starts the content of a symbolic link, as testenv.NewGitRepo takes it.
const symlink = "symlink:"

// filesOf returns the files of a folder by their slash-separated names, without
// those of git itself.
func filesOf(dir string) (map[string]string, error) {
	files := make(map[string]string)
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if entry.Name() == ".git" {
				return filepath.SkipDir
			}
			return nil
		}
		relative, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		files[filepath.ToSlash(relative)], err = contentOf(name, entry)
		return err
	})
	return files, err
}

// contentOf returns a file's content, or symlink and the target of a link.
func contentOf(name string, entry fs.DirEntry) (string, error) {
	if entry.Type()&fs.ModeSymlink != 0 {
		target, err := os.Readlink(name)
		return symlink + filepath.ToSlash(target), err
	}
	content, err := os.ReadFile(name)
	return string(content), err
}
