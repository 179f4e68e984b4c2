package cli

import (
	"io"

	"github.com/tagbump/tagbump/pkg/redact"
	"github.com/tagbump/tagbump/pkg/wire"
)

// secrets knows the value of every variable that holds a secret.
func (env Env) secrets() redact.Secrets {
	var values []string
	for _, name := range wire.SecretVariables() {
		values = append(values, env.Getenv(name))
	}
	return redact.NewSecrets(values...)
}

// masked writes text without the secrets in it. A diff passes through
// it as well: a secret in a manifest is masked.
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
