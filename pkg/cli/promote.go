package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/image"
)

func newPromote(env *Env) *cobra.Command {
	f := new(promoteFlags)
	cmd := &cobra.Command{
		Use:     "promote [IMAGE...] [--from ENV] --to ENV",
		GroupID: groupChange,
		Short:   "Write the tag that one environment has into the files of another",
		Long: `Promote takes the tag in the files of --from, asks the registry whether it
still has it, and writes it into the files of --to. Without an IMAGE
it does so for every image of the project file that both environments have.

Where --to pulls from a registry of its own (images.X.as.ENV in the project file), its
files keep that name, and the tag there must be the same image, by its digest.

--only-if-healthy asks Argo CD first: every application of --from must be Synced and
Healthy and run the tags in its files, else nothing is changed (exit code 9).`,
		Example: `  tagbump promote --from staging --to production --dry-run
  tagbump promote haoict/send2ereader --from staging --to production --pr
  tagbump promote --to production --only-if-healthy`,
		Args: imageArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return runPromote(cmd.Context(), *env, f, args) },
	}
	f.changeFlags.add(cmd)
	cmd.Flags().StringVar(&f.from, "from", "", "`ENV` that has the tag (default: what the project file says under from)")
	cmd.Flags().StringVar(&f.to, "to", "", "`ENV` that gets it")
	cmd.Flags().BoolVar(&f.onlyIfHealthy, "only-if-healthy", false, "promote only what Argo CD runs in --from, Synced and Healthy")
	inGroup(cmd, groupWhat, "from", "to")
	inGroup(cmd, groupSafety, "only-if-healthy")
	return cmd
}

// promoteFlags are the flags of promote.
type promoteFlags struct {
	changeFlags
	from, to      string
	onlyIfHealthy bool
}

func (f *promoteFlags) check() error {
	switch {
	case f.to == "":
		return fault.New(fault.Usage, "promote needs --to, and --from unless the project file says where tags come from").
			WithHint("tagbump promote --from staging --to production")
	case f.from == f.to:
		return fault.Errorf(fault.Usage, "--from and --to are the same environment, %q", f.to)
	}
	return f.changeFlags.check()
}

func runPromote(ctx context.Context, env Env, f *promoteFlags, args []string) error {
	return f.concluded(ctx, env, "promote", f.check, func(ctx context.Context) error { return f.run(ctx, env, args) })
}

func (f *promoteFlags) run(ctx context.Context, env Env, args []string) error {
	j, err := openJob(env, &f.changeFlags)
	if err != nil {
		return err
	}
	defer j.close()
	req, err := f.request(ctx, j, args)
	if err != nil {
		return err
	}
	if f.onlyIfHealthy {
		if err := f.checkHealth(ctx, j, req); err != nil {
			return err
		}
	}
	return j.run(ctx, req)
}

// checkHealth refuses a promotion from an environment that is not healthy, or that does
// not run the tags in its files.
func (f *promoteFlags) checkHealth(ctx context.Context, j *job, req bump.Request) error {
	from := req.Images[0].Source.(bump.FromEnvironment)
	d, err := newDeployer(j.world, &waitFlags{argocd: f.argocd}, j.project, from.Name, j.origin(ctx), j.repo.Repo, j.printer.talk)
	if err != nil {
		return err
	}
	area := bump.Area{Name: from.Name, Branch: req.Branch, Files: from.Files}
	push, err := d.pushIn(ctx, j.runner, area, req.Images)
	if err != nil {
		return err
	}
	states, err := d.waiter.States(ctx, push)
	if err != nil {
		return err
	}
	if why := unfit(states, push.Images); why != "" {
		return fault.Errorf(fault.NotDeployed, "%s is not promoted: %s", from.Name, why).
			WithHint("tagbump wait --env %s waits for it", from.Name)
	}
	return nil
}

// request makes the request of a promotion.
func (f *promoteFlags) request(ctx context.Context, j *job, args []string) (bump.Request, error) {
	if err := j.findProject(ctx, nil); err != nil {
		return bump.Request{}, err
	}
	to, err := j.project.environment("--to", f.to)
	if err != nil {
		return bump.Request{}, err
	}
	name := firstOf(f.from, to.From)
	if name == "" {
		return bump.Request{}, fault.Errorf(fault.Usage, "promote needs --from: %s does not say where the tags of %s come from", j.project.file, f.to).
			WithHint("give --from ENV, or write from: ENV into the environment")
	}
	from, err := j.project.environment("--from", name)
	if err != nil {
		return bump.Request{}, err
	}
	if err := checkUntagged(args, name, "tagbump update %s --env "+f.to); err != nil {
		return bump.Request{}, err
	}
	req, err := j.request(scope{f.to, to})
	if err != nil {
		return req, err
	}
	source := bump.FromEnvironment{Name: name}
	if source.Files, err = files.Select(from.Files...); err != nil {
		return req, fault.As(fault.Usage, err)
	}
	images := imageReader{
		world: j.world, project: j.project, platforms: f.platforms, unverified: f.noVerify, environment: f.to,
		source: func(bump.Image, string) (bump.Source, error) {
			return source, nil
		},
	}
	req.Images, err = images.all(args)
	return req, err
}

// checkUntagged refuses an argument with a tag, for commands that take tags from
// elsewhere. The hint is what to run instead, with %s for the argument.
func checkUntagged(args []string, from, instead string) error {
	for _, arg := range args {
		if ref := image.Split(arg); ref.Tag != "" || ref.Digest != "" {
			return fault.Errorf(fault.Usage, "%s: the tag is the one of %s, so name the image only", arg, from).
				WithHint("to write a given tag: "+instead, arg)
		}
	}
	return nil
}
