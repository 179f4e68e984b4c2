package registry

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// helper is the text of a credential helper that runs script.
func helper(script string) string { return "#!/bin/sh\ncat >/dev/null\n" + script + "\n" }

// TestEveryWayInWhichALogInIsWrong asks a registry that wants ci and the password
// "right-pass", with the log-ins of an environment and a home folder. HOST is the
// registry, HOME the folder, OTHER another registry.
func TestEveryWayInWhichALogInIsWrong(t *testing.T) {
	const (
		wants   = "HOST/acme/web:1.0.0: the registry wants a log-in, or there is no such repository: UNAUTHORIZED: authentication required"
		refuses = "HOST/acme/web:1.0.0: the registry refuses the log-in from %s, or there is no such repository: UNAUTHORIZED: %s"
		give    = "REGISTRY_HOST=HOST with REGISTRY_USERNAME and REGISTRY_PASSWORD gives a log-in, or docker login HOST"
		maybe   = "the password or token there may be wrong, expired, or without the right to read this repository"
	)
	anonymous := func(misses string) string { return wants + " (asked anonymously: " + misses + ")" }
	refused := func(source string) string { return fmt.Sprintf(refuses, source, "authentication required") }
	env := func(pairs ...string) map[string]string {
		vars := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			vars[pairs[i]] = pairs[i+1]
		}
		return vars
	}
	config := func(text string) map[string]string { return map[string]string{".docker/config.json": text} }
	withHelper := func(script string) map[string]string {
		return map[string]string{".docker/config.json": `{"credHelpers":{"HOST":"corp"}}`, "bin/docker-credential-corp": helper(script)}
	}
	b64 := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	for _, test := range []struct {
		name  string
		env   map[string]string
		files map[string]string
		want  string // "" when the log-in is right
		hint  string
	}{
		{"right, by variables", env("REGISTRY_HOST", "HOST", "REGISTRY_USERNAME", "ci", "REGISTRY_PASSWORD", "right-pass"), nil, "", ""},
		{"right, by a file", nil, config(`{"auths":{"HOST":{"auth":"` + b64("ci:right-pass") + `"}}}`), "", ""},
		{"right, by a helper", nil, withHelper(`echo '{"Username":"ci","Secret":"right-pass"}'`), "", ""},
		{"right, by a helper whose child lives on", nil, withHelper(`sleep 60 & echo '{"Username":"ci","Secret":"right-pass"}'`), "", ""},

		{"nothing at all", nil, nil, wants, give},
		{"wrong password in variables", env("REGISTRY_HOST", "HOST", "REGISTRY_USERNAME", "ci", "REGISTRY_PASSWORD", "old-pass"), nil, refused("REGISTRY_USERNAME"), maybe},
		{"wrong user in variables", env("REGISTRY_HOST", "HOST", "REGISTRY_USERNAME", "ic", "REGISTRY_PASSWORD", "right-pass"), nil, refused("REGISTRY_USERNAME"), maybe},
		{"a user without a password", env("REGISTRY_HOST", "HOST", "REGISTRY_USERNAME", "ci"), nil, anonymous("REGISTRY_USERNAME is set without REGISTRY_PASSWORD"), "set REGISTRY_PASSWORD"},
		{"a blank password", env("REGISTRY_HOST", "HOST", "REGISTRY_USERNAME", "ci", "REGISTRY_PASSWORD", " \n"), nil, anonymous("REGISTRY_USERNAME is set without REGISTRY_PASSWORD"), "set REGISTRY_PASSWORD"},
		{"a password without a user", env("REGISTRY_HOST", "HOST", "REGISTRY_PASSWORD", "right-pass"), nil, anonymous("REGISTRY_PASSWORD is set without REGISTRY_USERNAME"), "set REGISTRY_USERNAME"},
		{"variables without a host", env("REGISTRY_USERNAME", "ci", "REGISTRY_PASSWORD", "right-pass"), nil, anonymous("REGISTRY_USERNAME is for Docker Hub unless REGISTRY_HOST names the registry"), "set REGISTRY_HOST=HOST"},
		{"variables for another host", env("REGISTRY_HOST", "OTHER", "REGISTRY_USERNAME", "ci", "REGISTRY_PASSWORD", "right-pass"), nil, anonymous("REGISTRY_USERNAME is for OTHER (REGISTRY_HOST)"), give},
		{"a host without its port", env("REGISTRY_HOST", "127.0.0.1", "REGISTRY_USERNAME", "ci", "REGISTRY_PASSWORD", "right-pass"), nil, anonymous("REGISTRY_USERNAME is for 127.0.0.1 (REGISTRY_HOST)"), give},
		{"Docker Hub's variables", env("DOCKERHUB_USERNAME", "ci", "DOCKERHUB_TOKEN", "right-pass"), nil, wants, give},
		{"GitHub's token at another registry", env("GITHUB_TOKEN", "right-pass"), nil, wants, give},

		{"a variable that is not JSON", env("DOCKER_AUTH_CONFIG", "right-pass"), nil, anonymous(`DOCKER_AUTH_CONFIG is not a docker config, which is JSON with "auths"`), give},
		{"a variable in base64", env("DOCKER_AUTH_CONFIG", b64(`{"auths":{}}`)), nil, anonymous(`DOCKER_AUTH_CONFIG is not a docker config, which is JSON with "auths"`), give},
		{"a variable with a wrong password", env("DOCKER_AUTH_CONFIG", `{"auths":{"HOST":{"auth":"`+b64("ci:old-pass")+`"}}}`), nil, refused("DOCKER_AUTH_CONFIG"), maybe},
		{"a variable for another host", env("DOCKER_AUTH_CONFIG", `{"auths":{"OTHER":{"auth":"`+b64("ci:right-pass")+`"}}}`), nil, wants, give},
		{"a file that is named and missing", env("REGISTRY_AUTH_FILE", "HOME/auth.json"), nil, anonymous("HOME/auth.json: no such file or directory"), give},
		{"a folder in the place of a file", env("REGISTRY_AUTH_FILE", "HOME/bin"), map[string]string{"bin/x": ""}, anonymous("HOME/bin: is a directory, not a file"), give},
		{"a file of another kind", nil, config("apiVersion: v1\nkind: Secret\n"), anonymous(`HOME/.docker/config.json: not a docker config, which is JSON with "auths"`), give},
		{"a file that is cut off", nil, config(`{"auths":{"HOST":{"auth":"` + b64("ci:right-pass")), anonymous(`HOME/.docker/config.json: not a docker config, which is JSON with "auths"`), give},
		{"a file with a wrong password", nil, config(`{"auths":{"HOST":{"auth":"` + b64("ci:old-pass") + `"}}}`), refused("HOME/.docker/config.json"), maybe},
		{"a file for another port", nil, config(`{"auths":{"127.0.0.1:1":{"auth":"` + b64("ci:right-pass") + `"}}}`), wants, give},
		{"an entry that is empty", nil, config(`{"auths":{"HOST":{}}}`), wants, give},
		{"an entry that is a text", nil, config(`{"auths":{"HOST":"right-pass"}}`), anonymous("the entry HOST of HOME/.docker/config.json is not an object of texts"), give},
		{"an entry with a number", nil, config(`{"auths":{"HOST":{"username":"ci","password":12345}}}`), anonymous("the entry HOST of HOME/.docker/config.json is not an object of texts"), give},
		{"an entry without a colon", nil, config(`{"auths":{"HOST":{"auth":"` + b64("right-pass") + `"}}}`), anonymous(`the entry HOST of HOME/.docker/config.json has an "auth" that is not USER:PASSWORD in base64`), give},
		{"an entry that was not filled in", nil, config(`{"auths":{"HOST":{"auth":"$REGISTRY_AUTH"}}}`), anonymous(`the entry HOST of HOME/.docker/config.json has an "auth" that is not USER:PASSWORD in base64`), give},
		{"an entry in plain text", nil, config(`{"auths":{"HOST":{"auth":"ci:right-pass"}}}`), anonymous(`the entry HOST of HOME/.docker/config.json has an "auth" that is not USER:PASSWORD in base64`), give},
		{"an entry without a password", nil, config(`{"auths":{"HOST":{"username":"ci"}}}`), anonymous("the entry HOST of HOME/.docker/config.json has a user name and no password"), give},
		{"an entry without a user", nil, config(`{"auths":{"HOST":{"auth":"` + b64(":right-pass") + `"}}}`), anonymous("the entry HOST of HOME/.docker/config.json has a password and no user name"), give},
		{"a registry token that is wrong", nil, config(`{"auths":{"HOST":{"registrytoken":"old-token"}}}`), refused("HOME/.docker/config.json"), maybe},

		{"a helper that is missing", nil, config(`{"credsStore":"desktop.exe"}`), anonymous("docker-credential-desktop.exe of HOME/.docker/config.json is not in PATH"), give},
		{"a helper that is a path", nil, config(`{"credsStore":"../corp"}`), anonymous(`HOME/.docker/config.json names the credential helper "../corp", which is not the name of a program`), give},
		{"a helper that fails with words", nil, withHelper(`echo 'ExpiredTokenException: the security token is expired'; exit 1`), anonymous("docker-credential-corp of HOME/.docker/config.json failed: ExpiredTokenException: the security token is expired (exit status 1)"), give},
		{"a helper that fails on stderr", nil, withHelper(`echo 'no session bus' >&2; exit 3`), anonymous("docker-credential-corp of HOME/.docker/config.json failed: no session bus (exit status 3)"), give},
		{"a helper that fails without words", nil, withHelper(`exit 1`), anonymous("docker-credential-corp of HOME/.docker/config.json failed: (exit status 1)"), give},
		{"a helper that fails in colour", nil, withHelper(`printf '\033[31mlocked\033[0m\n::error::x\n'; exit 1`), anonymous("docker-credential-corp of HOME/.docker/config.json failed: [31mlocked[0m; ::error::x (exit status 1)"), give},
		{"a helper that has nothing", nil, withHelper(`echo 'credentials not found in native keychain'; exit 1`), wants, give},
		{"a helper with an empty answer", nil, withHelper(`echo '{}'`), wants, give},
		{"a helper that says nothing", nil, withHelper(`true`), anonymous("docker-credential-corp of HOME/.docker/config.json gives an answer that is not JSON"), give},
		{"a helper with a banner", nil, withHelper(`echo 'a new version is available'; echo '{"Username":"ci","Secret":"right-pass"}'`), anonymous("docker-credential-corp of HOME/.docker/config.json gives an answer that is not JSON"), give},
		{"a helper with half an answer", nil, withHelper(`echo '{"Username":"ci","Secret":""}'`), anonymous("docker-credential-corp of HOME/.docker/config.json gives a user without a password, or the reverse"), give},
		{"a helper with a wrong password", nil, withHelper(`echo '{"Username":"ci","Secret":"old-pass"}'`), refused("docker-credential-corp"), maybe},
		{
			"several mistakes at once", env("REGISTRY_USERNAME", "ci", "DOCKER_AUTH_CONFIG", "{"), config(`{"credsStore":"gone","auths":{"HOST":{"username":"ci"}}}`),
			anonymous(`REGISTRY_USERNAME is for Docker Hub unless REGISTRY_HOST names the registry; DOCKER_AUTH_CONFIG is not a docker config, which is JSON with "auths"; ` +
				"docker-credential-gone of HOME/.docker/config.json is not in PATH; the entry HOST of HOME/.docker/config.json has a user name and no password"),
			"set REGISTRY_HOST=HOST",
		},
		{"a mistake beside a wrong password", env("REGISTRY_USERNAME", "ci"), config(`{"auths":{"HOST":{"auth":"` + b64("ci:old-pass") + `"}}}`), refused("HOME/.docker/config.json"), maybe},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, bearer := range []bool{false, true} {
				reg := start(t, testenv.RegistryOptions{Username: "ci", Password: "right-pass", Bearer: bearer})
				push(t, reg, testenv.Image{}, "1.0.0")
				home := t.TempDir()
				fill := strings.NewReplacer("HOST", reg.Host, "HOME", home, "OTHER", "registry.other.example", "REGISTRY_HOST", "REGISTRY_HOST")
				for path, text := range test.files {
					write(t, filepath.Join(home, path), strings.ReplaceAll(text, "HOST", reg.Host), 0o755)
				}
				t.Setenv("PATH", filepath.Join(home, "bin")+":"+os.Getenv("PATH"))
				getenv := func(variable string) string {
					if variable == "HOME" {
						return home
					}
					return fill.Replace(test.env[variable])
				}
				c := clientWith(t, reg, Options{Getenv: getenv, TryTimeout: 10 * time.Second, Patience: 10 * time.Second})
				_, err := c.Inspect(context.Background(), image.Ref{Repository: reg.Host + "/acme/web", Tag: "1.0.0"})
				if test.want == "" {
					if err != nil {
						t.Errorf("bearer %v: %v", bearer, err)
					}
					continue
				}
				want, hint := fill.Replace(test.want), fill.Replace(test.hint)
				if bearer { // the token server has words of its own
					want = strings.Replace(want, "UNAUTHORIZED: authentication required", "UNAUTHORIZED: incorrect username or password", 1)
				}
				if bearer && strings.Contains(test.name, "registry token") {
					want = fill.Replace(test.want) // such a token is sent to the registry itself
				}
				if !errors.Is(err, ErrAuth) || fault.KindOf(err) != fault.NoAccess || err.Error() != want || fault.HintOf(err) != hint {
					t.Errorf("bearer %v:\ngot  %v\nhint %s\nwant %s\nhint %s", bearer, err, fault.HintOf(err), want, hint)
				}
				if strings.Contains(fmt.Sprint(err), "-pass") {
					t.Errorf("the error shows the password: %v", err)
				}
			}
		})
	}
}

