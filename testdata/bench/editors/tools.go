package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing/fstest"

	goccy "github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/mikefarah/yq/v4/pkg/yqlib"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/yamledit"
	"github.com/tagbump/tagbump/testdata/bench/corpus"
	"gopkg.in/yaml.v3"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/kio/kioutil"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// A tool makes a sample's edit and returns the whole new text.
type tool struct {
	name string
	edit func(corpus.Sample) ([]byte, error)
}

// tools lists tagbump first; what the others cost is printed as a multiple of it.
func tools() []tool {
	return []tool{
		{"tagbump (verified, as shipped)", byTagbump},
		{"tagbump, verification left out", byTagbumpUnverified},
		{"line splice (as Kargo)", byLineSplice},
		{"goccy/go-yaml AST (as updatecli)", byGoccy},
		{"kyaml (as Flux)", byKyaml},
		{"yq v4", byYQ},
		{"yaml.v3 re-encode, indent 2", func(s corpus.Sample) ([]byte, error) { return byYAML3(s, 2) }},
		{"yaml.v3 re-encode", func(s corpus.Sample) ([]byte, error) { return byYAML3(s, 4) }},
	}
}

var errNoTarget = errors.New("the target is not found")

func byTagbump(s corpus.Sample) ([]byte, error) {
	made, err := corpus.Plan(fstest.MapFS{s.Want.Target.File: {Data: s.Text}}, []plan.Want{s.Want})
	if err != nil {
		return nil, err
	}
	return made.Files[0].After, nil
}

// byTagbumpUnverified does what the other tools do: parse, find the place, write.
func byTagbumpUnverified(s corpus.Sample) ([]byte, error) {
	text, err := yamledit.Parse(s.Text)
	if err != nil {
		return nil, err
	}
	nodes, err := text.Find(s.Want.Target.Path)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(nodes, func(n *yamledit.Node) bool { return n.Document() == s.Want.Target.Doc })
	if i < 0 {
		return nil, errNoTarget
	}
	scalar, err := nodes[i].SharedScalar()
	if err != nil {
		return nil, err
	}
	edit, err := scalar.Replace(s.New)
	if err != nil {
		return nil, err
	}
	return slices.Concat(s.Text[:edit.Start], []byte(edit.New), s.Text[edit.End:]), nil
}

// byYAML3 is what most scripts do: decode into nodes, set the value, encode. The
// node keeps its style and is said to be a string, so that the encoder quotes it.
func byYAML3(s corpus.Sample, indent int) ([]byte, error) {
	docs, err := corpus.Decode(s.Text)
	if err != nil {
		return nil, err
	}
	if s.Want.Target.Doc >= len(docs) {
		return nil, errNoTarget
	}
	node := corpus.NodeOf(docs[s.Want.Target.Doc], s.Steps)
	if node == nil {
		return nil, errNoTarget
	}
	node.SetString(s.New)
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(indent)
	for _, doc := range docs {
		if err := encoder.Encode(doc); err != nil {
			return nil, err
		}
	}
	err = encoder.Close()
	return out.Bytes(), err
}

// byLineSplice ports the method of Kargo's yaml-update step: yaml.v3 gives line
// and column, and that line is written anew from the column on, quoted if
// strconv or JSON take the value for something else. As there: the first
// document only, the column is taken for a byte, lines end in LF.
func byLineSplice(s corpus.Sample) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(s.Text, &doc); err != nil {
		return nil, err
	}
	node := corpus.NodeOf(&doc, s.Steps)
	if node == nil || node.Kind != yaml.ScalarNode {
		return nil, errNoTarget
	}
	var out bytes.Buffer
	for i, line := range splitAsScanner(s.Text) {
		if i == node.Line-1 {
			if node.Column-1 > len(line) {
				return nil, errNoTarget
			}
			line = line[:node.Column-1]
			if !strings.HasSuffix(line, " ") {
				line += " "
			}
			line += quotedAsKargo(s.New)
		}
		out.WriteString(line)
		out.WriteByte('\n')
	}
	return out.Bytes(), nil
}

// splitAsScanner splits as bufio.ScanLines does: without LF or CR LF.
func splitAsScanner(text []byte) []string {
	split := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	for i := range split {
		split[i] = strings.TrimSuffix(split[i], "\r")
	}
	return split
}

func quotedAsKargo(value string) string {
	_, notFloat := strconv.ParseFloat(value, 64)
	_, notBool := strconv.ParseBool(value)
	if notFloat == nil || notBool == nil || value == "null" {
		return strconv.Quote(value)
	}
	return value
}

