package cli

import (
	"io"
	"time"

	"github.com/spf13/cobra"
)

// Commands returns the tree of all commands, with their flags and examples, for
// programs that write completions and manual pages from it. Its environment is empty.
func Commands() *cobra.Command {
	return newRoot(&Env{
		Stdout: io.Discard, Stderr: io.Discard,
		Getenv: func(string) string { return "" }, Now: time.Now,
	})
}
