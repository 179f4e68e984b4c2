package plan

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
	"github.com/tagbump/tagbump/pkg/internal/suggest"
	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// At lists the values at path, as targets of the repository. A value with a / or :
// is a whole reference and must name the repository; anything else is a bare tag.
// Files without the path are passed over; when no file has it, the error wraps
// [ErrNoTarget]. A value that was never a tag is an error, which names the right
// path where the keys beside tell it.
func (x *Index) At(path keypath.Path, repository string, opts FindOptions) ([]Target, error) {
	if err := image.CheckRepository(repository); err != nil {
		return nil, err
	}
	if opts.As != "" {
		repository = opts.As
	}
	var targets []Target
	var missing error // why the last file has no such value
	searched := 0
	for _, f := range x.files {
		if !opts.Files.Wants(f.name) {
			continue
		}
		searched++
		if searched > 1 && !bytes.Contains(f.src, []byte(path.Key())) {
			continue
		}
		found, err := f.targetsAt(path, repository)
		if errors.Is(err, yamledit.ErrNotFound) {
			missing = err
			continue
		}
		if err != nil {
			return nil, err
		}
		targets = append(targets, found...)
	}
	switch {
	case len(targets) > 0:
		return targets, nil
	case searched == 1:
		return nil, missing
	}
	return nil, &noPath{path, searched, missing}
}

// A noPath error says that none of several files has the path.
type noPath struct {
	path  keypath.Path
	files int
	last  error // of the last file
}

func (e *noPath) Error() string {
	return fmt.Sprintf("%s: %s", e.path, notFoundIn(e.files))
}

func (e *noPath) Hint() string {
	if e.files == 0 {
		return nothingSelectedHint
	}
	if near := fault.HintOf(e.last); near != "" {
		return near
	}
	return "check --path and --file"
}

func (e *noPath) Unwrap() error { return noTargetIn(e.files) }

func (f *file) targetsAt(path keypath.Path, repository string) ([]Target, error) {
	text, err := f.whole()
	if err != nil {
		return nil, err
	}
	spots, err := spotsAt(text, path, repository)
	if err != nil {
		return nil, inFile(f.name, err)
	}
	var targets []Target
	var refused error
	for _, s := range spots {
		if err := s.checkNamed(f, repository); err != nil {
			refused = inFile(f.name, err)
			continue
		}
		targets = append(targets, s.target(f.name))
	}
	if len(targets) == 0 || refused != nil && !text.IsTemplate() {
		return nil, refused
	}
	return targets, nil
}

// spotsAt lists the spots at the path, in all documents. Where its last key is
// missing, that is the spot to put it in.
func spotsAt(text *yamledit.Text, path keypath.Path, repository string) ([]spot, error) {
	spots := missingAt(text, path, repository)
	nodes, err := text.Find(path)
	if err != nil && len(spots) == 0 {
		return nil, err
	}
	var refused error // where the path leads to no single value in some documents
	for _, n := range nodes {
		if n.IsMapping() || n.IsList() {
			refused = notAValue(n, repository)
			continue
		}
		if err := n.CheckKeys(); err != nil {
			return nil, err
		}
		spots = append(spots, spotsOfValue(n, repository)...)
	}
	if len(spots) == 0 {
		return nil, refused
	}
	return spots, nil
}

// notAValue refuses a mapping or a list. Its hint names the tags below n that are
// the repository's; where none is, those that look like a tag.
func notAValue(n *yamledit.Node, repository string) error {
	var named, likely []string
	n.Walk(func(node *yamledit.Node) {
		for _, s := range spotsOf(node) {
			if path := s.path().String(); s.names(repository) && !slices.Contains(named, path) {
				named = append(named, path)
			}
		}
		if !node.IsMapping() && !node.IsList() && mayBeTag(node) {
			likely = append(likely, node.Path().String())
		}
	})
	_, err := n.Scalar()
	if refused := new(yamledit.Error); errors.As(err, &refused) && errors.Is(err, yamledit.ErrNoValue) {
		switch {
		case len(named) == 1:
			refused.Help = "--path " + quoteArgument(named[0])
		case len(named) > 1:
			refused.Help = repository + " is at " + suggest.List(named, maxWritten)
		case len(likely) > 0:
			refused.Help = "give the path of a value in it, such as " + suggest.List(likely, maxWritten)
		}
	}
	return err
}

// missingAt lists the places of the path's last key where it is missing.
func missingAt(text *yamledit.Text, path keypath.Path, repository string) []spot {
	if path.Key() == "" {
		return nil
	}
	mappings, err := text.Find(path.Parent())
	if err != nil {
		return nil
	}
	var spots []spot
	for _, n := range mappings {
		spots = append(spots, spotsOf(n)...)
	}
	return slices.DeleteFunc(spots, func(s spot) bool { return s.fill != path.Key() || !s.names(repository) })
}

// spotsOfValue lists the spots whose tag or digest n holds; more than one where a
// template action has several fallbacks. Where no repository belongs to n, its own
// text decides: a whole reference, or a tag of repository.
func spotsOfValue(n *yamledit.Node, repository string) []spot {
	if spots := spotsWith(n); len(spots) > 0 {
		return spots
	}
	if text := n.Value(); isReference(text, repository) && !isPlaceholder(text) {
		return referenceSpot(n).fallbacks()
	}
	s := spot{form: FormTag, value: n, ref: image.Ref{Repository: repository}}
	return s.withTag(n).fallbacks()
}

