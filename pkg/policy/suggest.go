package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
)

// A Suggestion is a rule that fits the tags of a repository.
type Suggestion struct {
	Rule Rule
	Why  string // "branch master and a UTC minute", for a comment beside the rule
}

// Suggest returns a rule for the kind of tags that are deployed, else for the most
// frequent kind that the registry has. It knows versions (1.4.2, v2.0.0-rc.1,
// 1.27-alpine, release-1.4), dates in versions (2024.06.15), times behind a branch
// (master-202406151230), numbers of builds (build-1234) and commits (main-90be1d7).
// Tags that move, such as latest, suggest nothing. The rule permits at least one of
// the tags.
func Suggest(tags, deployed []string) (Suggestion, bool) {
	for _, among := range [][]string{deployed, tags} {
		family := largestFamily(among)
		if len(family) == 0 {
			continue
		}
		suggestion := family[0].suggest(family)
		p, err := New(suggestion.Rule)
		if err == nil && len(p.Candidates(tags)) > 0 {
			return suggestion, true
		}
	}
	return Suggestion{}, false
}

// largestFamily returns the members of the most frequent family of tags.
func largestFamily(tags []string) []member {
	byFamily := map[string][]member{}
	largest := ""
	for _, tag := range tags {
		m, known := memberOf(tag)
		if !known {
			continue
		}
		family := m.family()
		byFamily[family] = append(byFamily[family], m)
		if n, most := len(byFamily[family]), len(byFamily[largest]); n > most || n == most && family < largest {
			largest = family
		}
	}
	return byFamily[largest]
}

// A tagKind is what orders the tags of a family.
type tagKind int

const (
	kindTime tagKind = iota
	kindDate
	kindVersion
	kindCommit
	kindNumber
)

// A member is a tag in its parts: before and after, which the family shares, around
// the key by which the tags of a family are ordered.
type member struct {
	kind               tagKind
	before, key, after string
	commit             bool // a commit follows the key
}

// The patterns of tags, each with the groups before, key and after.
var tagPatterns = []struct {
	kind    tagKind
	pattern *lazyregexp.Regexp
}{
	{kindTime, lazyregexp.New(`^(?P<before>|.*[^0-9])(?P<key>20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[T.-]?(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d)?)?)(?P<after>Z?)(?P<commit>-[0-9a-f]{7,40})?$`)},
	{kindDate, lazyregexp.New(`^(?P<before>v?)(?P<key>20\d\d(?:[.-]\d{1,2}){1,2}(?:[.-]\d{1,4})?)(?P<after>)$`)},
	{kindVersion, lazyregexp.New(`^(?P<before>(?:[A-Za-z][A-Za-z0-9]*[-_])*)(?P<key>[vV]?\d+(?:\.\d+)+(?:-(?:alpha|beta|rc|pre|preview|dev|snapshot|next|canary|nightly|[0-9]+)(?:[.-]?[0-9A-Za-z]+)*)?)(?P<after>(?:[-_][0-9A-Za-z][0-9A-Za-z._-]*)?)$`)},
	{kindCommit, lazyregexp.New(`^(?P<before>(?:[A-Za-z][A-Za-z0-9_]*-)*)(?P<key>[0-9]*[a-f][0-9a-f]{6,39}|[0-9a-f]*[a-f][0-9a-f]*[0-9][0-9a-f]*)(?P<after>)$`)},
	{kindNumber, lazyregexp.New(`^(?P<before>(?:[A-Za-z][A-Za-z0-9]*[-_])*[A-Za-z]*)(?P<key>\d{1,9})(?P<after>)(?P<commit>-[0-9a-f]{7,40})?$`)},
}

// memberOf cuts a tag into its parts.
func memberOf(tag string) (member, bool) {
	for _, known := range tagPatterns {
		groups := known.pattern.FindStringSubmatch(tag)
		if groups == nil {
			continue
		}
		group := func(name string) string {
			if i := known.pattern.SubexpIndex(name); i >= 0 {
				return groups[i]
			}
			return ""
		}
		m := member{known.kind, group("before"), group("key"), group("after"), group("commit") != ""}
		if m.kind == kindCommit && (len(m.key) < 7 || len(m.key) > 40) {
			continue
		}
		return m, true
	}
	return member{}, false
}

