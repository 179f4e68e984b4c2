package bump

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/plan"
)

// Where a tag comes from, besides the name of an environment.
const (
	SourceTag      = "given"
	SourcePolicy   = "policy"
	SourceRevision = "revision"
)

// A Report says what a run found and did.
type Report struct {
	Environment string
	Images      []ImageReport
	Plan        *plan.Plan // nil when the run failed before there was one
	DryRun      bool
	Branch      string             // the branch that was read; "" in a local folder
	Base        string             // its tip
	Commit      string             // the new commit; "" when none was made
	Message     string             // the commit's, also when none was made; "" when nothing changes
	Head        string             // the pull request's branch
	PullRequest *forge.PullRequest // nil when none was asked for
	Attempts    int                // 1 when no push race was lost
}

// An ImageReport is what became of one image.
type ImageReport struct {
	Repository string
	Tag        string
	Digest     string // "" when the registry was not asked
	Source     string // SourceTag, SourcePolicy or the environment's name
	Platforms  []string
	Created    time.Time // zero when unknown
	Revision   string    // the source commit that the image's label names
	Choice     *Choice   // how the tag was chosen; nil when it was given
	Changes    []plan.Change
	Shared     bool          // its tag is an alias of a value that is among another image's Changes
	Skipped    []plan.Target // hold a newer tag
}

// Changed reports whether there was anything to change.
func (r Report) Changed() bool { return r.Plan != nil && !r.Plan.Empty() }

// Changes are the plan's, in its order.
func (r Report) Changes() []plan.Change {
	var all []plan.Change
	for _, img := range r.Images {
		all = append(all, img.Changes...)
	}
	return all
}

// FromTo is the change in short: tags and digests only, where the value is a
// whole reference. Nothing written is "(none)".
func FromTo(change plan.Change) (from, to string) {
	return short(change.Target.Form, change.Old), short(change.Target.Form, change.New)
}

func short(form plan.Form, value string) string {
	if form == plan.FormReference {
		ref := image.Split(value)
		value = image.Ref{Tag: ref.Tag, Digest: ref.Digest}.String()
		value = strings.TrimPrefix(value, ":")
	}
	if value == "" {
		return "(none)"
	}
	return value
}

// setPlan keeps the plan and sorts its changes to their images.
func (r *Report) setPlan(p *plan.Plan, wants []plan.Want) {
	r.Plan = p
	changes := make(map[string][]plan.Change) // by repository
	for _, file := range p.Files {
		for _, change := range file.Changes {
			owner := repositoryOf(change, wants)
			changes[owner] = append(changes[owner], change)
		}
	}
	for i := range r.Images {
		img := &r.Images[i]
		img.Changes = changes[img.Repository]
		img.Shared = len(img.Changes) == 0 && !p.Empty() && slices.ContainsFunc(wants, func(want plan.Want) bool {
			return want.Ref.Repository == img.Repository && want.Target.Current.Tag != want.Ref.Tag
		})
	}
}

// repositoryOf is whose change it is: of the want for that very value, else of
// the one for a value beside it, since a digest key stands beside the tag.
func repositoryOf(change plan.Change, wants []plan.Want) string {
	var beside string
	for _, want := range wants {
		if want.Target.File != change.Target.File || want.Target.Doc != change.Target.Doc {
			continue
		}
		switch path := want.Target.Path; {
		case path.Equal(change.Target.Path):
			return want.Ref.Repository
		case path.Parent().Equal(change.Target.Path.Parent()):
			beside = want.Ref.Repository
		}
	}
	return beside
}

func (r Report) skipped() bool {
	for _, img := range r.Images {
		if len(img.Skipped) > 0 {
			return true
		}
	}
	return false
}

// Subject says what changes, in one line: the commit's and the pull request's,
// unless a template says otherwise.
func (r Report) Subject() string {
	images := r.changedImages()
	var subject string
	switch len(images) {
	case 1:
		subject = fmt.Sprintf("bump %s to %s", images[0].Repository, images[0].Tag)
	default:
		subject = fmt.Sprintf("bump %d images", len(images))
	}
	if r.Environment != "" {
		subject += " in " + r.Environment
	}
	return subject
}

func (r Report) changedImages() []ImageReport {
	var changed []ImageReport
	for _, img := range r.Images {
		if len(img.Changes) > 0 || img.Shared {
			changed = append(changed, img)
		}
	}
	return changed
}
