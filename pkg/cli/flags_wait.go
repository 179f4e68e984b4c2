package cli

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/rollout"
)

// waitFlags say how Argo CD is asked what became of a commit.
type waitFlags struct {
	waitFor                time.Duration // 0 does not wait
	argocd, junit          string
	syncs, allowSuspended  bool
	refreshOnly, takesBack bool // of commands that push, see addAfterPush
}

// defaultWait is how long tagbump wait waits.
const defaultWait = 5 * time.Minute

func (f *waitFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.argocd, "argocd-server", "", "`HOST[:PORT]` of Argo CD, which gets the token in ARGOCD_AUTH_TOKEN (default: ARGOCD_SERVER)")
	cmd.Flags().StringVar(&f.junit, "junit", "", "write what became of each application into `FILE`, as a JUnit report for the CI system's list of tests")
	cmd.Flags().BoolVar(&f.syncs, "sync", false, "ask Argo CD for the sync that nobody else begins (needs the right \"applications, sync\")")
	cmd.Flags().BoolVar(&f.allowSuspended, "allow-suspended", false, "an application that is suspended has arrived: a paused rollout or Deployment")
	inGroup(cmd, groupWaiting, "sync", "allow-suspended", "argocd-server", "junit")
}

// addAfterPush declares the flags of commands that push, and wait on request.
func (f *waitFlags) addAfterPush(cmd *cobra.Command) {
	cmd.Flags().DurationVar(&f.waitFor, "wait", 0, "then wait for this `DURATION` until Argo CD runs it (default: do not wait)")
	cmd.Flags().BoolVar(&f.refreshOnly, "refresh", false, "then tell Argo CD to look at the repository now, and do not wait")
	cmd.Flags().BoolVar(&f.takesBack, "rollback-on-failure", false, "with --wait: commit the tag of before when the cluster does not get there; the run fails all the same")
	inGroup(cmd, groupWaiting, "wait", "refresh", "rollback-on-failure")
	f.add(cmd)
}

func (f *waitFlags) check() error {
	switch {
	case f.waitFor < 0:
		return fault.Errorf(fault.Usage, "--wait: %s must be a positive duration", f.waitFor)
	case f.refreshOnly && f.waitFor > 0:
		return fault.New(fault.Usage, "--refresh and --wait contradict each other: waiting refreshes")
	case f.waitFor > 0:
		return nil
	case f.takesBack:
		return fault.New(fault.Usage, "--rollback-on-failure goes with --wait")
	case f.junit != "":
		return fault.New(fault.Usage, "--junit goes with --wait")
	case f.syncs:
		return fault.New(fault.Usage, "--sync goes with --wait")
	case f.allowSuspended:
		return fault.New(fault.Usage, "--allow-suspended goes with --wait")
	}
	return nil
}

// asks reports whether Argo CD is asked anything.
func (f *waitFlags) asks() bool { return f.waitFor > 0 || f.refreshOnly }

// longest is the longest time that the flags make a run wait: for the commit, and for
// the one that takes it back.
func (f *waitFlags) longest() time.Duration {
	if f.takesBack {
		return 2 * f.waitFor
	}
	return f.waitFor
}

func (f *waitFlags) suspension() rollout.Suspension {
	if f.allowSuspended {
		return rollout.SuspendedIsDone
	}
	return rollout.SuspendedWaits
}

func (f *waitFlags) trigger() rollout.Trigger {
	if f.syncs {
		return rollout.SyncByUs
	}
	return rollout.SyncByArgoCD
}
