//go:build unix

package worktree

import (
	"io/fs"
	"os"
	"os/exec"
	"syscall"
)

// keepOwner gives f the owner and group of the file that it replaces. Only root
// may give a file away, and others only to a group of theirs: what is not
// permitted is left as it is.
func keepOwner(f *os.File, old fs.FileInfo) {
	stat, ok := old.Sys().(*syscall.Stat_t)
	if !ok {
		return
	}
	if f.Chown(int(stat.Uid), int(stat.Gid)) != nil {
		_ = f.Chown(-1, int(stat.Gid))
	}
}

// interrupt asks a process to end.
func interrupt(p *os.Process) error { return p.Signal(os.Interrupt) }

// detach starts cmd in a process group of its own, so that a signal to this
// program's group, as Ctrl-C sends it, does not reach it.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
