package corpus

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing/fstest"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/yamledit"
	"gopkg.in/yaml.v3"
)

// A Shape says who can be asked to make an edit.
type Shape int

// The shapes of samples.
const (
	PlainYAML Shape = iota // every editor
	Template               // a Helm template, which is no YAML as it stands
	Embedded               // YAML inside a block scalar of YAML
)

func (s Shape) String() string {
	return [...]string{"YAML", "Helm template", "YAML in a block scalar"}[s]
}

// A Sample is one edit that every editor is asked to make: one value of one file.
type Sample struct {
	File
	Shape    Shape
	Want     plan.Want // what tagbump is asked
	Steps    []any     // keys (string) and indexes (int) from the document's root; nil for Embedded
	Old, New string    // the whole value
	OldPart  string    // the tag in Old, with the digest if there is one
	NewPart  string    // what stands in its place in New

	// How tools that number documents or values their own way find the target.
	Documents  int // in the file
	FullBefore int // documents before the target's that are not empty
	Nth        int // the target's place among the scalars with its key and value
}

// newDigest is written where the old image is pinned by one.
const newDigest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

// firstEditable prefers a tag that other editors can be asked for too.
func firstEditable(f File, text *yamledit.Text, targets []plan.Target, tag string) (Sample, error) {
	var first error
	var inside *Sample
	for _, t := range targets {
		s, err := newSample(f, text, t, tag)
		if err == nil && s.Shape != Embedded {
			return s, nil
		}
		if err == nil && inside == nil {
			inside = &s
		}
		if first == nil {
			first = err
		}
	}
	if inside != nil {
		return *inside, nil
	}
	return Sample{}, first
}

func newSample(f File, text *yamledit.Text, t plan.Target, tag string) (Sample, error) {
	s := Sample{File: f, Want: want(t, tag)}
	made, err := Plan(fstest.MapFS{t.File: {Data: f.Text}}, []plan.Want{s.Want})
	if err != nil {
		return Sample{}, errors.New(f.Name + strings.TrimPrefix(err.Error(), t.File))
	}
	if len(made.Files) != 1 || len(made.Files[0].Changes) != 1 {
		return Sample{}, fmt.Errorf("%s: %s: takes more than one value: several branches, or a tag with a digest in its own key", f.Name, t.Path)
	}
	s.Old, s.New = made.Files[0].Changes[0].Old, made.Files[0].Changes[0].New
	s.OldPart, s.NewPart = tagPart(s.Old, t.Current.Tag), tagPart(s.New, tag)
	node := nodeAt(text, t)
	if node == nil {
		s.Shape = Embedded
		return s, nil
	}
	s.Steps = stepsTo(node)
	if text.IsTemplate() {
		s.Shape = Template
		return s, nil
	}
	return s, s.order()
}

func want(t plan.Target, tag string) plan.Want {
	ref := image.Ref{Repository: t.Current.Repository, Tag: tag}
	if strings.Contains(ref.Repository, "{{") {
		ref.Repository = literalName(ref.Repository)
	}
	if t.Current.Digest != "" {
		ref.Digest = newDigest
	}
	return plan.Want{Target: t, Ref: ref}
}

// tagPart is the value from its tag on.
func tagPart(value, tag string) string {
	name, _, _ := strings.Cut(value, "@")
	return value[max(strings.LastIndex(name, tag), 0):]
}

// nodeAt is the target in the text itself, or nil if it is inside a block scalar.
func nodeAt(text *yamledit.Text, t plan.Target) *yamledit.Node {
	var found *yamledit.Node
	for _, root := range text.Documents() {
		root.Walk(func(n *yamledit.Node) {
			if n.Line() == t.Line && n.Document() == t.Doc && n.Path().Equal(t.Path) {
				found = n
			}
		})
	}
	return found
}

func stepsTo(n *yamledit.Node) []any {
	var steps []any
	for up := n.Parent(); up != nil; n, up = up, up.Parent() {
		if up.IsMapping() {
			steps = append(steps, n.Key())
			continue
		}
		steps = append(steps, slices.IndexFunc(up.Items(), n.Is))
	}
	slices.Reverse(steps)
	return steps
}

// order counts documents and values as tools do that see no lines.
func (s *Sample) order() error {
	docs, err := Decode(s.Text)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	target := NodeOf(docs[s.Want.Target.Doc], s.Steps)
	s.Documents = len(docs)
	s.FullBefore = len(WithoutEmpty(docs[:s.Want.Target.Doc]))
	met := false
	for _, doc := range docs {
		eachScalar(doc, "", func(key string, n *yaml.Node) {
			met = met || n == target
			if !met && key == s.Key() && strings.TrimRight(n.Value, "\n") == s.Old {
				s.Nth++
			}
		})
	}
	return nil
}

// eachScalar visits the scalars below n in the text's order, with their keys.
func eachScalar(n *yaml.Node, key string, visit func(key string, n *yaml.Node)) {
	if n.Kind == yaml.ScalarNode {
		visit(key, n)
	}
	for i, child := range n.Content {
		switch {
		case n.Kind != yaml.MappingNode:
			eachScalar(child, "", visit)
		case i%2 == 1:
			eachScalar(child, n.Content[i-1].Value, visit)
		}
	}
}

// Key is the target's own, or "" for a list's item.
func (s Sample) Key() string {
	if len(s.Steps) == 0 {
		return ""
	}
	key, _ := s.Steps[len(s.Steps)-1].(string)
	return key
}

// HasCRLF reports whether the file has a line that ends with CR LF.
func (s Sample) HasCRLF() bool { return bytes.Contains(s.Text, []byte("\r\n")) }
