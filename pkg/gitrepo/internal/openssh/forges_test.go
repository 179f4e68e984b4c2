package openssh

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// TestForgeKeys holds that each built-in key is the one whose fingerprint its forge
// publishes.
func TestForgeKeys(t *testing.T) {
	const want = `github.com ssh-ed25519 SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU
github.com ecdsa-sha2-nistp256 SHA256:p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM
gitlab.com ssh-ed25519 SHA256:eUXGGm1YGsMAS7vkcx6JOJdOGHPem5gQp4taiCfCLB8
gitlab.com ecdsa-sha2-nistp256 SHA256:HbW3g8zUjNSksFbqTiUWPWg2Bq1x8xdGUrliXFzSnUw
bitbucket.org ssh-ed25519 SHA256:ybgmFkzwOSotHTHLJgHO0QN8L0xErw6vd0VhFA9m3SM
bitbucket.org ecdsa-sha2-nistp256 SHA256:FC73VB6C4OQLSCrjEayhMp9UMxS97caD/Yyi2bhW/J0
`
	var got strings.Builder
	for rest := []byte(forgeKeys); len(bytes.TrimSpace(rest)) > 0; {
		marker, hosts, key, _, after, err := ssh.ParseKnownHosts(rest)
		if err != nil || marker != "" || len(hosts) != 1 {
			t.Fatalf("%s: %q, %q, %v", rest, marker, hosts, err)
		}
		got.WriteString(hosts[0] + " " + key.Type() + " " + ssh.FingerprintSHA256(key) + "\n")
		rest = after
	}
	if got.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", got.String(), want)
	}
}

func TestForgesAreTrustedUnlessAFileNamesThem(t *testing.T) {
	_, _, github, _, _, err := ssh.ParseKnownHosts([]byte(forgeKeys))
	if err != nil {
		t.Fatal(err)
	}
	own := newPair(t)
	ownKey := strings.TrimSpace(own.line)
	for _, test := range []struct {
		name, file, host, port string
		want                   error
	}{
		{"no file", "", "github.com", "22", nil},
		{"a file that names another host", "git.example.com " + ownKey + "\n", "github.com", "22", nil},
		{"a file that pins the forge", "github.com " + ownKey + "\n", "github.com", "22", ErrHostChanged},
		{"a file that pins an authority", "@cert-authority github.com " + ownKey + "\n", "github.com", "22", ErrHostUnknown},
		{"a file that revokes the key", "@revoked * " + string(ssh.MarshalAuthorizedKey(github)), "github.com", "22", ErrHostRevoked},
		{"another forge's key", "", "gitlab.com", "22", ErrHostChanged},
		{"another port", "", "github.com", "2222", ErrHostUnknown},
		{"another host", "", "github.com.evil.example", "22", ErrHostUnknown},
	} {
		k := &KnownHosts{}
		k.read("file", strings.NewReader(test.file))
		if got := k.WithForges(test.host, test.port).Check(test.host, test.port, remote, github); !errors.Is(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}
