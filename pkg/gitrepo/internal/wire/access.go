package wire

import (
	"context"
	"io"
	"net"

	"golang.org/x/crypto/ssh"

	"github.com/tagbump/tagbump/pkg/gitrepo/internal/openssh"
)

// An Access says by which keys an ssh server and this side know each other.
type Access struct {
	Server    string // HOST:PORT, after the configuration was read
	User      string
	HostKey   string // the server's: "ssh-ed25519 SHA256:…"; "" where it is not trusted
	TrustedBy string // the known_hosts file that has it, the built-in keys, or the pinned key
	Key       string // that the server takes: "the agent's key ci@example.com"; "" for none
	HostErr   error  // why the server is not trusted, or not reached
	KeyErr    error  // why there is no key that it takes
}

// An Accessor is a Remote that can say by which keys it is reached.
type Accessor interface {
	Access(ctx context.Context) Access
}

// Access makes a connection of its own, logs in, and asks for nothing.
func (r *sshRemote) Access(ctx context.Context) Access {
	t, err := r.target()
	if err != nil {
		return Access{Server: r.addr.Host, HostErr: err}
	}
	a := Access{Server: net.JoinHostPort(t.host, t.port)}
	config, trust, err := r.clientConfig(t)
	if trust == nil {
		a.HostErr = err
		return a
	}
	a.User, a.KeyErr = config.User, err // without a key, the server's own can be looked at still
	check := config.HostKeyCallback
	config.HostKeyCallback = func(host string, remote net.Addr, offered ssh.PublicKey) error {
		err := check(host, remote, offered)
		if err == nil {
			a.HostKey, a.TrustedBy = offered.Type()+" "+ssh.FingerprintSHA256(offered), r.trustedBy(t, remote, offered)
		}
		return err
	}
	var signers []ssh.Signer
	for _, key := range r.dialed.keys {
		signers = append(signers, tracked{key.Signer, func() { a.Key = key.Source }})
	}
	config.Auth = []ssh.AuthMethod{ssh.PublicKeys(signers...)}
	client, err := r.handshake(ctx, t, config, trust)
	switch {
	case err == nil:
		_ = client.Close()
	case a.HostKey == "":
		a.HostErr, a.KeyErr = err, nil
	case a.KeyErr == nil:
		a.KeyErr, a.Key = err, ""
	}
	return a
}

// trustedBy names the place that has the server's key.
func (r *sshRemote) trustedBy(t target, remote net.Addr, key ssh.PublicKey) string {
	if r.pin != nil {
		return "the pinned key"
	}
	user, global := r.knownHostsFiles(t.config)
	for _, file := range append(user, global...) {
		if openssh.ReadKnownHosts(file).Check(t.name, t.port, remote, key) == nil {
			return file
		}
	}
	return "the keys that this forge publishes"
}

// A tracked signer tells when it signs: for the key that a server takes.
type tracked struct {
	ssh.Signer
	used func()
}

// SignWithAlgorithm makes tracked an ssh.AlgorithmSigner, as all keys are: RSA keys need
// to choose a hash.
func (t tracked) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	t.used()
	if signer, ok := t.Signer.(ssh.AlgorithmSigner); ok {
		return signer.SignWithAlgorithm(rand, data, algorithm)
	}
	return t.Sign(rand, data)
}
