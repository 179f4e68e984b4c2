package plan

import (
	"bytes"
	"fmt"
	"path"
	"regexp"

	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

var (
	appVersionPattern = lazyregexp.New(`\.Chart\.AppVersion`)
	valuesPattern     = lazyregexp.New(`\.Values\.([A-Za-z0-9_.]+)`)
	variableAction    = lazyregexp.New(`^\{\{-?\s*(\$[A-Za-z0-9_]+)\s*(?:\|[^}]*)?-?\}\}$`)
	elementAction     = lazyregexp.New(`^\{\{-?\s*(?:index\s+\.\s*")?\.?([A-Za-z0-9_]+)"?\s*-?\}\}$`)
)

// sourceOfTag says where the tag that another tool computes in the spot comes from,
// as a hint.
func (f *file) sourceOfTag(s spot) string {
	tag := s.computedTag()
	if _, kind := object(s.value); kind == "ApplicationSet" {
		if match := elementAction.FindStringSubmatch(tag); match != nil {
			if element := f.element(s.value, match[1]); element != nil {
				return fmt.Sprintf("set it in the generator's elements: line %d, --path %s", element.Line(), quoteArgument(allElements(element).String()))
			}
			return "set it where the generator gets " + match[1] + ", in its elements or files"
		}
	}
	if match := variableAction.FindStringSubmatch(tag); match != nil {
		if line := f.assignment(match[1]); line > 0 {
			return fmt.Sprintf("%s is set in line %d", match[1], line)
		}
	}
	if match := valuesPattern.FindStringSubmatch(tag); match != nil {
		help := "set " + match[1] + " in the values file: add that to --file"
		if appVersionPattern.MatchString(tag) {
			help += "; where it is empty, " + f.appVersion()
		}
		return help
	}
	if appVersionPattern.MatchString(tag) {
		return f.appVersion()
	}
	return "set it where that gets its value"
}

// appVersion is the hint for a tag that is the chart's appVersion.
func (f *file) appVersion() string {
	name := "Chart.yaml"
	if c := f.index.chartOf(f.name); c != nil {
		name = path.Join(c.dir, name)
	}
	return "it is appVersion in the chart: --file " + quoteArgument(name) + " --path appVersion"
}

// assignment is the line that sets a template's variable, or 0.
func (f *file) assignment(variable string) int {
	set := regexp.MustCompile(`\{\{-?\s*` + regexp.QuoteMeta(variable) + `\s*:?=`)
	if at := set.FindIndex(f.src); at != nil {
		return 1 + bytes.Count(f.src[:at[0]], []byte("\n"))
	}
	return 0
}

// element is the first value of that name in a list generator of the
// ApplicationSet that holds n, or nil.
func (f *file) element(n *yamledit.Node, name string) *yamledit.Node {
	set, _ := object(n)
	if set == nil {
		return nil
	}
	var found *yamledit.Node
	set.Walk(func(at *yamledit.Node) {
		if found == nil && at.Key() == "elements" {
			for _, item := range at.Items() {
				if value := item.Field(name); value != nil && found == nil {
					found = value
				}
			}
		}
	})
	return found
}

// allElements is the element's path for all items of its list.
func allElements(element *yamledit.Node) keypath.Path {
	list := element.Parent().Parent().Path()
	return list.With(keypath.Step{Kind: keypath.AnyItem}).Child(element.Key())
}
