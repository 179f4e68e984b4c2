package status

import (
	"errors"
	"time"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/history"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/policy"
)

// A Report says which tags are deployed where.
type Report struct {
	Where        string // the repository, for people
	At           time.Time
	Environments []string // the columns
	Images       []Image  // the rows
	// Events are how the tags came there, in any order. None when the history was not read.
	Events []history.Event
	// Errs are what could not be found out beside the registry: the history, pull
	// requests, the health.
	Errs []error
}

// An Image is one row of a report.
type Image struct {
	Repository string
	Policy     string // as policy.Policy describes itself; "" when nothing chooses
	// Suggestion is the rule that the tags suggest where the image has no policy. It is
	// the policy, unless it would have looked up the time of every image.
	Suggestion policy.Suggestion
	Newest     *Build  // that the policy chooses; nil when it is not known
	Cells      []Cell  // one for each environment of the report
	Errs       []error // what the registry would not tell, and what the files do not
}

// A Build is an image in the registry.
type Build struct {
	Tag     string
	Digest  string
	Created time.Time // zero when the image does not say
	Missing []string  // the wanted platforms that it does not have
}

// A Cell is one image in one environment. Without Deployed the image is not there.
type Cell struct {
	Deployed []Deployed // one for each different tag, in the order of the files
	Pending  []bump.Pending
	Health   []Application // the applications that run the image, or that may
}

// An Application is what Argo CD says of an application of an environment.
type Application struct {
	Name    string
	Healthy bool     // it runs what its revision says, healthy
	Summary string   // in a few words: "Synced, Degraded"
	Images  []string // that it runs, as references
}

// A Deployed is a tag in an environment's files.
type Deployed struct {
	Build
	Places  []plan.Target
	Unknown bool // the registry did not answer, so Build has no more than the files say
	Gone    bool // the registry does not have it any more
	Behind  Behind
	Set     *history.Event // the commit that set the tag; nil when it is not known
}

// RolledBackFrom returns the tag that was left when the deployed one was set, "" where
// that was not a rollback.
func (d Deployed) RolledBackFrom() string {
	if d.Set == nil || d.Set.Kind != history.Rollback {
		return ""
	}
	return d.Set.From.String()
}

// A Behind is the distance from a deployed tag to the newest one.
type Behind struct {
	Known bool          // both tags are of the policy
	Tags  int           // how many permitted tags are newer
	By    time.Duration // between the creation of both images; 0 when it is not known
}

// IsCurrent reports whether nothing newer is permitted.
func (b Behind) IsCurrent() bool { return b.Known && b.Tags == 0 }

// IsSuggested reports whether the policy is not the user's: the tags suggest it.
func (img Image) IsSuggested() bool { return img.Policy != "" && img.Suggestion != policy.Suggestion{} }

// State describes the deployed image in one word: "gone" when the registry does not have
// the image any more, "unknown" when it did not answer, "behind" and "current" for
// tags of the policy, else "other".
func (d Deployed) State() string {
	switch {
	case d.Gone:
		return "gone"
	case d.Unknown:
		return "unknown"
	case d.Behind.IsCurrent():
		return "current"
	case d.Behind.Known:
		return "behind"
	}
	return "other"
}

// Err returns what could not be found out, one error for each image and each further
// source, or nil.
func (r Report) Err() error {
	var firsts []error
	for _, img := range r.Images {
		if len(img.Errs) > 0 {
			firsts = append(firsts, img.Errs[0])
		}
	}
	return errors.Join(append(firsts, r.Errs...)...)
}

// Ref returns the deployed image as people write it: with the tag, else the digest.
func (d Deployed) Ref() string {
	if d.Tag != "" {
		return d.Tag
	}
	return d.Digest
}
