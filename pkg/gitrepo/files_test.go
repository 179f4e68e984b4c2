package gitrepo_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func removeFile(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// history adds n commits, none of which changes a file, in one run of git.
func history(t *testing.T, repo *testenv.GitRepo, n int) {
	t.Helper()
	var stream strings.Builder
	from := "refs/heads/main^0"
	for i := range n {
		fmt.Fprintf(&stream, "commit refs/heads/main\nmark :%d\ncommitter Else <else@example.com> 1700000000 +0000\ndata 5\nempty\nfrom %s\n\n", i+1, from)
		from = fmt.Sprintf(":%d", i+1)
	}
	cmd := exec.Command("git", "fast-import", "--quiet")
	cmd.Dir, cmd.Stdin = repo.Dir, strings.NewReader(stream.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git fast-import: %v: %s", err, out)
	}
}
