// Package history tells from commits which tag was deployed when, by whom and why.
//
// [Events] reads it from what the files had in each commit; a commit's trailers only
// say more about a change that the files confirm. [Rollbacks] reads commit messages
// alone, so that a run can be refused to bring a tag back without reading a file; who
// acts on it should look at the files first. [Summarize] counts.
//
// The trap to know: going back to an earlier value is a rollback, whoever did it and
// whatever the message says; but messages alone do not show it. A git revert names the
// commit that it takes back, and so counts for both.
package history

import (
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
	"github.com/tagbump/tagbump/pkg/record"
)

// A Commit is what a branch's commit says about itself.
type Commit struct {
	Hash    string
	Author  string // "Ada <ada@acme.example>"
	When    time.Time
	Message string
	Merged  []string // the messages of the commits that a merge brought in, the newest first
}

// messages returns all that the commit says: its own message, and those of a merge.
func (c Commit) messages() []string { return append([]string{c.Message}, c.Merged...) }

// A Value is how an image is written in a file.
type Value struct{ Tag, Digest string }

// String returns the tag, else the digest, "" for the zero Value.
func (v Value) String() string {
	if v.Tag == "" {
		return v.Digest
	}
	return v.Tag
}

// A Change is a value of a file that differs from the commit before.
type Change struct {
	Commit        int // its index in the commits
	Image         string
	File          string
	Before, After Value // the zero Value where the image was not in the file
}

// A Kind says why a tag was set.
type Kind string

// The kinds of events.
const (
	Bump      Kind = "bump"
	Promotion Kind = "promotion" // the tag of another environment
	Rollback  Kind = "rollback"  // back to a value of before
	ByHand    Kind = "by hand"   // by a commit that is not tagbump's
)

// An Event is one image that got another tag.
type Event struct {
	When        time.Time
	Who         string // the commit's author, or who began the build
	Kind        Kind
	Image       string
	Environment string
	From, To    Value
	Commit      string
	PullRequest int    // its number; 0 when the commit names none
	Build       string // the URL of the build
	Revision    string // the source commit that the image was built from
	Source      string // the environment that a promotion took the tag from
	Files       []string
}

// Events returns what changes mean, the newest first. The commits are the newest first,
// too.
func Events(commits []Commit, changes []Change, environment string) []Event {
	ordered := slices.Clone(changes)
	sort.SliceStable(ordered, func(i, j int) bool { return ordered[i].Commit > ordered[j].Commit })
	past := map[string]*Stack{} // by image
	var events []Event
	for i, change := range ordered {
		if past[change.Image] == nil {
			past[change.Image] = &Stack{}
			past[change.Image].Set(change.Before)
		}
		if j := sameChange(ordered[:i], change); j >= 0 {
			for k := range events {
				if e := &events[k]; e.Commit == commits[change.Commit].Hash && e.Image == change.Image && e.From == change.Before && e.To == change.After {
					e.Files = append(e.Files, change.File)
				}
			}
			continue
		}
		event := newEvent(commits, change, environment)
		if wentBack := past[change.Image].Set(change.After); wentBack && (event.Kind == ByHand || overrides(commits[change.Commit])) {
			event.Kind = Rollback
		}
		events = append(events, event)
	}
	slices.Reverse(events)
	return events
}

// NameOf returns the name in "NAME <EMAIL>", else all of it.
func NameOf(author string) string {
	name, _, _ := strings.Cut(author, " <")
	return name
}

// sameChange returns the index of a change of the same image in the same commit that
// only is in another file, or -1.
func sameChange(earlier []Change, change Change) int {
	return slices.IndexFunc(earlier, func(other Change) bool {
		return other.Commit == change.Commit && other.Image == change.Image && other.Before == change.Before && other.After == change.After
	})
}

func newEvent(commits []Commit, change Change, environment string) Event {
	commit := commits[change.Commit]
	event := Event{
		When: commit.When, Who: commit.Author, Kind: ByHand, Image: change.Image, Environment: environment,
		From: change.Before, To: change.After, Commit: commit.Hash, PullRequest: pullRequest(commit.Message), Files: []string{change.File},
	}
	said, ours := commit.sets(change, environment)
	if !ours {
		if reverted := revertedBy(commits[change.Commit:]); reverted != nil && change.After.Tag != "" {
			event.Kind = Rollback
		}
		return event
	}
	event.Kind = map[record.Kind]Kind{record.Bump: Bump, record.Promotion: Promotion, record.Rollback: Rollback}[said.Kind]
	event.Build, event.Source = said.BuildURL, said.From
	if said.TriggeredBy != "" {
		event.Who = said.TriggeredBy
	}
	for _, img := range said.Images {
		if image.SameRepository(img.Repository, change.Image) {
			event.Revision = img.Revision
		}
	}
	return event
}

