package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/config"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/internal/smallfile"
	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/policy"
)

func (s *session) updateRequest(ctx context.Context, args []string) (bump.Request, error) {
	f := s.flags
	if s.needsConfig(args) {
		if err := s.loadConfig(ctx); err != nil {
			return bump.Request{}, err
		}
	}
	req := bump.Request{Branch: s.branch(f.env), Files: f.files, To: f.env, PinDigest: f.pinDigest, OnStale: s.onStale()}
	environment, err := s.environment("--env", f.env)
	if err != nil {
		return req, err
	}
	if len(req.Files) == 0 {
		req.Files = environment.Files
	}
	if f.path != "" {
		if req.Path, err = keypath.Parse(f.path); err != nil {
			return req, usageError{"--path: " + err.Error(), ""}
		}
	}
	if req.Images, err = s.images(args); err != nil {
		return req, err
	}
	return s.complete(req, environment)
}

// needsConfig reports whether the command line leaves something to the project file.
func (s *session) needsConfig(args []string) bool {
	f := s.flags
	if f.env != "" || len(args) == 0 {
		return true
	}
	untagged := slices.ContainsFunc(args, func(arg string) bool { return image.Split(arg).Tag == "" })
	return untagged && f.tag == "" && !f.policy.given() && f.revision == ""
}

func (s *session) promoteRequest(ctx context.Context, args []string) (bump.Request, error) {
	f := s.flags
	if err := s.loadConfig(ctx); err != nil {
		return bump.Request{}, err
	}
	if _, err := s.environment("--from", f.fromEnv); err != nil {
		return bump.Request{}, err
	}
	to, err := s.environment("--to", f.toEnv)
	if err != nil {
		return bump.Request{}, err
	}
	for _, arg := range args {
		if ref := image.Split(arg); ref.Tag != "" || ref.Digest != "" {
			return bump.Request{}, usageError{
				fmt.Sprintf("%s: promote takes the tag from %s, so name the image only", arg, f.fromEnv),
				"to write a given tag: tagbump update " + arg + " --env " + f.toEnv,
			}
		}
	}
	req := bump.Request{
		Branch: s.branch(f.toEnv), Files: to.Files, To: f.toEnv,
		PinDigest: f.pinDigest, OnStale: s.onStale(),
	}
	if req.Images, err = s.images(args); err != nil {
		return req, err
	}
	return s.complete(req, to)
}

// complete adds what all requests have: how the commit looks and where it goes.
func (s *session) complete(req bump.Request, environment config.Environment) (bump.Request, error) {
	var err error
	if req.Message, err = s.flags.commitMeta.template(); err != nil {
		return req, err
	}
	if req.Provenance, err = s.provenance(); err != nil {
		return req, err
	}
	if err := req.Check(); err != nil {
		return req, asUsage(err)
	}
	req.Publish, err = s.publish(environment)
	return req, err
}

// images are those that args name, else all of the project file.
func (s *session) images(args []string) ([]bump.Image, error) {
	optional := len(args) == 0
	if optional {
		args = s.config.ImageNames()
	}
	if len(args) == 0 {
		return nil, usageError{"no image is named, and " + s.lacks("images"), "tagbump update IMAGE[:TAG], or list it under images: in " + config.FileName}
	}
	var all []bump.Image
	for _, arg := range args {
		img, err := s.image(arg)
		if err != nil {
			return nil, err
		}
		img.Optional = optional
		all = append(all, img)
	}
	return all, nil
}

// image makes one argument, IMAGE[:TAG], with its policy.
func (s *session) image(arg string) (bump.Image, error) {
	ref, err := image.Parse(arg)
	if err != nil {
		return bump.Image{}, err
	}
	f := s.flags
	switch {
	case ref.Digest != "" && ref.Tag == "":
		return bump.Image{}, usageError{arg + ": a digest names no tag", "IMAGE:TAG@DIGEST checks that the tag points at the digest"}
	case ref.Tag != "" && f.tag != "" && ref.Tag != f.tag:
		return bump.Image{}, usageError{fmt.Sprintf("%s and --tag %s contradict each other", arg, f.tag), ""}
	case ref.Tag == "" && f.tag != "":
		ref.Tag = f.tag
	}
	if ref.Tag != "" {
		if err := image.CheckTag(ref.Tag); err != nil {
			return bump.Image{}, fmt.Errorf("--tag: %w", err)
		}
	}
	img := bump.Image{Repository: ref.Repository, Platforms: f.platforms, Revision: f.revision, Unverified: f.noVerify}
	configured, known := s.config.Image(ref.Repository)
	if len(img.Platforms) == 0 {
		img.Platforms = configured.Platforms
	}
	if img.Policy, err = s.policyOf(configured, known); err != nil {
		return img, fmt.Errorf("%s: %w", ref.Repository, err)
	}
	if img.Digest, err = s.digest(ref); err != nil {
		return img, err
	}
	if img.Source, err = s.source(img, ref.Tag); err != nil {
		return img, err
	}
	return img, asUsage(img.Check())
}

// source says where the tag of an image comes from; nil when nothing says.
func (s *session) source(img bump.Image, tag string) (bump.Source, error) {
	f := s.flags
	switch {
	case f.fromEnv != "":
		return bump.FromEnvironment{Name: f.fromEnv, Files: s.config.Environments[f.fromEnv].Files}, nil
	case f.newestOf > 0 && (tag != "" || f.revision != ""):
		return nil, usageError{fmt.Sprintf("--newest-of %d goes with --order newest, not with a given tag or commit", f.newestOf), ""}
	case tag != "":
		return bump.Given{Tag: tag, Wait: f.waitForTag}, nil
	case f.revision != "":
		return bump.ByRevision{Wait: f.waitForTag}, nil
	case f.waitForTag > 0:
		return nil, usageError{"--wait-for-tag: it is not known for which tag of " + img.Repository + " to wait", "give " + img.Repository + ":TAG, or --revision"}
	case img.Policy != nil:
		return bump.ByPolicy{NewestOf: f.newestOf}, nil
	}
	return nil, nil
}

