package bump

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/plan"
)

// AtHand marks a Repo whose files can be read at no cost, such as a folder's. All
// of them then help to understand the wanted ones.
type AtHand interface{ AtHand() }

// A scene is a tree and the index of its files, which all images share.
type scene struct {
	Tree
	index *plan.Index
	needs []string // globs that a first look found to be needed
	past  *memory
}

// read reads the wanted files at a revision, and those that help to understand
// them: a tag in values-prod.yaml belongs to the image that values.yaml names.
// What is needed beside them is known from their names, and from their content: so
// they are read a second time, with more files, unless needs has these already.
// Needs are globs of files that are read in any case.
func (r Runner) read(ctx context.Context, at Revision, wanted files.Selection, needs []string) (scene, error) {
	if len(wanted.Globs()) == 0 {
		all, err := wanted.WithContext(needs...)
		if err != nil {
			return scene{}, err
		}
		return r.scan(ctx, at, all, plan.ScanOptions{Whole: true, Files: all}, needs)
	}
	if _, ok := r.Repo.(AtHand); ok {
		all, err := wanted.WithContext(slices.Concat(needs, plan.Everything)...)
		if err != nil {
			return scene{}, err
		}
		if found, err := r.scan(ctx, at, all, plan.ScanOptions{Whole: true, Files: all}, needs); err == nil {
			return found, nil
		}
		// Some other file cannot be read. The wanted ones may do without it.
	}
	context, err := wanted.WithContext(slices.Concat(plan.Context(textsOf(wanted)), needs)...)
	if err != nil {
		return scene{}, err
	}
	first, err := r.scan(ctx, at, context, plan.ScanOptions{Files: context}, needs)
	if err != nil {
		return scene{}, err
	}
	more := slices.DeleteFunc(first.index.Needs(plan.FindOptions{Files: wanted}), func(glob string) bool { return slices.Contains(needs, glob) })
	if len(more) == 0 {
		return first, nil
	}
	if context, err = context.WithContext(more...); err != nil {
		return scene{}, err
	}
	return r.scan(ctx, Revision{first.Branch(), first.Tip()}, context, plan.ScanOptions{Files: context}, slices.Concat(needs, more))
}

func (r Runner) scan(ctx context.Context, at Revision, selection files.Selection, options plan.ScanOptions, needs []string) (scene, error) {
	tree, err := r.Repo.Read(ctx, at, selection)
	if err != nil {
		return scene{}, err
	}
	index, err := plan.Scan(tree, options)
	return scene{tree, index, needs, new(memory)}, err
}

func textsOf(selection files.Selection) []string {
	var texts []string
	for _, glob := range selection.Globs() {
		texts = append(texts, glob.String())
	}
	return texts
}

// A place says where to look for images in a tree.
type place struct {
	environment string // for messages
	files       files.Selection
	path        keypath.Path // the key; zero finds it by the image's name
}

func (req Request) place() place { return place{req.To, req.Files, req.Path} }

// find finds where an image is written, under any of its names. An image that is
// not in the files is an absentError.
func (s scene) find(where place, img Image) (plan.Places, error) {
	img = img.In(where.environment)
	options := plan.FindOptions{Files: where.files, Paths: img.Paths}
	if !where.path.IsZero() {
		options.Paths = []keypath.Path{where.path}
	}
	var all plan.Places
	var absent error
	for _, name := range append([]string{img.Repository}, img.As...) {
		found, err := s.index.Find(name, options)
		switch {
		case errors.Is(err, plan.ErrNoTarget):
			if absent == nil {
				absent = absentError{img.Repository, where.environment, err}
			}
		case err != nil:
			return plan.Places{}, err
		}
		all.Targets = merge(all.Targets, found.Targets)
		all.Left = append(all.Left, found.Left...)
	}
	if len(all.Targets) == 0 {
		return all, absent
	}
	return all, nil
}

// addition returns the place where an image that is missing can be put in.
func (s scene) addition(where place, img Image) (plan.Target, error) {
	name := img.Repository
	if len(img.As) > 0 {
		name = img.As[0]
	}
	return s.index.Addition(name, plan.FindOptions{Files: where.files})
}

// merge adds those of more to targets that are at another place.
func merge(targets, more []plan.Target) []plan.Target {
	type line struct {
		file      string
		doc, line int
	}
	byLine := map[line][]plan.Target{} // thousands of places in one file are not compared with each other
	lineOf := func(t plan.Target) line { return line{t.File, t.Doc, t.Line} }
	for _, target := range targets {
		byLine[lineOf(target)] = append(byLine[lineOf(target)], target)
	}
	for _, target := range more {
		here := lineOf(target)
		same := func(other plan.Target) bool { return other.Path.Equal(target.Path) }
		if !slices.ContainsFunc(byLine[here], same) {
			byLine[here] = append(byLine[here], target)
			targets = append(targets, target)
		}
	}
	return targets
}

// An absentError says that an image is not in the files.
type absentError struct {
	repository, environment string
	err                     error
}

func (e absentError) Error() string {
	if e.environment == "" {
		return e.err.Error()
	}
	return e.environment + ": " + e.err.Error()
}

func (e absentError) Unwrap() error { return e.err }

func isAbsent(err error) bool { return errors.As(err, new(absentError)) }

func noImageError(environment string) error {
	return fmt.Errorf("none of the images is in the files%s: %w", of(environment), plan.ErrNoTarget)
}

func of(environment string) string {
	if environment == "" {
		return ""
	}
	return " of " + environment
}
