package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/yamledit"
	"gopkg.in/yaml.v3"
)

// A shape says who can be asked to make an edit.
type shape int

const (
	plainYAML shape = iota // every editor
	template               // a Helm template, which is no YAML as it stands
	embedded               // YAML inside a block scalar of YAML
)

func (s shape) String() string { return [...]string{"YAML", "template", "YAML in a block scalar"}[s] }

// A file is one text of the corpus.
type file struct {
	name string
	text []byte
}

// A sample is one edit that every editor is asked to make.
type sample struct {
	file
	shape    shape
	want     plan.Want
	steps    []any // keys and indexes from the document's root to the target
	line     int   // of the target, 1-based
	old, new string
	// The tag, and the digest if there is one, in old and new.
	oldPart, newPart string

	documents      int // in the file
	fullDocsBefore int // documents before the target's that are not empty
	nth            int // the target's place among the scalars with its key and value
}

// A collection is what a corpus has to offer.
type collection struct {
	files    int
	bytes    int
	samples  []sample
	without  int      // files that name no image with a tag
	refused  []string // files with a tag that tagbump does not change, and why
	unparsed []string // files that tagbump cannot read, and why
}

// readCorpus reads the YAML files below dir, and those inside its .txtar
// fixtures, whose last section is what a test expects.
func readCorpus(dir string) ([]file, error) {
	var files []file
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		switch filepath.Ext(path) {
		case ".yaml", ".yml", ".tpl":
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			files = append(files, file{filepath.ToSlash(name), text})
		case ".txtar":
			archive, err := txtar.ParseFile(path)
			if err != nil {
				return err
			}
			for _, section := range archive.Files[:max(len(archive.Files)-1, 0)] {
				files = append(files, file{filepath.ToSlash(name) + "/" + section.Name, mutate(section.Data, archive.Comment)})
			}
		}
		return nil
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s: no YAML files", dir)
	}
	return files, err
}

// mutate does what a fixture's words ask for, as pkg/plan's tests do.
func mutate(text, words []byte) []byte {
	for _, line := range strings.Split(string(words), "\n") {
		switch word, _, _ := strings.Cut(line, " "); word {
		case "crlf":
			text = withCRLF(text)
		case "bom":
			text = append([]byte("\ufeff"), text...)
		case "unended":
			text = bytes.TrimSuffix(text, []byte("\n"))
		}
	}
	return text
}

func withCRLF(text []byte) []byte {
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
}

// collect chooses one edit in each file: the first tag that tagbump finds and
// can change.
func collect(files []file, tag string) collection {
	c := collection{files: len(files)}
	for _, f := range files {
		c.bytes += len(f.text)
		text, err := yamledit.Parse(f.text)
		if err != nil {
			c.unparsed = append(c.unparsed, f.name+": "+err.Error())
			continue
		}
		targets := findTargets(f, text)
		if len(targets) == 0 {
			c.without++
			continue
		}
		s, err := firstEditable(f, text, targets, tag)
		if err != nil {
			c.refused = append(c.refused, err.Error())
			continue
		}
		c.samples = append(c.samples, s)
	}
	return c
}

// findTargets asks [plan.Find] for every image that the file seems to name.
func findTargets(f file, text *yamledit.Text) []plan.Target {
	names := map[string]bool{}
	for _, root := range text.Documents() {
		collectNames(root, names)
	}
	tree := fstest.MapFS{f.fsName(): {Data: f.text}}
	seen := map[string]bool{}
	var targets []plan.Target
	for name := range names {
		found, err := plan.Find(tree, name)
		if err != nil {
			continue // a name that only looked like an image's
		}
		for _, t := range found {
			id := fmt.Sprint(t.Doc, " ", t.Line, " ", t.Path)
			if t.Current.Tag != "" && !seen[id] {
				seen[id] = true
				targets = append(targets, t)
			}
		}
	}
	slices.SortFunc(targets, func(a, b plan.Target) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return strings.Compare(a.Path.String(), b.Path.String())
	})
	return targets
}

// fsName is a name that io/fs takes and that still ends as the file's does.
func (f file) fsName() string { return "f" + filepath.Ext(f.name) }

