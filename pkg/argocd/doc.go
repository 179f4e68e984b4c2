// Package argocd asks an Argo CD's REST API what became of a commit.
//
// A [Client] sends single requests: plain HTTPS, with a token that goes to the
// server's own host only, a time-out for each, and errors of package fault. A
// [Waiter] looks at applications until [rollout.Decide] has a verdict for each. The
// right "applications, get" is enough for all but [Client.Sync].
//
// One trap: Argo CD answers 403 both for an application that does not exist and for
// one that the token may not see, unless the request names the project. Another: a
// refresh blocks until the application controller has compared, and for ever where
// none runs.
package argocd
