package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/policy"
)

// flags are the values of all flags that more than one command has.
type flags struct {
	config, repo, branch  string
	env                   string
	files, platforms      []string
	path, tag             string
	digestFile, revision  string
	newestOf              int
	waitForTag            time.Duration
	explain               bool
	policy                policyFlags
	onStale, output       string
	noVerify, pinDigest   bool
	pr, dryRun, exitCode  bool
	commit, push          bool
	sshKey, sshKnownHosts string
	sshHostKey, caFile    string
	commitMeta            commitFlags
	verbose               bool
	fromEnv, toEnv        string // promote
}

// policyFlags choose the tag; names as in Flux.
type policyFlags struct{ semver, match, extract, order string }

func (p policyFlags) given() bool { return p != policyFlags{} }

func (f *flags) addRepo(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.config, "config", "", "project file (default: .tagbump.yaml here, else in the repository's root)")
	cmd.Flags().StringVar(&f.repo, "repo", "", "`URL or DIR` of the GitOps repository: https, ssh or a local folder (default: the project file's, else this folder)")
	cmd.Flags().StringVar(&f.branch, "branch", "", "branch to change (default: the remote's HEAD)")
	cmd.Flags().StringVar(&f.sshKey, "ssh-key", "", "private key `FILE` for ssh (default: the agent's keys; without an agent ~/.ssh/id_ed25519, id_ecdsa or id_rsa)")
	cmd.Flags().StringVar(&f.sshKnownHosts, "ssh-known-hosts", "", "known_hosts `FILE` for ssh (default: ~/.ssh/known_hosts)")
	cmd.Flags().StringVar(&f.sshHostKey, "ssh-host-key", "", "the one `KEY` that the ssh server must have, as in known_hosts: \"ssh-ed25519 AAAA…\"")
	cmd.Flags().StringVar(&f.caFile, "ca-file", "", "PEM `FILE` of certificates to trust for https beside the system's")
	f.commitMeta.add(cmd)
}

func (f *flags) addPublish(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.pr, "pr", false, "open (or refresh) a pull request instead of pushing")
	cmd.Flags().BoolVar(&f.commit, "commit", false, "in a local checkout: commit the change (default: only the files change)")
	cmd.Flags().BoolVar(&f.push, "push", false, "in a local checkout: commit the change and push it")
	cmd.Flags().BoolVarP(&f.dryRun, "dry-run", "n", false, "print the diff, change nothing")
	cmd.Flags().BoolVar(&f.exitCode, "exit-code", false, "with --dry-run: exit 3 when there are changes")
	cmd.Flags().StringVar(&f.onStale, "on-stale", "fail", "the tag is older than the deployed one: `fail|skip|allow`")
	cmd.Flags().BoolVar(&f.pinDigest, "pin-digest", false, "write the digest beside the tag (default: refuse to leave an old one there)")
	cmd.Flags().BoolVar(&f.noVerify, "no-verify", false, "do not ask the registry whether the tag exists")
	completeWith(cmd, "on-stale", "fail", "skip", "allow")
}

func (f *flags) addImage(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.policy.semver, "semver", "", "newest version in `RANGE`, as \"~1.2\" or \">=2 <3\"")
	cmd.Flags().StringVar(&f.policy.match, "match", "", "look only at tags that match `REGEX`")
	cmd.Flags().StringVar(&f.policy.extract, "extract", "", "sort by this `TEMPLATE` of the match, as \"$stamp\" (default: the whole tag)")
	orders := policy.Orders()
	cmd.Flags().StringVar(&f.policy.order, "order", "", "`ORDER` in which the last tag wins: "+strings.Join(orders, ", ")+" (default: semver)")
	completeWith(cmd, "order", orders...)
	cmd.Flags().IntVar(&f.newestOf, "newest-of", 0, "with --order newest: look only at the last `N` by name (default: all)")
	cmd.Flags().StringVar(&f.revision, "revision", "", "source `COMMIT` that the image's label names; without a tag, it chooses the tag")
	cmd.Flags().StringVar(&f.digestFile, "digest-file", "", "`FILE` with the digest that the tag must point at, as builders write it")
	cmd.Flags().DurationVar(&f.waitForTag, "wait-for-tag", 0, "how long to wait for a tag, or for --revision, that was just pushed, as 2m (default: not)")
	cmd.Flags().BoolVar(&f.explain, "explain", false, "tell on stderr (in JSON: on stdout) how the tag was chosen, and what that cost")
	f.addPlatform(cmd)
}

func (f *flags) addPlatform(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.platforms, "platform", nil, "`OS/ARCH` that the image must have (repeatable; default: the project file's)")
}

func (f *flags) addOutput(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&f.output, "output", "o", "text", "`text|json`: what stdout gets")
	cmd.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "tell on stderr what is asked of whom")
	completeWith(cmd, "output", "text", "json")
}

func completeWith(cmd *cobra.Command, flag string, values ...string) {
	// The only error is a flag that does not exist, which the first run of any test shows.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

func (f *flags) keep() keeping {
	switch {
	case f.push:
		return keepPush
	case f.commit:
		return keepCommit
	}
	return keepFiles
}

// check refuses values and combinations that mean nothing.
func (f *flags) check() error {
	switch {
	case f.output != "text" && f.output != "json":
		return usageError{"--output: " + quote(f.output) + " is neither text nor json", ""}
	case f.onStale != "" && f.onStale != "fail" && f.onStale != "skip" && f.onStale != "allow":
		return usageError{"--on-stale: " + quote(f.onStale) + " is none of fail, skip, allow", ""}
	case f.newestOf < 0:
		return usageError{fmt.Sprintf("--newest-of: %d is no number of tags", f.newestOf), ""}
	case f.waitForTag < 0:
		return usageError{fmt.Sprintf("--wait-for-tag: %s is no time to wait", f.waitForTag), ""}
	case f.noVerify && f.revision != "":
		return usageError{"--revision needs the registry, which --no-verify leaves out", ""}
	case f.noVerify && f.waitForTag > 0:
		return usageError{"--wait-for-tag needs the registry, which --no-verify leaves out", ""}
	case f.exitCode && !f.dryRun:
		return usageError{"--exit-code goes with --dry-run", ""}
	}
	if _, err := files.Select(f.files...); err != nil {
		return usageError{"--file: " + err.Error(), ""}
	}
	for _, platform := range f.platforms {
		if err := image.CheckPlatform(platform); err != nil {
			return usageError{"--platform: " + err.Error(), ""}
		}
	}
	return nil
}
