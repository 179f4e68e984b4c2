package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"gopkg.in/yaml.v3"
)

const source = "../../../.circleci/orb/src"

func TestPack(t *testing.T) {
	got, err := pack(fstest.MapFS{
		"@orb.yml":          {Data: []byte("version: 2.1\ndescription: x\n")},
		"commands/go.yml":   {Data: []byte("steps:\n  - run:\n      name: Go\n      command: << include(scripts/go.sh) >>\n")},
		"commands/stop.yml": {Data: []byte("steps: []\n")},
		"scripts/go.sh":     {Data: []byte("#!/bin/sh\ncat <<EOF\nx\nEOF\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = `version: 2.1
description: x
commands:
  go:
    steps:
      - run:
          name: Go
          command: |
            #!/bin/sh
            cat \<<EOF
            x
            EOF
  stop:
    steps: []
`
	if string(got) != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if _, err := pack(fstest.MapFS{"@orb.yml": {Data: []byte("x: << include(gone.sh) >>\n")}}); err == nil {
		t.Error("a file that is included and does not exist is no error")
	}
}

// An element is a command, a job, an executor or an example of the packed orb.
type element struct {
	Description string               `yaml:"description"`
	Parameters  map[string]yaml.Node `yaml:"parameters"`
	Steps       []yaml.Node          `yaml:"steps"`
}

type orb struct {
	Description string             `yaml:"description"`
	Display     map[string]string  `yaml:"display"`
	Commands    map[string]element `yaml:"commands"`
	Jobs        map[string]element `yaml:"jobs"`
	Executors   map[string]element `yaml:"executors"`
	Examples    map[string]element `yaml:"examples"`
}

func packed(t *testing.T) orb {
	t.Helper()
	text, err := pack(os.DirFS(source))
	if err != nil {
		t.Fatal(err)
	}
	var o orb
	if err := yaml.Unmarshal(text, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

var snakeCase = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

// TestReviewRules holds what "circleci orb review" demands (RC001 to RC010).
func TestReviewRules(t *testing.T) {
	o := packed(t)
	if o.Display["source_url"] == "" || o.Display["home_url"] == "" {
		t.Error("RC001: the orb has no source_url or home_url")
	}
	if len(o.Description) < 64 {
		t.Error("RC005: the orb's description has fewer than 64 characters")
	}
	if len(o.Examples) == 0 {
		t.Error("RC003: there is no example")
	}
	if _, found := o.Examples["example"]; found {
		t.Error("RC004: an example is called example")
	}
	for kind, elements := range map[string]map[string]element{"commands": o.Commands, "jobs": o.Jobs, "executors": o.Executors, "examples": o.Examples} {
		for name, e := range elements {
			if len(e.Description) < 20 {
				t.Errorf("RC002: %s/%s has no description", kind, name)
			}
			if !snakeCase.MatchString(name) {
				t.Errorf("RC010: %s/%s is not snake_case", kind, name)
			}
			for parameter, definition := range e.Parameters {
				checkParameter(t, kind+"/"+name+": "+parameter, parameter, definition)
			}
			for _, step := range e.Steps {
				checkRun(t, kind+"/"+name, step)
			}
		}
	}
	for _, name := range []string{"install", "update", "promote", "rollback", "wait", "status"} {
		if _, found := o.Commands[name]; !found {
			t.Errorf("there is no command %s", name)
		}
	}
}

func checkParameter(t *testing.T, where, name string, definition yaml.Node) {
	t.Helper()
	var p struct{ Description, Type string }
	if err := definition.Decode(&p); err != nil {
		t.Fatal(err)
	}
	if !snakeCase.MatchString(name) {
		t.Errorf("RC010: %s is not snake_case", where)
	}
	if p.Description == "" {
		t.Errorf("RC002: %s has no description", where)
	}
	if isSecret := strings.Contains(name, "token") || strings.Contains(name, "password"); isSecret != (p.Type == "env_var_name") {
		t.Errorf("%s is of type %s: secrets, and only they, are names of variables", where, p.Type)
	}
}

// checkRun holds that a run has a name, and that a long command is a file of its own.
func checkRun(t *testing.T, where string, step yaml.Node) {
	t.Helper()
	var s struct {
		Run *struct{ Name, Command string }
	}
	if step.Kind != yaml.MappingNode || step.Decode(&s) != nil || s.Run == nil {
		return
	}
	if s.Run.Name == "" {
		t.Errorf("RC008: %s has a run without a name", where)
	}
	if isLong := strings.Count(s.Run.Command, "\n") > 2; isLong && !strings.HasPrefix(s.Run.Command, "#!/bin/sh") {
		t.Errorf("RC009: %s has a long command that is not included", where)
	}
}

func TestScriptsPassShellcheck(t *testing.T) {
	if _, err := exec.LookPath("shellcheck"); err != nil {
		t.Skip("shellcheck is not installed")
	}
	scripts, err := filepath.Glob(filepath.Join(source, "scripts", "*.sh"))
	if err != nil || len(scripts) == 0 {
		t.Fatal(scripts, err)
	}
	if text, err := exec.Command("shellcheck", append([]string{"-s", "sh"}, scripts...)...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}