// optional is a keychain whose log-in nobody gave for the registry.
func optional(username, password string) *Keychain {
	k := newKeychain(func(string) string { return "" }, func(string, ...any) {}, func(string, ...any) {})
	k.clouds = []cloud{{"GITHUB_TOKEN", func(string) bool { return true }, func(context.Context, authn.Resource) (authn.Authenticator, error) {
		return &authn.Basic{Username: username, Password: password}, nil
	}}}
	return k
}

func TestALogInThatNobodyGaveIsDroppedWhenRefused(t *testing.T) {
	ref := func(reg *testenv.Registry) image.Ref {
		return image.Ref{Repository: reg.Host + "/acme/web", Tag: "1.0.0"}
	}
	withAuth := func(code int) mishap { // refuses whoever logs in, as ghcr.io does with a token for git only
		return func(w http.ResponseWriter, r *http.Request) bool {
			if username, _, ok := r.BasicAuth(); !ok || username != "tagbump" {
				return false
			}
			status(code, `{"errors":[{"code":"DENIED","message":"denied"}]}`)(w, r)
			return true
		}
	}
	for _, bearer := range []bool{false, true} {
		for _, code := range []int{401, 403} {
			reg := start(t, testenv.RegistryOptions{Bearer: bearer})
			push(t, reg, testenv.Image{}, "1.0.0")
			reg.SetFault(withAuth(code))
			c := clientWith(t, reg, Options{Keychain: optional("tagbump", "git-only")})
			if _, err := c.Inspect(context.Background(), ref(reg)); err != nil {
				t.Errorf("a public image, bearer %v, %d: %v", bearer, code, err)
			}
			reg.SetFault(nil)
			private := start(t, testenv.RegistryOptions{Bearer: bearer, Username: "ci", Password: "right-pass"})
			push(t, private, testenv.Image{}, "1.0.0")
			c = clientWith(t, private, Options{Keychain: optional("tagbump", "git-only")})
			_, err := c.Inspect(context.Background(), ref(private))
			want := "(asked anonymously: the log-in from GITHUB_TOKEN was refused)"
			hint := "the token in GITHUB_TOKEN may lack the right to read packages, or may have expired"
			if !errors.Is(err, ErrAuth) || !strings.HasSuffix(err.Error(), want) || fault.HintOf(err) != hint {
				t.Errorf("a private image, bearer %v: %v, hint %s", bearer, err, fault.HintOf(err))
			}
		}
	}
}

