package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/tagbump/tagbump/"

// A layer is a group of packages with the same rules for direct imports.
type layer struct {
	name     string
	packages []string // below pkg/
	below    []string // the layers that these packages may import, besides their own if it is in the list
	noIO     bool     // bytes and values in, bytes and values out
	noClock  bool     // time comes in as a value
}

// layers are all packages of the program, from the bottom to the top.
var layers = []layer{
	{
		name: "pure",
		packages: []string{
			"config", "diff", "environs", "fault", "files", "forge", "giturl", "history", "image", "keypath", "notify", "placeholder", "plan",
			"policy", "record", "redact", "result", "rollout", "safetext", "telemetry", "textedit", "yamledit", "internal/lazyregexp", "internal/manual", "internal/suggest",
		},
		below: []string{"pure"},
		noIO:  true, noClock: true,
	},
	{name: "tools", packages: []string{"internal/delay", "internal/httpx", "internal/post", "internal/smallfile", "forge/internal/rest"}, below: []string{"pure", "tools"}},
	{name: "conductor", packages: []string{"bump"}, below: []string{"pure", "tools"}, noIO: true},
	{name: "reports", packages: []string{"draft", "status", "statuspage"}, below: []string{"pure", "tools", "conductor", "reports"}, noIO: true, noClock: true},
	{name: "io", packages: []string{"registry", "argocd", "gitrepo", "worktree", "forge/github", "forge/gitlab", "forge/gitea", "forge/bitbucket", "forge/access", "render"}, below: []string{"pure", "tools"}},
	{name: "demo", packages: []string{"demo"}},
	{name: "wire", packages: []string{"wire"}, below: []string{"pure", "tools", "conductor", "io"}},
	{name: "cli", packages: []string{"cli"}, below: []string{"pure", "tools", "conductor", "reports", "io", "demo", "wire"}},
	{name: "tests", packages: []string{"internal/testenv", "forge/internal/forgetest", "internal/benchgit", "internal/benchpeers", "internal/benchregistry", "internal/licenses", "internal/mutants", "internal/orb", "internal/pictures", "internal/repositories", "internal/servers", "internal/stats"}, below: []string{"pure", "tools", "conductor", "io", "tests", "wire", "cli"}},
}

// forbidden are the packages that do I/O, with all below them except those in allowed.
var forbidden = []string{
	"os", "net", "log", "io/ioutil", "syscall",
	"github.com/go-git", "github.com/google/go-github", "github.com/google/go-containerregistry", "github.com/spf13",
}

var allowed = []string{"net/url", "net/netip", "net/mail"}

// TestPackagesImportOnlyLayersBelow holds the direction of direct imports, for
// every package of the program: a new one needs a place in the table.
func TestPackagesImportOnlyLayersBelow(t *testing.T) {
	for name, imports := range directImports(t) {
		own, known := layerOf(name)
		if !known {
			t.Errorf("pkg/%s is in no layer", name)
			continue
		}
		for _, path := range imports {
			if other, inModule := strings.CutPrefix(path, module+"pkg/"); inModule && !isPartOf(other, name) {
				if above, _ := layerOf(other); !slices.Contains(own.below, above.name) {
					t.Errorf("pkg/%s (%s) imports pkg/%s (%s)", name, own.name, other, above.name)
				}
			}
			if own.noIO && doesIO(path) {
				t.Errorf("pkg/%s (%s) imports %s", name, own.name, path)
			}
		}
	}
}

// TestEveryLayerExists holds that the table has no package that is gone.
func TestEveryLayerExists(t *testing.T) {
	all := directImports(t)
	for _, layer := range layers {
		for _, name := range layer.packages {
			if _, found := all[name]; !found {
				t.Errorf("layer %s: there is no pkg/%s", layer.name, name)
			}
		}
	}
}

// TestPurePackagesHaveNoClock holds that time comes in as a value.
func TestPurePackagesHaveNoClock(t *testing.T) {
	for _, layer := range layers {
		for _, name := range layer.packages {
			if layer.noClock {
				for _, call := range clockCalls(t, filepath.Join("..", "..", "pkg", filepath.FromSlash(name))) {
					t.Errorf("pkg/%s: %s", name, call)
				}
			}
		}
	}
}

// TestProgramHoldsNoTestServers holds that nothing made for tests is shipped.
func TestProgramHoldsNoTestServers(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("go list -deps: %v\n%s", err, out)
	}
	for dep := range strings.FieldsSeq(string(out)) {
		name, _ := strings.CutPrefix(dep, module+"pkg/")
		if of, _ := layerOf(name); of.name == "tests" || dep == "testing" {
			t.Errorf("the program depends on %s", dep)
		}
	}
}

// layerOf returns the layer of a package. Internal packages that the table does not
// name are part of the package that has them.
func layerOf(name string) (layer, bool) {
	whole, _, _ := strings.Cut(name, "/internal/")
	for _, name := range []string{name, whole} {
		for _, layer := range layers {
			if slices.Contains(layer.packages, name) {
				return layer, true
			}
		}
	}
	for _, layer := range layers {
		inside := func(known string) bool { return layer.name == "tests" && strings.HasPrefix(name, known+"/") }
		if slices.ContainsFunc(layer.packages, inside) {
			return layer, true
		}
	}
	return layer{}, false
}

// isPartOf reports whether part is an internal package of the same package as name.
func isPartOf(part, name string) bool {
	whole, _, found := strings.Cut(part, "/internal/")
	root, _, _ := strings.Cut(name, "/internal/")
	return found && whole == root
}

func doesIO(path string) bool {
	below := func(prefix string) bool { return path == prefix || strings.HasPrefix(path, prefix+"/") }
	return slices.ContainsFunc(forbidden, below) && !slices.Contains(allowed, path)
}

// directImports returns what each package below pkg/ imports itself, without its tests.
func directImports(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"pkg/...").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	all := make(map[string][]string)
	for line := range strings.Lines(string(out)) {
		if fields := strings.Fields(line); len(fields) > 0 {
			all[strings.TrimPrefix(fields[0], module+"pkg/")] = fields[1:]
		}
	}
	return all
}

// clockCalls lists the uses of the clock in the sources of a folder.
func clockCalls(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var calls []string
	positions := token.NewFileSet()
	for _, entry := range entries {
		if name := entry.Name(); strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			file, err := parser.ParseFile(positions, filepath.Join(dir, name), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				selector, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				of, ok := selector.X.(*ast.Ident)
				if ok && of.Name == "time" && slices.Contains([]string{"Now", "Since", "Until", "Sleep", "After", "NewTimer"}, selector.Sel.Name) {
					calls = append(calls, positions.Position(n.Pos()).String()+": time."+selector.Sel.Name)
				}
				return true
			})
		}
	}
	return calls
}