// family names the members that one rule is for.
func (m member) family() string {
	return fmt.Sprintf("%d %s %s %t", m.kind, shapeOf(m.before), shapeOf(m.after), m.commit)
}

// suggest makes the rule of a family.
func (m member) suggest(family []member) Suggestion {
	switch m.kind {
	case kindTime:
		return Suggestion{m.extracting("stamp", digitsOf(family), orderOfTimes(family)), "the time in the tag" + m.behind()}
	case kindDate:
		return Suggestion{Rule{Match: "^" + literal(m.before) + `\d{4}[.-]\d`, Order: Calver}, "the date in the tag"}
	case kindCommit:
		return Suggestion{Rule{Match: "^" + literal(m.before) + "[0-9a-f]{7,40}$", Order: Newest}, "commits have no order: the image that was created last" + m.behind()}
	case kindNumber:
		return Suggestion{m.extracting("build", `\d+`, Numerical), "the number of the build" + m.behind()}
	}
	return m.suggestVersion(family)
}

// suggestVersion stays within the major versions that are in use.
func (m member) suggestVersion(family []member) Suggestion {
	if m.before != "" || m.after != "" {
		return Suggestion{m.extracting("version", `[vV]?\d+(?:\.\d+)+`, Semver), "releases" + m.behind()}
	}
	low, high, preRelease := -1, -1, false
	for _, one := range family {
		v, ok := parseVersion(one.key)
		if !ok {
			continue
		}
		preRelease = preRelease || v.isPreRelease()
		major, err := strconv.Atoi(v.numbers[0])
		if err != nil {
			continue // larger than any that a range can name
		}
		if low < 0 || major < low {
			low = major
		}
		high = max(high, major)
	}
	within := fmt.Sprintf("^%d", low)
	switch {
	case low < 0:
		return Suggestion{Rule{Order: Semver}, "releases"}
	case preRelease:
		return Suggestion{Rule{Semver: fmt.Sprintf(">=%d.0.0-0 <%d", low, high+1)}, "versions, pre-releases included"}
	case low < high:
		within = fmt.Sprintf(">=%d <%d", low, high+1)
	}
	return Suggestion{Rule{Semver: within}, "releases of the major version in use"}
}

// extracting returns a rule that orders by a part of the tag.
func (m member) extracting(name, key, order string) Rule {
	commit := ""
	if m.commit {
		commit = "-[0-9a-f]{7,40}"
	}
	if m.before == "" && m.after == "" && commit == "" {
		return Rule{Match: "^" + key + "$", Order: order}
	}
	return Rule{Match: fmt.Sprintf("^%s(?P<%s>%s)%s%s$", literal(m.before), name, key, literal(m.after), commit), Extract: "$" + name, Order: order}
}

// behind says what surrounds the key, for a comment.
func (m member) behind() string {
	text := ""
	if before := strings.TrimRight(m.before, "-_."); before != "" {
		text += " of " + before
	}
	if after := strings.Trim(m.after, "-_."); after != "" {
		text += " with " + after
	}
	return text
}

// literal quotes the text around a key. Numbers in it may change.
func literal(text string) string {
	return digits.ReplaceAllString(regexp.QuoteMeta(text), `\d+`)
}

// digitsOf returns the pattern of the times in a family.
func digitsOf(family []member) string {
	pattern := func(m member) string {
		var b strings.Builder
		for text := m.key; text != ""; {
			if run := digitRun(text); run > 0 {
				fmt.Fprintf(&b, `\d{%d}`, run)
				text = text[run:]
				continue
			}
			b.WriteString(regexp.QuoteMeta(text[:1]))
			text = text[1:]
		}
		return b.String()
	}
	first := pattern(family[0])
	if slices.ContainsFunc(family, func(m member) bool { return pattern(m) != first }) {
		return `\d[\dT.-]*`
	}
	return first
}

// orderOfTimes is numerical where the times are numbers.
func orderOfTimes(family []member) string {
	if slices.ContainsFunc(family, func(m member) bool { return digitRun(m.key) < len(m.key) }) {
		return Natural
	}
	return Numerical
}
