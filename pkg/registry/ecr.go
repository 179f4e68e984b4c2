package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os/exec"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/tagbump/tagbump/pkg/internal/httpx"
	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
	"github.com/tagbump/tagbump/pkg/internal/smallfile"
	"github.com/tagbump/tagbump/pkg/redact"
)

// amazon asks ECR for the log-in of its registries.
//
// It uses the parts of AWS's SDK that sign requests and ask metadata servers, and
// not the SDK's config and service packages: those add 2.5 MB to the program. It
// reads no profiles; docker-credential-ecr-login does, and is asked if it is
// installed. The first of these places that has credentials counts:
//
//  1. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN
//  2. AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN (EKS service accounts, OIDC of CI systems)
//  3. AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI (ECS, EKS Pod Identity)
//  4. docker-credential-ecr-login in PATH (profiles, SSO)
//  5. the metadata server of an EC2 instance, unless AWS_EC2_METADATA_DISABLED is true
type amazon struct {
	getenv func(string) string
	client *http.Client
}

func newAmazon(getenv func(string) string) amazon { return amazon{getenv, cloudClient()} }

// An ecrHost is what the name of a private ECR registry says.
type ecrHost struct {
	account, region, domain string
	isFIPS                  bool
}

// ecrPattern matches the names of private registries in all partitions of AWS.
var ecrPattern = lazyregexp.New(`^(\d{12})\.dkr[.-]ecr(-fips)?\.([a-z0-9][a-z0-9-]*)\.(amazonaws\.(?:com(?:\.cn)?|eu)|on\.(?:aws|amazonwebservices\.com\.cn)|sc2s\.sgov\.gov|c2s\.ic\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$`)

func isECR(host string) bool { return ecrPattern.MatchString(host) }

func parseECRHost(host string) (ecrHost, error) {
	found := ecrPattern.FindStringSubmatch(host)
	if found == nil {
		return ecrHost{}, fmt.Errorf("%s is not a private ECR registry", host)
	}
	domain := found[4]
	switch domain { // a registry has dual-stack names, whose API is reached by the usual one too
	case "on.aws":
		domain = "amazonaws.com"
	case "on.amazonwebservices.com.cn":
		domain = "amazonaws.com.cn"
	}
	return ecrHost{account: found[1], region: found[3], domain: domain, isFIPS: found[2] != ""}, nil
}

func (a amazon) login(ctx context.Context, target authn.Resource) (authn.Authenticator, error) {
	host, err := parseECRHost(target.RegistryStr())
	if err != nil {
		return nil, err
	}
	if !a.hasCredentials() {
		if _, err := exec.LookPath(ecrHelper); err == nil {
			return askECRHelper(ctx, target.RegistryStr())
		}
	}
	credentials, err := a.credentials(ctx, host)
	if err != nil {
		return nil, err
	}
	return a.authorizationToken(ctx, host, credentials)
}

const ecrHelper = "docker-credential-ecr-login"

func askECRHelper(ctx context.Context, host string) (authn.Authenticator, error) {
	got, err := runHelper(ctx, ecrHelper, host, cloudTime)
	if err != nil {
		return nil, fmt.Errorf("gives no credentials: %s %w", ecrHelper, err)
	}
	if got.Username == "" || got.Secret == "" {
		return nil, fmt.Errorf("gives no credentials: %s has none for %s", ecrHelper, host)
	}
	return &authn.Basic{Username: got.Username, Password: got.Secret}, nil
}

// hasCredentials reports whether the environment names a place that has credentials.
func (a amazon) hasCredentials() bool {
	for _, variable := range []string{
		"AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
	} {
		if a.getenv(variable) != "" {
			return true
		}
	}
	return false
}

func (a amazon) credentials(ctx context.Context, host ecrHost) (aws.Credentials, error) {
	switch {
	case a.getenv("AWS_ACCESS_KEY_ID") != "":
		return a.keys()
	case a.getenv("AWS_WEB_IDENTITY_TOKEN_FILE") != "":
		return a.assumeRole(ctx, host)
	case a.hasCredentials():
		return a.containerCredentials(ctx)
	}
	return a.instanceCredentials(ctx)
}

func (a amazon) keys() (aws.Credentials, error) {
	secret := a.getenv("AWS_SECRET_ACCESS_KEY")
	if secret == "" {
		return aws.Credentials{}, errors.New("has AWS_ACCESS_KEY_ID without AWS_SECRET_ACCESS_KEY")
	}
	return aws.Credentials{AccessKeyID: a.getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: secret, SessionToken: a.getenv("AWS_SESSION_TOKEN")}, nil
}

