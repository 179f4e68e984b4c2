package policy

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
)

// The orders in which tags can be compared. The greatest is the best one.
const (
	// Semver compares semantic versions, and is the order when none is named. It
	// reads more than the specification allows: a leading v, two numbers or more
	// than three (missing ones count as 0), numbers of any length and with
	// leading zeros, also in a pre-release. Numbers are compared one by one, then
	// a release is greater than its pre-releases, whose parts are compared one by
	// one: numbers before texts, and texts in natural order (rc10 is after rc9, which
	// the specification's ASCII order has after rc10). Build metadata, behind "+" or, since a tag cannot
	// have one, "_", is ignored. A range looks at the first three numbers.
	Semver       = "semver"
	Numerical    = "numerical"    // decimal numbers of any length
	Alphabetical = "alphabetical" // byte by byte, as ASCII has them
	Natural      = "natural"      // text in which runs of digits compare as numbers: rc9 before rc10
	Calver       = "calver"       // dates and counters: 2024.06.15, 24.04, 20240615-2
	Newest       = "newest"       // time of creation, which only the registry knows: see [Policy.Newest]
)

var orderNames = []string{Semver, Numerical, Alphabetical, Natural, Calver, Newest}

// Orders returns the words that [Rule.Order] can be, as a help text lists them.
func Orders() []string { return slices.Clone(orderNames) }

// An order ranks the keys of tags.
type order interface {
	// rank returns key's rank, or why the order cannot read key.
	rank(key string) (rank, reason)
}

// A rank is a key in a form that compares byte by byte, whatever the order: a
// number in it begins with its length, as in "\x0210". So one comparison serves
// all orders, and sorting many tags allocates nothing.
type rank struct {
	key   string
	parts int // how many numbers of a version are written out
}

// orders makes the order of each name. Only Semver has a range.
var orders = map[string]func(within string) (order, error){
	Semver:       newSemver,
	Numerical:    withoutRange(Numerical, numerical{}),
	Alphabetical: withoutRange(Alphabetical, alphabetical{}),
	Natural:      withoutRange(Natural, natural{}),
	Calver:       withoutRange(Calver, calver{}),
	Newest:       withoutRange(Newest, natural{}), // by name, until the times are known
}

func withoutRange(name string, o order) func(string) (order, error) {
	return func(within string) (order, error) {
		if within != "" {
			return o, fmt.Errorf("%q goes with order semver only, and order is %s", within, name)
		}
		return o, nil
	}
}

// compare ranks two candidates: negative when a is the worse one. Ties go to the
// version that is written out more fully, then to the larger number where the
// tags differ in numbers only, then, so that the result does not depend on the
// registry's list, to the tag that is last in natural order and in ASCII.
func compare(a, b *Candidate) int {
	if order := strings.Compare(a.rank.key, b.rank.key); order != 0 {
		return order
	}
	if a.rank.parts != b.rank.parts {
		return a.rank.parts - b.rank.parts
	}
	if order := strings.Compare(NaturalKey(a.Tag), NaturalKey(b.Tag)); order != 0 {
		return order
	}
	return strings.Compare(a.Tag, b.Tag)
}

// compareNumbers compares two tags that differ only in numbers, as build9 and
// build10 do. Other tags, and numbers of one value (rc9 and rc09), are not
// comparable unless they are the same tag.
func compareNumbers(a, b string) (order int, ok bool) {
	if a == b {
		return 0, true
	}
	if shapeOf(a) != shapeOf(b) {
		return 0, false
	}
	order = strings.Compare(NaturalKey(a), NaturalKey(b))
	return order, order != 0
}

var digits = lazyregexp.New(`[0-9]+`)

// shapeOf returns text with each run of digits as one 0.
func shapeOf(text string) string { return digits.ReplaceAllString(text, "0") }

// appendNumber appends a run of digits so that it compares by its value: first
// how many digits it has without leading zeros, then these.
func appendNumber(key []byte, run string) []byte {
	run = strings.TrimLeft(run, "0")
	for n := len(run); ; n -= math.MaxUint8 {
		key = append(key, byte(min(n, math.MaxUint8)))
		if n < math.MaxUint8 {
			return append(key, run...)
		}
	}
}

type semverOrder struct{ within *semver.Constraints }

func newSemver(within string) (order, error) {
	text := within
	if text == "" {
		text = "*"
	}
	constraints, err := semver.NewConstraint(text)
	if err != nil {
		return nil, fmt.Errorf("%q is not a range of versions, such as \">=1.2 <2\" or \"1.x\"", within)
	}
	return semverOrder{constraints}, nil
}

func (o semverOrder) rank(key string) (rank, reason) {
	v, ok := parseVersion(key)
	if !ok {
		return rank{}, notSemver
	}
	strict, err := semver.StrictNewVersion(key) // takes less memory than New
	if err != nil {
		strict = v.strict()
	}
	if !o.within.Check(strict) {
		if v.isPreRelease() {
			return rank{}, preReleaseOutside
		}
		return rank{}, outsideRange
	}
	return rank{v.key(), len(v.numbers)}, fits
}

