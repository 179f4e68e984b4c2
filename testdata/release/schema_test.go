package main

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

var fixedTime = time.Date(2024, 6, 15, 12, 30, 0, 0, time.UTC)

var checkout = filepath.Join("..", "..")

// schema is CircleCI's own, from circleci-yaml-language-server at c9a13f5 (Apache-2.0).
func schema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := os.Open(filepath.Join(checkout, "testdata", "circleci", "schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	document, err := jsonschema.UnmarshalJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	// It lists 2 and 2.0, which JSON Schema takes for a number twice.
	delete(document.(map[string]any)["properties"].(map[string]any)["version"].(map[string]any), "enum")
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("circleci.json", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("circleci.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// check validates one config or orb.
func check(s *jsonschema.Schema, text []byte) error {
	var document any
	if err := yaml.Unmarshal(text, &document); err != nil {
		return err
	}
	return s.Validate(document)
}

// TestSchema holds that all configs, and the orb as it is packed, are valid.
func TestSchema(t *testing.T) {
	s := schema(t)
	pack := exec.Command("go", "run", "./pkg/internal/orb", ".circleci/orb/src")
	pack.Dir = checkout
	orb, err := pack.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := check(s, orb); err != nil {
		t.Errorf("the orb: %v", err)
	}
	files := []string{".circleci/config.yml", "testdata/circleci/seed.yml"}
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join(checkout, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := check(s, text); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	examples, err := fs.Glob(os.DirFS(checkout), ".circleci/orb/src/examples/*.yml")
	if err != nil || len(examples) == 0 {
		t.Fatal(examples, err)
	}
	for _, name := range examples {
		text, err := os.ReadFile(filepath.Join(checkout, name))
		if err != nil {
			t.Fatal(err)
		}
		var example struct{ Usage yaml.Node }
		if err := yaml.Unmarshal(text, &example); err != nil {
			t.Fatal(err)
		}
		usage, err := yaml.Marshal(&example.Usage)
		if err != nil {
			t.Fatal(err)
		}
		if err := check(s, usage); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSchemaSeesMistakes holds that the checks above can fail.
func TestSchemaSeesMistakes(t *testing.T) {
	s := schema(t)
	good, err := os.ReadFile(filepath.Join(checkout, "testdata", "circleci", "seed.yml"))
	if err != nil {
		t.Fatal(err)
	}
	bad := bytes.Replace(good, []byte("      - image: cimg/base:current"), []byte("      image: cimg/base:current"), 1)
	if bytes.Equal(good, bad) || check(s, bad) == nil {
		t.Error("a docker executor that is not a list is valid")
	}
}
