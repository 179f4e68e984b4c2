package bump

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/history"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/plan"
)

// A State says how far a change got.
type State int

// The states; the zero value is the state before anything is done.
const (
	Unchanged State = iota // nothing was written: nothing differs, or the run was a preview
	Written                // the files of a local folder hold the change
	Committed              // a commit in a checkout holds the change, and was not pushed
	Pushed                 // the repository's branch holds the change
	Proposed               // a pull request holds the change
	Declined               // nothing was done: a newer pull request is open, or a person closed this one
)

// String is the state's name in JSON: "unchanged", "written", "committed",
// "pushed", "proposed" or "declined".
func (s State) String() string {
	return [...]string{"unchanged", "written", "committed", "pushed", "proposed", "declined"}[s]
}

// MarshalText returns the state's name.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// An Outcome is what one attempt planned and did.
type Outcome struct {
	State       State
	Branch      string             // the branch that was read; "" in a local folder
	Base        string             // its tip
	Images      []ImageOutcome     // in the order in which they were resolved
	Sets        []plan.Change      // further values that change with the images
	Plan        *plan.Plan         // nil when the attempt failed before there was one
	Commit      string             // the new commit; "" when none was made
	Message     string             // the commit's, also when none was made; "" when nothing changes
	Head        string             // the pull request's branch
	PullRequest *forge.PullRequest // nil when none was asked for; when Declined, the one that decides

	// Earlier are the commits of earlier runs that were pushed along, or would be, the
	// oldest first.
	Earlier []CommitInfo

	Closed []forge.PullRequest // that the run closed, because they are of no use any more
}

// An ImageState says what an attempt means for one image.
type ImageState int

// The states of an image.
const (
	Current    ImageState = iota // every place of the image has the wanted tag
	Changed                      // a place changes
	Shared                       // its places are aliases of values that change with another image
	Stale                        // its places hold newer tags and are left
	Missing                      // the image is not in the files
	Mismatched                   // the given tag is not one of the image's policy
	RolledBack                   // the tag was rolled back, and its places are left
)

// String is the state's name in JSON: "current", "changed", "shared", "stale",
// "missing", "mismatched" or "rolled-back".
func (s ImageState) String() string {
	return [...]string{"current", "changed", "shared", "stale", "missing", "mismatched", "rolled-back"}[s]
}

// MarshalText returns the state's name.
func (s ImageState) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// An ImageOutcome is what an attempt means for one image.
type ImageOutcome struct {
	Resolved
	State   ImageState
	Changes []plan.Change
	Skipped []plan.Target // places that hold a newer tag and are left
	Left    []plan.Left   // places that also name the image and are left, each with the reason

	RolledBack *history.RolledBack // why its places are left, in the state RolledBack
}

// A Resolved is the tag that an image should have, and what the registry says
// about it.
type Resolved struct {
	Repository string
	Tag        string
	Digest     string // "" when the registry was not asked
	Source     string // SourceTag, SourcePolicy, SourceRevision, SourceHistory or the environment's name
	Platforms  []string
	Created    time.Time // zero when unknown
	Revision   string    // the source commit that the image's label names
	Choice     *Choice   // how the tag was chosen; nil when it was given
	Past       *Past     // where in the files' history the tag is from; nil for other sources
}

// ref returns what the registry is asked for: the digest that was pinned beside the tag
// in the past, else the tag.
func (r Resolved) ref() image.Ref {
	if r.Past != nil && r.Past.Digest != "" {
		return image.Ref{Repository: r.Repository, Digest: r.Past.Digest}
	}
	return image.Ref{Repository: r.Repository, Tag: r.Tag}
}

// Changed reports whether the plan changes a file, even if nothing was written.
func (o Outcome) Changed() bool { return o.Plan != nil && !o.Plan.Empty() }

// Changes returns the changes of all images, image by image, and the further values.
func (o Outcome) Changes() []plan.Change {
	var all []plan.Change
	for _, img := range o.Images {
		all = append(all, img.Changes...)
	}
	return append(all, o.Sets...)
}

// changedImages returns the images that have another tag after the change.
func (o Outcome) changedImages() []ImageOutcome {
	var changed []ImageOutcome
	for _, img := range o.Images {
		if img.State == Changed || img.State == Shared {
			changed = append(changed, img)
		}
	}
	return changed
}

// FromTo returns a change in short: of a whole reference only the tag and the
// digest, and "(none)" for an empty value.
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

// withPlan returns images with the plan's changes, each with its image.
func withPlan(images []ImageOutcome, p *plan.Plan, wants []plan.Want) []ImageOutcome {
	changes := make(map[string][]plan.Change) // by repository
	for _, file := range p.Files {
		for _, change := range file.Changes {
			owner := repositoryOf(change, wants)
			changes[owner] = append(changes[owner], change)
		}
	}
	images = slices.Clone(images)
	for i := range images {
		img := &images[i]
		img.Changes = changes[img.Repository]
		switch {
		case len(img.Changes) > 0:
			img.State = Changed
		case !p.Empty() && wantsAnotherTag(wants, img.Repository):
			img.State = Shared
		}
	}
	return images
}

// wantsAnotherTag reports whether a place of the repository should change.
func wantsAnotherTag(wants []plan.Want, repository string) bool {
	return slices.ContainsFunc(wants, func(want plan.Want) bool {
		return want.Ref.Repository == repository && want.Target.Current.Tag != want.Ref.Tag
	})
}

// repositoryOf returns the image that a change belongs to: the one wanted at
// exactly that path, else the one wanted at a sibling key (a digest beside its tag).
func repositoryOf(change plan.Change, wants []plan.Want) string {
	var sibling string
	for _, want := range wants {
		if want.Target.File != change.Target.File || want.Target.Doc != change.Target.Doc {
			continue
		}
		switch path := want.Target.Path; {
		case path.Equal(change.Target.Path):
			return want.Ref.Repository
		case path.Parent().Equal(change.Target.Path.Parent()):
			sibling = want.Ref.Repository
		}
	}
	return sibling
}

// subject says what changes, in one line: the commit's and the pull request's,
// unless a template says otherwise.
func (o Outcome) subject(environment string) string {
	images := o.changedImages()
	verb := "bump"
	if o.goesBack() {
		verb = "roll back"
	}
	subject := fmt.Sprintf("%s %d images", verb, len(images))
	if len(images) == 1 {
		subject = fmt.Sprintf("%s %s to %s", verb, images[0].Repository, images[0].Tag)
	}
	if environment != "" {
		subject += " in " + environment
	}
	return subject
}

// goesBack reports whether an image is set to what the history had.
func (o Outcome) goesBack() bool {
	return slices.ContainsFunc(o.changedImages(), func(img ImageOutcome) bool { return img.Past != nil })
}
