//go:build unix

package worktree

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tagbump/tagbump/pkg/files"
)

// gitops is a folder like those that people have.
var gitops = map[string]string{
	".tagbump.yaml":                             "images: {}\n",
	".git/config.yaml":                          "core: {}\n",
	".github/workflows/deploy.yml":              "on: push\n",
	"README.md":                                 "# Shop\n",
	"charts/shop/Chart.yaml":                    "name: shop\n",
	"charts/shop/values.yaml":                   "image: {repository: acme/shop, tag: 1.4.0}\n",
	"charts/shop/values-live.yaml":              "image: {tag: 1.3.2}\n",
	"charts/shop/templates/deployment.yaml":     "image: {{ .Values.image.repository }}\n",
	"charts/shop/templates/_helpers.tpl":        "{{ define \"x\" }}{{ end }}\n",
	"overlays/live/kustomization.yaml":          "resources: [../../base]\n",
	"base/Kustomization":                        "resources: []\n",
	"vendored/ingress/.git":                     "gitdir: ../../.git/modules/ingress\n",
	"vendored/ingress/deploy/controller.yaml":   "image: ingress:1\n",
	".worktrees/feature/.git":                   "gitdir: /repo/.git/worktrees/feature\n",
	".worktrees/feature/charts/shop/value.yaml": "image: {tag: 9}\n",
}

func viewOf(t *testing.T, dir string, globs ...string) fs.FS {
	t.Helper()
	fsys, err := open(t, dir).Read(t.Context(), files.MustSelect(globs...))
	if err != nil {
		t.Fatal(err)
	}
	return fsys
}

func symlink(t *testing.T, dir, name, target string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

// A view is a complete fs.FS for any selection: what it lists can be opened,
// also behind an interface that hides its other methods.
func TestAViewIsAFileSystem(t *testing.T) {
	for _, test := range []struct {
		name        string
		globs, want []string
	}{
		{"every manifest", nil, []string{
			".github/workflows/deploy.yml", ".tagbump.yaml", "base/Kustomization", "charts/shop/Chart.yaml",
			"charts/shop/templates/_helpers.tpl", "charts/shop/templates/deployment.yaml", "charts/shop/values-live.yaml",
			"charts/shop/values.yaml", "overlays/live/kustomization.yaml",
		}},
		{"one file beside others", []string{"charts/shop/values.yaml"}, []string{"charts/shop/values.yaml"}},
		{"not cleaned", []string{"./charts//shop/values.yaml"}, []string{"charts/shop/values.yaml"}},
		{"a wildcard", []string{"charts/*/values*.yaml"}, []string{"charts/shop/values-live.yaml", "charts/shop/values.yaml"}},
		{"braces", []string{"{base,overlays/live}/*ustomization*"}, []string{"base/Kustomization", "overlays/live/kustomization.yaml"}},
		{"another ending", []string{"README.md", "overlays/**"}, []string{"README.md", "overlays/live/kustomization.yaml"}},
		{"nothing", []string{"envs/*/values.yaml"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			fsys := viewOf(t, folder(t, gitops), test.globs...)
			for _, seen := range []fs.FS{fsys, struct{ fs.FS }{fsys}} {
				if got := listing(t, seen); !reflect.DeepEqual(got, test.want) {
					t.Errorf("%T lists\n%q, want\n%q", seen, got, test.want)
				}
				if err := fstest.TestFS(seen, test.want...); err != nil && len(test.want) > 0 {
					t.Errorf("%T: %v", seen, err)
				}
			}
		})
	}
}

// Each of these exists in the folder and not in the view.
func TestAViewDoesNotOpenWhatItDoesNotList(t *testing.T) {
	dir := folder(t, gitops)
	symlink(t, dir, "alias", "charts")
	symlink(t, dir, "alias.yaml", "charts/shop/values.yaml")
	symlink(t, dir, "zero.yaml", "/dev/zero")
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.yaml"), 0o644); err != nil {
		t.Fatal(err)
	}
	fsys := viewOf(t, dir)
	for _, name := range []string{
		"README.md", ".git", ".git/config.yaml", "vendored/ingress", "vendored/ingress/deploy/controller.yaml",
		".worktrees/feature/charts/shop/value.yaml", "alias", "alias/shop/values.yaml", "alias.yaml", "zero.yaml", "pipe.yaml",
	} {
		done := make(chan error, 1)
		go func() {
			_, err := fsys.Open(name)
			_, errRead := fs.ReadFile(fsys, name)
			_, errStat := fs.Stat(fsys, name)
			if errors.Is(errRead, fs.ErrNotExist) && errors.Is(errStat, fs.ErrNotExist) {
				done <- err
				return
			}
			done <- errors.Join(errRead, errStat)
		}()
		select {
		case err := <-done:
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %v, want that it does not exist", name, err)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: hangs", name)
		}
	}
	if _, err := fsys.Open("../x.yaml"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("a path out of the folder: %v", err)
	}
	if _, err := fs.ReadFile(fsys, "charts"); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("reading a folder: %v", err)
	}
	if _, err := fs.ReadDir(fsys, "charts/shop/values.yaml"); err == nil {
		t.Error("a file can be listed")
	}
}

