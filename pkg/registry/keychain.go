package registry

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/tagbump/tagbump/pkg/internal/smallfile"
)

// A Keychain finds the log-in for a registry where CI systems and people keep it.
// The first of these places that has one for the registry counts:
//
//  1. REGISTRY_USERNAME and REGISTRY_PASSWORD, for the registry in REGISTRY_HOST, or for
//     Docker Hub if there is none: a password is sent only to the registry that it is for.
//     DOCKERHUB_USERNAME with DOCKERHUB_PASSWORD or DOCKERHUB_TOKEN, for Docker Hub.
//  2. DOCKER_AUTH_CONFIG, the text of a docker config.
//  3. The file REGISTRY_AUTH_FILE.
//  4. The docker config, with its credential helpers: in DOCKER_CONFIG, else ~/.docker.
//  5. Podman's auth.json.
//  6. The registry's own cloud: GITHUB_TOKEN or GH_TOKEN for ghcr.io, the AWS, Google
//     and Azure environments for theirs. Nobody gave these for the registry, so they
//     are dropped when the registry refuses them.
//
// A place that cannot be read (a helper that fails, a broken config, a variable
// without its partner) counts as having nothing, since the image may be public. The
// error names it if the registry then wants a log-in. White space around values is
// cut: files and CI contexts add line ends.
type Keychain struct {
	getenv func(string) string
	log    func(format string, args ...any)
	warn   func(format string, args ...any)
	clouds []cloud

	mu    sync.Mutex
	files map[string]configFile // by path, read once

	patience time.Duration // with a helper program
	asking   sync.Mutex
	helpers  map[string]helperAnswer // by program and server, asked once
}

// SecretVariables returns the environment variables that a Keychain reads and whose
// values must never be printed.
func SecretVariables() []string {
	return []string{
		"REGISTRY_PASSWORD", "DOCKERHUB_PASSWORD", "DOCKERHUB_TOKEN", "DOCKER_AUTH_CONFIG",
		"GITHUB_TOKEN", "GH_TOKEN",
		"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN",
		"AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN",
	}
}

// newKeychain makes a keychain of the environment that getenv reads. The log is told
// where a log-in came from and why other places had none, without secrets; warn is told of
// places that make a run slow.
func newKeychain(getenv func(string) string, log, warn func(format string, args ...any)) *Keychain {
	trimmed := func(variable string) string { return strings.TrimSpace(getenv(variable)) }
	return &Keychain{
		getenv: trimmed, log: log, warn: warn, clouds: allClouds(trimmed),
		patience: helperTime, files: map[string]configFile{}, helpers: map[string]helperAnswer{},
	}
}

// Resolve implements authn.Keychain.
func (k *Keychain) Resolve(target authn.Resource) (authn.Authenticator, error) {
	return k.ResolveContext(context.Background(), target)
}

// ResolveContext implements authn.ContextKeychain. It returns authn.Anonymous where
// no place has a log-in, and no errors.
func (k *Keychain) ResolveContext(ctx context.Context, target authn.Resource) (authn.Authenticator, error) {
	return k.find(ctx, target).auth, nil
}

// find returns the log-in for target, an anonymous one if no place has any.
func (k *Keychain) find(ctx context.Context, target authn.Resource) login {
	host := hubName(target.RegistryStr())
	var misses []miss
	for _, look := range []func(context.Context, authn.Resource) (login, []miss){
		k.fromVariables, k.fromConfigVariable, k.fromFiles, k.fromClouds,
	} {
		found, missed := look(ctx, target)
		for _, m := range missed {
			k.log("%s: no log-in: %s", host, m.text)
		}
		misses = append(misses, missed...)
		if !found.isAnonymous() {
			k.log("%s: log-in from %s", host, found.source)
			found.host, found.misses = host, misses
			return found
		}
	}
	k.log("%s: no credentials, asking anonymously", host)
	return login{auth: authn.Anonymous, host: host, misses: misses}
}

func password(username, password, source string) login {
	return login{auth: &authn.Basic{Username: username, Password: password}, source: source}
}

// A pair is a user and the secrets that may go with it, as variables.
type pair struct {
	user    string
	secrets []string
	host    string // that it is for
}

