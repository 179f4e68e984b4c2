// Package wire opens what a request names: the repository, the registry and the
// forge. It is the only place where the packages that do I/O meet package bump.
//
// It knows which credentials exist and which host each of them is for. A token
// that a CI system sets for one forge is sent to that forge's hosts only;
// TAGBUMP_TOKEN is sent to the host that a person named. One table lists the
// forges, see forges.go: a new forge is a new row.
//
// One trap: a [Place] is located before it is opened, so that a caller can refuse
// a request that makes no sense for a local folder before anything is asked.
package wire

import (
	"crypto/x509"
	"errors"
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/internal/httpx"
	"github.com/tagbump/tagbump/pkg/internal/smallfile"
	"github.com/tagbump/tagbump/pkg/registry"
)

// A World is what a run has from outside.
type World struct {
	// Getenv reads a variable of the environment.
	Getenv func(name string) string
	// Now is the time of commits.
	Now func() time.Time
	// Dir is where relative paths begin. Default: the process's folder.
	Dir string
	// UserAgent names the program to servers.
	UserAgent string
	// Transport carries requests to registries, without credentials. Default: the
	// real network, with the log-ins of the environment.
	Transport http.RoundTripper
	// PlainHTTP and Insecure list registries, as HOST or HOST:PORT: those that are
	// asked without TLS, and those whose certificate is not checked.
	PlainHTTP, Insecure []string
	// Secret is told every password and token before it is used. Default: nobody is told.
	Secret func(username, secret string)
	// Apps keeps what GitHub Apps got. Default: each use asks again.
	Apps *AppTokens
	// Say takes a line for a person who waits, Detail one for those who want to
	// see each step.
	Say, Detail func(format string, args ...any)

	caBundle []byte // PEM certificates to trust beside the system's
}

// Path returns where a file is that a person named.
func (w World) Path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(w.Dir, name)
}

// ReadFlag returns the content of the file that a flag names, which may be up to
// limit bytes long. Errors are of the kind fault.Usage and never show the content.
func (w World) ReadFlag(flag, name string, limit int64) ([]byte, error) {
	content, err := smallfile.Read(w.Path(name), limit)
	if pathError := new(fs.PathError); errors.As(err, &pathError) {
		err = pathError.Err
	}
	if err != nil {
		return nil, fault.Errorf(fault.Usage, "%s: %s: %w", flag, name, err)
	}
	return content, nil
}

// variable returns the value of a variable, without the line end or the blank that it
// was pasted with. CircleCI writes a pipeline value that is not set as <nil>.
func (w World) variable(name string) string {
	if value := strings.TrimSpace(w.Getenv(name)); value != "<nil>" {
		return value
	}
	return ""
}

// secret returns the value of a variable that holds a secret.
func (w World) secret(name string) string { return w.variable(name) }

// firstSecret returns the first of the named variables that is set, and its value.
func (w World) firstSecret(names ...string) (name, value string) {
	for _, name := range names {
		if value := w.secret(name); value != "" {
			return name, value
		}
	}
	return "", ""
}

// The variables that this package reads and that are no flags.
const (
	tokenVariable             = "TAGBUMP_TOKEN"
	tokenHostVariable         = "TAGBUMP_TOKEN_HOST" // which host the token is for
	usernameVariable          = "TAGBUMP_USERNAME"
	sshPassphraseVariable     = "TAGBUMP_SSH_KEY_PASSPHRASE"
	signingPassphraseVariable = "TAGBUMP_SIGNING_KEY_PASSPHRASE"
)

// SecretVariables returns the names of all variables whose values must never be
// printed, sorted.
func SecretVariables() []string {
	names := []string{tokenVariable, sshPassphraseVariable, signingPassphraseVariable, argocdTokenVariable, appKeyVariable}
	for _, forge := range forges {
		names = append(names, forge.tokens...)
		if forge.jobToken != "" {
			names = append(names, forge.jobToken)
		}
	}
	names = append(names, registry.SecretVariables()...)
	slices.Sort(names)
	return slices.Compact(names)
}

// Variables returns the names of the TAGBUMP_ variables that have no flag.
func Variables() []string {
	return []string{
		tokenVariable, tokenHostVariable, usernameVariable, sshPassphraseVariable, signingPassphraseVariable,
		buildURLVariable, triggeredByVariable, sourceVariable,
	}
}

// WithCAFile returns w with the certificates of a PEM file, which --ca-file names.
func (w World) WithCAFile(name string) (World, error) {
	bundle, err := w.ReadFlag("--ca-file", name, smallfile.Text)
	if err != nil {
		return w, err
	}
	if !x509.NewCertPool().AppendCertsFromPEM(bundle) {
		return w, fault.Errorf(fault.Usage, "--ca-file: %s: the file holds no PEM certificate", name)
	}
	w.caBundle = bundle
	return w, nil
}

// transport returns a transport that also trusts the certificates of the CA file.
func (w World) transport() http.RoundTripper {
	transport, err := httpx.NewTransport(httpx.TransportOptions{CABundle: w.caBundle})
	if err != nil {
		panic(err) // WithCAFile has read the certificates already
	}
	return transport
}
