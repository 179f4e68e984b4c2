package rollout

import (
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/giturl"
)

// A relation is how a revision relates to the wanted commit.
type relation int

// The relations, the worst first: of several revisions the least counts.
const (
	without relation = iota // the revision does not have the commit
	unknown                 // nobody knows yet
	later                   // the commit is in the revision's history
	exact                   // the revision is the commit
)

func (r relation) contains() bool { return r >= later }

// relationOf compares a revision with the commit.
func (w Wanted) relationOf(revision string) relation {
	contains, known := w.Contains[revision]
	switch {
	case revision == w.Commit:
		return exact
	case !isHash(revision):
		return without // "main" where nothing could be compared, or a chart's version
	case !known:
		return unknown
	case contains:
		return later
	}
	return without
}

// isHash reports whether a revision is a commit's hash (SHA-1 or SHA-256).
func isHash(revision string) bool {
	return (len(revision) == 40 || len(revision) == 64) && strings.Trim(revision, "0123456789abcdef") == ""
}

// followed are the sources of an application that the commit can change.
type followed struct {
	sources []int // those of the repository, by their place in the spec
	branch  []bool
}

// any reports whether one of the sources follows the branch.
func (f followed) any() bool { return slices.Contains(f.branch, true) }

// counts returns the places of the sources whose revisions count: those that follow
// the branch; when none does, all of the repository.
func (f followed) counts() []int {
	if !f.any() {
		return f.sources
	}
	var counted []int
	for i, source := range f.sources {
		if f.branch[i] {
			counted = append(counted, source)
		}
	}
	return counted
}

// followed finds the sources of the wanted repository.
func (w Wanted) followed(spec Spec) followed {
	var f followed
	for i, source := range spec.AllSources() {
		if w.Repository != "" && !giturl.SameRepository(source.RepoURL, w.Repository) {
			continue
		}
		f.sources = append(f.sources, i)
		f.branch = append(f.branch, source.Follows(w.Branch))
	}
	return f
}

// Follows reports whether a source takes the commits of branch. An empty target is
// the repository's default branch, which may be any; an empty branch is not known.
func (s Source) Follows(branch string) bool {
	target := strings.TrimPrefix(s.TargetRevision, "refs/heads/")
	return target == "" || target == "HEAD" || target == branch || branch == "" && !isHash(target)
}

// at returns the revisions of the given sources, from a field with one and a field
// with several.
func at(sources []int, one string, several []string) []string {
	if len(several) == 0 {
		several = []string{one}
	}
	var all []string
	for _, i := range sources {
		if i < len(several) {
			all = append(all, several[i])
		}
	}
	return all
}

// revision compares what the application was last compared with to the commit. It
// also returns the revisions that are unknown.
func (v view) revision() (relation, []string) {
	if v.wanted.Role == Child {
		return v.childRevision(), nil
	}
	spec, status := v.app.Spec, v.app.Status
	if spec.SourceHydrator != nil {
		return v.hydratedRevision()
	}
	return v.wanted.least(at(v.wanted.followed(spec).counts(), status.Sync.Revision, status.Sync.Revisions))
}

// hydratedRevision compares the commit that was hydrated: the cluster must have been
// compared with its result too.
func (v view) hydratedRevision() (relation, []string) {
	last := v.app.Status.SourceHydrator.LastSuccessfulOperation
	if last == nil {
		return without, nil
	}
	ours, asked := v.wanted.least([]string{last.DrySHA})
	if ours.contains() && v.app.Status.Sync.Revision != last.HydratedSHA {
		return without, nil
	}
	return ours, asked
}

// childRevision is exact when the spec has the new tag, and the status is of that spec.
func (v view) childRevision() relation {
	spec, compared := v.app.Spec, v.app.Status.Sync.ComparedTo
	switch {
	case !v.app.specHas(v.wanted):
		return without
	case len(spec.Sources) > 0:
		if !slices.EqualFunc(spec.Sources, compared.Sources, Source.same) {
			return without
		}
	case spec.Source == nil || !spec.Source.same(compared.Source):
		return without
	}
	return exact
}

// least returns the worst relation of revisions, and those that are unknown. Without
// revisions it is without.
func (w Wanted) least(revisions []string) (relation, []string) {
	if len(revisions) == 0 {
		return without, nil
	}
	worst := exact
	var asked []string
	for _, revision := range revisions {
		relation := w.relationOf(revision)
		worst = min(worst, relation)
		if relation == unknown {
			asked = append(asked, revision)
		}
	}
	return worst, asked
}

// operationIsOurs reports whether the last operation is a sync of the commit, or of a
// later one. It also returns the revisions that are unknown.
func (v view) operationIsOurs() (bool, []string) {
	op := v.app.Status.OperationState
	if op == nil {
		return false, nil
	}
	sync := op.sync()
	spec := v.app.Spec
	switch {
	case v.wanted.Role == Child:
		ours := v.childRevision().contains()
		if len(spec.Sources) > 0 {
			return ours && slices.EqualFunc(spec.Sources, sync.Sources, Source.same), nil
		}
		return ours && spec.Source != nil && spec.Source.same(sync.Source), nil
	case spec.SourceHydrator != nil:
		ours, asked := v.hydratedRevision()
		return ours.contains() && sync.Revision == v.app.Status.SourceHydrator.LastSuccessfulOperation.HydratedSHA, asked
	}
	ours, asked := v.wanted.least(at(v.wanted.followed(spec).counts(), sync.Revision, sync.Revisions))
	return ours.contains(), asked
}

// sync returns what the operation syncs: the result where there is one already.
func (op OperationState) sync() Synced {
	if result := op.SyncResult; result != nil && (result.Revision != "" || len(result.Revisions) > 0) {
		return *result
	}
	if op.Operation.Sync != nil {
		return *op.Operation.Sync
	}
	return Synced{}
}

func (op OperationState) revisionsText() string {
	sync := op.sync()
	return firstOf(sync.Revision, strings.Join(sync.Revisions, ", "))
}

// revisionsText shows what the application was compared with.
func (v view) revisionsText() string {
	status := v.app.Status
	if last := status.SourceHydrator.LastSuccessfulOperation; v.app.Spec.SourceHydrator != nil && last != nil {
		return last.DrySHA
	}
	return firstOf(strings.Join(at(v.wanted.followed(v.app.Spec).counts(), status.Sync.Revision, status.Sync.Revisions), ", "), status.Sync.Revision)
}

// short cuts a hash as people read it; other revisions stay.
func short(revision string) string {
	switch {
	case revision == "":
		return "no revision yet"
	case isHash(revision):
		return revision[:7]
	}
	return revision
}
