// Package render proves a change by rendering: it runs helm and kustomize on the
// files before and after the change, shows how the manifests differ, and refuses
// a change that does not reach them.
//
// The programs are the user's own, found in PATH. They run on a temporary copy
// with an empty home and configuration, so that they read nothing but the
// repository's files and ask no network: a dependency of a chart must be in its
// charts/ folder or at a file:// path, and a resource of a kustomization in the
// repository. What is elsewhere is left out, and named in [Unit.Notes]. Manifests
// that neither a chart nor a kustomization holds are looked at as they are.
//
// The trap to know: a file of values renders nothing by itself. It is rendered
// with the chart above it; one that is outside of every chart cannot be checked,
// and is an error.
package render

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/tagbump/tagbump/pkg/diff"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/image"
)

// Errors of a check.
var (
	// ErrNotRendered is in the chain when the manifests do not have the new
	// reference, or still have the old one.
	ErrNotRendered = fault.New(fault.Guard, "the change does not reach the manifests")
	// ErrNoProgram is in the chain when helm or kustomize is not installed.
	ErrNoProgram = fault.New(fault.Failed, "is not installed")
)

// Options say how to render. The zero value is ready for use.
type Options struct {
	Helm      string        // the program; default: helm in PATH
	Kustomize string        // the program; default: kustomize in PATH, else kubectl, which has it
	Timeout   time.Duration // of each run of a program; default: 30 s
}

// A Want is a reference that changes.
type Want struct {
	New image.Ref
	Old image.Ref // zero when none was written
}

// replaces reports whether the old reference must disappear. It stays a part of
// the new one where only a digest is added.
func (w Want) replaces() bool {
	return w.Old.Repository != "" && w.Old != w.New && (w.Old.Tag != w.New.Tag || w.Old.Digest != "")
}

// A Unit is something that is rendered: a chart with a values file, a
// kustomization, or a plain manifest.
type Unit struct {
	Name  string   // "charts/web with values-prod.yaml", "overlays/prod", "web.yaml"
	Diff  string   // of the manifests, as git prints it; "" when they are alike
	Notes []string // what was left out, or why nothing was rendered
}

// Check renders everything that the changed files are part of, before and after
// the change, and returns the units in the order of their names. The file systems
// hold what [Gather] returns.
//
// Its error wraps [ErrNotRendered] when a new reference is in none of the
// manifests, when an old one is still in a unit that had it, or when a unit does
// not render any more. A unit that rendered neither before nor after proves
// nothing and is passed over; when none renders, that is an error. The units come
// with the error. Values of Secrets are not shown.
func Check(ctx context.Context, before, after fs.FS, changed []string, wants []Want, opts Options) ([]Unit, error) {
	sources, err := sourcesOf(before, changed)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "tagbump-render-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	r := &runner{opts, dir, 0}
	var results []result
	for _, s := range sources {
		one, err := compare(ctx, r, s, before, after)
		if err != nil {
			return unitsOf(results), err
		}
		results = append(results, one)
	}
	return unitsOf(results), judge(results, wants)
}

// A source is something that can be rendered from a file system.
type source interface {
	name() string
	// render returns the manifests, and what was left out.
	render(ctx context.Context, r *runner, fsys fs.FS) (text string, notes []string, err error)
}

// A result is a source that was rendered before and after the change.
type result struct {
	name          string
	before, after string
	notes         []string
	failed        error // it rendered neither before nor after
}

func compare(ctx context.Context, r *runner, s source, before, after fs.FS) (result, error) {
	old, _, errBefore := s.render(ctx, r, before)
	text, notes, err := s.render(ctx, r, after)
	switch {
	case ctx.Err() != nil:
		return result{}, ctx.Err()
	case isMissing(err):
		return result{}, err
	case err != nil && errBefore == nil:
		return result{}, fmt.Errorf("%s: does not render any more: %w: %w", s.name(), err, ErrNotRendered)
	}
	return result{s.name(), old, text, notes, err}, nil
}

func unitsOf(results []result) []Unit {
	var units []Unit
	for _, r := range results {
		unit := Unit{Name: r.name, Notes: r.notes}
		if r.failed != nil {
			unit.Notes = append(unit.Notes, "does not render: "+r.failed.Error())
		} else {
			unit.Diff = string(diff.Unified(diff.File{Name: r.name, Before: hideSecrets(r.before), After: hideSecrets(r.after)}))
		}
		units = append(units, unit)
	}
	return units
}

// judge holds the manifests against the wants.
func judge(results []result, wants []Want) error {
	var names []string
	for _, r := range results {
		if r.failed == nil {
			names = append(names, r.name)
		}
	}
	if len(names) == 0 && len(results) > 0 {
		return fmt.Errorf("%s: does not render: %w: %w", results[0].name, results[0].failed, ErrNotRendered)
	}
	for _, want := range wants {
		if !slices.ContainsFunc(results, func(r result) bool { return has(r.after, want.New) }) {
			return fmt.Errorf("%s: is in none of the manifests of %s: %w", want.New, strings.Join(names, ", "), ErrNotRendered)
		}
		for _, r := range results {
			if want.replaces() && has(r.before, want.Old) && has(r.after, want.Old) {
				return fmt.Errorf("%s: still has %s: %w", r.name, want.Old, ErrNotRendered)
			}
		}
	}
	return nil
}
