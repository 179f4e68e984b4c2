// Package plan works out what to change in a tree of files, and changes nothing.
//
// [Find] says where an image is written, [At] does so for an explicit path, and
// [Make] turns wanted references into a [Plan]: the bytes of each file before
// and after. A Plan is data: it can be printed as a diff, written, committed, or
// made again on a newer tree, where every target is located anew.
//
// It refuses what would leave the files wrong: a new tag beside an old digest,
// a tag that a template action computes, a key that now names another image.
// One trap: images are matched by their whole repository as registries mean it,
// never by a key's name or a prefix: acme/api is not acme/api-worker, and a
// `tag:` without its repository beside it is nobody's.
package plan

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// ErrNoTarget is in the chain of an error when the image, or the path given for
// it, is in none of the files.
var ErrNoTarget = errors.New("no such target")

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

// A Target is a place in a file where an image's tag or digest is written.
type Target struct {
	File    string        // its name in the tree, with slashes
	Path    yamledit.Path // of the value that is changed
	Form    Form
	Line    int       // 1-based, when it was found
	Doc     int       // 0-based number of the document in the file
	Current image.Ref // what stood there; fields that are not written are empty
}

// A Want says which image should stand at a target. Ref.Repository is the image
// whose target it is, Ref.Tag the new tag, and Ref.Digest the new digest or ""
// to write none. The file's own spelling of the repository is kept.
type Want struct {
	Target Target
	Ref    image.Ref
}

// A Change is one value that a plan changes.
type Change struct {
	Target   Target // as it stood in the tree that the plan was made for
	Old, New string // the whole value, decoded
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

// Empty reports whether there is nothing to change.
func (p *Plan) Empty() bool { return len(p.Files) == 0 }

// Make plans the changes after which every want's target holds its reference.
// A target that already does gives none. Targets are located by their path in
// fsys as it is now, so that wants found in an older tree can be planned anew. A
// target that is gone is an error that wraps [ErrNoTarget]; one that now holds
// another image, a stale digest, or a value that cannot be edited is an error
// too, and then there is no plan.
func Make(fsys fs.FS, wants []Want) (*Plan, error) {
	byFile := map[string][]Want{}
	for _, w := range wants {
		byFile[w.Target.File] = append(byFile[w.Target.File], w)
	}
	p := &Plan{}
	for _, name := range sortedKeys(byFile) {
		file, err := planFile(fsys, name, byFile[name])
		if err != nil {
			return nil, err
		}
		if len(file.Changes) > 0 {
			p.Files = append(p.Files, file)
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

func planFile(fsys fs.FS, name string, wants []Want) (File, error) {
	before, err := fs.ReadFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return File{}, &refusal{file: name, err: ErrNoTarget, why: "the file is not there"}
	}
	if err != nil {
		return File{}, err
	}
	text, err := yamledit.Parse(before)
	if err != nil {
		return File{}, inFile(name, err)
	}
	e := editor{file: name, text: text}
	for _, w := range wants {
		if err := e.add(w); err != nil {
			return File{}, inFile(name, err)
		}
	}
	after, err := text.Apply(e.edits...)
	if err != nil {
		return File{}, inFile(name, err)
	}
	slices.SortStableFunc(e.changes, func(a, b Change) int { return a.Target.Line - b.Target.Line })
	if bytes.Equal(before, after) {
		e.changes = nil
	}
	return File{Name: name, Before: before, After: after, Changes: e.changes}, nil
}

// An editor gathers one file's edits.
type editor struct {
	file    string
	text    *yamledit.Text
	edits   []yamledit.Edit
	changes []Change
}

func (e *editor) add(w Want) error {
	if err := checkWant(w.Ref); err != nil {
		return err
	}
	spots, err := locate(e.text, w)
	if err != nil {
		return err
	}
	for _, s := range spots {
		if err := e.change(s, w.Ref); err != nil {
			return err
		}
	}
	return nil
}

func checkWant(ref image.Ref) error {
	if ref.Tag == "" && ref.Digest == "" {
		return fmt.Errorf("%s: neither a tag nor a digest is wanted", ref.Repository)
	}
	if ref.Tag != "" {
		if err := image.CheckTag(ref.Tag); err != nil {
			return err
		}
	}
	if ref.Digest != "" {
		return image.CheckDigest(ref.Digest)
	}
	return nil
}

// locate finds the want's spots in the text as it is now: those at its path, in
// its document if the path is there, that hold the wanted image.
func locate(text *yamledit.Text, w Want) ([]spot, error) {
	nodes, err := text.Find(w.Target.Path)
	if err != nil {
		return nil, err
	}
	var here, elsewhere []spot
	var other spot
	for _, n := range nodes {
		if err := n.CheckKeys(); err != nil {
			return nil, err
		}
		s := spotAt(n, w.Ref.Repository)
		switch {
		case !s.names(w.Ref.Repository) && !s.names(w.Target.Current.Repository):
			other = s
		case n.Document() == w.Target.Doc:
			here = append(here, s)
		default:
			elsewhere = append(elsewhere, s)
		}
	}
	switch {
	case len(here) > 0:
		return here, nil
	case len(elsewhere) == 1:
		return elsewhere, nil
	case len(elsewhere) > 1:
		return nil, &yamledit.Error{
			Path: w.Target.Path, Err: yamledit.ErrNotFound,
			Why: fmt.Sprintf("is no longer in document %d, but in %d others", w.Target.Doc+1, len(elsewhere)),
		}
	}
	return nil, &yamledit.Error{
		Path: w.Target.Path, Line: other.value.Line(), Err: yamledit.ErrNotFound,
		Why: fmt.Sprintf("holds the image %q, not %q", other.ref.Repository, w.Ref.Repository),
	}
}

// change adds the edits after which the spot holds ref.
func (e *editor) change(s spot, ref image.Ref) error {
	if s.isStale(ref) {
		return s.staleDigest()
	}
	if err := e.replace(s, s.value, s.form, s.textFor(ref)); err != nil {
		return err
	}
	if s.digest == nil || ref.Digest == "" || s.digest == s.value {
		return nil
	}
	return e.replace(s, s.digest, FormDigest, digestText(s.digest, ref.Digest))
}

func (e *editor) replace(s spot, n *yamledit.Node, form Form, text string) error {
	scalar, err := n.Scalar()
	if err != nil {
		return err
	}
	if scalar.Holds(text) {
		return nil
	}
	edit, err := scalar.Replace(text)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(e.edits, func(other yamledit.Edit) bool {
		return other.Start == edit.Start && other.End == edit.End && other.New == edit.New
	}) {
		return nil // another want for the same value
	}
	e.edits = append(e.edits, edit)
	e.changes = append(e.changes, Change{
		Target: Target{File: e.file, Path: scalar.Path, Form: form, Line: scalar.Line, Doc: scalar.Doc, Current: s.ref},
		Old:    scalar.Value, New: text,
	})
	return nil
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
	return []error{r.err}
}
