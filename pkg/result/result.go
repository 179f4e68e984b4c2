// Package result says what a run came to, for the steps of a pipeline that follow
// it: as variables for a shell, GitHub Actions and GitLab, and as a JUnit report.
//
// Tags, URLs and errors come from outside. Whatever they hold, each value stays one
// value: it is made one line, and quoted as its reader wants it. See [Format] for
// what each reader takes.
//
// One trap: a variable of a result can have the name of a flag's variable.
// TAGBUMP_TAG is also --tag of the next command in the same job. So the values that
// can be mistaken are written twice, and a command takes [Copy] of a name for
// the proof that a value is a result and not a wish.
package result

import (
	"strconv"
	"strings"

	"github.com/tagbump/tagbump/pkg/safetext"
)

// A Result is what a run came to. The zero value of a field means that the run
// does not know it or does not have it.
type Result struct {
	State       string // "unchanged", "written", "committed", "pushed", "proposed" or "failed"; of a wait "done" or "superseded"
	Changed     bool   // files differ, or would in a dry run
	ExitCode    int
	Kind        string // of the failure: "guard", "not-found"
	Error       string // without secrets
	Environment string
	Commit      string // full hash
	CommitURL   string
	PullRequest string // its URL
	Number      int    // the pull request's
	Images      []Image
}

// An Image is one image of a run.
type Image struct {
	Name     string // repository
	Tag      string // the one that the run wanted
	Previous string // the one that the files had, where that is one
	Digest   string
}

// A Variable is a name and its value.
type Variable struct{ Name, Value string }

// Prefix begins the name of every variable.
const Prefix = "TAGBUMP_"

// copied are the names that are a flag's variables, too.
var copied = []string{"TAG", "COMMIT"}

// Copy returns the name of the variable that has the same value as the named one when
// that is a result; "" for a variable that is no result or cannot be mistaken.
func Copy(name string) string {
	for _, known := range copied {
		if name == Prefix+known {
			return Prefix + "RESULT_" + known
		}
	}
	return ""
}

// maxError is the longest error text in a variable, in bytes.
const maxError = 500

// Variables returns the result as variables, each value on one line, always all of
// them: a variable of an earlier run is overwritten also where this run has no value.
// The image is the first one; of several each has numbered variables, too.
func (r Result) Variables() []Variable {
	var first Image
	if len(r.Images) > 0 {
		first = r.Images[0]
	}
	all := []Variable{
		{"STATE", r.State},
		{"CHANGED", strconv.FormatBool(r.Changed)},
		{"CODE", strconv.Itoa(r.ExitCode)},
		{"KIND", r.Kind},
		{"ERROR", safetext.Cut(safetext.Line(r.Error), maxError)},
		{"ENVIRONMENT", r.Environment},
		{"IMAGE", first.Name},
		{"TAG", first.Tag},
		{"PREVIOUS_TAG", first.Previous},
		{"DIGEST", first.Digest},
		{"COMMIT", r.Commit},
		{"COMMIT_URL", r.CommitURL},
		{"PR_URL", r.PullRequest},
		{"PR_NUMBER", number(r.Number)},
		{"IMAGE_COUNT", strconv.Itoa(len(r.Images))},
		{"IMAGES", r.list()},
		{"RESULT_TAG", first.Tag},
		{"RESULT_COMMIT", r.Commit},
	}
	if len(r.Images) > 1 {
		for i, img := range r.Images {
			all = append(all, img.variables("_"+strconv.Itoa(i+1))...)
		}
	}
	for i, one := range all {
		all[i] = Variable{Prefix + one.Name, safetext.Line(one.Value)}
	}
	return all
}

func (img Image) variables(suffix string) []Variable {
	return []Variable{
		{"IMAGE" + suffix, img.Name},
		{"TAG" + suffix, img.Tag},
		{"PREVIOUS_TAG" + suffix, img.Previous},
		{"DIGEST" + suffix, img.Digest},
	}
}

// list returns the images with their tags, with commas between: neither a name nor a
// tag can have one.
func (r Result) list() string {
	refs := make([]string, len(r.Images))
	for i, img := range r.Images {
		refs[i] = img.Name + ":" + img.Tag
	}
	return strings.Join(refs, ",")
}

// number leaves 0 out: it is no pull request's number.
func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// IsVariable reports whether a result has a variable of that name.
func IsVariable(name string) bool {
	short, found := strings.CutPrefix(name, Prefix)
	if !found {
		return false
	}
	for _, known := range (Result{}).Variables() {
		if name == known.Name {
			return true
		}
	}
	cut := strings.LastIndexByte(short, '_')
	if cut < 0 {
		return false
	}
	if n, err := strconv.Atoi(short[cut+1:]); err != nil || n < 1 {
		return false
	}
	for _, numbered := range (Image{}).variables("") {
		if short[:cut] == numbered.Name {
			return true
		}
	}
	return false
}
