package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/argocd"
	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/wire"
)

func newWait(env *Env) *cobra.Command {
	f := new(waitCommand)
	cmd := &cobra.Command{
		GroupID: groupLook,
		Use:     waitName + " [IMAGE...] --env ENV",
		Short:   "Wait until Argo CD runs what the repository says, healthy",
		Long: `Wait looks up the tags in the files of an environment at the tip of their branch,
tells Argo CD to look at the repository, and waits until every application that
renders these files runs that commit (or a later one) with these tags, healthy.

The applications are those that the project file names, environments.ENV.argocd,
else those with the repository, the branch and the path of the files. ARGOCD_SERVER
and ARGOCD_AUTH_TOKEN say where Argo CD is; the right "applications, get" is enough.

In a checkout it waits for the commit that is checked out, which must be pushed to the
upstream of its branch.

Exit code 0: it runs, or a later commit replaced the tag. 9: it will not get there,
or the time is over; the reason is in the message. 6 and 7: Argo CD refused the
token, or cannot be reached. "tagbump help argocd" has the whole rule.`,
		Example: `  export ARGOCD_SERVER=argocd.acme.example ARGOCD_AUTH_TOKEN=…
  tagbump wait --env production
  tagbump wait acme/web --env staging --wait 10m --output json

  # in a checkout, after one's own change
  git push && tagbump wait --env production`,
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
	f.tellFlags.add(cmd)
	return cmd
}

// waitName is the name of the command.
const waitName = "wait"

// waitCommand are the flags of wait.
type waitCommand struct {
	repoFlags
	outputFlags
	waitFlags
	tellFlags
	env   string
	files []string
}

func (f *waitCommand) check() error {
	if err := firstError(f.outputFlags.check, f.reachFlags.check, f.waitFlags.check); err != nil {
		return err
	}
	if f.waitFor == 0 {
		return fault.New(fault.Usage, "--wait: 0s must be a positive duration")
	}
	return f.fit("--wait", f.waitFor)
}

func runWait(ctx context.Context, env Env, f *waitCommand, args []string) error {
	world := func() (wire.World, error) { return f.world(env, talk{env.Stderr, f.verbose}) }
	return f.concluded(ctx, env, conclusion{command: waitName}, world, func(ctx context.Context) error {
		if err := f.check(); err != nil {
			return err
		}
		return f.within(ctx, func(ctx context.Context) error { return f.run(ctx, env, args) })
	})
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
	if place.Local && f.branch != "" {
		return fault.Errorf(fault.Usage, "--branch needs a remote repository, and %s is a local folder", place.Where).WithHint("give --repo URL")
	}
	repo, err := w.OpenRepository(place, wire.Options{
		SSHKey: f.sshKey, SSHKnownHosts: f.sshKnownHosts, SSHHostKey: f.sshHostKey,
		Keep: wire.KeepPush, // Argo CD does not see a commit that the upstream lacks
	})
	if err != nil {
		return err
	}
	defer repo.Close() //nolint:errcheck // nothing was written
	if !place.Local || f.repo != "" {
		if p, err = p.inRoot(ctx, repo.Repo, f.branch, place.Where, nil); err != nil {
			return err
		}
	}
	f.course.add(func(soFar *conclusion) {
		soFar.printer, soFar.notify = printer{env: env, talk: talk, where: place.Where, place: place}, p.Notify
		soFar.request.Provenance = w.Provenance()
	})
	return f.wait(ctx, env, w, p, place, repo.Repo, args)
}

// wait waits, with everything open.
func (f *waitCommand) wait(ctx context.Context, env Env, w wire.World, p project, place wire.Place, repo bump.Repo, args []string) error {
	scope, err := (&placeFlags{env: f.env, files: f.files}).scopeOf(p)
	if err != nil {
		return err
	}
	branch := p.branchOf(f.branch, scope.name)
	globs := f.files
	if f.repo == "" {
		globs = p.globsFromHere(globs)
	}
	if scope, err = scope.narrowed(ctx, repo, branch, globs); err != nil {
		return err
	}
	images, err := namedImages(p, args)
	if err != nil {
		return err
	}
	f.course.add(func(soFar *conclusion) { soFar.request.To, soFar.request.Images = scope.name, images })
	area := bump.Area{Name: scope.name, Branch: branch}
	if area.Files, err = files.Select(scope.Files...); err != nil {
		return fault.As(fault.Usage, err)
	}
	origin, err := originOf(ctx, place, p, repo)
	if fault.KindOf(err) == fault.Usage {
		err = fault.Errorf(fault.Usage, "wait needs the repository that Argo CD reads, and %s is not a git checkout", place.Where).
			WithHint("give --repo URL, or write repository: into the project file")
	}
	if err != nil {
		return err
	}
	talk := talk{env.Stderr, f.verbose}
	d, err := newDeployer(w, &f.waitFlags, p, scope.name, origin, repo, talk)
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
	env.progress.enter(bump.PhaseWait)
	f.course.enters(env.Now)(bump.PhaseWait)
	made, err := d.wait(ctx, push)
	f.course.add(func(soFar *conclusion) { soFar.waited(push, made) })
	err = d.writeJUnit(made, err)
	return f.print(env, talk, scope.name, made, err)
}

// waited adds the result of waiting for a push, which another run or a person has made.
func (c *conclusion) waited(push argocd.Push, made deployment) {
	c.deployment, c.state, c.report.Commit = &made, made.state(), push.Commit
	for _, img := range push.Images {
		resolved := bump.Resolved{Repository: img.Repository, Tag: img.Tag, Digest: img.Digest}
		c.report.Images = append(c.report.Images, bump.ImageOutcome{Resolved: resolved, State: bump.Current})
	}
}

// print prints what became of the commit; with JSON also of one that failed.
func (f *waitCommand) print(env Env, t talk, environment string, made deployment, failure error) error {
	if f.output != formatJSON {
		printer{talk: t, env: env}.printDeployment(made)
		return failure
	}
	doc := newWaitDoc(env, environment, &made, failure)
	if failure != nil {
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

// newWaitDoc returns the JSON of a wait, also of one that failed.
func newWaitDoc(env Env, environment string, made *deployment, failure error) waitDoc {
	doc := waitDoc{Schema: schema, Environment: environment, Deployment: newDeploymentDoc(made)}
	if failure != nil {
		failed := env.newErrorDoc(failure)
		doc.Error = &failed
	}
	return doc
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
