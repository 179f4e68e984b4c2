package contract_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// A restAPI is GitHub's description of its REST API, without the paths that tagbump
// does not ask.
type restAPI struct{ router routers.Router }

// description reads a file that npm ci has put there.
func description(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("node_modules/@octokit/" + name)
	if err != nil {
		t.Fatalf("%v\nhint: make contract gets it", err)
	}
	return data
}

func loadREST(t *testing.T) restAPI {
	t.Helper()
	var whole map[string]any
	try(t, json.Unmarshal(description(t, "openapi/generated/api.github.com.json"), &whole))
	loader := openapi3.NewLoader()
	data, err := json.Marshal(slim(whole))
	try(t, err)
	doc, err := loader.LoadFromData(data)
	try(t, err)
	doc.Servers = nil // any host: the fake has one of its own
	for _, path := range doc.Paths.Map() {
		for _, operation := range path.Operations() {
			forbidUnknownFields(operation)
			permitParts(operation)
		}
	}
	permitLabelList(doc.Paths.Find("/repos/{owner}/{repo}/issues/{issue_number}/labels").Post)
	router, err := gorillamux.NewRouter(doc)
	try(t, err)
	return restAPI{router}
}

// slim returns the description of the paths in everyKind alone, with the components that
// they refer to: the whole takes ten times as long.
func slim(whole map[string]any) map[string]any {
	paths := map[string]any{}
	for _, kind := range everyKind {
		if _, path, isREST := strings.Cut(kind, " "); isREST {
			paths[path] = whole["paths"].(map[string]any)[path]
		}
	}
	components, used := whole["components"].(map[string]any), map[string]any{}
	var follow func(node any)
	follow = func(node any) {
		switch node := node.(type) {
		case []any:
			for _, item := range node {
				follow(item)
			}
		case map[string]any:
			delete(node, "examples")
			if ref, isRef := node["$ref"].(string); isRef {
				kind, name, _ := strings.Cut(strings.TrimPrefix(ref, "#/components/"), "/")
				names, known := used[kind].(map[string]any)
				if !known {
					names = map[string]any{}
					used[kind] = names
				}
				if _, known := names[name]; !known {
					names[name] = components[kind].(map[string]any)[name]
					follow(names[name])
				}
			}
			for _, item := range node {
				follow(item)
			}
		}
	}
	follow(paths)
	return map[string]any{"openapi": whole["openapi"], "info": whole["info"], "paths": paths, "components": used}
}

// forbidUnknownFields is stricter than GitHub, which ignores a field that it does not
// know: a misspelt one has no effect.
func forbidUnknownFields(operation *openapi3.Operation) {
	if operation.RequestBody == nil {
		return
	}
	for _, media := range operation.RequestBody.Value.Content {
		var forbid func(ref *openapi3.SchemaRef)
		forbid = func(ref *openapi3.SchemaRef) {
			schema := ref.Value
			if len(schema.Properties) > 0 {
				no := false
				schema.AdditionalProperties = openapi3.AdditionalProperties{Has: &no}
			}
			for _, property := range schema.Properties {
				forbid(property)
			}
			for _, variant := range append(schema.OneOf, schema.AnyOf...) {
				forbid(variant)
			}
		}
		forbid(media.Schema)
	}
}

// permitLabelList adds what the description says in words alone: "You can also pass an
// array of labels directly".
func permitLabelList(operation *openapi3.Operation) {
	media := operation.RequestBody.Value.Content.Get("application/json")
	list := openapi3.NewArraySchema().WithItems(openapi3.NewStringSchema()).WithMinItems(1)
	media.Schema = openapi3.NewOneOfSchema(media.Schema.Value, list).NewRef()
}

// permitParts takes "required" out of the answers: the fake answers with the fields that
// clients read, and each must be as GitHub's.
func permitParts(operation *openapi3.Operation) {
	seen := map[*openapi3.Schema]bool{}
	var permit func(ref *openapi3.SchemaRef)
	permit = func(ref *openapi3.SchemaRef) {
		if ref == nil || ref.Value == nil || seen[ref.Value] {
			return
		}
		schema := ref.Value
		seen[schema] = true
		schema.Required = nil
		if len(schema.OneOf) > 0 { // without required fields, several fit
			schema.AnyOf, schema.OneOf = append(schema.AnyOf, schema.OneOf...), nil
		}
		permit(schema.Items)
		for _, property := range schema.Properties {
			permit(property)
		}
		for _, variants := range []openapi3.SchemaRefs{schema.AllOf, schema.AnyOf} {
			for _, variant := range variants {
				permit(variant)
			}
		}
	}
	for _, response := range operation.Responses.Map() {
		for _, media := range response.Value.Content {
			permit(media.Schema)
		}
	}
}

// check returns the operation that a request is, and the problems of the request and its
// answer.
func (api restAPI) check(e exchange) (kind string, problems []error) {
	req, err := http.NewRequest(e.method, e.url, bytes.NewReader(e.body))
	if err != nil {
		return e.String(), []error{err}
	}
	req.Header = e.header
	route, values, err := api.router.FindRoute(req)
	if err != nil {
		return e.String(), []error{fmt.Errorf("%s: %w", e, err)}
	}
	input := &openapi3filter.RequestValidationInput{
		Request: req, PathParams: values, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, MultiError: true},
	}
	for name := range req.URL.Query() {
		if route.Operation.Parameters.GetByInAndName("query", name) == nil {
			problems = append(problems, fmt.Errorf("%s: the parameter %q is unknown", e, name))
		}
	}
	if err := openapi3filter.ValidateRequest(req.Context(), input); err != nil {
		problems = append(problems, err)
	}
	if isRaw := strings.Contains(e.answered.Get("Content-Type"), "raw"); !isRaw {
		answer := &openapi3filter.ResponseValidationInput{RequestValidationInput: input, Status: e.status, Header: e.answered, Options: input.Options}
		if err := openapi3filter.ValidateResponse(req.Context(), answer.SetBodyBytes(e.answer)); err != nil {
			problems = append(problems, err)
		}
	}
	return e.method + " " + route.Path, problems
}
