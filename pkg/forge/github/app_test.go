package github_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/forge/github"
	"github.com/tagbump/tagbump/pkg/forge/internal/forgetest"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

func pemText(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// TestAnAppGetsATokenForOneRepository tries its key in each form that a CI variable may
// have.
func TestAnAppGetsATokenForOneRepository(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := pemText("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
	hub, apiURL := testenv.StartGitHub(t, testenv.ForgeOptions{
		Path: "acme/charts", Token: forgetest.Token, Prefix: "/api/v3",
		App: pemText("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&key.PublicKey)),
	})
	for name, given := range map[string]string{
		"PEM":                      text,
		"PKCS #8":                  pemText("PRIVATE KEY", pkcs8),
		"line ends spelt out":      strings.ReplaceAll(text, "\n", `\n`),
		"Windows' line ends":       strings.ReplaceAll(text, "\n", "\r\n"),
		"in quotes":                `"` + strings.ReplaceAll(text, "\n", `\n`) + `"`,
		"base64":                   base64.StdEncoding.EncodeToString([]byte(text)),
		"base64 on several lines":  base64.StdEncoding.EncodeToString([]byte(text))[:76] + "\n" + base64.StdEncoding.EncodeToString([]byte(text))[76:],
		"with blanks at both ends": "\n " + text + " \n",
	} {
		token, err := github.App{ID: "1234", Key: given}.Token(t.Context(), "acme", "charts", github.Options{APIURL: apiURL})
		if err != nil || token != forgetest.Token {
			t.Errorf("%s: %q, %v", name, token, err)
		}
	}
	if n := len(hub.Requests()); n != 16 {
		t.Errorf("%d requests, want 2 for each token", n)
	}
}

func TestAnAppThatGetsNoToken(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	curved, err := x509.MarshalECPrivateKey(curve)
	if err != nil {
		t.Fatal(err)
	}
	right := pemText("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
	const where = "acme/charts: GitHub App 1234: "
	for name, test := range map[string]struct {
		key       string
		status    int
		kind      error
		err, hint string
	}{
		"another key":        {key: pemText("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(other)), kind: forge.ErrAuth, err: where + "HTTP 401: A JSON web token could not be decoded", hint: "do GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY belong together, and is the clock right?"},
		"no key":             {key: "hunter2hunter2", kind: forge.ErrAuth, err: where + "the key is not a PEM text", hint: `GITHUB_APP_PRIVATE_KEY takes the App's private key: its PEM text, also in base64 or with \n for each line end`},
		"a key of a curve":   {key: pemText("EC PRIVATE KEY", curved), kind: forge.ErrAuth, err: where + "the key is not an RSA private key: EC PRIVATE KEY", hint: `GITHUB_APP_PRIVATE_KEY takes the App's private key: its PEM text, also in base64 or with \n for each line end`},
		"not installed":      {key: right, status: 404, kind: forge.ErrNotFound, err: where + "HTTP 404: no", hint: "is the App installed in the repository?"},
		"without permission": {key: right, status: 422, kind: forge.ErrInvalid, err: where + "HTTP 422: no", hint: "the App needs the permissions contents: write and pull requests: write, and its installation must have accepted them"},
	} {
		t.Run(name, func(t *testing.T) {
			hub, apiURL := testenv.StartGitHub(t, testenv.ForgeOptions{
				Path: "acme/charts", Token: forgetest.Token,
				App: pemText("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&key.PublicKey)),
			})
			hub.Before = func(w http.ResponseWriter, _ *http.Request) bool {
				if test.status != 0 {
					w.WriteHeader(test.status)
					w.Write([]byte(`{"message":"no"}`)) //nolint:errcheck // the client tells
				}
				return test.status != 0
			}
			_, err := github.App{ID: "1234", Key: test.key}.Token(t.Context(), "acme", "charts", github.Options{APIURL: apiURL})
			if errorText(err) != test.err || !errors.Is(err, test.kind) {
				t.Fatalf("got  %v\nwant %s", err, test.err)
			}
			if hint := err.(interface{ Hint() string }).Hint(); hint != test.hint {
				t.Errorf("hint %q", hint)
			}
		})
	}
}
