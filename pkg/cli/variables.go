package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tagbump/tagbump/pkg/fault"
)

// flagsFromEnv sets each flag that the command line left out from TAGBUMP_<FLAG>.
func flagsFromEnv(cmd *cobra.Command, getenv func(string) string) error {
	var failed error
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		if flag.Changed || flag.Name == "help" || failed != nil {
			return
		}
		name := envName(flag.Name)
		value := getenv(name)
		if value == "" || value == "<nil>" { // CircleCI's spelling of an unset pipeline value
			return
		}
		values := []string{value}
		if flag.Value.Type() == "stringArray" {
			values = strings.Fields(value)
		}
		for _, value := range values {
			if err := flag.Value.Set(value); err != nil {
				failed = fault.Errorf(fault.Usage, "%s: %q is not a value of --%s (%s)", name, value, flag.Name, flag.Value.Type())
			}
			flag.Changed = true
		}
	})
	return failed
}

func envName(flag string) string {
	return "TAGBUMP_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}
