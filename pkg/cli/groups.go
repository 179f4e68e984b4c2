package cli

import (
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A flagGroup is the heading in a command's help under which a flag is.
type flagGroup string

// The groups of flags, in the order of the help.
const (
	groupWhat    flagGroup = "What"
	groupWhere   flagGroup = "Where"
	groupTag     flagGroup = "Which tag"
	groupPublish flagGroup = "Publishing"
	groupSafety  flagGroup = "Safety"
	groupWaiting flagGroup = "Waiting"
	groupLogin   flagGroup = "Log-in"
	groupOutput  flagGroup = "Output"
)

var flagGroups = []flagGroup{
	groupWhat, groupWhere, groupTag, groupPublish, groupSafety, groupWaiting, groupLogin, groupOutput,
}

// inGroup puts flags of a command, which are declared already, under a heading of
// its help. Every flag is in a group; a test holds it.
func inGroup(cmd *cobra.Command, group flagGroup, flags ...string) {
	for _, name := range flags {
		// The only error is a flag that does not exist; the real one is then in no group.
		_ = cmd.Flags().SetAnnotation(name, annotationGroup, []string{string(group)})
	}
}

const annotationGroup = "group"

// groupOf returns the group of a flag: the last one when it has none, so that no
// flag is left out of the help.
func groupOf(flag *pflag.Flag) flagGroup {
	if names := flag.Annotations[annotationGroup]; len(names) > 0 {
		return flagGroup(names[0])
	}
	return groupOutput
}

// The groups of commands: each top-level command names one as its GroupID.
const (
	groupChange = "change"
	groupLook   = "look"
	groupSetUp  = "setup"
	groupMore   = "more"
)

var commandGroups = []*cobra.Group{
	{ID: groupChange, Title: "Change"},
	{ID: groupLook, Title: "Look"},
	{ID: groupSetUp, Title: "Set up"},
	{ID: groupMore, Title: "More"},
}
