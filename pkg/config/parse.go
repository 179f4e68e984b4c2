package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
	"github.com/tagbump/tagbump/pkg/internal/suggest"
	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/notify"
	"github.com/tagbump/tagbump/pkg/policy"
)

// Parse reads a project file. The name is used in messages only. The error is
// a [Problems] with everything that is wrong, or with the first place at which
// src is not YAML; [ErrInvalid] is in its chain.
func Parse(name string, src []byte) (*Config, error) {
	r := &reader{file: name, aliased: maxAliased, sizes: make(map[*yaml.Node]int)}
	if len(src) > MaxSize {
		return nil, Problems{{File: name, What: fmt.Sprintf("the file is larger than %d KiB", MaxSize>>10)}}
	}
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
		// yaml.v3 panics on some inputs, and a user's file must not end the program.
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
var lineInError = lazyregexp.New(`^line (\d+): `)

func (r *reader) notYAML(err error) {
	what := strings.TrimPrefix(err.Error(), "yaml: ")
	problem := Problem{File: r.file}
	if match := lineInError.FindStringSubmatch(what); match != nil {
		problem.Line, _ = strconv.Atoi(match[1]) // digits, by the pattern; too many leave the line unknown
		what = strings.TrimPrefix(what, match[0])
	}
	problem.What = "not YAML: " + what
	if strings.HasPrefix(what, "found character that cannot start any token") {
		problem.What += "; is there a tab? indents are blanks"
	}
	r.problems = append(r.problems, problem)
}

func (r *reader) config(n *yaml.Node) *Config {
	config := new(Config)
	r.object(n, "", fields{
		"repository":   into(&config.Repository, r.text(checkRepository)),
		"branch":       into(&config.Branch, r.text(checkBranch)),
		"commit":       into(&config.Commit, r.commit),
		"forge":        into(&config.Forge, r.forge),
		"pull-request": into(&config.PullRequest, r.pullRequest),
		"images":       into(&config.Images, r.images),
		"environments": into(&config.Environments, r.environments),
		"notify":       into(&config.Notify, r.notify),
	})
	r.checkMentions(config.Environments)
	for name, environment := range config.Environments {
		if environment.Branch == "" {
			environment.Branch = config.Branch
		}
		environment.PullRequest = environment.PullRequest.or(config.PullRequest)
		config.Environments[name] = environment
	}
	return config
}

func (r *reader) commit(n *yaml.Node, at string) Commit {
	var commit Commit
	r.object(n, at, fields{
		"author":  into(&commit.Author, r.text(checkAuthor)),
		"message": into(&commit.Message, r.text(nil)),
		"via":     into(&commit.Via, r.text(checkVia)),
	})
	return commit
}

func (r *reader) notify(n *yaml.Node, at string) Notify {
	var told Notify
	r.object(n, at, fields{
		"on":     into(&told.On, r.choice(notify.Ons())),
		"format": into(&told.Format, r.choice(notify.Formats())),
		"text":   into(&told.Text, r.text(checkNotifyText)),
	})
	return told
}

func (r *reader) forge(n *yaml.Node, at string) Forge {
	var forge Forge
	r.object(n, at, fields{
		"type": into(&forge.Type, r.choice(ForgeTypes())),
		"api":  into(&forge.API, r.text(checkAPI)),
	}, "type")
	return forge
}

func (r *reader) pullRequest(n *yaml.Node, at string) Proposal {
	var p Proposal
	r.object(n, at, fields{
		"title":      into(&p.Title, r.text(checkTitle)),
		"body":       into(&p.Body, r.text(nil)),
		"labels":     into(&p.Labels, r.texts(nil)),
		"reviewers":  into(&p.Reviewers, r.texts(nil)),
		"assignees":  into(&p.Assignees, r.texts(nil)),
		"draft":      into(&p.Draft, r.answer),
		"auto-merge": into(&p.AutoMerge, r.answer),
		"base":       into(&p.Base, r.text(checkBranch)),
		"branch":     into(&p.Branch, r.text(checkBranch)),
		"preview":    into(&p.Preview, r.choice([]string{PreviewArgoCD})),
	})
	return p
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
	var img Image
	if n = r.follow(n); isEmptyMapping(n) {
		return img // "nginx: {}" is written on purpose: an image without a policy of its own
	}
	var names names
	before := len(r.problems)
	r.object(n, at, fields{
		policy.FieldMatch:   into(&img.Match, r.text(nil)),
		policy.FieldExtract: into(&img.Extract, r.text(nil)),
		policy.FieldOrder:   into(&img.Order, r.choice(policy.Orders())),
		policy.FieldSemver:  into(&img.Semver, r.text(nil)),
		"platforms":         into(&img.Platforms, r.texts(image.CheckPlatform)),
		"as":                into(&names, r.names),
		"path":              into(&img.Paths, r.paths),
	})
	img.As, img.AsIn = names.everywhere, names.in
	if len(r.problems) == before { // else a value is missing that others are checked with
		r.checkRule(n, at, img.Rule)
	}
	return img
}

// names are how files write an image: the same everywhere, or by environment.
type names struct {
	everywhere []string
	in         map[string][]string
}

func (r *reader) names(n *yaml.Node, at string) names {
	if n = r.follow(n); n.Kind != yaml.MappingNode {
		return names{everywhere: r.oneOrMore(checkImageName)(n, at)}
	}
	in := make(map[string][]string)
	r.entries(n, at, func(key, value *yaml.Node, at string) {
		r.mentions = append(r.mentions, mention{key, at})
		in[key.Value] = r.oneOrMore(checkImageName)(value, at)
	})
	return names{in: in}
}

// A mention is where the file names an environment.
type mention struct {
	key *yaml.Node
	at  string
}

// checkMentions reports names of environments that the file does not have.
func (r *reader) checkMentions(environments map[string]Environment) {
	known := slices.Sorted(maps.Keys(environments))
	for _, one := range r.mentions {
		if _, found := environments[one.key.Value]; !found {
			r.report(one.key, one.at, "no environment %q; %s", one.key.Value, suggest.Sentence(one.key.Value, known))
		}
	}
}

// paths reads key paths. A path that is wrong is reported where it is written.
func (r *reader) paths(n *yaml.Node, at string) []keypath.Path {
	var paths []keypath.Path
	for _, text := range r.oneOrMore(checkPath)(n, at) {
		if path, err := keypath.Parse(text); err == nil {
			paths = append(paths, path)
		}
	}
	return paths
}

// checkRule reports what is wrong with a policy at the value of the field that is
// wrong, or at the whole policy when the field is not written.
func (r *reader) checkRule(n *yaml.Node, at string, rule policy.Rule) {
	for _, problem := range rule.Check() {
		r.report(valueOf(n, problem.Field), join(at, problem.Field), "%v", problem.Err)
	}
}

func (r *reader) environments(n *yaml.Node, at string) map[string]Environment {
	environments := make(map[string]Environment)
	from := make(map[string]*yaml.Node)
	r.entries(n, at, func(key, value *yaml.Node, at string) {
		if err := checkEnvironmentName(key.Value); err != nil {
			r.report(key, at, "%v", err)
			return
		}
		environments[key.Value] = r.environment(value, at)
		from[key.Value] = valueOf(r.follow(value), "from")
	})
	known := slices.Sorted(maps.Keys(environments))
	for _, name := range known {
		source := environments[name].From
		if _, found := environments[source]; source != "" && !found {
			r.report(from[name], join(at, name)+".from", "no environment %q; %s", source, suggest.Sentence(source, known))
		}
	}
	return environments
}

func (r *reader) environment(n *yaml.Node, at string) Environment {
	environment := Environment{Publish: Push}
	r.object(n, at, fields{
		"files":   into(&environment.Files, r.texts(checkGlob)),
		"branch":  into(&environment.Branch, r.text(checkBranch)),
		"from":    into(&environment.From, r.text(nil)),
		"set":     into(&environment.Set, r.sets),
		"publish": into(&environment.Publish, r.publish),
		"argocd":  into(&environment.ArgoCD, r.argocd),

		"pull-request": into(&environment.PullRequest, r.pullRequest),
	}, "files")
	return environment
}

func (r *reader) sets(n *yaml.Node, at string) []Set {
	if n = r.follow(n); !r.isKind(n, at, yaml.SequenceNode) {
		return nil
	}
	sets := make([]Set, len(n.Content))
	for i, item := range n.Content {
		r.object(item, fmt.Sprintf("%s[%d]", at, i), fields{
			"file":  into(&sets[i].File, r.text(checkFile)),
			"path":  into(&sets[i].Path, r.path),
			"value": into(&sets[i].Value, r.text(nil)),
		}, "file", "path", "value")
	}
	return sets
}

func (r *reader) path(n *yaml.Node, at string) keypath.Path {
	path, _ := keypath.Parse(r.text(checkPath)(n, at)) // a wrong one is reported, and zero
	return path
}

func (r *reader) publish(n *yaml.Node, at string) Publish {
	return Publish(r.choice([]string{string(Auto), string(PullRequest), string(Push)})(n, at))
}

func (r *reader) argocd(n *yaml.Node, at string) *ArgoCD {
	argocd := new(ArgoCD)
	var application string
	r.object(n, at, fields{
		"server":       into(&argocd.Server, r.text(checkServer)),
		"project":      into(&argocd.Project, r.text(checkObjectName)),
		"application":  into(&application, r.text(checkApplication)),
		"applications": into(&argocd.Applications, r.texts(checkApplication)),
	})
	if application != "" && !slices.Contains(argocd.Applications, application) {
		argocd.Applications = append([]string{application}, argocd.Applications...)
	}
	return argocd
}
