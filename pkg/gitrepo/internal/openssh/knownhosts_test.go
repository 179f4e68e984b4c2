package openssh

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

func signerOf(t *testing.T, key pair) ssh.Signer {
	t.Helper()
	signer, err := ssh.NewSignerFromKey(key.private)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

var remote = &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 22}

func TestHostKeysAreJudgedAsSSHDoes(t *testing.T) {
	good, other := newPair(t), newPair(t)
	key := signerOf(t, good).PublicKey()
	line := func(hosts string, k pair) string { return hosts + " " + strings.TrimSpace(k.line) + "\n" }
	tests := []struct {
		name, text, host, port string
		want                   error
	}{
		{"known", line("git.example.com", good), "git.example.com", "22", nil},
		{"known in another case", line("Git.Example.com", good), "GIT.example.com", "", nil},
		{"one of several names", line("a.example,git.example.com,192.0.2.1", good), "git.example.com", "22", nil},
		{"by wildcard", line("*.example.com", good), "git.example.com", "22", nil},
		{"excepted from a wildcard", line("*.example.com,!git.example.com", good), "git.example.com", "22", ErrHostUnknown},
		{"at its port", line("[git.example.com]:2222", good), "git.example.com", "2222", nil},
		{"at another port", line("git.example.com", good), "git.example.com", "2222", ErrHostUnknown},
		{"hashed", line(knownhosts.HashHostname("git.example.com"), good), "git.example.com", "22", nil},
		{"hashed with its port", line(knownhosts.HashHostname("[git.example.com]:2222"), good), "git.example.com", "2222", nil},
		{"hashed, another host", line(knownhosts.HashHostname("git.example.org"), good), "git.example.com", "22", ErrHostUnknown},
		{"IPv6", line("[2001:db8::1]:2222", good), "2001:db8::1", "2222", nil},
		{"two keys, the second is right", line("git.example.com", other) + line("git.example.com", good), "git.example.com", "22", nil},
		{"changed", line("git.example.com", other), "git.example.com", "22", ErrHostChanged},
		{"revoked", line("git.example.com", good) + "@revoked " + line("*", good), "git.example.com", "22", ErrHostRevoked},
		{"another key is revoked", line("git.example.com", good) + "@revoked " + line("*", other), "git.example.com", "22", nil},
		{"an authority is not a host key", "@cert-authority " + line("*", good), "git.example.com", "22", ErrHostUnknown},
		{"empty", "", "git.example.com", "22", ErrHostUnknown},
		{"a comment", "# git.example.com\n\n" + line("git.example.com", good), "git.example.com", "22", nil},
		{
			"bad lines before it",
			"old.example 1024 35 143272250049166269739\ngetaddrinfo git.example.com: Name or service not known\nx ssh-ed25519 AAAAC3Nz\ny\nz ssh-tomorrow AAAAB3NzaC1yc2E=\n" + line("git.example.com", good),
			"git.example.com", "22", nil,
		},
		{"a broken hash before it", line("|1|x", other) + line("|2|YQ==|YQ==", other) + line("git.example.com", good), "git.example.com", "22", nil},
	}
	for _, test := range tests {
		file := filepath.Join(t.TempDir(), "known_hosts")
		write(t, file, test.text)
		known := ReadKnownHosts("/nowhere/known_hosts", file)
		if err := known.Check(test.host, test.port, remote, key); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.want)
		}
		if want := map[string]int{"bad lines before it": 5}[test.name]; len(known.Notes) != want {
			t.Errorf("%s: %d notes, want %d: %q", test.name, len(known.Notes), want, known.Notes)
		}
	}
}

func TestAHostCertificateOfAKnownAuthorityIsTrusted(t *testing.T) {
	authority, host, stranger := newPair(t), newPair(t), newPair(t)
	certify := func(by pair, principal string) ssh.PublicKey {
		cert := &ssh.Certificate{
			Key: signerOf(t, host).PublicKey(), CertType: ssh.HostCert, ValidPrincipals: []string{principal}, ValidBefore: ssh.CertTimeInfinity,
		}
		if err := cert.SignCert(rand.Reader, signerOf(t, by)); err != nil {
			t.Fatal(err)
		}
		return cert
	}
	file := filepath.Join(t.TempDir(), "known_hosts")
	write(t, file, "@cert-authority *.example.com "+authority.line)
	for _, test := range []struct {
		by        pair
		principal string
		revoked   pair
		trusted   bool
	}{
		{authority, "git.example.com", stranger, true},
		{authority, "other.example.com", stranger, false},
		{stranger, "git.example.com", authority, false},
		{authority, "git.example.com", authority, false},
		{authority, "git.example.com", host, false},
	} {
		revoked := filepath.Join(t.TempDir(), "revoked")
		write(t, revoked, "@revoked * "+test.revoked.line)
		known := ReadKnownHosts(file, revoked)
		err := known.Check("git.example.com", "22", remote, certify(test.by, test.principal))
		if (err == nil) != test.trusted {
			t.Errorf("by the authority %t, for %s: %v", test.by.line == authority.line, test.principal, err)
		}
	}
	if got := ReadKnownHosts(file).Algorithms("git.example.com", "22"); len(got) == 0 || got[0] != ssh.CertAlgoED25519v01 {
		t.Errorf("algorithms %v", got)
	}
}

func TestTheAlgorithmsOfKnownKeysComeFirst(t *testing.T) {
	key := newPair(t)
	file := filepath.Join(t.TempDir(), "known_hosts")
	write(t, file, "git.example.com "+key.line)
	known := ReadKnownHosts(file)
	got := known.Algorithms("git.example.com", "22")
	if len(got) < 3 || got[0] != ssh.KeyAlgoED25519 || strings.Count(fmt.Sprint(got), ssh.KeyAlgoED25519+" ") != 1 {
		t.Errorf("algorithms %v", got)
	}
	if got := known.Algorithms("other.example.com", "22"); got != nil {
		t.Errorf("of an unknown host: %v", got)
	}
	if got := fmt.Sprint(AlgorithmsOf(ssh.KeyAlgoRSA)); got != "[rsa-sha2-512 rsa-sha2-256 ssh-rsa]" {
		t.Errorf("of an RSA key: %s", got)
	}
}
