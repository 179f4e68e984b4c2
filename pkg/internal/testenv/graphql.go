package testenv

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"text/scanner"
)

// A gqlField is one field that a GraphQL document asks for.
type gqlField struct {
	alias, name string
	arguments   map[string]any // with the variables put in
	selection   []gqlField     // nil for a leaf
	on          string         // the type that it is a field of; "" for any
}

// A gqlObject is an object of an answer: values by field name. A func computes the
// value from the field's arguments.
type gqlObject map[string]any

// A gqlError is an error of an answer, with GitHub's type.
type gqlError struct{ Type, Message string }

func (e *gqlError) Error() string { return e.Message }

// serveGraphQL answers a request from the fields of root, one object for each kind
// of operation. It knows the part of the language that forges' clients need: one
// operation, variables, arguments, aliases and fragments in place. Only asked fields
// are in the answer. A field that root does not have is an error.
func serveGraphQL(w http.ResponseWriter, r *http.Request, root map[string]gqlObject) {
	var asked struct {
		Query     string
		Variables map[string]any
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		githubProblem(w, http.StatusBadRequest, "Problems parsing JSON")
		return
	}
	operation, fields, err := parseGraphQL(asked.Query, asked.Variables)
	answer := map[string]any{}
	if err != nil {
		answer["errors"] = []any{gqlProblem(err, "")}
		githubAnswer(w, http.StatusOK, answer)
		return
	}
	data, problems := map[string]any{}, []any{}
	for _, field := range fields { // one that fails does not stop the next
		found, err := project(root[operation], []gqlField{field})
		if err != nil {
			data[field.alias] = nil
			problems = append(problems, gqlProblem(err, field.alias))
			continue
		}
		data[field.alias] = found.(map[string]any)[field.alias]
	}
	answer["data"] = data
	if len(problems) > 0 {
		answer["errors"] = problems
	}
	githubAnswer(w, http.StatusOK, answer)
}

func gqlProblem(err error, field string) map[string]any {
	problem := map[string]any{"message": err.Error(), "locations": []any{map[string]int{"line": 1, "column": 1}}}
	if typed, ok := err.(*gqlError); ok {
		problem["type"], problem["path"] = typed.Type, []string{field}
	}
	return problem
}

// project returns those fields of object that are asked for.
func project(object gqlObject, fields []gqlField) (any, error) {
	answer := map[string]any{}
	for _, field := range fields {
		if field.on != "" && field.on != object["__typename"] {
			continue
		}
		value, known := object[field.name]
		if !known {
			//lint:ignore ST1005 GitHub's words
			return nil, fmt.Errorf("Field '%s' doesn't exist", field.name)
		}
		if compute, ok := value.(func(map[string]any) (any, error)); ok {
			var err error
			if value, err = compute(field.arguments); err != nil {
				return nil, err
			}
		}
		if list, isList := value.([]gqlObject); isList {
			all := []any{}
			for _, one := range list {
				found, err := project(one, field.selection)
				if err != nil {
					return nil, err
				}
				all = append(all, found)
			}
			answer[field.alias] = all
			continue
		}
		inner, isObject := value.(gqlObject)
		switch {
		case isObject && field.selection == nil, !isObject && value != nil && field.selection != nil:
			//lint:ignore ST1005 as GitHub's
			return nil, fmt.Errorf("Field '%s' must have, or must not have, a selection", field.name)
		case isObject:
			var err error
			if value, err = project(inner, field.selection); err != nil {
				return nil, err
			}
		}
		answer[field.alias] = value
	}
	return answer, nil
}

type gqlParser struct {
	scanner   scanner.Scanner
	token     rune
	variables map[string]any
}

func parseGraphQL(document string, variables map[string]any) (operation string, fields []gqlField, err error) {
	p := &gqlParser{variables: variables}
	defer func() {
		if problem := recover(); problem != nil {
			//lint:ignore ST1005 GitHub's words
			err = fmt.Errorf("Parse error: %v", problem)
		}
	}()
	p.scanner.Init(strings.NewReader(document))
	p.scanner.Mode = scanner.ScanIdents | scanner.ScanInts | scanner.ScanStrings
	p.next()
	operation = p.name()
	if p.token == scanner.Ident {
		p.next() // the operation's name
	}
	if p.token == '(' {
		p.skipDeclarations()
	}
	fields = p.selection()
	if p.token != scanner.EOF {
		panic("more than one operation")
	}
	return operation, fields, nil
}

func (p *gqlParser) next() { p.token = p.scanner.Scan() }

func (p *gqlParser) expect(token rune) {
	if p.token != token {
		panic(fmt.Sprintf("%q at %s", p.scanner.TokenText(), p.scanner.Position))
	}
	p.next()
}

func (p *gqlParser) name() string {
	name := p.scanner.TokenText()
	p.expect(scanner.Ident)
	return name
}

func (p *gqlParser) skipDeclarations() {
	for p.token != ')' && p.token != scanner.EOF {
		p.next()
	}
	p.expect(')')
}

func (p *gqlParser) selection() []gqlField {
	fields := []gqlField{}
	p.expect('{')
	for p.token != '}' {
		if p.token == '.' {
			fields = append(fields, p.fragment()...)
			continue
		}
		fields = append(fields, p.field())
	}
	p.expect('}')
	return fields
}

// fragment reads "... on Type { fields }".
func (p *gqlParser) fragment() []gqlField {
	for range 3 {
		p.expect('.')
	}
	p.name()
	on := p.name()
	fields := p.selection()
	for i := range fields {
		fields[i].on = on
	}
	return fields
}

func (p *gqlParser) field() gqlField {
	field := gqlField{name: p.name()}
	field.alias = field.name
	if p.token == ':' {
		p.next()
		field.name = p.name()
	}
	if p.token == '(' {
		field.arguments = p.object('(', ')')
	}
	if p.token == '{' {
		field.selection = p.selection()
	}
	return field
}

func (p *gqlParser) object(opening, closing rune) map[string]any {
	values := map[string]any{}
	p.expect(opening)
	for p.token != closing {
		name := p.name()
		p.expect(':')
		values[name] = p.value()
		if p.token == ',' {
			p.next()
		}
	}
	p.expect(closing)
	return values
}

func (p *gqlParser) value() any {
	text := p.scanner.TokenText()
	switch p.token {
	case '$':
		p.next()
		name := p.name()
		value, given := p.variables[name]
		if !given {
			panic("variable $" + name + " is not given")
		}
		return value
	case '{':
		return p.object('{', '}')
	case '[':
		var values []any
		for p.next(); p.token != ']'; {
			if values = append(values, p.value()); p.token == ',' {
				p.next()
			}
		}
		p.next()
		return values
	case scanner.String:
		p.next()
		var decoded string
		if err := json.Unmarshal([]byte(text), &decoded); err != nil {
			panic(err)
		}
		return decoded
	default: // a number, a word
		p.next()
		return text
	}
}