func TestALogInThatWasGivenIsNotDropped(t *testing.T) {
	reg := start(t, testenv.RegistryOptions{})
	push(t, reg, testenv.Image{}, "1.0.0")
	reg.SetFault(func(w http.ResponseWriter, r *http.Request) bool {
		_, _, ok := r.BasicAuth()
		return ok && on("/manifests/", status(403, ""))(w, r)
	})
	_, err := client(t, reg, keys{"ci", "pass"}).Inspect(context.Background(), image.Ref{Repository: reg.Host + "/acme/web", Tag: "1.0.0"})
	if want := reg.Host + "/acme/web:1.0.0: the registry forbids access with the log-in from the keychain"; fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestDockerHubHasItsOwnAdvice(t *testing.T) {
	if got := logInAdvice("docker.io"); got != "DOCKERHUB_USERNAME and DOCKERHUB_TOKEN give a log-in, or docker login" {
		t.Error(got)
	}
	for name, test := range map[string]struct {
		env  map[string]string
		want string
	}{
		"no password": {map[string]string{"DOCKERHUB_USERNAME": "u"}, "DOCKERHUB_USERNAME is set without DOCKERHUB_PASSWORD or DOCKERHUB_TOKEN"},
		"no user":     {map[string]string{"DOCKERHUB_TOKEN": "t"}, "DOCKERHUB_PASSWORD or DOCKERHUB_TOKEN is set without DOCKERHUB_USERNAME"},
	} {
		_, log, err := resolve(t, t.TempDir(), "acme/web", test.env)
		if want := "docker.io: no log-in: " + test.want + "\ndocker.io: no credentials, asking anonymously"; err != nil || log != want {
			t.Errorf("%s: %v, log %s; want %s", name, err, log, want)
		}
	}
}

func TestSecretsAreToldBeforeTheyAreUsed(t *testing.T) {
	reg := start(t, testenv.RegistryOptions{Username: "ci", Password: "right-pass", Bearer: true})
	push(t, reg, testenv.Image{}, "1.0.0")
	var told []string
	c := clientWith(t, reg, Options{
		Keychain: keys{"ci", "right-pass"},
		Secret:   func(username, secret string) { told = append(told, username+":"+secret) },
	})
	if _, err := c.Inspect(context.Background(), image.Ref{Repository: reg.Host + "/acme/web", Tag: "1.0.0"}); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(told, " "), "ci:right-pass :testenv-registry-token"; got != want {
		t.Errorf("told %s, want %s", got, want)
	}
	secret := map[string]bool{}
	for _, variable := range SecretVariables() {
		secret[variable] = true
	}
	asked := map[string]bool{}
	silent := func(string, ...any) {}
	k := newKeychain(func(variable string) string { asked[variable] = true; return "" }, silent, silent)
	for _, host := range []string{"docker.io", "ghcr.io", "x.azurecr.io"} {
		repo, err := c.parseRepository(host + "/acme/web")
		if err != nil {
			t.Fatal(err)
		}
		k.find(context.Background(), repo)
	}
	for variable := range asked {
		for _, word := range []string{"PASSWORD", "SECRET", "_TOKEN", "AUTH_CONFIG"} {
			if strings.Contains(variable, word) && !secret[variable] && !strings.HasSuffix(variable, "_FILE") {
				t.Errorf("%s is read and not among the secret variables", variable)
			}
		}
	}
}
