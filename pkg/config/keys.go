package config

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// A Key is one that a project file can have.
type Key struct {
	Path    string // "environments.NAME.files": NAME is any name, and [] any element
	Meaning string
}

// Keys returns the keys of the project file, in the order of its schema. What several
// keys have below them is listed once, below the first.
func Keys() []Key {
	var doc yaml.Node
	if err := yaml.Unmarshal(Schema(), &doc); err != nil {
		panic(err) // the schema is embedded
	}
	root := doc.Content[0]
	l := keyLister{definitions: member(root, "definitions"), listed: map[*yaml.Node]bool{}}
	l.below(root, "")
	return l.keys
}

type keyLister struct {
	definitions *yaml.Node
	listed      map[*yaml.Node]bool
	keys        []Key
}

// below adds the keys of the objects that a schema describes.
func (l *keyLister) below(schema *yaml.Node, at string) {
	schema = l.resolved(schema)
	if schema == nil || l.listed[schema] {
		return
	}
	l.listed[schema] = true
	if properties := member(schema, "properties"); properties != nil {
		for i := 0; i < len(properties.Content); i += 2 {
			path := strings.TrimPrefix(at+"."+properties.Content[i].Value, ".")
			l.keys = append(l.keys, Key{path, l.meaning(properties.Content[i+1])})
			l.below(properties.Content[i+1], path)
		}
	}
	l.below(member(schema, "additionalProperties"), at+".NAME")
	l.below(member(schema, "items"), at+"[]")
}

// meaning is the description of a schema, and the values that it allows.
func (l *keyLister) meaning(schema *yaml.Node) string {
	schema = l.resolved(schema)
	text := ""
	if description := member(schema, "description"); description != nil {
		text = description.Value
	}
	if enum := member(schema, "enum"); enum != nil {
		var values []string
		for _, value := range enum.Content {
			values = append(values, value.Value)
		}
		text += " One of: " + strings.Join(values, ", ") + "."
	}
	return strings.TrimSpace(text)
}

// resolved follows a reference to a definition.
func (l *keyLister) resolved(schema *yaml.Node) *yaml.Node {
	if ref := member(schema, "$ref"); ref != nil {
		return member(l.definitions, strings.TrimPrefix(ref.Value, "#/definitions/"))
	}
	return schema
}

// member returns the value of a key of a mapping, or nil.
func member(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}
