package github

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/go-github/v60/github"

	"github.com/tagbump/tagbump/pkg/forge"
)

const keyHint = "GITHUB_APP_PRIVATE_KEY takes the App's private key: its PEM text, also in base64 or with \\n for each line end"

// An App is a GitHub App: who it is, and the key that proves it.
type App struct {
	ID  string // its number or its client id
	Key string // RSA key: PEM, also in base64 or with line ends spelt \n
}

// Token asks for a token of the App's installation in the repository, for this
// repository alone and for contents and pull requests alone. It is valid for an hour.
// The installation is found by itself. That is two requests.
func (a App) Token(ctx context.Context, owner, repo string, opts Options) (string, error) {
	where := fmt.Sprintf("%s/%s: GitHub App %s", owner, repo, a.ID)
	proof, err := a.sign(time.Now())
	if err != nil {
		return "", &failure{where: where, why: err.Error(), kind: forge.ErrAuth, hint: keyHint}
	}
	opts.Token = proof
	c, err := New(owner, repo, opts)
	if err != nil {
		return "", err
	}
	var installed *github.Installation
	err = c.repeat(ctx, where, func(ctx context.Context) (err error) {
		installed, _, err = c.api.Apps.FindRepositoryInstallation(ctx, owner, repo)
		return err
	})
	if err != nil {
		return "", adviseApp(err)
	}
	var token *github.InstallationToken
	err = c.repeat(ctx, where, func(ctx context.Context) (err error) {
		token, _, err = c.api.Apps.CreateInstallationToken(ctx, installed.GetID(), &github.InstallationTokenOptions{
			Repositories: []string{repo},
			Permissions:  &github.InstallationPermissions{Contents: github.String("write"), PullRequests: github.String("write")},
		})
		return err
	})
	if err != nil {
		return "", adviseApp(err)
	}
	return token.GetToken(), nil
}

// adviseApp says what a refusal means for an App.
func adviseApp(err error) error {
	var refusal *failure
	if !errors.As(err, &refusal) {
		return err
	}
	switch {
	case refusal.kind == forge.ErrNotFound:
		refusal.hint = "is the App installed in the repository?"
	case refusal.status == 401:
		refusal.hint = "do GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY belong together, and is the clock right?"
	case refusal.status == 422:
		refusal.hint = "the App needs the permissions contents: write and pull requests: write, and its installation must have accepted them"
	}
	return refusal
}

// sign returns the token by which an App proves who it is (RFC 7519, RS256). It begins
// a minute ago, because clocks differ, and is valid for less than the ten minutes that
// GitHub permits.
func (a App) sign(now time.Time) (string, error) {
	key, err := parseKey(a.Key)
	if err != nil {
		return "", err
	}
	claims, err := json.Marshal(map[string]any{"iss": a.ID, "iat": now.Add(-time.Minute).Unix(), "exp": now.Add(8 * time.Minute).Unix()})
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode(claims)
	digest := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	if err != nil {
		return "", errors.New("the key cannot sign")
	}
	return signed + "." + encode(signature), nil
}

// parseKey reads a private key as it survives a CI variable. Its errors never show the
// key.
func parseKey(text string) (*rsa.PrivateKey, error) {
	text = strings.Trim(strings.TrimSpace(text), `"'`)
	if decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), "")); err == nil {
		text = string(decoded)
	}
	text = strings.ReplaceAll(strings.ReplaceAll(text, `\r`, ""), `\n`, "\n")
	block, _ := pem.Decode(bytes.TrimSpace([]byte(text)))
	if block == nil {
		return nil, errors.New("the key is not a PEM text")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	if parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
		if key, ok := parsed.(*rsa.PrivateKey); ok {
			return key, nil
		}
	}
	return nil, fmt.Errorf("the key is not an RSA private key: %s", block.Type)
}
