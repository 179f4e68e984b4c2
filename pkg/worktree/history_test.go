package worktree_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/worktree"
)

func TestTheHistoryOfACheckout(t *testing.T) {
	dir := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=Ada", "-c", "user.email=ada@acme.example", "-c", "init.defaultBranch=main"}, args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
	}
	write := func(name, content string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	git("init", "--quiet")
	write("README.md", "#\n")
	git("add", "-A")
	git("commit", "--quiet", "-m", "first")
	for _, tag := range []string{"1", "2"} {
		write("charts/web.yaml", "tag: "+tag+"\n")
		git("add", "-A")
		git("commit", "--quiet", "-m", "bump to "+tag+"\n\nmore")
	}
	git("switch", "--quiet", "-c", "side", "HEAD~1")
	write("other.yaml", "a: b\n")
	git("add", "-A")
	git("commit", "--quiet", "-m", "side work")
	git("switch", "--quiet", "main")
	git("merge", "--quiet", "--no-ff", "-m", "merge #4", "side")
	write("charts/web.yaml", "tag: 3, in no commit\n")

	for _, test := range []struct {
		most int
		want string
	}{
		{50, "merge #4 (side work), bump to 2, bump to 1, first; bump to 2: tag: 2, bump to 1: tag: 1, first: -"},
		{2, "merge #4 (side work), bump to 2 …; …: tag: 2"},
	} {
		d, err := worktree.Open(filepath.Join(dir, "charts"))
		if err != nil {
			t.Fatal(err)
		}
		h, err := d.History(t.Context(), "", []string{"web.yaml"}, test.most)
		if err != nil {
			t.Fatal(err)
		}
		if got := show(h, "web.yaml"); got != test.want {
			t.Errorf("%d commits:\n got %s\nwant %s", test.most, got, test.want)
		}
		_ = d.Close()
	}
}

func show(h worktree.History, name string) string {
	subject := func(message string) string { s, _, _ := strings.Cut(strings.TrimSpace(message), "\n"); return s }
	var commits, versions []string
	for _, c := range h.Commits {
		text := subject(c.Message)
		if len(c.Merged) > 0 {
			text += " (" + strings.TrimSpace(strings.Join(c.Merged, ", ")) + ")"
		}
		commits = append(commits, text)
	}
	for _, v := range h.Files[name] {
		made, content := "…", "-"
		if v.Commit < len(h.Commits) {
			made = subject(h.Commits[v.Commit].Message)
		}
		if v.Data != nil {
			content = strings.TrimSpace(string(v.Data))
		}
		versions = append(versions, made+": "+content)
	}
	text := strings.Join(commits, ", ")
	if h.More {
		text += " …"
	}
	return text + "; " + strings.Join(versions, ", ")
}

func TestAFolderWithoutGitHasNoHistory(t *testing.T) {
	d, err := worktree.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	if h, err := d.History(t.Context(), "", []string{"web.yaml"}, 50); err != nil || len(h.Commits) != 0 || h.More {
		t.Errorf("%+v, %v", h, err)
	}
}
