package cli

import (
	"context"
	"errors"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/config"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/wire"
)

// A job is one run of a command that changes a repository, with everything open.
type job struct {
	flags   *changeFlags
	world   wire.World
	project project
	place   wire.Place
	repo    *wire.Repository
	via     wire.Via
	runner  bump.Runner
	printer printer

	mode    config.Publish // how the change reaches its branch
	base    string         // the branch that a pull request changes; "" for the one that a push changes
	preview string         // of a pull request, see proposalFlags.preview

	deployer *deployer // asks Argo CD afterwards; nil does not
}

// openJob opens the project file, the repository and the registry.
func openJob(env Env, f *changeFlags) (*job, error) {
	talk := talk{env.Stderr, f.verbose}
	j := &job{flags: f}
	var err error
	if j.world, err = f.world(env, talk); err != nil {
		return nil, err
	}
	if j.project, err = openProject(j.world, f.config); err != nil {
		return nil, err
	}
	if j.place, err = j.world.Locate(firstOf(f.repo, j.project.repository())); err != nil {
		return nil, err
	}
	if f.repo == "" {
		j.place = j.place.ByProject()
	}
	j.place = j.place.AtForge(j.namedForge())
	if err := checkPlace(j.place, f); err != nil {
		return nil, err
	}
	registry, err := j.world.OpenRegistry()
	if err != nil {
		return nil, err
	}
	if err = j.openRepository(); err != nil {
		return nil, err
	}
	enter := f.course.enters(env.Now)
	j.runner = bump.Runner{Repo: j.repo.Repo, Registry: registry, Log: talk.say, Enter: func(phase bump.Phase) {
		env.progress.enter(phase)
		enter(phase)
	}}
	j.printer = printer{env: env, talk: talk, format: f.output, where: j.place.Where, local: j.place.Local, place: j.place, stats: registry.Stats}
	f.course.add(func(soFar *conclusion) { soFar.printer, soFar.notify = j.printer, j.project.Notify })
	return j, nil
}

// openRepository opens the repository in the way that the flags and the project file
// want.
func (j *job) openRepository() error {
	f := j.flags
	via := wire.Via(f.commitFlags.or(j.project.Commit).via)
	repo, err := j.world.OpenRepository(j.place, wire.Options{
		SSHKey: f.sshKey, SSHKnownHosts: f.sshKnownHosts, SSHHostKey: f.sshHostKey,
		SigningKey: f.signingKey, Keep: f.keep(), Via: via,
	})
	if err == nil {
		j.repo, j.via = repo, via
	}
	return err
}

func (j *job) close() { _ = j.repo.Close() }

// checkPlace refuses flags that make no sense for a folder, or for a remote repository.
func checkPlace(place wire.Place, f *changeFlags) error {
	const folder = "%s needs a remote repository, and %s is a local folder"
	switch {
	case place.Local && f.branch != "":
		return fault.Errorf(fault.Usage, folder, "--branch", place.Where).WithHint("give --repo URL")
	case place.Local && f.signingKey != "":
		return fault.Errorf(fault.Usage, folder, "--signing-key", place.Where).
			WithHint("there your own git commits: see git help config, commit.gpgSign")
	case place.Local && (f.pr == proposeAlways || f.pr == proposeAuto):
		return fault.Errorf(fault.Usage, folder, "--pr", place.Where).WithHint("give --repo URL")
	case !place.Local && f.keep() != wire.KeepFiles:
		return fault.Errorf(fault.Usage, "--commit and --push are for a local checkout, and %s is a remote repository", place.Where).
			WithHint("there a change is always committed and pushed, or proposed with --pr")
	}
	return nil
}

// findProject looks for a project file in the repository's root when there is
// none here.
func (j *job) findProject(ctx context.Context, globs []string) error {
	if j.place.Local && j.flags.repo == "" {
		return nil // it was looked for there already
	}
	var err error
	j.project, err = j.project.inRoot(ctx, j.repo.Repo, j.flags.branch, j.place.Where, globs)
	if err != nil {
		return err
	}
	j.flags.course.add(func(soFar *conclusion) { soFar.notify = j.project.Notify })
	j.place = j.place.AtForge(j.namedForge())
	if wire.Via(j.flags.commitFlags.or(j.project.Commit).via) == j.via {
		return nil
	}
	j.close()
	return j.openRepository()
}

