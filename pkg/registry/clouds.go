package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	ecr "github.com/awslabs/amazon-ecr-credential-helper/ecr-login"
	ecrapi "github.com/awslabs/amazon-ecr-credential-helper/ecr-login/api"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/google"

	"github.com/tagbump/tagbump/pkg/internal/httpx"
)

// A cloud has the log-ins of its own registries. It is asked for no others: to look
// for a cloud's environment may take seconds where there is none.
type cloud struct {
	source string
	owns   func(host string) bool
	login  func(ctx context.Context, target authn.Resource) (authn.Authenticator, error)
}

func allClouds(getenv func(string) string) []cloud {
	return []cloud{
		{"GITHUB_TOKEN", func(host string) bool { return host == "ghcr.io" }, githubLogin(getenv)},
		{"the AWS environment", isECR, ecrLogin},
		{"the Google environment", isGoogle, google.Keychain.(authn.ContextKeychain).ResolveContext},
		{"the Azure environment", isACR, newAzure(getenv).login},
	}
}

// fromClouds asks the cloud that owns a registry. One that has no log-in counts for
// nothing, since the image may be public.
func (k *Keychain) fromClouds(ctx context.Context, target authn.Resource) (login, error) {
	for _, c := range k.clouds {
		if !c.owns(target.RegistryStr()) {
			continue
		}
		auth, err := c.login(ctx, target)
		switch {
		case err != nil:
			k.log("%s: no log-in from %s: %s", target.RegistryStr(), c.source, httpx.Cause(err))
		case auth != authn.Anonymous:
			return login{auth, c.source}, nil
		}
	}
	return login{}, nil
}

// githubLogin uses the token that GitHub gives to its jobs. The user's name does not matter.
func githubLogin(getenv func(string) string) func(context.Context, authn.Resource) (authn.Authenticator, error) {
	return func(context.Context, authn.Resource) (authn.Authenticator, error) {
		for _, variable := range []string{"GITHUB_TOKEN", "GH_TOKEN"} {
			if token := getenv(variable); token != "" {
				return &authn.Basic{Username: "tagbump", Password: token}, nil
			}
		}
		return authn.Anonymous, nil
	}
}

func isECR(host string) bool {
	registry, err := ecrapi.ExtractRegistry(host)
	return err == nil && registry.Service == ecrapi.ServiceECR // the public one needs no log-in
}

func ecrLogin(_ context.Context, target authn.Resource) (authn.Authenticator, error) {
	user, secret, err := ecr.NewECRHelper(ecr.WithLogger(io.Discard)).Get(target.RegistryStr())
	if err != nil {
		return nil, errors.New("AWS gave no credentials for it")
	}
	return &authn.Basic{Username: user, Password: secret}, nil
}

func isGoogle(host string) bool {
	return host == "gcr.io" || strings.HasSuffix(host, ".gcr.io") || strings.HasSuffix(host, "-docker.pkg.dev")
}

func isACR(host string) bool {
	for _, domain := range []string{".azurecr.io", ".azurecr.cn", ".azurecr.us"} {
		if strings.HasSuffix(host, domain) {
			return true
		}
	}
	return false
}

// azure exchanges a service principal's secret, or the token that a workload identity
// has, for a registry's refresh token. Managed identities are left to "az acr login",
// which writes the docker config.
type azure struct {
	getenv func(string) string
	client *http.Client
	scheme string // of the registry
}

func newAzure(getenv func(string) string) azure {
	return azure{getenv, &http.Client{Timeout: 20 * time.Second}, "https"}
}

func (a azure) login(ctx context.Context, target authn.Resource) (authn.Authenticator, error) {
	tenant := a.getenv("AZURE_TENANT_ID")
	if tenant == "" || a.getenv("AZURE_CLIENT_ID") == "" {
		return authn.Anonymous, nil
	}
	access, err := a.accessToken(ctx, tenant, target.RegistryStr())
	if err != nil {
		return nil, err
	}
	refresh, err := a.post(ctx, a.scheme+"://"+target.RegistryStr()+"/oauth2/exchange", "refresh_token", url.Values{
		"grant_type":   {"access_token"},
		"service":      {target.RegistryStr()},
		"tenant":       {tenant},
		"access_token": {access},
	})
	if err != nil {
		return nil, err
	}
	return authn.FromConfig(authn.AuthConfig{IdentityToken: refresh}), nil
}

// accessToken asks Entra ID for a token (OAuth 2.0 client credentials, with a secret
// or with a federated assertion).
func (a azure) accessToken(ctx context.Context, tenant, host string) (string, error) {
	authority := strings.TrimSuffix(a.getenv("AZURE_AUTHORITY_HOST"), "/")
	if authority == "" {
		authority = "https://login.microsoftonline.com"
	}
	form := url.Values{
		"grant_type": {"client_credentials"},
		"client_id":  {a.getenv("AZURE_CLIENT_ID")},
		"scope":      {azureScope(host)},
	}
	if err := a.prove(form); err != nil {
		return "", err
	}
	return a.post(ctx, authority+"/"+url.PathEscape(tenant)+"/oauth2/v2.0/token", "access_token", form)
}

// prove adds to form what shows who we are.
func (a azure) prove(form url.Values) error {
	assertion := a.getenv("AZURE_FEDERATED_TOKEN")
	if path := a.getenv("AZURE_FEDERATED_TOKEN_FILE"); assertion == "" && path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		assertion = strings.TrimSpace(string(text))
	}
	switch secret := a.getenv("AZURE_CLIENT_SECRET"); {
	case secret != "":
		form.Set("client_secret", secret)
	case assertion != "":
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", assertion)
	default:
		return errors.New("AZURE_CLIENT_ID is set, but neither AZURE_CLIENT_SECRET nor AZURE_FEDERATED_TOKEN_FILE")
	}
	return nil
}

// azureScope names the management service of the cloud in which a registry is.
func azureScope(host string) string {
	switch {
	case strings.HasSuffix(host, ".cn"):
		return "https://management.chinacloudapi.cn/.default"
	case strings.HasSuffix(host, ".us"):
		return "https://management.usgovcloudapi.net/.default"
	}
	return "https://management.azure.com/.default"
}

// post sends a form and returns one field of the JSON that comes back.
func (a azure) post(ctx context.Context, address, field string, form url.Values) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := a.client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answered %s", req.URL.Host, resp.Status)
	}
	text, err := httpx.ReadAll(resp.Body, maxOther)
	if err != nil {
		return "", fmt.Errorf("%s: %w", req.URL.Host, err)
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		return "", fmt.Errorf("%s: the answer is not JSON", req.URL.Host)
	}
	token, _ := fields[field].(string)
	if token == "" {
		return "", fmt.Errorf("%s: the answer has no %s", req.URL.Host, field)
	}
	return token, nil
}
