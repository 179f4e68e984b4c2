package main

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLicensesAreThoseOfTheModules fails when go.mod changes what is linked.
func TestLicensesAreThoseOfTheModules(t *testing.T) {
	want, err := notices("github.com/tagbump/tagbump/cmd/tagbump")
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(filepath.Join("..", "..", "cli", "licenses.txt.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(unzipped)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("pkg/cli/licenses.txt.gz is out of date: go run ./pkg/internal/licenses > pkg/cli/licenses.txt.gz")
	}
}

func TestATextIsWrittenOnceForAllItsModules(t *testing.T) {
	const line = "================================================================================\n"
	got := render(map[string][]string{
		clean("MIT\r\nCopyright A  \n\n"): {"a v1.0.0", "c v2.0.0"},
		clean("\nApache\n"):               {"b v1.1.0"},
	})
	want := line + "a v1.0.0\nc v2.0.0\n" + line + "\nMIT\nCopyright A\n\n" + line + "b v1.1.0\n" + line + "\nApache\n\n"
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestAModuleWithoutALicenseIsAnError(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"README.md", "licensed.go"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := licensesOf(dir); err == nil || !strings.Contains(err.Error(), "has no licence") {
		t.Errorf("got %v", err)
	}
	for _, name := range []string{"LICENSE", "LICENSE.txt", "LICENCE", "COPYING", "NOTICE", "License-MIT"} {
		if !licenseName.MatchString(name) {
			t.Errorf("%s is not found", name)
		}
	}
}
