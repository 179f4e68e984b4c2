package openssh

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/pem"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// A pair is a key in the forms in which people have it.
type pair struct {
	private           ed25519.PrivateKey
	text              string // as OpenSSH writes it
	line, fingerprint string
	md5               string
}

func newPair(t *testing.T) pair {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	public := signer.PublicKey()
	return pair{
		private, string(pem.EncodeToMemory(plain)),
		string(ssh.MarshalAuthorizedKey(public)), ssh.FingerprintSHA256(public), ssh.FingerprintLegacyMD5(public),
	}
}

// locked returns the key encrypted with the passphrase "open".
func (p pair) locked(t *testing.T) string {
	t.Helper()
	block, err := ssh.MarshalPrivateKeyWithPassphrase(p.private, "", []byte("open"))
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(block))
}

// startAgent runs an agent that has keys.
func startAgent(t *testing.T, keys ...pair) string {
	t.Helper()
	ring := agent.NewKeyring()
	for _, key := range keys {
		if err := ring.Add(agent.AddedKey{PrivateKey: key.private, Comment: "of " + key.fingerprint}); err != nil {
			t.Fatal(err)
		}
	}
	socket := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
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
	return socket
}

func TestAPrivateKeyIsReadInTheFormsThatVariablesLeaveItIn(t *testing.T) {
	key := newPair(t)
	encoded := base64.StdEncoding.EncodeToString([]byte(key.text))
	tests := []struct{ name, text, passphrase, want string }{
		{"as it is", key.text, "", ""},
		{"without its last line end", strings.TrimSpace(key.text), "", ""},
		{"with white space around it", "\n  " + key.text + "\n\n", "", ""},
		{"with line ends of Windows", strings.ReplaceAll(key.text, "\n", "\r\n"), "", ""},
		{"with a byte order mark", "\xef\xbb\xbf" + key.text, "", ""},
		{"with \\n for line ends", strings.ReplaceAll(key.text, "\n", `\n`), "", ""},
		{"in base64", encoded, "", ""},
		{"in base64 of several lines", encoded[:60] + "\n" + encoded[60:] + "\n", "", ""},
		{"encrypted", key.locked(t), "open", ""},
		{"encrypted, without a passphrase", key.locked(t), "", "is encrypted, and no passphrase was given"},
		{"encrypted, another passphrase", key.locked(t), "wrong", "the passphrase does not open it"},
		{"empty", " \n", "", "is empty"},
		{"public", key.line, "", "is a public key; the private one is needed"},
		{"public, of another program", "---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n", "", "is a public key; the private one is needed"},
		{"PuTTY", "PuTTY-User-Key-File-2: ssh-rsa\n", "", "is a key of PuTTY; convert it: puttygen KEY -O private-openssh -o NEW"},
		{"a file of words", "hello\n", "", "is not a private key"},
		{"cut", key.text[:len(key.text)/2], "", "is damaged: no key found"},
	}
	for _, test := range tests {
		signer, err := ParsePrivateKey([]byte(test.text), test.passphrase)
		switch {
		case test.want == "" && (err != nil || ssh.FingerprintSHA256(signer.PublicKey()) != key.fingerprint):
			t.Errorf("%s: %v", test.name, err)
		case test.want != "" && (err == nil || err.Error() != test.want):
			t.Errorf("%s: got %v, want %s", test.name, err, test.want)
		}
	}
}

// sources returns what the keys are for people, with the agent's keys by their letter.
func sources(keys []Key, names map[string]string) string {
	var all []string
	for _, key := range keys {
		kind := "file"
		if strings.HasPrefix(key.Source, "the agent's") {
			kind = "agent"
		}
		all = append(all, kind+" "+names[ssh.FingerprintSHA256(key.PublicKey())])
	}
	return strings.Join(all, ", ")
}