// assumeRole exchanges the token of a service account or a CI job for credentials.
// AssumeRoleWithWebIdentity is the one action of STS that is not signed.
func (a amazon) assumeRole(ctx context.Context, host ecrHost) (aws.Credentials, error) {
	role := a.getenv("AWS_ROLE_ARN")
	if role == "" {
		return aws.Credentials{}, errors.New("has AWS_WEB_IDENTITY_TOKEN_FILE without AWS_ROLE_ARN")
	}
	token, err := smallfile.Read(a.getenv("AWS_WEB_IDENTITY_TOKEN_FILE"), smallfile.Text)
	if err != nil {
		return aws.Credentials{}, errors.New("cannot read the file in AWS_WEB_IDENTITY_TOKEN_FILE")
	}
	session := a.getenv("AWS_ROLE_SESSION_NAME")
	if session == "" {
		session = "tagbump"
	}
	address, err := a.stsAddress(host)
	if err != nil {
		return aws.Credentials{}, err
	}
	form := url.Values{
		"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"},
		"RoleArn": {role}, "RoleSessionName": {session}, "WebIdentityToken": {strings.TrimSpace(string(token))},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return aws.Credentials{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := a.send(req)
	if err != nil {
		return aws.Credentials{}, err
	}
	got := aws.Credentials{AccessKeyID: element(answer, "AccessKeyId"), SecretAccessKey: element(answer, "SecretAccessKey"), SessionToken: element(answer, "SessionToken")}
	if !got.HasKeys() {
		return aws.Credentials{}, fmt.Errorf("%s: the answer has no credentials", req.URL.Host)
	}
	return got, nil
}

// regionPattern holds what becomes part of a host's name.
var regionPattern = lazyregexp.New(`^[a-z0-9-]+$`)

// stsAddress is the STS of the region where the program runs, else of the registry's.
func (a amazon) stsAddress(host ecrHost) (string, error) {
	if address := a.endpoint("STS"); address != "" {
		return address, nil
	}
	region := host.region
	for _, variable := range []string{"AWS_DEFAULT_REGION", "AWS_REGION"} {
		if value := a.getenv(variable); value != "" {
			region = value
		}
	}
	if !regionPattern.MatchString(region) {
		return "", errors.New("has an AWS_REGION that is not the name of a region")
	}
	return "https://" + a.fips("sts", host) + "." + region + "." + host.domain + "/", nil
}

// containerCredentials asks the agent of ECS or EKS.
func (a amazon) containerCredentials(ctx context.Context) (aws.Credentials, error) {
	address := "http://169.254.170.2" + a.getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
	if a.getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") == "" {
		address = a.getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")
	}
	if !isAgent(address) {
		return aws.Credentials{}, errors.New("has an AWS_CONTAINER_CREDENTIALS_FULL_URI that is neither https nor the address of ECS, EKS or this machine")
	}
	token := a.getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN")
	if path := a.getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); path != "" {
		text, err := smallfile.Read(path, smallfile.Text)
		if err != nil {
			return aws.Credentials{}, errors.New("cannot read the file in AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
		}
		token = strings.TrimSpace(string(text))
	}
	return endpointcreds.New(address, func(o *endpointcreds.Options) {
		o.HTTPClient, o.AuthorizationToken = a.client, token
	}).Retrieve(ctx)
}

// isAgent reports whether credentials may be asked for at an address: by https, or
// without it on this machine and at the fixed addresses of ECS and EKS.
func isAgent(address string) bool {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" {
		return false
	}
	if parsed.Scheme == "https" || parsed.Hostname() == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(parsed.Hostname())
	if err != nil || parsed.Scheme != "http" {
		return false
	}
	agents := map[string]bool{"169.254.170.2": true, "169.254.170.23": true, "fd00:ec2::23": true}
	return ip.IsLoopback() || agents[ip.String()]
}

// instanceTime is how long the metadata server of an instance may take. Outside of
// EC2 nothing answers at its address.
const instanceTime = 2 * time.Second

var errNoAWS = errors.New("gives no credentials: there are no AWS variables, no " + ecrHelper + " in PATH (which reads profiles), and no instance metadata")