// spotsWith lists the spots whose value is n.
func spotsWith(n *yamledit.Node) []spot {
	return slices.DeleteFunc(spotsBeside(n), func(s spot) bool { return s.fill != "" || !s.value.Is(n) })
}

// spotsBeside lists the spots of n's mapping or list and, since a parameter's
// repository is in another item, of the list that the mapping belongs to.
func spotsBeside(n *yamledit.Node) []spot {
	up := n.Parent()
	if up == nil {
		return nil
	}
	all := spotsOf(up)
	if list := up.Parent(); list != nil && list.IsList() {
		all = append(all, spotsOf(list)...)
	}
	return all
}

// checkNamed refuses a spot at a given path whose tag is not the repository's, or
// no tag at all.
func (s spot) checkNamed(f *file, repository string) error {
	n := s.value
	right := rightPath(n, repository)
	switch {
	case s.fill != "":
		return nil
	case s.computedTag() != "" && (isPlaceholder(s.computedTag()) || len(spotsWith(n)) > 0):
		return s.computed(f)
	case right != "" && (len(spotsWith(n)) == 0 || s.isPartAlone() || s.form == FormDigest):
		return s.refuse(fmt.Sprintf("is not the tag of %s; that is %s", repository, right), "--path "+quoteArgument(right))
	case !mayBeTag(n) && len(spotsWith(n)) == 0:
		return s.refuse("does not look like a tag: "+describeValue(n), "check --path: it must lead to the image's tag")
	case !s.names(repository) && !s.isNameless():
		return s.refuse(fmt.Sprintf("holds the image %q, not %q", s.ref.Repository, repository), "check --path, or the image's name")
	}
	return nil
}

// refuse says why the spot at a given path is not a target.
func (s spot) refuse(why, help string) error {
	return &yamledit.Error{Path: s.value.Path(), Line: s.value.Line(), Err: ErrNoTarget, Why: why, Help: help}
}

// isPartAlone reports whether the spot is a name without a tag, under a key that
// holds names only.
func (s spot) isPartAlone() bool {
	_, role := roleOf(keypath.Plain(s.value.Key()))
	return s.form == FormReference && s.ref.Tag == "" && s.ref.Digest == "" && role != imageRole && role != looseRole && !s.isOverride
}

// rightPath is the path of the repository's tag, when n is another member of the
// mapping that holds it; else "".
func rightPath(n *yamledit.Node, repository string) string {
	if hasWord(n.Key(), "tag", "version", "digest", "sha") && !plainIs(n.Key(), "digest", "sha", "imagedigest") {
		return ""
	}
	for _, s := range spotsBeside(n) {
		if s.names(repository) && !s.value.Is(n) || s.names(repository) && s.fill != "" {
			return s.path().String()
		}
	}
	return ""
}

func plainIs(key string, keys ...string) bool { return slices.Contains(keys, keypath.Plain(key)) }

var (
	versionPattern = lazyregexp.New(`^v?\d+\.\d+|\d.*[._-]|[._-].*\d|^[0-9a-f]{7,64}$|^v\d+$`)
	integerPattern = lazyregexp.New(`^-?\d+$`)
)

// mayBeTag reports whether the value at a given path may have been a tag before:
// by its key, else by its text.
func mayBeTag(n *yamledit.Node) bool {
	value, key := n.Value(), n.Key()
	if plainIs(key, "value", "default", "newvalue") || key == "" {
		if name := n.Parent().Field("name"); name != nil {
			key = name.Value()
		}
	}
	switch {
	case hasWord(key, "registry", "repository", "repo", "pullpolicy", "policy", "name", "namespace", "replicas", "port", "host", "url", "kind", "enabled", "apiversion") || plainIs(key, "apiversion", "kubeversion"):
		return false
	case value == "true" || value == "false" || isAddress(value) || strings.ContainsAny(value, " \t"):
		return false
	case hasWord(key, "tag", "version", "image", "digest", "revision", "release", "build", "sha", "commit", "ref", "hash"):
		return true
	case strings.Contains(value, "/"):
		return saysImage(key) || image.Split(value).Tag != "" || strings.Contains(value, "@")
	}
	return value == "" || versionPattern.MatchString(value) && !integerPattern.MatchString(value) || slices.Contains(floatingTags, value)
}

// floatingTags are tags that are words.
var floatingTags = []string{"latest", "main", "master", "dev", "develop", "stable", "edge", "nightly", "canary", "production", "prod", "staging", "test"}

// describeValue quotes a short value; a long one may hold anything.
func describeValue(n *yamledit.Node) string {
	if value := n.Value(); len(value) <= 40 {
		return fmt.Sprintf("%q", value)
	}
	return "it is long"
}

// quoteArgument quotes what a shell would change.
func quoteArgument(text string) string {
	if strings.ContainsAny(text, ` "'*[]|$&;()<>?!`) {
		return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
	}
	return text
}
