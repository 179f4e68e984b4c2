//go:build unix

package registry

import (
	"os/exec"
	"syscall"
)

// ownGroup makes a command the leader of a process group, which ends with the
// command's context.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return endGroup(cmd) }
}

// endGroup ends all processes that a command has started.
func endGroup(cmd *exec.Cmd) error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
