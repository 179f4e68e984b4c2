package policy

import (
	"cmp"
	"regexp"
	"strings"

	"github.com/Masterminds/semver/v3"
)

var (
	// version is what counts as a semantic version: two or three numbers with
	// dots, or a single short one behind a v. Without these borders a date, a
	// build number or the digits of a commit would be the greatest version.
	version = regexp.MustCompile(`^(?:[vV]?\d+\.\d+(?:\.\d+)?(?:[-+_].*)?|[vV]\d{1,4})$`)
	number  = regexp.MustCompile(`^\d+(?:\.\d+)?$`)
	// calver is a year of two or four digits and up to four counters, or the date
	// (and minute or second) in one run of digits.
	calver = regexp.MustCompile(`^[vV]?(?:(\d{4}|\d{2})((?:[._-]\d+){1,4})|(\d{4})(\d{2})(\d{2})(\d{4}|\d{6})?((?:[._-]\d+){0,2}))$`)
	digits = regexp.MustCompile(`\d+`)
)

func parseAny(*Policy, *Candidate) string { return "" }

func parseSemver(p *Policy, c *Candidate) (why string) {
	if !version.MatchString(c.Key) {
		return "not a semantic version"
	}
	// A tag cannot have a plus sign, so build metadata is written with "_" (as Helm does).
	parsed, err := parseVersion(strings.Replace(c.Key, "_", "+", 1))
	if err != nil {
		return "not a semantic version"
	}
	if !p.within.Check(parsed) {
		if parsed.Prerelease() != "" {
			return "a pre-release outside the range"
		}
		return "outside the range"
	}
	core := c.Key
	if end := strings.IndexAny(core, "-+_"); end >= 0 {
		core = core[:end]
	}
	c.parsed, c.parts = parsed, strings.Count(core, ".")
	return ""
}

// parseVersion reads the strict form first, since that takes a tenth of the memory.
func parseVersion(text string) (*semver.Version, error) {
	if parsed, err := semver.StrictNewVersion(text); err == nil {
		return parsed, nil
	}
	return semver.NewVersion(text)
}

func compareSemver(a, b *Candidate) int {
	return a.parsed.(*semver.Version).Compare(b.parsed.(*semver.Version))
}

func parseNumber(_ *Policy, c *Candidate) (why string) {
	if !number.MatchString(c.Key) {
		return "not a number"
	}
	return ""
}

// compareNumbers compares decimal numbers as text, so that a time stamp of 17
// digits, which a float would round, keeps its last one.
func compareNumbers(a, b string) int {
	wholeA, restA, _ := strings.Cut(a, ".")
	wholeB, restB, _ := strings.Cut(b, ".")
	if order := compareWhole(wholeA, wholeB); order != 0 {
		return order
	}
	return strings.Compare(strings.TrimRight(restA, "0"), strings.TrimRight(restB, "0"))
}

// compareWhole compares two runs of digits by what they count.
func compareWhole(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if order := cmp.Compare(len(a), len(b)); order != 0 {
		return order
	}
	return strings.Compare(a, b)
}

// compareNatural compares text in which each run of digits counts as one number.
func compareNatural(a, b string) int {
	for a != "" && b != "" {
		runA, runB := digitRun(a), digitRun(b)
		if runA == 0 || runB == 0 {
			if a[0] != b[0] {
				return cmp.Compare(a[0], b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		if order := compareWhole(a[:runA], b[:runB]); order != 0 {
			return order
		}
		a, b = a[runA:], b[runB:]
	}
	return cmp.Compare(len(a), len(b))
}

// digitRun is the length of the digits at the start of s.
func digitRun(s string) int {
	rest := strings.TrimLeft(s, "0123456789")
	return len(s) - len(rest)
}

func parseCalver(_ *Policy, c *Candidate) (why string) {
	groups := calver.FindStringSubmatch(c.Key)
	if groups == nil {
		return "not a calendar version"
	}
	year, counters := groups[1], groups[2]
	if year == "" { // in one run: 20240615, 202406151230
		year = groups[3]
		if groups[4] > "12" || groups[5] > "31" {
			return "not a calendar version"
		}
		counters = groups[4] + "." + groups[5] + "." + groups[6] + groups[7]
	}
	if len(year) == 2 {
		year = "20" + year
	}
	c.parsed = append([]string{year}, digits.FindAllString(counters, -1)...)
	return ""
}

func compareCalver(a, b *Candidate) int {
	left, right := a.parsed.([]string), b.parsed.([]string)
	for i := range min(len(left), len(right)) {
		if order := compareWhole(left[i], right[i]); order != 0 {
			return order
		}
	}
	return cmp.Compare(len(left), len(right))
}
