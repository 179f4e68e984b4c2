package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/tagbump/tagbump/pkg/internal/httpx"
	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
	"github.com/tagbump/tagbump/pkg/redact"
)

// How long a credential helper may take. Those of clouds make a request or two;
// one that waits for a person, or for a desktop that is not there, waits for ever.
const (
	helperTime  = 15 * time.Second
	helperGrace = time.Second // for its output to end when it has ended itself
)

// A helperAnswer is what a credential helper ended with.
type helperAnswer struct {
	found  login
	missed []miss
}

// fromHelper asks the helper program that the config names for a registry, or for all.
func (k *Keychain) fromHelper(ctx context.Context, config *dockerConfig, host, source string) (login, []miss) {
	server, suffix := host, config.CredsStore
	for _, key := range hostNames(host) {
		if same := spellings(config.CredHelpers, key); len(same) > 0 {
			server, suffix = same[0], config.CredHelpers[same[0]]
			break
		}
	}
	if suffix == "" {
		return login{}, nil
	}
	if server == name.DefaultRegistry {
		server = authn.DefaultAuthKey // docker files the Hub under its oldest address
	}
	k.asking.Lock()
	defer k.asking.Unlock()
	key := suffix + " " + server
	answer, asked := k.helpers[key]
	if !asked {
		answer = k.askHelper(ctx, suffix, server, source)
		if ctx.Err() == nil {
			k.helpers[key] = answer
		}
	}
	return answer.found, answer.missed
}

// helperName is what can follow "docker-credential-": a path would run a program of
// the working folder.
var helperName = lazyregexp.New(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

func (k *Keychain) askHelper(ctx context.Context, suffix, server, source string) helperAnswer {
	if !helperName.MatchString(suffix) {
		return helperAnswer{missed: []miss{{text: fmt.Sprintf("%s names the credential helper %q, which is not the name of a program", source, suffix)}}}
	}
	program := "docker-credential-" + suffix
	got, err := runHelper(ctx, program, server, k.patience)
	if errors.Is(err, errHelperSlow) {
		k.warn("%s of %s did not answer within %s and was stopped", program, source, k.patience)
	}
	switch {
	case err != nil:
		return helperAnswer{missed: []miss{{text: fmt.Sprintf("%s of %s %v", program, source, err)}}}
	case got.Username == "" && got.Secret == "":
		return helperAnswer{}
	case got.Username == "<token>": // the helper protocol's word for an identity token
		return helperAnswer{found: login{auth: authn.FromConfig(authn.AuthConfig{IdentityToken: got.Secret}), source: program}}
	case got.Username == "" || got.Secret == "":
		return helperAnswer{missed: []miss{{text: fmt.Sprintf("%s of %s gives a user without a password, or the reverse", program, source)}}}
	}
	return helperAnswer{found: password(got.Username, got.Secret, program)}
}

// helperCredentials is what a helper writes (docker-credential-helpers, "get").
type helperCredentials struct{ Username, Secret string }

var errHelperSlow = errors.New("did not answer in time")

// runHelper asks a helper for the log-in of a server, as long as patience allows. The zero credentials mean that
// it has none. Its process group ends with it, or when its time is up. The error's
// text completes a sentence that begins with the program, and holds no secret.
func runHelper(ctx context.Context, program, server string, patience time.Duration) (helperCredentials, error) {
	limited, cancel := context.WithTimeoutCause(ctx, patience, errHelperSlow)
	defer cancel()
	var output, complaint bytes.Buffer
	cmd := exec.CommandContext(limited, program, "get")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(server), &output, &complaint
	cmd.Env = helperEnvironment(os.Environ())
	cmd.WaitDelay = helperGrace
	ownGroup(cmd)
	err := cmd.Run()
	switch {
	case context.Cause(limited) != nil:
		return helperCredentials{}, context.Cause(limited)
	case errors.Is(err, exec.ErrNotFound):
		return helperCredentials{}, errors.New("is not in PATH")
	case errors.Is(err, exec.ErrWaitDelay): // it has answered, and a child of its holds the pipe
		_ = endGroup(cmd)
	case err != nil:
		words := httpx.Line(redact.Text(output.String()+"\n"+complaint.String()), longestWords)
		if isNotFoundByHelper(words) {
			return helperCredentials{}, nil
		}
		return helperCredentials{}, fmt.Errorf("failed: %s", strings.TrimSpace(words+" ("+err.Error()+")"))
	}
	var got helperCredentials
	if err := json.Unmarshal(output.Bytes(), &got); err != nil {
		return got, errors.New("gives an answer that is not JSON")
	}
	got.Username, got.Secret = strings.TrimSpace(got.Username), strings.TrimSpace(got.Secret)
	return got, nil
}

// isNotFoundByHelper reports whether a helper's words say that it has no log-in for
// the server. The protocol has no other sign for it (docker-credential-helpers,
// credentials/error.go).
func isNotFoundByHelper(words string) bool {
	return strings.Contains(words, "credentials not found in native keychain")
}

// helperEnvironment leaves out tagbump's own variables: a helper needs none of them.
func helperEnvironment(environ []string) []string {
	var kept []string
	for _, variable := range environ {
		if !strings.HasPrefix(variable, "TAGBUMP_") {
			kept = append(kept, variable)
		}
	}
	return kept
}
