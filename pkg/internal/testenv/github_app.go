package testenv

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// isAppPath reports whether a path is for Apps, which prove who they are by a token of
// their own making.
func isAppPath(path string) bool {
	return strings.HasSuffix(path, "/installation") || strings.HasSuffix(path, "/access_tokens")
}

// admitApp checks an App's token as GitHub does: signature, issuer and times.
func (g *gitHub) admitApp(w http.ResponseWriter, authorization string) bool {
	if err := g.checkApp(strings.TrimPrefix(authorization, "Bearer "), time.Now()); err != nil {
		githubProblem(w, http.StatusUnauthorized, err.Error())
		return false
	}
	return true
}

func (g *gitHub) checkApp(token string, now time.Time) error {
	parts := strings.Split(token, ".")
	block, _ := pem.Decode([]byte(g.opts.App))
	if len(parts) != 3 || block == nil {
		//lint:ignore ST1005 GitHub's words
		return fmt.Errorf("A JSON web token could not be decoded")
	}
	key, err := x509.ParsePKCS1PublicKey(block.Bytes)
	if err != nil {
		return err
	}
	signature, _ := base64.RawURLEncoding.DecodeString(parts[2])
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) != nil {
		//lint:ignore ST1005 GitHub's words
		return fmt.Errorf("A JSON web token could not be decoded")
	}
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		Iss      string
		Iat, Exp int64
	}
	switch err := json.Unmarshal(payload, &claims); {
	case err != nil, claims.Iss != "1234":
		return fmt.Errorf("'Issuer' claim ('iss') must be an Integer")
	case claims.Iat > now.Unix(), claims.Exp < now.Unix(), claims.Exp-now.Unix() > 600:
		return fmt.Errorf("'Expiration time' claim ('exp') is too far in the future")
	}
	return nil
}

func (g *gitHub) findInstallation(w http.ResponseWriter, _ *http.Request) {
	githubAnswer(w, http.StatusOK, map[string]any{"id": 7, "account": map[string]any{"login": g.owner}})
}

// createToken wants the token to be for the one repository, with the two permissions.
func (g *gitHub) createToken(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Repositories []string
		Permissions  map[string]string
	}
	if !githubDecode(w, r, &asked) {
		return
	}
	if !slices.Equal(asked.Repositories, []string{g.repo}) || fmt.Sprint(asked.Permissions) != "map[contents:write pull_requests:write]" {
		githubProblem(w, http.StatusUnprocessableEntity, "The permissions requested are not granted to this installation.")
		return
	}
	githubAnswer(w, http.StatusCreated, map[string]any{
		"token": g.opts.Token, "expires_at": time.Now().Add(time.Hour).UTC().Format(time.RFC3339), "permissions": asked.Permissions,
	})
}