// fromVariables looks for a user and a password in the environment.
func (k *Keychain) fromVariables(_ context.Context, target authn.Resource) (login, []miss) {
	meant := k.getenv("REGISTRY_HOST")
	pairs := []pair{
		{"REGISTRY_USERNAME", []string{"REGISTRY_PASSWORD"}, meant},
		{"DOCKERHUB_USERNAME", []string{"DOCKERHUB_PASSWORD", "DOCKERHUB_TOKEN"}, "docker.io"},
	}
	if meant == "" {
		pairs[0].host = "docker.io"
	}
	var misses []miss
	for _, p := range pairs {
		user, secret := k.getenv(p.user), k.firstSet(p.secrets)
		if user == "" && secret == "" {
			continue
		}
		isMeant := sameHost(hostOf(p.host), target.RegistryStr())
		switch missing := strings.Join(p.secrets, " or "); {
		case !isMeant && p.user == "DOCKERHUB_USERNAME":
		case !isMeant && meant == "":
			misses = append(misses, miss{"REGISTRY_USERNAME is for Docker Hub unless REGISTRY_HOST names the registry", "set REGISTRY_HOST=" + hubName(target.RegistryStr())})
		case !isMeant:
			misses = append(misses, miss{text: fmt.Sprintf("REGISTRY_USERNAME is for %s (REGISTRY_HOST)", hostOf(p.host))})
		case secret == "":
			misses = append(misses, miss{p.user + " is set without " + missing, "set " + missing})
		case user == "":
			misses = append(misses, miss{missing + " is set without " + p.user, "set " + p.user})
		default:
			return password(user, secret, p.user), misses
		}
	}
	return login{}, misses
}

func (k *Keychain) firstSet(variables []string) string {
	for _, variable := range variables {
		if value := k.getenv(variable); value != "" {
			return value
		}
	}
	return ""
}

// fromConfigVariable looks into the docker config that is itself in the environment.
func (k *Keychain) fromConfigVariable(ctx context.Context, target authn.Resource) (login, []miss) {
	text := k.getenv("DOCKER_AUTH_CONFIG")
	if text == "" {
		return login{}, nil
	}
	config, err := parseDockerConfig([]byte(text))
	if err != nil {
		return login{}, []miss{{text: "DOCKER_AUTH_CONFIG is " + err.Error()}}
	}
	return k.fromConfig(ctx, config, target, "DOCKER_AUTH_CONFIG")
}

// fromFiles looks into the files of docker and podman.
func (k *Keychain) fromFiles(ctx context.Context, target authn.Resource) (login, []miss) {
	var misses []miss
	for _, path := range k.paths() {
		config, err := k.read(path)
		if err != nil {
			misses = append(misses, miss{text: fmt.Sprintf("%s: %v", path, err)})
			continue
		}
		found, missed := k.fromConfig(ctx, config, target, path)
		misses = append(misses, missed...)
		if !found.isAnonymous() {
			return found, misses
		}
	}
	return login{}, misses
}

// paths returns the files to look into. All but the one in REGISTRY_AUTH_FILE may be missing.
func (k *Keychain) paths() []string {
	home := k.firstSet([]string{"HOME", "USERPROFILE"})
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

// A configFile is what reading a config ended with.
type configFile struct {
	config *dockerConfig
	err    error
}

// read returns the config at path, an empty one if the file does not exist.
func (k *Keychain) read(path string) (*dockerConfig, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if file, found := k.files[path]; found {
		return file.config, file.err
	}
	config, err := readDockerConfig(path)
	if errors.Is(err, fs.ErrNotExist) && path != k.getenv("REGISTRY_AUTH_FILE") {
		config, err = &dockerConfig{}, nil
	}
	k.files[path] = configFile{config, err}
	return config, err
}

func readDockerConfig(path string) (*dockerConfig, error) {
	text, err := smallfile.ReadRegular(path, smallfile.Text)
	var failed *fs.PathError
	if errors.As(err, &failed) {
		return nil, failed.Err // the caller names the file
	}
	if err != nil {
		return nil, err
	}
	return parseDockerConfig(text)
}

// hostOf returns the host in what people write for a registry: with a scheme, or
// with a path behind it.
func hostOf(written string) string {
	host, _, _ := strings.Cut(trimScheme(written), "/")
	return host
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
