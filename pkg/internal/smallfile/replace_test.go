package smallfile

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
)

func namesIn(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func contentOf(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestReplaceKeepsTheModeAndLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "result.json")
	if err := os.WriteFile(name, []byte("a longer old text"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := Replace(name, []byte("new")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o640 && runtime.GOOS != "windows" {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if got := contentOf(t, name); got != "new" || !slices.Equal(namesIn(t, dir), []string{"result.json"}) {
		t.Errorf("%q in %q", got, namesIn(t, dir))
	}
}

func TestReplaceMakesAFileThatOthersCanRead(t *testing.T) {
	name := filepath.Join(t.TempDir(), "result.json")
	if err := Replace(name, []byte("new")); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o644 && runtime.GOOS != "windows" {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestReplaceFollowsALink(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(target, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Skip(err)
	}
	if err := Replace(link, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 || contentOf(t, target) != "new" {
		t.Errorf("%v, %v, %q", info.Mode(), err, contentOf(t, target))
	}
}

func TestReplaceWritesToADevice(t *testing.T) {
	if err := Replace(os.DevNull, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Fatalf("%s is a file now", os.DevNull)
	}
}

func TestAppend(t *testing.T) {
	name := filepath.Join(t.TempDir(), "env")
	for _, text := range []string{"a\n", "b\n"} {
		if err := Append(name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if got := contentOf(t, name); got != "a\nb\n" {
		t.Errorf("%q", got)
	}
	if err := Append(t.TempDir(), nil); err == nil {
		t.Error("a folder was written to")
	}
}
