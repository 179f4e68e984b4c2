package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/internal/suggest"
	"github.com/tagbump/tagbump/pkg/result"
	"github.com/tagbump/tagbump/pkg/wire"
)

// flagsFromEnv sets each flag that the command line left out from TAGBUMP_<FLAG>.
func flagsFromEnv(cmd *cobra.Command, getenv func(string) string) error {
	var failed error
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		if flag.Changed || !hasVariable(flag) || failed != nil {
			return
		}
		name := envName(flag.Name)
		value := getenv(name)
		if value == "" || value == "<nil>" { // CircleCI's spelling of an unset pipeline value
			return
		}
		if copied := result.Copy(name); copied != "" && getenv(copied) == value {
			return // the result of a run before this one, and not a wish
		}
		values := []string{value}
		if flag.Value.Type() == "stringArray" {
			values = strings.Fields(value)
		}
		for _, value := range values {
			if err := flag.Value.Set(value); err != nil {
				failed = fault.Errorf(fault.Usage, "%s: %q is not %s", name, value, valueOf(flag)).
					WithHint("it is the variable of --%s", flag.Name)
			}
			flag.Changed = true
			_ = cmd.Flags().SetAnnotation(flag.Name, variableAnnotation, []string{name}) // the flag exists
		}
	})
	return failed
}

// hasVariable reports whether a flag can come from the environment. Those that ask
// for a text instead of a run cannot.
func hasVariable(flag *pflag.Flag) bool { return flag.Name != "help" && flag.Name != "version" }

func envName(flag string) string {
	return "TAGBUMP_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// warnOfUnknownVariables names each TAGBUMP_ variable that no command reads.
func (env Env) warnOfUnknownVariables(cmd *cobra.Command) {
	if env.Environ == nil {
		return
	}
	known := knownVariables(cmd.Root())
	for _, pair := range env.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, envName("")) || slices.Contains(known, name) || result.IsVariable(name) {
			continue
		}
		text := "warning: " + name + " is not a variable of tagbump"
		if meant := suggest.Nearest(name, known); meant != "" {
			text += "; did you mean " + meant + "?"
		}
		fmt.Fprintln(env.Stderr, text)
	}
}

// knownVariables are those of all flags of all commands, and those without a flag.
func knownVariables(cmd *cobra.Command) []string {
	names := wire.Variables()
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		if hasVariable(flag) {
			names = append(names, envName(flag.Name))
		}
	})
	for _, sub := range cmd.Commands() {
		names = append(names, knownVariables(sub)...)
	}
	return names
}

// A fromVariable is an error about a flag that its variable has set. It names the
// variable, which is what the user can find.
type fromVariable struct {
	error
	flag string
}

func (e fromVariable) Error() string {
	return envName(e.flag) + strings.TrimPrefix(e.error.Error(), "--"+e.flag)
}

func (e fromVariable) Unwrap() error { return e.error }

// namingVariable returns the error of a command, about a variable where it is about a
// flag that the command line does not have.
func namingVariable(cmd *cobra.Command, err error) error {
	if cmd == nil || err == nil {
		return err
	}
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		isFromVariable := flag.Changed && flag.Annotations[variableAnnotation] != nil
		if isFromVariable && strings.HasPrefix(err.Error(), "--"+flag.Name+": ") {
			err = fromVariable{err, flag.Name}
		}
	})
	return err
}

// variableAnnotation marks a flag whose value is its variable's.
const variableAnnotation = "tagbump_variable"