// collectNames gathers what stands under keys that hold images' names.
func collectNames(root *yamledit.Node, names map[string]bool) {
	root.Walk(func(n *yamledit.Node) {
		if inner := n.Embedded(); inner != nil {
			for _, root := range inner.Documents() {
				collectNames(root, names)
			}
		}
		if !n.IsScalar() || !mayNameImage(n) {
			return
		}
		name := literalName(n.Value())
		add(names, name)
		if registry := n.Parent().Field("registry"); registry != nil && registry.Value() != "" {
			add(names, registry.Value()+"/"+name)
		}
	})
}

func add(names map[string]bool, name string) {
	if image.CheckRepository(name) == nil {
		names[name] = true
	}
}

func mayNameImage(n *yamledit.Node) bool {
	up := n.Parent()
	if up == nil {
		return false
	}
	key := n.Key() + up.Key()
	if n.Key() != "" {
		key = n.Key()
	}
	return strings.Contains(key, "mage") || strings.Contains(key, "repo") || key == "name" || key == "newName"
}

// literalName is the repository in a reference, behind its last template action.
func literalName(value string) string {
	if end := strings.LastIndex(value, "}}"); end >= 0 {
		value = strings.TrimPrefix(value[end+len("}}"):], "/")
	}
	return image.Split(value).Repository
}

// firstEditable prefers a tag that other editors can be asked for too.
func firstEditable(f file, text *yamledit.Text, targets []plan.Target, tag string) (sample, error) {
	var first error
	var inside *sample
	for _, t := range targets {
		s, err := newSample(f, text, t, tag)
		if err == nil && s.shape != embedded {
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
	return sample{}, first
}

func newSample(f file, text *yamledit.Text, t plan.Target, tag string) (sample, error) {
	repository := literalName(t.Current.Repository)
	if t.Current.Repository != "" && !strings.Contains(t.Current.Repository, "{{") {
		repository = t.Current.Repository
	}
	s := sample{file: f, line: t.Line}
	s.want = plan.Want{Target: t, Ref: image.Ref{Repository: repository, Tag: tag}}
	if t.Current.Digest != "" {
		s.want.Ref.Digest = newDigest
	}
	made, err := plan.Make(fstest.MapFS{t.File: {Data: f.text}}, []plan.Want{s.want})
	if err != nil {
		return sample{}, errors.New(f.name + strings.TrimPrefix(err.Error(), t.File))
	}
	if len(made.Files) != 1 || len(made.Files[0].Changes) != 1 {
		return sample{}, fmt.Errorf("%s: %s: takes more than one value: several branches, or a tag with a digest in its own key", f.name, t.Path)
	}
	s.old, s.new = made.Files[0].Changes[0].Old, made.Files[0].Changes[0].New
	s.oldPart, s.newPart = tagPart(s.old, t.Current.Tag), tagPart(s.new, tag)
	node := nodeAt(text, t)
	switch {
	case node == nil:
		s.shape = embedded
	case text.IsTemplate():
		s.shape = template
	}
	if node != nil {
		s.steps = stepsTo(node)
	}
	if s.shape == plainYAML {
		return s, s.order()
	}
	return s, nil
}

// order counts what tools need that number documents or values their own way.
func (s *sample) order() error {
	docs, err := decode(s.text)
	if err != nil {
		return err
	}
	target := nodeOf(docs[s.want.Target.Doc], s.steps)
	s.documents = len(docs)
	s.fullDocsBefore = len(withoutEmpty(docs[:s.want.Target.Doc]))
	met := false
	var count func(n *yaml.Node, key string)
	count = func(n *yaml.Node, key string) {
		met = met || n == target
		if n.Kind == yaml.ScalarNode && !met && key == s.key() && strings.TrimRight(n.Value, "\n") == s.old {
			s.nth++
		}
		for i, child := range n.Content {
			switch {
			case n.Kind != yaml.MappingNode:
				count(child, "")
			case i%2 == 1:
				count(child, n.Content[i-1].Value)
			}
		}
	}
	for _, doc := range docs {
		count(doc, "")
	}
	return nil
}

// newDigest is written where the old image is pinned by one.
const newDigest = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

// tagPart is the value from its tag on.
func tagPart(value, tag string) string {
	name, _, _ := strings.Cut(value, "@")
	return value[strings.LastIndex(name, tag):]
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

func (s sample) hasCRLF() bool { return bytes.Contains(s.text, []byte("\r\n")) }
