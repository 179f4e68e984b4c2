// Package policy chooses one tag among those that a repository has.
//
// A [Rule] is what a person writes: which tags to look at (match), which part
// of them to compare (extract) and how (order, or a semver range). The names
// are Flux's. [New] checks a rule in full, so that a typing error is found
// before the first request; a [Policy] then only filters and sorts text. It
// makes no requests, reads no clock and never guesses: when no tag fits,
// [ErrNoMatch] comes back and not the next best one.
//
// # Ties
//
// An order may call two different tags equal: semver ignores build metadata
// (1.29.2_build9 and 1.29.2_build10), and an extracted key may be the same in
// both. Choosing by ASCII there deployed build9 over build10 in public bug
// reports of three tools. Here a tie goes to the version with more numbers
// (1.20.0 before 1.20), then to the larger number where the tags differ in
// nothing but numbers. Where that decides nothing either, [Policy.Undecided]
// returns the tags among which only their times of creation can decide, and
// [Policy.Compare] says that it does not know.
//
// # Traps
//
// Most libraries read "20240615" or a short commit such as "7654321" as a
// semantic version that is greater than every release. Here a version needs a
// dot, or a leading v. Signatures and other artifacts, which are stored beside
// images under tags ("sha256-….sig"), are never candidates.
//
// A strict parser drops tags that people do publish: about one build in 270 has
// a commit of digits with a leading zero (1.5.0-10.0123456), Windows images have
// four numbers (10.0.19041.20). Dropping them means an older tag is deployed
// without a word, so [Semver] reads them; its constant says how.
package policy

import (
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
)

var (
	// ErrNoMatch is in the chain of the error when no tag is a candidate.
	ErrNoMatch = fault.New(fault.NotFound, "no tag matches")
	// ErrNoTime is in the chain of the error when times of creation have to decide and cannot.
	ErrNoTime = fault.New(fault.Failed, "the time of creation is not known")
)

// A Policy is a checked Rule. It is safe for use by several goroutines.
type Policy struct {
	rule  Rule
	name  string // of the order
	order order
	match *regexp.Regexp // nil: every tag
}

// New checks r and returns its policy. The error is the first that [Rule.Check] finds.
func New(r Rule) (*Policy, error) {
	p, problems := compile(r)
	if len(problems) > 0 {
		return nil, problems[0]
	}
	return p, nil
}

// NeedsTimes reports whether times of creation decide. Then Candidates sorts by
// name only, and [Policy.Newest] has the answer.
func (p *Policy) NeedsTimes() bool { return p.name == Newest }

// String describes the policy for messages, as in: match "^v", semver ">=2".
func (p *Policy) String() string {
	var words []string
	for _, field := range []struct{ name, value string }{
		{"match", p.rule.Match}, {"extract", p.rule.Extract}, {"semver", p.rule.Semver},
	} {
		if field.value != "" {
			words = append(words, field.name+" "+quote(field.value))
		}
	}
	if p.rule.Semver == "" {
		words = append(words, "order "+p.name)
	}
	return strings.Join(words, ", ")
}

// quote puts text in double quotes. Backslashes stay as they were written, unless
// something else in the text must be escaped.
func quote(text string) string {
	escaped := strconv.Quote(text)
	if plain := `"` + text + `"`; strings.ReplaceAll(escaped, `\\`, `\`) == plain {
		return plain
	}
	return escaped
}

// Prefix returns the text with which every candidate begins, as far as match
// says so, or "". A registry that lists tags in lexical order can start there.
func (p *Policy) Prefix() string { return literalPrefix(p.rule.Match) }

// A Candidate is a tag that a policy could choose.
type Candidate struct {
	Tag string // as the registry has it
	Key string // what is compared: the tag, or what Extract makes of it

	rank rank
}

// Candidates returns the tags that the policy could choose, the best one first.
// The result depends on the tags alone and not on their order in the list. A tag
// that is listed twice is one candidate.
func (p *Policy) Candidates(tags []string) []Candidate {
	kept := make([]Candidate, 0, len(tags))
	for _, tag := range tags {
		if c, why := p.consider(tag); why == fits {
			kept = append(kept, c)
		}
	}
	sort.Sort(bestFirst(kept))
	return slices.CompactFunc(kept, func(a, b Candidate) bool { return a.Tag == b.Tag })
}

// bestFirst sorts candidates in place: slices.SortFunc would copy each of them,
// and there may be a hundred thousand.
type bestFirst []Candidate

func (s bestFirst) Len() int           { return len(s) }
func (s bestFirst) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s bestFirst) Less(i, j int) bool { return compare(&s[i], &s[j]) > 0 }

// Compare compares two tags: order is negative when a is before (older than) b,
// positive when it is after b, and 0 when a and b are the same tag. ok is false
// unless the policy matches both and their names decide; two different tags
// that tie are not ok.
func (p *Policy) Compare(a, b string) (order int, ok bool) {
	left, whyLeft := p.consider(a)
	right, whyRight := p.consider(b)
	if p.NeedsTimes() || whyLeft != fits || whyRight != fits {
		return 0, false
	}
	if order := strings.Compare(left.rank.key, right.rank.key); order != 0 {
		return order, true
	}
	return compareNumbers(a, b)
}

// consider makes a candidate of tag, or says why it is not one.
func (p *Policy) consider(tag string) (Candidate, reason) {
	c := Candidate{Tag: tag, Key: tag}
	if artifact.MatchString(tag) {
		return c, isArtifact
	}
	if p.match != nil {
		groups := p.match.FindStringSubmatchIndex(tag)
		if groups == nil {
			return c, noMatch
		}
		if p.rule.Extract != "" {
			c.Key = string(p.match.ExpandString(nil, p.rule.Extract, tag, groups))
		}
	}
	if c.Key == "" {
		return c, emptyKey
	}
	var why reason
	c.rank, why = p.order.rank(c.Key)
	return c, why
}

// artifact matches the tags that cosign and the referrers fallback (OCI
// distribution spec 1.1) give to what belongs to an image but is not an image.
var artifact = lazyregexp.New(`^sha256-[0-9a-f]{64}(\..+)?$`)
