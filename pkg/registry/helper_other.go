//go:build !unix

package registry

import "os/exec"

// ownGroup does nothing: only the command itself ends with its context here.
func ownGroup(*exec.Cmd) {}

// endGroup ends nothing: the command has ended already.
func endGroup(*exec.Cmd) error { return nil }
