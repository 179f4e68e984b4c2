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

// A PullRequest is a request to merge, as the forge has it.
type PullRequest struct {
	Number int    `json:"number"`
	URL    string `json:"url"`
	Reused bool   `json:"reused"` // it was open before; false when this run opened it

	State State  `json:"-"`
	Draft bool   `json:"-"`
	Title string `json:"-"` // as the forge stores it
	Body  string `json:"-"` // as the forge stores it
	Head  string `json:"-"` // the branch that holds the change
	Base  string `json:"-"` // the branch to change
}

// A State says how far a pull request is in its life.
type State int

// The states; the zero value is that of a new pull request.
const (
	Open   State = iota // it can be merged
	Merged              // it was merged
	Closed              // it was closed without being merged
)

// A Comparison is what one branch has that another one does not.
type Comparison struct {
	Commits []Commit // in any order
	Files   []string // names of the files that differ, sorted
	Cut     bool     // the forge left some commits or files out, because there are so many
}

// A Commit is a commit as the forge shows it.
type Commit struct {
	Hash    string
	Parents []string
	Author  string // the name
	Message string
}

// Root returns the commit of the other branch that the newest commits were made on:
// what that branch was when it was last merged. It is "" when the comparison does not
// show it. The order of the commits does not matter.
func (c Comparison) Root() string {
	own, below, seen := make(map[string]Commit), make(map[string]bool), make(map[string]bool)
	for _, commit := range c.Commits {
		own[commit.Hash] = commit
		for _, parent := range commit.Parents {
			below[parent] = true
		}
	}
	var next []Commit
	for _, commit := range c.Commits {
		if !below[commit.Hash] {
			next = append(next, commit)
		}
	}
	for len(next) > 0 {
		commit := next[0]
		next = next[1:]
		for _, parent := range commit.Parents {
			older, isOwn := own[parent]
			if !isOwn {
				return parent
			}
			if !seen[parent] {
				seen[parent] = true
				next = append(next, older)
			}
		}
	}
	return ""
}
