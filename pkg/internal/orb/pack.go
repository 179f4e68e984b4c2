package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// kinds are the folders of an orb's source. Each file in one is an entry of the
// same key of the orb, under its name.
var kinds = []string{"executors", "commands", "jobs", "examples"}

// pack makes one document of an orb's source: @orb.yml, an entry for each file in
// the folders, and the texts that are included in the place of "<< include(FILE) >>".
func pack(src fs.FS) ([]byte, error) {
	root, err := document(src, "@orb.yml")
	if err != nil {
		return nil, err
	}
	for _, kind := range kinds {
		files, err := fs.Glob(src, kind+"/*.yml")
		if err != nil {
			return nil, err
		}
		entries := &yaml.Node{Kind: yaml.MappingNode}
		for _, file := range files {
			entry, err := document(src, file)
			if err != nil {
				return nil, err
			}
			entries.Content = append(entries.Content, scalar(strings.TrimSuffix(path.Base(file), ".yml")), entry)
		}
		if len(files) > 0 {
			root.Content = append(root.Content, scalar(kind), entries)
		}
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(root); err != nil {
		return nil, err
	}
	return out.Bytes(), encoder.Close()
}

func scalar(value string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: value} }

// document reads a file, with what it includes.
func document(src fs.FS, name string) (*yaml.Node, error) {
	text, err := fs.ReadFile(src, name)
	if err != nil {
		return nil, err
	}
	var read yaml.Node
	if err := yaml.Unmarshal(text, &read); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(read.Content) != 1 || read.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s: is not a mapping", name)
	}
	if err := include(src, read.Content[0]); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return read.Content[0], nil
}

// inclusion is a value that is the text of a file.
var inclusion = regexp.MustCompile(`^<<\s*include\(([\w./-]+)\)\s*>>$`)

func include(src fs.FS, node *yaml.Node) error {
	if found := inclusion.FindStringSubmatch(node.Value); node.Kind == yaml.ScalarNode && found != nil {
		text, err := fs.ReadFile(src, found[1])
		if err != nil {
			return err
		}
		// CircleCI reads << x >> as a parameter wherever it is.
		node.Value, node.Style = strings.ReplaceAll(string(text), "<<", `\<<`), yaml.LiteralStyle
		return nil
	}
	for _, below := range node.Content {
		if err := include(src, below); err != nil {
			return err
		}
	}
	return nil
}
