package cli

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/policy"
	"github.com/tagbump/tagbump/pkg/wire"
)

// Flags come in groups that commands share. Each group has a method add, which
// declares its flags, and where some values are wrong by themselves a method check.

// repoFlags say which repository to change, and how to reach it.
type repoFlags struct {
	projectFlags
	reachFlags
	repo, branch                      string
	sshKey, sshKnownHosts, sshHostKey string
}

func (f *repoFlags) add(cmd *cobra.Command) {
	f.projectFlags.add(cmd, "in the repository's root")
	cmd.Flags().StringVar(&f.repo, "repo", "", "`URL or DIR` of the GitOps repository: https, ssh or a local folder (default: the project file's, else this folder)")
	cmd.Flags().StringVar(&f.branch, "branch", "", "`NAME` of the branch to change (default: the remote's HEAD)")
	cmd.Flags().StringVar(&f.sshKey, "ssh-key", "", "private key `FILE` for ssh, or the fingerprint of a key (default: the keys that ssh would offer)")
	cmd.Flags().StringVar(&f.sshKnownHosts, "ssh-known-hosts", "", "known_hosts `FILE` for ssh (default: ~/.ssh/known_hosts)")
	cmd.Flags().StringVar(&f.sshHostKey, "ssh-host-key", "", "the one `KEY` that the ssh server must have, as in known_hosts: \"ssh-ed25519 AAAA…\"")
	inGroup(cmd, groupWhere, "repo", "branch")
	inGroup(cmd, groupLogin, "ssh-key", "ssh-known-hosts", "ssh-host-key")
	f.reachFlags.add(cmd)
}

// projectFlags name the project file.
type projectFlags struct{ config string }

// add declares the flag; elsewhere says where else the file is looked for.
func (f *projectFlags) add(cmd *cobra.Command, elsewhere string) {
	where := "here"
	if elsewhere != "" {
		where += ", else " + elsewhere
	}
	cmd.Flags().StringVar(&f.config, "config", "", "project `FILE` (default: .tagbump.yaml "+where+")")
	inGroup(cmd, groupWhere, "config")
}

// publishFlags say how far a change goes.
type publishFlags struct {
	commit, push        bool
	dryRun, exitCode    bool
	onStale             string
	pinDigest, noVerify bool
	render              bool
}

func (f *publishFlags) add(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.commit, "commit", false, "in a local checkout: commit the change (default: only the files change)")
	cmd.Flags().BoolVar(&f.push, "push", false, "in a local checkout: commit the change and push it")
	cmd.Flags().BoolVarP(&f.dryRun, "dry-run", "n", false, "print the diff, change nothing")
	cmd.Flags().BoolVar(&f.exitCode, "exit-code", false, "with --dry-run: exit 3 when there are changes")
	cmd.Flags().StringVar(&f.onStale, "on-stale", "fail", "the tag is older than the deployed one: `fail|skip|allow`")
	cmd.Flags().BoolVar(&f.pinDigest, "pin-digest", false, "write the digest beside the tag (default: refuse to leave an old one there)")
	cmd.Flags().BoolVar(&f.noVerify, "no-verify", false, "do not ask the registry whether the tag exists")
	cmd.Flags().BoolVar(&f.render, "render", false, "prove the change first: render its charts with helm and its kustomizations with kustomize")
	completeWith(cmd, "on-stale", "fail", "skip", "allow")
	inGroup(cmd, groupPublish, "pr", "commit", "push", "dry-run", "pin-digest")
	inGroup(cmd, groupSafety, "on-stale", "no-verify", "render")
	inGroup(cmd, groupOutput, "exit-code")
}

func (f *publishFlags) check() error {
	if err := oneOf("on-stale", f.onStale, "fail", "skip", "allow"); err != nil {
		return err
	}
	if f.exitCode && !f.dryRun {
		return fault.New(fault.Usage, "--exit-code goes with --dry-run")
	}
	return nil
}

