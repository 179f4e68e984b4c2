package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/google"

	"github.com/tagbump/tagbump/pkg/internal/httpx"
	"github.com/tagbump/tagbump/pkg/redact"
)

// A cloud has the log-ins of its own registries. It is asked for no others: looking
// for a cloud's environment may take seconds where there is none.
type cloud struct {
	source string
	owns   func(host string) bool
	login  func(ctx context.Context, target authn.Resource) (authn.Authenticator, error)
}

func allClouds(getenv func(string) string) []cloud {
	return []cloud{
		{"GITHUB_TOKEN", isGitHub, tokenLogin(getenv, "GITHUB_TOKEN")},
		{"GH_TOKEN", isGitHub, tokenLogin(getenv, "GH_TOKEN")},
		{"the AWS environment", isECR, newAmazon(getenv).login},
		{"the Google environment", isGoogle, google.Keychain.(authn.ContextKeychain).ResolveContext},
		{"the Azure environment", isACR, newAzure(getenv).login},
	}
}

// fromClouds asks the cloud that owns a registry. Nobody gave its log-in for this
// registry, so it is optional.
func (k *Keychain) fromClouds(ctx context.Context, target authn.Resource) (login, []miss) {
	var misses []miss
	for _, c := range k.clouds {
		if !c.owns(target.RegistryStr()) {
			continue
		}
		auth, err := c.ask(ctx, target)
		if errors.Is(err, errCloudSlow) {
			k.warn("%s: %s %v", target.RegistryStr(), c.source, err)
		}
		switch {
		case err != nil:
			misses = append(misses, miss{text: c.source + " " + httpx.Line(redact.Text(httpx.Cause(err).Error()), longestWords)})
		case auth != authn.Anonymous:
			return login{auth: auth, source: c.source, optional: true}, misses
		}
	}
	return login{}, misses
}

// cloudTime is how long a cloud may take: its libraries look for metadata servers
// and run programs, and not all of them obey a context.
const cloudTime = 20 * time.Second

var errCloudSlow = fmt.Errorf("did not answer within %s", cloudTime)

// ask asks a cloud for the log-in, credentials included, as long as cloudTime allows.
func (c cloud) ask(ctx context.Context, target authn.Resource) (authn.Authenticator, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, cloudTime, errCloudSlow)
	defer cancel()
	type answer struct {
		auth authn.Authenticator
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		auth, err := c.login(ctx, target)
		if err == nil {
			_, _, err = secretsOf(ctx, auth) // Google's is fetched when it is used
		}
		answers <- answer{auth, err}
	}()
	select {
	case got := <-answers:
		if got.err != nil && context.Cause(ctx) != nil {
			return nil, context.Cause(ctx)
		}
		return got.auth, got.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// cloudClient sends secrets to one address: it follows no redirect to another.
func cloudClient() *http.Client {
	return &http.Client{
		Timeout:       cloudTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func isGitHub(host string) bool { return host == "ghcr.io" }

// tokenLogin uses a token of GitHub's. The user's name does not matter.
func tokenLogin(getenv func(string) string, variable string) func(context.Context, authn.Resource) (authn.Authenticator, error) {
	return func(context.Context, authn.Resource) (authn.Authenticator, error) {
		token := getenv(variable)
		if token == "" {
			return authn.Anonymous, nil
		}
		return &authn.Basic{Username: "tagbump", Password: token}, nil
	}
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
	return azure{getenv, cloudClient(), "https"}
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

// prove adds the client secret or the federated assertion to form.
func (a azure) prove(form url.Values) error {
	assertion := a.getenv("AZURE_FEDERATED_TOKEN")
	if path := a.getenv("AZURE_FEDERATED_TOKEN_FILE"); assertion == "" && path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return errors.New("cannot read the file in AZURE_FEDERATED_TOKEN_FILE")
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
		return errors.New("has AZURE_CLIENT_ID, but neither AZURE_CLIENT_SECRET nor AZURE_FEDERATED_TOKEN_FILE")
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
