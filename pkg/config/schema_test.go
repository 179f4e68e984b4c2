package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/tagbump/tagbump/pkg/notify"
	"github.com/tagbump/tagbump/pkg/policy"
)

// A jsonSchema is the part of JSON Schema draft-07 that schema.json uses.
type jsonSchema struct {
	Schema               string                 `json:"$schema"`
	ID                   string                 `json:"$id"`
	Ref                  string                 `json:"$ref"`
	Title                string                 `json:"title"`
	Description          string                 `json:"description"`
	Default              any                    `json:"default"`
	Examples             []any                  `json:"examples"`
	Definitions          map[string]*jsonSchema `json:"definitions"`
	Type                 string                 `json:"type"`
	AnyOf                []*jsonSchema          `json:"anyOf"`
	Enum                 []string               `json:"enum"`
	Pattern              string                 `json:"pattern"`
	MinLength            int                    `json:"minLength"`
	MinItems             int                    `json:"minItems"`
	MinProperties        int                    `json:"minProperties"`
	Items                *jsonSchema            `json:"items"`
	Required             []string               `json:"required"`
	Properties           map[string]*jsonSchema `json:"properties"`
	PropertyNames        *jsonSchema            `json:"propertyNames"`
	AdditionalProperties *additional            `json:"additionalProperties"`
}

// additional is false or a schema.
type additional struct{ schema *jsonSchema }

func (a *additional) UnmarshalJSON(src []byte) error {
	if string(src) == "false" {
		return nil
	}
	return strictly(src, &a.schema)
}

