package history

import (
	"slices"
	"time"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/record"
)

// A RolledBack is a tag that a commit says it took back, and that no later commit says
// it set again.
type RolledBack struct {
	Tag    string // that was left
	To     string // "" when the commit does not say
	Who    string
	When   time.Time
	Commit string
}

// Rollbacks returns the tags of an image that were rolled back in an environment, the
// newest first. "" is any environment. The commits are the newest first.
//
// A rollback is a commit of tagbump's that says so, or a git revert of a commit that set
// the tag. A later commit that sets the tag lifts it.
func Rollbacks(commits []Commit, repository, environment string) []RolledBack {
	var all []RolledBack
	setAgain := map[string]bool{}
	for i, c := range commits {
		for _, e := range effectsOf(commits[i:], repository, environment) {
			for _, tag := range e.left {
				if !e.back || setAgain[tag] {
					continue
				}
				setAgain[tag] = true // one commit is enough to tell of it
				all = append(all, RolledBack{Tag: tag, To: e.to, Who: c.Author, When: c.When, Commit: c.Hash})
			}
			setAgain[e.to] = true
		}
	}
	return all
}

// An effect is what a commit says it did to an image.
type effect struct {
	to   string
	left []string
	back bool // it took left back
}

// effectsOf returns what the first of commits says it did to an image.
func effectsOf(commits []Commit, repository, environment string) []effect {
	var all []effect
	for _, text := range commits[0].messages() {
		said := record.Parse(text)
		i := slices.IndexFunc(said.Images, func(img record.Image) bool { return image.SameRepository(img.Repository, repository) })
		if i >= 0 && isOf(said, environment) {
			all = append(all, effect{said.Images[i].Tag, said.Images[i].Previous, said.Kind == record.Rollback})
		}
	}
	if reverted := revertedBy(commits); len(all) == 0 && reverted != nil {
		for _, e := range effectsOf(reverted, repository, environment) {
			all = append(all, e.inverse())
		}
	}
	return all
}

// inverse is what a git revert of e does.
func (e effect) inverse() effect {
	to := ""
	if len(e.left) == 1 {
		to = e.left[0]
	}
	return effect{to, []string{e.to}, !e.back}
}
