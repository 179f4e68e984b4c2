package gitrepo_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/gitrepo"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

func TestOpenTakesTheAddressesThatGitTakesAndNoOthers(t *testing.T) {
	t.Parallel()
	for _, test := range testenv.Addresses(t) {
		r, err := gitrepo.Open(test.Raw, gitrepo.Options{})
		switch {
		case test.Problem == "" && err != nil:
			t.Errorf("%s: %v", test.Raw, err)
		case test.Problem == "" && r.String() != test.Shown:
			t.Errorf("%s: shown as %s, want %s", test.Raw, r, test.Shown)
		case test.Problem != "" && (err == nil || !strings.HasSuffix(err.Error(), ": "+test.Problem)):
			t.Errorf("%s:\n got %v\nwant …: %s", test.Raw, err, test.Problem)
		case err != nil && strings.Contains(err.Error(), "er2secret"):
			t.Errorf("a secret is in %v", err)
		}
	}
}

func TestOptionsThatContradictTheURLAreRefused(t *testing.T) {
	t.Parallel()
	_, err := gitrepo.Open("https://u:one-secret@example.com/x", gitrepo.Options{Token: "another-secret"})
	const want = `repository "https://REDACTED@example.com/x": a token and a password in the URL are given, and differ`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestACommitThatWouldInjectAHeaderIsRefused(t *testing.T) {
	t.Parallel()
	p := places(t, chart)["path"](t)
	tests := []struct {
		change  func(*gitrepo.Commit)
		problem string
	}{
		{func(c *gitrepo.Commit) { c.Author.Name = "A\nparent x" }, `the author's name "A\nparent x" holds a control character, < or >`},
		{func(c *gitrepo.Commit) { c.Author.Email = "a@b> 1 +0000" }, `the author's email address "a@b> 1 +0000" holds a control character, < or >`},
		{func(c *gitrepo.Commit) { c.Committer = c.Author; c.Committer.Name = " " }, "the committer has no name"},
		{func(c *gitrepo.Commit) { c.Committer = c.Author; c.Committer.Name = "\x00" }, `the committer's name "\x00" holds a control character, < or >`},
		{func(c *gitrepo.Commit) { c.Message = "a\x00b" }, "the commit message holds a NUL"},
		{func(c *gitrepo.Commit) { c.Message = " \n" }, "the commit message is empty"},
		{func(c *gitrepo.Commit) { c.Message = "\xff" }, "the commit message is not UTF-8"},
		{func(c *gitrepo.Commit) { c.Files = map[string][]byte{"new.yaml": nil} }, "new.yaml: is not among the files that were read"},
		{func(c *gitrepo.Commit) { c.Files = map[string][]byte{"api/values.yaml": []byte("tag: 1.0\n")} }, "nothing to commit: the files are as they were"},
		{func(c *gitrepo.Commit) { c.Branch = "a..b" }, `"a..b" is not a branch name`},
	}
	r := open(t, p)
	tree := read(t, r, "main", "api/*")
	for _, test := range tests {
		c := commitOf(map[string]string{"api/values.yaml": "tag: 2\n"})
		test.change(&c)
		if _, err := r.Push(t.Context(), tree, c); err == nil || !strings.HasSuffix(err.Error(), ": "+test.problem) {
			t.Errorf("got %v, want %s", err, test.problem)
		}
	}
	if tip := must(p.repo.Tip("main"))(t); tip != tree.Tip() {
		t.Errorf("main moved to %s", tip)
	}
}

func TestTheServersHostKeyMustBeKnown(t *testing.T) {
	t.Parallel()
	one, other := testenv.StartSSH(t, testenv.SSHOptions{HostKeys: []string{"ed25519", "ecdsa", "rsa"}}), testenv.StartSSH(t, testenv.SSHOptions{})
	repo := repoOf(t, filepath.Join(t.TempDir(), "x.git"), chart)
	none := filepath.Join(t.TempDir(), "known_hosts")
	writeFile(t, none, "")
	tests := []struct {
		opts    gitrepo.Options
		problem string
	}{
		{gitrepo.Options{KnownHosts: one.KnownHosts}, ""},
		{gitrepo.Options{HostKey: one.HostKey}, ""},
		{gitrepo.Options{HostKey: other.HostKey}, "the server's host key is not the one that is known: this may be an attack, or a new key"},
		{gitrepo.Options{KnownHosts: none}, "the server's host key is not in " + none},
		{gitrepo.Options{SSHSystemDir: t.TempDir()}, "the server's host key is not in ~/.ssh/known_hosts"},
	}
	for _, test := range tests {
		test.opts.SSHKey = one.Key
		_, err := must(gitrepo.Open(one.RepoURL(repo.Dir), test.opts))(t).Tip(t.Context(), "main")
		switch {
		case test.problem == "" && err != nil:
			t.Error(err)
		case test.problem != "" && (!errors.Is(err, gitrepo.ErrAuth) || !strings.HasSuffix(err.Error(), ": "+test.problem)):
			t.Errorf("got %v, want %s", err, test.problem)
		}
	}
	_, err := must(gitrepo.Open(one.RepoURL(repo.Dir), gitrepo.Options{SSHKey: other.Key, HostKey: one.HostKey}))(t).Tip(t.Context(), "main")
	if !errors.Is(err, gitrepo.ErrAuth) || !strings.HasSuffix(err.Error(), ": the server takes no key that was offered") {
		t.Errorf("a strange key: got %v", err)
	}
}