func TestKeysAreOfferedInTheOrderOfSSH(t *testing.T) {
	a, b, c, d := newPair(t), newPair(t), newPair(t), newPair(t)
	names := map[string]string{a.fingerprint: "a", b.fingerprint: "b", c.fingerprint: "c", d.fingerprint: "d"}
	circle := map[string]string{"id_rsa_0123456789abcdef0123456789abcdef": c.text, "id_ed25519": d.text, "id_ed25519.pub": d.line, "id_note": "words"}
	both := startAgent(t, a, b)
	tests := []struct {
		name  string
		files map[string]string
		agent string
		host  Host
		want  string
	}{
		{"nothing", nil, "", Host{}, ""},
		{"the agent's keys, then the usual files", circle, both, Host{}, "agent a, agent b, file d, file c"},
		{"an agent that is gone", circle, "/nowhere/agent", Host{}, "file d, file c"},
		{"an empty agent", circle, startAgent(t), Host{}, "file d, file c"},
		{"no agent by configuration", circle, both, Host{IdentityAgent: "none"}, "file d, file c"},
		{"another agent by configuration", nil, both, Host{IdentityAgent: startAgent(t, c)}, "agent c"},
		{"a file by configuration", circle, both, Host{IdentityFiles: []string{"~/.ssh/id_ed25519"}}, "agent a, agent b, file d"},
		{"the agent has the key of the file", map[string]string{"id_b": b.text}, both, Host{}, "agent b, agent a"},
		{"only the public half is a file", map[string]string{"id_b.pub": b.line}, both, Host{IdentityFiles: []string{"~/.ssh/id_b"}}, "agent b, agent a"},
		{"IdentitiesOnly", map[string]string{"id_b.pub": b.line, "id_c": c.text}, both, Host{IdentitiesOnly: true, IdentityFiles: []string{"~/.ssh/id_b", "~/.ssh/id_c", "~/.ssh/none"}}, "agent b, file c"},
		{"IdentitiesOnly and the usual files", circle, both, Host{IdentitiesOnly: true}, "file d, file c"},
	}
	for _, test := range tests {
		dir := home(t, test.files)
		for i, file := range test.host.IdentityFiles {
			test.host.IdentityFiles[i] = ExpandHome(dir, file)
		}
		keys, _, err := Keys(KeyOptions{AgentSocket: test.agent, Home: dir, Host: test.host})
		if got := sources(keys, names); err != nil || got != test.want {
			t.Errorf("%s: got %s (%v), want %s", test.name, got, err, test.want)
		}
	}
}

func TestWhatIsLeftOutIsNoted(t *testing.T) {
	key := newPair(t)
	dir := home(t, map[string]string{"id_rsa": key.locked(t), "id_ed25519": "PuTTY-User-Key-File-3: x", "id_x.pub": key.line})
	keys, notes, err := Keys(KeyOptions{AgentSocket: "/nowhere/agent", Home: dir})
	want := "the ssh agent at /nowhere/agent does not answer\n" +
		"~/.ssh/id_rsa: is encrypted, and no passphrase was given\n" +
		"~/.ssh/id_ed25519: is a key of PuTTY; convert it: puttygen KEY -O private-openssh -o NEW"
	if got := strings.ReplaceAll(strings.Join(notes, "\n"), dir, "~"); len(keys) != 0 || err != nil || got != want {
		t.Errorf("%d keys, %v, notes\n%s\nwant\n%s", len(keys), err, got, want)
	}
}

func TestOneKeyIsNamed(t *testing.T) {
	a, b := newPair(t), newPair(t)
	held := startAgent(t, a)
	dir := home(t, map[string]string{"id_b": b.text, "deploy": b.text, "a.pub": a.line, "b.pub": b.line, "empty": "", "dir/x": ""})
	names := map[string]string{a.fingerprint: "a", b.fingerprint: "b"}
	tests := []struct{ only, want string }{
		{dir + "/.ssh/deploy", "file b"},
		{"~/.ssh/deploy", "file b"},
		{b.text, "file b"},
		{base64.StdEncoding.EncodeToString([]byte(b.text)), "file b"},
		{a.fingerprint, "agent a"},
		{b.fingerprint, "file b"},
		{a.md5, "agent a"},
		{"MD5:" + strings.ToUpper(b.md5), "file b"},
		{"~/.ssh/a.pub", "agent a"},
		{"~/.ssh/b.pub", "the key ~/.ssh/b.pub: is a public key, and no agent has the private one; name the private key's file"},
		{"~/.ssh/empty", "the key ~/.ssh/empty: is empty"},
		{"~/.ssh/none", "the key ~/.ssh/none: no such file or directory"},
		{"~/.ssh/dir", "the key ~/.ssh/dir: is a folder"},
		{"/dev/null", "the key /dev/null: is not a regular file"},
		{newPair(t).md5[:46] + "0", "the key "},
	}
	for _, test := range tests {
		keys, _, err := Keys(KeyOptions{Only: test.only, AgentSocket: held, Home: dir})
		got := sources(keys, names)
		if err != nil {
			got = strings.ReplaceAll(err.Error(), dir, "~")
		}
		if got != test.want && !(strings.HasSuffix(test.want, " ") && strings.HasPrefix(got, test.want)) {
			t.Errorf("%.40s:\n got %s\nwant %s", test.only, got, test.want)
		}
		if strings.Contains(got, "PRIVATE KEY") {
			t.Errorf("%.40s: the error has the key in it", test.only)
		}
	}
	_, _, err := Keys(KeyOptions{Only: "SHA256:" + strings.Repeat("A", 43), AgentSocket: "/nowhere/agent", Home: dir})
	const want = "neither the agent nor a file ~/.ssh/id_* has it (the ssh agent at /nowhere/agent does not answer)"
	if err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v", err)
	}
}
