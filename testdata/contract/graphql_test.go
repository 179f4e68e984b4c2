package contract_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
)

// A graphAPI is GitHub's schema of its GraphQL API.
type graphAPI struct{ schema *ast.Schema }

func loadGraphQL(t *testing.T) graphAPI {
	t.Helper()
	source := &ast.Source{Name: "schema.graphql", Input: string(description(t, "graphql-schema/schema.graphql"))}
	document, err := parser.ParseSchemas(validator.Prelude, source)
	try(t, err)
	for _, definition := range document.Definitions {
		seen := map[string]bool{}
		definition.Fields = slices.DeleteFunc(definition.Fields, func(field *ast.FieldDefinition) bool {
			twice := seen[field.Name] // EnterpriseOwnerInfo has one field twice
			seen[field.Name] = true
			return twice
		})
	}
	schema, err := validator.ValidateSchemaDocument(document)
	try(t, err)
	return graphAPI{schema}
}

// check returns the name of the document that a request sends, and the problems of the
// document, its variables and the answer.
func (api graphAPI) check(e exchange) (name string, problems []error) {
	var sent struct {
		Query     string
		Variables map[string]any
	}
	if err := json.Unmarshal(e.body, &sent); err != nil {
		return e.String(), []error{err}
	}
	document, invalid := gqlparser.LoadQueryWithRules(api.schema, sent.Query, nil)
	if len(invalid) > 0 {
		return e.String(), []error{invalid}
	}
	operation := document.Operations[0]
	if _, err := validator.VariableValues(api.schema, operation, sent.Variables); err != nil {
		problems = append(problems, err)
	}
	var answer struct {
		Data   map[string]any
		Errors []struct{ Message string }
	}
	if err := json.Unmarshal(e.answer, &answer); err != nil {
		return operation.Name, append(problems, err)
	}
	if len(answer.Errors) > 0 {
		return operation.Name, problems // what GitHub refuses has no data
	}
	return operation.Name, append(problems, api.fits(operation.SelectionSet, answer.Data, operation.Name)...)
}

// fits returns where an object lacks a field that was selected, or has a null or a value
// of another kind in its place.
func (api graphAPI) fits(selected ast.SelectionSet, object map[string]any, path string) (problems []error) {
	for _, selection := range selected {
		switch selection := selection.(type) {
		case *ast.InlineFragment:
			if kind, told := object["__typename"]; len(object) > 0 && (!told || kind == selection.TypeCondition) {
				if _, has := firstField(selection, object); has {
					problems = append(problems, api.fits(selection.SelectionSet, object, path)...)
				}
			}
		case *ast.Field:
			value, has := object[selection.Alias]
			if !has {
				problems = append(problems, fmt.Errorf("%s: %s is missing in the answer", path, selection.Alias))
				continue
			}
			problems = append(problems, api.fitsType(selection, selection.Definition.Type, value, path+"."+selection.Alias)...)
		}
	}
	return problems
}

// firstField reports whether the object has a field of the fragment, which tells that
// it is of the fragment's type.
func firstField(fragment *ast.InlineFragment, object map[string]any) (name string, has bool) {
	for _, selection := range fragment.SelectionSet {
		if field, isField := selection.(*ast.Field); isField {
			if _, has := object[field.Alias]; has {
				return field.Alias, true
			}
		}
	}
	return "", false
}

func (api graphAPI) fitsType(field *ast.Field, kind *ast.Type, value any, path string) (problems []error) {
	if value == nil {
		if kind.NonNull {
			return []error{fmt.Errorf("%s: is null, and a %s", path, kind)}
		}
		return nil
	}
	if kind.Elem != nil {
		items, isList := value.([]any)
		if !isList {
			return []error{fmt.Errorf("%s: is not a list", path)}
		}
		for _, item := range items {
			problems = append(problems, api.fitsType(field, kind.Elem, item, path)...)
		}
		return problems
	}
	if len(field.SelectionSet) > 0 {
		object, isObject := value.(map[string]any)
		if !isObject {
			return []error{fmt.Errorf("%s: is not an object", path)}
		}
		return api.fits(field.SelectionSet, object, path)
	}
	if !isOf(kind.NamedType, value) {
		return []error{fmt.Errorf("%s: %v is not a %s", path, value, kind)}
	}
	return nil
}

// isOf reports whether a value of JSON is of a scalar type. GitHub's own types are texts.
func isOf(kind string, value any) bool {
	switch value := value.(type) {
	case bool:
		return kind == "Boolean"
	case float64:
		return kind == "Int" && value == float64(int(value)) || kind == "Float"
	}
	return kind != "Boolean" && kind != "Int" && kind != "Float"
}
