package gitrepo_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/gitrepo"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// What a forge's ssh server says before any packet is an answer: it is not asked again,
// and the words decide what kind of answer it is.
func TestARefusalOverSSHIsFinalAndInTheServersWords(t *testing.T) {
	t.Parallel()
	s := testenv.StartSSHStub(t)
	const private = "a private repository looks like this to those who may not see it; the server knew "
	const denied = "; it may be a deploy key that may only read, or belong to another repository"
	user := fmt.Sprintf("user %q with the key %s", "git", s.Key)
	tests := []struct {
		name           string
		stderr, stdout string
		kind           fault.Kind
		want, hint     string
	}{
		{"GitHub", "ERROR: Repository not found.\n", "", fault.NotFound, "no such repository: the server says: ERROR: Repository not found.", private + user},
		{
			"GitLab", "remote: \nremote: ========\nremote: \nremote: ERROR: The project you were looking for could not be found or you don't have permission to view it.\nremote: \n", "",
			fault.NotFound, "no such repository: the server says: ERROR: The project you were looking for could not be found or you don't have permission to view it.", private + user,
		},
		{"Gitea", "Deploy Key: 7:ro3 is not authorized to write to ci/s3.\n", "", fault.NoAccess, "the server says: Deploy Key: 7:ro3 is not authorized to write to ci/s3.", "the server knew " + user + denied},
		{"gitolite", "FATAL: W any web ci DENIED by fallthru\n", "", fault.NoAccess, "the server says: FATAL: W any web ci DENIED by fallthru", "the server knew " + user + denied},
		{"soft-serve", "Error: invalid repo\n", "", fault.NotFound, "no such repository: the server says: Error: invalid repo", private + user},
		{"archived", "Repo: ci/arch is archived.\n", "", fault.Refused, "the server says: Repo: ci/arch is archived.", ""},
		{"a closed account", "", "This account is currently not available.\n", fault.NoAccess, "the server says: This account is currently not available.", "the server knew " + user + denied},
		{"no git", "bash: line 1: git-upload-pack: command not found\n", "", fault.Failed, "git is not installed on the server, or not in its path: the server says: bash: line 1: git-upload-pack: command not found", ""},
		{"a greeting", "", "Welcome to the machine room!\n", fault.Failed, "the server says: Welcome to the machine room!", ""},
		{"words of its own", "Nope.\n", "", fault.Failed, "the server says: Nope.", ""},
	}
	for _, test := range tests {
		before := s.Sessions()
		s.Say(test.stdout, test.stderr)
		r := must(gitrepo.Open("ssh://git@"+s.Addr+"/acme/charts.git", gitrepo.Options{SSHKey: s.Key, HostKey: s.HostKey}))(t)
		_, err := r.Read(t.Context(), gitrepo.Revision{Branch: "main"}, files.Selection{})
		_ = r.Close()
		if err == nil || err.Error() != r.String()+": main: "+test.want || fault.HintOf(err) != test.hint || fault.KindOf(err) != test.kind {
			t.Errorf("%s:\n got %v (%v)\n     hint %s\nwant …: %s (%v)\n     hint %s", test.name, err, fault.KindOf(err), fault.HintOf(err), test.want, test.kind, test.hint)
		}
		if n := s.Sessions() - before; n != 1 {
			t.Errorf("%s: asked %d times", test.name, n)
		}
	}
}

func TestABusySSHServerIsAskedAgain(t *testing.T) {
	t.Parallel()
	s := testenv.StartSSHStub(t)
	s.Say("", "Internal error, please try again later.\n")
	r := must(gitrepo.Open("ssh://git@"+s.Addr+"/acme/charts.git", gitrepo.Options{SSHKey: s.Key, HostKey: s.HostKey}))(t)
	_, err := r.Tip(t.Context(), "main")
	if !errors.Is(err, gitrepo.ErrUnavailable) || s.Sessions() < 2 {
		t.Errorf("got %v after %d sessions", err, s.Sessions())
	}
}

