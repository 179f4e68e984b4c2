package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/tagbump/tagbump/pkg/image"
)

// Parse reads a project file. The name is used in messages only. The error is
// a [Problems] with everything that is wrong, or with the first place at which
// src is no YAML; [ErrInvalid] is in its chain.
func Parse(name string, src []byte) (*Config, error) {
	r := &reader{file: name, aliased: maxAliased}
	root := r.document(src)
	if root == nil {
		return nil, r.problems
	}
	config := r.config(root)
	if len(r.problems) > 0 {
		return nil, r.problems.sorted()
	}
	return config, nil
}

// document returns the value of the only document of src, or nil and a problem.
func (r *reader) document(src []byte) *yaml.Node {
	documents, err := decode(src)
	switch {
	case err != nil:
		r.notYAML(err)
	case len(documents) == 0:
		r.problems = append(r.problems, Problem{File: r.file, What: "the file is empty"})
	case len(documents) > 1:
		r.report(documents[1], "", "a second document begins here; the file must be one document")
	default:
		return documents[0]
	}
	return nil
}

// decode returns the values of at most two documents: the second is enough to
// refuse the file.
func decode(src []byte) (documents []*yaml.Node, err error) {
	defer func() {
		// yaml.v3 turns only its own errors into errors; other panics of its
		// scanner reach the caller, who must not die of a user's file.
		if cause := recover(); cause != nil {
			err = fmt.Errorf("the parser gave up: %v", cause)
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(src))
	for len(documents) < 2 {
		var document yaml.Node
		err := decoder.Decode(&document)
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return nil, err
		}
		documents = append(documents, document.Content[0])
	}
	return documents, nil
}

// lineInError finds the place in an error of yaml.v3, which has it only as text.
var lineInError = regexp.MustCompile(`^line (\d+): `)

func (r *reader) notYAML(err error) {
	what := strings.TrimPrefix(err.Error(), "yaml: ")
	problem := Problem{File: r.file}
	if match := lineInError.FindStringSubmatch(what); match != nil {
		problem.Line, _ = strconv.Atoi(match[1]) // digits, by the pattern; too many leave the line unknown
		what = strings.TrimPrefix(what, match[0])
	}
	problem.What = "not YAML: " + what
	r.problems = append(r.problems, problem)
}

func (r *reader) config(n *yaml.Node) *Config {
	config := new(Config)
	r.object(n, "", fields{
		"repository":   func(n *yaml.Node, at string) { config.Repository = r.text(n, at, checkRepository) },
		"branch":       func(n *yaml.Node, at string) { config.Branch = r.text(n, at, checkBranch) },
		"images":       func(n *yaml.Node, at string) { config.Images = r.images(n, at) },
		"environments": func(n *yaml.Node, at string) { config.Environments = r.environments(n, at) },
	})
	for name, environment := range config.Environments {
		if environment.Branch == "" {
			environment.Branch = config.Branch
			config.Environments[name] = environment
		}
	}
	return config
}

func (r *reader) images(n *yaml.Node, at string) map[string]Image {
	images := make(map[string]Image)
	first := make(map[string]*yaml.Node) // by the repository's canonical name
	r.entries(n, at, func(key, value *yaml.Node, at string) {
		if err := checkImageName(key.Value); err != nil {
			r.report(key, at, "%v", err)
			return
		}
		canonical := image.Canonical(key.Value)
		if same := first[canonical]; same != nil {
			r.report(key, at, "the same repository as %q (line %d)", same.Value, same.Line)
			return
		}
		first[canonical] = key
		images[key.Value] = r.image(value, at)
	})
	return images
}

func (r *reader) image(n *yaml.Node, at string) Image {
	var policy Image
	if n = r.follow(n); isEmptyMapping(n) {
		return policy // "nginx: {}" is written on purpose: an image without a policy of its own
	}
	r.object(n, at, fields{
		"match":     func(n *yaml.Node, at string) { policy.Match = r.text(n, at, nil) },
		"extract":   func(n *yaml.Node, at string) { policy.Extract = r.text(n, at, nil) },
		"order":     func(n *yaml.Node, at string) { policy.Order = r.choice(n, at, Orders()) },
		"semver":    func(n *yaml.Node, at string) { policy.Semver = r.text(n, at, nil) },
		"platforms": func(n *yaml.Node, at string) { policy.Platforms = r.texts(n, at, image.CheckPlatform) },
	})
	return policy
}

func (r *reader) environments(n *yaml.Node, at string) map[string]Environment {
	environments := make(map[string]Environment)
	r.entries(n, at, func(key, value *yaml.Node, at string) {
		if err := checkEnvironmentName(key.Value); err != nil {
			r.report(key, at, "%v", err)
			return
		}
		environments[key.Value] = r.environment(value, at)
	})
	return environments
}

func (r *reader) environment(n *yaml.Node, at string) Environment {
	environment := Environment{Publish: Push}
	ways := []string{string(PullRequest), string(Push)}
	r.object(n, at, fields{
		"files":   func(n *yaml.Node, at string) { environment.Files = r.texts(n, at, checkGlob) },
		"branch":  func(n *yaml.Node, at string) { environment.Branch = r.text(n, at, checkBranch) },
		"publish": func(n *yaml.Node, at string) { environment.Publish = Publish(r.choice(n, at, ways)) },
		"argocd":  func(n *yaml.Node, at string) { environment.ArgoCD = r.argocd(n, at) },
	}, "files")
	return environment
}

func (r *reader) argocd(n *yaml.Node, at string) *ArgoCD {
	argocd := new(ArgoCD)
	r.object(n, at, fields{
		"application": func(n *yaml.Node, at string) { argocd.Application = r.text(n, at, nil) },
	}, "application")
	return argocd
}
