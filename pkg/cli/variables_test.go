package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"
)

func TestAMisspeltVariableIsNamed(t *testing.T) {
	var out, talk bytes.Buffer
	code := Run(context.Background(), Env{
		Args: []string{"version"}, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &talk, Now: time.Now,
		Getenv: func(string) string { return "" },
		Environ: func() []string {
			return []string{
				"PATH=/bin", "TAGBUMP_REOP=https://git.example/x", "TAGBUMP_TOKNE=s3cret", "TAGBUMP_COLOUR_SCHEME=dark",
				"TAGBUMP_REPO=x", "TAGBUMP_FROM=staging", "TAGBUMP_TOKEN=s3cret", "TAGBUMP_USERNAME=ci", "TAGBUMP_TOKEN_HOST=git.example",
				"TAGBUMP_SSH_KEY_PASSPHRASE=x", "TAGBUMP_SIGNING_KEY_PASSPHRASE=x", "TAGBUMP_ON_STALE=skip", "MY_TAGBUMP_REOP=x",
			}
		},
	})
	const want = `warning: TAGBUMP_REOP is not a variable of tagbump; did you mean TAGBUMP_REPO?
warning: TAGBUMP_TOKNE is not a variable of tagbump; did you mean TAGBUMP_TOKEN?
warning: TAGBUMP_COLOUR_SCHEME is not a variable of tagbump
`
	if code != 0 || talk.String() != want {
		t.Errorf("code %d, got:\n%swant:\n%s", code, talk.String(), want)
	}
}
