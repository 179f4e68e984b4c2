package registry

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// auths is a docker config in which each key has the user and password of its value.
func auths(pairs ...string) string {
	var entries []string
	for i := 0; i < len(pairs); i += 2 {
		entries = append(entries, fmt.Sprintf(`%q:{"auth":%q}`, pairs[i], base64.StdEncoding.EncodeToString([]byte(pairs[i+1]))))
	}
	return `{"auths":{` + strings.Join(entries, ",") + `}}`
}

func TestWhereALoginIsFound(t *testing.T) {
	for _, test := range []struct {
		name  string
		repo  string
		env   map[string]string
		files map[string]string // in HOME
		want  string            // user:password
		from  string            // what the log says, HOME for its folder
	}{
		{"nowhere", "haoict/send2ereader", nil, nil, ":", "docker.io: no credentials, asking anonymously"},
		{"variables are for the Hub", "haoict/send2ereader", map[string]string{"REGISTRY_USERNAME": "u", "REGISTRY_PASSWORD": "p"}, nil, "u:p", "docker.io: log-in from REGISTRY_USERNAME"},
		{"and for nobody else", "ghcr.io/acme/web", map[string]string{"REGISTRY_USERNAME": "u", "REGISTRY_PASSWORD": "p"}, nil, ":", "ghcr.io: no log-in: REGISTRY_USERNAME is for Docker Hub unless REGISTRY_HOST names the registry\nghcr.io: no credentials, asking anonymously"},
		{"but for the host that they name", "reg.acme.io:5000/web", map[string]string{"REGISTRY_HOST": "reg.acme.io:5000", "REGISTRY_USERNAME": "u", "REGISTRY_PASSWORD": "p"}, nil, "u:p", "reg.acme.io:5000: log-in from REGISTRY_USERNAME"},
		{"Docker Hub's own", "nginx", map[string]string{"DOCKERHUB_USERNAME": "u", "DOCKERHUB_TOKEN": "t"}, nil, "u:t", "docker.io: log-in from DOCKERHUB_USERNAME"},
		{"config in a variable, without any file", "ghcr.io/acme/web", map[string]string{"DOCKER_AUTH_CONFIG": auths("ghcr.io", "u:p")}, nil, "u:p", "ghcr.io: log-in from DOCKER_AUTH_CONFIG"},
		{"docker's file", "ghcr.io/acme/web", nil, map[string]string{".docker/config.json": auths("ghcr.io", "u:p")}, "u:p", "ghcr.io: log-in from HOME/.docker/config.json"},
		{"the Hub's oldest address", "nginx", nil, map[string]string{".docker/config.json": auths("https://index.docker.io/v1/", "u:p")}, "u:p", "docker.io: log-in from HOME/.docker/config.json"},
		{"podman's name of the Hub", "nginx", nil, map[string]string{".config/containers/auth.json": auths("docker.io", "u:p")}, "u:p", "docker.io: log-in from HOME/.config/containers/auth.json"},
		{"podman beside a docker config", "quay.io/acme/web", nil, map[string]string{
			".docker/config.json":          auths("ghcr.io", "x:x"),
			".config/containers/auth.json": auths("quay.io", "u:p"),
		}, "u:p", "quay.io: log-in from HOME/.config/containers/auth.json"},
		{"the longest name", "quay.io/acme/web", nil, map[string]string{".docker/config.json": auths("quay.io", "a:a", "quay.io/acme", "u:p", "quay.io/ac", "b:b")}, "u:p", "quay.io: log-in from HOME/.docker/config.json"},
		{"GitHub's token", "ghcr.io/acme/web", map[string]string{"GITHUB_TOKEN": "t"}, nil, "tagbump:t", "ghcr.io: log-in from GITHUB_TOKEN"},
		{"is for GitHub only", "nginx", map[string]string{"GITHUB_TOKEN": "t"}, nil, ":", "docker.io: no credentials, asking anonymously"},
		{"a file goes before the job's token", "ghcr.io/acme/web", map[string]string{"GITHUB_TOKEN": "t"}, map[string]string{".docker/config.json": auths("ghcr.io", "u:p")}, "u:p", "ghcr.io: log-in from HOME/.docker/config.json"},
		{"the host as docker spells it, before other spellings", "reg.acme.io/web", nil, map[string]string{".docker/config.json": auths("https://reg.acme.io/v2/", "a:a", "REG.acme.io", "b:b", "reg.acme.io", "u:p", "http://reg.acme.io", "c:c")}, "u:p", "reg.acme.io: log-in from HOME/.docker/config.json"},
		{"other spellings in their order", "reg.acme.io/web", nil, map[string]string{".docker/config.json": auths("https://reg.acme.io/v2/", "a:a", "http://reg.acme.io/v1/", "u:p")}, "u:p", "reg.acme.io: log-in from HOME/.docker/config.json"},
		{"where docker login writes for the Hub", "nginx", nil, map[string]string{".docker/config.json": auths("docker.io", "a:a", "index.docker.io", "b:b", "https://index.docker.io/v1/", "u:p")}, "u:p", "docker.io: log-in from HOME/.docker/config.json"},
		{"a config with a byte order mark", "quay.io/acme/web", nil, map[string]string{".docker/config.json": "\ufeff" + auths("quay.io", "u:p")}, "u:p", "quay.io: log-in from HOME/.docker/config.json"},
		{"an empty config", "quay.io/acme/web", nil, map[string]string{".docker/config.json": " \n"}, ":", "quay.io: no credentials, asking anonymously"},
		{"an entry without padding, with a line end", "quay.io/acme/web", nil, map[string]string{".docker/config.json": `{"auths":{"quay.io":{"auth":"dTpw\n"}}}`}, "u:p", "quay.io: log-in from HOME/.docker/config.json"},
		{"a line end inside the base64", "quay.io/acme/web", nil, map[string]string{".docker/config.json": auths("quay.io", "u:p\n")}, "u:p", "quay.io: log-in from HOME/.docker/config.json"},
		{"user and password apart", "quay.io/acme/web", nil, map[string]string{".docker/config.json": `{"auths":{"quay.io":{"username":" u","password":"p\r\n"}}}`}, "u:p", "quay.io: log-in from HOME/.docker/config.json"},
		{"a password with colons", "quay.io/acme/web", nil, map[string]string{".docker/config.json": auths("quay.io", "u:p:q:r")}, "u:p:q:r", "quay.io: log-in from HOME/.docker/config.json"},
		{"white space around variables", "reg.acme.io:5000/web", map[string]string{"REGISTRY_HOST": " reg.acme.io:5000\n", "REGISTRY_USERNAME": "u\r\n", "REGISTRY_PASSWORD": "\tp\n"}, nil, "u:p", "reg.acme.io:5000: log-in from REGISTRY_USERNAME"},
		{"a host with scheme and path", "reg.acme.io/team/web", map[string]string{"REGISTRY_HOST": "HTTPS://Reg.acme.io/team/", "REGISTRY_USERNAME": "u", "REGISTRY_PASSWORD": "p"}, nil, "u:p", "reg.acme.io: log-in from REGISTRY_USERNAME"},
		{"a broken entry of another registry", "quay.io/acme/web", nil, map[string]string{".docker/config.json": `{"auths":{"ghcr.io":{"auth":17},"quay.io":{"auth":"dTpw"}}}`}, "u:p", "quay.io: log-in from HOME/.docker/config.json"},
		{"a second file after a broken one", "quay.io/acme/web", nil, map[string]string{
			".docker/config.json":          "not JSON",
			".config/containers/auth.json": auths("quay.io", "u:p"),
		}, "u:p", "quay.io: no log-in: HOME/.docker/config.json: not a docker config, which is JSON with \"auths\"\nquay.io: log-in from HOME/.config/containers/auth.json"},
		{
			"a helper that is missing", "nginx", nil,
			map[string]string{".docker/config.json": `{"credsStore":"not-installed"}`},
			":",
			"docker.io: no log-in: docker-credential-not-installed of HOME/.docker/config.json is not in PATH\ndocker.io: no credentials, asking anonymously",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			home := t.TempDir()
			for path, text := range test.files {
				write(t, filepath.Join(home, path), text, 0o600)
			}
			got, log, err := resolve(t, home, test.repo, test.env)
			if err != nil {
				t.Fatal(err)
			}
			if user := got.Username + ":" + got.Password; user != test.want {
				t.Errorf("log-in %s, want %s", user, test.want)
			}
			if log != test.from {
				t.Errorf("log:\n%s\nwant:\n%s", log, test.from)
			}
		})
	}
}

