package openssh

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// home makes a home folder with files in its .ssh.
func home(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		write(t, filepath.Join(dir, ".ssh", name), text)
	}
	return dir
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

const config = `# what people have
Include extra.d/*.conf
Host work
    HostName git.corp.example
    Port = 2222
    User deploy
    IdentityFile "~/.ssh/id with blank"
    IdentityFile ~/.ssh/%h-%r

Host *.corp.example !legacy.corp.example
    IdentitiesOnly yes
    IdentityFile ~/.ssh/corp

Host legacy.corp.example
    ProxyJump bastion.corp.example
    HostKeyAlias old

Match host git.example.com user git
    Port 443
Match exec "test -f /tmp/x"
    User nobody
Match originalhost alias
    HostName %h.internal.example

Host *
    User fallback
    Port 22
    UserKnownHostsFile ~/.ssh/known_hosts ~/.ssh/%n_hosts
    IdentityAgent none
`

func TestLookupReadsTheConfigurationAsSSHDoes(t *testing.T) {
	dir := home(t, map[string]string{
		"config":         config,
		"extra.d/a.conf": "Host included\n\tHostName included.example\n",
		"extra.d/b.txt":  "Host included\n\tHostName wrong.example\n",
	})
	system := t.TempDir()
	write(t, filepath.Join(system, "ssh_config"), "Host *\n  GlobalKnownHostsFile /etc/hosts_of_all\n  Port 99\n")
	tests := []struct{ name, user, want string }{
		{"work", "", "git.corp.example:2222 deploy ~/.ssh/id with blank,~/.ssh/git.corp.example-deploy only=false"},
		{"git.corp.example", "", ":22 fallback ~/.ssh/corp only=true"},
		{"legacy.corp.example", "", ":22 fallback  only=false proxy=bastion.corp.example alias=old"},
		{"included", "", "included.example:22 fallback  only=false"},
		{"git.example.com", "git", ":443 fallback  only=false"},
		{"git.example.com", "other", ":22 fallback  only=false"},
		{"alias", "", "alias.internal.example:22 fallback  only=false"},
	}
	for _, test := range tests {
		h := Lookup(dir, system, test.name, test.user)
		got := fmt.Sprintf("%s:%s %s %s only=%t", h.HostName, h.Port, h.User, strings.Join(h.IdentityFiles, ","), h.IdentitiesOnly)
		if h.Proxy != "" {
			got += " proxy=" + h.Proxy + " alias=" + h.HostKeyAlias
		}
		if got = strings.ReplaceAll(got, dir, "~"); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
		if known := strings.ReplaceAll(fmt.Sprint(h.UserKnownHosts, h.GlobalKnownHosts), dir, "~"); known != "[~/.ssh/known_hosts ~/.ssh/"+test.name+"_hosts] [/etc/hosts_of_all]" {
			t.Errorf("%s: known hosts %s", test.name, known)
		}
		if h.IdentityAgent != "none" {
			t.Errorf("%s: agent %q", test.name, h.IdentityAgent)
		}
		if len(h.Notes) != 1 || !strings.HasSuffix(h.Notes[0], "config: line 20: Match exec is not understood, the block is left out") {
			t.Errorf("%s: notes %q", test.name, h.Notes)
		}
	}
}

func TestLookupWithoutFilesSaysNothing(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		h := Lookup(dir, t.TempDir(), "github.com", "git")
		if got := fmt.Sprintf("%+v", h); got != fmt.Sprintf("%+v", Host{}) {
			t.Errorf("got %s", got)
		}
	}
}

func TestFilesThatIncludeEachOtherEnd(t *testing.T) {
	dir := home(t, map[string]string{"config": "Include config\nHost *\n  Port 2022\n"})
	if h := Lookup(dir, t.TempDir(), "x", ""); h.Port != "2022" {
		t.Errorf("port %q", h.Port)
	}
}

func TestSpellingsOfOneLine(t *testing.T) {
	for line, want := range map[string]string{
		"Port 22":                   "port [22]",
		"  PORT=22":                 "port [22]",
		"port = 22 # usual":         "port [22]",
		"Port\t22":                  "port [22]",
		`IdentityFile "a b"`:        "identityfile [a b]",
		`Host a "b c" d`:            "host [a b c d]",
		"Compression":               "compression []",
		"# Port 22":                 " []",
		"":                          " []",
		"ProxyCommand ssh -W x:y z": "proxycommand [ssh -W x:y z]",
	} {
		keyword, args := splitLine(line)
		if got := fmt.Sprintf("%s %v", keyword, args); got != want {
			t.Errorf("%q: got %s, want %s", line, got, want)
		}
	}
}
