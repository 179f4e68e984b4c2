// Package config reads the project file, .tagbump.yaml: which repository to
// change, how each image's tag is chosen, and which files an environment has.
//
// It takes bytes and gives a [Config], or every problem of the file at once,
// each with its line and column: an unknown key, a key that appears twice, a
// second document, a value of the wrong type (1.20 without quotes is the number
// 1.2 and not a branch), a regular expression that does not compile.
//
// One trap: aliases are followed, but merge keys (<<) are refused, because what
// they override depends on the reader's YAML version.
package config

import (
	_ "embed"
	"maps"
	"slices"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/policy"
)

// FileName is the name of the project file.
const FileName = ".tagbump.yaml"

// FileNames returns the names under which a project file is looked for.
func FileNames() []string { return []string{FileName, ".tagbump.yml"} }

// MaxSize is the size in bytes of the largest project file.
const MaxSize = 1 << 20

// ErrInvalid is in the chain of every error of [Parse].
var ErrInvalid = fault.New(fault.Usage, "invalid project file")

// A Config is what a project file says. The zero Config is that of a project
// without a file.
type Config struct {
	Repository   string                 // URL or folder of the GitOps repository; empty when not set
	Branch       string                 // the branch to change; empty means the remote's HEAD
	Commit       Commit                 // how commits look
	Forge        Forge                  // who hosts the repository; the zero Forge when its host tells
	PullRequest  Proposal               // how pull requests look
	Images       map[string]Image       // by repository, as written: "haoict/send2ereader"
	Environments map[string]Environment // by name: "production"
	Notify       Notify                 // which messages a webhook gets
}

// A Notify says which messages a webhook gets. Its address is a secret, and so not in
// the project file. A field is empty when it is not set.
type Notify struct {
	On     string // "changes", "failure" or "always"
	Format string // "slack", "teams" or "json"
	Text   string // with placeholders
}

// A Commit says how commits look. Flags and variables override it.
type Commit struct {
	Author  string // "NAME <EMAIL>"; empty when not set
	Message string // template; empty when not set
	Via     string // "git", "api" or "auto"; empty when not set
}

// A Forge says who hosts the repository.
type Forge struct {
	Type string // one of ForgeTypes; empty when the host tells
	API  string // root of its API; empty for the usual one
}

// ForgeTypes returns the forges that a project file can name.
func ForgeTypes() []string { return []string{"bitbucket", "gitea", "github", "gitlab"} }

// A Proposal says how pull requests look. Flags and variables override it.
type Proposal struct {
	Title, Body string // with placeholders, whose names are not checked; empty when not set
	Labels      []string
	Reviewers   []string
	Assignees   []string
	Draft       *bool  // nil when not set
	AutoMerge   *bool  // nil when not set
	Base        string // the branch to change; empty for the one that is changed by a push
	Branch      string // the branch that holds the change; empty for a name by environment and images
	Preview     string // PreviewArgoCD, or empty
}

// PreviewArgoCD is the preview that Argo CD renders.
const PreviewArgoCD = "argocd"

// or returns p, with the values of other where p has none.
func (p Proposal) or(other Proposal) Proposal {
	text := func(own *string, others string) {
		if *own == "" {
			*own = others
		}
	}
	list := func(own *[]string, others []string) {
		if *own == nil {
			*own = others
		}
	}
	answer := func(own **bool, others *bool) {
		if *own == nil {
			*own = others
		}
	}
	text(&p.Title, other.Title)
	text(&p.Body, other.Body)
	text(&p.Base, other.Base)
	text(&p.Branch, other.Branch)
	text(&p.Preview, other.Preview)
	list(&p.Labels, other.Labels)
	list(&p.Reviewers, other.Reviewers)
	list(&p.Assignees, other.Assignees)
	answer(&p.Draft, other.Draft)
	answer(&p.AutoMerge, other.AutoMerge)
	return p
}

// An Image says how an image's tag is chosen. An Image without any value says
// only that the project has this image.
type Image struct {
	policy.Rule          // the zero Rule when the file names no policy
	Platforms   []string // that the image must have: "linux/arm64"; empty means not checked
	As          []string // how files write the repository, where that differs
	// AsIn is how the files of an environment write the repository, instead of As, by
	// the environment's name.
	AsIn  map[string][]string
	Paths []keypath.Path // the keys of the tag, in files that do not name the image
}

// An Environment is a set of files that change together.
type Environment struct {
	Files   []string // globs from the repository's root, with ** for any depth; never empty
	Branch  string   // the branch to change; default: the Config's Branch
	From    string   // the environment whose tags are promoted to this one; empty when not set
	Set     []Set    // further values that change with a tag
	Publish Publish  // default: Push
	ArgoCD  *ArgoCD  // nil when nothing waits for Argo CD

	PullRequest Proposal // how pull requests look, with the Config's values where the environment has none
}

// A Set is a further value that changes in the same commit as a tag.
type Set struct {
	File  string       // from the repository's root, without wildcards
	Path  keypath.Path // the key of the value
	Value string       // with placeholders, whose names are not checked
}

// ArgoCD says where Argo CD shows that an environment runs a commit.
type ArgoCD struct {
	Server       string   // HOST[:PORT]; empty when the environment's variables say it
	Project      string   // of the applications; empty means any
	Applications []string // NAME or NAMESPACE/NAME; empty means those that render the environment's files
}

// Publish is how a commit reaches its branch.
type Publish string

// The ways to publish.
const (
	Push        Publish = "push"         // the commit is pushed to the branch
	PullRequest Publish = "pull-request" // the commit is proposed
	Auto        Publish = "auto"         // the commit is pushed, and proposed where the branch refuses it
)

// Image returns the entry of a repository. It compares as registries do, so
// "docker.io/library/nginx" finds what the file calls "nginx".
func (c *Config) Image(repository string) (Image, bool) {
	if entry, found := c.Images[repository]; found {
		return entry, true
	}
	for name, entry := range c.Images {
		if image.SameRepository(name, repository) {
			return entry, true
		}
	}
	return Image{}, false
}

// ImageNames returns the repositories of all images as written, sorted.
func (c *Config) ImageNames() []string { return slices.Sorted(maps.Keys(c.Images)) }

// EnvironmentNames returns the names of all environments, sorted.
func (c *Config) EnvironmentNames() []string { return slices.Sorted(maps.Keys(c.Environments)) }

//go:embed schema.json
var schema string

// Schema returns the JSON Schema (draft-07) of the project file, by which
// editors complete and check it.
func Schema() []byte { return []byte(schema) }
