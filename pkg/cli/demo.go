package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/demo"
	"github.com/tagbump/tagbump/pkg/fault"
)

func newDemo(env *Env) *cobra.Command {
	var full bool
	cmd := &cobra.Command{
		Use:     "demo",
		GroupID: groupMore,
		Short:   "Show the whole job on an embedded registry and repository",
		Long: `Demo has a registry in its own process and makes a git repository in a temporary
folder, then runs the real update on them: as a dry run, and for real.
It needs no network, no credentials and no git, and leaves nothing behind.`,
		Example: "  tagbump demo\n  tagbump demo --full",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDemo(cmd.Context(), *env, full)
		},
	}
	cmd.Flags().BoolVar(&full, "full", false, "show also the commit, the job once more, a late job that is refused, the way back, and a promotion")
	inGroup(cmd, groupWhat, "full")
	return cmd
}

func runDemo(ctx context.Context, env Env, full bool) (err error) {
	bed, err := demo.Start(ctx, env.Now())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bed.Close()) }()
	play := bed.Play
	if full {
		play = bed.PlayFull
	}
	return play(ctx, env.Stdout, func(ctx context.Context, args []string) error {
		inner := env
		inner.Dir, inner.Transport, inner.Getenv = bed.Dir(), bed.Transport(), env.inDemo
		inner.Args = append(args, "--color", env.look.color)
		inner.Stdout, inner.Stderr, inner.Terminal.Err = env.plain, env.plain, env.Terminal.Out
		switch code := Run(ctx, inner); code {
		case exitDone:
			return nil
		case exitCodes[fault.Guard]:
			return demo.ErrRefused
		default:
			return fmt.Errorf("exit code %d", code)
		}
	})
}

// inDemo is the environment of the demo's commands: nothing but what concerns the
// terminal.
func (env Env) inDemo(name string) string {
	switch name {
	case "NO_COLOR", "TERM", "CI":
		return env.Getenv(name)
	}
	return ""
}
