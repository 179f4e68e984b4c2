package policy

import (
	"strings"

	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
)

// preReleaseWord is how pre-releases are called, in contrast to the variants of
// an image (1.2.3-alpine), which are as new as the version that they name.
var preReleaseWord = lazyregexp.New(`^(?i:alpha|beta|rc|pre|preview|dev|snapshot|nightly|canary|next|m|ea)(?:[^a-zA-Z]|$)`)

// CompareVersions compares two tags without a policy: order is negative when a
// is before (older than) b. ok is false unless both are versions with dots whose
// numbers decide: 1.9.0 is before 1.10.0-alpine, and 2.0.0-rc1 before 2.0.0, but
// nothing is known of 1.2.3 and 1.2.3-alpine. It serves where there is no policy
// and no time of creation to compare.
func CompareVersions(a, b string) (order int, ok bool) {
	left, leftOK := dottedVersion(a)
	right, rightOK := dottedVersion(b)
	if !leftOK || !rightOK {
		return 0, false
	}
	leftNumbers, rightNumbers := version{numbers: left.numbers}.key(), version{numbers: right.numbers}.key()
	if order := strings.Compare(leftNumbers, rightNumbers); order != 0 {
		return order, true
	}
	leftIsPre, rightIsPre := preReleaseWord.MatchString(left.preRelease), preReleaseWord.MatchString(right.preRelease)
	switch {
	case leftIsPre && !right.isPreRelease():
		return -1, true
	case rightIsPre && !left.isPreRelease():
		return 1, true
	case leftIsPre && rightIsPre && left.key() != right.key():
		return strings.Compare(left.key(), right.key()), true
	}
	return compareNumbers(a, b)
}

// dottedVersion reads a version that has a dot: v2 alone may be a branch.
func dottedVersion(tag string) (version, bool) {
	v, ok := parseVersion(tag)
	return v, ok && len(v.numbers) > 1
}
