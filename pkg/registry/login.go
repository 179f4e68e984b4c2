package registry

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
)

// A login is the credentials for one registry, and where they come from.
type login struct {
	auth     authn.Authenticator
	source   string // "REGISTRY_USERNAME", a file, a helper program; "" when anonymous
	optional bool   // nobody gave it for this registry: it is dropped when refused
	host     string // of the registry, as people call it
	misses   []miss // why the places that were looked at have nothing, where that may be a mistake
}

// A miss is a place that could have had a log-in and has none that can be used.
type miss struct {
	text string // "REGISTRY_USERNAME is set without REGISTRY_PASSWORD"
	hint string // the next step, or ""
}

func (l login) isAnonymous() bool { return l.source == "" }

// explainDenial says which log-in a registry refused, or why there was none.
func (r *refusal) explainDenial(e *Error) {
	e.kind = ErrAuth
	switch isForbidden := r.status == http.StatusForbidden; {
	case isForbidden && r.login.isAnonymous():
		e.What = "the registry forbids anonymous access"
	case isForbidden:
		e.What = "the registry forbids access with the log-in from " + r.login.source
	case r.login.isAnonymous():
		e.What = "the registry wants a log-in, or there is no such repository"
	default:
		e.What = "the registry refuses the log-in from " + r.login.source + ", or there is no such repository"
	}
	if !r.login.isAnonymous() {
		e.hint = "the password or token there may be wrong, expired, or without the right to read this repository"
		return
	}
	var texts []string
	for _, m := range r.login.misses {
		texts = append(texts, m.text)
		if e.hint == "" {
			e.hint = m.hint
		}
	}
	if e.hint == "" {
		e.hint = logInAdvice(r.login.host)
	}
	if len(texts) > 0 {
		e.Why = strings.TrimSpace(e.Why + " (asked anonymously: " + strings.Join(texts, "; ") + ")")
	}
}

// logInAdvice says how to give a log-in for a registry.
func logInAdvice(host string) string {
	if host == "docker.io" {
		return "DOCKERHUB_USERNAME and DOCKERHUB_TOKEN give a log-in, or docker login"
	}
	return fmt.Sprintf("REGISTRY_HOST=%s with REGISTRY_USERNAME and REGISTRY_PASSWORD gives a log-in, or docker login %s", host, host)
}

// secretsOf returns the user and the secrets that an authenticator holds.
func secretsOf(ctx context.Context, auth authn.Authenticator) (username string, secrets []string, err error) {
	config, err := authn.Authorization(ctx, auth)
	if err != nil {
		return "", nil, err
	}
	for _, secret := range []string{config.Password, config.Auth, config.IdentityToken, config.RegistryToken} {
		if secret != "" {
			secrets = append(secrets, secret)
		}
	}
	return config.Username, secrets, nil
}
