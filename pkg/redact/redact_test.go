package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"sync"
	"testing"
)

func TestURLLosesUserAndQuery(t *testing.T) {
	for raw, want := range map[string]string{
		"https://github.com/acme/charts.git":                     "https://github.com/acme/charts.git",
		"https://x-access-token:ghp_s3cr3t@github.com/acme/c":    "https://REDACTED@github.com/acme/c",
		"https://ghp_s3cr3t@github.com/acme/c":                   "https://REDACTED@github.com/acme/c",
		"HTTPS://me:secret@host/x":                               "HTTPS://REDACTED@host/x",
		"https://me:p@ss@host/x":                                 "https://REDACTED@host/x",
		"https://me:s3/cr3t@host/x.git":                          "https://REDACTED@host/x.git",
		"https://me:12/cr3t@host/x.git":                          "https://REDACTED@host/x.git",
		"https://me:s3#cr3t?@host/x.git":                         "https://REDACTED@host/x.git",
		"https://me:s3 cr3t@host/x.git":                          "https://REDACTED@host/x.git",
		"https://host/acme/c@v1":                                 "https://host/acme/c@v1",
		"https://[::1]:8443/acme/c@v1":                           "https://[::1]:8443/acme/c@v1",
		"ssh://git@github.com/acme/c":                            "ssh://git@github.com/acme/c",
		"ssh://deploy@git.acme.example:2222/c":                   "ssh://deploy@git.acme.example:2222/c",
		"git+ssh://deploy@git.acme.example/c":                    "git+ssh://deploy@git.acme.example/c",
		"ssh://deploy:secret@git.acme.example/c":                 "ssh://REDACTED@git.acme.example/c",
		"git@github.com:acme/c.git":                              "git@github.com:acme/c.git",
		"https://cdn.example/blob?X-Amz-Signature=abc&expires=1": "https://cdn.example/blob?X-Amz-Signature=REDACTED&expires=REDACTED",
	} {
		if got := URL(raw); got != want {
			t.Errorf("URL(%q) = %q, want %q", raw, got, want)
		}
	}
}

func TestTextMasksTheUserPartOfEveryURL(t *testing.T) {
	for text, want := range map[string]string{
		"from https://a:b@one/x to 'http://tok@two'": "from https://REDACTED@one/x to 'http://REDACTED@two'",
		"dial https://me:s3/cr3t@host/x.git failed":  "dial https://REDACTED@host/x.git failed",
		"at https://host:8443/npm/pkg@1.2 and x@y":   "at https://host:8443/npm/pkg@1.2 and x@y",
		"mail ada@acme.example about https://acme/":  "mail ada@acme.example about https://acme/",
	} {
		if got := Text(text); got != want {
			t.Errorf("Text(%q) = %q, want %q", text, got, want)
		}
	}
}

func basic(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}

