package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/image"
)

func newRollback(env *Env) *cobra.Command {
	f := new(rollbackFlags)
	cmd := &cobra.Command{
		Use:     "rollback [IMAGE...] --env ENV",
		GroupID: groupChange,
		Short:   "Go back to the tag that the files had before",
		Long: `Rollback writes the tag back that an environment's files had before, with the
digest that was pinned beside it. The tag is found in the repository's history,
without a clone; tags that were taken back once are passed over. The registry is
asked whether it still has the image.

Without an IMAGE, everything is taken back that the latest change of the
environment set. After a rollback nothing is done, so that a job that is run twice
goes back once: --steps or --to goes back further.

A rollback lasts: later runs refuse to write the tag that was left, or one that is
not newer (exit code 4), until a newer one is there, or --on-stale allow is given.`,
		Example: `  # undo the latest change of production; look first
  tagbump rollback --env production --dry-run
  tagbump rollback --env production

  # one image, to a tag that the environment had
  tagbump rollback acme/web --env production --to 1.4.0

  # without a project file, as a pull request
  tagbump rollback acme/web --repo https://github.com/acme/helm-charts.git \
      --file web/production.yaml --pr`,
		Args: imageArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return runRollback(cmd.Context(), *env, f, args) },
	}
	f.changeFlags.add(cmd)
	f.whereFlags.add(cmd)
	cmd.Flags().StringVar(&f.to, "to", "", "go back to this `TAG` (default: the one before)")
	cmd.Flags().IntVar(&f.steps, "steps", 0, "go back by `N` tags (default: 1, and none after a rollback)")
	inGroup(cmd, groupWhat, "to", "steps")
	return cmd
}

// whereFlags name an environment and files of it.
type whereFlags struct {
	env   string
	files []string
}

func (f *whereFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.env, "env", "", "`ENV` of the project file (default: its only one)")
	cmd.Flags().StringArrayVar(&f.files, "file", nil, "`GLOB` of files to look in, with --env of those of the environment (repeatable; default: all of them, else all YAML files)")
	inGroup(cmd, groupWhat, "env")
	inGroup(cmd, groupWhere, "file")
}

func (f *whereFlags) check() error {
	if _, err := files.Select(f.files...); err != nil {
		return fault.Errorf(fault.Usage, "--file: %w", err)
	}
	return nil
}

// scopeIn returns the environment and the files of a job's project.
func (f *whereFlags) scopeIn(ctx context.Context, j *job) (scope, error) {
	if err := j.findProject(ctx, nil); err != nil {
		return scope{}, err
	}
	places := placeFlags{env: f.env, files: f.files}
	s, err := places.scopeOf(j.project)
	if err != nil {
		return s, err
	}
	return s.narrowed(ctx, j.repo.Repo, j.project.branchOf(j.flags.branch, s.name), j.globs(f.files))
}

// rollbackFlags are the flags of rollback.
type rollbackFlags struct {
	changeFlags
	whereFlags
	to    string
	steps int
}

func (f *rollbackFlags) check() error {
	switch {
	case f.steps < 0:
		return fault.Errorf(fault.Usage, "--steps: %d must be a positive number", f.steps)
	case f.to != "" && f.steps > 0:
		return fault.New(fault.Usage, "--to and --steps contradict each other")
	}
	if f.to != "" {
		if err := image.CheckTag(f.to); err != nil {
			return fault.Errorf(fault.Usage, "--to: %w", err)
		}
	}
	return firstError(f.changeFlags.check, f.whereFlags.check)
}

func runRollback(ctx context.Context, env Env, f *rollbackFlags, args []string) error {
	return f.concluded(ctx, env, "rollback", f.check, func(ctx context.Context) error { return f.run(ctx, env, args) })
}

func (f *rollbackFlags) run(ctx context.Context, env Env, args []string) error {
	j, err := openJob(env, &f.changeFlags)
	if err != nil {
		return err
	}
	defer j.close()
	s, err := f.scopeIn(ctx, j)
	if err != nil {
		return err
	}
	if err := checkUntagged(args, "the history", "tagbump update %s --on-stale allow"); err != nil {
		return err
	}
	req, err := j.request(s)
	if err != nil {
		return err
	}
	if req.Images, err = f.images(j, s.name, args); err != nil {
		return err
	}
	return j.run(ctx, req.Back(bump.Back{To: f.to, Steps: f.steps, Last: len(args) == 0 && f.to == ""}))
}

// images returns the images of an environment that args name, else all of the project
// file.
func (f *rollbackFlags) images(j *job, environment string, args []string) ([]bump.Image, error) {
	reader := imageReader{
		world: j.world, project: j.project, platforms: f.platforms, unverified: f.noVerify, environment: environment,
		source: func(bump.Image, string) (bump.Source, error) { return bump.FromHistory{}, nil },
	}
	return reader.all(args)
}
