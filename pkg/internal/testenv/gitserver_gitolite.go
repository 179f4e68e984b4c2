package testenv

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// gitoliteShell is where Debian's gitolite3 has the program that serves its users.
const gitoliteShell = "/usr/share/gitolite3/gitolite-shell"

// A Gitolite is a gitolite behind sshd: many users, each with a key, and rights to
// repositories and branches.
type Gitolite struct {
	SSH  *SSHServer
	home string
	keys map[string]string
}

// StartGitolite serves the repositories of config, in the language of
// gitolite.conf, to the given users. The test is skipped without gitolite or sshd.
func StartGitolite(t TB, config string, users ...string) *Gitolite {
	t.Helper()
	if _, err := os.Stat(gitoliteShell); err != nil {
		t.Skip("gitolite is not installed (apt-get install gitolite3)")
	}
	g := &Gitolite{SSH: StartSSH(t, SSHOptions{}), home: t.TempDir(), keys: make(map[string]string)}
	if err := g.setUp(config, users); err != nil {
		t.Fatalf("gitolite: %v", err)
	}
	return g
}

func (g *Gitolite) setUp(config string, users []string) error {
	if err := g.run("setup", "-a", "admin"); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(g.home, ".gitolite", "conf", "gitolite.conf"), []byte(config), 0o600); err != nil {
		return err
	}
	if err := g.run("compile"); err != nil {
		return err
	}
	for _, user := range users {
		key, err := g.SSH.AddKey(user, fmt.Sprintf("env HOME=%s %s %s", g.home, gitoliteShell, user))
		if err != nil {
			return err
		}
		g.keys[user] = key
	}
	return nil
}

func (g *Gitolite) run(args ...string) error {
	cmd := exec.Command("gitolite", args...)
	cmd.Env = append(isolation(g.home), "PATH="+os.Getenv("PATH"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("gitolite %s: %w: %s", args[0], err, out)
	}
	return nil
}

// Key returns the file of a user's private key.
func (g *Gitolite) Key(user string) string { return g.keys[user] }

// URL returns the ssh URL of a repository.
func (g *Gitolite) URL(name string) string {
	return "ssh://" + g.SSH.User + "@" + g.SSH.Addr + "/" + name
}

// Repo returns a repository on disk, past gitolite.
func (g *Gitolite) Repo(name string) *GitRepo {
	return &GitRepo{filepath.Join(g.home, "repositories", name+".git")}
}
