package gitrepo

import (
	"bytes"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/gitrepo/internal/openssh"
)

// A Signer signs commits. It is given the commit's text without its signature,
// and returns the armoured signature that git puts into the gpgsig header.
type Signer interface {
	Sign(commit []byte) (armoured string, err error)
}

// SignerOptions say how to use a signing key. The zero value is for a private key that is
// not encrypted.
type SignerOptions struct {
	Passphrase string // opens an encrypted private key
	// AgentSocket is the ssh agent that has the private half of a public key; "" means
	// that there is no agent.
	AgentSocket string
	// Now is the time of a GPG signature. Default: time.Now.
	Now func() time.Time
}

// NewSigner returns a Signer for the content of a key file: a private key of SSH, an
// armoured private key of GPG, or a public key of SSH whose private half an agent has.
func NewSigner(key []byte, opts SignerOptions) (Signer, error) {
	if bytes.Contains(key, []byte("PGP PRIVATE KEY BLOCK")) {
		return newGPGSigner(key, opts.Passphrase, opts.Now)
	}
	if _, _, _, _, err := ssh.ParseAuthorizedKey(key); err == nil {
		return newSSHAgentSigner(opts.AgentSocket, string(key))
	}
	return newSSHSigner(key, opts.Passphrase)
}

type signerFunc func([]byte) (string, error)

func (f signerFunc) Sign(commit []byte) (string, error) { return f(commit) }

// newSSHSigner returns a Signer for a private key in OpenSSH's or PEM form. The
// passphrase is for encrypted keys; "" for the others.
func newSSHSigner(privateKey []byte, passphrase string) (Signer, error) {
	key, err := openssh.ParsePrivateKey(privateKey, passphrase)
	if err != nil {
		return nil, fault.Errorf(fault.Usage, "the signing key: %w", err)
	}
	return sshSigner(key), nil
}

// newSSHAgentSigner returns a Signer whose private key stays with the agent at
// socket. The public key is a line as in authorized_keys.
func newSSHAgentSigner(socket, publicKey string) (Signer, error) {
	want, _, _, _, err := ssh.ParseAuthorizedKey([]byte(publicKey))
	if err != nil {
		return nil, fault.New(fault.Usage, "the signing key: is not a public key (as in authorized_keys)")
	}
	if socket == "" {
		return nil, fault.New(fault.NoAccess, "the signing key: is a public key, and there is no SSH agent that has the private one").
			WithHint("name the private key's file, or start an agent (SSH_AUTH_SOCK)")
	}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return nil, fmt.Errorf("the SSH agent: %w", err)
	}
	keys, err := agent.NewClient(conn).Signers()
	if err != nil {
		return nil, fmt.Errorf("the SSH agent: %w", err)
	}
	for _, key := range keys {
		if bytes.Equal(key.PublicKey().Marshal(), want.Marshal()) {
			return sshSigner(key), nil
		}
	}
	return nil, fmt.Errorf("the SSH agent: has no key %s", ssh.FingerprintSHA256(want))
}

// sshSigner makes signatures of OpenSSH's PROTOCOL.sshsig, in git's namespace.
func sshSigner(key ssh.Signer) Signer {
	return signerFunc(func(commit []byte) (string, error) {
		const namespace, hash = "git", "sha512"
		digest := sha512.Sum512(commit)
		signed := append([]byte("SSHSIG"), ssh.Marshal(struct{ Namespace, Reserved, Hash, Digest string }{namespace, "", hash, string(digest[:])})...)
		signature, err := signWith(key, signed)
		if err != nil {
			return "", fmt.Errorf("signing the commit: %w", err)
		}
		blob := append([]byte("SSHSIG"), ssh.Marshal(struct {
			Version                                         uint32
			PublicKey, Namespace, Reserved, Hash, Signature string
		}{1, string(key.PublicKey().Marshal()), namespace, "", hash, string(ssh.Marshal(signature))})...)
		return armour("SSH SIGNATURE", blob), nil
	})
}

// signWith keeps RSA keys from signing with SHA-1, which sshsig forbids.
func signWith(key ssh.Signer, data []byte) (*ssh.Signature, error) {
	if key.PublicKey().Type() != ssh.KeyAlgoRSA {
		return key.Sign(rand.Reader, data)
	}
	rsa, ok := key.(ssh.AlgorithmSigner)
	if !ok {
		return nil, errors.New("this RSA key can sign with SHA-1 only")
	}
	return rsa.SignWithAlgorithm(rand.Reader, data, ssh.KeyAlgoRSASHA512)
}

func armour(kind string, blob []byte) string {
	const width = 70
	text := base64.StdEncoding.EncodeToString(blob)
	var b strings.Builder
	fmt.Fprintf(&b, "-----BEGIN %s-----\n", kind)
	for ; len(text) > width; text = text[width:] {
		b.WriteString(text[:width] + "\n")
	}
	fmt.Fprintf(&b, "%s\n-----END %s-----\n", text, kind)
	return b.String()
}

// newGPGSigner returns a Signer for the first private key in an armoured export
// (gpg --export-secret-keys --armor). The passphrase is for encrypted keys; ""
// for the others. Signatures are made at now().
func newGPGSigner(privateKey []byte, passphrase string, now func() time.Time) (Signer, error) {
	ring, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(privateKey))
	if err != nil {
		return nil, fault.Errorf(fault.Usage, "the signing key: %w", err)
	}
	if len(ring) == 0 || ring[0].PrivateKey == nil {
		return nil, fault.New(fault.Usage, "the signing key: holds no private key")
	}
	entity := ring[0]
	if err := unlock(entity, passphrase); err != nil {
		return nil, fault.Errorf(fault.Usage, "the signing key: %w", err)
	}
	return signerFunc(func(commit []byte) (string, error) {
		var b bytes.Buffer
		if err := openpgp.ArmoredDetachSign(&b, entity, bytes.NewReader(commit), &packet.Config{Time: now}); err != nil {
			return "", fmt.Errorf("signing the commit: %w", err)
		}
		return b.String() + "\n", nil
	}), nil
}

func unlock(entity *openpgp.Entity, passphrase string) error {
	if !entity.PrivateKey.Encrypted {
		return nil
	}
	if passphrase == "" {
		return errors.New("is encrypted, and no passphrase was given")
	}
	if err := entity.DecryptPrivateKeys([]byte(passphrase)); err != nil {
		return errors.New("the passphrase does not open it")
	}
	return nil
}