// A file behind links appears once, at its real path, unless a glob spells the
// link out.
func TestLinksAreFollowedWhereAGlobSpellsThem(t *testing.T) {
	for _, test := range []struct{ globs, want []string }{
		{nil, []string{"apps/eu/web.yaml", "apps/us/web.yaml"}},
		{[]string{"**/web.yaml"}, []string{"apps/eu/web.yaml", "apps/us/web.yaml"}},
		{[]string{"current/*.yaml"}, []string{"current/web.yaml"}},
		{[]string{"current/web.yaml"}, []string{"current/web.yaml"}},
		{[]string{"newest.yaml"}, []string{"newest.yaml"}},
		{[]string{"chain/web.yaml"}, []string{"chain/web.yaml"}},
		{[]string{"loop/**"}, []string{"loop/apps/eu/web.yaml", "loop/apps/us/web.yaml"}},
	} {
		dir := folder(t, map[string]string{"apps/eu/web.yaml": "eu\n", "apps/us/web.yaml": "us\n"})
		symlink(t, dir, "current", "apps/eu")
		symlink(t, dir, "chain", "./current")
		symlink(t, dir, "newest.yaml", "apps/us/web.yaml")
		symlink(t, dir, "loop", ".")
		fsys := viewOf(t, dir, test.globs...)
		if got := listing(t, fsys); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%q: %q, want %q", test.globs, got, test.want)
		}
		if err := fstest.TestFS(fsys, test.want...); err != nil {
			t.Errorf("%q: %v", test.globs, err)
		}
	}
}

func TestReadSaysWhyAFileIsRefused(t *testing.T) {
	outside := folder(t, map[string]string{"secret.yaml": "old", "sub/x.yaml": ""})
	dir := folder(t, gitops)
	symlink(t, dir, "out.yaml", filepath.Join(outside, "secret.yaml"))
	symlink(t, dir, "up.yaml", "../"+filepath.Base(outside)+"/secret.yaml")
	symlink(t, dir, "outside", outside)
	symlink(t, dir, "gone.yaml", "nowhere.yaml")
	symlink(t, dir, "a.yaml", "b.yaml")
	symlink(t, dir, "b.yaml", "a.yaml")
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.yaml"), 0o644); err != nil {
		t.Fatal(err)
	}
	for glob, want := range map[string]string{
		"charts/web/values.yaml":         "charts/web/values.yaml: no such file",
		"charts/shop/values.yaml/x.yaml": "x.yaml: not a directory",
		"charts/shop":                    "charts/shop: is a folder; write charts/shop/** for the files in it",
		"pipe.yaml":                      "pipe.yaml: is not a regular file",
		"out.yaml":                       "out.yaml: is a symbolic link out of the folder, to " + outside,
		"up.yaml":                        "up.yaml: is a symbolic link out of the folder, to ../",
		"outside/sub/x.yaml":             "x.yaml: is a symbolic link out of the folder, to " + outside,
		"outside/*.yaml":                 "*.yaml: is a symbolic link out of the folder, to " + outside,
		"gone.yaml":                      "gone.yaml: no such file",
		"a.yaml":                         "a.yaml: too many symbolic links",
		"vendored/ingress/deploy/controller.yaml": "controller.yaml: is in vendored/ingress, a repository of its own",
		".git/config.yaml":                        ".git/config.yaml: is git's own",
	} {
		_, err := open(t, dir).Read(t.Context(), files.MustSelect(glob))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), dir) {
			t.Errorf("%s: %v, want %q", glob, err, want)
		}
		if missing := strings.HasSuffix(want, "no such file"); errors.Is(err, files.ErrMissing) != missing {
			t.Errorf("%s: %v: is ErrMissing: %v", glob, err, !missing)
		}
	}
}

func TestContextMayBeMissing(t *testing.T) {
	selection, err := files.MustSelect("charts/shop/values-live.yaml").WithContext("charts/shop/Chart.yaml", "charts/shop/helmfile.yaml")
	if err != nil {
		t.Fatal(err)
	}
	fsys, err := open(t, folder(t, gitops)).Read(t.Context(), selection)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := listing(t, fsys), []string{"charts/shop/Chart.yaml", "charts/shop/values-live.yaml"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestALargeFileIsRefused(t *testing.T) {
	dir := folder(t, map[string]string{"limit.yaml": "", "over.yaml": ""})
	for name, size := range map[string]int{"limit.yaml": files.MaxSize, "over.yaml": files.MaxSize + 1} {
		if err := os.WriteFile(filepath.Join(dir, name), bytes.Repeat([]byte("#"), size), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	fsys := viewOf(t, dir)
	if content, err := fs.ReadFile(fsys, "limit.yaml"); err != nil || len(content) != files.MaxSize {
		t.Errorf("at the limit: %d bytes, %v", len(content), err)
	}
	if _, err := fs.ReadFile(fsys, "over.yaml"); !errors.Is(err, files.ErrTooLarge) || !strings.Contains(err.Error(), "over.yaml: is over 8 MiB") {
		t.Errorf("over the limit: %v", err)
	}
}
