package bump

import (
	"context"
	"io/fs"
	"slices"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/history"
	"github.com/tagbump/tagbump/pkg/plan"
)

// RecentCommits is how many commits a run looks through for a rollback of the tag that
// it is about to write. A Repo that brings so many along with the files saves the run a
// round trip.
const RecentCommits = 50

// A memory caches a scene's past.
type memory struct {
	commits []CommitInfo // the latest ones
	known   bool
	pasts   map[int]past // by how many commits were looked at
}

// recent returns the latest commits.
func (s scene) recent(ctx context.Context, r Runner) ([]CommitInfo, error) {
	if s.past.known {
		return s.past.commits, nil
	}
	commits, err := r.Repo.Log(ctx, s.revision(), nil, RecentCommits)
	if err == nil {
		s.past.commits, s.past.known = commits, true
	}
	return commits, err
}

func (s scene) revision() Revision { return Revision{s.Branch(), s.Tip()} }

// A past is what images had in the latest commits.
type past struct {
	History
	changes []history.Change
}

// pastOf reads what images had in the latest commits, in the files that have them now.
func (r Runner) pastOf(ctx context.Context, at scene, where place, images []Image, most int) (past, error) {
	if known, ok := at.past.pasts[most]; ok {
		return known, nil
	}
	byFile := map[string][]Image{}
	for _, img := range images {
		places, err := at.find(where, img)
		if isAbsent(err) {
			continue
		}
		if err != nil {
			return past{}, err
		}
		for _, target := range places.Targets {
			if here := byFile[target.File]; len(here) == 0 || here[len(here)-1].Repository != img.Repository {
				byFile[target.File] = append(here, img)
			}
		}
	}
	var names []string
	for name := range byFile {
		names = append(names, name)
	}
	slices.Sort(names)
	read, err := r.Repo.History(ctx, at.revision(), names, most)
	if err != nil {
		return past{}, err
	}
	p := past{History: read}
	for _, name := range names {
		p.changes = append(p.changes, at.changesOf(name, read, where, byFile[name])...)
	}
	if at.past.pasts == nil {
		at.past.pasts = map[int]past{}
	}
	at.past.pasts[most] = p
	return p, nil
}

// changesOf returns where the images in a file changed.
func (s scene) changesOf(name string, read History, where place, images []Image) []history.Change {
	versions := read.Files[name]
	values := make([][]history.Value, len(versions)) // by version and image
	for i, v := range versions {
		values[i] = s.valuesIn(name, v.Data, where, images)
	}
	var changes []history.Change
	for i, v := range versions {
		if v.Commit == len(read.Commits) {
			break
		}
		for n, img := range images {
			var before history.Value
			if i+1 < len(versions) {
				before = values[i+1][n]
			}
			if after := values[i][n]; after != before {
				changes = append(changes, history.Change{Commit: v.Commit, Image: img.Repository, File: name, Before: before, After: after})
			}
		}
	}
	return changes
}

// valuesIn returns what a version of a file has for each image: the zero Value where it
// has none, or cannot be read. The files beside it are taken as they are today.
func (s scene) valuesIn(name string, data []byte, where place, images []Image) []history.Value {
	values := make([]history.Value, len(images))
	if data == nil {
		return values
	}
	old, err := s.withFile(name, data)
	if err != nil {
		return values
	}
	for i, img := range images {
		places, err := old.find(place{where.environment, only(name), where.path}, img)
		if err != nil {
			continue
		}
		current := places.Targets[0].Current
		values[i] = history.Value{Tag: current.Tag, Digest: current.Digest}
	}
	return values
}

func only(name string) files.Selection { return files.MustSelect(files.Quote(name)) }

// withFile returns the scene of one file with another content, beside the files that
// help to understand it.
func (s scene) withFile(name string, data []byte) (scene, error) {
	globs := slices.Concat(plan.Context([]string{files.Quote(name)}), s.needs)
	for {
		selection, err := only(name).WithContext(globs...)
		if err != nil {
			return scene{}, err
		}
		tree, err := s.replaced(selection, name, data)
		if err != nil {
			return scene{}, err
		}
		index, err := plan.Scan(tree, plan.ScanOptions{Files: selection})
		if err != nil {
			return scene{}, err
		}
		more := slices.DeleteFunc(index.Needs(plan.FindOptions{Files: only(name)}), func(glob string) bool { return slices.Contains(globs, glob) })
		if len(more) == 0 {
			return scene{Tree: tree, index: index, needs: globs, past: new(memory)}, nil
		}
		globs = append(globs, more...)
	}
}

// replaced returns the selected files of the scene, one of them with another content.
func (s scene) replaced(selection files.Selection, name string, data []byte) (*files.Tree, error) {
	list := []files.File{{Path: name, Data: data}}
	err := fs.WalkDir(s.Tree, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir():
			if path != "." && !selection.MayHold(path) {
				return fs.SkipDir
			}
			return nil
		case path == name || !selection.Includes(path):
			return nil
		}
		content, err := fs.ReadFile(s.Tree, path)
		if err == nil {
			list = append(list, files.File{Path: path, Data: content})
		}
		return err
	})
	return files.NewTree(s.Branch(), s.Tip(), list), err
}
