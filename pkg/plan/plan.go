// Package plan works out what to change in a tree of files, and changes nothing.
//
// [Find] says where an image is written, [At] does so for an explicit path, and
// [Make] turns wanted references into a [Plan]: the bytes of each file before
// and after. A Plan is data: it can be printed as a diff, written, committed, or
// made again on a newer tree, where every target is located anew.
//
// A tag whose key is missing is put in where that is unambiguous: beside the
// repository of an image or in a kustomization's entry, never in a template. An
// anchored value is changed when all that share it are the wanted image's.
//
// It refuses what would leave the files wrong: a new tag beside an old digest,
// a tag that a template action computes, one that a merge brings to another image
// too, a key that now names another image. One trap: images are matched by their
// whole repository as registries mean it, never by a key's name or a prefix:
// acme/api is not acme/api-worker, redis:6379 in a variable is a host, and a
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

// A Target is a place in a file where an image's tag or digest is written, or
// where the key for it is missing and can be put in.
type Target struct {
	File    string        // its name in the tree, with slashes
	Path    yamledit.Path // of the value that is changed
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
	text, err := parse(before)
	if err != nil {
		return File{}, inFile(name, err)
	}
	e := editor{file: name, text: text}
	if err := e.gather(wants); err != nil {
		return File{}, inFile(name, err)
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

// parse reads the text as Find does.
func parse(src []byte) (*yamledit.Text, error) {
	text, err := yamledit.Parse(src)
	if err == nil {
		return text, nil
	}
	if byLine, lineErr := yamledit.ParseLines(src); lineErr == nil {
		return byLine, nil
	}
	return nil, err
}

// An editor gathers one file's edits.
type editor struct {
	file    string
	text    *yamledit.Text
	wanted  []wanted
	edits   []yamledit.Edit
	changes []Change
}

// wanted is a spot and what it should hold.
type wanted struct {
	spot spot
	ref  image.Ref
}

// gather makes the edits for all wants.
func (e *editor) gather(wants []Want) error {
	for _, w := range wants {
		if err := e.add(w); err != nil {
			return err
		}
	}
	for _, w := range e.wanted {
		if err := e.change(w.spot, w.ref); err != nil {
			return err
		}
	}
	return nil
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
		e.wanted = append(e.wanted, wanted{s, w.Ref})
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
	all, err := spotsAtPath(text, w.Target.Path, w.Ref.Repository)
	if err != nil {
		return nil, err
	}
	var here, elsewhere []spot
	var other spot
	for _, s := range all {
		switch {
		case !s.isMeant(w):
			other = s
		case s.value.Document() == w.Target.Doc:
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
	case other.computedTag() != "" && other.names(w.Ref.Repository):
		return nil, other.computed("give the values file with --file")
	}
	return nil, &yamledit.Error{
		Path: w.Target.Path, Line: other.value.Line(), Err: yamledit.ErrNotFound,
		Why: fmt.Sprintf("holds the image %q, not %q", other.ref.Repository, w.Ref.Repository),
	}
}

// isMeant reports whether the spot is the want's, and has a tag to write. In a
// template, branches with a computed and a literal tag can have one path.
func (s spot) isMeant(w Want) bool {
	switch {
	case s.computedTag() != "":
		return false
	case s.isNameless():
		return s.ref.Repository == w.Target.Current.Repository
	case s.isPattern():
		return s.ref == w.Target.Current // a path was given for it
	}
	return s.names(w.Ref.Repository) || s.names(w.Target.Current.Repository)
}

// spotsAtPath lists the spots at the path, in all documents. Where its last key
// is missing, that is the spot to put it in.
func spotsAtPath(text *yamledit.Text, path yamledit.Path, repository string) ([]spot, error) {
	spots := missingAt(text, path, repository)
	nodes, err := text.Find(path)
	if err != nil && len(spots) == 0 {
		return nil, err
	}
	var refused error // where the path leads to no single value in some documents
	for _, n := range nodes {
		if n.IsMapping() || n.IsList() {
			_, refused = n.Scalar()
			continue
		}
		if err := n.CheckKeys(); err != nil {
			return nil, err
		}
		spots = append(spots, spotsAt(n, repository)...)
	}
	if len(spots) == 0 {
		return nil, refused
	}
	return spots, nil
}

func missingAt(text *yamledit.Text, path yamledit.Path, repository string) []spot {
	if path.Key() == "" {
		return nil
	}
	mappings, err := text.Find(path.Parent())
	if err != nil {
		return nil
	}
	var spots []spot
	for _, mapping := range mappings {
		spots = append(spots, fillsAt(mapping, path.Key())...)
	}
	return slices.DeleteFunc(spots, func(s spot) bool { return !s.names(repository) })
}

// change adds the edits after which the spot holds ref.
func (e *editor) change(s spot, ref image.Ref) error {
	if s.isStale(ref) {
		return s.staleDigest()
	}
	if err := checkMerges(s); err != nil {
		return err
	}
	if s.fill != "" {
		return e.insert(s, ref)
	}
	if s.isOwnDigest(ref) {
		return e.insertDigest(s, ref)
	}
	if err := e.replace(s, s.value, s.form, s.textFor(ref)); err != nil {
		return err
	}
	return e.pin(s, ref)
}

// pin writes the digest into its own key, if there is one and one is wanted.
func (e *editor) pin(s spot, ref image.Ref) error {
	if s.digest == nil || ref.Digest == "" || s.digest == s.value {
		return nil
	}
	return e.replace(s, s.digest, FormDigest, digestText(s.digest, ref.Digest))
}

// checkMerges refuses a tag that << also brings to another image.
func checkMerges(s spot) error {
	up := s.value.Parent()
	if s.form != FormTag || up == nil || !up.IsMapping() {
		return nil
	}
	for _, user := range up.MergedInto() {
		if user.Field(s.value.Key()) != nil {
			continue
		}
		for _, key := range []string{"repository", "image", "imageName", "name", "newName", "registry"} {
			mine, own := up.Field(key), user.Field(key)
			if own != nil && mine != nil && mine.Value() != own.Value() {
				return &yamledit.Error{
					Path: s.value.Path(), Line: s.value.Line(),
					Why:  fmt.Sprintf("is merged (<<) into another image at line %d", own.Line()),
					Help: "write that image's own tag there",
				}
			}
		}
	}
	return nil
}

func (e *editor) replace(s spot, n *yamledit.Node, form Form, text string) error {
	scalar, err := e.scalar(s, n)
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
	old := scalar.Value
	if n.Value() == "" {
		old = "" // null, in one of its spellings
	}
	return e.record(edit, Change{
		Target: Target{File: e.file, Path: scalar.Path, Form: form, Line: scalar.Line, Doc: scalar.Doc, Current: s.ref},
		Old:    old, New: text, Filled: s.isEmpty(form),
	})
}

// isEmpty reports whether the spot had nothing of what the form says.
func (s spot) isEmpty(form Form) bool {
	return s.ref.Digest == "" && (form == FormDigest || s.ref.Tag == "")
}

// record keeps the edit with its changes, unless another want had the same; two
// that differ are refused.
func (e *editor) record(edit yamledit.Edit, changes ...Change) error {
	at := slices.IndexFunc(e.edits, func(other yamledit.Edit) bool { return other.Start == edit.Start && other.End == edit.End })
	if at >= 0 && e.edits[at].New == edit.New {
		return nil
	}
	if target := changes[0].Target; at >= 0 {
		return &yamledit.Error{Path: target.Path, Line: target.Line, Why: fmt.Sprintf("two different values are wanted, one of them %q", changes[0].New)}
	}
	e.edits = append(e.edits, edit)
	e.changes = append(e.changes, changes...)
	return nil
}

// scalar is the value to replace. One that aliases share can be replaced when
// each of its users wants the same.
func (e *editor) scalar(s spot, n *yamledit.Node) (yamledit.Scalar, error) {
	if s.literal != nil && n.Is(s.value) {
		return *s.literal, nil
	}
	anchor := n
	if n.IsAlias() {
		anchor = n.Anchor()
	}
	for _, user := range append(anchor.Aliases(), anchor) {
		if !user.Is(n) && !e.isWanted(user, s) && !isSharedBy(user, n, s.ref.Repository) {
			return n.Scalar() // which says why not
		}
	}
	return n.SharedScalar()
}

// isWanted reports whether n shall read the same as the spot.
func (e *editor) isWanted(n *yamledit.Node, s spot) bool {
	var want image.Ref
	for _, w := range e.wanted {
		if w.spot.value.Is(s.value) {
			want = w.ref
		}
	}
	return slices.ContainsFunc(e.wanted, func(w wanted) bool {
		same := w.ref.Tag == want.Tag && w.ref.Digest == want.Digest
		return same && w.spot.fill == "" && (w.spot.value.Is(n) || w.spot.digest != nil && w.spot.digest.Is(n))
	})
}

// isSharedBy reports whether the alias user is the same image's, so that the
// anchor's value, which a path named, may change for both.
func isSharedBy(user, anchor *yamledit.Node, repository string) bool {
	return !anchor.IsAlias() && slices.ContainsFunc(knownSpots(user), func(s spot) bool { return s.names(repository) })
}

// insert puts the missing key in.
func (e *editor) insert(s spot, ref image.Ref) error {
	if err := s.value.CheckKeys(); err != nil {
		return err
	}
	scalar, err := s.value.Scalar()
	if err != nil {
		return err
	}
	entries := []yamledit.Entry{{Key: s.fill, Value: s.textFor(ref)}}
	if s.fill == "newTag" && ref.Digest != "" && s.digest == nil {
		entries = []yamledit.Entry{{Key: s.fill, Value: ref.Tag}, {Key: "digest", Value: ref.Digest}}
	}
	if err := e.insertBehind(s, scalar, entries...); err != nil {
		return err
	}
	return e.pin(s, ref)
}

// isOwnDigest reports whether the digest gets a key of its own: kustomize has
// one for it, and newTag is for a tag.
func (s spot) isOwnDigest(ref image.Ref) bool {
	return ref.Digest != "" && s.digest == nil && s.ref.Digest == "" && s.form == FormTag && s.value.Key() == "newTag" && s.value.IsScalar()
}

func (e *editor) insertDigest(s spot, ref image.Ref) error {
	if err := e.replace(s, s.value, FormTag, ref.Tag); err != nil {
		return err
	}
	scalar, err := s.value.Scalar()
	if err != nil {
		return err
	}
	return e.insertBehind(s, scalar, yamledit.Entry{Key: "digest", Value: ref.Digest})
}

func (e *editor) insertBehind(s spot, scalar yamledit.Scalar, entries ...yamledit.Entry) error {
	edit, err := scalar.InsertBehind(entries...)
	if err != nil {
		return err
	}
	changes := make([]Change, len(entries))
	for i, entry := range entries {
		form := FormTag
		if entry.Key == "digest" {
			form = FormDigest
		}
		changes[i] = Change{
			Target: Target{File: e.file, Path: scalar.Path.Parent().Child(entry.Key), Form: form, Line: scalar.Line, Doc: scalar.Doc, Current: s.ref},
			New:    entry.Value, Filled: true,
		}
	}
	return e.record(edit, changes...)
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