func (a amazon) instanceCredentials(ctx context.Context) (aws.Credentials, error) {
	if strings.EqualFold(a.getenv("AWS_EC2_METADATA_DISABLED"), "true") {
		return aws.Credentials{}, errNoAWS
	}
	ctx, cancel := context.WithTimeout(ctx, instanceTime)
	defer cancel()
	client := imds.New(imds.Options{Endpoint: a.getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT"), ClientEnableState: imds.ClientEnabled})
	got, err := ec2rolecreds.New(func(o *ec2rolecreds.Options) { o.Client = client }).Retrieve(ctx)
	if err != nil {
		return aws.Credentials{}, errNoAWS
	}
	return got, nil
}

// authorizationToken calls the one action of ECR that a log-in needs.
func (a amazon) authorizationToken(ctx context.Context, host ecrHost, credentials aws.Credentials) (authn.Authenticator, error) {
	req, err := a.tokenRequest(ctx, host, credentials)
	if err != nil {
		return nil, err
	}
	answer, err := a.send(req)
	if err != nil {
		return nil, err
	}
	var got struct {
		AuthorizationData []struct{ AuthorizationToken string }
	}
	if err := json.Unmarshal([]byte(answer), &got); err != nil || len(got.AuthorizationData) == 0 {
		return nil, fmt.Errorf("%s: the answer has no token", req.URL.Host)
	}
	token, err := base64.StdEncoding.DecodeString(got.AuthorizationData[0].AuthorizationToken)
	username, password, found := strings.Cut(string(token), ":")
	if err != nil || !found {
		return nil, fmt.Errorf("%s: the token is not a user and a password", req.URL.Host)
	}
	return &authn.Basic{Username: username, Password: password}, nil
}

// tokenRequest makes the signed call GetAuthorizationToken for one account.
func (a amazon) tokenRequest(ctx context.Context, host ecrHost, credentials aws.Credentials) (*http.Request, error) {
	body := []byte(`{"registryIds":["` + host.account + `"]}`)
	address := a.endpoint("ECR")
	switch {
	case address != "":
	case a.isFIPS(host):
		address = "https://ecr-fips." + host.region + "." + host.domain + "/"
	default:
		address = "https://api.ecr." + host.region + "." + host.domain + "/"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	req.Header.Set("X-Amz-Target", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken")
	hash := sha256.Sum256(body)
	return req, v4.NewSigner().SignHTTP(ctx, credentials, req, hex.EncodeToString(hash[:]), "ecr", host.region, time.Now())
}

// endpoint is the address that the environment gives for a service.
func (a amazon) endpoint(service string) string {
	if address := a.getenv("AWS_ENDPOINT_URL_" + service); address != "" {
		return address
	}
	return a.getenv("AWS_ENDPOINT_URL")
}

func (a amazon) isFIPS(host ecrHost) bool {
	return host.isFIPS || strings.EqualFold(a.getenv("AWS_USE_FIPS_ENDPOINT"), "true")
}

func (a amazon) fips(service string, host ecrHost) string {
	if a.isFIPS(host) {
		return service + "-fips"
	}
	return service
}

// send returns the text of a successful answer. An error has AWS's code and message:
// "ExpiredTokenException: The security token included in the request is expired".
func (a amazon) send(req *http.Request) (string, error) {
	resp, err := a.client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := httpx.ReadAll(resp.Body, maxOther)
	if err != nil {
		return "", fmt.Errorf("%s: %w", req.URL.Host, err)
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("gives no credentials: %s answered %s%s", req.URL.Host, resp.Status, awsWords(string(text)))
	}
	return string(text), nil
}

// awsWords reads the error in an answer of ECR (JSON) or STS (XML).
func awsWords(answer string) string {
	var got struct {
		Type    string `json:"__type"`
		Message string // ECR also writes "message": names of fields match in any case
	}
	if json.Unmarshal([]byte(answer), &got) != nil {
		got.Type, got.Message = element(answer, "Code"), element(answer, "Message")
	}
	_, code, isQualified := strings.Cut(got.Type, "#")
	if !isQualified {
		code = got.Type
	}
	words := strings.Trim(code+": "+got.Message, ": ")
	if words == "" {
		return ""
	}
	return ": " + httpx.Line(redact.Text(words), longestWords)
}

// element returns the text of the first XML element of a name. STS's elements have
// neither attributes nor, in credentials, escapes.
func element(text, name string) string {
	_, after, _ := strings.Cut(text, "<"+name+">")
	inside, _, found := strings.Cut(after, "</"+name+">")
	if !found {
		return ""
	}
	return strings.TrimSpace(inside)
}
