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
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tagbump/tagbump/pkg/redact"
)

// Env is everything that a run has from outside.
type Env struct {
	Args           []string // without the program's name
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	Now            func() time.Time
	Dir            string // where relative paths begin; "" is the process's folder
	// Transport carries registry requests, without credentials; nil is the real
	// network with the usual ones. The demo puts its own registry in the place
	// of Docker Hub with it.
	Transport http.RoundTripper
}

// Main runs the process's own command line and returns its exit code.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return Run(ctx, Env{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Getenv: os.Getenv, Now: time.Now,
	})
}

// Run runs one command line and returns its exit code (see PRODUCT: 0 to 9).
func Run(ctx context.Context, env Env) (exitCode int) {
	secrets := env.secrets()
	env.Stdout, env.Stderr = masked{env.Stdout, secrets}, masked{env.Stderr, secrets}
	root := newRoot(&env)
	root.SetArgs(env.Args)
	root.SetIn(env.Stdin)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	return report(env, root.ExecuteContext(ctx))
}

func newRoot(env *Env) *cobra.Command {
	root := &cobra.Command{
		Use:   "tagbump",
		Short: "The step between \"CI pushed an image\" and \"Argo CD deploys it\"",
		Long: `tagbump resolves an image's new tag from the registry, changes that one value in
the Helm, Kustomize or manifest repository, commits, and pushes or opens a pull
request. Nothing else in the file changes, and nothing runs in the cluster.`,
		Example: `  tagbump update haoict/send2ereader:master-202406151230 \
      --repo https://github.com/acme/helm-charts.git --file send2ereader/deployment.yaml
  tagbump update haoict/send2ereader --env production --dry-run
  tagbump promote --from staging --to production --pr`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkFlagsGiven(cmd); err != nil {
				return err
			}
			return flagsFromEnv(cmd, env.Getenv)
		},
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{err.Error(), fmt.Sprintf("%s --help lists the flags", cmd.CommandPath())}
	})
	root.CompletionOptions.HiddenDefaultCmd = false
	root.AddCommand(newUpdate(env), newPromote(env), newResolve(env), newDemo(env), newVersion())
	return root
}

// flagsFromEnv sets each flag that the command line left out from TAGBUMP_<FLAG>.
func flagsFromEnv(cmd *cobra.Command, getenv func(string) string) error {
	var failed error
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		if flag.Changed || flag.Name == "help" || failed != nil {
			return
		}
		name := envName(flag.Name)
		value := getenv(name)
		if value == "" || value == "<nil>" { // CircleCI's spelling of an unset pipeline value
			return
		}
		values := []string{value}
		if flag.Value.Type() == "stringArray" {
			values = strings.Fields(value)
		}
		for _, value := range values {
			if err := flag.Value.Set(value); err != nil {
				failed = usageError{fmt.Sprintf("%s: %q is no value of --%s (%s)", name, value, flag.Name, flag.Value.Type()), ""}
			}
			flag.Changed = true
		}
	})
	return failed
}

func envName(flag string) string {
	return "TAGBUMP_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// secretNames are the variables whose values must never be printed.
var secretNames = []string{
	"TAGBUMP_TOKEN", "GITHUB_TOKEN", "GH_TOKEN", "GITLAB_TOKEN", "TAGBUMP_SSH_KEY_PASSPHRASE", "TAGBUMP_SIGNING_KEY_PASSPHRASE",
	"REGISTRY_PASSWORD", "DOCKER_PASSWORD", "DOCKERHUB_PASSWORD", "DOCKERHUB_TOKEN", "AZURE_CLIENT_SECRET", "ARGOCD_AUTH_TOKEN",
}

func (env Env) secrets() redact.Secrets {
	var values []string
	for _, name := range secretNames {
		values = append(values, env.Getenv(name))
	}
	return redact.NewSecrets(values...)
}

// masked writes text without the secrets in it. A diff, too, passes through it:
// a secret that stands in a manifest is masked rather than shown.
type masked struct {
	w       io.Writer
	secrets redact.Secrets
}

func (m masked) Write(p []byte) (int, error) {
	if _, err := io.WriteString(m.w, m.secrets.Text(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Args:    noArgs,
		Example: "  tagbump version",
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "tagbump", versionText())
			return err
		},
	}
}
