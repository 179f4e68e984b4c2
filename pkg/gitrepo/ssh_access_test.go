package gitrepo_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/gitrepo"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

func TestSSHAccess(t *testing.T) {
	t.Parallel()
	s, other := testenv.StartSSHStub(t), testenv.StartSSHStub(t)
	_, port, _ := net.SplitHostPort(s.Addr)
	public, _, _, _, err := ssh.ParseAuthorizedKey([]byte(s.HostKey))
	if err != nil {
		t.Fatal(err)
	}
	hostKey := "ssh-ed25519 " + ssh.FingerprintSHA256(public)
	home := t.TempDir()
	if err := os.MkdirAll(filepath.Join(home, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	known := filepath.Join(home, ".ssh", "known_hosts")
	writeFile(t, known, "[127.0.0.1]:"+port+" "+s.HostKey+"\n")
	for _, name := range []string{"id_rsa", "id_ed25519"} { // ssh offers id_rsa first, which the server does not take
		from := map[string]string{"id_rsa": other.Key, "id_ed25519": s.Key}[name]
		writeFile(t, filepath.Join(home, ".ssh", name), string(must(os.ReadFile(from))(t)))
		if err := os.Chmod(filepath.Join(home, ".ssh", name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name            string
		opts            gitrepo.Options
		want            gitrepo.SSHAccess
		hostErr, keyErr string
	}{
		{
			"known_hosts, and the second key",
			gitrepo.Options{Home: home, SSHSystemDir: t.TempDir()},
			gitrepo.SSHAccess{HostKey: hostKey, TrustedBy: known, Key: "the key " + filepath.Join(home, ".ssh", "id_ed25519")},
			"", "",
		},
		{
			"a pinned key",
			gitrepo.Options{SSHKey: s.Key, HostKey: s.HostKey},
			gitrepo.SSHAccess{HostKey: hostKey, TrustedBy: "the pinned key", Key: "the key " + s.Key},
			"", "",
		},
		{"another pinned key", gitrepo.Options{SSHKey: s.Key, HostKey: other.HostKey}, gitrepo.SSHAccess{}, "not the one that is known", ""},
		{"a host that is not known", gitrepo.Options{SSHKey: s.Key, Home: t.TempDir(), SSHSystemDir: t.TempDir()}, gitrepo.SSHAccess{}, "the server's host key is not in ", ""},
		{"a key that the server does not take", gitrepo.Options{SSHKey: other.Key, HostKey: s.HostKey}, gitrepo.SSHAccess{HostKey: hostKey, TrustedBy: "the pinned key"}, "", "takes no key that was offered"},
		{"no key", gitrepo.Options{Home: t.TempDir(), HostKey: s.HostKey}, gitrepo.SSHAccess{HostKey: hostKey, TrustedBy: "the pinned key"}, "", "no SSH key: there is none in ~/.ssh"},
		{"a key's file that is not there", gitrepo.Options{SSHKey: "/nowhere/key", HostKey: s.HostKey}, gitrepo.SSHAccess{HostKey: hostKey, TrustedBy: "the pinned key"}, "", "no such file"},
	} {
		before := s.Sessions()
		r := must(gitrepo.Open("ssh://git@"+s.Addr+"/acme/charts.git", test.opts))(t)
		got, isSSH := r.SSHAccess(t.Context())
		_ = r.Close()
		if !isSSH || got.Server != s.Addr || got.User != "git" {
			t.Errorf("%s: %t, %+v", test.name, isSSH, got)
		}
		for _, one := range []struct {
			err  error
			want string
		}{{got.HostErr, test.hostErr}, {got.KeyErr, test.keyErr}} {
			switch {
			case one.want == "" && one.err != nil, one.want != "" && (one.err == nil || !strings.Contains(one.err.Error(), one.want) || fault.KindOf(one.err) != fault.NoAccess):
				t.Errorf("%s: %v, want %q", test.name, one.err, one.want)
			}
		}
		got.Server, got.User, got.HostErr, got.KeyErr = "", "", nil, nil
		if got != test.want {
			t.Errorf("%s:\n%+v, want\n%+v", test.name, got, test.want)
		}
		if s.Sessions() != before {
			t.Errorf("%s: a command was run", test.name)
		}
	}
	r := must(gitrepo.Open("https://acme.example/charts.git", gitrepo.Options{}))(t)
	if _, isSSH := r.SSHAccess(t.Context()); isSSH {
		t.Error("an https repository is reached over ssh")
	}
}
