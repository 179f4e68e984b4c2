package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/config"
	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/gitrepo"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/policy"
	"github.com/tagbump/tagbump/pkg/registry"
	"github.com/tagbump/tagbump/pkg/worktree"
)

// Exit codes, as PRODUCT promises them.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitChanges     = 3
	exitStale       = 4
	exitNotFound    = 5
	exitNoAccess    = 6
	exitUnavailable = 7
	exitRefused     = 8
)

// exitCodes says which error ends with which code; the first that matches counts.
var exitCodes = []struct {
	err  error
	code int
}{
	{errChanges, exitChanges},
	{bump.ErrStale, exitStale},
	{bump.ErrMoved, exitRefused},
	{gitrepo.ErrRefused, exitRefused},
	{worktree.ErrRefused, exitRefused},
	{gitrepo.ErrAuth, exitNoAccess},
	{registry.ErrAuth, exitNoAccess},
	{forge.ErrAuth, exitNoAccess},
	{gitrepo.ErrUnavailable, exitUnavailable},
	{registry.ErrUnavailable, exitUnavailable},
	{forge.ErrUnavailable, exitUnavailable},
	{context.DeadlineExceeded, exitUnavailable},
	{plan.ErrNoTarget, exitNotFound},
	{policy.ErrNoMatch, exitNotFound},
	{image.ErrNoPlatform, exitNotFound},
	{image.ErrNotFound, exitNotFound},
	{image.ErrNoImage, exitNotFound},
	{gitrepo.ErrNotFound, exitNotFound},
	{gitrepo.ErrNoFile, exitNotFound},
	{worktree.ErrNoFile, exitNotFound},
	{forge.ErrNotFound, exitNotFound},
	{config.ErrInvalid, exitUsage},
	{image.ErrInvalid, exitUsage},
	{bump.ErrConflict, exitUsage},
	{fs.ErrNotExist, exitNotFound},
}

// errChanges ends a run that --exit-code asked to tell of changes.
var errChanges = errors.New("there are changes")

// usageError is for arguments and variables that make no request.
type usageError struct{ what, hint string }

func (e usageError) Error() string { return e.what }

// Hint says what would be right; it may be empty.
func (e usageError) Hint() string { return e.hint }

func exitCode(err error) int {
	if err == nil {
		return exitDone
	}
	if errors.As(err, new(usageError)) {
		return exitUsage
	}
	for _, known := range exitCodes {
		if errors.Is(err, known.err) {
			return known.code
		}
	}
	return exitFailed
}

// report shows err, the only place that does, and returns its exit code.
func report(env Env, err error) int {
	code := exitCode(err)
	if err == nil || errors.Is(err, errChanges) {
		return code
	}
	if inJSON := (jsonError{}); errors.As(err, &inJSON) {
		encoder := json.NewEncoder(env.Stdout)
		encoder.SetIndent("", "  ")
		_ = encoder.Encode(inJSON.document(code))
	}
	if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted; the branch is as before, or has the whole commit")
	}
	fmt.Fprintf(env.Stderr, "error: %v\n", err)
	if hint := hintOf(err); hint != "" {
		fmt.Fprintf(env.Stderr, "hint: %s\n", hint)
	}
	return code
}

// hintOf is the hint of the outermost error in the chain that has one.
func hintOf(err error) string {
	var hinter interface{ Hint() string }
	if errors.As(err, &hinter) {
		return hinter.Hint()
	}
	return ""
}

// jsonError is an error of a command that was asked for JSON on stdout.
type jsonError struct{ err error }

func (e jsonError) Error() string { return e.err.Error() }
func (e jsonError) Unwrap() error { return e.err }

func (e jsonError) document(code int) any {
	return struct {
		Schema int      `json:"schema"`
		Error  errorDoc `json:"error"`
	}{schema, errorDoc{code, e.Error(), hintOf(e.err)}}
}

type errorDoc struct {
	Code    int    `json:"code"` // the exit code
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{
			fmt.Sprintf("%q is no command or argument of %s", args[0], cmd.CommandPath()),
			cmd.CommandPath() + " --help lists them",
		}
	}
	return nil
}
