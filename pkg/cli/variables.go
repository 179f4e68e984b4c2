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
