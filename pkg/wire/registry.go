package wire

import (
	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/tagbump/tagbump/pkg/registry"
)

// OpenRegistry returns a client for all registries, with the log-ins of the
// environment. Over a Transport of the world's own, requests are anonymous.
func (w World) OpenRegistry() (*registry.Client, error) {
	options := registry.Options{
		Getenv:    w.Getenv,
		Transport: w.Transport,
		CABundle:  w.caBundle,
		PlainHTTP: w.PlainHTTP,
		Insecure:  w.Insecure,
		Secret:    w.Secret,
		UserAgent: w.UserAgent,
		Log:       w.Detail,
		Warn:      w.Say,
	}
	if w.Transport != nil {
		options.Keychain = authn.NewMultiKeychain()
	}
	return registry.New(options)
}
