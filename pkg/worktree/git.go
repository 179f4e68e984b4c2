package worktree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/tagbump/tagbump/pkg/fault"
)

// git runs the user's own git, with its settings and credentials.
type git struct {
	dir string // where it is started
	env []string
}

// newGit returns a git that is started in dir, judges by dir alone which
// repository it works on, and speaks English, which classify understands.
func newGit(dir string) git {
	return git{dir, append(cleanEnvironment(os.Environ()), "LANGUAGE=en")}
}

// repositoryVariables say which repository git works on and how it reads paths. A
// hook, an alias or git rebase --exec sets them for its own repository. The list
// is that of git rev-parse --local-env-vars without the settings of git -c, which
// are the user's, and with the variables of hooks.
var repositoryVariables = strings.Fields(`
	GIT_ALTERNATE_OBJECT_DIRECTORIES GIT_COMMON_DIR GIT_CONFIG GIT_DIR GIT_GRAFT_FILE GIT_IMPLICIT_WORK_TREE
	GIT_INDEX_FILE GIT_INTERNAL_SUPER_PREFIX GIT_NAMESPACE GIT_NO_REPLACE_OBJECTS GIT_OBJECT_DIRECTORY GIT_PREFIX
	GIT_QUARANTINE_PATH GIT_REFLOG_ACTION GIT_REPLACE_REF_BASE GIT_SHALLOW_FILE GIT_WORK_TREE
	GIT_GLOB_PATHSPECS GIT_ICASE_PATHSPECS GIT_LITERAL_PATHSPECS GIT_NOGLOB_PATHSPECS`)

func cleanEnvironment(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains(repositoryVariables, name)
	})
}

// with returns a git that has more variables in its environment.
func (g git) with(env ...string) git {
	return git{g.dir, slices.Concat(g.env, env)}
}

// out runs git and returns what it prints, without the last line end.
func (g git) out(ctx context.Context, args ...string) (string, error) {
	return g.pipe(ctx, "", args...)
}

// pipe runs git with stdin as its input.
func (g git) pipe(ctx context.Context, stdin string, args ...string) (string, error) {
	return run(g.command(ctx, stdin, args...))
}

// grace is how long git may take to clean up after an interrupt: it removes its
// lock files.
const grace = 5 * time.Second

func (g git) command(ctx context.Context, stdin string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "git", slices.Concat([]string{"--no-optional-locks", "--literal-pathspecs"}, args)...)
	cmd.Dir, cmd.Env, cmd.Stdin = g.dir, g.env, strings.NewReader(stdin)
	cmd.Cancel, cmd.WaitDelay = func() error { return interrupt(cmd.Process) }, grace
	return cmd
}

// run runs cmd. The error of a git that fails is a [*gitError].
func run(cmd *exec.Cmd) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err == nil {
		return strings.TrimSuffix(stdout.String(), "\n"), nil
	}
	verb := verbOf(cmd.Args)
	if errors.As(err, new(*exec.ExitError)) {
		return "", &gitError{verb, stdout.String(), stderr.String()}
	}
	if errors.Is(err, exec.ErrNotFound) {
		return "", fault.Errorf(fault.Failed, "git %s: %w", verb, exec.ErrNotFound).WithHint("install git, or give --repo URL, which needs none")
	}
	return "", fmt.Errorf("git %s: %w", verb, err)
}

// verbOf returns the subcommand in git's arguments.
func verbOf(args []string) string {
	for i := 1; i < len(args); i++ {
		switch {
		case args[i] == "-c":
			i++
		case !strings.HasPrefix(args[i], "-"):
			return args[i]
		}
	}
	return ""
}

// A gitError is what git printed before it failed.
type gitError struct {
	verb           string
	stdout, stderr string
}

// Error is git's words on one line.
func (e *gitError) Error() string {
	words := strings.TrimSpace(e.stderr)
	if words == "" {
		words = strings.TrimSpace(e.stdout)
	}
	var lines []string
	for line := range strings.SplitSeq(words, "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "hint:") {
			lines = append(lines, line)
		}
	}
	return fmt.Sprintf("git %s: %s", e.verb, strings.Join(lines, "; "))
}

// classes are words of git and of servers, in lower case, and the kind of failure
// that they tell of; the first that is found counts.
var classes = []struct {
	kind  fault.Kind
	words []string
}{
	{fault.Refused, []string{"[rejected]", "[remote rejected]", "hook declined", "protected branch", "pre-receive", "is archived", "stale info"}},
	{fault.NoAccess, []string{
		"authentication failed", "could not read username", "could not read password", "terminal prompts disabled", "permission denied",
		"permission to", "access denied", "not authorized", "unauthorized", "host key verification failed", "error: 401", "error: 403", "http 401", "http 403",
		"invalid username or password", "denied to", "read-only",
	}},
	{fault.Unavailable, []string{
		"could not resolve", "couldn't connect", "could not connect", "failed to connect", "connection refused", "connection timed out", "connection reset",
		"operation timed out", "network is unreachable", "no route to host", "the remote end hung up", "early eof", "error: 5", "error: 429",
		"temporary failure", "connection closed", "ssl_", "gnutls", "rpc failed",
	}},
	{fault.NotFound, []string{"does not appear to be a git repository", "not found", "does not exist", "no such file or directory", "could not find repository"}},
}

// classify returns the kind of failure that git's words tell of. What a push is
// refused for without a known word is [fault.Refused].
func (e *gitError) classify() fault.Kind {
	words := strings.ToLower(e.stdout + e.stderr)
	for _, class := range classes {
		if slices.ContainsFunc(class.words, func(word string) bool { return strings.Contains(words, word) }) {
			return class.kind
		}
	}
	return fault.Refused
}
