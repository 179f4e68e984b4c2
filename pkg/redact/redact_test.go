package redact

import (
	"encoding/base64"
	"strings"
	"testing"
)

func TestURLLosesUserAndQuery(t *testing.T) {
	for raw, want := range map[string]string{
		"https://github.com/acme/charts.git":                     "https://github.com/acme/charts.git",
		"https://x-access-token:ghp_s3cr3t@github.com/acme/c":    "https://REDACTED@github.com/acme/c",
		"https://ghp_s3cr3t@github.com/acme/c":                   "https://REDACTED@github.com/acme/c",
		"https://me:p@ss@host/x":                                 "https://REDACTED@host/x",
		"ssh://git@github.com/acme/c":                            "ssh://git@github.com/acme/c",
		"git@github.com:acme/c.git":                              "git@github.com:acme/c.git",
		"https://cdn.example/blob?X-Amz-Signature=abc&expires=1": "https://cdn.example/blob?X-Amz-Signature=REDACTED&expires=REDACTED",
	} {
		if got := URL(raw); got != want {
			t.Errorf("URL(%q) = %q, want %q", raw, got, want)
		}
	}
}

func TestSecretsInEverySpelling(t *testing.T) {
	const token = "gh/p_s3cr+t="
	secrets := NewSecrets(token, "", "abc")
	for _, text := range []string{
		"remote: bad token " + token,
		"Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("x-access-token:"+token)),
		"https://u:gh%2Fp_s3cr%2Bt%3D@host/x",
		"access_token=gh%2Fp_s3cr%2Bt%3D&x=abc",
	} {
		got := secrets.Text(text)
		if !strings.Contains(got, Mask) || strings.Contains(got, "s3cr") {
			t.Errorf("Text(%q) = %q", text, got)
		}
	}
	if got := secrets.Text("abc stays"); got != "abc stays" {
		t.Errorf("a short value was masked: %q", got)
	}
}
