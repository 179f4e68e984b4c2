package openssh

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
)

// maxKeyFile is the most bytes of a key file that are read.
const maxKeyFile = 64 << 10

// A Key is a key to offer.
type Key struct {
	ssh.Signer
	Source string // for people: "the agent's key ci@example.com", "the key ~/.ssh/id_rsa"
}

// KeyOptions say where keys are. The zero value finds none.
type KeyOptions struct {
	// Only names the single key to offer: a private key's file, its text, or the
	// fingerprint of a key that the agent or a file has. A public key's file means the
	// agent's key of that name. Default: every key that ssh would offer.
	Only string
	// Passphrase opens private keys that are encrypted.
	Passphrase string
	// AgentSocket is the agent's socket; "" means that there is no agent.
	AgentSocket string
	// Home is the folder that has .ssh; "" means that there are no key files.
	Home string
	// Host is what the configuration says about the host.
	Host Host
}

// Keys returns the keys to offer, in the order in which ssh offers them: the agent's keys
// that the configuration names for the host, the agent's others unless IdentitiesOnly is
// set, and then the private keys in files: those that the configuration names, else every
// ~/.ssh/id_*. Keys that cannot be used are noted and left out.
//
// With KeyOptions.Only it returns exactly that key, or the error that says why not.
func Keys(o KeyOptions) (keys []Key, notes []string, err error) {
	if o.Only != "" {
		key, err := o.only()
		if err != nil {
			return nil, nil, err
		}
		return []Key{key}, nil, nil
	}
	held, notes := o.agentKeys()
	inFiles, more := o.fileKeys()
	notes = append(notes, more...)
	named := o.namedPublicKeys(inFiles)
	for _, key := range held {
		if isAmong(named, key.PublicKey()) {
			keys = append(keys, key)
		}
	}
	for _, key := range held {
		if !isAmong(named, key.PublicKey()) && !o.Host.IdentitiesOnly {
			keys = append(keys, key)
		}
	}
	for _, key := range inFiles {
		if !slices.ContainsFunc(keys, func(k Key) bool { return samePublic(k.PublicKey(), key.PublicKey()) }) {
			keys = append(keys, key)
		}
	}
	return keys, notes, nil
}

func samePublic(a, b ssh.PublicKey) bool { return bytes.Equal(a.Marshal(), b.Marshal()) }

func isAmong(keys []ssh.PublicKey, key ssh.PublicKey) bool {
	return slices.ContainsFunc(keys, func(k ssh.PublicKey) bool { return samePublic(k, key) })
}

// namedPublicKeys returns the public halves of the key files that ssh would try for the
// host. A file "NAME.pub" is enough: its private key may be with the agent only.
func (o KeyOptions) namedPublicKeys(inFiles []Key) []ssh.PublicKey {
	var named []ssh.PublicKey
	for _, key := range inFiles {
		named = append(named, key.PublicKey())
	}
	for _, file := range o.files() {
		for _, name := range []string{file, file + ".pub"} {
			text, err := readFile(name)
			if err != nil {
				continue
			}
			if key, _, _, _, err := ssh.ParseAuthorizedKey(text); err == nil {
				named = append(named, key)
			}
		}
	}
	return named
}

// agentTimeout is how long an agent may take to list its keys.
const agentTimeout = 10 * time.Second

// agentKeys lists the keys of the agent. A socket behind which nobody listens is common
// in CI, and only noted.
func (o KeyOptions) agentKeys() (keys []Key, notes []string) {
	socket := firstOf(o.Host.IdentityAgent, o.AgentSocket)
	if socket == "" || socket == "none" {
		return nil, nil
	}
	conn, err := net.DialTimeout("unix", socket, agentTimeout)
	if err != nil {
		return nil, []string{"the ssh agent at " + socket + " does not answer"}
	}
	_ = conn.SetDeadline(time.Now().Add(agentTimeout))
	client := agent.NewClient(conn)
	comments := map[string]string{}
	listed, err := client.List()
	for _, key := range listed {
		comments[string(key.Blob)] = key.Comment
	}
	signers, signersErr := client.Signers()
	if err := errors.Join(err, signersErr); err != nil {
		return nil, []string{"the ssh agent at " + socket + " does not list its keys"}
	}
	_ = conn.SetDeadline(time.Time{})
	for _, signer := range signers {
		name := firstOf(comments[string(signer.PublicKey().Marshal())], ssh.FingerprintSHA256(signer.PublicKey()))
		keys = append(keys, Key{signer, "the agent's key " + name})
	}
	return keys, nil
}

