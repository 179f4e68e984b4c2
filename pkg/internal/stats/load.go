package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A Package is one package of the module: its parsed files and what their names mean.
type Package struct {
	Path  string // the import path
	Name  string // the import path without the module's and "pkg/"
	Dir   string
	Fset  *token.FileSet
	Files []*ast.File // without tests
	Tests []string    // names of the test files
	Types *types.Package
	Info  *types.Info
}

// listed is what go list -json says of a package.
type listed struct {
	ImportPath, Dir, Export            string
	GoFiles, TestGoFiles, XTestGoFiles []string
	DepOnly, Standard                  bool
	Module                             *struct{ Path string }
	Error                              *struct{ Err string }
}

// load parses and type-checks the packages that match the patterns. What they
// import is read from the compiler's export data.
func load(patterns []string) ([]Package, error) {
	all, err := goList(patterns)
	if err != nil {
		return nil, err
	}
	exports := make(map[string]string)
	for _, l := range all {
		exports[l.ImportPath] = l.Export
	}
	fset := token.NewFileSet()
	imports := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	var packages []Package
	for _, l := range all {
		if l.DepOnly {
			continue
		}
		p, err := check(fset, imports, l)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.ImportPath, err)
		}
		packages = append(packages, p)
	}
	return packages, nil
}

func goList(patterns []string) ([]listed, error) {
	cmd := exec.Command("go", append([]string{"list", "-deps", "-export", "-json"}, patterns...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var all []listed
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var l listed
		if err := decoder.Decode(&l); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all = append(all, l)
	}
}

func check(fset *token.FileSet, imports types.Importer, l listed) (Package, error) {
	p := Package{Path: l.ImportPath, Name: l.ImportPath, Dir: l.Dir, Fset: fset}
	if l.Module != nil {
		p.Name = strings.TrimPrefix(strings.TrimPrefix(l.ImportPath, l.Module.Path+"/"), "pkg/")
	}
	for _, name := range l.GoFiles {
		file, err := parser.ParseFile(fset, filepath.Join(l.Dir, name), nil, parser.ParseComments)
		if err != nil {
			return p, err
		}
		p.Files = append(p.Files, file)
	}
	p.Tests = append(append(p.Tests, l.TestGoFiles...), l.XTestGoFiles...)
	p.Info = &types.Info{Uses: make(map[*ast.Ident]types.Object), Defs: make(map[*ast.Ident]types.Object)}
	var err error
	p.Types, err = (&types.Config{Importer: imports}).Check(l.ImportPath, fset, p.Files, p.Info)
	return p, err
}

// usedElsewhere returns the exported names that another package of the module
// names, as nameOf writes them.
func usedElsewhere(packages []Package) map[string]bool {
	used := make(map[string]bool)
	for _, p := range packages {
		for _, object := range p.Info.Uses {
			if object.Pkg() != nil && object.Pkg().Path() != p.Path {
				used[nameOf(object)] = true
			}
		}
	}
	return used
}

// nameOf returns "import/path.Name" or, for a method, "import/path.Type.Name".
func nameOf(object types.Object) string {
	path := object.Pkg().Path() + "."
	if f, ok := object.(*types.Func); ok {
		if receiver := f.Signature().Recv(); receiver != nil {
			return path + typeName(receiver.Type()) + "." + f.Name()
		}
	}
	return path + object.Name()
}

func typeName(t types.Type) string {
	if pointer, ok := t.(*types.Pointer); ok {
		t = pointer.Elem()
	}
	if named, ok := t.(*types.Named); ok {
		return named.Obj().Name()
	}
	return ""
}