var staleAnswers = map[string]bump.OnStale{"fail": bump.Fail, "skip": bump.Skip, "allow": bump.Allow}

func (f *publishFlags) keep() wire.Keep {
	switch {
	case f.push:
		return wire.KeepPush
	case f.commit:
		return wire.KeepCommit
	}
	return wire.KeepFiles
}

// tagFlags say which tag an image gets.
type tagFlags struct {
	tag, digestFile, revision string
	policy                    policyFlags
	newestOf                  int
	wait                      time.Duration
	explain                   bool
}

// policyFlags choose the tag; names as in Flux.
type policyFlags struct{ semver, match, extract, order string }

func (p policyFlags) given() bool { return p != policyFlags{} }

func (f *tagFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.policy.semver, "semver", "", "newest version in `RANGE`, as \"~1.2\" or \">=2 <3\"")
	cmd.Flags().StringVar(&f.policy.match, "match", "", "look only at tags that match `REGEX`")
	cmd.Flags().StringVar(&f.policy.extract, "extract", "", "sort by this `TEMPLATE` of the match, as \"$stamp\" (default: the whole tag)")
	orders := policy.Orders()
	cmd.Flags().StringVar(&f.policy.order, "order", "", "`ORDER` in which the last tag wins: "+strings.Join(orders, ", ")+" (default: semver)")
	completeWith(cmd, "order", orders...)
	cmd.Flags().IntVar(&f.newestOf, "newest-of", 0, "with --order newest: look only at the last `N` by name (default: all)")
	cmd.Flags().StringVar(&f.revision, "revision", "", "source `COMMIT` that the image's label names; without a tag, it chooses the tag")
	cmd.Flags().StringVar(&f.digestFile, "digest-file", "", "`FILE` with the digest that the tag must point at, as builders write it")
	cmd.Flags().DurationVar(&f.wait, "wait-for-tag", 0, "wait for this `DURATION`, as 2m, for a tag or for --revision that was just pushed (default: do not wait)")
	cmd.Flags().BoolVar(&f.explain, "explain", false, "print on stderr (in JSON: on stdout) how the tag was chosen, and how many requests that took")
	inGroup(cmd, groupTag, "semver", "match", "extract", "order", "newest-of", "revision", "digest-file")
	inGroup(cmd, groupWaiting, "wait-for-tag")
	inGroup(cmd, groupOutput, "explain")
}

func (f *tagFlags) check() error {
	if f.newestOf < 0 {
		return fault.Errorf(fault.Usage, "--newest-of: %d must be a positive number", f.newestOf)
	}
	if f.wait < 0 {
		return fault.Errorf(fault.Usage, "--wait-for-tag: %s must be a positive duration", f.wait)
	}
	return nil
}

// placeFlags say where in the repository an image is looked for.
type placeFlags struct {
	env   string
	files []string
	path  string
	all   bool
	sets  []string
	adds  bool
}

func (f *placeFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.env, "env", "", "`ENV` of the project file (default: its only one)")
	cmd.Flags().StringArrayVar(&f.files, "file", nil, "`GLOB` of files to look in, with --env of those of the environment (repeatable; default: all of them, else all YAML files)")
	cmd.Flags().StringVar(&f.path, "path", "", "the exact `KEY`, as image.tag or spec.containers[name=web].image (default: found by the image's name)")
	cmd.Flags().StringArrayVar(&f.sets, "set", nil, "a further value in the same commit, `FILE:KEY=TEXT` with placeholders {{.Tag}}, {{.Digest}}, {{.Revision}}, {{.Image}}, {{.Environment}} (repeatable)")
	cmd.Flags().BoolVar(&f.adds, "add", false, "put an image that is missing into the images of the kustomization")
	cmd.Flags().BoolVar(&f.all, "all", false, "change all places, also those of different environments or with different tags (default: refuse and list them)")
	inGroup(cmd, groupWhat, "env", "set")
	inGroup(cmd, groupWhere, "file", "path", "add", "all")
}

