package cli

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/tagbump/tagbump/pkg/redact"
	"github.com/tagbump/tagbump/pkg/safetext"
	"github.com/tagbump/tagbump/pkg/wire"
)

// guarded returns env with outputs that show no secret, and nothing that a terminal
// obeys.
func (env Env) guarded() Env {
	var values []string
	for _, name := range wire.SecretVariables() {
		values = append(values, env.Getenv(name))
	}
	env.secrets = redact.NewSecrets(values...)
	env.progress = &progress{
		w: env.Stderr, width: env.Terminal.textWidth(),
		live: env.Terminal.Err && env.obeysEscapes() && env.Getenv("CI") == "",
	}
	env.plain = above{env.progress, env.Stdout}
	env.painted = masked{above{env.progress, env.Stderr}, env.secrets}
	env.Stdout = printable{masked{env.plain, env.secrets}}
	env.Stderr = printable{env.painted}
	return env
}

// learn masks a credential from now on that was found in the course of the run.
func (env Env) learn(_, secret string) { env.secrets.Add(secret) }

// masked writes text without the secrets in it.
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

// printable writes text without the characters that a terminal obeys: tags, labels
// and the words of servers come from outside.
type printable struct{ w io.Writer }

func (p printable) Write(text []byte) (int, error) {
	if _, err := io.WriteString(p.w, safetext.Text(string(text))); err != nil {
		return 0, err
	}
	return len(text), nil
}

var errSecretAnswer = errors.New("the answer holds a secret of this run, and is not printed")

// printAnswer prints an answer that programs read. It fails when a secret is in it:
// a mask would change the answer.
func (env Env) printAnswer(text string) error {
	if env.secrets.Known(text) != text {
		return errSecretAnswer
	}
	_, err := io.WriteString(env.plain, text)
	return err
}

// maskAdded masks the secrets in the lines that a unified diff adds. The other lines
// are the file's own, and git apply takes the diff only if they stay as they are.
func maskAdded(diff string, secrets redact.Secrets) string {
	var b strings.Builder
	before, after := 0, 0 // lines that the hunk still has of each side
	for line := range strings.Lines(diff) {
		inHunk := before > 0 || after > 0
		switch {
		case !inHunk:
			before, after = hunkSize(line)
		case line[0] == '+':
			line = "+" + secrets.Known(line[1:])
			after--
		case line[0] == '-':
			before--
		case line[0] == ' ':
			before--
			after--
		}
		b.WriteString(line)
	}
	return b.String()
}

// hunkSize reads "@@ -1,4 +1,4 @@": how many lines of both sides follow. A count
// that is left out is 1. Other lines give 0, 0.
func hunkSize(line string) (before, after int) {
	fields := strings.Fields(line)
	if len(fields) < 3 || fields[0] != "@@" {
		return 0, 0
	}
	return rangeSize(fields[1]), rangeSize(fields[2])
}

func rangeSize(text string) int {
	_, count, found := strings.Cut(text, ",")
	if !found {
		return 1
	}
	n, err := strconv.Atoi(count)
	if err != nil {
		panic(fmt.Sprintf("a diff of our own has the range %q", text))
	}
	return n
}
