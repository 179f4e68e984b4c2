// Package forge has the words that all forges share: a Proposal is asked for,
// a PullRequest is what one gets (GitLab calls it a merge request).
//
// The packages below it, one per forge, turn these words into API calls. The branch
// is pushed by git before the forge is asked. One trap: a forge may list other
// branches' pull requests in spite of its filter, so answers are filtered again.
package forge

// A Proposal asks for a branch to be merged into another.
type Proposal struct {
	Base   string   // the branch to change: "main"
	Head   string   // the branch that holds the change, in the same repository
	Title  string   // one line
	Body   string   // Markdown
	Labels []string // by name; none by default

	Reviewers []string // who is asked for a review, by the forge's own user names
	Assignees []string // whose task it is, by the forge's own user names
	Draft     bool     // open it as a draft; one that is open already stays what it is
	AutoMerge bool     // ask the forge to merge it as soon as its rules allow
}

// A PullRequest is an open request to merge.
type PullRequest struct {
	Number int    `json:"number"`
	URL    string `json:"url"`
	Reused bool   `json:"reused"` // it was open before; false when this run opened it

	Title string `json:"-"` // as the forge stores it
	Body  string `json:"-"` // as the forge stores it
	Head  string `json:"-"` // the branch that holds the change
	Base  string `json:"-"` // the branch to change
}
