package cli

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/internal/suggest"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/safetext"
)

// nearTime is how long a run that has failed may look for the nearest name. Tests give
// it more, as they run on busy machines.
var nearTime = 3 * time.Second

// withNear gives an error about a tag, a branch or a file that does not exist a hint
// at one that does. Only a run that has failed pays for the question.
func (j *job) withNear(ctx context.Context, globs []string, images []bump.Image, err error) error {
	if errors.Is(err, plan.ErrNoFile) || errors.Is(err, files.ErrMissing) {
		if hint := wrongGlob(globs); hint != "" {
			return hinted(err, hint)
		}
	}
	if fault.KindOf(err) != fault.NotFound || fault.HintOf(err) != "" || ctx.Err() != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, nearTime)
	defer cancel()
	hint := ""
	if errors.Is(err, files.ErrMissing) {
		hint = j.nearFile(ctx, globs)
	} else if hint = j.nearBranch(ctx); hint == "" {
		hint = nearTag(ctx, j.runner.Registry, images)
	}
	return hinted(err, hint)
}

// wrongGlob says how the first glob is written that another tool would understand, or "".
func wrongGlob(globs []string) string {
	for _, glob := range globs {
		switch {
		case strings.Contains(glob, `\`) && !strings.Contains(glob, "/"):
			return "folders are parted by /: --file '" + strings.ReplaceAll(glob, `\`, "/") + "'"
		case strings.Contains(glob, ",") && !strings.Contains(glob, "{"):
			return "give --file once for each file"
		case path.Ext(glob) == "" && !strings.Contains(glob, "*"):
			return "for all files of a folder: --file '" + strings.TrimSuffix(glob, "/") + "/**'"
		}
	}
	return ""
}

// hinted returns err with a hint, if there is one.
func hinted(err error, hint string) error {
	if hint == "" {
		return err
	}
	return fault.Errorf(fault.KindOf(err), "%w", err).WithHint("%s", hint)
}

// nearTag names, for the first image whose given tag the registry does not have, the
// nearest one that it has.
func nearTag(ctx context.Context, registry bump.Registry, images []bump.Image) string {
	for _, img := range images {
		given, is := img.Source.(bump.Given)
		if !is || img.Unverified {
			continue
		}
		tags, err := registry.TagsWithPrefix(ctx, img.Repository, "")
		if err != nil {
			return ""
		}
		tags = slices.DeleteFunc(tags, func(tag string) bool { return image.CheckTag(tag) != nil })
		if slices.Contains(tags, given.Tag) || len(tags) == 0 {
			continue
		}
		if near := suggest.Nearest(given.Tag, tags); near != "" {
			return "the nearest tag is " + near
		}
		slices.Sort(tags)
		return "its last tags by name are " + andList(tags[max(0, len(tags)-3):])
	}
	return ""
}

// A lister is a repository that tells its branches.
type lister interface {
	Branches(ctx context.Context, prefix string) ([]string, error)
}

// nearBranch names the nearest branch, else the default one, when the one that was asked
// for does not exist.
func (j *job) nearBranch(ctx context.Context) string {
	branch := j.project.branchOf(j.flags.branch, "")
	if branch == "" || j.place.Local {
		return ""
	}
	if tip, err := j.repo.Repo.Tip(ctx, branch); err != nil || tip != "" {
		return ""
	}
	if listed, is := j.repo.Repo.(lister); is {
		if names, err := listed.Branches(ctx, ""); err == nil {
			if near := suggest.Nearest(branch, names); near != "" {
				return "the nearest branch is " + safetext.Line(near)
			}
		}
	}
	tree, err := j.repo.Repo.Read(ctx, bump.Revision{}, files.MustSelect(".tagbump.{yaml,yml}"))
	if err != nil {
		return ""
	}
	return "the default branch is " + safetext.Line(tree.Branch())
}

// nearFile names, for the first file that does not exist, one of the same name in
// another folder, else one in its folder that is spelt almost like it.
func (j *job) nearFile(ctx context.Context, globs []string) string {
	wanted := literals(globs)
	var around []string
	for _, name := range wanted {
		around = append(around, "**/"+files.Quote(path.Base(name)), path.Join(files.Quote(path.Dir(name)), "*.{yaml,yml}"))
	}
	selection, err := files.Select(around...)
	if err != nil || len(wanted) == 0 {
		return ""
	}
	tree, err := j.repo.Repo.Read(ctx, bump.Revision{Branch: j.project.branchOf(j.flags.branch, "")}, selection)
	if err != nil {
		return ""
	}
	names := namesIn(tree, selection)
	for _, name := range wanted {
		if slices.Contains(names, name) {
			continue
		}
		near := nearName(name, names)
		if beside := besides(name, names); len(beside) > 0 && sharedFolders(name, near) == 0 {
			return "beside it is " + safetext.Line(andList(beside[:min(len(beside), 3)]))
		}
		if near != "" {
			return "there is " + safetext.Line(near)
		}
	}
	return ""
}

// nearName returns the name that was meant by one that does not exist, or "".
func nearName(name string, names []string) string {
	best, most := "", -1
	for _, other := range names {
		if path.Base(other) != path.Base(name) {
			continue
		}
		if shared := sharedFolders(name, other); shared > most {
			best, most = other, shared
		}
	}
	if best != "" {
		return best
	}
	return suggest.Nearest(name, names)
}

// besides returns the names in the same folder that begin with the name's stem:
// web/values-staging.yaml for web/values.yaml.
func besides(name string, names []string) []string {
	stem := strings.TrimSuffix(name, path.Ext(name))
	return slices.DeleteFunc(slices.Clone(names), func(other string) bool {
		return path.Dir(other) != path.Dir(name) || !strings.HasPrefix(other, stem)
	})
}

// sharedFolders counts the folders with which both names begin.
func sharedFolders(one, other string) int {
	a, b := strings.Split(path.Dir(one), "/"), strings.Split(path.Dir(other), "/")
	count := 0
	for count < len(a) && count < len(b) && a[count] == b[count] {
		count++
	}
	return count
}

// literals returns the globs that name one file.
func literals(globs []string) []string {
	var names []string
	for _, text := range globs {
		if glob, err := files.ParseGlob(text); err == nil && glob.IsLiteral() {
			names = append(names, glob.String())
		}
	}
	return names
}

// namesIn lists the selected files of a tree.
func namesIn(tree fs.FS, selection files.Selection) []string {
	var names []string
	_ = fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && selection.Wants(name) {
			names = append(names, name)
		}
		return nil
	})
	return names
}