// strictly refuses keywords that jsonSchema does not have: this test would not see them.
func strictly(src []byte, into any) error {
	decoder := json.NewDecoder(strings.NewReader(string(src)))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

func published(t *testing.T) *jsonSchema {
	t.Helper()
	root := new(jsonSchema)
	if err := strictly(Schema(), root); err != nil {
		t.Fatal(err)
	}
	return root
}

func (s *jsonSchema) resolve(root *jsonSchema) *jsonSchema {
	if s.Ref == "" {
		return s
	}
	return root.Definitions[strings.TrimPrefix(s.Ref, "#/definitions/")]
}

// check returns why value does not fit s, or nil.
func (s *jsonSchema) check(root *jsonSchema, value any) error {
	s = s.resolve(root)
	if len(s.AnyOf) > 0 {
		return s.checkAny(root, value)
	}
	switch value := value.(type) {
	case map[string]any:
		if s.Type != "object" || len(value) < s.MinProperties {
			return fmt.Errorf("object %v: want %s", value, s.Type)
		}
		return s.checkObject(root, value)
	case []any:
		if s.Type != "array" || len(value) < s.MinItems {
			return fmt.Errorf("array %v: want %s", value, s.Type)
		}
		for _, item := range value {
			if err := s.Items.check(root, item); err != nil {
				return err
			}
		}
	case string:
		return s.checkString(value)
	case bool:
		if s.Type != "boolean" {
			return fmt.Errorf("%v: want %s", value, s.Type)
		}
	default:
		return fmt.Errorf("%v is of no type in this schema", value)
	}
	return nil
}

// checkAny returns nil when value fits one of the alternatives of s.
func (s *jsonSchema) checkAny(root *jsonSchema, value any) error {
	var err error
	for _, alternative := range s.AnyOf {
		if err = alternative.check(root, value); err == nil {
			return nil
		}
	}
	return err
}

func (s *jsonSchema) checkString(value string) error {
	switch {
	case s.Enum != nil && !slices.Contains(s.Enum, value):
		return fmt.Errorf("%q is none of %q", value, s.Enum)
	case s.Enum == nil && s.Type != "string" && s.Type != "":
		return fmt.Errorf("string %q: want %s", value, s.Type)
	case !regexp.MustCompile(s.Pattern).MatchString(value):
		return fmt.Errorf("%q does not match %s", value, s.Pattern)
	case utf8.RuneCountInString(value) < s.MinLength:
		return fmt.Errorf("%q is too short", value)
	}
	return nil
}

func (s *jsonSchema) checkObject(root *jsonSchema, value map[string]any) error {
	for _, key := range s.Required {
		if _, found := value[key]; !found {
			return fmt.Errorf("%s is missing", key)
		}
	}
	for key, member := range value {
		of, found := s.Properties[key]
		if !found {
			of = s.AdditionalProperties.schema
		}
		if of == nil {
			return fmt.Errorf("%s is not known", key)
		}
		if s.PropertyNames != nil {
			if err := s.PropertyNames.checkString(key); err != nil {
				return err
			}
		}
		if err := of.check(root, member); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

func asJSON(t *testing.T, src string) any {
	t.Helper()
	var value any
	if err := yaml.Unmarshal([]byte(src), &value); err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	return value
}

func TestSchemaAndParseAgreeOnFiles(t *testing.T) {
	root := published(t)
	if err := root.check(root, asJSON(t, whole)); err != nil {
		t.Errorf("the schema refuses the whole file: %v", err)
	}
	for _, test := range accepted {
		if err := root.check(root, asJSON(t, test.src)); err != nil {
			t.Errorf("%s: the schema refuses what Parse accepts: %v", test.name, err)
		}
	}
	for _, test := range refused {
		if test.by != both {
			continue
		}
		if err := root.check(root, asJSON(t, test.src)); err == nil {
			t.Errorf("%s: the schema accepts what Parse refuses", test.name)
		}
	}
}

// TestSchemaAndParseKnowTheSameKeys walks the schema and asks Parse, at each
// object, for the keys that it knows there: its answer to an unknown key.
func TestSchemaAndParseKnowTheSameKeys(t *testing.T) {
	root := published(t)
	walkObjects(root, root, nil, func(path []string, properties []string) {
		_, err := Parse(FileName, []byte(nested(path, "zzzzzzzz: x")))
		if err == nil {
			t.Fatalf("%q: an unknown key is accepted", path)
		}
		known := "known are " + strings.Join(properties[:len(properties)-1], ", ") + " and " + properties[len(properties)-1]
		if len(properties) == 1 {
			known = "only " + properties[0] + " is known"
		}
		if want := "zzzzzzzz: unknown key; " + known; !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %s, as the schema has it", path, err, want)
		}
	})
}

// walkObjects visits every object of the schema that has properties. Names that
// the user chooses are "x" in its path.
func walkObjects(root, s *jsonSchema, path []string, visit func(path, properties []string)) {
	s = s.resolve(root)
	if len(s.Properties) > 0 {
		visit(path, slices.Sorted(maps.Keys(s.Properties)))
	}
	for key, property := range s.Properties {
		walkObjects(root, property, append(slices.Clone(path), key), visit)
	}
	if s.AdditionalProperties != nil && s.AdditionalProperties.schema != nil {
		walkObjects(root, s.AdditionalProperties.schema, append(slices.Clone(path), "x"), visit)
	}
}

// nested writes "a: {b: {entry}}" for the path a, b.
func nested(path []string, entry string) string {
	for _, key := range slices.Backward(path) {
		entry = key + ": {" + entry + "}"
	}
	return entry
}

// TestEveryKeyHasAField holds the third side: a file with all keys of the
// schema leaves no field of a Config at its zero value.
func TestEveryKeyHasAField(t *testing.T) {
	root := published(t)
	src, err := json.Marshal(filled(root, root))
	if err != nil {
		t.Fatal(err)
	}
	config, err := Parse(FileName, src)
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	noZeroField(t, "Config", reflect.ValueOf(*config))
}

// filled makes a value with all keys of s, from its examples and enums.
func filled(root, s *jsonSchema) any { return filledWith(root, s, 0) }

// filledWith takes the example with that index from the end, where there are so many.
func filledWith(root, s *jsonSchema, fromEnd int) any {
	s = s.resolve(root)
	object := make(map[string]any)
	for key, property := range s.Properties {
		object[key] = filledWith(root, property, fromEnd)
	}
	switch {
	case len(object) > 0:
		return object
	case s.AdditionalProperties != nil:
		of := s.AdditionalProperties.schema
		return map[string]any{"x": filledWith(root, of, 1), "staging": filledWith(root, of, 0)} // the example of from names staging
	case s.Enum != nil:
		return s.Enum[0]
	default:
		return s.Examples[max(0, len(s.Examples)-1-fromEnd)]
	}
}

func noZeroField(t *testing.T, name string, v reflect.Value) {
	t.Helper()
	if v.IsZero() {
		t.Errorf("%s is not set by any key of the schema", name)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		noZeroField(t, name, v.Elem())
	case reflect.Map:
		noZeroEntries(t, name, v)
	case reflect.Struct:
		for i := range v.NumField() {
			noZeroField(t, name+"."+v.Type().Field(i).Name, v.Field(i))
		}
	}
}

// noZeroEntries holds that each field is set in an entry of a map: there are fields that
// exclude each other.
func noZeroEntries(t *testing.T, name string, entries reflect.Value) {
	t.Helper()
	if entries.Type().Elem().Kind() != reflect.Struct {
		return
	}
	for i := range entries.Type().Elem().NumField() {
		field := entries.Type().Elem().Field(i).Name
		best := reflect.Zero(entries.Type().Elem().Field(i).Type)
		for _, key := range entries.MapKeys() {
			if one := entries.MapIndex(key).Field(i); !one.IsZero() {
				best = one
			}
		}
		noZeroField(t, name+".*."+field, best)
	}
}

func TestSchemaHasTheValuesThatParseTakes(t *testing.T) {
	root := published(t)
	if got := root.Definitions["image"].Properties["order"].Enum; !slices.Equal(got, policy.Orders()) {
		t.Errorf("order: %q; want %q", got, policy.Orders())
	}
	publish := root.Definitions["environment"].Properties["publish"]
	told := root.Properties["notify"].Properties
	if !slices.Equal(told["on"].Enum, notify.Ons()) || !slices.Equal(told["format"].Enum, notify.Formats()) {
		t.Errorf("notify: %q, %q", told["on"].Enum, told["format"].Enum)
	}
	if want := []string{string(Auto), string(PullRequest), string(Push)}; !slices.Equal(publish.Enum, want) {
		t.Errorf("publish: %q; want %q", publish.Enum, want)
	}
	config, err := Parse(FileName, []byte("environments: {x: {files: [a]}}"))
	if err != nil {
		t.Fatal(err)
	}
	if got := config.Environments["x"].Publish; publish.Default != string(got) {
		t.Errorf("publish: the schema's default is %v; Parse's is %v", publish.Default, got)
	}
}

// TestSchemaExplainsEveryKey holds what editors show beside a key.
func TestSchemaExplainsEveryKey(t *testing.T) {
	root := published(t)
	if root.Schema != "http://json-schema.org/draft-07/schema#" || root.ID == "" || root.Title == "" {
		t.Errorf("$schema %q, $id %q, title %q", root.Schema, root.ID, root.Title)
	}
	var explain func(object *jsonSchema)
	explain = func(object *jsonSchema) {
		for key, property := range object.Properties {
			property = property.resolve(root)
			explain(property)
			if !strings.HasSuffix(property.Description, ".") {
				t.Errorf("%s: the description is no sentence: %q", key, property.Description)
			}
			for _, example := range property.Examples {
				if err := property.check(root, example); err != nil {
					t.Errorf("%s: an example does not fit: %v", key, err)
				}
			}
		}
	}
	for _, object := range []*jsonSchema{root, root.Definitions["image"], root.Definitions["set"], root.Definitions["environment"]} {
		explain(object)
	}
}

func TestSchemaIsACopy(t *testing.T) {
	Schema()[0] = 'x'
	if Schema()[0] != '{' {
		t.Error("a caller can change the schema")
	}
}
