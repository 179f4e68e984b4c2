package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	helper "github.com/docker/docker-credential-helpers/client"
	"github.com/docker/docker-credential-helpers/credentials"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// A Keychain finds the log-in for a registry where CI systems and people keep it.
// The first of these places that has one for the registry counts:
//
//  1. REGISTRY_USERNAME and REGISTRY_PASSWORD, for the registry in REGISTRY_HOST, or for
//     Docker Hub if there is none: a password is not sent to whom it is not meant for.
//     DOCKERHUB_USERNAME with DOCKERHUB_PASSWORD or DOCKERHUB_TOKEN, for Docker Hub.
//  2. DOCKER_AUTH_CONFIG, the text of a docker config.
//  3. The file REGISTRY_AUTH_FILE.
//  4. The docker config, with its credential helpers: in DOCKER_CONFIG, else ~/.docker.
//  5. Podman's auth.json.
//  6. The registry's own cloud: GITHUB_TOKEN or GH_TOKEN for ghcr.io, the AWS, Google
//     and Azure environments for theirs.
//
// A helper that is missing or fails counts as having nothing, since the image may be
// public. A config that cannot be read is an error.
type Keychain struct {
	getenv func(string) string
	log    func(format string, args ...any)
	clouds []cloud

	mu    sync.Mutex
	files map[string]*dockerConfig // by path, read once
}

// SecretVariables returns the environment variables that a Keychain reads and whose
// values must never be printed.
func SecretVariables() []string {
	return []string{
		"REGISTRY_PASSWORD", "DOCKERHUB_PASSWORD", "DOCKERHUB_TOKEN", "DOCKER_AUTH_CONFIG",
		"GITHUB_TOKEN", "GH_TOKEN",
		"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
		"AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN",
	}
}

// NewKeychain makes a keychain of the environment that getenv reads. The log is told
// which place a log-in came from, and what was wrong with others, without secrets.
func NewKeychain(getenv func(string) string, log func(format string, args ...any)) *Keychain {
	return &Keychain{getenv: getenv, log: log, clouds: allClouds(getenv), files: map[string]*dockerConfig{}}
}

// Resolve implements authn.Keychain.
func (k *Keychain) Resolve(target authn.Resource) (authn.Authenticator, error) {
	return k.ResolveContext(context.Background(), target)
}

// ResolveContext implements authn.ContextKeychain.
func (k *Keychain) ResolveContext(ctx context.Context, target authn.Resource) (authn.Authenticator, error) {
	for _, look := range []func(context.Context, authn.Resource) (login, error){
		k.fromVariables, k.fromConfigVariable, k.fromFiles, k.fromClouds,
	} {
		found, err := look(ctx, target)
		if err != nil {
			return nil, &credentialsError{err}
		}
		if found.source != "" {
			k.log("%s: log-in from %s", hubName(target.RegistryStr()), found.source)
			return found.auth, nil
		}
	}
	k.log("%s: no log-in, so as anyone", hubName(target.RegistryStr()))
	return authn.Anonymous, nil
}

// A credentialsError says that a place cannot be read, so that nobody knows whether it has a log-in.
type credentialsError struct{ err error }

func (e *credentialsError) Error() string { return "registry credentials: " + e.err.Error() }
func (e *credentialsError) Unwrap() error { return e.err }

// A login is what a place has for a registry; without a source it has nothing.
type login struct {
	auth   authn.Authenticator
	source string
}

func password(username, password, source string) login {
	return login{&authn.Basic{Username: username, Password: password}, source}
}

// fromVariables looks for a user and a password in the environment.
func (k *Keychain) fromVariables(_ context.Context, target authn.Resource) (login, error) {
	host := target.RegistryStr()
	meant := k.getenv("REGISTRY_HOST")
	if meant == "" {
		meant = "docker.io"
	}
	user, secret := k.getenv("REGISTRY_USERNAME"), k.getenv("REGISTRY_PASSWORD")
	if user != "" && secret != "" && sameHost(meant, host) {
		return password(user, secret, "REGISTRY_USERNAME"), nil
	}
	if !sameHost("docker.io", host) {
		return login{}, nil
	}
	user, secret = k.getenv("DOCKERHUB_USERNAME"), k.getenv("DOCKERHUB_PASSWORD")
	if secret == "" {
		secret = k.getenv("DOCKERHUB_TOKEN")
	}
	if user != "" && secret != "" {
		return password(user, secret, "DOCKERHUB_USERNAME"), nil
	}
	return login{}, nil
}

// fromConfigVariable looks into the docker config that is itself in the environment.
func (k *Keychain) fromConfigVariable(_ context.Context, target authn.Resource) (login, error) {
	text := k.getenv("DOCKER_AUTH_CONFIG")
	if text == "" {
		return login{}, nil
	}
	config, err := parseDockerConfig([]byte(text))
	if err != nil {
		return login{}, fmt.Errorf("DOCKER_AUTH_CONFIG: %w", err)
	}
	return k.fromConfig(config, target, "DOCKER_AUTH_CONFIG"), nil
}

