package main

import (
	"bytes"
	"go/ast"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// Stats is a row of the table.
type Stats struct {
	Name               string
	Source, Test, Data int // lines
	Comments           int // lines that hold nothing but a comment
	Functions          []Function
	Exported           int // names
	Documented         int // of the exported
	Unused             []string
	Variables          int // package variables
	BoolParameters     int
}

// A Function is what was measured of one function or method.
type Function struct {
	Name       string
	Lines      int
	Cyclomatic int
	Cognitive  int
	Parameters int
}

func lines(f Function) int      { return f.Lines }
func cyclomatic(f Function) int { return f.Cyclomatic }
func cognitive(f Function) int  { return f.Cognitive }
func parameters(f Function) int { return f.Parameters }

func measure(p Package, used map[string]bool) Stats {
	s := Stats{Name: p.Name}
	for _, file := range p.Files {
		s.Source += p.Fset.File(file.Pos()).LineCount()
		s.Comments += commentLines(p.Fset, file)
		for _, declaration := range file.Decls {
			s.declaration(p, declaration)
		}
	}
	for _, name := range p.Tests {
		s.Test += lineCount(filepath.Join(p.Dir, name))
	}
	s.Data = dataLines(filepath.Join(p.Dir, "testdata"))
	for _, name := range exportedNames(p) {
		if !used[p.Path+"."+name] {
			s.Unused = append(s.Unused, name)
		}
	}
	return s
}

func (s *Stats) declaration(p Package, declaration ast.Decl) {
	switch d := declaration.(type) {
	case *ast.FuncDecl:
		s.function(p.Fset, d)
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			s.spec(d, spec)
		}
	}
}

func (s *Stats) function(fset *token.FileSet, d *ast.FuncDecl) {
	if d.Name.IsExported() && exportedReceiver(d) {
		s.export(d.Doc != nil)
	}
	f := Function{Name: d.Name.Name, Lines: fset.Position(d.End()).Line - fset.Position(d.Pos()).Line + 1}
	for _, field := range d.Type.Params.List {
		names := max(1, len(field.Names))
		f.Parameters += names
		if t, ok := field.Type.(*ast.Ident); ok && t.Name == "bool" {
			s.BoolParameters += names
		}
	}
	if d.Body != nil {
		f.Cyclomatic, f.Cognitive = cyclomaticOf(d.Body), cognitiveOf(d.Body)
		s.Functions = append(s.Functions, f)
	}
}

func (s *Stats) spec(d *ast.GenDecl, spec ast.Spec) {
	switch spec := spec.(type) {
	case *ast.TypeSpec:
		if spec.Name.IsExported() {
			s.export(d.Doc != nil || spec.Doc != nil)
		}
	case *ast.ValueSpec:
		for _, name := range spec.Names {
			if name.IsExported() {
				s.export(d.Doc != nil || spec.Doc != nil || spec.Comment != nil)
			}
			if d.Tok == token.VAR && name.Name != "_" {
				s.Variables++
			}
		}
	}
}

func (s *Stats) export(documented bool) {
	s.Exported++
	if documented {
		s.Documented++
	}
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	name := strings.TrimPrefix(types.ExprString(d.Recv.List[0].Type), "*")
	return ast.IsExported(name)
}

// exportedNames lists the package's exported names and those of the methods of its
// exported types, sorted.
func exportedNames(p Package) []string {
	var names []string
	scope := p.Types.Scope()
	for _, name := range scope.Names() {
		object := scope.Lookup(name)
		if !object.Exported() {
			continue
		}
		names = append(names, name)
		named, ok := object.Type().(*types.Named)
		if _, isType := object.(*types.TypeName); !ok || !isType {
			continue
		}
		for method := range named.Methods() {
			if method.Exported() {
				names = append(names, name+"."+method.Name())
			}
		}
	}
	slices.Sort(names)
	return names
}

// commentLines counts the lines that hold nothing but a comment.
func commentLines(fset *token.FileSet, file *ast.File) int {
	code := make(map[int]bool)
	ast.Inspect(file, func(n ast.Node) bool {
		switch n.(type) {
		case nil, *ast.Comment, *ast.CommentGroup, *ast.File:
		default:
			code[fset.Position(n.Pos()).Line], code[fset.Position(n.End()).Line] = true, true
		}
		return true
	})
	count := 0
	for _, group := range file.Comments {
		for line := fset.Position(group.Pos()).Line; line <= fset.Position(group.End()).Line; line++ {
			if !code[line] {
				count++
			}
		}
	}
	return count
}

func lineCount(name string) int {
	content, err := os.ReadFile(name)
	if err != nil || !utf8.Valid(content) {
		return 0
	}
	return bytes.Count(content, []byte("\n"))
}

// dataLines counts the lines of the text files below dir, which may be missing.
func dataLines(dir string) int {
	count := 0
	_ = filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			count += lineCount(name)
		}
		return nil
	})
	return count
}

func (s *Stats) add(other Stats) {
	s.Source += other.Source
	s.Test += other.Test
	s.Data += other.Data
	s.Comments += other.Comments
	s.Functions = append(s.Functions, other.Functions...)
	s.Exported += other.Exported
	s.Documented += other.Documented
	s.Unused = append(s.Unused, other.Unused...)
	s.Variables += other.Variables
	s.BoolParameters += other.BoolParameters
}

func (s Stats) longest() Function {
	if len(s.Functions) == 0 {
		return Function{Name: "-"}
	}
	return slices.MaxFunc(s.Functions, func(a, b Function) int { return a.Lines - b.Lines })
}

func (s Stats) meanLines() float64 {
	sum := 0
	for _, f := range s.Functions {
		sum += f.Lines
	}
	return ratio(sum, len(s.Functions))
}

// quantile returns the value below or at which the share q of the functions is.
func (s Stats) quantile(q float64, value func(Function) int) int {
	if len(s.Functions) == 0 {
		return 0
	}
	values := make([]int, len(s.Functions))
	for i, f := range s.Functions {
		values[i] = value(f)
	}
	slices.Sort(values)
	return values[int(q*float64(len(values)-1)+0.5)]
}
