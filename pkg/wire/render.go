package wire

import (
	"context"
	"io/fs"
	"slices"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/render"
)

// Prove returns a proof of plans by rendering, for [bump.Runner]. It passes what
// was rendered to show, also when the proof fails. In a folder it also renders
// the charts and kustomizations that use the changed ones; in a remote
// repository that would mean to read all of it.
func (r *Repository) Prove(show func([]render.Unit)) bump.Prove {
	scope := render.Around
	if _, local := r.Repo.(folder); local {
		scope = render.Everywhere
	}
	return func(ctx context.Context, base bump.Tree, p *plan.Plan, replaced []bump.Replacement) error {
		var changed []string
		contents := map[string][]byte{}
		for _, file := range p.Files {
			changed = append(changed, file.Name)
			contents[file.Name] = file.After
		}
		before, err := render.Gather(ctx, r.reader(base, changed), changed, scope)
		if err != nil {
			return err
		}
		wants := make([]render.Want, len(replaced))
		for i, one := range replaced {
			wants[i] = render.Want{Old: one.Old, New: one.New}
		}
		units, err := render.Check(ctx, before, render.With(before, contents), changed, wants, render.Options{})
		show(units)
		return err
	}
}

// reader reads more files of the commit that a tree is of.
func (r *Repository) reader(base bump.Tree, changed []string) func(context.Context, []string) (fs.FS, error) {
	at := bump.Revision{Branch: base.Branch(), Commit: base.Tip()}
	quoted := slices.Clone(changed)
	for i, name := range quoted {
		quoted[i] = files.Quote(name)
	}
	return func(ctx context.Context, globs []string) (fs.FS, error) {
		selection, err := files.Select(quoted...)
		if err == nil {
			selection, err = selection.WithContext(globs...)
		}
		if err != nil {
			return nil, err
		}
		return r.Repo.Read(ctx, at, selection)
	}
}
