package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/fault"
)

// Exit codes of errors that have no kind.
const (
	exitDone    = 0
	exitChanges = 3
)

// exitCodes says which kind of failure ends with which code.
var exitCodes = [...]int{
	fault.Failed:      1,
	fault.Usage:       2,
	fault.Guard:       4,
	fault.NotFound:    5,
	fault.NoAccess:    6,
	fault.Unavailable: 7,
	fault.Refused:     8,
	fault.NotDeployed: 9,
}

// exitMeanings say what each exit code means, in a word and in the rest of a sentence.
var exitMeanings = []struct {
	code       string
	word, rest string
}{
	{"0", "done", ", or nothing to do"},
	{"1", "failed", ""},
	{"2", "wrong use", ": flags, project file, more than one environment"},
	{"3", "changes", ": `--exit-code`, and there are some"},
	{"4", "guard", ": the tag is older than the deployed one, was rolled back, or is not of the policy"},
	{"5", "not found", ": no such image, tag or platform; no tag matches; the target is not in the file"},
	{"6", "no access", ": registry, repository, forge or Argo CD refused the credentials"},
	{"7", "unavailable", ": rate limit, time-out, server error, after the retries"},
	{"8", "refused", ": the push met a protected branch or a hook, or lost the race too often"},
	{"9", "not deployed", ": Argo CD did not get there: degraded, failed or timed out"},
	{"130, 143", "interrupted", " by SIGINT or SIGTERM"},
}

// exitCodeLine names all exit codes in one line.
func exitCodeLine() string {
	var all []string
	for _, meaning := range exitMeanings {
		all = append(all, meaning.code+" "+meaning.word)
	}
	return strings.Join(all, ", ")
}

// exitCodeTable lists all exit codes in a table of Markdown.
func exitCodeTable() string {
	var b strings.Builder
	b.WriteString("| code | meaning |\n|---|---|\n")
	for _, meaning := range exitMeanings {
		fmt.Fprintf(&b, "| %s | %s%s |\n", meaning.code, meaning.word, meaning.rest)
	}
	return b.String()
}

// errChanges ends a run that --exit-code asked to tell of changes.
var errChanges = errors.New("there are changes")

func exitCode(err error) int {
	var interrupted interruption
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errChanges):
		return exitChanges
	case errors.As(err, &interrupted):
		return interrupted.exitCode()
	}
	return exitCodes[kindOf(err)]
}

// kindOf also knows the errors of the standard library that have a kind.
func kindOf(err error) fault.Kind {
	kind := fault.KindOf(err)
	switch {
	case kind != fault.Failed:
		return kind
	case errors.Is(err, context.DeadlineExceeded):
		return fault.Unavailable
	case errors.Is(err, fs.ErrNotExist):
		return fault.NotFound
	}
	return kind
}

// kindWord is the kind of a failure for programs: the fault's, or "interrupted".
func kindWord(err error) string {
	if errors.As(err, new(interruption)) {
		return "interrupted"
	}
	return kindOf(err).Word()
}

// report shows err, the only place that does, and returns its exit code. With
// JSON, stdout gets the error too.
func report(env Env, asJSON bool, err error) int {
	code := exitCode(err)
	if err == nil || errors.Is(err, errChanges) {
		return code
	}
	hint := fault.HintOf(err)
	if asJSON && !errors.As(err, new(printedError)) {
		_ = env.printJSON(errorReport{schema, env.newErrorDoc(err)})
	}
	colours := env.err()
	fmt.Fprintln(env.painted, colours.paint(redStyle, "error:"), colours.paint(plainStyle, err.Error()))
	if hint != "" {
		fmt.Fprintln(env.painted, colours.paint(cyanStyle, "hint:"), colours.paint(plainStyle, hint))
	}
	return code
}

// errorReport is the JSON document of a command that failed.
type errorReport struct {
	Schema int      `json:"schema"`
	Error  errorDoc `json:"error"`
}

type errorDoc struct {
	Code    int    `json:"code"` // the exit code
	Kind    string `json:"kind"` // "guard", "not-found" and so on, see kindWord
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	aboutDoc
	// Places are those among which the request does not choose.
	Places []placesDoc `json:"places,omitempty"`
}

// placesDoc is the places of one image in one environment that have one tag.
type placesDoc struct {
	Image       string     `json:"image"`
	Environment string     `json:"environment,omitempty"` // as the paths tell it
	Tag         string     `json:"tag,omitempty"`         // the deployed one
	Places      []placeDoc `json:"places"`
}

type placeDoc struct {
	File string `json:"file"`
	Line int    `json:"line"` // 1-based
	Path string `json:"path"`
}

// newPlacesDocs lists the places of an error that is about several environments.
func newPlacesDocs(err error) []placesDoc {
	several := new(bump.EnvironmentsError)
	if !errors.As(err, &several) {
		return nil
	}
	docs := make([]placesDoc, len(several.Groups))
	for i, group := range several.Groups {
		docs[i] = placesDoc{Image: several.Image, Environment: group.Environment, Tag: group.Tag}
		for _, target := range group.Targets {
			docs[i].Places = append(docs[i].Places, placeDoc{target.File, target.Line, target.Path.String()})
		}
	}
	return docs
}
