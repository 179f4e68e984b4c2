// Package cli is the command line: it turns arguments, environment and the
// project file into a request, runs it, and prints the report.
//
// stdout is the answer and can be piped; stderr is talk. Errors are shown here
// and nowhere else, once, as "error: where: what: why" and, where a next step is
// known, "hint: …"; every line that may hold a secret is redacted on its way out.
//
// One trap: a flag's value may come from three places. A flag beats its
// TAGBUMP_* variable, which beats the project file.
package cli

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/internal/httpx"
	"github.com/tagbump/tagbump/pkg/redact"
	"github.com/tagbump/tagbump/pkg/wire"
)

// Env is everything that a run has from outside.
type Env struct {
	Args           []string // without the program's name
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Environ        func() []string // all variables as NAME=VALUE; nil when they are not known
	Now            func() time.Time
	Dir            string // where relative paths begin; "" is the process's folder
	Terminal       Terminal
	// Transport carries registry requests, without credentials; nil is the real
	// network with the usual ones. The demo puts its own registry in the place
	// of Docker Hub with it.
	Transport http.RoundTripper

	secrets  redact.Secrets // known to this run
	plain    io.Writer      // Stdout, without the mask
	painted  io.Writer      // Stderr, with the escapes that we write
	look     look
	progress *progress
}

// world is what the packages below have from outside.
func (env Env) world(t talk) wire.World {
	return wire.World{
		Getenv: env.Getenv, Now: env.Now, Dir: env.Dir, Transport: env.Transport,
		UserAgent: "tagbump/" + versionText(), Say: t.say, Detail: t.detail, Secret: env.learn, Apps: new(wire.AppTokens),
	}
}

// path returns where a file is that a person named.
func (env Env) path(name string) string { return wire.World{Dir: env.Dir}.Path(name) }

// Main runs the process's own command line and returns its exit code.
func Main() int {
	ctx, stop := untilInterrupted(os.Exit)
	defer stop()
	return Run(ctx, Env{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Getenv: os.Getenv, Environ: os.Environ, Now: time.Now, Terminal: terminalOf(os.Stdout, os.Stderr),
	})
}

// Run runs one command line and returns its exit code, see exit.go.
func Run(ctx context.Context, env Env) int {
	env = env.guarded()
	root := newRoot(&env)
	root.SetArgs(append([]string{}, env.Args...)) // not nil, for which cobra takes the process's own
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	cmd, err := root.ExecuteContextC(ctx)
	env.progress.stop()
	return report(env, wantsJSON(cmd, env.Getenv), namingVariable(cmd, err))
}

func newRoot(env *Env) *cobra.Command {
	var showVersion bool
	root := &cobra.Command{
		Use:   "tagbump",
		Short: "The step between \"CI pushed an image\" and \"Argo CD deploys it\"",
		Long: `tagbump resolves an image's new tag from the registry, changes that one value in
the Helm, Kustomize or manifest repository, commits, and pushes or opens a pull
request. Nothing else in the file changes, and nothing runs in the cluster.`,
		Example: `  tagbump update acme/web:1.4.2 \
      --repo https://github.com/acme/charts.git --file web/deployment.yaml
  tagbump update haoict/send2ereader --env production --dry-run
  tagbump promote --from staging --to production --pr`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if showVersion {
				return env.printVersion()
			}
			return cmd.Help()
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			env.warnOfUnknownVariables(cmd)
			if err := flagsFromEnv(cmd, env.Getenv); err != nil {
				return err
			}
			if err := firstError(func() error { return checkFlagsGiven(cmd) }, func() error { return checkFlagsOnce(cmd, env.Args) }, env.look.check); err != nil {
				return err
			}
			env.watch(cmd)
			return nil
		},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return flagError(cmd, env.Args, err) })
	setHelp(root, env)
	root.Flags().BoolVarP(&showVersion, "version", "V", false, "print the version")
	inGroup(root, groupOutput, "version")
	env.look.add(root)
	root.CompletionOptions.HiddenDefaultCmd = false
	root.AddCommand(newUpdate(env), newPromote(env), newRollback(env), newHistory(env), newWait(env), newResolve(env), newStatus(env), newInit(env), newDoctor(env), newConfig(env), newDemo(env), newMan(env), newVersion(env))
	for _, cmd := range root.Commands() {
		completeNames(cmd, env)
	}
	root.InitDefaultHelpCmd()
	addCompletion(root, env.Stdout)
	return root
}

// watch makes the run say what it waits for, and with --verbose which requests it
// makes.
func (env *Env) watch(cmd *cobra.Command) {
	verbose, _ := cmd.Flags().GetBool("verbose") // false for a command without the flag
	if !env.look.quiet {
		env.progress.start(lineTime)
	}
	cmd.SetContext(httpx.WithObserver(cmd.Context(), func(e httpx.Exchange) {
		env.progress.observe(e)
		if verbose && e.Done {
			fmt.Fprintf(env.Stderr, "%s %s  %s  %d ms\n", e.Method, e.URL, statusText(e.Status), e.Took.Milliseconds())
		}
	}))
}

func statusText(status int) string {
	if status == 0 {
		return "failed"
	}
	return strconv.Itoa(status)
}
