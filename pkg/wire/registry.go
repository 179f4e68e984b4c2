package wire

import (
	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/tagbump/tagbump/pkg/registry"
)

// registrySecrets are the variables that package registry reads passwords from.
var registrySecrets = []string{
	"REGISTRY_PASSWORD", "DOCKERHUB_PASSWORD", "DOCKERHUB_TOKEN", "DOCKER_AUTH_CONFIG",
	"GITHUB_TOKEN", "GH_TOKEN",
	"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN",
}

// OpenRegistry returns a client for all registries, with the log-ins of the
// environment. Over a Transport of the world's own, requests are anonymous.
func (w World) OpenRegistry() (*registry.Client, error) {
	options := registry.Options{
		Keychain:  registry.NewKeychain(w.Getenv, w.Detail),
		Transport: w.Transport,
		UserAgent: w.UserAgent,
		Log:       w.Detail,
	}
	if w.Transport != nil {
		options.Keychain = authn.NewMultiKeychain()
	}
	return registry.New(options)
}
