package wire

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// worldOf is a world of variables alone; what it says goes to said.
func worldOf(variables map[string]string, said *strings.Builder) World {
	return World{
		Getenv: func(name string) string { return variables[name] },
		Now:    func() time.Time { return time.Date(2026, 11, 26, 3, 12, 0, 0, time.UTC) },
		Say:    func(format string, args ...any) { said.WriteString(format) },
		Detail: func(string, ...any) {},
	}
}

func TestWhichTokenGoesWhere(t *testing.T) {
	env := map[string]string{"GITHUB_TOKEN": "for-github", "GITLAB_TOKEN": "for-gitlab"}
	for repo, want := range map[string]string{
		"https://github.com/acme/charts.git":       "GITHUB_TOKEN",
		"https://GitHub.com/acme/charts":           "GITHUB_TOKEN",
		"https://acme.ghe.com/acme/charts":         "GITHUB_TOKEN",
		"https://gitlab.com/acme/charts":           "GITLAB_TOKEN",
		"https://github.com.evil.example/a/b":      "",
		"https://evil.example/github.com/charts":   "",
		"https://evilgithub.com/acme/charts":       "",
		"https://evilghe.com/acme/charts":          "",
		"https://git.corp.example/acme/charts.git": "",
		"git@git.corp.example:acme/charts.git":     "",
		"/srv/charts.git":                          "",
	} {
		if c := worldOf(env, nil).gitCredential(Place{raw: repo}); c.secret != env[want] || want != "" && c.source != want {
			t.Errorf("%s gets %+v, want %q", repo, c, want)
		}
	}
	env["TAGBUMP_TOKEN"] = "for-the-repo"
	if c := worldOf(env, nil).gitCredential(Place{raw: "https://git.corp.example/x"}); c.source != "TAGBUMP_TOKEN" {
		t.Errorf("TAGBUMP_TOKEN is for whatever --repo names, got %+v", c)
	}
}

// TestTheTokenOfAGitLabJob holds that it goes to its own server only, by git only, and with
// the user name that GitLab wants.
func TestTheTokenOfAGitLabJob(t *testing.T) {
	const ours, theirs = "https://git.acme.example/acme/charts.git", "https://gitlab.com/acme/charts.git"
	job := map[string]string{"CI_JOB_TOKEN": "glcbt-64_abcdefgh", "CI_SERVER_HOST": "git.acme.example"}
	with := func(name, value string) map[string]string {
		env := maps.Clone(job)
		env[name] = value
		return env
	}
	for _, test := range []struct {
		name, repo   string
		env          map[string]string
		source, user string
		api          string // the error of the API, "" when it gets a token
	}{
		{"its own server", ours, job, "CI_JOB_TOKEN", "gitlab-ci-token", "needs another token than the job's"},
		{"another GitLab", theirs, job, "no token is set: TAGBUMP_TOKEN or GITLAB_TOKEN", "", "no token is set"},
		{"another forge", "https://github.com/acme/charts.git", job, "no token is set: TAGBUMP_TOKEN, GITHUB_TOKEN or GH_TOKEN", "", "no token is set"},
		{"a host of that name before it", "https://git.acme.example.evil.example/a/b.git", job, "no token is set: TAGBUMP_TOKEN", "", "which forge that is, is not known"},
		{"a project token wins", ours, with("GITLAB_TOKEN", "glpat-0123456789"), "GITLAB_TOKEN", "", ""},
		{"in TAGBUMP_TOKEN", ours, with("TAGBUMP_TOKEN", job["CI_JOB_TOKEN"]), "TAGBUMP_TOKEN", "gitlab-ci-token", "needs another token than the job's"},
		{"another job's in TAGBUMP_TOKEN", ours, with("TAGBUMP_TOKEN", "glcbt-64_other"), "TAGBUMP_TOKEN", "gitlab-ci-token", "needs another token than the job's"},
		{"a user that a person names", ours, with("TAGBUMP_USERNAME", "ada"), "CI_JOB_TOKEN", "ada", "needs another token than the job's"},
	} {
		var said strings.Builder
		w := worldOf(test.env, &said)
		place, err := w.Locate(test.repo)
		if err != nil {
			t.Fatal(err)
		}
		if c := w.gitCredential(place); c.source != test.source || w.gitUsername(place) != test.user {
			t.Errorf("%s: %+v for %q", test.name, c, w.gitUsername(place))
		}
		if _, err := w.OpenForge(place); (err == nil) != (test.api == "") || err != nil && !strings.Contains(err.Error(), test.api) {
			t.Errorf("%s: the API: %v", test.name, err)
		}
	}
}

func TestAnAddressMeansTheSameHereAsElsewhere(t *testing.T) {
	for _, test := range testenv.Addresses(t) {
		var said strings.Builder
		w := worldOf(map[string]string{"TAGBUMP_TOKEN": "for-the-repo"}, &said)
		want := test.Problem
		if test.Credentials {
			want = "has credentials in it, and a URL is shown by logs and process lists"
		}
		place, err := w.Locate(test.Raw)
		if err == nil {
			_, err = w.OpenRepository(place, Options{})
		}
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasSuffix(err.Error(), ": "+want)) {
			t.Errorf("%s:\n got %v\nwant %s", test.Raw, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "er2secret") {
			t.Errorf("a secret is in %v", err)
		}
		if warned := strings.Contains(said.String(), "without encryption"); err == nil && warned != test.Clear {
			t.Errorf("%s: warned %t of a token in the clear, want %t", test.Raw, warned, test.Clear)
		}
		if got, _ := w.forgeAt(Place{raw: test.Raw}.forgeHost()); test.Problem == "" && got.name != test.Forge {
			t.Errorf("%s: forge %q, want %q", test.Raw, got.name, test.Forge)
		}
	}
}

func TestWhichAPIOpensPullRequests(t *testing.T) {
	for _, test := range []struct{ repo, given, want, err string }{
		{"https://github.com/acme/charts", "", "", ""},
		{"git@github.com:acme/charts.git", "https://api.github.com", "", ""},
		{"https://github.com/acme/charts", "https://git.corp.example/api/v3", "", ""},
		{"https://git.corp.example/acme/charts", "https://git.corp.example/api/v3", "https://git.corp.example/api/v3", ""},
		{"https://gitlab.com/acme/charts", "https://api.github.com", "", "a pull request at gitlab.com: which forge that is, is not known"},
		{"/srv/charts.git", "", "", "a pull request in a local path: no forge has it"},
		{"https://www.github.com/acme/charts", "", "", ""},
		{"ssh://git@ssh.github.com:443/acme/charts.git", "", "", ""},
		{"https://ACME.ghe.com/acme/charts", "", "https://api.acme.ghe.com", ""},
		{"acme@acme.ghe.com:acme/charts.git", "https://api.github.com", "https://api.acme.ghe.com", ""},
	} {
		got, err := githubAPI(Place{raw: test.repo}, test.given)
		if got != test.want || test.err == "" && err != nil || test.err != "" && (err == nil || err.Error() != test.err) {
			t.Errorf("the API of %q, given %q: = %q, %v; want %q, %q", test.repo, test.given, got, err, test.want, test.err)
		}
	}
}
