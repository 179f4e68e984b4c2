package worktree

import (
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/fault"
)

// Words of git and of servers, as they were seen.
func TestClassify(t *testing.T) {
	for words, want := range map[string]fault.Kind{
		"! [rejected] main -> main (fetch first)":                                                                                 fault.Refused,
		"! [remote rejected] main -> main (pre-receive hook declined)":                                                            fault.Refused,
		"remote: error: GH006: Protected branch update failed for refs/heads/main.":                                               fault.Refused,
		"fatal: Authentication failed for 'https://git.example/x.git/'":                                                           fault.NoAccess,
		"fatal: could not read Username for 'https://git.example': terminal prompts disabled":                                     fault.NoAccess,
		"git@git.example: Permission denied (publickey).\nfatal: Could not read from remote repository.":                          fault.NoAccess,
		"remote: Permission to acme/charts.git denied to ci-bot.\nfatal: unable to access: The requested URL returned error: 403": fault.NoAccess,
		"Host key verification failed.\nfatal: Could not read from remote repository.":                                            fault.NoAccess,
		"ssh: Could not resolve hostname git.example: Name or service not known":                                                  fault.Unavailable,
		"fatal: unable to access 'https://x/': Failed to connect to x port 443: Connection refused":                               fault.Unavailable,
		"fatal: unable to access 'https://x/': The requested URL returned error: 503":                                             fault.Unavailable,
		"error: RPC failed; curl 56 Recv failure: Connection reset by peer":                                                       fault.Unavailable,
		"fatal: '/srv/x.git' does not appear to be a git repository":                                                              fault.NotFound,
		"remote: Repository not found.\nfatal: repository 'https://x/y.git/' not found":                                           fault.NotFound,
		"something new": fault.Refused,
	} {
		if got := (&gitError{stderr: words}).classify(); got != want {
			t.Errorf("%q: %v, want %v", words, got, want)
		}
	}
}

func TestAGitErrorIsOneLine(t *testing.T) {
	for _, test := range []struct {
		err  gitError
		want string
	}{
		{gitError{"push", "", "remote: frozen\nhint: read the manual\n ! [rejected]\n"}, "git push: remote: frozen; ! [rejected]"},
		{gitError{"hook", "said on stdout\n", ""}, "git hook: said on stdout"},
	} {
		if got := test.err.Error(); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
	if got := verbOf(strings.Fields("git --no-optional-locks -c a.b=c push origin")); got != "push" {
		t.Errorf("%q", got)
	}
	if got := verbOf([]string{"git", "-c"}); got != "" {
		t.Errorf("%q", got)
	}
}
