package cli

import "runtime/debug"

// version is set by the linker (Makefile, build); "" in a plain `go install`.
var version string

// versionText is the released version, else what the Go tool recorded.
func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(unknown)"
}
