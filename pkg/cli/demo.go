package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/demo"
)

func newDemo(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:     "demo",
		GroupID: groupMore,
		Short:   "Show the whole job on an embedded registry and repository",
		Long: `Demo starts a registry on a loopback port and makes a git repository in a temporary
folder, then runs the real update on them: as a dry run, for real, and once more.
It needs no network, no credentials and no git, and leaves nothing behind.`,
		Example: "  tagbump demo",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runDemo(cmd.Context(), *env) },
	}
}

func runDemo(ctx context.Context, env Env) (err error) {
	bed, err := demo.Start(ctx, env.Now())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bed.Close()) }()
	env.Dir, env.Transport, env.Getenv = bed.Dir(), bed.Transport(), func(string) string { return "" }
	return bed.Play(ctx, env.Stdout, func(ctx context.Context, args []string) error {
		env.Args, env.Stderr = args, env.Stdout
		if code := Run(ctx, env); code != exitDone {
			return fmt.Errorf("exit code %d", code)
		}
		return nil
	})
}
