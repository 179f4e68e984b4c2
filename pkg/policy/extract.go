package policy

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
)

// reference matches a dollar sign in a template and the group behind it, as
// regexp.Expand reads them: the longest name counts, so $1x is the group "1x".
var reference = regexp.MustCompile(`\$(?:(\w+)|\{(\w+)\}|(\$))?`)

// checkExtract refuses what regexp.Expand would silently expand to nothing.
func (p *Policy) checkExtract() error {
	template := p.rule.Extract
	if template == "" {
		return nil
	}
	if p.match == nil {
		return fmt.Errorf("extract: %q needs match, whose groups it names", template)
	}
	references := reference.FindAllStringSubmatch(template, -1)
	if len(references) == 0 {
		return fmt.Errorf("extract: %q names no group of match, so every tag would be equal", template)
	}
	for _, r := range references {
		name := r[1] + r[2]
		switch {
		case r[3] != "":
		case name == "":
			return fmt.Errorf("extract: %q: a dollar sign without a group (write $$ for the sign itself)", template)
		case !p.hasGroup(name):
			return fmt.Errorf("extract: %q: match has no group %q, only %s", template, name, p.groups())
		}
	}
	return nil
}

func (p *Policy) hasGroup(name string) bool {
	if n, err := strconv.Atoi(name); err == nil {
		return n <= p.match.NumSubexp()
	}
	return slices.Contains(p.match.SubexpNames(), name)
}

// groups lists what a template can name: $0, $1, $stamp.
func (p *Policy) groups() string {
	var names []string
	for i, name := range p.match.SubexpNames() {
		names = append(names, "$"+strconv.Itoa(i))
		if name != "" {
			names = append(names, "$"+name)
		}
	}
	return strings.Join(names, ", ")
}

// literalPrefix returns the text that stands at the start of every match of
// pattern, or "" if there is none or the pattern may match further behind.
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
