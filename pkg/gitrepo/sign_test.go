package gitrepo_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/tagbump/tagbump/pkg/gitrepo"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

func TestACommitSignedWithAnSSHKeyIsVerifiedByGit(t *testing.T) {
	t.Parallel()
	_, small, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	big, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]any{"ed25519": small, "rsa": big} {
		t.Run(name, func(t *testing.T) {
			block := must(ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte("open sesame")))(t)
			private := pem.EncodeToMemory(block)
			public := must(ssh.NewSignerFromKey(key))(t).PublicKey()
			line := string(ssh.MarshalAuthorizedKey(public))
			if _, err := gitrepo.NewSigner(private, gitrepo.SignerOptions{Passphrase: "wrong"}); err == nil {
				t.Error("a wrong passphrase opened the key")
			}
			verifySSH(t, must(gitrepo.NewSigner(private, gitrepo.SignerOptions{Passphrase: "open sesame"}))(t), line)
			verifySSH(t, must(gitrepo.NewSigner([]byte(line), gitrepo.SignerOptions{AgentSocket: startAgent(t, key)}))(t), line)
		})
	}
}

func TestASigningKeyThatCannotSignIsNamed(t *testing.T) {
	t.Parallel()
	stub := testenv.StartSSHStub(t)
	public := must(os.ReadFile(stub.Key + ".pub"))(t)
	_, other, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		key    string
		socket string
		want   string
	}{
		{string(public), "", "the signing key: is a public key, and there is no SSH agent that has the private one"},
		{string(public), startAgent(t, other), "the SSH agent: has no key SHA256:"},
		{string(public), "/nowhere/agent", "the SSH agent: dial unix /nowhere/agent: "},
		{"", "", "the signing key: is empty"},
		{"-----BEGIN PGP PRIVATE KEY BLOCK-----\n", "", "the signing key: "},
	} {
		_, err := gitrepo.NewSigner([]byte(test.key), gitrepo.SignerOptions{AgentSocket: test.socket})
		if err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%.20q: got %v, want %s", test.key, err, test.want)
		}
	}
}

// startAgent serves an agent with one key.
func startAgent(t *testing.T, key any) string {
	t.Helper()
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: key}); err != nil {
		t.Fatal(err)
	}
	dir := must(os.MkdirTemp("", "agent"))(t) // t.TempDir is too long for a socket
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	listener := must(net.Listen("unix", filepath.Join(dir, "sock")))(t)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _ = agent.ServeAgent(ring, conn) }()
		}
	}()
	return listener.Addr().String()
}

func verifySSH(t *testing.T, signer gitrepo.Signer, publicLine string) {
	t.Helper()
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("ssh-keygen, with which git verifies, is not installed (apt-get install openssh-client)")
	}
	p, hash := pushSigned(t, signer)
	allowed := filepath.Join(t.TempDir(), "allowed")
	writeFile(t, allowed, "bump@example.com "+publicLine)
	if _, err := p.repo.Git("-c", "gpg.format=ssh", "-c", "gpg.ssh.allowedSignersFile="+allowed, "verify-commit", hash); err != nil {
		t.Error(err)
	}
}

func pushSigned(t *testing.T, signer gitrepo.Signer) (place, string) {
	t.Helper()
	p := places(t, chart)["path"](t)
	r := open(t, p)
	c := commitOf(map[string]string{"api/values.yaml": "tag: 2\n"})
	c.Signer = signer
	hash := must(r.Push(t.Context(), read(t, r, "main", "api/*"), c))(t)
	if err := p.repo.Fsck(); err != nil {
		t.Error(err)
	}
	return p, hash
}

func TestACommitSignedWithAGPGKeyIsVerifiedByGit(t *testing.T) {
	t.Parallel()
	entity := must(openpgp.NewEntity("Tag Bump", "", "bump@example.com", nil))(t)
	var private, public strings.Builder
	w := must(armor.Encode(&private, openpgp.PrivateKeyType, nil))(t)
	if err := entity.SerializePrivate(w, nil); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	w = must(armor.Encode(&public, openpgp.PublicKeyType, nil))(t)
	if err := entity.Serialize(w); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	signer := must(gitrepo.NewSigner([]byte(private.String()), gitrepo.SignerOptions{}))(t)
	p, hash := pushSigned(t, signer)

	ring := must(openpgp.ReadArmoredKeyRing(strings.NewReader(public.String())))(t)
	commit := must(p.repo.Git("cat-file", "commit", hash))(t)
	signed, signature := cutSignature(commit)
	if _, err := openpgp.CheckArmoredDetachedSignature(ring, strings.NewReader(signed), strings.NewReader(signature), nil); err != nil {
		t.Errorf("%v in\n%s", err, commit)
	}
	home := must(os.MkdirTemp("", "gpg"))(t)
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	writeFile(t, filepath.Join(home, "key"), public.String())
	gpgVerify(t, home, p.repo, hash)
}

// cutSignature takes the gpgsig header out of a commit.
func cutSignature(commit string) (rest, signature string) {
	head, tail, _ := strings.Cut(commit, "gpgsig ")
	for {
		line, after, _ := strings.Cut(tail, "\n")
		signature += line + "\n"
		tail = after
		if !strings.HasPrefix(tail, " ") {
			return head + tail, signature
		}
		tail = tail[1:]
	}
}

func gpgVerify(t *testing.T, home string, repo *testenv.GitRepo, hash string) {
	t.Helper()
	if !testenv.HasGPG() {
		t.Skip("gpg is not installed")
	}
	if err := testenv.GPGVerify(home, filepath.Join(home, "key"), repo, hash); err != nil {
		t.Error(err)
	}
}
