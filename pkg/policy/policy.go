// Package policy chooses one tag among those that a repository has.
//
// A [Rule] is what a person writes: which tags to look at (match), which part
// of them to compare (extract) and how (order, or a semver range). The names
// are Flux's. [New] checks a rule in full, so that a typing error is found
// before the first request; a [Policy] then only filters and sorts text. It
// knows neither registries nor clocks, and never guesses: when no tag fits,
// [ErrNoMatch] comes back, not the next best one.
//
// One trap: most libraries read "20240615" or a short commit such as "7654321"
// as a semantic version that is greater than every release. Here a version
// needs a dot, or a leading v. And signatures and other artefacts, which live
// beside images as tags ("sha256-….sig"), are no candidates.
package policy

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"
)

// The orders in which tags can be compared. The greatest is the best one.
const (
	Semver       = "semver"       // semantic versions; the order when none is named
	Numerical    = "numerical"    // decimal numbers of any length
	Alphabetical = "alphabetical" // byte by byte, as ASCII has them
	Natural      = "natural"      // text in which runs of digits compare as numbers: rc9 before rc10
	Calver       = "calver"       // dates and counters: 2024.06.15, 24.04, 20240615-2
	Newest       = "newest"       // time of creation, which only the registry knows: see [Policy.Newest]
)

// orders has the words that [Rule.Order] can be.
var orders = []string{Semver, Numerical, Alphabetical, Natural, Calver, Newest}

// Orders returns the words that [Rule.Order] can be, as a help text lists them.
func Orders() []string { return slices.Clone(orders) }

var (
	// ErrNoMatch is in the chain of the error for tags of which none is a candidate.
	ErrNoMatch = errors.New("no tag matches")
	// ErrNoTime is in the chain of the error for images that do not say when they were created.
	ErrNoTime = errors.New("the time of creation is not known")
)

// artefact matches the tags that cosign and the referrers fall-back (OCI
// distribution spec 1.1) give to what belongs to an image but is none.
var artefact = regexp.MustCompile(`^sha256-[0-9a-f]{64}(\..+)?$`)

// A Rule is a policy as its user wrote it. The zero Rule is the greatest released semantic version.
type Rule struct {
	Match   string // regular expression (RE2) that a tag has to contain; anchor it with ^ and $. Default: every tag.
	Extract string // template for the key out of Match's groups: $name, ${name}, $1. Default: the whole tag.
	Order   string // one of [Orders]. Default: semver.
	Semver  string // range, as in ">=1.2 <2"; only with order semver. Default: every release ("*").
}

// A Policy is a checked Rule. It is safe for use by several goroutines.
type Policy struct {
	rule    Rule
	order   string
	match   *regexp.Regexp      // nil: every tag
	within  *semver.Constraints // only for order semver
	compare func(a, b *Candidate) int
	parse   func(p *Policy, c *Candidate) (why string)
}

// A Candidate is a tag that a policy could choose.
type Candidate struct {
	Tag string // as the registry has it
	Key string // what is compared: the tag, or what Extract makes of it

	parsed any // Key as its order reads it: *semver.Version, []string
	parts  int // how many numbers of a version are written out
}

// A Drop is a tag that a policy does not look at, and the reason.
type Drop struct{ Tag, Why string }

// New checks r and returns its policy. Errors begin with the name of the field:
// a pattern that does not compile, a template that names a group which match
// lacks, an order or a range that is none, and fields that contradict each other.
func New(r Rule) (*Policy, error) {
	p := &Policy{rule: r, order: r.Order}
	if p.order == "" {
		p.order = Semver
	}
	for _, check := range []func() error{p.setMatch, p.checkExtract, p.setOrder, p.setRange} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *Policy) setMatch() error {
	if p.rule.Match == "" {
		return nil
	}
	match, err := regexp.Compile(p.rule.Match)
	if err != nil {
		return fmt.Errorf("match: %q: %w", p.rule.Match, err)
	}
	p.match = match
	return nil
}

func (p *Policy) setOrder() error {
	switch p.order {
	case Semver:
		p.parse, p.compare = parseSemver, compareSemver
	case Numerical:
		p.parse, p.compare = parseNumber, func(a, b *Candidate) int { return compareNumbers(a.Key, b.Key) }
	case Alphabetical:
		p.parse, p.compare = parseAny, func(a, b *Candidate) int { return strings.Compare(a.Key, b.Key) }
	case Natural, Newest: // Newest by name, until the times are known
		p.parse, p.compare = parseAny, func(a, b *Candidate) int { return compareNatural(a.Key, b.Key) }
	case Calver:
		p.parse, p.compare = parseCalver, compareCalver
	default:
		return fmt.Errorf("order: %q is none of %s", p.order, strings.Join(orders, ", "))
	}
	return nil
}

func (p *Policy) setRange() error {
	if p.rule.Semver != "" && p.order != Semver {
		return fmt.Errorf("semver: %q goes with order semver only, and order is %s", p.rule.Semver, p.order)
	}
	if p.order != Semver {
		return nil
	}
	text := p.rule.Semver
	if text == "" {
		text = "*"
	}
	within, err := semver.NewConstraint(text)
	if err != nil {
		return fmt.Errorf("semver: %q is no range of versions, such as \">=1.2 <2\" or \"1.x\"", text)
	}
	p.within = within
	return nil
}

// Order returns the policy's order, one of [Orders].
func (p *Policy) Order() string { return p.order }

