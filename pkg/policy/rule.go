package policy

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
)

// A Rule is a policy as its user wrote it. The zero Rule is the greatest released semantic version.
type Rule struct {
	Match   string // regular expression (RE2) that a tag has to contain; anchor it with ^ and $. Default: every tag.
	Extract string // template for the key out of Match's groups: $name, ${name}, $1. Default: the whole tag.
	Order   string // one of [Orders]. Default: semver.
	Semver  string // range, as in ">=1.2 <2"; only with order semver. Default: every release ("*").
}

// The names of a Rule's fields, as a [FieldError] has them.
const (
	FieldMatch   = "match"
	FieldExtract = "extract"
	FieldOrder   = "order"
	FieldSemver  = "semver"
)

// A FieldError says which field of a Rule is wrong, and why. Its kind is [fault.Usage].
type FieldError struct {
	Field string // one of the Field constants
	Err   error
}

// Error reads: match: "(": missing closing ).
func (e *FieldError) Error() string { return e.Field + ": " + e.Err.Error() }

// Unwrap returns the kind and the reason.
func (e *FieldError) Unwrap() []error { return []error{fault.Usage, e.Err} }

// Check returns everything that is wrong with r, in the order of its fields: a
// pattern that does not compile, a template that names a group which match
// lacks, an unknown order or range, and fields that contradict each other.
func (r Rule) Check() []*FieldError {
	_, problems := compile(r)
	return problems
}

// compile makes a policy of r and returns what is wrong with r's fields.
func compile(r Rule) (*Policy, []*FieldError) {
	p := &Policy{rule: r, name: r.Order}
	if p.name == "" {
		p.name = Semver
	}
	var problems []*FieldError
	check := func(field string, err error) {
		if err != nil {
			problems = append(problems, &FieldError{field, err})
		}
	}
	var err error
	if r.Match != "" {
		p.match, err = regexp.Compile(r.Match)
		check(FieldMatch, patternError(r.Match, err))
	}
	if p.match != nil || r.Match == "" { // else the groups are not known
		check(FieldExtract, checkExtract(r.Extract, p.match))
	}
	build, known := orders[p.name]
	if !known {
		check(FieldOrder, fmt.Errorf("%q is not one of %s", p.name, strings.Join(orderNames, ", ")))
		return p, problems
	}
	p.order, err = build(r.Semver)
	check(FieldSemver, err)
	return p, problems
}

// patternError shortens what package regexp says: the pattern is quoted once.
func patternError(pattern string, err error) error {
	var wrong *syntax.Error
	if !errors.As(err, &wrong) {
		return err
	}
	if wrong.Code == syntax.ErrMissingRepeatArgument {
		return fmt.Errorf("%s: %s repeats nothing; any text is .*", quote(pattern), quote(wrong.Expr))
	}
	if wrong.Expr == pattern {
		return fmt.Errorf("%s: %s", quote(pattern), wrong.Code)
	}
	return fmt.Errorf("%s: %s: %s", quote(pattern), wrong.Code, quote(wrong.Expr))
}

// reference matches a dollar sign in a template and the group behind it, as
// regexp.Expand reads them: the longest name counts, so $1x is the group "1x".
var reference = lazyregexp.New(`\$(?:(\w+)|\{(\w+)\}|(\$))?`)

// checkExtract refuses a template that regexp.Expand would silently expand to
// nothing, or to the same key for every tag.
func checkExtract(template string, match *regexp.Regexp) error {
	if template == "" {
		return nil
	}
	if match == nil {
		return fmt.Errorf("%q needs match, whose groups it names", template)
	}
	named := false
	for _, r := range reference.FindAllStringSubmatch(template, -1) {
		name := r[1] + r[2]
		switch {
		case r[3] != "":
			continue
		case name == "":
			return fmt.Errorf("%q: a dollar sign without a group (write $$ for the sign itself)", template)
		case !hasGroup(match, name):
			return fmt.Errorf("%q: match has no group %q, only %s", template, name, groups(match))
		}
		named = true
	}
	if !named {
		return fmt.Errorf("%q names no group of match, so every tag would be equal", template)
	}
	return nil
}

func hasGroup(match *regexp.Regexp, name string) bool {
	if n, err := strconv.Atoi(name); err == nil {
		return n <= match.NumSubexp()
	}
	return slices.Contains(match.SubexpNames(), name)
}

// groups lists what a template can name: $0, $1, $stamp.
func groups(match *regexp.Regexp) string {
	var names []string
	for i, name := range match.SubexpNames() {
		names = append(names, "$"+strconv.Itoa(i))
		if name != "" {
			names = append(names, "$"+name)
		}
	}
	return strings.Join(names, ", ")
}

// literalPrefix returns the text with which every match of pattern begins. It returns
// "" if the pattern says nothing of it, or may match elsewhere than at the beginning.
func literalPrefix(pattern string) string {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return ""
	}
	parsed = parsed.Simplify()
	if parsed.Op != syntax.OpConcat || len(parsed.Sub) < 2 || parsed.Sub[0].Op != syntax.OpBeginText {
		return ""
	}
	literal := parsed.Sub[1]
	if literal.Op != syntax.OpLiteral || literal.Flags&syntax.FoldCase != 0 {
		return ""
	}
	return string(literal.Rune)
}
