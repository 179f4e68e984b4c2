//go:build !unix

package worktree

import (
	"io/fs"
	"os"
	"os/exec"
)

// keepOwner does nothing: this system has no owners that a rename could change.
func keepOwner(*os.File, fs.FileInfo) {}

// interrupt ends a process: this system has no signal that asks for it.
func interrupt(p *os.Process) error { return p.Kill() }

// detach does nothing: this system has no process groups.
func detach(*exec.Cmd) {}
