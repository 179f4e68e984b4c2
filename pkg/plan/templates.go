package plan

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// A templateJoin is a line of a chart's template that puts a tag behind a repository:
// {{ .Values.worker.image.repository }}:{{ .Values.worker.blue.tag }}.
type templateJoin struct {
	place string // "web/templates/deployment.yaml:8"
	name  []joinPart
	tag   []string // keys
}

// A joinPart is a literal or, with keys, a value.
type joinPart struct {
	literal string
	keys    []string
}

var valuePattern = lazyregexp.New(`\{\{-?\s*\$?\.Values\.([A-Za-z0-9_.]+)\s*(?:\|[^{}]*)?-?\}\}`)

// joins lists the joins in the chart's templates.
func (c *chart) joins() []templateJoin {
	var all []templateJoin
	for _, f := range c.index.files {
		if !strings.HasPrefix(f.name, path.Join(c.dir, "templates")+"/") || !bytes.Contains(f.src, []byte(".Values.")) {
			continue
		}
		number := 0
		for line := range bytes.Lines(f.src) {
			number++
			for _, at := range valuePattern.FindAllSubmatchIndex(line, -1) {
				if at[0] == 0 || line[at[0]-1] != ':' {
					continue
				}
				if name, ok := nameBefore(string(line[:at[0]-1])); ok {
					all = append(all, templateJoin{fmt.Sprintf("%s:%d", f.name, number), name, strings.Split(string(line[at[2]:at[3]]), ".")})
				}
			}
		}
	}
	return all
}

// nameBefore reads the repository at the end of a template's line: literals and
// values only.
func nameBefore(text string) ([]joinPart, bool) {
	hidden := actionPattern.ReplaceAllStringFunc(text, func(action string) string { return strings.Repeat("_", len(action)) })
	text = text[strings.LastIndexAny(hidden, " \t\"'=(")+1:]
	var parts []joinPart
	for text != "" {
		at := valuePattern.FindStringSubmatchIndex(text)
		if at == nil {
			parts = append(parts, joinPart{literal: text})
			break
		}
		if at[0] > 0 {
			parts = append(parts, joinPart{literal: text[:at[0]]})
		}
		parts = append(parts, joinPart{keys: strings.Split(text[at[2]:at[3]], ".")})
		text = text[at[1]:]
	}
	isPlain := !slices.ContainsFunc(parts, func(p joinPart) bool { return strings.ContainsAny(p.literal, "{}") })
	return parts, isPlain && len(parts) > 0
}

// repository is the name that the join makes of the values; "" when one is missing.
func (j templateJoin) repository(from []source) string {
	var name strings.Builder
	for _, part := range j.name {
		if part.keys == nil {
			name.WriteString(part.literal)
			continue
		}
		value := scalarAt(from, part.keys)
		if value == nil || value.Value() == "" {
			return ""
		}
		name.WriteString(value.Value())
	}
	return name.String()
}

// joinTemplates attaches tags that a chart's templates put behind a name from
// another mapping. It needs the whole tree.
func (o *overlays) joinTemplates() error {
	l := layers{index: o.index, part: o.part}
	for _, c := range l.chartsOf(l.seeds()) {
		joins := c.joins()
		if len(joins) == 0 {
			continue
		}
		if root := c.root(); root != nil {
			if err := o.join(c.values, root, joins, []source{c}); err != nil {
				return err
			}
		}
		for _, layer := range o.layers {
			for _, below := range layer.below {
				if !slices.Contains(below, source(c)) || !layer.root.IsMapping() {
					continue
				}
				if err := o.join(layer.file, layer.root, joins, append(slices.Clip(below), values{layer.root})); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// join attaches the tags of one mapping of values that the joins use.
func (o *overlays) join(f *file, root *yamledit.Node, joins []templateJoin, from []source) error {
	names := map[string]map[string]bool{} // by the tag's keys
	for _, j := range joins {
		key := strings.Join(j.tag, ".")
		if name := j.repository(from); image.CheckRepository(name) == nil {
			if names[key] == nil {
				names[key] = map[string]bool{}
			}
			names[key][name] = true
		}
	}
	for _, j := range joins {
		o.leaveJoined(f, root, j)
		tag := ownScalar(root, j.tag)
		if tag == nil || tag.Value() == "" {
			continue
		}
		name := j.repository(from)
		s := spot{form: FormTag, value: tag, ref: image.Ref{Repository: name}}.withTag(tag)
		if !s.names(o.repository) {
			continue
		}
		if all := names[strings.Join(j.tag, ".")]; !o.areOneName(all) {
			return ambiguous(candidate{f, s}, sortedKeys(all))
		}
		o.take(candidate{f, s})
	}
	return nil
}

// areOneName reports whether the names are one image's, with its registry or without.
func (o *overlays) areOneName(names map[string]bool) bool {
	for name := range names {
		if !isNamed(name, o.repository) && !strings.HasSuffix(o.repository, "/"+name) && !strings.HasSuffix(name, "/"+o.repository) {
			return false
		}
	}
	return true
}

func ownScalar(root *yamledit.Node, keys []string) *yamledit.Node {
	for _, n := range (values{root}).at(keys[:len(keys)-1]) {
		if value := n.Field(keys[len(keys)-1]); value != nil && value.IsScalar() {
			return value
		}
	}
	return nil
}

// ofKeys is the path of a value in a file of values.
func ofKeys(keys []string) (p keypath.Path) {
	for _, key := range keys {
		p = p.Child(key)
	}
	return p
}

// leaveJoined leaves the place of a missing tag beside a repository whose tag a
// template takes from elsewhere.
func (o *overlays) leaveJoined(f *file, root *yamledit.Node, j templateJoin) {
	for _, part := range j.name {
		if part.keys == nil {
			continue
		}
		repository := ownScalar(root, part.keys)
		if repository == nil {
			continue
		}
		o.leave(func(c candidate) string {
			if c.file == f && c.spot.fill != "" && c.spot.value.Is(repository) && !c.spot.path().Equal(ofKeys(j.tag)) {
				return "has no tag, because " + j.place + " takes it from " + strings.Join(j.tag, ".")
			}
			return ""
		})
	}
}
