package cli

import (
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// addCompletion adds cobra's command that prints the completion scripts.
func addCompletion(root *cobra.Command, stdout io.Writer) {
	root.SetOut(stdout) // cobra keeps it for the scripts
	root.InitDefaultCompletionCmd()
	cmd := commandAt(root, []string{"completion"})
	cmd.Args = noArgs // or a shell that is not known would print the help, as if all were well
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	cmd.Short = "Print the script that completes commands in a shell"
	cmd.Example = "  source <(tagbump completion bash)\n  tagbump completion zsh > ~/.zfunc/_tagbump\n  tagbump completion fish | source"
	for _, shell := range cmd.Commands() {
		shell.Args = noArgs
		shell.Flags().VisitAll(func(flag *pflag.Flag) { inGroup(shell, groupOutput, flag.Name) })
	}
}
