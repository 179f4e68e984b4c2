package policy

import (
	"fmt"
	"strings"
)

// A NoMatchError says that none of a repository's tags is a candidate.
type NoMatchError struct {
	Policy string // as [Policy.String] describes it
	Tags   int    // how many there were
	Drops  []Drop // some of them, and why each is none

	hint string
}

// shown is how many drops a NoMatchError keeps: enough to see what is wrong.
const shown = 5

// NoMatch returns the error for tags of which none is a candidate, a *[NoMatchError].
func (p *Policy) NoMatch(tags []string) error {
	drops := p.Drops(tags)
	return &NoMatchError{
		Policy: p.String(),
		Tags:   len(tags),
		Drops:  drops[:min(len(drops), shown)],
		hint:   p.hint(drops),
	}
}

// Error reads: semver ">=2": no tag matches (214 tags).
func (e *NoMatchError) Error() string {
	return fmt.Sprintf("%s: %v (%s)", e.Policy, ErrNoMatch, count(e.Tags, "tag"))
}

// Unwrap returns [ErrNoMatch].
func (e *NoMatchError) Unwrap() error { return ErrNoMatch }

// Hint returns the next step, or "" if none is known.
func (e *NoMatchError) Hint() string { return e.hint }

// hint looks at why tags were dropped for a mistake that people make often.
func (p *Policy) hint(drops []Drop) string {
	why := map[string]Drop{}
	for _, drop := range drops {
		if _, seen := why[drop.Why]; !seen {
			why[drop.Why] = drop
		}
	}
	if drop, ok := why["a pre-release outside the range"]; ok {
		return fmt.Sprintf("there are pre-releases, such as %s; a range with -0 takes them in, such as \">=0.0.0-0\"", drop.Tag)
	}
	for _, reason := range []string{"not a semantic version", "not a number", "not a calendar version"} {
		drop, ok := why[reason]
		switch {
		case !ok:
		case p.match != nil && p.match.NumSubexp() > 0 && p.rule.Extract == "":
			return fmt.Sprintf("%s is %s; extract can name the part to compare, such as $1", drop.Tag, reason)
		default:
			return fmt.Sprintf("%s is %s; the orders are %s", drop.Tag, reason, strings.Join(orders, ", "))
		}
	}
	if drop, ok := why["does not match"]; ok {
		return "a tag that does not match: " + drop.Tag
	}
	return ""
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