// globs returns the files of --file as the repository has them.
func (j *job) globs(given []string) []string {
	if j.flags.repo != "" {
		return given
	}
	return j.project.globsFromHere(given)
}

// request returns a request with what all requests have: how the commit looks and
// where it goes.
func (j *job) request(s scope) (bump.Request, error) {
	req := bump.Request{
		Branch: j.project.branchOf(j.flags.branch, s.name), To: s.name,
		PinDigest: j.flags.pinDigest, OnStale: staleAnswers[j.flags.onStale],
	}
	commit := j.flags.commitFlags.or(j.project.Commit)
	var err error
	if j.runner.Repo, err = j.repo.By(commit.author); err != nil {
		return req, err
	}
	if req.Files, err = files.Select(s.Files...); err != nil {
		return req, fault.As(fault.Usage, err)
	}
	if req.Message, err = commit.text(); err != nil {
		return req, err
	}
	if req.Provenance, err = j.flags.provenance(j.world); err != nil {
		return req, err
	}
	if req.Sets, err = j.project.sets(s); err != nil {
		return req, err
	}
	if err := j.proposeAs(s, &req); err != nil {
		return req, err
	}
	if j.place.Local && j.flags.push && s.Publish == config.PullRequest {
		return req, fault.Errorf(fault.Usage, "--push: %s has publish: pull-request for %s", j.project.file, s.name).
			WithHint("give --repo URL, which opens a pull request; or --commit, and push a branch of your own")
	}
	j.printer.would = j.would()
	switch {
	case j.flags.dryRun:
		req.Publish = bump.Preview
	case j.mode == config.PullRequest:
		req.Publish = bump.Propose
	default:
		req.Publish = bump.Save
	}
	return req, nil
}

// would returns what a run comes to that changes something and is no dry run.
func (j *job) would() bump.State {
	switch {
	case !j.place.Local && j.mode == config.PullRequest:
		return bump.Proposed
	case !j.place.Local || j.flags.push:
		return bump.Pushed
	case j.flags.commit:
		return bump.Committed
	}
	return bump.Written
}

// run runs the request and prints its report, also what is known of a failed one.
func (j *job) run(ctx context.Context, req bump.Request) error {
	j.flags.course.add(func(soFar *conclusion) { soFar.request = req })
	if err := req.Check(); err != nil {
		return withFlag(err)
	}
	if err := firstError(func() error { return j.openDeployer(ctx, req) }, func() error { return j.openPreviewer(ctx, req) }); err != nil {
		return err
	}
	if j.flags.render {
		j.runner.Prove = j.repo.Prove(j.printer.printUnits)
	}
	if err := j.checkForge(req); err != nil {
		return err
	}
	report, err := j.publish(ctx, req)
	if err != nil && j.mode == config.Auto && fault.KindOf(err) == fault.Refused && !errors.Is(err, bump.ErrMoved) {
		j.printer.say("%v; opening a pull request", err)
		req.Publish, req.Branch = bump.Propose, firstOf(j.base, req.Branch)
		report, err = j.publish(ctx, req)
	}
	if j.flags.output != formatJSON || err != nil {
		j.printer.explain(report.Resolved...)
	}
	if err != nil && report.PullRequest == nil {
		return err
	}
	if err := errors.Join(err, j.conclude(ctx, req, report)); err != nil {
		return err // perhaps of a pull request that is open, and could not be given all
	}
	if j.flags.exitCode && (report.Changed() || len(report.Earlier) > 0) {
		return errChanges
	}
	return nil
}

// publish runs the request, with a forge when it wants one.
func (j *job) publish(ctx context.Context, req bump.Request) (bump.Report, error) {
	if req.Publish == bump.Propose {
		var err error
		if j.runner.Forge, err = j.openForge(); err != nil {
			return bump.Report{}, err
		}
		j.runner.Sources = j.world.Sources(j.place)
	}
	report, err := j.runner.Run(ctx, req)
	j.flags.course.add(func(soFar *conclusion) { soFar.report = report })
	return report, err
}

// firstOf returns the first of values that is not empty.
func firstOf(values ...string) string {
	for _, value := range values {
		if value != "" {
			return value
		}
	}
	return ""
}
