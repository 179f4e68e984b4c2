package corpus

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"gopkg.in/yaml.v3"
)

// Decode reads every document of text with yaml.v3; a panic of yaml.v3's is an error.
func Decode(text []byte) (docs []*yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml.v3: %v", p)
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var doc yaml.Node
		err := decoder.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, err
		}
		docs = append(docs, &doc)
	}
}

// WithoutEmpty leaves out documents that hold nothing, which editors drop or add.
func WithoutEmpty(docs []*yaml.Node) []*yaml.Node {
	var full []*yaml.Node
	for _, doc := range docs {
		if !isEmpty(doc) {
			full = append(full, doc)
		}
	}
	return full
}

func isEmpty(doc *yaml.Node) bool {
	return len(doc.Content) == 0 || doc.Content[0].Kind == yaml.ScalarNode && doc.Content[0].Value == ""
}

// NodeOf follows steps from a document's root, or is nil.
func NodeOf(doc *yaml.Node, steps []any) *yaml.Node {
	if len(doc.Content) == 0 {
		return nil
	}
	n := doc.Content[0]
	for _, step := range steps {
		if n = childOf(n, step); n == nil {
			return nil
		}
	}
	return n
}

func childOf(n *yaml.Node, step any) *yaml.Node {
	switch step := step.(type) {
	case int:
		if n.Kind == yaml.SequenceNode && step < len(n.Content) {
			return n.Content[step]
		}
	case string:
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				return n.Content[i+1]
			}
		}
	}
	return nil
}