// defaultNames are the key files that ssh tries, in its order.
var defaultNames = []string{"id_rsa", "id_ecdsa", "id_ecdsa_sk", "id_ed25519", "id_ed25519_sk"}

// files returns the names of the private keys to try: those that the configuration
// names, else every ~/.ssh/id_*, the usual names first. CircleCI writes id_rsa_<md5>.
func (o KeyOptions) files() []string {
	if len(o.Host.IdentityFiles) > 0 {
		return o.Host.IdentityFiles
	}
	if o.Home == "" {
		return nil
	}
	dir := filepath.Join(o.Home, ".ssh")
	var names []string
	for _, name := range defaultNames {
		names = append(names, filepath.Join(dir, name))
	}
	all, _ := filepath.Glob(filepath.Join(dir, "id_*"))
	for _, name := range all {
		if !strings.HasSuffix(name, ".pub") && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func (o KeyOptions) fileKeys() (keys []Key, notes []string) {
	for _, name := range o.files() {
		text, err := readFile(name)
		if err != nil {
			continue // as in ssh, a file that is named need not exist
		}
		signer, err := ParsePrivateKey(text, o.Passphrase)
		if err != nil {
			if !isPublicKey(text) {
				notes = append(notes, name+": "+err.Error())
			}
			continue
		}
		keys = append(keys, Key{signer, "the key " + name})
	}
	return keys, notes
}

// fingerprintForm is what ssh-keygen -l prints, and the older form with colons.
var fingerprintForm = lazyregexp.New(`^(?:SHA256:[A-Za-z0-9+/]{43}=?|(?:MD5:)?[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){15})$`)

// only returns the key that o.Only names.
func (o KeyOptions) only() (Key, error) {
	switch {
	case fingerprintForm.MatchString(o.Only):
		return o.byFingerprint(o.Only)
	case strings.Contains(o.Only, "-----BEGIN "):
		signer, err := ParsePrivateKey([]byte(o.Only), o.Passphrase)
		return Key{signer, "the key that was given as text"}, err
	}
	name := ExpandHome(o.Home, o.Only)
	text, err := readFile(name)
	if err != nil {
		return o.fromBase64(err)
	}
	if public, _, _, _, err := ssh.ParseAuthorizedKey(text); err == nil {
		return o.byPublicKey(name, public)
	}
	signer, err := ParsePrivateKey(text, o.Passphrase)
	if err != nil {
		return Key{}, fmt.Errorf("the key %s: %w", name, err)
	}
	return Key{signer, "the key " + name}, nil
}

// fromBase64 reads o.Only as a private key in base64, which is how one gets through a
// variable of one line. It returns notFile when it is not.
func (o KeyOptions) fromBase64(notFile error) (Key, error) {
	if _, is := decodeBase64([]byte(o.Only)); !is {
		if why := new(fs.PathError); errors.As(notFile, &why) {
			notFile = fmt.Errorf("%s: %w", why.Path, why.Err)
		}
		return Key{}, fmt.Errorf("the key %w", notFile)
	}
	signer, err := ParsePrivateKey([]byte(o.Only), o.Passphrase)
	return Key{signer, "the key that was given as text"}, err
}

func (o KeyOptions) byPublicKey(name string, public ssh.PublicKey) (Key, error) {
	held, _ := o.agentKeys()
	for _, key := range held {
		if samePublic(key.PublicKey(), public) {
			return key, nil
		}
	}
	return Key{}, fmt.Errorf("the key %s: is a public key, and no agent has the private one; name the private key's file", name)
}

func (o KeyOptions) byFingerprint(want string) (Key, error) {
	held, notes := o.agentKeys()
	inFiles, more := KeyOptions{Passphrase: o.Passphrase, Home: o.Home}.fileKeys()
	for _, key := range slices.Concat(held, inFiles) {
		if hasFingerprint(key.PublicKey(), want) {
			return key, nil
		}
	}
	why := ""
	if notes = append(notes, more...); len(notes) > 0 {
		why = " (" + strings.Join(notes, "; ") + ")"
	}
	return Key{}, fmt.Errorf("the key %s: neither the agent nor a file ~/.ssh/id_* has it%s", want, why)
}

func hasFingerprint(key ssh.PublicKey, want string) bool {
	md5 := ssh.FingerprintLegacyMD5(key)
	return strings.TrimSuffix(want, "=") == ssh.FingerprintSHA256(key) || strings.EqualFold(strings.TrimPrefix(want, "MD5:"), md5)
}

// readFile reads a key file. A FIFO or a device is not opened.
func readFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s: is a folder", name)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s: is not a regular file", name)
	case info.Size() > maxKeyFile:
		return nil, fmt.Errorf("%s: is too large for a key", name)
	}
	return os.ReadFile(name)
}

