// Package config reads the project file, .tagbump.yaml: which repository to
// change, how each image's tag is chosen, and which files an environment has.
//
// It takes bytes and gives a [Config], or every problem of the file at once,
// each with its line and column. It refuses what would otherwise be ignored
// (an unknown key, a key that stands twice, a second document) and what would
// be guessed at (1.20 without quotes is the number 1.2, and no branch). Only
// the file's shape is checked: whether a regular expression compiles is known
// to package policy. One trap: aliases are followed, but merge keys (<<) are
// refused, because what they override depends on the reader's YAML version.
package config

import (
	_ "embed"
	"maps"
	"slices"

	"github.com/tagbump/tagbump/pkg/image"
)

// FileName is the name under which the project file is looked for.
const FileName = ".tagbump.yaml"

// A Config is what a project file says. The zero Config is that of a project
// without a file.
type Config struct {
	Repository   string                 // URL or folder of the GitOps repository; empty when not set
	Branch       string                 // the branch to change; empty means the remote's HEAD
	Images       map[string]Image       // by repository, as written: "haoict/send2ereader"
	Environments map[string]Environment // by name: "production"
}

// An Image is the policy by which an image's tag is chosen, as it is written.
// An Image without any value says only that the project has this image.
type Image struct {
	Match     string   // regular expression that tags must match; empty matches all
	Extract   string   // template of the sort key, from the groups of Match; empty means the whole tag
	Order     string   // one of [Orders]; empty leaves it to the policy
	Semver    string   // range of versions: ">=1.2 <2"; empty when not set
	Platforms []string // that the image must have: "linux/arm64"; empty means not checked
}

// An Environment is a set of files that change together.
type Environment struct {
	Files   []string // globs from the repository's root, with ** for any depth; never empty
	Branch  string   // the branch to change; default: the Config's Branch
	Publish Publish  // default: Push
	ArgoCD  *ArgoCD  // nil when nothing waits for Argo CD
}

// ArgoCD says where Argo CD shows that an environment runs a commit.
type ArgoCD struct {
	Application string // the application's name
}

// Publish is how a commit reaches its branch.
type Publish string

// The ways to publish.
const (
	Push        Publish = "push"         // the commit is pushed to the branch
	PullRequest Publish = "pull-request" // the commit is proposed
)

// Orders returns the values that an [Image]'s Order can have, sorted.
func Orders() []string {
	return []string{"alphabetical", "calver", "natural", "newest", "numerical", "semver"}
}

// Image returns the policy of a repository. It compares as registries do, so
// "docker.io/library/nginx" finds what the file calls "nginx".
func (c *Config) Image(repository string) (Image, bool) {
	if policy, found := c.Images[repository]; found {
		return policy, true
	}
	for name, policy := range c.Images {
		if image.SameRepository(name, repository) {
			return policy, true
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
