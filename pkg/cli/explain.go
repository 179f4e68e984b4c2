package cli

import (
	"fmt"
	"sort"
	"strings"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/policy"
)

// How much of a long list --explain shows.
const (
	shownCandidates = 10
	shownExamples   = 3
)

// explainDoc says how a tag was chosen. The lists are cut, the counts are not.
type explainDoc struct {
	Policy     string    `json:"policy,omitempty"` // empty when the tag was given
	Tags       int       `json:"tags"`             // that the registry listed
	Candidates int       `json:"candidates"`
	First      []string  `json:"first"` // candidates, the best one first
	Dropped    []dropDoc `json:"dropped"`
	Requests   int       `json:"requests"` // to registries, in the whole run
	Pulls      int       `json:"pulls"`    // of these, those that count against a quota
}

type dropDoc struct {
	Why      string   `json:"why"`
	Count    int      `json:"count"`
	Examples []string `json:"examples"`
}

func (p printer) newExplainDoc(choice *bump.Choice) *explainDoc {
	stats := p.stats()
	doc := &explainDoc{Requests: stats.Requests, Pulls: stats.Pulls, First: []string{}, Dropped: []dropDoc{}}
	if choice == nil {
		return doc
	}
	doc.Policy, doc.Tags, doc.Candidates = choice.Policy, choice.Tags(), len(choice.Candidates)
	doc.First = choice.Candidates[:min(shownCandidates, len(choice.Candidates))]
	doc.Dropped = groupDrops(choice.Drops())
	return doc
}

// groupDrops counts drops by their reason, the most frequent one first.
func groupDrops(drops []policy.Drop) []dropDoc {
	byWhy := map[string]*dropDoc{}
	for _, drop := range drops {
		group := byWhy[drop.Why]
		if group == nil {
			group = &dropDoc{Why: drop.Why}
			byWhy[drop.Why] = group
		}
		if group.Count++; len(group.Examples) < shownExamples {
			group.Examples = append(group.Examples, drop.Tag)
		}
	}
	groups := []dropDoc{}
	for _, group := range byWhy {
		groups = append(groups, *group)
	}
	sort.Slice(groups, func(i, j int) bool {
		a, b := groups[i], groups[j]
		return a.Count > b.Count || a.Count == b.Count && a.Why < b.Why
	})
	return groups
}

// explain prints on stderr how the tags of images were chosen, with --explain.
func (p printer) explain(images ...bump.Resolved) {
	if !p.explains {
		return
	}
	for _, img := range images {
		p.explainOne(img)
	}
	stats := p.stats()
	p.say("%s to registries, of which %s", plural(stats.Requests, "request"), plural(stats.Pulls, "pull"))
}

func (p printer) explainOne(img bump.Resolved) {
	if img.Choice == nil {
		p.say("%s: %s is given", img.Repository, img.Tag)
		return
	}
	doc := p.newExplainDoc(img.Choice)
	p.say("%s: %s: %s, %s", img.Repository, doc.Policy, plural(doc.Tags, "tag"), plural(doc.Candidates, "candidate"))
	for i, tag := range doc.First {
		note := ""
		if i == 0 && tag == img.Tag {
			note = "  (chosen)"
		}
		p.say("  %s%s", tag, note)
	}
	if more := doc.Candidates - len(doc.First); more > 0 {
		p.say("  and %d more", more)
	}
	for _, drop := range doc.Dropped {
		examples := strings.Join(drop.Examples, ", ")
		if drop.Count > len(drop.Examples) {
			examples += ", …"
		}
		p.say("  dropped %d: %s (%s)", drop.Count, drop.Why, examples)
	}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
