package plan

import (
	"bytes"
	"os/exec"
	"testing"
)

func applyWithGit(t *testing.T, dir string, diff []byte) {
	t.Helper()
	cmd := exec.Command("git", "apply", "-")
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(diff)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git apply: %v\n%s\n%s", err, out, diff)
	}
}