func resolve(t *testing.T, home, repository string, env map[string]string) (*authn.AuthConfig, string, error) {
	t.Helper()
	getenv := func(variable string) string {
		if variable == "HOME" {
			return home
		}
		return env[variable]
	}
	var lines []string
	log := func(format string, args ...any) {
		lines = append(lines, strings.ReplaceAll(fmt.Sprintf(format, args...), home, "HOME"))
	}
	k := newKeychain(getenv, log, log)
	repo, err := name.NewRepository(repository)
	if err != nil {
		t.Fatal(err)
	}
	auth, err := k.Resolve(repo)
	if err != nil {
		return nil, "", err
	}
	config, err := authn.Authorization(context.Background(), auth)
	return config, strings.Join(lines, "\n"), err
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func TestAHelperProgramIsAskedOnce(t *testing.T) {
	home := t.TempDir()
	write(t, filepath.Join(home, "bin", "docker-credential-test"),
		"#!/bin/sh\necho \"$1 $(cat)\" >> "+home+"/asked\necho '{\"ServerURL\":\"x\",\"Username\":\"u\",\"Secret\":\"p\"}'\n", 0o755)
	t.Setenv("PATH", filepath.Join(home, "bin")+":"+os.Getenv("PATH"))
	write(t, filepath.Join(home, ".docker", "config.json"), `{"credHelpers":{"ghcr.io":"test"},"auths":{"ghcr.io":{}}}`, 0o600)
	got, log, err := resolve(t, home, "ghcr.io/acme/web", nil)
	if err != nil || got.Username != "u" || got.Password != "p" || log != "ghcr.io: log-in from docker-credential-test" {
		t.Errorf("%+v, %v; log %s", got, err, log)
	}
	asked, err := os.ReadFile(filepath.Join(home, "asked"))
	if err != nil || string(asked) != "get ghcr.io\n" {
		t.Errorf("the helper was asked %q, %v", asked, err)
	}
}

func TestAzureExchangesASecretOrAnAssertion(t *testing.T) {
	tokenFile := filepath.Join(t.TempDir(), "token")
	write(t, tokenFile, "assertion-1\n", 0o600)
	for _, test := range []struct {
		name  string
		env   map[string]string
		proof string
	}{
		{"secret", map[string]string{"AZURE_CLIENT_SECRET": "s3cret"}, "client_secret=s3cret"},
		{"federated", map[string]string{"AZURE_FEDERATED_TOKEN_FILE": tokenFile}, "client_assertion=assertion-1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if err := r.ParseForm(); err != nil {
					t.Error(err)
				}
				switch form := r.PostForm.Encode(); r.URL.Path {
				case "/tenant-1/oauth2/v2.0/token":
					if !strings.Contains(form, test.proof) || !strings.Contains(form, "client_id=client-1") {
						t.Errorf("token asked with %s", form)
					}
					fmt.Fprint(w, `{"access_token":"access-1"}`)
				case "/oauth2/exchange":
					if r.PostForm.Get("access_token") != "access-1" || r.PostForm.Get("service") != r.Host {
						t.Errorf("exchange asked with %s", form)
					}
					fmt.Fprint(w, `{"refresh_token":"refresh-1"}`)
				default:
					t.Errorf("asked for %s", r.URL.Path)
				}
			}))
			defer server.Close()
			test.env["AZURE_TENANT_ID"], test.env["AZURE_CLIENT_ID"] = "tenant-1", "client-1"
			test.env["AZURE_AUTHORITY_HOST"] = server.URL + "/"
			a := azure{func(v string) string { return test.env[v] }, server.Client(), "http"}
			registry, err := name.NewRegistry(strings.TrimPrefix(server.URL, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			auth, err := a.login(context.Background(), registry)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := authn.Authorization(context.Background(), auth); err != nil || got.IdentityToken != "refresh-1" {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestCloudsAreAskedForTheirOwnRegistriesOnly(t *testing.T) {
	for host, want := range map[string]string{
		"ghcr.io": "GITHUB_TOKEN, GH_TOKEN",
		"123456789012.dkr.ecr.eu-central-1.amazonaws.com": "the AWS environment",
		"public.ecr.aws":         "",
		"gcr.io":                 "the Google environment",
		"eu.gcr.io":              "the Google environment",
		"europe-docker.pkg.dev":  "the Google environment",
		"acme.azurecr.io":        "the Azure environment",
		"index.docker.io":        "",
		"quay.io":                "",
		"azurecr.io.evil.com":    "",
		"evil-gcr.io.example.io": "",
	} {
		var owners []string
		for _, c := range allClouds(func(string) string { return "" }) {
			if c.owns(host) {
				owners = append(owners, c.source)
			}
		}
		if got := strings.Join(owners, ", "); got != want {
			t.Errorf("%s: asked %q, want %q", host, got, want)
		}
	}
}

func repositoryAt(t *testing.T, text string) name.Repository {
	t.Helper()
	repo, err := name.NewRepository(text)
	if err != nil {
		t.Fatal(err)
	}
	return repo
}

func TestACloudThatFailsIsNamed(t *testing.T) {
	var log []string
	k := newKeychain(func(string) string { return "" }, func(format string, args ...any) { log = append(log, fmt.Sprintf(format, args...)) }, func(string, ...any) {})
	k.clouds = []cloud{{"the cloud", func(string) bool { return true }, func(context.Context, authn.Resource) (authn.Authenticator, error) {
		return nil, errors.New("gives no credentials: \x1b[31mexpired")
	}}}
	found := k.find(context.Background(), repositoryAt(t, "quay.io/acme/web"))
	if want := "the cloud gives no credentials: [31mexpired"; !found.isAnonymous() || len(found.misses) != 1 || found.misses[0].text != want {
		t.Errorf("%+v, want %s", found, want)
	}
}

func TestACloudEndsWithTheRun(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	c := cloud{login: func(context.Context, authn.Resource) (authn.Authenticator, error) { select {} }}
	if _, err := c.ask(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
