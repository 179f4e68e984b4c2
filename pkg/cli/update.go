package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/keypath"
)

func newUpdate(env *Env) *cobra.Command {
	f := new(updateFlags)
	cmd := &cobra.Command{
		Use:     "update [IMAGE[:TAG]...]",
		GroupID: groupChange,
		Short:   "Resolve the tag, edit the files, commit, and push or open a pull request",
		Long: `Update writes an image's new tag into the files of a repository, and nothing else.

The tag is the one given (IMAGE:TAG or --tag), or the one that the policy chooses
among the registry's: --semver, or --match, --extract and --order, or the image's
entry in the project file. Without an IMAGE, all images of the project file are
updated. The registry must have the tag; --no-verify takes your word for it.

The files are those of the environment (--env), of which --file (globs) names some.
A project file with several environments wants --env, or --file. Without a project
file they are those of --file, else all YAML files. Every place in them where the
image is written is changed; --path names one by its key.

With a URL in --repo the change is pushed, or proposed with --pr. In a local
folder only the files are changed.`,
		Example: `  # CI built this tag: write it, commit, push
  tagbump update acme/web:1.4.2 \
      --repo https://github.com/acme/charts.git --file web/deployment.yaml

  # the newest tag by its UTC minute; look only
  tagbump update haoict/send2ereader --match '^master-(?P<stamp>\d{12})$' \
      --extract '$stamp' --order numerical --dry-run

  # everything that .tagbump.yaml says of production, as a pull request
  tagbump update --env production --pr

  # one key of one file, offline
  tagbump update acme/web:1.4.2 --file values.yaml --path image.tag --no-verify`,
		Args: imageArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return runUpdate(cmd.Context(), *env, f, args) },
	}
	f.changeFlags.add(cmd)
	f.placeFlags.add(cmd)
	f.tagFlags.add(cmd)
	cmd.Flags().StringVar(&f.tag, "tag", "", "the `TAG` is known (the same as IMAGE:TAG)")
	cmd.Flags().StringVar(&f.onMismatch, "on-mismatch", "fail", "a given tag is not one that the image's policy permits: `fail|skip|allow`")
	completeWith(cmd, "on-mismatch", "fail", "skip", "allow")
	inGroup(cmd, groupTag, "tag")
	inGroup(cmd, groupSafety, "on-mismatch")
	return cmd
}

// updateFlags are the flags of update.
type updateFlags struct {
	changeFlags
	placeFlags
	tagFlags
	onMismatch string
}

var mismatchAnswers = map[string]bump.OnMismatch{"fail": bump.FailOnMismatch, "skip": bump.SkipOnMismatch, "allow": bump.AllowMismatch}

func (f *updateFlags) check() error {
	if err := firstError(f.changeFlags.check, f.placeFlags.check, f.tagFlags.check); err != nil {
		return err
	}
	if err := oneOf("on-mismatch", f.onMismatch, "fail", "skip", "allow"); err != nil {
		return err
	}
	if f.noVerify && f.wait > 0 {
		return fault.New(fault.Usage, "--wait-for-tag needs the registry, which --no-verify leaves out")
	}
	return f.fit("--wait-for-tag", f.wait)
}

func runUpdate(ctx context.Context, env Env, f *updateFlags, args []string) error {
	return f.concluded(ctx, env, "update", f.check, func(ctx context.Context) error { return f.run(ctx, env, args) })
}

func (f *updateFlags) run(ctx context.Context, env Env, args []string) error {
	j, err := openJob(env, &f.changeFlags)
	if err != nil {
		return err
	}
	defer j.close()
	j.printer.explains = f.explain
	req, err := f.request(ctx, j, args)
	if err == nil {
		err = j.run(ctx, req)
	}
	globs := j.globs(f.files)
	if len(globs) == 0 {
		globs = j.project.Environments[f.env].Files
	}
	return j.withNear(ctx, globs, req.Images, err)
}

// request makes the request of an update.
func (f *updateFlags) request(ctx context.Context, j *job, args []string) (bump.Request, error) {
	if err := j.findProject(ctx, f.filesAtOnce()); err != nil {
		return bump.Request{}, err
	}
	scope, err := f.scopeOf(j.project)
	if err != nil {
		return bump.Request{}, err
	}
	scope, err = scope.narrowed(ctx, j.repo.Repo, j.project.branchOf(j.flags.branch, scope.name), j.globs(f.files))
	if err != nil {
		return bump.Request{}, err
	}
	req, err := j.request(scope)
	if err != nil {
		return req, err
	}
	req.All, req.Add, req.OnMismatch = f.all, f.adds, mismatchAnswers[f.onMismatch]
	for _, text := range f.sets {
		set, err := bump.ParseSet(text)
		if err != nil {
			return req, fmt.Errorf("--set: %w", err)
		}
		req.Sets = append(req.Sets, set)
	}
	if f.path != "" {
		if req.Path, err = keypath.Parse(f.path); err != nil {
			return req, fault.Errorf(fault.Usage, "--path: %w", err)
		}
	}
	images := imageReader{
		world: j.world, project: j.project, tags: f.tagFlags, platforms: f.platforms,
		unverified: f.noVerify, source: f.source, environment: scope.name,
	}
	req.Images, err = images.all(args)
	return req, err
}

// filesAtOnce are the files to read together with the project file: those that are
// read anyway, which is not known as long as an environment may narrow them.
func (f *updateFlags) filesAtOnce() []string {
	if f.env != "" {
		return nil
	}
	return f.files
}
