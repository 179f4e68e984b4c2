package wire

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"slices"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// appWorld is a world with a GitHub App, and the fake that knows the App.
func appWorld(t *testing.T) (env map[string]string, hub *testenv.Forge, site, api string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(kind string, der []byte) string {
		return strings.TrimSpace(string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})))
	}
	hub, api = testenv.StartGitHub(t, testenv.ForgeOptions{
		Path: "acme/charts", Token: "ghs_0123456789", Prefix: "/api/v3",
		App: encode("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&key.PublicKey)),
	})
	env = map[string]string{
		"GITHUB_APP_ID": "1234", "GITHUB_APP_PRIVATE_KEY": encode("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)),
		"GITHUB_TOKEN": "of-the-ci",
	}
	return env, hub, strings.TrimSuffix(api, "/api/v3"), api
}

// TestWhereAnAppLogsIn holds that an App proves itself to no host that only a project
// file names.
func TestWhereAnAppLogsIn(t *testing.T) {
	env, hub, site, api := appWorld(t)
	for name, test := range map[string]struct {
		named     NamedForge
		byProject bool
		env       map[string]string
		want      string
	}{
		"the API's own host":                  {NamedForge{}, true, map[string]string{"GITHUB_API_URL": api}, "ghs_0123456789"},
		"a host that a person calls a GitHub": {NamedForge{Type: "github", ByPerson: true}, false, nil, "ghs_0123456789"},
		"a host of the file, by a person":     {NamedForge{Type: "github", ByPerson: true}, true, nil, ""},
		"a host that the file calls a GitHub": {NamedForge{Type: "github"}, true, nil, ""},
		"a person's, called so by the file":   {NamedForge{Type: "github"}, false, nil, ""},
		"one with an API that the file names": {NamedForge{Type: "github", API: api}, true, nil, ""},
		"a host of no forge":                  {NamedForge{}, false, nil, ""},
		"an API on another host, by a person": {NamedForge{}, false, map[string]string{"GITHUB_API_URL": "https://ghe.acme.example/api/v3"}, "asked elsewhere"},
		"an API on another host, by the file": {NamedForge{}, true, map[string]string{"GITHUB_API_URL": "https://ghe.acme.example/api/v3"}, ""},
		"the API of the file, elsewhere":      {NamedForge{API: strings.Replace(api, "127.0.0.1", "localhost", 1)}, true, map[string]string{"GITHUB_API_URL": api}, ""},
		"TAGBUMP_TOKEN comes first":           {NamedForge{Type: "github", ByPerson: true}, false, map[string]string{"TAGBUMP_TOKEN": "mine"}, "mine"},
	} {
		t.Run(name, func(t *testing.T) {
			variables := map[string]string{}
			for _, from := range []map[string]string{env, test.env} {
				for variable, value := range from {
					variables[variable] = value
				}
			}
			w := worldOf(variables, &strings.Builder{})
			place, err := w.Locate(site + "/acme/charts.git")
			if err != nil {
				t.Fatal(err)
			}
			if test.byProject {
				place = place.ByProject()
			}
			place = place.AtForge(test.named)
			if test.want == "asked elsewhere" {
				if !w.hasApp(place) {
					t.Error("the App is not used")
				}
				return
			}
			before := len(hub.Requests())
			c := w.gitCredential(place)
			if c.secret != test.want {
				t.Errorf("%+v, want %q", c, test.want)
			}
			if asked := len(hub.Requests()) - before; asked > 0 && !strings.HasPrefix(test.want, "ghs_") {
				t.Errorf("%d requests", asked)
			}
		})
	}
}

// TestAnAppsSecretsAreTold holds that key and token are made known before they are
// used, and that one run asks for one token.
func TestAnAppsSecretsAreTold(t *testing.T) {
	env, hub, site, api := appWorld(t)
	env["GITHUB_API_URL"] = api
	var told []string
	w := worldOf(env, &strings.Builder{})
	w.Secret = func(_, secret string) { told = append(told, secret) }
	w.Apps = &AppTokens{}
	place, err := w.Locate(site + "/acme/charts.git")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if c := w.gitCredential(place); c.secret != "ghs_0123456789" || c.source != "GitHub App 1234" {
			t.Errorf("%+v", c)
		}
	}
	if want := []string{env["GITHUB_APP_PRIVATE_KEY"], "ghs_0123456789"}; !slices.Equal(told, want) {
		t.Errorf("told %d secrets, want the key and the token", len(told))
	}
	if n := len(hub.Requests()); n != 2 {
		t.Errorf("%d requests", n)
	}
	env["GITHUB_APP_PRIVATE_KEY"] = ""
	w.Apps = nil
	if c := w.gitCredential(place); c.source != "GITHUB_APP_ID is set without GITHUB_APP_PRIVATE_KEY" {
		t.Errorf("%+v", c)
	}
}
