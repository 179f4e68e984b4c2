// Package files says which files of a repository a run looks at, and holds them.
//
// A [Glob] is a path or a doublestar pattern: "charts/web/values.yaml",
// "envs/prod/**", "apps/{web,api}/*.yaml". A [Selection] has two lists of them.
// The wanted files may be changed; the context files are only read, to
// understand the wanted ones: the Chart.yaml and values.yaml beside a
// values-prod.yaml. [KindOf] tells from a name what a file is for, so that a CI
// configuration can be left alone when a deployment names the same image. A
// [Tree] is the file system that a repository returns: the selected files of one
// commit, in memory.
//
// The trap to know: wanted files without wildcards must exist, and a repository
// refuses the selection otherwise. Context files may be missing.
package files

import (
	"path"

	"github.com/tagbump/tagbump/pkg/fault"
)

// MaxSize is the size in bytes of the largest file that is read or written.
const MaxSize = 8 << 20

// Errors about files.
var (
	// ErrMissing is in the chain when a file was named and does not exist.
	ErrMissing = fault.New(fault.NotFound, "no such file")
	// ErrTooLarge is in the chain when a file has more than [MaxSize] bytes.
	ErrTooLarge = fault.New(fault.Failed, "is over 8 MiB")
)

// IsManifest reports whether name has the ending of a YAML file or of a template
// for one. A selection without wanted globs wants these.
//
// The endings: .yaml, .yml; .tpl, .tplt, .gotmpl (templates of Helm, helmfile
// and others); and kustomize's file Kustomization.
func IsManifest(name string) bool {
	switch path.Ext(name) {
	case ".yaml", ".yml", ".tpl", ".tplt", ".gotmpl":
		return true
	}
	return path.Base(name) == "Kustomization"
}
