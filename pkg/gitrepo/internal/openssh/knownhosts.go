package openssh

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// What a known_hosts file says about a host key that is not trusted.
var (
	ErrHostUnknown = errors.New("the server's host key is not known")
	ErrHostChanged = errors.New("the server's host key is not the one that is known")
	ErrHostRevoked = errors.New("the server's host key is revoked")
)

// KnownHosts are the host keys that known_hosts files list.
type KnownHosts struct {
	// Notes names the lines that were left out.
	Notes []string
	lines []knownLine
}

type knownLine struct {
	marker string // "", "cert-authority" or "revoked"
	hosts  []string
	key    ssh.PublicKey
}

// ReadKnownHosts reads files. One that does not exist has no lines; a line that cannot be
// read (an ssh-1 key, an error message of ssh-keyscan, a kind of key that is not
// supported) is left out and noted, as ssh does it.
func ReadKnownHosts(names ...string) *KnownHosts {
	k := &KnownHosts{}
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			continue
		}
		k.read(name, f)
		_ = f.Close()
	}
	return k
}

func (k *KnownHosts) read(name string, f io.Reader) {
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for number := 1; lines.Scan(); number++ {
		text := bytes.TrimSpace(lines.Bytes())
		if len(text) == 0 || text[0] == '#' {
			continue
		}
		marker, hosts, key, _, _, err := ssh.ParseKnownHosts(text)
		if err != nil {
			k.Notes = append(k.Notes, fmt.Sprintf("%s: line %d is left out: it is not a host and a key", name, number))
			continue
		}
		k.lines = append(k.lines, knownLine{marker, hosts, key})
	}
}

// Check returns nil when key is known to be that of host (a name or an IP address) at
// port, or when it is a certificate of a known authority. Its errors are the ones above.
func (k *KnownHosts) Check(host, port string, remote net.Addr, key ssh.PublicKey) error {
	name := hostPort(host, port)
	checker := ssh.CertChecker{
		IsHostAuthority: func(authority ssh.PublicKey, _ string) bool {
			return k.has("cert-authority", name, authority)
		},
		IsRevoked: func(cert *ssh.Certificate) bool {
			return k.isRevoked(name, cert.Key) || k.isRevoked(name, cert.SignatureKey)
		},
		HostKeyFallback: func(string, net.Addr, ssh.PublicKey) error { return k.checkPlain(name, key) },
	}
	if _, isCert := key.(*ssh.Certificate); isCert {
		return checker.CheckHostKey(net.JoinHostPort(host, port), remote, key)
	}
	return k.checkPlain(name, key)
}

func (k *KnownHosts) checkPlain(name string, key ssh.PublicKey) error {
	switch {
	case k.isRevoked(name, key):
		return ErrHostRevoked
	case k.has("", name, key):
		return nil
	case slices.ContainsFunc(k.lines, func(l knownLine) bool { return l.marker == "" && l.matches(name) }):
		return ErrHostChanged
	}
	return ErrHostUnknown
}

// isRevoked reports whether a line marks the key as revoked for the host.
func (k *KnownHosts) isRevoked(name string, key ssh.PublicKey) bool {
	return k.has("revoked", name, key)
}

func (k *KnownHosts) has(marker, name string, key ssh.PublicKey) bool {
	return slices.ContainsFunc(k.lines, func(l knownLine) bool {
		return l.marker == marker && samePublic(l.key, key) && l.matches(name)
	})
}

// Algorithms returns the host key algorithms to ask a server for, those of known keys
// first. A server with several keys would else offer one that the file does not have,
// which looks like a changed key. It returns nil when the host is not known.
func (k *KnownHosts) Algorithms(host, port string) []string {
	name := hostPort(host, port)
	var algorithms []string
	for _, l := range k.lines {
		switch {
		case !l.matches(name):
		case l.marker == "":
			algorithms = append(algorithms, AlgorithmsOf(l.key.Type())...)
		case l.marker == "cert-authority":
			algorithms = append(algorithms, certificates...)
		}
	}
	if len(algorithms) == 0 {
		return nil
	}
	return unique(append(algorithms, ssh.SupportedAlgorithms().HostKeys...))
}

var certificates = []string{
	ssh.CertAlgoED25519v01, ssh.CertAlgoECDSA256v01, ssh.CertAlgoECDSA384v01, ssh.CertAlgoECDSA521v01,
	ssh.CertAlgoRSASHA512v01, ssh.CertAlgoRSASHA256v01,
}

// AlgorithmsOf returns the algorithms with which a host key of that type can sign. RSA
// keys sign with SHA-2 first.
func AlgorithmsOf(keyType string) []string {
	if keyType == ssh.KeyAlgoRSA {
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSA}
	}
	return []string{keyType}
}

func unique(values []string) []string {
	var out []string
	for _, v := range values {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

// hostPort returns how known_hosts writes a host: with its port only when that is not 22.
func hostPort(host, port string) string {
	if port == "" || port == "22" {
		return strings.ToLower(host)
	}
	return "[" + strings.ToLower(host) + "]:" + port
}

// matches reports whether the line is about the host.
func (l knownLine) matches(name string) bool {
	if len(l.hosts) == 1 && strings.HasPrefix(l.hosts[0], "|") {
		return matchesHash(l.hosts[0], name)
	}
	return matchList(l.hosts, name)
}

// matchesHash compares a hashed host name, "|1|SALT|HASH" with both in base64.
func matchesHash(hashed, name string) bool {
	parts := strings.Split(hashed, "|")
	if len(parts) != 4 || parts[1] != "1" {
		return false
	}
	salt, saltErr := base64.StdEncoding.DecodeString(parts[2])
	want, wantErr := base64.StdEncoding.DecodeString(parts[3])
	mac := hmac.New(sha1.New, salt)
	_, _ = mac.Write([]byte(name))
	return saltErr == nil && wantErr == nil && hmac.Equal(mac.Sum(nil), want)
}
