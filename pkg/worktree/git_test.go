package worktree

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// checkout is a clone of a bare repository that has the files on main.
func checkout(t *testing.T, files map[string]string) (d *Dir, origin *testenv.GitRepo) {
	t.Helper()
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	for _, role := range []string{"AUTHOR", "COMMITTER"} {
		t.Setenv("GIT_"+role+"_NAME", "Ada")
		t.Setenv("GIT_"+role+"_EMAIL", "ada@example.com")
	}
	dir := t.TempDir()
	origin = testenv.MustRepo(t, filepath.Join(dir, "origin.git"), files)
	if _, err := testenv.Git(dir, "clone", "-q", origin.Dir, "work"); err != nil {
		t.Fatal(err)
	}
	return open(t, filepath.Join(dir, "work")), origin
}

func TestCommitTakesTheNamedFilesOnly(t *testing.T) {
	d, origin := checkout(t, map[string]string{"a.yaml": "old\n", "b.yaml": "old\n"})
	ctx := context.Background()
	if err := d.CheckClean(ctx, []string{"a.yaml"}); err != nil {
		t.Fatal(err)
	}
	if err := d.Write(map[string][]byte{"a.yaml": []byte("new\n"), "b.yaml": []byte("staged\n")}); err != nil {
		t.Fatal(err)
	}
	if _, err := testenv.Git(d.Name(), "add", "b.yaml"); err != nil {
		t.Fatal(err)
	}
	hash, err := d.Commit(ctx, []string{"a.yaml"}, "bump a\n\nTagbump-Image: a:1\n", "")
	if err != nil {
		t.Fatal(err)
	}
	out, err := testenv.Git(d.Name(), "show", "--format=%H%n%B", "--name-only", "HEAD")
	if want := hash + "\nbump a\n\nTagbump-Image: a:1\n\n\na.yaml\n"; err != nil || out != want {
		t.Errorf("%q, %v, want %q", out, err, want)
	}
	if err := d.Push(ctx); err != nil {
		t.Fatal(err)
	}
	if got, _ := origin.File("main", "a.yaml"); got != "new\n" {
		t.Errorf("pushed %q", got)
	}
	if got, _ := origin.File("main", "b.yaml"); got != "old\n" {
		t.Errorf("pushed what was only staged: %q", got)
	}
}

func TestADirtyFileIsNamed(t *testing.T) {
	d, _ := checkout(t, map[string]string{"a.yaml": "old\n"})
	if err := d.Write(map[string][]byte{"a.yaml": []byte("half done\n")}); err != nil {
		t.Fatal(err)
	}
	err := d.CheckClean(context.Background(), []string{"a.yaml"})
	if !errors.Is(err, ErrDirty) || !strings.HasSuffix(err.Error(), "work: a.yaml has uncommitted changes") {
		t.Errorf("%v", err)
	}
}

func TestARemoteThatMovedRefuses(t *testing.T) {
	d, origin := checkout(t, map[string]string{"a.yaml": "old\n"})
	if _, err := origin.Commit("main", "rival", map[string]string{"c.yaml": "x"}); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if err := d.Write(map[string][]byte{"a.yaml": []byte("new\n")}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Commit(ctx, []string{"a.yaml"}, "bump a", ""); err != nil {
		t.Fatal(err)
	}
	if err := d.Push(ctx); !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "git push: ") {
		t.Errorf("%v", err)
	}
}

func TestAFolderWithoutGitSaysSo(t *testing.T) {
	t.Setenv("GIT_CEILING_DIRECTORIES", os.TempDir())
	d := open(t, folder(t, map[string]string{"a.yaml": "old"}))
	if err := d.CheckClean(context.Background(), []string{"a.yaml"}); err == nil || !strings.Contains(err.Error(), "not a git repository") {
		t.Errorf("%v", err)
	}
}