// byGoccy does as updatecli's yaml resource: parse with comments, put a new node
// at the path, print the file.
func byGoccy(s corpus.Sample) ([]byte, error) {
	node, err := goccy.ValueToNode(s.New)
	if err != nil {
		return nil, err
	}
	parsed, err := parser.ParseBytes(s.Text, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	builder := (&goccy.PathBuilder{}).Root()
	for _, step := range s.Steps {
		switch step := step.(type) {
		case int:
			builder = builder.Index(uint(step))
		case string:
			builder = builder.Child(step)
		}
	}
	doc := goccyDocument(parsed, s)
	if doc == nil {
		return nil, errNoTarget
	}
	one := ast.File{Name: parsed.Name, Docs: []*ast.DocumentNode{doc}}
	if err := builder.Build().ReplaceWithNode(&one, node); err != nil {
		return nil, err
	}
	return []byte(parsed.String()), nil
}

// goccyDocument counts the documents that have a body: goccy takes a comment in
// front of the first "---" for a document too.
func goccyDocument(parsed *ast.File, s corpus.Sample) *ast.DocumentNode {
	want := s.FullBefore
	for _, doc := range parsed.Docs {
		if doc.Body == nil || doc.Body.Type() == ast.CommentType || doc.Body.Type() == ast.NullType {
			continue
		}
		if want == 0 {
			return doc
		}
		want--
	}
	return nil
}

// byYQ evaluates an assignment, as yq -i does; yq splits the documents.
func byYQ(s corpus.Sample) ([]byte, error) {
	expression := yqPath(s.Steps) + " = " + strconv.Quote(s.New)
	if s.Documents > 1 {
		expression = fmt.Sprintf("(select(document_index == %d) | %s) = %s", s.Want.Target.Doc, yqPath(s.Steps), strconv.Quote(s.New))
	}
	preferences := yqlib.NewDefaultYamlPreferences()
	out, err := yqlib.NewStringEvaluator().Evaluate(expression, string(s.Text), yqlib.NewYamlEncoder(preferences), yqlib.NewYamlDecoder(preferences))
	return []byte(out), err
}

func yqPath(steps []any) string {
	var path strings.Builder
	for _, step := range steps {
		switch step := step.(type) {
		case int:
			fmt.Fprintf(&path, "[%d]", step)
		case string:
			fmt.Fprintf(&path, "[%s]", strconv.Quote(step))
		}
	}
	return "." + path.String()
}

// byKyaml reads and writes as Flux's image-automation-controller: kio's reader
// with a path annotation, a value set the way setters set it, kio's writer. Flux
// finds the value by a marker comment; here it is the same scalar by its key,
// value and order, since kio takes lists apart and drops empty documents.
func byKyaml(s corpus.Sample) ([]byte, error) {
	reader := kio.ByteReader{Reader: bytes.NewReader(s.Text), SetAnnotations: map[string]string{kioutil.PathAnnotation: s.Name}}
	nodes, err := reader.Read()
	if err != nil {
		return nil, err
	}
	nth := s.Nth
	var target *kyaml.Node
	for _, node := range nodes {
		eachScalar(node.YNode(), "", func(key string, n *kyaml.Node) {
			if key == s.Key() && strings.TrimRight(n.Value, "\n") == s.Old {
				if nth == 0 {
					target = n
				}
				nth--
			}
		})
	}
	if target == nil {
		return nil, errNoTarget
	}
	target.Value = s.New
	kyaml.FormatNonStringStyle(target, *spec.StringProperty())
	var out bytes.Buffer
	//lint:ignore SA1019 Flux has kio clear both annotations, so that none is left in the file
	writer := kio.ByteWriter{Writer: &out, ClearAnnotations: []string{kioutil.PathAnnotation, kioutil.LegacyPathAnnotation}}
	err = writer.Write(nodes)
	return out.Bytes(), err
}

// eachScalar visits the scalars below n in the text's order. kyaml's nodes are of
// a fork of yaml.v3, so this cannot be shared with package corpus.
func eachScalar(n *kyaml.Node, key string, visit func(key string, n *kyaml.Node)) {
	for i, child := range n.Content {
		switch n.Kind {
		case kyaml.MappingNode:
			if i%2 == 1 {
				eachScalar(child, n.Content[i-1].Value, visit)
			}
		default:
			eachScalar(child, "", visit)
		}
	}
	if n.Kind == kyaml.ScalarNode {
		visit(key, n)
	}
}
