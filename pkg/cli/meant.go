package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/internal/suggest"
)

// A word that tagbump does not know is often a misspelt one, or one of another
// tool. The error names the nearest known word, so that nobody has to read a list.

// didYouMean ends a message about a word that is not known, when one is near it.
func didYouMean(word string, known []string) string {
	if near := suggest.Nearest(word, known); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// otherWords are flags that other tools have, and what they are called here.
var otherWords = map[string]string{
	"json": "--output json", "format": "--output", "no-color": "--color never", "no-colour": "--color never", "colour": "--color",
	"environment": "--env", "values": "--file", "key": "--path", "repository": "--repo", "dir": "--repo",
	"pull-request": "--pr", "merge-request": "--pr", "mr": "--pr", "silent": "--quiet", "debug": "--verbose",
	"preview": "--dry-run", "no-push": "--dry-run", "force": "--on-stale allow", "arch": "--platform",
	"regex": "--match", "pattern": "--match", "policy": "--semver or --match", "sort": "--order", "insecure": "--insecure-registry",
	"tag": "--to", "version": "--tag", "newest": "--order newest", "latest": "--order newest",
}

// flagError explains an error of a flag in words that do not need Go.
func flagError(cmd *cobra.Command, args []string, err error) error {
	if !cmd.HasParent() && len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		return noArgs(cmd, args) // cobra takes the flags of a command that it does not know for its own
	}
	list := func(format string, args ...any) error {
		return fault.Errorf(fault.Usage, format, args...).WithHint("%s --help lists the flags", cmd.CommandPath())
	}
	var (
		unknown  *pflag.NotExistError
		wrong    *pflag.InvalidValueError
		valued   *pflag.ValueRequiredError
		unformed *pflag.InvalidSyntaxError
	)
	switch {
	case errors.As(err, &unknown) && cmd.Flags().Lookup(unknown.GetSpecifiedShortnames()) != nil:
		name := unknown.GetSpecifiedShortnames()
		return list("-%s: %s has no such flag; did you mean --%s?", name, cmd.CommandPath(), name)
	case errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() != "":
		return list("-%s: %s has no such flag", unknown.GetSpecifiedName(), cmd.CommandPath())
	case errors.As(err, &unknown):
		name := unknown.GetSpecifiedName()
		return list("--%s: %s has no such flag%s", name, cmd.CommandPath(), meantFlag(cmd, name))
	case errors.As(err, &wrong):
		flag := wrong.GetFlag()
		return fault.Errorf(fault.Usage, "--%s: %q is not %s", flag.Name, wrong.GetValue(), valueOf(flag))
	case errors.As(err, &valued):
		flag := valued.GetFlag()
		placeholder, _ := pflag.UnquoteUsage(flag)
		return fault.Errorf(fault.Usage, "--%s: its value is missing", flag.Name).WithHint("--%s %s", flag.Name, quotedWhereSpaced(placeholder))
	case errors.As(err, &unformed):
		return list("%s: not of the form --FLAG or --FLAG=VALUE", unformed.GetSpecifiedFlag())
	}
	return list("%w", err)
}

// quotedWhereSpaced quotes a placeholder that has blanks, as a shell wants it.
func quotedWhereSpaced(placeholder string) string {
	if strings.Contains(placeholder, " ") {
		return `"` + placeholder + `"`
	}
	return placeholder
}

// meantFlag names the flag that a person meant by a name that is not one, or the
// command that has it.
func meantFlag(cmd *cobra.Command, name string) string {
	var known []string
	cmd.Flags().VisitAll(func(flag *pflag.Flag) { known = append(known, flag.Name) })
	joined := strings.ReplaceAll(name, "_", "-")
	if joined == "tag" && cmd.Flags().Lookup("steps") == nil {
		return "" // only a rollback has a --to for tags
	}
	if other, found := otherWords[joined]; found && cmd.Flags().Lookup(firstFlag(other)) != nil {
		return "; did you mean " + other + "?"
	}
	if near := suggest.Nearest(joined, known); near != "" {
		return "; did you mean --" + near + "?"
	}
	for _, flag := range known { // --dryrun
		if strings.EqualFold(strings.ReplaceAll(flag, "-", ""), strings.ReplaceAll(joined, "-", "")) {
			return "; did you mean --" + flag + "?"
		}
	}
	return ""
}

// firstFlag returns the name of the first flag in a text of several words.
func firstFlag(text string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(text, "--"), " ")
	return name
}

// valueOf says what a flag takes.
func valueOf(flag *pflag.Flag) string {
	switch flag.Value.Type() {
	case "bool":
		return "true or false"
	case new(proposing).Type():
		return "true, false or auto"
	case "int", "int64", "uint", "count":
		return "a whole number"
	case "duration":
		return "a duration, such as 90s, 5m or 1h30m"
	case "float64":
		return "a number"
	}
	placeholder, _ := pflag.UnquoteUsage(flag)
	if choices := strings.Split(placeholder, "|"); len(choices) > 1 {
		return "one of " + strings.Join(choices, ", ")
	}
	return "a value that it takes"
}

// noArgs takes no arguments. It names the command that a person may have meant.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	names := commandNames(cmd)
	if len(names) == 0 {
		return fault.Errorf(fault.Usage, "%s takes no arguments, and %q is one", cmd.CommandPath(), args[0]).
			WithHint("%s --help explains it", cmd.CommandPath())
	}
	return fault.Errorf(fault.Usage, "%q is not a command of %s%s", args[0], cmd.CommandPath(), didYouMean(args[0], names)).
		WithHint("%s --help lists them", cmd.CommandPath())
}

// oneOf refuses a value of a flag that is not one of its choices.
func oneOf(flag, value string, choices ...string) error {
	for _, choice := range choices {
		if value == choice {
			return nil
		}
	}
	listed := strings.Join(choices, ", ")
	return fault.Errorf(fault.Usage, "--%s: %q is not one of %s%s", flag, value, listed, didYouMean(value, choices))
}

// missingName is an error about a name that is not one of those that are known.
func missingName(where, what, name string, known []string) *fault.Error {
	return fault.New(fault.Usage, fmt.Sprintf("%s: no %s %q%s", where, what, name, didYouMean(name, known)))
}
