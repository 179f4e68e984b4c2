package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/config"
	"github.com/tagbump/tagbump/pkg/fault"
)

func newConfig(env *Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "config",
		GroupID: groupSetUp,
		Short:   "Check the project file, or print its schema",
		Long: `The project file, ` + config.FileName + `, says which repository to change, how each image's
tag is chosen and which files an environment has.`,
		Example: "  tagbump config check\n  tagbump config schema > tagbump.schema.json",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newConfigCheck(env), newConfigSchema())
	return cmd
}

func newConfigSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of the project file",
		Long: `Schema prints the JSON Schema (draft-07) by which editors complete and check the
project file. With yaml-language-server, write as the file's first line
  # yaml-language-server: $schema=tagbump.schema.json`,
		Example: "  tagbump config schema > tagbump.schema.json",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(config.Schema())
			return err
		},
	}
}

func newConfigCheck(env *Env) *cobra.Command {
	f := new(configCheckFlags)
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check the project file",
		Long: `Check reads the project file as every command does and prints all its problems,
each with line and column, or what the file has. It asks no server.`,
		Example: "  tagbump config check\n  tagbump config check --config deploy/.tagbump.yaml -o json",
		Args:    noArgs,
		RunE:    func(*cobra.Command, []string) error { return runConfigCheck(*env, f) },
	}
	f.projectFlags.add(cmd, "")
	f.outputFlags.add(cmd)
	return cmd
}

// configCheckFlags are the flags of config check.
type configCheckFlags struct {
	projectFlags
	outputFlags
}

// configDoc is the JSON that config check prints.
type configDoc struct {
	Schema       int      `json:"schema"`
	File         string   `json:"file"`
	Images       []string `json:"images"`
	Environments []string `json:"environments"`
}

func runConfigCheck(env Env, f *configCheckFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	project, err := openProject(env.world(talk{env.Stderr, f.verbose}), f.config)
	if err != nil {
		return err
	}
	if project.file == "" {
		return fault.Errorf(fault.Usage, "%s", project.lacks("")).WithHint("give --config FILE")
	}
	doc := configDoc{schema, project.file, project.ImageNames(), project.EnvironmentNames()}
	if f.output == formatJSON {
		return env.printJSON(doc)
	}
	_, err = fmt.Fprintf(env.Stdout, "%s: %s, %s\n", doc.File, plural(len(doc.Images), "image"), plural(len(doc.Environments), "environment"))
	return err
}