// NeedsTimes reports whether the times of creation decide. Then Candidates sorts
// by name only, Choose refuses, and [Policy.Newest] has the answer.
func (p *Policy) NeedsTimes() bool { return p.order == Newest }

// String describes the policy for messages, as in: match "^v", semver ">=2".
func (p *Policy) String() string {
	var words []string
	add := func(name, value string) {
		if value != "" {
			words = append(words, fmt.Sprintf("%s %q", name, value))
		}
	}
	add("match", p.rule.Match)
	add("extract", p.rule.Extract)
	add("semver", p.rule.Semver)
	if p.rule.Semver == "" {
		words = append(words, "order "+p.order)
	}
	return strings.Join(words, ", ")
}

// Prefix returns the text with which every candidate begins, as far as match
// says so, or "". A registry that lists tags in lexical order can start there.
func (p *Policy) Prefix() string { return literalPrefix(p.rule.Match) }

// Candidates returns the tags that the policy could choose, the best one first.
// Equal keys stand in an order of their own that depends on the tags alone, not
// on the order of the list. A tag that is listed twice is one candidate.
func (p *Policy) Candidates(tags []string) []Candidate {
	// There may be a hundred thousand: each is made where it stays, and compared there.
	kept := make([]Candidate, 0, len(tags))
	for _, tag := range tags {
		kept = append(kept, Candidate{})
		if p.consider(tag, &kept[len(kept)-1]) != "" {
			kept = kept[:len(kept)-1]
		}
	}
	sort.Sort(bestFirst{p, kept})
	return slices.CompactFunc(kept, func(a, b Candidate) bool { return a.Tag == b.Tag })
}

// bestFirst sorts candidates by falling rank.
type bestFirst struct {
	policy *Policy
	list   []Candidate
}

func (s bestFirst) Len() int           { return len(s.list) }
func (s bestFirst) Swap(i, j int)      { s.list[i], s.list[j] = s.list[j], s.list[i] }
func (s bestFirst) Less(i, j int) bool { return s.policy.rank(&s.list[i], &s.list[j]) > 0 }

// Drops returns the tags that are no candidates, in the order of tags, each with the reason.
func (p *Policy) Drops(tags []string) []Drop {
	var drops []Drop
	for _, tag := range tags {
		if why := p.consider(tag, new(Candidate)); why != "" {
			drops = append(drops, Drop{tag, why})
		}
	}
	return drops
}

// Choose returns the best tag. The error when there is none wraps [ErrNoMatch]
// and says how many tags there were. A policy that needs times of creation has
// to be asked with [Policy.Newest] instead; here it answers [ErrNoTime].
func (p *Policy) Choose(tags []string) (string, error) {
	candidates := p.Candidates(tags)
	if len(candidates) == 0 {
		return "", p.NoMatch(tags)
	}
	if p.NeedsTimes() {
		return "", fmt.Errorf("%s: %w", p, ErrNoTime)
	}
	return candidates[0].Tag, nil
}

// Newest sorts candidates by their times of creation, which are given by tag,
// the newest first, and by name where times are equal. Each has to have a time:
// a missing or zero one (reproducible builds have none) is [ErrNoTime], since the
// newest image might be that one.
func (p *Policy) Newest(candidates []Candidate, created map[string]time.Time) ([]Candidate, error) {
	var timeless []string
	for _, c := range candidates {
		if !Known(created[c.Tag]) {
			timeless = append(timeless, c.Tag)
		}
	}
	if len(timeless) > 0 {
		return nil, fmt.Errorf("tag %s: %w (and for %d of %d tags in all)", timeless[0], ErrNoTime, len(timeless), len(candidates))
	}
	sorted := slices.Clone(candidates)
	slices.SortFunc(sorted, func(a, b Candidate) int {
		if order := created[b.Tag].Compare(created[a.Tag]); order != 0 {
			return order
		}
		return p.rank(&b, &a)
	})
	return sorted, nil
}

// Known reports whether created is a time that an image can really have been
// made at. Reproducible builds write the zero time or the start of 1970.
func Known(created time.Time) bool { return created.Unix() > int64(24*time.Hour/time.Second) }

// Compare compares two tags: order is negative when a comes before (is older
// than) b, positive when it comes after, 0 when they are the same to the policy.
// ok is false unless the policy matches both and their names alone decide.
func (p *Policy) Compare(a, b string) (order int, ok bool) {
	if p.NeedsTimes() {
		return 0, false
	}
	var left, right Candidate
	if p.consider(a, &left) != "" || p.consider(b, &right) != "" {
		return 0, false
	}
	return p.compare(&left, &right), true
}

// consider makes c the candidate of tag, or says why it is none.
func (p *Policy) consider(tag string, c *Candidate) (why string) {
	if artefact.MatchString(tag) {
		return "an artefact of another image"
	}
	c.Tag, c.Key = tag, tag
	if p.match != nil {
		groups := p.match.FindStringSubmatchIndex(tag)
		if groups == nil {
			return "does not match"
		}
		if p.rule.Extract != "" {
			c.Key = string(p.match.ExpandString(nil, p.rule.Extract, tag, groups))
		}
	}
	if c.Key == "" {
		return "extract makes an empty key of it"
	}
	return p.parse(p, c)
}

// rank is compare with the ties broken: the version that is written out more
// fully, then the tag that comes last in ASCII.
func (p *Policy) rank(a, b *Candidate) int {
	if order := p.compare(a, b); order != 0 {
		return order
	}
	if a.parts != b.parts {
		return a.parts - b.parts
	}
	return strings.Compare(a.Tag, b.Tag)
}
