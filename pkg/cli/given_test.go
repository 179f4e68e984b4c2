package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tagbump/tagbump/pkg/fault"
)

// runOffline runs a command line in an empty folder, without a network.
func runOffline(t *testing.T, env map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, talk bytes.Buffer
	code = Run(context.Background(), Env{
		Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &talk, Dir: t.TempDir(),
		Getenv: func(name string) string { return env[name] }, Now: time.Now,
	})
	return code, out.String(), talk.String()
}

// TestEmptyTextOfAnyFlagIsRefused asks every flag of every command that takes
// text, so that a new flag is covered without a new row.
func TestEmptyTextOfAnyFlagIsRefused(t *testing.T) {
	var env Env
	asked := 0
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		cmd.InitDefaultHelpFlag()
		cmd.Flags().VisitAll(func(flag *pflag.Flag) {
			if textsOf(flag.Value) == nil && flag.Value.Type() != "stringArray" {
				return
			}
			asked++
			for _, empty := range []string{"", " ", "\t\n"} {
				args := append(strings.Fields(cmd.CommandPath())[1:], "--"+flag.Name+"="+empty)
				if strings.Contains(cmd.Use, "IMAGE") {
					args = append(args, "acme/web:1.4.0")
				}
				code, stdout, stderr := runOffline(t, nil, args...)
				want := "error: --" + flag.Name + ": is empty\nhint: is the variable set? leave the flag out for the default\n"
				if code != 2 || stdout != "" || stderr != want {
					t.Errorf("%q: code %d\n%s%s", args, code, stdout, stderr)
				}
			}
		})
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
	}
	visit(newRoot(&env))
	if asked < 30 {
		t.Errorf("only %d flags were asked", asked)
	}
}

func TestOneEmptyTextAmongOthersIsRefused(t *testing.T) {
	code, _, stderr := runOffline(t, nil, "update", "acme/web:1.4.0", "--file", "a.yaml", "--file", "", "--file", "b.yaml")
	if code != 2 || !strings.HasPrefix(stderr, "error: --file: is empty\n") {
		t.Errorf("code %d: %s", code, stderr)
	}
}

func TestAnEmptyVariableIsUnset(t *testing.T) {
	env := map[string]string{"TAGBUMP_ENV": "", "TAGBUMP_TAG": "", "TAGBUMP_FILE": " ", "TAGBUMP_REPO": "<nil>"}
	_, _, got := runOffline(t, env, "update", "acme/web:1.4.0", "--no-verify")
	_, _, want := runOffline(t, nil, "update", "acme/web:1.4.0", "--no-verify")
	if got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestAnImageArgumentWithAnEmptyPartIsRefused(t *testing.T) {
	const digest = "@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	for arg, want := range map[string]struct{ text, hint string }{
		"":                           {"an image argument is empty", "is the variable set?"},
		" ":                          {"an image argument is empty", "is the variable set?"},
		":1.4.0":                     {`":1.4.0": the image's name is empty`, "is the variable set?"},
		digest:                       {`"` + digest + `": the image's name is empty`, "is the variable set?"},
		"acme/web:":                  {`"acme/web:": the tag is empty`, "is the variable set? write acme/web for an image without a tag"},
		"reg.example:5000/acme/web:": {`"reg.example:5000/acme/web:": the tag is empty`, "is the variable set? write reg.example:5000/acme/web for an image without a tag"},
		"acme/web:" + digest:         {`"acme/web:` + digest + `": the tag is empty`, "is the variable set? write acme/web for an image without a tag"},
		"acme/web:1.4.0@":            {`"acme/web:1.4.0@": the digest is empty`, "is the variable set? write acme/web:1.4.0 for an image without a digest"},
		"acme/web@":                  {`"acme/web@": the digest is empty`, "is the variable set? write acme/web for an image without a digest"},
		"acme/web":                   {},
		"acme/web:1.4.0":             {},
		"acme/web:1.4.0" + digest:    {},
		"reg.example:5000/acme/web":  {},
	} {
		err := checkImageGiven(arg)
		if want.text == "" {
			if err != nil {
				t.Errorf("%q: %v", arg, err)
			}
			continue
		}
		if err == nil || err.Error() != want.text || fault.HintOf(err) != want.hint || exitCode(err) != 2 {
			t.Errorf("%q: %v (hint %q, code %d)", arg, err, fault.HintOf(err), exitCode(err))
		}
	}
	for _, command := range []string{"update", "resolve", "promote"} {
		if code, _, stderr := runOffline(t, nil, command, "acme/web:"); code != 2 || !strings.Contains(stderr, "the tag is empty") {
			t.Errorf("%s: code %d: %s", command, code, stderr)
		}
	}
}