// ParsePrivateKey reads a private key in OpenSSH's or PEM form. It also takes what is
// left of one after it went through a variable: in base64, with \n for its line ends, or
// with the line ends of Windows. The errors say what a text is that is not a private key.
func ParsePrivateKey(text []byte, passphrase string) (ssh.Signer, error) {
	pem, err := normalize(text)
	if err != nil {
		return nil, err
	}
	signer, err := ssh.ParsePrivateKey(pem)
	var locked *ssh.PassphraseMissingError
	switch {
	case err == nil:
		return signer, nil
	case !errors.As(err, &locked):
		return nil, errors.New("is damaged: " + strings.TrimPrefix(err.Error(), "ssh: "))
	case passphrase == "":
		return nil, errors.New("is encrypted, and no passphrase was given")
	}
	if signer, err = ssh.ParsePrivateKeyWithPassphrase(pem, []byte(passphrase)); err != nil {
		return nil, errors.New("the passphrase does not open it")
	}
	return signer, nil
}

// normalize returns the PEM text of a key, or an error that says what text is instead.
func normalize(text []byte) ([]byte, error) {
	text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))
	if decoded, is := decodeBase64(text); is {
		text = decoded
	}
	text = bytes.ReplaceAll(text, []byte(`\n`), []byte("\n"))
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	switch {
	case len(text) == 0:
		return nil, errors.New("is empty")
	case bytes.HasPrefix(text, []byte("PuTTY-User-Key-File")):
		return nil, errors.New("is a key of PuTTY; convert it: puttygen KEY -O private-openssh -o NEW")
	case isPublicKey(text):
		return nil, errors.New("is a public key; the private one is needed")
	case !bytes.Contains(text, []byte("-----BEGIN ")):
		return nil, errors.New("is not a private key")
	}
	return append(bytes.TrimSpace(text), '\n'), nil
}

func isPublicKey(text []byte) bool {
	_, _, _, _, err := ssh.ParseAuthorizedKey(bytes.TrimSpace(text))
	return err == nil || bytes.HasPrefix(text, []byte("---- BEGIN SSH2 PUBLIC KEY"))
}

// decodeBase64 returns the private key that text is the base64 of, if it is one.
func decodeBase64(text []byte) ([]byte, bool) {
	joined := bytes.Join(bytes.Fields(text), nil)
	decoded, err := base64.StdEncoding.DecodeString(string(joined))
	if err != nil {
		decoded, err = base64.RawStdEncoding.DecodeString(string(joined))
	}
	return bytes.TrimSpace(decoded), err == nil && bytes.Contains(decoded, []byte("-----BEGIN "))
}