// sets returns the record that tells of a change, if the commit has one.
func (c Commit) sets(change Change, environment string) (record.Message, bool) {
	for _, text := range c.messages() {
		said := record.Parse(text)
		if said.Sets(image.Ref{Repository: change.Image, Tag: change.After.Tag}) && isOf(said, environment) {
			return said, true
		}
	}
	return record.Message{}, false
}

// isOf reports whether a record may be of an environment: older commits do not say.
func isOf(said record.Message, environment string) bool {
	return environment == "" || said.Environment == "" || said.Environment == environment
}

// overrides reports whether a commit was made although its tag is older.
func overrides(c Commit) bool {
	return slices.ContainsFunc(c.messages(), func(text string) bool {
		return slices.Contains(record.Parse(text).Overrides, staleOverride)
	})
}

// staleOverride is how a record says that a tag was set although it is older.
const staleOverride = "--on-stale allow"

var numbers = []*lazyregexp.Regexp{
	lazyregexp.New(`^Merge pull request #(\d{1,9})\b`),               // GitHub, Gitea
	lazyregexp.New(`\(#(\d{1,9})\)$`),                                // a squash of GitHub and Gitea
	lazyregexp.New(`\(pull request #(\d{1,9})\)$`),                   // Bitbucket
	lazyregexp.New(`(?m)^See merge request (?:[\w./-]*)!(\d{1,9})$`), // GitLab
	lazyregexp.New(`^Merged PR (\d{1,9}):`),                          // Azure DevOps
}

// pullRequest returns the number of the pull request that a merge's message names, or 0.
func pullRequest(message string) int {
	subject, _, _ := strings.Cut(strings.TrimSpace(message), "\n")
	for _, text := range []string{strings.TrimSpace(subject), message} {
		for _, pattern := range numbers {
			if found := pattern.FindStringSubmatch(text); found != nil {
				number := 0
				for _, digit := range found[1] {
					number = 10*number + int(digit-'0')
				}
				return number
			}
		}
	}
	return 0
}

var revertLine = lazyregexp.New(`(?m)^This reverts commit ([0-9a-f]{7,40})\b`)

// revertedBy returns the commits from the one on that the first of commits says it takes
// back; nil when it says nothing, or the commit is not among them.
func revertedBy(commits []Commit) []Commit {
	for _, text := range commits[0].messages() {
		found := revertLine.FindStringSubmatch(text)
		if found == nil {
			continue
		}
		for i, c := range commits[1:] {
			if strings.HasPrefix(c.Hash, found[1]) {
				return commits[i+1:]
			}
		}
	}
	return nil
}

// A Stack is the values that a place had, without those that were taken back: going back
// to an earlier value takes what came after it away. The zero Stack is empty.
type Stack struct{ values []Value }

// Set puts a value on the stack, and reports whether it went back to one that was there.
func (s *Stack) Set(v Value) (wentBack bool) {
	if v == (Value{}) {
		return false
	}
	for i, earlier := range s.values {
		if earlier.String() == v.String() {
			wentBack = i < len(s.values)-1
			s.values = append(s.values[:i:i], v)
			return wentBack
		}
	}
	s.values = append(s.values, v)
	return false
}

// Restart forgets all values but v: it is one from before those that are known.
func (s *Stack) Restart(v Value) { s.values = []Value{v} }

// Holds reports whether a value is on the stack.
func (s *Stack) Holds(v Value) bool {
	return slices.ContainsFunc(s.values, func(other Value) bool { return other.String() == v.String() })
}

// Below returns the value that is steps below the top, if the stack is so deep.
func (s *Stack) Below(steps int) (Value, bool) {
	i := len(s.values) - 1 - steps
	if i < 0 || steps < 0 {
		return Value{}, false
	}
	return s.values[i], true
}
