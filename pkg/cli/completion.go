package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// addCompletion adds cobra's command that prints the completion scripts.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	cmd := commandAt(root, []string{"completion"})
	cmd.Short = "Print the script that completes commands in a shell"
	cmd.Example = "  source <(tagbump completion bash)\n  tagbump completion zsh > ~/.zfunc/_tagbump\n  tagbump completion fish | source"
	for _, shell := range cmd.Commands() {
		shell.Flags().VisitAll(func(flag *pflag.Flag) { inGroup(shell, groupOutput, flag.Name) })
	}
}
