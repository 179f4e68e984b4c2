package cli

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/bump"
)

func newUpdate(env *Env) *cobra.Command {
	f := new(flags)
	cmd := &cobra.Command{
		Use:   "update [IMAGE[:TAG]...]",
		Short: "Resolve the tag, edit the files, commit, and push or open a pull request",
		Long: `Update writes an image's new tag into the files of a repository, and nothing else.

The tag is the one given (IMAGE:TAG or --tag), or the one that the policy chooses
among the registry's: --semver, or --match, --extract and --order, or the image's
entry in the project file. Without an IMAGE, all images of the project file are
updated. The registry must have the tag; --no-verify takes your word for it.

The files are those of --file (globs), else of --env, else all YAML files. Every
place in them where the image is written is changed; --path names one by its key.

With a URL in --repo the change is pushed, or proposed with --pr. In a local
folder only the files are changed.`,
		Example: `  # CI built this tag: write it, commit, push
  tagbump update haoict/send2ereader:master-202406151230 \
      --repo https://github.com/acme/helm-charts.git --file send2ereader/deployment.yaml

  # the newest tag by its UTC minute; look only
  tagbump update haoict/send2ereader --match '^master-(?P<stamp>\d{12})$' --extract '$stamp' \
      --order numerical --dry-run

  # everything that .tagbump.yaml says of production, as a pull request
  tagbump update --env production --pr

  # one key of one file, offline
  tagbump update acme/web:1.4.2 --file values.yaml --path image.tag --no-verify`,
		Args: imageArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return inFormat(f, runUpdate(cmd.Context(), *env, f, args))
		},
	}
	f.addRepo(cmd)
	cmd.Flags().StringVar(&f.env, "env", "", "environment of the project file")
	cmd.Flags().StringArrayVar(&f.files, "file", nil, "`GLOB` of files to look in (repeatable; default: the environment's, else all YAML files)")
	cmd.Flags().StringVar(&f.path, "path", "", "the exact `KEY`, as image.tag or spec.containers[name=web].image (default: found by the image's name)")
	cmd.Flags().StringVar(&f.tag, "tag", "", "the tag is known (the same as IMAGE:TAG)")
	f.addImage(cmd)
	f.addPublish(cmd)
	f.addOutput(cmd)
	return cmd
}

func runUpdate(ctx context.Context, env Env, f *flags, args []string) error {
	if err := f.check(); err != nil {
		return err
	}
	s, err := open(ctx, env, f)
	if err != nil {
		return err
	}
	defer s.close()
	req, err := s.updateRequest(ctx, args)
	if err != nil {
		return err
	}
	return s.run(ctx, req)
}

func newPromote(env *Env) *cobra.Command {
	f := new(flags)
	cmd := &cobra.Command{
		Use:   "promote [IMAGE...] --from ENV --to ENV",
		Short: "Write the tag that one environment has into the files of another",
		Long: `Promote takes the tag that stands in the files of --from, asks the registry
whether it is still there, and writes it into the files of --to. Without an IMAGE
it does so for every image of the project file that both environments have.`,
		Example: `  tagbump promote --from staging --to production --dry-run
  tagbump promote haoict/send2ereader --from staging --to production --pr`,
		Args: imageArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return inFormat(f, runPromote(cmd.Context(), *env, f, args))
		},
	}
	f.addRepo(cmd)
	cmd.Flags().StringVar(&f.fromEnv, "from", "", "environment that has the tag")
	cmd.Flags().StringVar(&f.toEnv, "to", "", "environment that gets it")
	f.addPlatform(cmd)
	f.addPublish(cmd)
	f.addOutput(cmd)
	return cmd
}

func runPromote(ctx context.Context, env Env, f *flags, args []string) error {
	if err := f.check(); err != nil {
		return err
	}
	if f.fromEnv == "" || f.toEnv == "" {
		return usageError{"promote needs --from and --to", "tagbump promote --from staging --to production"}
	}
	if f.fromEnv == f.toEnv {
		return usageError{"--from and --to are the same environment, " + quote(f.toEnv), ""}
	}
	s, err := open(ctx, env, f)
	if err != nil {
		return err
	}
	defer s.close()
	req, err := s.promoteRequest(ctx, args)
	if err != nil {
		return err
	}
	return s.run(ctx, req)
}

// run runs the request and prints its report, also what is known of a failed one.
func (s *session) run(ctx context.Context, req bump.Request) error {
	done, err := s.runner.Run(ctx, req)
	if s.flags.output != "json" || err != nil {
		s.explain(done.Resolved...)
	}
	if err != nil {
		return err
	}
	if err := s.print(done); err != nil {
		return err
	}
	if s.flags.exitCode && done.Changed() {
		return errChanges
	}
	return nil
}

// inFormat marks err for stdout, too, when it is to carry JSON.
func inFormat(f *flags, err error) error {
	if err == nil || err == errChanges || f.output != "json" {
		return err
	}
	return jsonError{err}
}

func quote(s string) string { return strconv.Quote(s) }
