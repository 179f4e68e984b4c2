// Package rollout says from Argo CD's answers whether the cluster runs a commit.
//
// [Decide] is one pure function: an [Observation] (an answer about an application,
// and when it came), the [History] of the earlier ones, and what the cluster should run
// ([Wanted]) make a [Verdict]: pending, done, superseded, failed or untouched, with a
// reason for a person. Who asks Argo CD and who prints is elsewhere.
//
// The rules were found by watching a real Argo CD (3.2, 3.5 and 3.6), and each keeps
// a waiter from a mistake that the obvious rule makes:
//
//   - The state from before the push is green too. A revision counts when it is the
//     commit, or has it in its history: a later push may replace the commit before
//     Argo CD has looked, and then its hash never shows.
//   - An application is done when it is ours, Synced, without an operation, with its
//     last operation Succeeded, Healthy, and has the image. Each of them alone, and
//     most pairs, hold too early: a PreSync hook runs the new image seconds before the
//     Deployment changes, and an operation has Succeeded before the rollout begins.
//   - Other tags of the image do not matter: the old Jobs of a CronJob keep them.
//   - Degraded counts only in that settled state, and when it lasts. After a bad tag, the
//     first answers about the commit that mends it are ours and still Degraded; on a busy
//     machine also one that is Synced and Succeeded.
//   - A ComparisonError counts when a second refresh, 5 seconds later, still has it:
//     a git server that hiccups gives the same error as a chart that does not render.
//   - A refused sync stays Running for more than five minutes, because Argo CD repeats
//     it; the second repetition is enough to call it failed.
//   - A Pod that cannot start is known within seconds, from the tree of resources. The
//     application says so minutes later.
//   - An application that nobody syncs stays OutOfSync for ever, without an error.
//
// One trap: the child of an app of apps never shows our commit, since its source is
// another repository or a chart's version. It is ours when its spec has the new tag
// and the status is of that spec; for some 0.2 s the status is still of the old one,
// and green. See [Child].
package rollout
