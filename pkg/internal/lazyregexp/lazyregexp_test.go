package lazyregexp

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestAnExpressionIsCompiledWhenItIsUsed(t *testing.T) {
	wrong := New("(")
	defer func() {
		if recover() == nil {
			t.Error("the first use of a wrong expression does not panic")
		}
	}()
	wrong.MatchString("x")
}

// TestExpressionsOfAllPackages compiles what the source files of all packages give to New.
func TestExpressionsOfAllPackages(t *testing.T) {
	checked := 0
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, call := range callsOfNew(file) {
			expr, err := text(file, call.Args[0])
			if err == nil {
				_, err = regexp.Compile(expr)
			}
			if err != nil {
				t.Errorf("%s: %v", path, err)
			}
			checked++
		}
		return nil
	})
	if err != nil || checked < 50 {
		t.Errorf("%d expressions, %v", checked, err)
	}
}

func callsOfNew(file *ast.File) []*ast.CallExpr {
	var calls []*ast.CallExpr
	ast.Inspect(file, func(n ast.Node) bool {
		if call, is := n.(*ast.CallExpr); is {
			if f, is := call.Fun.(*ast.SelectorExpr); is && f.Sel.Name == "New" && fmt.Sprint(f.X) == "lazyregexp" {
				calls = append(calls, call)
			}
		}
		return true
	})
	return calls
}

// text returns the text of a literal, of a constant of the file, or of their sum.
func text(file *ast.File, expr ast.Expr) (string, error) {
	switch e := expr.(type) {
	case *ast.BasicLit:
		return constant.StringVal(constant.MakeFromLiteral(e.Value, e.Kind, 0)), nil
	case *ast.BinaryExpr:
		x, err := text(file, e.X)
		if err != nil {
			return "", err
		}
		y, err := text(file, e.Y)
		return x + y, err
	case *ast.Ident:
		for _, decl := range file.Decls {
			group, is := decl.(*ast.GenDecl)
			if !is || group.Tok != token.CONST {
				continue
			}
			for _, spec := range group.Specs {
				if values := spec.(*ast.ValueSpec); values.Names[0].Name == e.Name && len(values.Values) == 1 {
					return text(file, values.Values[0])
				}
			}
		}
	}
	return "", fmt.Errorf("%T is neither a literal nor a constant of its file", expr)
}