// TestSecretsInEverySpelling has one row for each way in which a secret comes back.
func TestSecretsInEverySpelling(t *testing.T) {
	for _, secret := range []string{`gh/p_s3cr+t="<&>`, "glpat-aB3dE5fG", "dckr_pat", "kw7x2p", "a?>b?>c>?d~~"} {
		inJSON := func(escape bool) string {
			var b bytes.Buffer
			encoder := json.NewEncoder(&b)
			encoder.SetEscapeHTML(escape)
			if err := encoder.Encode(map[string]string{"error": secret}); err != nil {
				t.Fatal(err)
			}
			return b.String()
		}
		for name, text := range map[string]string{
			"plain":                       "remote: bad token " + secret,
			"as a path":                   "https://host/" + url.PathEscape(secret) + "/x",
			"in a query":                  "access_token=" + url.QueryEscape(secret) + "&x=abc",
			"JSON":                        inJSON(false),
			"JSON for HTML":               inJSON(true),
			"HTML":                        "<p>" + html.EscapeString(secret) + "</p>",
			"quoted":                      fmt.Sprintf("token %q", secret),
			"base64":                      "Bearer " + base64.StdEncoding.EncodeToString([]byte(secret)),
			"base64 without padding":      "Bearer " + base64.RawStdEncoding.EncodeToString([]byte(secret)),
			"base64 for URLs":             "Bearer " + base64.URLEncoding.EncodeToString([]byte(secret)),
			"Basic, a usual user":         "Authorization: Basic " + basic("x-access-token", secret),
			"Basic, a user of one letter": "Authorization: Basic " + basic("a", secret),
			"Basic, of two letters":       "Authorization: Basic " + basic("ab", secret),
			"Basic, somebody":             "Authorization: Basic " + basic("robot$acme+deployer", secret),
			"Basic, without a user":       "Authorization: Basic " + basic("", secret),
			"Basic, as the user":          "Authorization: Basic " + basic(secret, ""),
			"Basic, with a line break":    "Authorization: Basic " + basic("x-access-token", secret+"\n"),
			"Docker's configuration":      `{"auths":{"ghcr.io":{"auth":"` + basic("acme", secret) + `"}}}`,
		} {
			got := NewSecrets(" "+secret+"\n", "").Text(text)
			for _, spelling := range append(spellings(secret), base64Cores(secret)...) {
				if strings.Contains(got, spelling) {
					t.Errorf("%s: %q shows %q", name, got, spelling)
				}
			}
			if !strings.Contains(got, Mask) {
				t.Errorf("%s: %q", name, got)
			}
			if strings.HasPrefix(name, "Basic") && got != "Authorization: Basic REDACTED" {
				t.Errorf("%s: part of the log-in is left: %q", name, got)
			}
		}
	}
}

func TestLowerCasePercents(t *testing.T) {
	if got := NewSecrets("a/b+c=d/e").Text("x=a%2fb%2bc%3dd%2fe&y=1"); got != "x=REDACTED&y=1" {
		t.Errorf("got %q", got)
	}
}

func TestWhatStays(t *testing.T) {
	secrets := NewSecrets("abc", "2024", "admin", "hunter22", "main")
	for text, want := range map[string]string{
		"abc stays: it is too short":      "abc stays: it is too short",
		"master-202406151230":             "master-202406151230",
		"master-2024":                     "master-REDACTED",
		"administrator, admin_1 or admin": "administrator, admin_1 or REDACTED",
		"hunter2222":                      "REDACTED22",
		"maintain main2 domain":           "maintain main2 domain",
	} {
		if got := secrets.Text(text); got != want {
			t.Errorf("Text(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestTheLongestSecretIsMasked(t *testing.T) {
	if got := NewSecrets("hunter22", "hunter22-of-production", "hunter22-of").Text("hunter22-of-production"); got != Mask {
		t.Errorf("got %q", got)
	}
}

func TestLinesOfAPrivateKey(t *testing.T) {
	key := "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\nQyNTUxOQAAACBqZ2Vu\nshort\n-----END OPENSSH PRIVATE KEY-----\n"
	got := NewSecrets(key).Text("line 3: QyNTUxOQAAACBqZ2Vu; -----BEGIN OPENSSH PRIVATE KEY-----; short")
	if want := "line 3: REDACTED; -----BEGIN OPENSSH PRIVATE KEY-----; short"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSecretsThatAreFoundLater(t *testing.T) {
	secrets := NewSecrets("first-secret")
	masked := secrets // a copy, as a writer holds it
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() { secrets.Add(fmt.Sprintf("late-secret-%d", i)) })
		group.Go(func() { masked.Text("late-secret-1") })
	}
	group.Wait()
	if got := masked.Text("first-secret late-secret-3"); got != "REDACTED REDACTED" {
		t.Errorf("got %q", got)
	}
	if got := (Secrets{}).Text("https://u:p@host/ first-secret"); got != "https://REDACTED@host/ first-secret" {
		t.Errorf("without secrets: %q", got)
	}
}
