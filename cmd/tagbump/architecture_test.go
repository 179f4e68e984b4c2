package main

import (
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/tagbump/tagbump/"

// TestPurePackagesDoNoIO holds the direction of imports: the packages in the
// middle take bytes and give bytes.
func TestPurePackagesDoNoIO(t *testing.T) {
	pure := []string{"yamledit", "image", "policy", "config", "plan", "forge", "redact", "files", "environs"}
	forbidden := []string{
		"net/http", "os/exec",
		"github.com/go-git/go-git", "github.com/google/go-github", "github.com/spf13/cobra", "github.com/google/go-containerregistry",
	}
	for _, name := range pure {
		for _, dep := range deps(t, module+"pkg/"+name) {
			for _, bad := range forbidden {
				if dep == bad || strings.HasPrefix(dep, bad+"/") {
					t.Errorf("pkg/%s depends on %s", name, dep)
				}
			}
		}
	}
}

// TestConductorKnowsNoTransport holds that bump sees the world through its interfaces.
func TestConductorKnowsNoTransport(t *testing.T) {
	for _, dep := range deps(t, module+"pkg/bump") {
		if dep == "net/http" || strings.HasPrefix(dep, "github.com/go-git/") {
			t.Errorf("pkg/bump depends on %s", dep)
		}
	}
}

// TestEdgesDoNotImportEachOther holds that only cli wires the packages that do I/O.
func TestEdgesDoNotImportEachOther(t *testing.T) {
	edges := []string{"registry", "gitrepo", "worktree", "forge/github"}
	for _, name := range edges {
		for _, dep := range deps(t, module+"pkg/"+name) {
			for _, other := range append(edges, "bump", "cli") {
				if other != name && dep == module+"pkg/"+other {
					t.Errorf("pkg/%s imports pkg/%s", name, other)
				}
			}
		}
	}
}

// TestProgramHoldsNoTestServers holds that nothing made for tests is shipped.
func TestProgramHoldsNoTestServers(t *testing.T) {
	for _, dep := range deps(t, module+"cmd/tagbump") {
		if strings.HasPrefix(dep, module+"pkg/internal/testenv") || dep == "testing" {
			t.Errorf("the program depends on %s", dep)
		}
	}
}

func deps(t *testing.T, pkg string) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", pkg).CombinedOutput()
	if err != nil {
		t.Fatalf("go list -deps %s: %v\n%s", pkg, err, out)
	}
	return strings.Fields(string(out))
}
