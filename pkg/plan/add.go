package plan

import (
	"bytes"
	"fmt"
	"path"
	"strings"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// Addition returns the target of an entry that is missing in a kustomization's
// images. The files of opts must have one kustomization. A want for it with Add puts
// the entry in.
func (x *Index) Addition(repository string, opts FindOptions) (Target, error) {
	if err := image.CheckRepository(repository); err != nil {
		return Target{}, err
	}
	if opts.As != "" {
		repository = opts.As
	}
	var found []*file
	var names []string
	for _, f := range x.files {
		if opts.Files.Wants(f.name) && isKustomization(path.Base(f.name)) {
			found, names = append(found, f), append(names, f.name)
		}
	}
	switch len(found) {
	case 0:
		return Target{}, &refusal{file: repository, err: ErrNoTarget, why: "no kustomization to add it to is among the files"}
	case 1:
		entry := keypath.Path{}.Child("images").With(keypath.ItemNamed("name", repository)).Child("newTag")
		return Target{File: found[0].name, Path: entry, Form: FormTag}, nil
	}
	return Target{}, &refusal{file: repository, err: ErrNoTarget, why: "can be added to several kustomizations: " + strings.Join(names, ", ")}
}

// addEntry puts the entry that the want adds into the text of a kustomization. An
// entry that is there already is left as it is.
func (e *editor) addEntry(src []byte, w Want) ([]byte, error) {
	if err := checkWant(w.Ref); err != nil {
		return nil, err
	}
	text, err := yamledit.Parse(src)
	if err != nil {
		return nil, err
	}
	if err := text.Sealed(); err != nil {
		return nil, err
	}
	docs := text.Documents()
	if len(docs) > 1 || len(docs) == 1 && !docs[0].IsMapping() || text.IsTemplate() {
		return nil, &yamledit.Error{Why: "is not a kustomization: an entry cannot be added"}
	}
	steps := w.Target.Path.Steps()
	name := steps[len(steps)-2].Where[0].Value
	if nodes, err := text.Find(w.Target.Path.Parent()); err == nil && len(nodes) > 0 {
		return src, nil
	}
	var list *yamledit.Node
	if len(docs) == 1 {
		list = docs[0].Field("images")
	}
	offset, entry := len(src), entryText("", "images:\n", name, w.Ref)
	if list != nil {
		indent, end, ok := lastItem(src, list)
		if !ok {
			return nil, &yamledit.Error{Path: list.Path(), Line: list.Line(), Why: "is not a list with one entry per line", Help: "write the entry by hand"}
		}
		offset, entry = end, entryText(indent, "", name, w.Ref)
	}
	if offset > 0 && src[offset-1] != '\n' {
		entry = "\n" + strings.TrimSuffix(entry, "\n")
	}
	if bytes.Contains(src, []byte("\r\n")) {
		entry = strings.ReplaceAll(entry, "\n", "\r\n")
	}
	after := append(append(bytes.Clone(src[:offset]), entry...), src[offset:]...)
	if err := checkAdded(text, after, name); err != nil {
		return nil, err
	}
	target := w.Target
	target.Line = 1 + bytes.Count(src[:offset], []byte("\n"))
	e.changes = append(e.changes, Change{Target: target, New: w.Ref.Tag, Filled: true})
	return after, nil
}

// entryText is an entry of images, in the lines of its list.
func entryText(indent, head, name string, ref image.Ref) string {
	text := fmt.Sprintf("%s%s- name: %s\n", head, indent, name)
	if ref.Tag != "" {
		text += fmt.Sprintf("%s  newTag: %q\n", indent, ref.Tag)
	}
	if ref.Digest != "" {
		text += fmt.Sprintf("%s  digest: %s\n", indent, ref.Digest)
	}
	return text
}

// lastItem is where a block list ends, and its items' indentation.
func lastItem(src []byte, list *yamledit.Node) (indent string, end int, ok bool) {
	entries := list.Items()
	if len(entries) == 0 {
		return "", 0, false
	}
	lines := bytes.SplitAfter(src, []byte("\n"))
	first, last := entries[0].Line(), 0
	list.Walk(func(n *yamledit.Node) { last = max(last, n.Line()) })
	dash := bytes.IndexByte(lines[first-1], '-')
	if dash < 0 || strings.TrimSpace(string(lines[first-1][:dash])) != "" {
		return "", 0, false
	}
	for _, line := range lines[:last] {
		end += len(line)
	}
	return string(lines[first-1][:dash]), end, true
}

// checkAdded reads the new text and holds that every value is as before, and that
// the entry is there.
func checkAdded(before *yamledit.Text, after []byte, name string) error {
	text, err := yamledit.Parse(after)
	if err != nil {
		return err
	}
	entry := keypath.Path{}.Child("images").With(keypath.ItemNamed("name", name))
	if nodes, err := text.Find(entry); err != nil || len(nodes) != 1 {
		return &yamledit.Error{Path: entry, Why: "the new entry is not read back as one entry", Help: "write the entry by hand"}
	}
	values := leavesOf(text)
	for path, value := range leavesOf(before) {
		if values[path] != value {
			return &yamledit.Error{Why: path + " would change with the new entry", Help: "write the entry by hand"}
		}
	}
	return nil
}

// leavesOf are the text's values by their paths.
func leavesOf(text *yamledit.Text) map[string]string {
	leaves := map[string]string{}
	for _, root := range text.Documents() {
		root.Walk(func(n *yamledit.Node) {
			if !n.IsMapping() && !n.IsList() {
				leaves[n.Path().String()] = n.Value()
			}
		})
	}
	return leaves
}
