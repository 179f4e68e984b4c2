package forgetest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/forge"
)

// The files of [Repository] that a reader or a writer may change by mistake.
const (
	CRLF  = "image:\r\n  tag: \"1.3\"\r\n"
	BOM   = "\ufeffimage: acme/web:1.3\n"
	Latin = "# caf\xe9\nimage: acme/web:1.3\n"
)

// Long is a file of over a megabyte, without a line break at its end.
var Long = strings.Repeat("# a very long file\n", 60_000) + "image: acme/web:1.3"

// Repository returns the files of a repository, for testenv.MustRepo. Some are hard to read
// and to write byte for byte.
func Repository() map[string]string {
	return map[string]string{
		"web/Chart.yaml": "name: web\n", "web/values.yaml": "image:\n  repository: acme/web\n  tag: \"1.3\"\n",
		"web/values-windows.yaml": CRLF, "bom.yaml": BOM, "latin.yaml": Latin, "long.yaml": Long, "empty.yaml": "",
		"helmfile.yaml": "releases: []\n", "run.yaml*": "image: acme/web:1.3\n", "link.yaml": "symlink:bom.yaml",
		"lfs.yaml": "version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "docs/deep/er/x.yaml": "a: 1\n", "a b/ü#?.yaml": "a: 1\n",
	}
}

// A Reader reads files by a forge's API.
type Reader interface {
	Read(ctx context.Context, branch, commit string, selection files.Selection) (*files.Tree, error)
	Tip(ctx context.Context, branch string) (string, error)
}

// RunUnreadable holds the errors for files and branches of [Repository] that a Reader
// cannot give. Start returns a Reader that has read nothing.
func RunUnreadable(t *testing.T, start func(t *testing.T) Reader) {
	t.Helper()
	const link = "is a link, a folder, a submodule, an LFS pointer or encrypted"
	for name, want := range map[string]string{"gone.yaml": "no such file", "link.yaml": link, "lfs.yaml": link, "web": link} {
		_, err := start(t).Read(t.Context(), "", "", files.MustSelect(name))
		if want := Path + ": main: " + name + ": " + want; err == nil || err.Error() != want || !errors.Is(err, files.ErrMissing) {
			t.Errorf("%s: got  %v\nwant %s", name, err, want)
		}
	}
	r := start(t)
	_, err := r.Read(t.Context(), "trunk", "", files.MustSelect("web/values.yaml"))
	if want := Path + ": trunk: no such branch"; err == nil || err.Error() != want || !errors.Is(err, forge.ErrNotFound) {
		t.Errorf("a branch that does not exist: got  %v\nwant %s", err, want)
	}
	if tip, err := r.Tip(t.Context(), "trunk"); tip != "" || err != nil {
		t.Errorf("the tip of a branch that does not exist: %q, %v", tip, err)
	}
}
