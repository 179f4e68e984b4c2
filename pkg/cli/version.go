package cli

import (
	"bytes"
	"compress/gzip"
	_ "embed" // for the licences
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"
)

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

// licenses are the licences of what is linked into the program. The command that
// writes the file is in pkg/internal/licenses.
//
//go:embed licenses.txt.gz
var licenses []byte

// printLicenses writes the licences as text.
func printLicenses(to io.Writer) error {
	text, err := gzip.NewReader(bytes.NewReader(licenses))
	if err != nil {
		return err
	}
	_, err = io.Copy(to, text)
	return err
}

func newVersion(env *Env) *cobra.Command {
	var showLicenses bool
	cmd := &cobra.Command{
		Use:     "version",
		GroupID: groupMore,
		Short:   "Print the version, or the licences of what is in the program",
		Args:    noArgs,
		Example: "  tagbump version\n  tagbump version --licenses",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if showLicenses {
				return printLicenses(cmd.OutOrStdout())
			}
			return env.printVersion()
		},
	}
	cmd.Flags().BoolVar(&showLicenses, "licenses", false, "print the licences of the modules that the program is made of")
	inGroup(cmd, groupOutput, "licenses")
	return cmd
}

func (env Env) printVersion() error {
	_, err := fmt.Fprintln(env.Stdout, "tagbump", versionText())
	return err
}
