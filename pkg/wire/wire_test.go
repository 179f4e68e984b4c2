package wire

import (
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