// fromFiles looks into the files of docker and podman.
func (k *Keychain) fromFiles(_ context.Context, target authn.Resource) (login, error) {
	for _, path := range k.paths() {
		config, err := k.read(path)
		if err != nil {
			return login{}, err
		}
		if found := k.fromConfig(config, target, path); found.source != "" {
			return found, nil
		}
	}
	return login{}, nil
}

// paths are the files to look into, which need not exist.
func (k *Keychain) paths() []string {
	home := k.getenv("HOME")
	if home == "" {
		home = k.getenv("USERPROFILE")
	}
	var paths []string
	add := func(base string, parts ...string) {
		if base != "" {
			paths = append(paths, filepath.Join(append([]string{base}, parts...)...))
		}
	}
	add(k.getenv("REGISTRY_AUTH_FILE"))
	add(k.getenv("DOCKER_CONFIG"), "config.json")
	if k.getenv("DOCKER_CONFIG") == "" {
		add(home, ".docker", "config.json")
	}
	add(k.getenv("XDG_RUNTIME_DIR"), "containers", "auth.json")
	add(k.getenv("XDG_CONFIG_HOME"), "containers", "auth.json")
	if k.getenv("XDG_CONFIG_HOME") == "" {
		add(home, ".config", "containers", "auth.json")
	}
	return paths
}

// read returns the config at path, an empty one if there is no such file.
func (k *Keychain) read(path string) (*dockerConfig, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if config, found := k.files[path]; found {
		return config, nil
	}
	config := &dockerConfig{}
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		if config, err = parseDockerConfig(text); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	k.files[path] = config
	return config, nil
}

// dockerConfig is what counts of ~/.docker/config.json.
type dockerConfig struct {
	Auths       map[string]authn.AuthConfig `json:"auths"`
	CredHelpers map[string]string           `json:"credHelpers"`
	CredsStore  string                      `json:"credsStore"`
}

// parseDockerConfig keeps the parser's words to itself, since they may repeat a password.
func parseDockerConfig(text []byte) (*dockerConfig, error) {
	var config dockerConfig
	if err := json.Unmarshal(text, &config); err != nil {
		return nil, errors.New("not a docker config, which is JSON with \"auths\"")
	}
	return &config, nil
}

// fromConfig looks for a target first among the helpers, as docker does, then among
// the log-ins that stand in the config itself.
func (k *Keychain) fromConfig(config *dockerConfig, target authn.Resource, source string) login {
	if found := k.fromHelper(config, target.RegistryStr(), source); found.source != "" {
		return found
	}
	for _, key := range configKeys(target) {
		for stored, auth := range config.Auths {
			if trimScheme(stored) == key && auth != (authn.AuthConfig{}) {
				return login{authn.FromConfig(auth), source}
			}
		}
	}
	return login{}
}

// fromHelper asks the helper program that the config names for a registry, or for all.
func (k *Keychain) fromHelper(config *dockerConfig, host, source string) login {
	server, suffix := host, config.CredsStore
	for stored, program := range config.CredHelpers {
		if sameHost(trimScheme(stored), host) {
			server, suffix = stored, program
		}
	}
	if suffix == "" {
		return login{}
	}
	if server == name.DefaultRegistry {
		server = authn.DefaultAuthKey // docker files the Hub under its oldest address
	}
	program := "docker-credential-" + suffix
	found, err := helper.Get(helper.NewShellProgramFunc(program), server)
	switch {
	case credentials.IsErrCredentialsNotFound(err):
		return login{}
	case err != nil:
		k.log("%s: %s of %s has no answer, which is taken for no log-in", hubName(host), program, source)
		return login{}
	case found.Username == "" && found.Secret == "":
		return login{}
	case found.Username == "<token>": // the helper protocol's word for an identity token
		return login{authn.FromConfig(authn.AuthConfig{IdentityToken: found.Secret}), program}
	}
	return password(found.Username, found.Secret, program)
}

// configKeys are the names under which a target may be filed, the longest first: podman
// has log-ins for parts of a registry, and calls the Hub docker.io.
func configKeys(target authn.Resource) []string {
	var keys []string
	for _, host := range hostNames(target.RegistryStr()) {
		path := strings.TrimPrefix(target.String(), target.RegistryStr())
		for ; path != ""; path = path[:strings.LastIndexByte(path, '/')] {
			keys = append(keys, host+path)
		}
	}
	return append(keys, hostNames(target.RegistryStr())...)
}

// trimScheme cuts from a stored key what does not tell registries apart, as in
// https://index.docker.io/v1/.
func trimScheme(key string) string {
	key = strings.TrimPrefix(strings.TrimPrefix(key, "https://"), "http://")
	key = strings.TrimSuffix(key, "/")
	return strings.TrimSuffix(strings.TrimSuffix(key, "/v1"), "/v2")
}

// hostNames are the names of one registry.
func hostNames(host string) []string {
	if host == name.DefaultRegistry {
		return []string{name.DefaultRegistry, "docker.io", "registry-1.docker.io"}
	}
	return []string{host}
}

func sameHost(written, host string) bool {
	for _, known := range hostNames(host) {
		if strings.EqualFold(trimScheme(written), known) {
			return true
		}
	}
	return false
}

// hubName is how people call a registry.
func hubName(host string) string {
	if host == name.DefaultRegistry {
		return "docker.io"
	}
	return host
}
