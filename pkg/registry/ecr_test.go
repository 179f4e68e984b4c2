package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

const ecrRegistry = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"

// A cloudOfAmazon answers as STS, ECR, the agent of a container and the metadata
// server of an instance do. Each gives keys of its own; ECR checks the signature.
type cloudOfAmazon struct {
	t     *testing.T
	asked []string
}

// secrets are the secret keys that go with the access keys.
var secrets = map[string]string{"AKID-ENV": "secret-env", "AKID-WEB": "secret-web", "AKID-AGENT": "secret-agent", "AKID-INSTANCE": "secret-instance"}

const jsonKeys = `{"Code":"Success","AccessKeyId":%q,"SecretAccessKey":%q,"Token":"session-1","Expiration":"2099-01-01T00:00:00Z"}`

func (c *cloudOfAmazon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.asked = append(c.asked, r.Method+" "+r.URL.Path)
	switch r.URL.Path {
	case "/sts":
		c.sts(w, r)
	case "/ecr":
		c.ecr(w, r)
	case "/agent":
		if r.Header.Get("Authorization") != "agent-token" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		fmt.Fprintf(w, jsonKeys, "AKID-AGENT", "secret-agent")
	case "/latest/api/token":
		w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600")
		fmt.Fprint(w, "metadata-token")
	case "/latest/meta-data/iam/security-credentials/":
		fmt.Fprint(w, "ci-role")
	case "/latest/meta-data/iam/security-credentials/ci-role":
		if r.Header.Get("X-Aws-Ec2-Metadata-Token") != "metadata-token" {
			c.t.Error("the metadata server was asked without a token, as IMDSv1")
		}
		fmt.Fprintf(w, jsonKeys, "AKID-INSTANCE", "secret-instance")
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (c *cloudOfAmazon) sts(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		c.t.Error(err)
	}
	switch r.PostForm.Get("WebIdentityToken") {
	case "jwt-1":
		want := "Action=AssumeRoleWithWebIdentity&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fci&RoleSessionName=tagbump&Version=2011-06-15&WebIdentityToken=jwt-1"
		if got := r.PostForm.Encode(); got != want || r.Header.Get("Authorization") != "" {
			c.t.Errorf("STS was asked with\n%s\nwant\n%s", got, want)
		}
		fmt.Fprint(w, `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>
			<AccessKeyId>AKID-WEB</AccessKeyId><SecretAccessKey>secret-web</SecretAccessKey><SessionToken>session-1</SessionToken>
			</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`)
	case "empty":
		fmt.Fprint(w, `<AssumeRoleWithWebIdentityResponse/>`)
	default:
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredTokenException</Code><Message>Token expired: current date/time</Message></Error></ErrorResponse>`)
	}
}

func (c *cloudOfAmazon) ecr(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		c.t.Error(err)
	}
	if got := r.Header.Get("X-Amz-Target") + " " + string(body); got != `AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken {"registryIds":["123456789012"]}` {
		c.t.Errorf("ECR was asked for %s", got)
	}
	_, after, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	key, _, _ := strings.Cut(after, "/")
	switch key {
	case "AKID-EXPIRED":
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"__type":"com.amazonaws.ecr#ExpiredTokenException","message":"The security token included in the request is expired"}`)
		return
	case "AKID-REDIRECTED":
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		return
	case "AKID-EMPTY":
		fmt.Fprint(w, `{"authorizationData":[]}`)
		return
	case "AKID-ODD":
		fmt.Fprint(w, `{"authorizationData":[{"authorizationToken":"b2Rk"}]}`)
		return
	}
	c.checkSignature(r, key, body)
	fmt.Fprint(w, `{"authorizationData":[{"authorizationToken":"QVdTOmVjci1wYXNzd29yZA==","expiresAt":1.7e9,"proxyEndpoint":"https://`+ecrRegistry+`"}]}`)
}

// checkSignature signs the request again and compares.
func (c *cloudOfAmazon) checkSignature(r *http.Request, key string, body []byte) {
	when, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		c.t.Error(err)
	}
	again := r.Clone(context.Background())
	again.URL.Host, again.URL.Scheme = r.Host, "http"
	again.Header = http.Header{"Content-Type": r.Header["Content-Type"], "X-Amz-Target": r.Header["X-Amz-Target"]}
	hash := sha256.Sum256(body)
	credentials := aws.Credentials{AccessKeyID: key, SecretAccessKey: secrets[key], SessionToken: "session-1"}
	if err := v4.NewSigner().SignHTTP(context.Background(), credentials, again, hex.EncodeToString(hash[:]), "ecr", "eu-central-1", when); err != nil {
		c.t.Error(err)
	}
	if got, want := r.Header.Get("Authorization"), again.Header.Get("Authorization"); got != want {
		c.t.Errorf("signed\n%s\nwant\n%s", got, want)
	}
}

