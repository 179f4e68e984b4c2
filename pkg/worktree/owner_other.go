//go:build !unix

package worktree

import (
	"io/fs"
	"os"
)

// keepOwner does nothing: this system has no owners that a rename could change.
func keepOwner(*os.File, fs.FileInfo) {}
