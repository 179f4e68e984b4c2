package main

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"
)

func TestComplexity(t *testing.T) {
	for _, test := range []struct {
		body                  string
		cyclomatic, cognitive int
	}{
		{"x()", 1, 0},
		{"if a { x() }", 2, 1},
		{"if a { x() } else { y() }", 2, 2},
		{"if a { x() } else if b { y() } else { z() }", 3, 3},
		{"for a { if b { x() } }", 3, 3},
		{"for range a { for range b { if c { x() } } }", 4, 6},
		{"switch a { case 1: x(); case 2, 3: y(); default: z() }", 3, 1},
		{"if a && b && c { x() }", 4, 2},
		{"if a && b || c { x() }", 4, 3},
		{"if a && (b || c) { x() }", 4, 3},
		{"x(func() { if a { y() } })", 2, 2},
		{"select { case <-a: x(); default: y() }", 2, 1},
		{"outer: for { for { break outer } }", 3, 4},
		{"for i := range f(a || b) { x(i) }", 3, 2},
	} {
		body := parseBody(t, test.body)
		if got := cyclomaticOf(body); got != test.cyclomatic {
			t.Errorf("%s: cyclomatic %d, want %d", test.body, got, test.cyclomatic)
		}
		if got := cognitiveOf(body); got != test.cognitive {
			t.Errorf("%s: cognitive %d, want %d", test.body, got, test.cognitive)
		}
	}
}

func parseBody(t *testing.T, body string) *ast.BlockStmt {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x\nfunc f() { "+body+" }", 0)
	if err != nil {
		t.Fatal(err)
	}
	return file.Decls[0].(*ast.FuncDecl).Body
}

func TestRunsFindsWhatOccursTwice(t *testing.T) {
	var all []lexeme
	add := func(file string, line int, kinds ...token.Token) {
		for i, kind := range kinds {
			all = append(all, lexeme{kind, file, line + i/10})
		}
	}
	run := make([]token.Token, shortest)
	for i := range run {
		run[i] = token.Token(i%50 + 4)
	}
	add("a.go", 1, run...)
	add("a.go", 20, token.FUNC)
	add("b.go", 5, run...)
	add("c.go", 1, run[:shortest-1]...)
	got := runs(all)
	if len(got) != 1 || got[0] != (Repetition{"a.go:1", "b.go:5", 6}) {
		t.Errorf("got %v", got)
	}
}

// TestRunOnItself runs the whole program on its own package.
func TestRunOnItself(t *testing.T) {
	var out bytes.Buffer
	if err := run(&out, []string{"."}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"internal/stats", " all ", "exported, used by no other package", "repetitions"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