func TestECRLogIn(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		write(t, path, text, 0o600)
		return path
	}
	const role = "arn:aws:iam::123456789012:role/ci"
	web := func(text string) map[string]string {
		return map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": file("jwt-"+fmt.Sprint(len(text)), text), "AWS_ROLE_ARN": role}
	}
	keys := func(id, secret string) map[string]string {
		return map[string]string{"AWS_ACCESS_KEY_ID": id, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": "session-1"}
	}
	noInstance := map[string]string{"AWS_EC2_METADATA_DISABLED": "true"}
	for _, test := range []struct {
		name  string
		env   map[string]string
		asked string
		err   string // "" where the log-in is AWS:ecr-password
	}{
		{"keys", keys("AKID-ENV", "secret-env"), "POST /ecr", ""},
		{"keys count before a web identity", with(keys("AKID-ENV", "secret-env"), web("jwt-1\n")), "POST /ecr", ""},
		{"half of the keys", keys("AKID-ENV", ""), "", "has AWS_ACCESS_KEY_ID without AWS_SECRET_ACCESS_KEY"},
		{"a web identity", web("jwt-1\n"), "POST /sts, POST /ecr", ""},
		{"a web identity that is expired", web("old"), "POST /sts", "gives no credentials: HOST answered 400 Bad Request: ExpiredTokenException: Token expired: current date/time"},
		{"STS without an answer", web("empty"), "POST /sts", "HOST: the answer has no credentials"},
		{"a web identity without a role", map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": "x"}, "", "has AWS_WEB_IDENTITY_TOKEN_FILE without AWS_ROLE_ARN"},
		{"a web identity without its file", map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": filepath.Join(dir, "gone"), "AWS_ROLE_ARN": role}, "", "cannot read the file in AWS_WEB_IDENTITY_TOKEN_FILE"},
		{"a region that is another host's name", with(web("jwt-1\n"), map[string]string{"AWS_ENDPOINT_URL_STS": "", "AWS_REGION": "evil.example/"}), "", "has an AWS_REGION that is not the name of a region"},
		{"a container", map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "URL/agent", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": file("agent", "agent-token\n")}, "GET /agent, POST /ecr", ""},
		{"a container's token in a variable", map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "URL/agent", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "agent-token"}, "GET /agent, POST /ecr", ""},
		{"a container without its token's file", map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "URL/agent", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": filepath.Join(dir, "gone")}, "", "cannot read the file in AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"},
		{"an agent elsewhere", map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://agent.example/"}, "", "has an AWS_CONTAINER_CREDENTIALS_FULL_URI that is neither https nor the address of ECS, EKS or this machine"},
		{"an instance", nil, "PUT /latest/api/token, GET /latest/meta-data/iam/security-credentials/, GET /latest/meta-data/iam/security-credentials/ci-role, POST /ecr", ""},
		{"no instance", noInstance, "", errNoAWS.Error()},
		{"keys that are expired", keys("AKID-EXPIRED", "x"), "POST /ecr", "gives no credentials: HOST answered 400 Bad Request: ExpiredTokenException: The security token included in the request is expired"},
		{"a redirect", keys("AKID-REDIRECTED", "x"), "POST /ecr", "gives no credentials: HOST answered 307 Temporary Redirect"},
		{"an answer without a token", keys("AKID-EMPTY", "x"), "POST /ecr", "HOST: the answer has no token"},
		{"a token that is none", keys("AKID-ODD", "x"), "POST /ecr", "HOST: the token is not a user and a password"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("PATH", dir)
			cloud := &cloudOfAmazon{t: t}
			server := httptest.NewServer(cloud)
			defer server.Close()
			env := with(map[string]string{
				"AWS_ENDPOINT_URL_STS": "URL/sts", "AWS_ENDPOINT_URL_ECR": "URL/ecr", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "URL",
			}, test.env)
			got, err := newAmazon(func(v string) string { return strings.ReplaceAll(env[v], "URL", server.URL) }).login(context.Background(), registryNamed(t, ecrRegistry))
			if asked := strings.Join(cloud.asked, ", "); asked != test.asked {
				t.Errorf("asked %s, want %s", asked, test.asked)
			}
			checkLogIn(t, got, err, "AWS:ecr-password", strings.ReplaceAll(test.err, "HOST", strings.TrimPrefix(server.URL, "http://")))
		})
	}
}

// with returns both maps as one; more counts.
func with(env, more map[string]string) map[string]string {
	env = maps.Clone(env)
	maps.Copy(env, more)
	return env
}

func registryNamed(t *testing.T, host string) name.Registry {
	t.Helper()
	registry, err := name.NewRegistry(host)
	if err != nil {
		t.Fatal(err)
	}
	return registry
}

func checkLogIn(t *testing.T, auth authn.Authenticator, err error, want, wantErr string) {
	t.Helper()
	if wantErr != "" {
		if err == nil || err.Error() != wantErr {
			t.Errorf("got  %v\nwant %s", err, wantErr)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	got, err := authn.Authorization(context.Background(), auth)
	if err != nil || got.Username+":"+got.Password != want {
		t.Errorf("got %+v, %v, want %s", got, err, want)
	}
}

func TestECRAsksTheHelperForProfiles(t *testing.T) {
	for _, test := range []struct{ name, script, err string }{
		{"a log-in", `echo '{"Username":"AWS","Secret":"from-helper"}'`, ""},
		{"none", `echo '{}'`, "gives no credentials: docker-credential-ecr-login has none for " + ecrRegistry},
		{"an error", `echo 'the SSO session is expired'; exit 1`, "gives no credentials: docker-credential-ecr-login failed: the SSO session is expired (exit status 1)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, ecrHelper), helper(test.script), 0o755)
			t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
			got, err := newAmazon(func(string) string { return "" }).login(context.Background(), registryNamed(t, ecrRegistry))
			checkLogIn(t, got, err, "AWS:from-helper", test.err)
		})
	}
}

// TestECRAddresses holds where credentials are sent, for every partition.
func TestECRAddresses(t *testing.T) {
	for host, want := range map[string]string{
		ecrRegistry: "https://api.ecr.eu-central-1.amazonaws.com/ https://sts.eu-central-1.amazonaws.com/",
		"123456789012.dkr-ecr.eu-central-1.on.aws":                    "https://api.ecr.eu-central-1.amazonaws.com/ https://sts.eu-central-1.amazonaws.com/",
		"123456789012.dkr.ecr-fips.us-gov-east-1.amazonaws.com":       "https://ecr-fips.us-gov-east-1.amazonaws.com/ https://sts-fips.us-gov-east-1.amazonaws.com/",
		"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn":            "https://api.ecr.cn-north-1.amazonaws.com.cn/ https://sts.cn-north-1.amazonaws.com.cn/",
		"123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn": "https://api.ecr.cn-north-1.amazonaws.com.cn/ https://sts.cn-north-1.amazonaws.com.cn/",
		"123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu":            "https://api.ecr.eusc-de-east-1.amazonaws.eu/ https://sts.eusc-de-east-1.amazonaws.eu/",
		"public.ecr.aws": "",
		"12345.dkr.ecr.eu-central-1.amazonaws.com":                      "",
		"123456789012.dkr.ecr.eu-central-1.amazonaws.com.evil.example":  "",
		"evil.example.123456789012.dkr.ecr.eu-central-1.amazonaws.com":  "",
		"123456789012.dkr.ecr.eu-central-1.evil.example.amazonaws.com":  "",
		"123456789012.dkr.ecr.eu-central-1Zamazonaws.com":               "",
		"123456789012.dkr.ecr.eu-central-1.amazonaws.com.cn.evil.local": "",
	} {
		var got string
		if isECR(host) {
			parsed, err := parseECRHost(host)
			if err != nil {
				t.Fatal(err)
			}
			a := newAmazon(func(string) string { return "" })
			req, err := a.tokenRequest(context.Background(), parsed, aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"})
			if err != nil {
				t.Fatal(err)
			}
			sts, err := a.stsAddress(parsed)
			if err != nil {
				t.Fatal(err)
			}
			got = req.URL.String() + " " + sts
		}
		if got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", host, got, want)
		}
	}
}

func TestContainerAgents(t *testing.T) {
	for address, want := range map[string]bool{
		"http://169.254.170.2/v2": true, "http://169.254.170.23/v1/credentials": true, "http://[fd00:ec2::23]/v1": true,
		"http://127.0.0.1:80/": true, "http://localhost/": true, "https://agent.example/": true,
		"http://agent.example/": false, "http://169.254.169.254/": false, "http://10.0.0.1/": false, "ftp://127.0.0.1/": false, "/relative": false,
	} {
		if got := isAgent(address); got != want {
			t.Errorf("isAgent(%s) = %t", address, got)
		}
	}
}
