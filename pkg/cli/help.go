package cli

import (
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/fault"
)

// setHelp gives root and all commands below it our help instead of cobra's: it has
// groups and two sizes, and it does not link text/template into the program.
func setHelp(root *cobra.Command, env *Env) {
	root.PersistentFlags().BoolP("help", "h", false, "a screen of help (-h), or all of it (--help)")
	_ = root.PersistentFlags().SetAnnotation("help", annotationGroup, []string{string(groupOutput)})
	root.AddGroup(commandGroups...)
	root.SetHelpCommand(newHelp(env))
	root.SetCompletionCommandGroupID(groupMore)
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		size := wholeHelp
		if slices.Contains(env.Args, "-h") || cmd == root && len(env.Args) == 0 {
			size = shortHelp
		}
		_ = env.printHelp(helpOf(cmd, size, env.Terminal.textWidth()))
	})
	root.SetUsageFunc(func(*cobra.Command) error { return nil }) // errors are shown by report
}

func newHelp(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND | TOPIC]",
		GroupID: groupMore,
		Short:   "Explain a command or a topic",
		Long: `Help prints the whole help of a command, or a text about a topic. Without an
argument it lists the topics.`,
		Example:           "  tagbump help update\n  tagbump help credentials",
		RunE:              func(cmd *cobra.Command, args []string) error { return runHelp(env, cmd.Root(), args) },
		ValidArgsFunction: completeSubjects,
	}
}

// completeSubjects completes the commands and topics that can be explained.
func completeSubjects(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return append(commandNames(cmd.Root()), topicNames()...), cobra.ShellCompDirectiveNoFileComp
}

// noSubject says that nothing of a name can be explained.
func noSubject(root *cobra.Command, command string, words []string) error {
	known := append(commandNames(root), topicNames()...)
	return fault.Errorf(fault.Usage, "%s: %q is not a command or topic%s", command, strings.Join(words, " "), didYouMean(words[0], known)).
		WithHint("tagbump --help lists the commands, tagbump help the topics")
}

func runHelp(env *Env, root *cobra.Command, words []string) error {
	width := env.Terminal.textWidth()
	if len(words) == 0 {
		return env.printHelp(topicList(width))
	}
	if cmd := commandAt(root, words); cmd != nil {
		return env.printHelp(helpOf(cmd, wholeHelp, width))
	}
	if topic, found := topicOf(root, words[0]); found && len(words) == 1 {
		return env.printHelp(topic.text(width))
	}
	return noSubject(root, "help", words)
}

func (env *Env) printHelp(text string) error {
	_, err := io.WriteString(env.Stdout, text)
	return err
}

// commandAt returns the command with a path below root, or nil.
func commandAt(root *cobra.Command, path []string) *cobra.Command {
	cmd := root
	for _, name := range path {
		at := slices.IndexFunc(cmd.Commands(), func(sub *cobra.Command) bool { return sub.Name() == name })
		if at < 0 {
			return nil
		}
		cmd = cmd.Commands()[at]
	}
	return cmd
}

// commandNames returns the names of the commands below cmd that a person may type.
func commandNames(cmd *cobra.Command) []string {
	var names []string
	for _, sub := range cmd.Commands() {
		if !sub.Hidden {
			names = append(names, sub.Name())
		}
	}
	return names
}
