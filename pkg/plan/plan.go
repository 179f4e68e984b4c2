// Package plan says what to change in a tree of files, and changes nothing.
//
// [Scan] reads a tree, once. [Index.Find] says where an image is written and which
// places are left, [Index.At] does so for an explicit path, and [Index.Plan] turns
// wanted references into a [Plan]: the bytes of each file before and after. A Plan
// is data: it can be printed as a diff, written, committed, or made again on a newer
// tree, where every target is located anew.
//
// # Which places
//
// An image is recognised by its whole repository as registries mean it, with all
// parts that other keys hold: a registry, an owner, a name. acme/api is not
// acme/api-worker, a part of a name is never enough, and redis:6379 in a variable is
// a host. What has a repository and a tag and is no image (sources, charts, filters)
// is no place; neither is an object that names images and deploys none.
//
// A tag without a name beside it belongs to the image that the values below it name,
// as Helm and kustomize lay values over each other: a chart's values.yaml, a
// dependency's, the files that a helmfile, an Application or a HelmRelease lists
// before it, the object that a patch is for. No template is executed and no default
// computed. Of 224 such tags in 35 public repositories these rules name 165, and
// rendering showed none of them wrong.
//
// A tag whose key is missing is put in where that is unambiguous: beside the
// repository of an image that is deployed, or in a kustomization's entry; never in a
// template, below a tag that hides it, or beside a key that may be the tag.
//
// # What is refused
//
// A new tag beside an old digest; a tag that a template action computes or another
// tool puts in; one that a merge or a layer brings to another image, too; a key that
// now names another image; a file that SOPS signs. A place of the image that is not
// changed is either in such an error or in [Places].Left, with the reason.
//
// One trap: "not found" may mean that the files write the image in another way. The
// error lists the names and the tags without names that they have; see
// [FindOptions].As and [FindOptions].Paths.
package plan

import (
	"bytes"
	"errors"
	"slices"
	"sort"

	"github.com/tagbump/tagbump/pkg/diff"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// ErrNoTarget is in the chain of an error when the image, or the path given for
// it, is in none of the files.
var ErrNoTarget = fault.New(fault.NotFound, "no such target")

// ErrNoFile is in the chain of an error when no file at all is selected. It is an
// [ErrNoTarget].
var ErrNoFile = fault.Errorf(fault.NotFound, "no file is selected: %w", ErrNoTarget)

// A Form is how a target writes its image.
type Form int

// The forms of targets.
const (
	FormTag       Form = iota // a tag in its own key, the repository in another: tag: 1.2.3
	FormReference             // all in one value: image: nginx:1.2.3
	FormDigest                // a digest in its own key: digest: sha256:…
)

// String is "tag", "reference" or "digest".
func (f Form) String() string { return [...]string{"tag", "reference", "digest"}[f] }

// A Target is a place in a file where an image's tag or digest is written, or
// where the key for it is missing and can be put in.
type Target struct {
	File    string       // its name in the tree, with slashes
	Path    keypath.Path // of the value that is changed
	Form    Form
	Line    int       // 1-based, when it was found; the repository's where the key is missing
	Doc     int       // 0-based number of the document in the file
	Current image.Ref // what stood there; fields that are not written are empty
}

// A Want says which image should stand at a target. Ref.Repository is the image
// whose target it is, Ref.Tag the new tag, and Ref.Digest the new digest or ""
// to write none. The file's own spelling of the repository is kept.
type Want struct {
	Target Target
	Ref    image.Ref
	Add    bool // the target is an [Index.Addition]
}

// A Change is one value that a plan changes.
type Change struct {
	Target   Target // as it stood in the tree that the plan was made for
	Old, New string // the whole value, decoded; Old is "" where the key was missing
	Filled   bool   // no tag or digest stood there before, and perhaps not even its key
}

// A File is one file that a plan changes.
type File struct {
	Name          string
	Before, After []byte
	Changes       []Change // in the order of their lines
}

// A Plan is what to change in a tree: the files that change, sorted by name.
type Plan struct {
	Files []File
}

// Diff renders the plan as a unified diff that git apply takes.
func (p *Plan) Diff() []byte {
	files := make([]diff.File, len(p.Files))
	for i, f := range p.Files {
		files[i] = diff.File{Name: f.Name, Before: f.Before, After: f.After}
	}
	return diff.Unified(files...)
}

// Empty reports whether there is nothing to change.
func (p *Plan) Empty() bool { return len(p.Files) == 0 }

// Plan plans the changes after which every want's target holds its reference.
// A target that already does gives none. Targets are located by their path in the
// index, so that wants found in an older tree can be planned anew. A target that
// is gone is an error that wraps [ErrNoTarget]; one that now holds another image,
// a stale digest, or a value that cannot be edited is an error too, and then
// there is no plan.
func (x *Index) Plan(wants []Want) (*Plan, error) {
	byFile := map[string][]Want{}
	for _, w := range wants {
		byFile[w.Target.File] = append(byFile[w.Target.File], w)
	}
	p := &Plan{}
	for _, name := range sortedKeys(byFile) {
		changed, err := x.planFile(name, byFile[name])
		if err != nil {
			return nil, err
		}
		if len(changed.Changes) > 0 {
			p.Files = append(p.Files, changed)
		}
	}
	return p, nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func (x *Index) planFile(name string, wants []Want) (File, error) {
	f := x.byName[name]
	if f == nil {
		return File{}, &refusal{file: name, err: ErrNoTarget, why: "the file is not there"}
	}
	text := f.read()
	if text == nil {
		return File{}, inFile(name, f.err)
	}
	e := editor{file: f}
	if err := e.gather(slices.DeleteFunc(slices.Clone(wants), func(w Want) bool { return w.Add })); err != nil {
		return File{}, inFile(name, err)
	}
	after, err := text.Apply(e.edits...)
	if err != nil {
		return File{}, inFile(name, err)
	}
	for _, w := range wants {
		if !w.Add {
			continue
		}
		if after, err = e.addEntry(after, w); err != nil {
			return File{}, inFile(name, err)
		}
	}
	sortByLine(e.changes)
	if bytes.Equal(f.src, after) {
		e.changes = nil
	}
	return File{Name: name, Before: f.src, After: after, Changes: e.changes}, nil
}

// sortByLine sorts the changes of one file.
func sortByLine(changes []Change) {
	sort.SliceStable(changes, func(i, j int) bool { return changes[i].Target.Line < changes[j].Target.Line })
}

// A refusal is an error in one file.
type refusal struct {
	file string
	why  string // instead of err's text, or ""
	err  error
}

// inFile puts the file's name before err, and marks what is not there.
func inFile(file string, err error) error { return &refusal{file: file, err: err} }

func (r *refusal) Error() string {
	if r.why != "" {
		return r.file + ": " + r.why
	}
	return r.file + ": " + r.err.Error()
}

func (r *refusal) Unwrap() []error {
	if errors.Is(r.err, yamledit.ErrNotFound) {
		return []error{r.err, ErrNoTarget}
	}
	if errors.Is(r.err, yamledit.ErrNoValue) {
		return []error{r.err, fault.Usage}
	}
	return []error{r.err}
}
