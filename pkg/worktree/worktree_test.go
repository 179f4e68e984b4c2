//go:build unix

package worktree

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/files"
)

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func open(t *testing.T, dir string) *Dir {
	t.Helper()
	d, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func listing(t *testing.T, fsys fs.FS) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestReadShowsWhatTheGlobsMatch(t *testing.T) {
	dir := folder(t, map[string]string{
		"a.yaml": "", "b.txt": "", "charts/web/values.yaml": "", "charts/web/templates/d.yml": "",
		"charts/web/templates/_h.tpl": "", ".git/config.yaml": "", "docs/x.md": "",
	})
	for _, test := range []struct {
		globs, want []string
	}{
		{nil, []string{"a.yaml", "charts/web/templates/_h.tpl", "charts/web/templates/d.yml", "charts/web/values.yaml"}},
		{[]string{"charts/**/values.yaml"}, []string{"charts/web/values.yaml"}},
		{[]string{"a.yaml", "docs/*"}, []string{"a.yaml", "docs/x.md"}},
		{[]string{"none/*.yaml"}, nil},
	} {
		fsys, err := open(t, dir).Read(t.Context(), files.MustSelect(test.globs...))
		if err != nil {
			t.Fatal(err)
		}
		if got := listing(t, fsys); !reflect.DeepEqual(got, test.want) {
			t.Errorf("Read(%q) = %q, want %q", test.globs, got, test.want)
		}
	}
}

func TestWriteKeepsModeAndLinks(t *testing.T) {
	dir := folder(t, map[string]string{"real/values.yaml": "old", "other.yaml": "same"})
	if err := os.Chmod(filepath.Join(dir, "real/values.yaml"), 0o626); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real/values.yaml", filepath.Join(dir, "link.yaml")); err != nil {
		t.Fatal(err)
	}
	d := open(t, dir)
	fsys, err := d.Read(t.Context(), files.MustSelect("link.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if got := listing(t, fsys); !reflect.DeepEqual(got, []string{"link.yaml"}) {
		t.Errorf("a link that was named is not shown: %q", got)
	}
	if err := d.Write(map[string][]byte{"link.yaml": []byte("new")}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(filepath.Join(dir, "real/values.yaml"))
	if err != nil || info.Mode().Perm() != 0o626 {
		t.Errorf("mode %v, %v; want 0626", info.Mode(), err)
	}
	if link, err := os.Readlink(filepath.Join(dir, "link.yaml")); err != nil || link != "real/values.yaml" {
		t.Errorf("the link is now %q, %v", link, err)
	}
	if got, _ := os.ReadFile(filepath.Join(dir, "real/values.yaml")); string(got) != "new" {
		t.Errorf("content %q", got)
	}
	if got := entries(t, filepath.Join(dir, "real")); !reflect.DeepEqual(got, []string{"values.yaml"}) {
		t.Errorf("left behind: %q", got)
	}
}

func TestWriteIsAllOrNothing(t *testing.T) {
	outside := folder(t, map[string]string{"secret.yaml": "old"})
	dir := folder(t, map[string]string{"a.yaml": "old"})
	if err := os.Symlink(filepath.Join(outside, "secret.yaml"), filepath.Join(dir, "z.yaml")); err != nil {
		t.Fatal(err)
	}
	err := open(t, dir).Write(map[string][]byte{"a.yaml": []byte("new"), "z.yaml": []byte("new")})
	if err == nil || !strings.Contains(err.Error(), "z.yaml: is a symbolic link out of the folder") {
		t.Errorf("a link out of the folder: %v", err)
	}
	for _, name := range []string{filepath.Join(dir, "a.yaml"), filepath.Join(outside, "secret.yaml")} {
		if got, _ := os.ReadFile(name); string(got) != "old" {
			t.Errorf("%s was written", name)
		}
	}
	if got := entries(t, dir); !reflect.DeepEqual(got, []string{"a.yaml", "z.yaml"}) {
		t.Errorf("left behind: %q", got)
	}
}

func TestWriteRefusesAReadOnlyFolder(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("needs a user whom modes bind")
	}
	dir := folder(t, map[string]string{"a.yaml": "old"})
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	if err := open(t, dir).Write(map[string][]byte{"a.yaml": []byte("new")}); err == nil || !strings.Contains(err.Error(), "a.yaml: permission denied") {
		t.Errorf("%v", err)
	}
}

func entries(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range list {
		names = append(names, entry.Name())
	}
	return names
}

// A process that was killed leaves files aside. They are in nobody's way, and are
// removed when they are old.
func TestLeftoversAreRemoved(t *testing.T) {
	dir := folder(t, map[string]string{
		"a.yaml": "old", ".a.yaml.tagbump-1": "half", ".a.yaml.tagbump-OLD": "half", ".a.yaml.tagbump-NEW": "of a run beside",
		".b.yaml.tagbump-OLD": "of another file", "x.a.yaml.tagbump-OLD": "mine",
	})
	old := time.Now().Add(-2 * leftoverAge)
	for _, name := range []string{".a.yaml.tagbump-1", ".a.yaml.tagbump-OLD", ".b.yaml.tagbump-OLD", "x.a.yaml.tagbump-OLD"} {
		if err := os.Chtimes(filepath.Join(dir, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
	if err := open(t, dir).Write(map[string][]byte{"a.yaml": []byte("new")}); err != nil {
		t.Fatal(err)
	}
	if got, want := entries(t, dir), []string{".a.yaml.tagbump-NEW", ".b.yaml.tagbump-OLD", "a.yaml", "x.a.yaml.tagbump-OLD"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestWriteKeepsTheOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may give files away")
	}
	dir := folder(t, map[string]string{"a.yaml": "old"})
	name := filepath.Join(dir, "a.yaml")
	if err := errors.Join(os.Chown(name, 1234, 1235), os.Chmod(name, 0o640)); err != nil {
		t.Fatal(err)
	}
	if err := open(t, dir).Write(map[string][]byte{"a.yaml": []byte("new")}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if stat := info.Sys().(*syscall.Stat_t); stat.Uid != 1234 || stat.Gid != 1235 || info.Mode() != 0o640 {
		t.Errorf("owner %d:%d, mode %v; want 1234:1235, 0640", stat.Uid, stat.Gid, info.Mode())
	}
}

// One file that has two names is written once, or not at all.
func TestTwoNamesOfOneFile(t *testing.T) {
	dir := folder(t, map[string]string{"eu/web.yaml": "old", "us/web.yaml": "old"})
	symlink(t, dir, "current", "eu")
	d := open(t, dir)
	err := d.Write(map[string][]byte{"eu/web.yaml": []byte("1"), "current/web.yaml": []byte("2"), "us/web.yaml": []byte("3")})
	if want := dir + "/eu/web.yaml: is the same file as current/web.yaml, and gets another content"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if got, _ := os.ReadFile(filepath.Join(dir, "us/web.yaml")); string(got) != "old" {
		t.Errorf("us/web.yaml was written: %q", got)
	}
	if err := d.Write(map[string][]byte{"eu/web.yaml": []byte("1"), "current/web.yaml": []byte("1")}); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(filepath.Join(dir, "eu/web.yaml")); string(got) != "1" {
		t.Errorf("%q", got)
	}
	for name, want := range map[string]string{"gone.yaml": "gone.yaml: no such file or directory", "eu": "eu: is not a regular file"} {
		if err := d.Write(map[string][]byte{name: nil}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}
