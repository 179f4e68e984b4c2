package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// An editor gathers one file's edits.
type editor struct {
	file    *file
	wanted  []wanted
	edits   []yamledit.Edit
	written map[[2]int]string // the edits' texts, by start and end
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
	spots, err := e.locate(w)
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
func (e *editor) locate(w Want) ([]spot, error) {
	all, err := e.file.at(w.Target.Doc, w.Target.Path, w.Ref.Repository)
	if err == nil && !slices.ContainsFunc(all, func(s spot) bool { return s.isMeant(w) }) {
		all, err = spotsAt(e.file.text, w.Target.Path, w.Ref.Repository) // it may have moved to another document
	}
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
		return nil, other.computed(e.file)
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
		Target: Target{File: e.file.name, Path: scalar.Path, Form: form, Line: scalar.Line, Doc: scalar.Doc, Current: s.ref},
		Old:    old, New: text, Filled: s.isEmpty(form),
	})
}

// record keeps the edit with its changes, unless another want had the same; two
// that differ are refused.
func (e *editor) record(edit yamledit.Edit, changes ...Change) error {
	place := [2]int{edit.Start, edit.End}
	old, known := e.written[place]
	if known && old == edit.New {
		return nil
	}
	if target := changes[0].Target; known {
		return &yamledit.Error{Path: target.Path, Line: target.Line, Why: fmt.Sprintf("two different values are wanted, one of them %q", changes[0].New)}
	}
	if e.written == nil {
		e.written = map[[2]int]string{}
	}
	e.written[place] = edit.New
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
	if anchor == nil {
		return n.Scalar() // which refuses an alias
	}
	for _, user := range append(anchor.Aliases(), anchor) {
		if !user.Is(n) && !e.isWanted(user, s) && !isSharedBy(user, n, s.ref.Repository) && !(user.Is(anchor) && isDefinition(anchor)) {
			return n.Scalar() // which says why not
		}
	}
	return n.SharedScalar()
}

// isDefinition reports whether the anchored value is only a name for a tag that
// others use: x-version: &version v1.
func isDefinition(anchor *yamledit.Node) bool {
	key := anchor.Key()
	return len(spotsWith(anchor)) == 0 && (strings.HasPrefix(key, "x-") || strings.HasPrefix(key, ".") || strings.HasPrefix(key, "_") || hasWord(key, "tag", "version"))
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
	return !anchor.IsAlias() && slices.ContainsFunc(spotsWith(user), func(s spot) bool { return s.names(repository) })
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
			Target: Target{File: e.file.name, Path: scalar.Path.Parent().Child(entry.Key), Form: form, Line: scalar.Line, Doc: scalar.Doc, Current: s.ref},
			New:    entry.Value, Filled: true,
		}
	}
	return e.record(edit, changes...)
}