// The words of a service that ends come on another stream than its end.
func TestTheWordsOfASSHServiceAreNeverLost(t *testing.T) {
	t.Parallel()
	s := testenv.StartSSHStub(t)
	s.Say("", "ERROR: Repository not found.\n")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				r, err := gitrepo.Open("ssh://git@"+s.Addr+"/acme/charts.git", gitrepo.Options{SSHKey: s.Key, HostKey: s.HostKey})
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := r.Tip(t.Context(), "main"); !errors.Is(err, gitrepo.ErrNotFound) {
					t.Errorf("got %v, want ErrNotFound", err)
				}
				_ = r.Close()
			}
		})
	}
	wg.Wait()
	if n := s.Sessions(); n != 200 {
		t.Errorf("%d sessions, want 200", n)
	}
}

// A home folder as CircleCI and people have it: an alias with HostName, Port, User and a
// key of its own.
func TestAnAliasOfTheSSHConfigurationIsReached(t *testing.T) {
	t.Parallel()
	s := sharedSSH(t)
	repo := repoOf(t, filepath.Join(t.TempDir(), "x.git"), chart)
	host, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	key := must(os.ReadFile(s.Key))(t)
	known := must(os.ReadFile(s.KnownHosts))(t)
	if err := os.MkdirAll(filepath.Join(home, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf("Host charts\n  HostName %s\n  Port %s\n  User %s\n  IdentitiesOnly yes\n  IdentityFile ~/.ssh/id_rsa_0123456789abcdef0123456789abcdef\n", host, port, s.User)
	writeFile(t, filepath.Join(home, ".ssh", "config"), config)
	writeFile(t, filepath.Join(home, ".ssh", "id_rsa_0123456789abcdef0123456789abcdef"), string(key))
	writeFile(t, filepath.Join(home, ".ssh", "known_hosts"), "a line that is none\n"+string(known))
	var detail lines
	r := open(t, place{repo, "charts:" + repo.Dir, gitrepo.Options{Home: home, SSHSystemDir: t.TempDir(), Detail: detail.add}})
	tree := read(t, r, "main", "api/*")
	must(r.Push(t.Context(), tree, commitOf(map[string]string{"api/values.yaml": "tag: 2\n"})))(t)
	want := r.String() + ": " + filepath.Join(home, ".ssh", "known_hosts") + ": line 1 is left out: it is not a host and a key"
	if got := strings.Join(detail.all, "\n"); got != want {
		t.Errorf("details\n%s\nwant\n%s", got, want)
	}
}

// What is wrong with keys and host keys before a server is asked anything.
func TestSSHLoginsThatCannotWork(t *testing.T) {
	t.Parallel()
	s := testenv.StartSSHStub(t)
	_, port, _ := net.SplitHostPort(s.Addr)
	home := func(files map[string]string) string {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, ".ssh"), 0o700); err != nil {
			t.Fatal(err)
		}
		for name, text := range files {
			writeFile(t, filepath.Join(dir, ".ssh", name), text)
		}
		return dir
	}
	empty := home(nil)
	public := string(must(os.ReadFile(s.Key + ".pub"))(t))
	other := testenv.StartSSHStub(t)
	tests := []struct {
		name       string
		opts       gitrepo.Options
		kind       fault.Kind
		want, hint string
	}{
		{
			"no key at all",
			gitrepo.Options{Home: empty, HostKey: s.HostKey},
			fault.NoAccess,
			"no SSH key: there is none in ~/.ssh and none with an agent", "name a private key's file with --ssh-key or TAGBUMP_SSH_KEY",
		},
		{
			"an agent that is gone",
			gitrepo.Options{Home: empty, HostKey: s.HostKey, SSHAgentSocket: "/nowhere/agent"},
			fault.NoAccess,
			"no SSH key: there is none in ~/.ssh and none with an agent (the ssh agent at /nowhere/agent does not answer)", "name a private key's file with --ssh-key or TAGBUMP_SSH_KEY",
		},
		{
			"a key that is not there",
			gitrepo.Options{SSHKey: "/nowhere/key", HostKey: s.HostKey},
			fault.NoAccess,
			"the key /nowhere/key: no such file or directory", "",
		},
		{
			"a public key",
			gitrepo.Options{SSHKey: s.Key + ".pub", HostKey: s.HostKey},
			fault.NoAccess,
			"the key " + s.Key + ".pub: is a public key, and no agent has the private one; name the private key's file", "",
		},
		{
			"a key that the server does not know",
			gitrepo.Options{SSHKey: other.Key, HostKey: s.HostKey},
			fault.NoAccess,
			"the server takes no key that was offered", fmt.Sprintf("user %q with the key %s was tried; name another one with --ssh-key", "git", other.Key),
		},
		{
			"a host that is not known",
			gitrepo.Options{SSHKey: s.Key, Home: empty, SSHSystemDir: empty},
			fault.NoAccess,
			"the server's host key is not in " + empty + "/.ssh/known_hosts",
			"add it once you have checked it: ssh-keyscan -p " + port + " 127.0.0.1 >> " + empty + "/.ssh/known_hosts; or pin it with --ssh-host-key",
		},
		{
			"a host with another key",
			gitrepo.Options{SSHKey: s.Key, HostKey: other.HostKey},
			fault.NoAccess,
			"the server's host key is not the one that is known: this may be an attack, or a new key", "",
		},
		{
			"a host key that is revoked",
			gitrepo.Options{SSHKey: s.Key, Home: home(map[string]string{"known_hosts": "[127.0.0.1]:" + port + " " + s.HostKey + "\n@revoked * " + s.HostKey + "\n"}), SSHSystemDir: empty},
			fault.NoAccess, "the server's host key is revoked: somebody else may have the key", "",
		},
		{
			"a host behind a proxy",
			gitrepo.Options{SSHKey: s.Key, Home: home(map[string]string{"config": "Host 127.*\n  ProxyJump bastion\n"})},
			fault.Failed,
			`~/.ssh/config reaches 127.0.0.1 through "bastion", and proxies of ssh are not supported`, "use the repository's https URL, or ProxyJump none for this host",
		},
	}
	for _, test := range tests {
		var said lines
		test.opts.Progress = said.add
		r := must(gitrepo.Open("ssh://git@"+s.Addr+"/acme/charts.git", test.opts))(t)
		_, err := r.Tip(t.Context(), "main")
		if err == nil || err.Error() != r.String()+": main: "+test.want || fault.HintOf(err) != test.hint || fault.KindOf(err) != test.kind {
			t.Errorf("%s:\n got %v (%v)\n     hint %s\nwant …: %s (%v)\n     hint %s", test.name, err, fault.KindOf(err), fault.HintOf(err), test.want, test.kind, test.hint)
		}
		if len(said.all) > 0 {
			t.Errorf("%s: tried again: %q", test.name, said.all)
		}
	}
	if public == "" {
		t.Error("the key has no public half")
	}
}

// A pin that is not a key is wrong use, and is refused before anything connects.
func TestPinThatIsNotAKey(t *testing.T) {
	const url = "ssh://git@127.0.0.1:1/acme/charts.git"
	for _, key := range []string{"nonsense", "ssh-ed25519", "ssh-ed25519 AAAA"} {
		_, err := gitrepo.Open(url, gitrepo.Options{HostKey: key})
		want := url + ": the pinned host key is not a public key"
		if err == nil || err.Error() != want || fault.KindOf(err) != fault.Usage || !strings.Contains(fault.HintOf(err), "--ssh-host-key") {
			t.Errorf("%q: got %v (%v), hint %q; want %s", key, err, fault.KindOf(err), fault.HintOf(err), want)
		}
	}
}
