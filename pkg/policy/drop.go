package policy

import (
	"fmt"
	"strings"

	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
)

// A reason is why a tag is not a candidate.
type reason int

const (
	fits reason = iota // it is one
	isArtifact
	noMatch
	emptyKey
	notSemver
	notNumber
	notCalver
	outsideRange
	preReleaseOutside
)

var reasonTexts = [...]string{
	isArtifact:        "an artifact of another image",
	noMatch:           "does not match",
	emptyKey:          "extract makes an empty key of it",
	notSemver:         "not a semantic version",
	notNumber:         "not a number",
	notCalver:         "not a calendar version",
	outsideRange:      "outside the range",
	preReleaseOutside: "a pre-release outside the range",
}

// isUnreadable reports whether the order could not read the tag.
func (r reason) isUnreadable() bool { return r == notSemver || r == notNumber || r == notCalver }

// Permits reports whether match and semver accept a tag that somebody else chose,
// and if they do not, why. A tag that only the order cannot read is permitted.
func (p *Policy) Permits(tag string) (why string, ok bool) {
	_, found := p.consider(tag)
	if found == fits || found == emptyKey || found.isUnreadable() && p.rule.Semver == "" {
		return "", true
	}
	return reasonTexts[found], false
}

// A Drop is a tag that is not a candidate, and the reason.
type Drop struct{ Tag, Why string }

// Drops returns the tags that are not candidates, in the order of tags, each with the reason.
func (p *Policy) Drops(tags []string) []Drop {
	var drops []Drop
	for _, tag := range tags {
		if _, why := p.consider(tag); why != fits {
			drops = append(drops, Drop{tag, reasonTexts[why]})
		}
	}
	return drops
}

// versionLike matches a tag that begins like a version or a date: its numbers,
// and then something that is not a digit.
var versionLike = lazyregexp.New(`^[vV]?(\d+(?:[._-]\d+)+)(?:\D.*)?$`)

// Overlooked returns the tags that look newer than the chosen one although the
// order cannot read them, as 1.3.0rc1 beside 1.2.9: their first numbers are
// larger. It is nil for orders that read every tag. A caller names them in a
// warning, since otherwise nobody learns why a build was not deployed.
func (p *Policy) Overlooked(tags []string, chosen string) []string {
	best := versionLike.FindStringSubmatch(chosen)
	if best == nil {
		return nil
	}
	var newer []string
	for _, tag := range tags {
		c, why := p.consider(tag)
		if !why.isUnreadable() {
			continue
		}
		found := versionLike.FindStringSubmatch(c.Key)
		if found != nil && firstNumbers(found[1]) > firstNumbers(best[1]) {
			newer = append(newer, tag)
		}
	}
	return newer
}

// firstNumbers encodes the numbers of a version so that they compare byte by byte.
func firstNumbers(text string) string {
	var key []byte
	for _, number := range digits.FindAllString(text, -1) {
		key = appendNumber(key, number)
	}
	return string(key)
}

// A NoMatchError says that none of a repository's tags is a candidate.
type NoMatchError struct {
	Policy string // as [Policy.String] describes it
	Tags   int    // how many there were
	Drops  []Drop // some of them, each with its reason

	hint string
}

// NoMatch returns the error for tags of which none is a candidate, a *[NoMatchError].
func (p *Policy) NoMatch(tags []string) error {
	const shown = 5 // enough to see what is wrong
	drops := p.Drops(tags)
	return &NoMatchError{
		Policy: p.String(),
		Tags:   len(tags),
		Drops:  drops[:min(len(drops), shown)],
		hint:   p.hint(tags),
	}
}

// Error reads: semver ">=2": no tag matches (214 tags).
func (e *NoMatchError) Error() string {
	tags := "tags"
	if e.Tags == 1 {
		tags = "tag"
	}
	return fmt.Sprintf("%s: %v (%d %s)", e.Policy, ErrNoMatch, e.Tags, tags)
}

// Unwrap returns [ErrNoMatch].
func (e *NoMatchError) Unwrap() error { return ErrNoMatch }

// Hint returns the next step, or "" if none is known.
func (e *NoMatchError) Hint() string { return e.hint }

// hint returns advice for the mistake that explains most: a range without
// pre-releases, then an order that cannot read the tags, then a wrong pattern.
func (p *Policy) hint(tags []string) string {
	examples := map[reason]string{}
	for _, tag := range tags {
		if _, why := p.consider(tag); examples[why] == "" {
			examples[why] = tag
		}
	}
	if tag := examples[preReleaseOutside]; tag != "" {
		return fmt.Sprintf("there are pre-releases, such as %s; a range with -0 includes them, such as \">=0.0.0-0\"", tag)
	}
	for why, tag := range examples {
		if !why.isUnreadable() { // at most one such reason: each order has its own
			continue
		}
		if p.match != nil && p.match.NumSubexp() > 0 && p.rule.Extract == "" {
			return fmt.Sprintf("%s is %s; extract can name the part to compare, such as $1", tag, reasonTexts[why])
		}
		return fmt.Sprintf("%s is %s; the orders are %s", tag, reasonTexts[why], strings.Join(orderNames, ", "))
	}
	if tag := examples[noMatch]; tag != "" {
		return "a tag that does not match: " + tag
	}
	return ""
}
