package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/textedit"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// An Assignment gives the value at one path a new text, whatever the value is for.
type Assignment struct {
	File  string
	Path  keypath.Path
	Value string
}

// Assign returns p with further values changed, and these changes. Each path must
// lead to one value that is written in the file; a key is never added. Values that
// p changes already are refused. The edits are as careful as those of [Index.Plan]:
// every other byte stays.
func (x *Index) Assign(p *Plan, assignments []Assignment) (*Plan, []Change, error) {
	byFile := map[string][]Assignment{}
	for _, a := range assignments {
		byFile[a.File] = append(byFile[a.File], a)
	}
	made := &Plan{Files: slices.Clone(p.Files)}
	var all []Change
	for _, name := range sortedKeys(byFile) {
		before := made.file(name)
		if before.Name == "" && x.byName[name] == nil {
			return nil, nil, &refusal{file: name, err: ErrNoTarget, why: "the file is not there"}
		}
		if before.Name == "" {
			src := x.byName[name].src
			before = File{Name: name, Before: src, After: src}
		}
		file, changes, err := assignIn(before, byFile[name])
		if err != nil {
			return nil, nil, inFile(name, err)
		}
		if len(changes) > 0 {
			made.put(file)
			all = append(all, changes...)
		}
	}
	return made, all, nil
}

// file returns the plan's change of a file, zero if it does not change it.
func (p *Plan) file(name string) File {
	if i := slices.IndexFunc(p.Files, func(f File) bool { return f.Name == name }); i >= 0 {
		return p.Files[i]
	}
	return File{}
}

// put adds a file, or replaces the one of that name.
func (p *Plan) put(file File) {
	i, found := slices.BinarySearchFunc(p.Files, file.Name, func(f File, name string) int { return strings.Compare(f.Name, name) })
	if found {
		p.Files[i] = file
		return
	}
	p.Files = slices.Insert(p.Files, i, file)
}

// assignIn changes further values of a file.
func assignIn(file File, assignments []Assignment) (File, []Change, error) {
	text, err := textedit.Open(file.Name, file.After)
	if err == nil {
		err = text.Sealed()
	}
	if err != nil {
		return File{}, nil, err
	}
	var edits []yamledit.Edit
	var changes []Change
	for _, a := range assignments {
		node, err := oneNode(text, a.Path)
		if err != nil {
			return File{}, nil, err
		}
		if changesNode(text, slices.Concat(file.Changes, changes), node) {
			return File{}, nil, fault.Errorf(fault.Usage, "%s: line %d: is changed twice", a.Path, node.Line())
		}
		value, err := node.Scalar()
		if err != nil {
			return File{}, nil, err
		}
		target := Target{File: file.Name, Path: a.Path, Form: FormTag, Line: value.Line, Doc: value.Doc}
		if value.Holds(a.Value) {
			continue
		}
		edit, err := value.Replace(a.Value)
		if err != nil {
			return File{}, nil, err
		}
		edits = append(edits, edit)
		changes = append(changes, Change{Target: target, Old: value.Value, New: a.Value})
	}
	if file.After, err = text.Apply(edits...); err != nil {
		return File{}, nil, err
	}
	file.Changes = slices.Concat(file.Changes, changes)
	sortByLine(file.Changes)
	return file, changes, nil
}

// changesNode reports whether one of changes is of the value node.
func changesNode(text *yamledit.Text, changes []Change, node *yamledit.Node) bool {
	return slices.ContainsFunc(changes, func(c Change) bool {
		nodes, err := text.FindIn(c.Target.Doc, c.Target.Path)
		return err == nil && slices.ContainsFunc(nodes, node.Is)
	})
}

// oneNode returns the one value that path leads to.
func oneNode(text *yamledit.Text, path keypath.Path) (*yamledit.Node, error) {
	nodes, err := text.Find(path)
	switch {
	case err != nil:
		return nil, err
	case len(nodes) == 0:
		return nil, &refusal{file: path.String(), err: ErrNoTarget, why: "not found, and a key is never added"}
	case len(nodes) > 1:
		return nil, fault.Errorf(fault.Usage, "%s: is written %d times, in lines %s", path, len(nodes), lineNumbers(nodes))
	}
	return nodes[0], nil
}

func lineNumbers(nodes []*yamledit.Node) string {
	lines := make([]string, len(nodes))
	for i, node := range nodes {
		lines[i] = fmt.Sprint(node.Line())
	}
	return strings.Join(lines, ", ")
}
