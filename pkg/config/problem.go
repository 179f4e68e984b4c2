package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Problem is one thing that is wrong with a project file.
type Problem struct {
	File   string // name of the file, as given to Parse
	Line   int    // 1-based; 0 when it is not known
	Column int    // 1-based, in characters; 0 when it is not known
	Key    string // "images.nginx.order"; empty when the problem is the whole file's
	What   string // "unknown key; did you mean \"match\"?"
}

// Error reads file:line:column: key: what, without the parts that are not known.
func (p Problem) Error() string {
	where := p.File
	if p.Line > 0 {
		where += fmt.Sprintf(":%d", p.Line)
	}
	if p.Line > 0 && p.Column > 0 {
		where += fmt.Sprintf(":%d", p.Column)
	}
	if p.Key != "" {
		where += ": " + p.Key
	}
	return where + ": " + p.What
}

// Unwrap returns [ErrInvalid].
func (p Problem) Unwrap() error { return ErrInvalid }

// Problems is the error of [Parse]: all that is wrong with a file, in the
// order of its lines. It is never empty.
type Problems []Problem

// Error has one line for each problem.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the single problems.
func (p Problems) Unwrap() []error {
	errs := make([]error, len(p))
	for i, problem := range p {
		errs[i] = problem
	}
	return errs
}

func (p Problems) sorted() Problems {
	byPlace := func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	}
	return slices.SortedStableFunc(slices.Values(p), byPlace)
}
