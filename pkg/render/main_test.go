package render

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
	"time"

	"gopkg.in/yaml.v3"
)

// fakeVariable makes the test's binary a program: helm, kustomize, or one that
// misbehaves.
const fakeVariable = "TAGBUMP_TEST_PROGRAM"

func TestMain(m *testing.M) {
	programs := map[string]func(args []string) error{
		"helm": fakeHelm, "kustomize": fakeKustomize,
		"chatter": func([]string) error {
			for {
				if _, err := os.Stdout.Write(make([]byte, 1<<20)); err != nil {
					return err
				}
			}
		},
		"sleeper": func([]string) error { time.Sleep(time.Hour); return nil },
		"env": func([]string) error {
			fmt.Println(strings.Join(os.Environ(), "\n"))
			return nil
		},
	}
	program, found := programs[os.Getenv(fakeVariable)]
	if !found {
		os.Exit(m.Run())
	}
	if err := program(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "Error: "+err.Error())
		os.Exit(1)
	}
}

// fake returns the path of a program that acts as name.
func fake(t *testing.T, name string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), name)
	script := fmt.Sprintf("#!/bin/sh\n%s=%s exec '%s' \"$@\"\n", fakeVariable, name, self)
	if err := os.WriteFile(file, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return file
}

// fakeHelm renders as much of a chart as the tests need: .Values and subcharts.
func fakeHelm(args []string) error {
	dir, values := args[2], map[string]any{}
	for i := 3; i < len(args); i++ {
		if args[i] == "--values" {
			if err := readYAML(args[i+1], &values); err != nil {
				return err
			}
		}
	}
	return fakeChart(dir, values)
}

func fakeChart(dir string, over map[string]any) error {
	var about struct {
		Name         string
		Dependencies []struct{ Name, Alias string }
	}
	if err := readYAML(filepath.Join(dir, "Chart.yaml"), &about); err != nil {
		return err
	}
	values := map[string]any{}
	_ = readYAML(filepath.Join(dir, "values.yaml"), &values)
	merge(values, over)
	templates, _ := filepath.Glob(filepath.Join(dir, "templates", "*.yaml"))
	for _, file := range templates {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		parsed, err := template.New(filepath.Base(file)).Option("missingkey=error").Parse(string(text))
		if err != nil {
			return err
		}
		fmt.Println("---")
		if err := parsed.Execute(os.Stdout, map[string]any{"Values": values}); err != nil {
			return err
		}
	}
	for _, d := range about.Dependencies {
		sub := filepath.Join(dir, "charts", d.Name)
		if _, err := os.Stat(sub); err != nil {
			return fmt.Errorf("found in Chart.yaml, but missing in charts/ directory: %s", d.Name)
		}
		key := d.Alias
		if key == "" {
			key = d.Name
		}
		own, _ := values[key].(map[string]any)
		if err := fakeChart(sub, own); err != nil {
			return err
		}
	}
	return nil
}

func merge(into, over map[string]any) {
	for key, value := range over {
		old, isMap := into[key].(map[string]any)
		if next, also := value.(map[string]any); isMap && also {
			merge(old, next)
			continue
		}
		into[key] = value
	}
}

func readYAML(file string, into any) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return yaml.Unmarshal(text, into)
}

// fakeKustomize joins resources and sets the tags of images.
func fakeKustomize(args []string) error {
	text, err := fakeBuild(args[1])
	fmt.Print(text)
	return err
}

func fakeBuild(dir string) (string, error) {
	var about struct {
		Resources []string
		Images    []struct {
			Name   string
			NewTag string `yaml:"newTag"`
		}
	}
	if err := readYAML(filepath.Join(dir, "kustomization.yaml"), &about); err != nil {
		return "", err
	}
	var all strings.Builder
	for _, resource := range about.Resources {
		path := filepath.Join(dir, resource)
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return "", fmt.Errorf("accumulating resources: %w", err)
		case info.IsDir():
			text, err := fakeBuild(path)
			if err != nil {
				return "", err
			}
			all.WriteString(text)
		default:
			text, err := os.ReadFile(path)
			if err != nil {
				return "", err
			}
			all.WriteString("---\n" + string(text))
		}
	}
	lines := strings.Split(all.String(), "\n")
	for i, line := range lines {
		for _, img := range about.Images {
			if before, _, found := strings.Cut(line, "image: "+img.Name); found {
				lines[i] = before + "image: " + img.Name + ":" + img.NewTag
			}
		}
	}
	return strings.Join(lines, "\n"), nil
}
