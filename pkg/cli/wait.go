package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/wire"
)

func newWait(env *Env) *cobra.Command {
	f := new(waitCommand)
	cmd := &cobra.Command{
		GroupID: groupLook,
		Use:     "wait [IMAGE...] --env ENV",
		Short:   "Wait until Argo CD runs what the repository says, healthy",
		Long: `Wait looks up the tags in the files of an environment at the tip of their branch,
tells Argo CD to look at the repository, and waits until every application that
renders these files runs that commit (or a later one) with these tags, healthy.

The applications are those that the project file names, environments.ENV.argocd,
else those with the repository, the branch and the path of the files. ARGOCD_SERVER
and ARGOCD_AUTH_TOKEN say where Argo CD is; the right "applications, get" is enough.

Exit code 0: it runs, or a later commit replaced the tag. 9: it will not get there,
or the time is over; the reason is in the message. 6 and 7: Argo CD refused the
token, or cannot be reached. "tagbump help argocd" has the whole rule.`,
		Example: `  export ARGOCD_SERVER=argocd.acme.example ARGOCD_AUTH_TOKEN=…
  tagbump wait --env production
  tagbump wait acme/web --env staging --wait 10m --output json`,
		Args: imageArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return runWait(cmd.Context(), *env, f, args) },
	}
	f.repoFlags.add(cmd)
	f.outputFlags.add(cmd)
	cmd.Flags().StringVar(&f.env, "env", "", "`ENV` of the project file (default: its only one)")
	cmd.Flags().StringArrayVar(&f.files, "file", nil, "`GLOB` of files to look in (repeatable; default: those of the environment)")
	cmd.Flags().DurationVar(&f.waitFor, "wait", defaultWait, "wait for this `DURATION` at most")
	inGroup(cmd, groupWhat, "env")
	inGroup(cmd, groupWhere, "file")
	inGroup(cmd, groupWaiting, "wait")
	f.waitFlags.add(cmd)
	return cmd
}

// waitCommand are the flags of wait.
type waitCommand struct {
	repoFlags
	outputFlags
	waitFlags
	env   string
	files []string
}

func runWait(ctx context.Context, env Env, f *waitCommand, args []string) error {
	if err := firstError(f.outputFlags.check, f.reachFlags.check, f.waitFlags.check); err != nil {
		return err
	}
	if f.waitFor == 0 {
		return fault.New(fault.Usage, "--wait: 0s must be a positive duration")
	}
	if err := f.fit("--wait", f.waitFor); err != nil {
		return err
	}
	return f.within(ctx, func(ctx context.Context) error { return f.run(ctx, env, args) })
}

func (f *waitCommand) run(ctx context.Context, env Env, args []string) error {
	talk := talk{env.Stderr, f.verbose}
	w, err := f.world(env, talk)
	if err != nil {
		return err
	}
	p, err := openProject(w, f.config)
	if err != nil {
		return err
	}
	place, err := w.Locate(firstOf(f.repo, p.repository()))
	if err != nil {
		return err
	}
	if f.repo == "" {
		place = place.ByProject()
	}
	if place.Local {
		return fault.Errorf(fault.Usage, "wait needs the repository that Argo CD reads, and %s is a local folder", place.Where).
			WithHint("give --repo URL, or write repository: into the project file")
	}
	repo, err := w.OpenRepository(place, wire.Options{SSHKey: f.sshKey, SSHKnownHosts: f.sshKnownHosts, SSHHostKey: f.sshHostKey})
	if err != nil {
		return err
	}
	defer repo.Close() //nolint:errcheck // nothing was written
	if p, err = p.inRoot(ctx, repo.Repo, f.branch, place.Where, nil); err != nil {
		return err
	}
	return f.wait(ctx, env, w, p, place, repo.Repo, args)
}

// wait waits, with everything open.
func (f *waitCommand) wait(ctx context.Context, env Env, w wire.World, p project, place wire.Place, repo bump.Repo, args []string) error {
	scope, err := (&placeFlags{env: f.env, files: f.files}).scopeOf(p)
	if err != nil {
		return err
	}
	branch := p.branchOf(f.branch, scope.name)
	if scope, err = scope.narrowed(ctx, repo, branch, f.files); err != nil {
		return err
	}
	images, err := namedImages(p, args)
	if err != nil {
		return err
	}
	area := bump.Area{Name: scope.name, Branch: branch}
	if area.Files, err = files.Select(scope.Files...); err != nil {
		return fault.As(fault.Usage, err)
	}
	talk := talk{env.Stderr, f.verbose}
	d, err := newDeployer(w, &f.waitFlags, p, scope.name, addressOf(place, p), repo, talk)
	if err != nil {
		return err
	}
	push, err := d.pushIn(ctx, bump.Runner{Repo: repo, Log: talk.say}, area, images)
	if err != nil {
		return err
	}
	if len(push.Images) == 0 {
		return fault.Errorf(fault.NotFound, "no image with a tag is in the files%s", ofEnvironment(scope.name))
	}
	made, err := d.wait(ctx, push)
	err = d.writeJUnit(made, err)
	return f.print(env, talk, scope.name, made, err)
}

// print prints what became of the commit; with JSON also of one that failed.
func (f *waitCommand) print(env Env, t talk, environment string, made deployment, failure error) error {
	if f.output != formatJSON {
		printer{talk: t, env: env}.printDeployment(made)
		return failure
	}
	doc := waitDoc{Schema: schema, Environment: environment, Deployment: newDeploymentDoc(&made)}
	if failure != nil {
		failed := env.newErrorDoc(failure)
		doc.Error = &failed
		failure = printedError{failure}
	}
	return errors.Join(env.printJSON(doc), failure)
}

// waitDoc is the JSON of the command wait.
type waitDoc struct {
	Schema      int            `json:"schema"`
	Environment string         `json:"environment,omitempty"`
	Deployment  *deploymentDoc `json:"deployment,omitempty"`
	Error       *errorDoc      `json:"error,omitempty"`
}

// namedImages returns the images that arguments name, else those of the project file.
func namedImages(p project, args []string) ([]bump.Image, error) {
	if err := checkUntagged(args, "the files", "tagbump update %s --wait 5m"); err != nil {
		return nil, err
	}
	if len(args) == 0 {
		args = p.ImageNames()
	}
	images := make([]bump.Image, len(args))
	for i, name := range args {
		configured, _ := p.Image(name)
		images[i] = imageOf(name, configured)
	}
	return images, nil
}
