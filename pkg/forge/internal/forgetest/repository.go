package forgetest

import "strings"

// The files of [Repository] that a reader or a writer may change by mistake.
const (
	CRLF  = "image:\r\n  tag: \"1.3\"\r\n"
	BOM   = "\ufeffimage: acme/web:1.3\n"
	Latin = "# caf\xe9\nimage: acme/web:1.3\n"
)

// Long is a file of over a megabyte, without a line break at its end.
var Long = strings.Repeat("# a very long file\n", 60_000) + "image: acme/web:1.3"

// Repository returns the files of a repository, for testenv.MustRepo, with what is hard to
// read and to write byte for byte.
func Repository() map[string]string {
	return map[string]string{
		"web/Chart.yaml": "name: web\n", "web/values.yaml": "image:\n  repository: acme/web\n  tag: \"1.3\"\n",
		"web/values-windows.yaml": CRLF, "bom.yaml": BOM, "latin.yaml": Latin, "long.yaml": Long, "empty.yaml": "",
		"helmfile.yaml": "releases: []\n", "run.yaml*": "image: acme/web:1.3\n", "link.yaml": "symlink:bom.yaml",
		"lfs.yaml": "version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "docs/deep/er/x.yaml": "a: 1\n", "a b/ü#?.yaml": "a: 1\n",
	}
}