func (f *placeFlags) check() error {
	if f.all && f.env != "" {
		return fault.New(fault.Usage, "--all and --env contradict each other")
	}
	if _, err := files.Select(f.files...); err != nil {
		return fault.Errorf(fault.Usage, "--file: %w", err)
	}
	return nil
}

// platformFlags say what an image must run on.
type platformFlags struct{ platforms []string }

func (f *platformFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.platforms, "platform", nil, "`OS/ARCH` that the image must have (repeatable; default: the project file's)")
	inGroup(cmd, groupTag, "platform")
}

func (f *platformFlags) check() error {
	for _, platform := range f.platforms {
		if err := image.CheckPlatform(platform); err != nil {
			return fault.Errorf(fault.Usage, "--platform: %w", err)
		}
	}
	return nil
}

// outputFlags choose the output.
type outputFlags struct {
	output  string
	verbose bool
}

func (f *outputFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.output, "output", "o", formatText, "`text|json`: what stdout gets")
	cmd.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "log each step and request to stderr")
	completeWith(cmd, "output", formatText, formatJSON)
	inGroup(cmd, groupOutput, "output", "verbose")
}

func (f *outputFlags) check() error {
	return oneOf("output", f.output, formatText, formatJSON)
}

// changeFlags are what all commands share that change a repository.
type changeFlags struct {
	repoFlags
	commitFlags
	publishFlags
	proposalFlags
	platformFlags
	outputFlags
	tellFlags
	waitFlags
}

func (f *changeFlags) add(cmd *cobra.Command) {
	f.repoFlags.add(cmd)
	f.commitFlags.add(cmd)
	f.publishFlags.add(cmd)
	f.proposalFlags.add(cmd)
	f.platformFlags.add(cmd)
	f.outputFlags.add(cmd)
	f.tellFlags.add(cmd)
	f.addAfterPush(cmd)
}

func (f *changeFlags) check() error {
	if f.base != "" && f.branch != "" && f.base != f.branch {
		return fault.Errorf(fault.Usage, "--base %s and --branch %s contradict each other: a pull request changes the branch that is read", f.base, f.branch)
	}
	return firstError(f.outputFlags.check, f.reachFlags.check, f.publishFlags.check, f.proposalFlags.check, f.platformFlags.check, f.waitFlags.check, f.checkWait, f.commitFlags.check)
}

// checkWait refuses to wait for a change that is only proposed, and makes time for the
// wait.
func (f *changeFlags) checkWait() error {
	if f.pr == proposeAlways && f.asks() {
		return fault.New(fault.Usage, "--pr with --wait or --refresh: Argo CD sees a pull request only after its merge").
			WithHint("after the merge: tagbump wait")
	}
	return f.fit("--wait", f.longest())
}

// concluded runs a command that changes a repository, and tells the receivers its result,
// also when it failed. Check looks at the flags.
func (f *changeFlags) concluded(ctx context.Context, env Env, command string, check func() error, run func(context.Context) error) error {
	world := func() (wire.World, error) { return f.world(env, talk{env.Stderr, f.verbose}) }
	return f.tellFlags.concluded(ctx, env, conclusion{command: command, dryRun: f.dryRun}, world, func(ctx context.Context) error {
		if err := check(); err != nil {
			return err
		}
		return f.within(ctx, run)
	})
}

// within is the method of reachFlags, with what an interruption means for the
// repository.
func (f *changeFlags) within(ctx context.Context, command func(ctx context.Context) error) error {
	err := f.reachFlags.within(ctx, command)
	var interrupted interruption
	if errors.As(err, &interrupted) {
		interrupted.note = "the branch is as before, or has the whole commit"
		return interrupted
	}
	return err
}

// firstError runs checks until one of them fails.
func firstError(checks ...func() error) error {
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func completeWith(cmd *cobra.Command, flag string, values ...string) {
	// The only error is a flag that does not exist, which the first run of any test shows.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}
