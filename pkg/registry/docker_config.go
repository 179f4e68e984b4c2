package registry

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
)

// dockerConfig is what counts of ~/.docker/config.json. Log-ins stay text until one
// is needed: a broken one matters to its own registry only.
type dockerConfig struct {
	Auths       map[string]json.RawMessage `json:"auths"`
	CredHelpers map[string]string          `json:"credHelpers"`
	CredsStore  string                     `json:"credsStore"`
}

// parseDockerConfig reads a config; an empty text is an empty config. The parser's
// own words are not repeated, since they may hold a password.
func parseDockerConfig(text []byte) (*dockerConfig, error) {
	text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\ufeff")))
	if len(text) == 0 {
		return &dockerConfig{}, nil
	}
	var config dockerConfig
	if err := json.Unmarshal(text, &config); err != nil {
		return nil, errors.New("not a docker config, which is JSON with \"auths\"")
	}
	return &config, nil
}

// fromConfig looks for a target first among the helpers, as docker does, then among
// the log-ins in the config itself.
func (k *Keychain) fromConfig(ctx context.Context, config *dockerConfig, target authn.Resource, source string) (login, []miss) {
	found, misses := k.fromHelper(ctx, config, target.RegistryStr(), source)
	if !found.isAnonymous() {
		return found, misses
	}
	for _, key := range configKeys(target) {
		for _, stored := range spellings(config.Auths, key) {
			auth, err := parseEntry(config.Auths[stored])
			switch {
			case err != nil:
				misses = append(misses, miss{text: fmt.Sprintf("the entry %s of %s %v", stored, source, err)})
			case auth != nil:
				return login{auth: auth, source: source}, misses
			}
		}
	}
	return login{}, misses
}

// parseEntry reads one log-in. It returns nil for an empty one, as docker writes
// them beside a credential store.
func parseEntry(text json.RawMessage) (authn.Authenticator, error) {
	var entry struct{ Username, Password, Auth, IdentityToken, RegistryToken string }
	if err := json.Unmarshal(text, &entry); err != nil {
		return nil, errors.New("is not an object of texts")
	}
	for _, field := range []*string{&entry.Username, &entry.Password, &entry.Auth, &entry.IdentityToken, &entry.RegistryToken} {
		*field = strings.TrimSpace(*field)
	}
	if entry.IdentityToken != "" || entry.RegistryToken != "" {
		return authn.FromConfig(authn.AuthConfig{Username: entry.Username, IdentityToken: entry.IdentityToken, RegistryToken: entry.RegistryToken}), nil
	}
	if entry.Auth != "" {
		username, password, ok := decodeAuth(entry.Auth)
		if !ok {
			return nil, errors.New("has an \"auth\" that is not USER:PASSWORD in base64")
		}
		entry.Username, entry.Password = username, password
	}
	switch {
	case entry.Username == "" && entry.Password == "":
		return nil, nil
	case entry.Username == "":
		return nil, errors.New("has a password and no user name")
	case entry.Password == "":
		return nil, errors.New("has a user name and no password")
	}
	return &authn.Basic{Username: entry.Username, Password: entry.Password}, nil
}

// decodeAuth reads user and password out of base64, with or without padding.
func decodeAuth(auth string) (username, password string, ok bool) {
	text, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(auth, "="))
	if err != nil {
		return "", "", false
	}
	username, password, ok = strings.Cut(string(text), ":")
	return strings.TrimSpace(username), strings.Trim(password, "\x00 \t\r\n"), ok
}

// configKeys returns the names under which a target may be filed, the longest first:
// podman has log-ins for parts of a registry, and calls the Hub docker.io.
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

// spellings returns the keys of entries that mean key: first the one that reads the
// same, for Docker Hub the address under which docker files it, then the others in
// their order as text.
func spellings[T any](entries map[string]T, key string) []string {
	var same []string
	for _, stored := range slices.Sorted(maps.Keys(entries)) {
		if strings.EqualFold(trimScheme(stored), key) {
			same = append(same, stored)
		}
	}
	slices.SortStableFunc(same, func(a, b string) int { return exactness(b, key) - exactness(a, key) })
	return same
}

func exactness(stored, key string) int {
	switch {
	case stored == key:
		return 2
	case key == name.DefaultRegistry && stored == authn.DefaultAuthKey:
		return 3 // where docker login writes
	case strings.EqualFold(stored, key):
		return 1
	}
	return 0
}

// trimScheme cuts from a stored key what does not tell registries apart, as in
// https://index.docker.io/v1/.
func trimScheme(key string) string {
	if scheme := schemePattern.FindString(key); scheme != "" {
		key = key[len(scheme):]
	}
	key = strings.TrimSuffix(key, "/")
	return strings.TrimSuffix(strings.TrimSuffix(key, "/v1"), "/v2")
}

var schemePattern = lazyregexp.New(`^(?i:https?)://`)