// flagsOf says how the command line calls the fields of a request.
var flagsOf = map[bump.Field]struct{ flag, hint string }{
	bump.FieldSource:     {"", "give IMAGE:TAG, or --semver, or --match and --order, or list the image in " + config.FileName},
	bump.FieldPath:       {"--path: ", "run tagbump once for each image"},
	bump.FieldPinDigest:  {"--pin-digest with --no-verify: ", "give IMAGE:TAG@DIGEST, or leave out one of the flags"},
	bump.FieldNewestOf:   {"--newest-of: ", "give --order newest, or leave the flag out"},
	bump.FieldUnverified: {"--no-verify: ", "give IMAGE:TAG, or leave the flag out"},
}

// asUsage says which flag is meant by a field error of a request.
func asUsage(err error) error {
	wrong := new(bump.FieldError)
	if !errors.As(err, &wrong) {
		return err
	}
	known := flagsOf[wrong.Field]
	return usageError{known.flag + wrong.Error(), known.hint}
}

// digest is what the tag must point at: by the argument, or by --digest-file.
func (s *session) digest(ref image.Ref) (string, error) {
	if s.flags.digestFile == "" {
		return ref.Digest, nil
	}
	text, err := s.readFlag("--digest-file", s.flags.digestFile, smallfile.Text)
	if err != nil {
		return "", err
	}
	digest, err := digestIn(text)
	switch {
	case err != nil:
		return "", usageError{"--digest-file: " + s.flags.digestFile + ": " + err.Error(), "kaniko and buildah write it with --digest-file, docker buildx with --metadata-file"}
	case ref.Digest != "" && ref.Digest != digest:
		return "", usageError{fmt.Sprintf("%s and --digest-file (%s) contradict each other", ref, digest), ""}
	}
	return digest, nil
}

// errNoDigest leaves out what a file says: it may be a key that was named by mistake.
var errNoDigest = errors.New("the file does not hold a digest (sha256: and 64 hexadecimal digits)")

// digestIn reads what builders write: the digest alone, a reference that ends with
// it, or the metadata of docker buildx.
func digestIn(text []byte) (string, error) {
	var metadata struct {
		Digest string `json:"containerimage.digest"`
	}
	digest := strings.TrimSpace(string(text))
	if err := json.Unmarshal(text, &metadata); err == nil {
		digest = metadata.Digest
	}
	digest = digest[strings.LastIndexByte(digest, '@')+1:]
	if image.CheckDigest(digest) != nil {
		return "", errNoDigest
	}
	return digest, nil
}

// policyOf is the flags' policy if there is any, else the project file's.
func (s *session) policyOf(configured config.Image, known bool) (*policy.Policy, error) {
	p := s.flags.policy
	rule := policy.Rule{Semver: p.semver, Match: p.match, Extract: p.extract, Order: p.order}
	if !p.given() {
		rule = policy.Rule{Semver: configured.Semver, Match: configured.Match, Extract: configured.Extract, Order: configured.Order}
		if !known || rule == (policy.Rule{}) {
			return nil, nil
		}
	}
	made, err := policy.New(rule)
	if err != nil {
		return nil, usageError{err.Error(), ""}
	}
	return made, nil
}

func (s *session) environment(flag, name string) (config.Environment, error) {
	if name == "" {
		return config.Environment{}, nil
	}
	environment, known := s.config.Environments[name]
	if !known {
		hint := s.lacks("environments")
		if names := s.config.EnvironmentNames(); len(names) > 0 {
			hint = s.configFile + " has " + strings.Join(names, ", ")
		}
		return environment, usageError{fmt.Sprintf("%s: no environment %q", flag, name), hint}
	}
	return environment, nil
}

func (s *session) branch(environment string) string {
	if s.flags.branch != "" {
		return s.flags.branch
	}
	if named := s.config.Environments[environment].Branch; named != "" {
		return named
	}
	return s.config.Branch
}

func (s *session) onStale() bump.OnStale {
	return map[string]bump.OnStale{"skip": bump.Skip, "allow": bump.Allow}[s.flags.onStale]
}

// publish decides between the flags and the environment's own way.
func (s *session) publish(environment config.Environment) (bump.Publish, error) {
	f := s.flags
	propose := f.pr || environment.Publish == config.PullRequest
	switch {
	case f.pr && s.local:
		return 0, usageError{"--pr needs a remote repository, and " + s.where + " is a local folder", "give --repo URL"}
	case f.dryRun:
		return bump.Preview, nil
	case propose && !s.local:
		return bump.Propose, s.openForge()
	}
	return bump.Save, nil
}

// loadConfig reads the project file from the repository's root unless there was
// one here. That there is none is no error: what needs it will miss it by name.
func (s *session) loadConfig(ctx context.Context) error {
	if s.configFile != "" {
		return nil
	}
	tree, err := s.runner.Repo.Read(ctx, s.flags.branch, []string{config.FileName})
	if isNoFile(err) {
		return nil
	}
	if err != nil {
		return err
	}
	src, err := fs.ReadFile(tree, config.FileName)
	if err != nil {
		return err
	}
	return s.parseConfig(config.FileName+" of "+s.where, src)
}