// A version is a semantic version, read as [Semver] describes.
type version struct {
	numbers    []string
	preRelease string // "rc.1", or "" for a release
}

// versionPattern is what counts as a version: two or more numbers with dots, or
// a single short one behind a v. Without these borders a date, a build number or
// the digits of a commit would be the greatest version.
var versionPattern = lazyregexp.New(`^(?:[vV]?\d+(?:\.\d+)+(?:-[^+_]+)?(?:[+_].*)?|[vV]\d{1,4})$`)

func parseVersion(text string) (v version, ok bool) {
	if !versionPattern.MatchString(text) {
		return version{}, false
	}
	if metadata := strings.IndexAny(text, "+_"); metadata >= 0 {
		text = text[:metadata]
	}
	numbers, preRelease, _ := strings.Cut(strings.TrimLeft(text, "vV"), "-")
	return version{strings.Split(numbers, "."), preRelease}, true
}

func (v version) isPreRelease() bool { return v.preRelease != "" }

// strict is v as a range checks it: its first three numbers. One that is too
// large for the library is greater than all that a range can name.
func (v version) strict() *semver.Version {
	var numbers [3]uint64
	for i := range min(len(numbers), len(v.numbers)) {
		n, err := strconv.ParseUint(v.numbers[i], 10, 64)
		if err != nil {
			n = math.MaxUint64
		}
		numbers[i] = n
	}
	return semver.New(numbers[0], numbers[1], numbers[2], v.preRelease, "")
}

// The marks in the key of a version. Each is smaller than those below it.
const (
	markEnd = iota
	markPreRelease
	markNumber
	markText
	markRelease
)

// key encodes v so that keys compare as versions do.
func (v version) key() string {
	numbers := v.numbers
	for len(numbers) > 1 && strings.Trim(numbers[len(numbers)-1], "0") == "" {
		numbers = numbers[:len(numbers)-1] // 1.20 and 1.20.0 are equal
	}
	key := make([]byte, 0, 64) // enough for nearly all, and on the stack
	for _, number := range numbers {
		key = appendNumber(append(key, markRelease+1), number)
	}
	if !v.isPreRelease() {
		return string(append(key, markRelease))
	}
	key = append(key, markPreRelease)
	for part := range strings.SplitSeq(v.preRelease, ".") {
		if digitRun(part) == len(part) && part != "" {
			key = appendNumber(append(key, markNumber), part)
			continue
		}
		key = append(append(append(key, markText), NaturalKey(part)...), markEnd)
	}
	return string(append(key, markEnd))
}

type numerical struct{}

var number = lazyregexp.New(`^(\d+)(?:\.(\d+))?$`)

// rank keeps numbers as text: a float would round a time stamp of 17 digits.
func (numerical) rank(key string) (rank, reason) {
	groups := number.FindStringSubmatch(key)
	if groups == nil {
		return rank{}, notNumber
	}
	return rank{key: string(appendNumber(nil, groups[1])) + strings.TrimRight(groups[2], "0")}, fits
}

type alphabetical struct{}

func (alphabetical) rank(key string) (rank, reason) { return rank{key: key}, fits }

type natural struct{}

func (natural) rank(key string) (rank, reason) { return rank{key: NaturalKey(key)}, fits }

// NaturalKey encodes text so that each run of digits in it compares as one number,
// when keys are compared byte by byte.
func NaturalKey(text string) string {
	key := make([]byte, 0, 64) // enough for nearly all, and on the stack
	for text != "" {
		run := digitRun(text)
		if run == 0 {
			key, text = append(key, text[0]), text[1:]
			continue
		}
		key, text = appendNumber(append(key, '0'), text[:run]), text[run:]
	}
	return string(key)
}

// digitRun returns the length of the digits at the start of s.
func digitRun(s string) int {
	return len(s) - len(strings.TrimLeft(s, "0123456789"))
}

type calver struct{}

// calverPattern is a year of two or four digits and up to four counters, or the
// date (and minute or second) in one run of digits.
var calverPattern = lazyregexp.New(`^[vV]?(?:(\d{4}|\d{2})((?:[._-]\d+){1,4})|(\d{4})(\d{2})(\d{2})(\d{4}|\d{6})?((?:[._-]\d+){0,2}))$`)

func (calver) rank(key string) (rank, reason) {
	groups := calverPattern.FindStringSubmatch(key)
	if groups == nil {
		return rank{}, notCalver
	}
	year, counters := groups[1], groups[2]
	if year == "" { // in one run: 20240615, 202406151230
		year = groups[3]
		if groups[4] > "12" || groups[5] > "31" {
			return rank{}, notCalver
		}
		counters = groups[4] + "." + groups[5] + "." + groups[6] + groups[7]
	}
	if len(year) == 2 {
		year = "20" + year
	}
	encoded := appendNumber(make([]byte, 0, 32), year)
	for _, counter := range digits.FindAllString(counters, -1) {
		encoded = appendNumber(append(encoded, markNumber), counter)
	}
	return rank{key: string(encoded)}, fits
}
